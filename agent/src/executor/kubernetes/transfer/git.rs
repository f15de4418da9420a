//! Steps of `run.init` that clone a repository: where it is, what of it, and the folder that it becomes. Pure.

use std::num::NonZeroU32;
use std::path::Path;

use serde_json::Value;

use super::super::super::Refusal;
use super::super::pod::unsupported;
use super::relative;
use crate::connections::{Connection, Reach};
use crate::transfer::Task;

/// What clones what `git` says, and what it doesn't say the connection; into a folder of its name below `folder`: the
/// connection's, or the last of its address.
pub(super) fn clone(
    git: &Value,
    connection: Option<&Connection>,
    folder: &Path,
    field: &str,
) -> Result<Task, Refusal> {
    let own = |name: &str| format!("{field}.{name}");
    let theirs = |name: &str| {
        connection.map(|one| format!("connections.{}.schema.{name}", one.name)).unwrap_or_default()
    };
    let text = |name: &str| git.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let flags = |given: &Value| -> Vec<String> {
        given.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (their_url, their_revision, their_flags) = match connection.map(|one| &one.reach) {
        Some(Reach::Git { url, revision, flags }) => (url.as_deref(), revision.as_deref(), flags.as_slice()),
        _ => (None, None, [].as_slice()),
    };
    let (url, said_by) = match (text("url"), their_url) {
        (Some(url), _) => (url, own("url")),
        (None, Some(url)) => (url, theirs("url")),
        (None, None) => {
            let why = "is missing, and no connection of kind git says where it is";
            return Err(unsupported(&own("url"), why));
        }
    };
    let last = check(url, &said_by)?;
    let depth = match git.get("flags").map(flags).filter(|flags| !flags.is_empty()) {
        Some(flags) => depth(&flags, &own("flags"))?,
        None => depth(their_flags, &theirs("flags"))?,
    };
    let into = folder.join(connection.map_or(last, |one| one.name.as_str()));
    let revision = text("revision").or(their_revision).map(str::to_owned);
    Ok(Task::Clone { url: url.to_owned(), revision, depth, into })
}

/// Checks an address; gives the last of it, as a folder's name.
fn check<'u>(url: &'u str, field: &str) -> Result<&'u str, Refusal> {
    let rest = ["https://", "http://", "git://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let holds_credentials = |rest: &str| rest.split('/').next().is_some_and(|host| host.contains('@'));
    match rest {
        Some(rest) if holds_credentials(rest) => {
            Err(unsupported(field, "holds credentials, which belong into a connection's secret"))
        }
        Some(rest) => {
            let last = rest.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            let last = relative(last.strip_suffix(".git").unwrap_or(last), field)?;
            Ok(if last.is_empty() || last == "." { "repository" } else { last })
        }
        // What it is may hold credentials too, so that it isn't told.
        None if url.contains("://") => {
            let scheme = url.split("://").next().unwrap_or_default();
            Err(unsupported(field, &format!("begins with `{scheme}://`; {CLONED_BY}")))
        }
        None => Err(unsupported(field, &format!("is `{url}`; {CLONED_BY}"))),
    }
}

const CLONED_BY: &str = "repositories are cloned by https://, http:// and git://";

/// How much history git's flags ask for.
fn depth(flags: &[String], field: &str) -> Result<Option<NonZeroU32>, Refusal> {
    let found = flags.join(" ").replace("--depth=", "--depth ");
    match found.split_whitespace().collect::<Vec<_>>().as_slice() {
        [] => Ok(None),
        ["--depth", depth] if depth.parse::<NonZeroU32>().is_ok() => Ok(depth.parse().ok()),
        _ => Err(unsupported(field, &format!("is `{found}`; allowed is `--depth COMMITS`"))),
    }
}

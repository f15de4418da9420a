//! Clones a repository: over HTTPS, HTTP or git's own protocol, by a library, since our image has no `git`.
//!
//! Credentials are told over HTTPS, to the server that was named, when it asks for them. They are part of no URL, so
//! that nothing that is logged or left in the clone has them.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use gix::clone::PrepareFetch;
use gix::credentials::helper::Action;
use gix::credentials::protocol::{Context, Outcome};
use gix::remote::fetch::Shallow;
use gix::sec::identity::Account;
use gix::url::Scheme;
use percent_encoding::percent_decode_str;

use super::Error;

/// The variable with `USER:PASSWORD` for repositories, written as in a URL, as Polyaxon has it.
pub(super) const CREDENTIALS_VARIABLE: &str = "POLYAXON_GIT_CREDENTIALS";

/// What is cloned.
pub(super) struct Wanted<'a> {
    pub(super) url: &'a str,
    /// A branch, a tag, a whole commit id, or a full name of a reference; the remote's own choice if none is given.
    pub(super) revision: Option<&'a str>,
    /// How many commits of its history; all if none is given.
    pub(super) depth: Option<NonZeroU32>,
}

/// Clones what is wanted into a new folder, as whoever `credentials` (`USER:PASSWORD`) say; gives the commit. Blocks.
pub(super) fn clone(wanted: &Wanted<'_>, into: &Path, credentials: Option<&str>) -> Result<String, Error> {
    std::fs::create_dir_all(into).map_err(|source| Error::File {
        doing: format!("can't make the folder {}", into.display()),
        source,
    })?;
    let work = || -> gix::Result<String> {
        let (kind, created) = (gix::create::Kind::WithWorktree, gix::create::Options::default());
        let mut prepared =
            PrepareFetch::new(wanted.url, into, kind, created, gix::open::Options::isolated())?;
        prepared = match wanted.revision {
            None => prepared,
            Some(exact) if is_exact(exact) => prepared.with_revision(Some(exact))?,
            Some(name) => prepared.with_ref_name(Some(name))?,
        };
        if let Some(depth) = wanted.depth {
            prepared = prepared.with_shallow(Shallow::DepthAtRemote(depth));
        }
        let asked = gix::url::parse(wanted.url)?;
        let account = credentials.map(account);
        prepared = prepared.configure_connection(move |connection| {
            let (asked, account) = (asked.clone(), account.clone());
            // Nobody can be asked, and nothing of this machine's own is offered.
            connection.set_credentials(move |action| match (action, account.clone()) {
                (Action::Get(context), Some(identity)) => tell(&asked, context, identity).map(Some),
                _ => Ok(None),
            });
            Ok(())
        });
        let interrupted = AtomicBool::new(false);
        let (mut checkout, _) = prepared.fetch_then_checkout(gix::progress::Discard, &interrupted)?;
        let (repository, _) = checkout.main_worktree(gix::progress::Discard, &interrupted)?;
        Ok(repository.head_id()?.to_string())
    };
    work().map_err(|error| {
        let mut problem = crate::control::chain(&error);
        if error.is_unauthenticated() {
            problem = match credentials {
                None => format!(
                    "it asks for credentials, and there are none: `{CREDENTIALS_VARIABLE}` of the connection's \
                     secret tells them"
                ),
                Some(_) => format!("it doesn't take the credentials of `{CREDENTIALS_VARIABLE}`: {problem}"),
            };
        }
        Error::Git { url: wanted.url.to_owned(), problem }
    })
}

/// Tells who we are to the server that was `asked`, and to no other that it may have sent us to.
fn tell(asked: &gix::Url, by: Context, identity: Account) -> gix::Result<Outcome> {
    let now = by.url.as_ref().and_then(|url| gix::url::parse(url).ok());
    let place = |url: &gix::Url| (url.host().map(str::to_ascii_lowercase), url.port_or_default());
    let is_asked = |now: &gix::Url| {
        let is_safer = asked.scheme == Scheme::Http && now.scheme == Scheme::Https;
        now.scheme == asked.scheme && place(now) == place(asked)
            || is_safer && now.host() == asked.host() && (now.port, asked.port) == (None, None)
    };
    match now {
        Some(url) if is_asked(&url) => Ok(Outcome { identity, next: by.into() }),
        _ => Err(gix::Error::from_error(std::io::Error::other(
            "it sent us to another server, which asks for credentials and is told none",
        ))),
    }
}

/// Whether a revision is no short name of a branch or a tag.
fn is_exact(revision: &str) -> bool {
    let is_id = revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id || revision.starts_with("refs/") || revision == "HEAD"
}

fn account(text: &str) -> Account {
    let plain = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    let (username, password) = text.trim().split_once(':').unwrap_or((text.trim(), ""));
    Account { username: plain(username), password: plain(password), oauth_refresh_token: None }
}

#[cfg(test)]
mod tests;

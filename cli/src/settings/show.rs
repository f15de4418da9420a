//! `berth config show`: what holds and where it came from, secrets hidden. Writing it out is the output's.

use super::resolve::{Resolved, Value};
use super::table::{DefaultValue, Setting};

/// What stands for a secret.
const HIDDEN: &str = "(hidden)";

/// One line of `berth config show`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Shown {
    /// The setting.
    pub key: &'static str,
    /// What it holds, or how its default is made.
    pub value: String,
    /// Where that came from.
    pub from: String,
}

/// Every setting of a part, in the table's order.
#[must_use]
pub fn show(resolved: &Resolved) -> Vec<Shown> {
    Setting::of(resolved.part)
        .map(|setting| {
            let value = resolved.get(setting.key);
            Shown {
                key: setting.key,
                value: value.map_or_else(|| absent(setting), |value| visible(setting, value)),
                from: value.map_or_else(|| "default".to_owned(), |value| value.origin.to_string()),
            }
        })
        .collect()
}

fn absent(setting: &Setting) -> String {
    match setting.default {
        DefaultValue::Derived(how) => format!("({how})"),
        _ => "(not set)".to_owned(),
    }
}

/// A URL shows where it leads, without who goes there; any other secret shows nothing.
fn visible(setting: &Setting, value: &Value) -> String {
    if !setting.secret {
        return value.text.clone();
    }
    if value.origin == super::Origin::Default {
        return value.text.clone();
    }
    let Some((scheme, _)) = value.text.split_once(':').filter(|_| setting.key.ends_with("_url")) else {
        return HIDDEN.to_owned();
    };
    match url::Url::parse(&value.text) {
        Ok(url) if url.has_host() => {
            let host = url.host_str().unwrap_or_default();
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            let user = if url.username().is_empty() && url.password().is_none() { "" } else { "(hidden)@" };
            format!("{scheme}://{user}{host}{port}{}", url.path())
        }
        Ok(_) if scheme == "sqlite" || scheme == "memory" => value.text.clone(),
        _ => format!("{scheme}:{HIDDEN}"),
    }
}

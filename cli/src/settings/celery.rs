//! What Celery's tools may do and see. What it means is the scheduler crate's.

use std::collections::{BTreeMap, BTreeSet};

use berth_domain::name::{DEFAULT, Slug};
use berth_scheduler::{Control, EventsWhen};

use secrecy::SecretString;

use super::broker::is_watched;
use super::resolve::{Error, Resolved};

/// The longest name of a namespace.
const LONGEST: usize = 64;

/// The settings that begin with `celery_`.
#[derive(Debug, Clone)]
pub struct CelerySettings {
    /// What remote control may do.
    pub control: Control,
    /// The namespaces whose commands may change something, where any may.
    pub principals: BTreeSet<String>,
    /// When events of runs are sent.
    pub events: EventsWhen,
    /// The accounts that may submit, and their organizations.
    pub submitters: BTreeMap<String, String>,
    /// The Redis that results are stored on; not given, it is the broker, if that is one.
    pub results: Option<SecretString>,
}

impl CelerySettings {
    /// Reads them.
    ///
    /// # Errors
    /// If one is none of its words.
    pub fn read(resolved: &Resolved) -> Result<Self, Error> {
        let control = resolved.read("celery_control", "off, inspect or all", |text| match text {
            "off" => Some(Control::Off),
            "inspect" => Some(Control::Inspect),
            "all" => Some(Control::All),
            _ => None,
        })?;
        let events = resolved.read("celery_events", "off, on-demand or always", |text| match text {
            "off" => Some(EventsWhen::Off),
            "on-demand" => Some(EventsWhen::OnDemand),
            "always" => Some(EventsWhen::Always),
            _ => None,
        })?;
        let allowed = "a comma list of namespaces, each 1 to 64 letters, digits, `-`, `_` and `.`";
        let principals = resolved.read("celery_principals", allowed, |text| {
            let names: BTreeSet<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
            names.iter().all(|name| is_namespace(name)).then_some(names)
        })?;
        let results =
            resolved.read("celery_result_url", "redis(s)://[USER:PASSWORD@]HOST[:PORT][/DB]", |text| {
                (text.starts_with("redis://") || text.starts_with("rediss://") || is_watched(text))
                    .then(|| text.into())
            })?;
        Ok(Self {
            control: control.unwrap_or(Control::Inspect),
            principals: principals.unwrap_or_default(),
            events: events.unwrap_or(EventsWhen::OnDemand),
            submitters: submitters(resolved)?,
            results,
        })
    }
}

/// The accounts that may submit, and their organizations.
///
/// # Errors
/// If one has no such name.
pub fn submitters(resolved: &Resolved) -> Result<BTreeMap<String, String>, Error> {
    let allowed =
        "a comma list of ACCOUNT or ACCOUNT=ORGANIZATION, an account being 1 to 63 of a-z, 0-9 and `-`";
    let submitters = resolved.read("celery_submitters", allowed, |text| {
        text.split(',')
            .map(|item| {
                let (account, owner) = item.trim().split_once('=').unwrap_or((item.trim(), DEFAULT));
                let account: Slug = account.parse().ok()?;
                (!owner.is_empty()).then(|| (account.to_string(), owner.to_owned()))
            })
            .collect()
    })?;
    Ok(submitters.unwrap_or_default())
}

fn is_namespace(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=LONGEST).contains(&name.len()) && name.chars().all(fits)
}

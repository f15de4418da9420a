//! What each command does: one file per group. The services that `up`, `api`, ... run are in `serve`.

use std::path::PathBuf;

use crate::client::{Client, kept::Kept};
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::{ClientSettings, Given, Part, Sources, config_folder, load};

pub mod agents;
pub mod completion;
pub mod config;
pub mod credentials;
pub mod dead;
pub mod login;
pub mod logs;
pub mod many;
pub mod news;
pub mod ops;
pub mod organization;
pub mod presets;
pub mod projects;
pub mod queues;
pub mod ready;
pub mod run;
pub mod statuses;
pub mod tokens;

/// What the program knows of its surroundings; read once, in `main`.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Looks a variable up.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a file.
    pub read: &'a dyn Fn(&str) -> std::io::Result<String>,
    /// `--config`.
    pub config: Option<&'a str>,
}

impl Surroundings<'_> {
    /// The settings of a part.
    ///
    /// # Errors
    /// If one can't be used.
    pub fn settings(&self, part: Part, flags: &Given) -> Result<crate::settings::Resolved, Failure> {
        let sources = Sources { variable: self.variable, read: self.read };
        Ok(load(part, flags, self.config, &sources)?)
    }
}

/// What every command that speaks to a server has.
pub struct Session {
    /// The server.
    pub client: Client,
    /// The organization.
    pub owner: String,
    /// The project.
    pub project: String,
    /// Where answers go.
    pub output: Output,
}

impl Session {
    /// Sets a client up: settings, then what is kept for the host.
    ///
    /// # Errors
    /// If a setting can't be used.
    pub fn open(surroundings: &Surroundings<'_>, flags: &Given) -> Result<Self, Failure> {
        let settings = ClientSettings::read(&surroundings.settings(Part::Client, flags)?)?;
        let kept = match folder(surroundings) {
            Some(folder) => Kept::read(&folder)?.entry(&settings.host).cloned().unwrap_or_default(),
            None => crate::client::kept::Entry::default(),
        };
        let token = settings.token.or_else(|| kept.token());
        let or = |given: bool, text: String, kept: Option<String>| match kept {
            Some(kept) if !given => kept,
            _ => text,
        };
        Ok(Self {
            client: Client::new(settings.host, token)?,
            owner: or(settings.given.0, settings.owner, kept.owner),
            project: or(settings.given.1, settings.project, kept.project),
            output: Output::standard(settings.format),
        })
    }

    /// The path of a run, and what comes below it.
    #[must_use]
    pub fn run_path<'a>(&'a self, uuid: &'a str, below: &[&'a str]) -> Vec<&'a str> {
        let mut path = vec!["api", "v1", &self.owner, &self.project, "runs", uuid];
        path.extend(below);
        path
    }

    /// The path of something of the organization.
    #[must_use]
    pub fn org_path<'a>(&'a self, below: &[&'a str]) -> Vec<&'a str> {
        let mut path = vec!["api", "v1", "orgs", &self.owner];
        path.extend(below);
        path
    }
}

/// Where what is kept is kept.
fn folder(surroundings: &Surroundings<'_>) -> Option<PathBuf> {
    config_folder(surroundings.variable)
}

/// The items of a list's answer.
fn results(answer: &serde_json::Value) -> &[serde_json::Value] {
    answer.get("results").or(Some(answer)).and_then(serde_json::Value::as_array).map_or(&[], Vec::as_slice)
}

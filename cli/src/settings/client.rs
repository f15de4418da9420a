//! Whom commands speak to, as whom, about what, and how answers are written.

use secrecy::SecretString;
use url::Url;

use super::resolve::{Error, Origin, Resolved};

/// How answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns for people.
    Table,
    /// The answer itself.
    Json,
    /// The answer itself.
    Yaml,
    /// One name or id a line, for scripts.
    Name,
}

/// The settings of commands that speak to a server.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// The server, without a trailing `/`.
    pub host: Url,
    /// The token, if one was given; else the one kept for the host holds.
    pub token: Option<SecretString>,
    /// The organization.
    pub owner: String,
    /// The project.
    pub project: String,
    /// Whether owner and project were given, and not left to what is kept for the host.
    pub given: (bool, bool),
    /// How answers are written.
    pub format: Format,
}

impl ClientSettings {
    /// Reads them.
    ///
    /// # Errors
    /// If one can't be used.
    pub fn read(resolved: &Resolved) -> Result<Self, Error> {
        let host = resolved.read("host", "a URL: use http://HOST:PORT or https://HOST", |text| {
            let url = Url::parse(text.trim_end_matches('/')).ok()?;
            let fits = matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none();
            fits.then_some(url)
        })?;
        let path_part = |key: &str| {
            resolved.read(key, "a name: without `/`, `?` and `#`, at most 255 letters", |text| {
                let fits = !text.is_empty() && text.chars().count() <= 255 && !text.contains(['/', '?', '#']);
                fits.then(|| text.to_owned())
            })
        };
        let format = resolved.read("output", "table, json, yaml or name", |text| match text {
            "table" => Some(Format::Table),
            "json" => Some(Format::Json),
            "yaml" => Some(Format::Yaml),
            "name" => Some(Format::Name),
            _ => None,
        })?;
        let token = resolved.read("token", "a token: printable, without spaces", |text| {
            let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
            fits.then(|| SecretString::from(text.to_owned()))
        })?;
        let was_given = |key: &str| resolved.get(key).is_some_and(|value| value.origin != Origin::Default);
        Ok(Self {
            host: host.ok_or_else(|| Error::Together("`host` has no default".to_owned()))?,
            token,
            owner: path_part("owner")?.unwrap_or_default(),
            project: path_part("project")?.unwrap_or_default(),
            given: (was_given("owner"), was_given("project")),
            format: format.unwrap_or(Format::Table),
        })
    }
}

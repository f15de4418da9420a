//! How to reach a broker, and how patient to be with it.

use std::fmt;
use std::time::Duration;

use berth_broker_config::Names;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::sentinels::{FORM, Sentinels};
use crate::tls::Tls;

/// Which transport a URL names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `memory:`: in this process.
    Memory,
    /// `amqp://` or `amqps://`: RabbitMQ.
    Amqp,
    /// `redis://`, `rediss://`, or with `+sentinel` the master of which Sentinels tell.
    Redis,
}

/// Where RabbitMQ's management API is; other brokers have none.
#[derive(Clone, Debug, Default)]
pub enum ManagementUrl {
    /// On the broker's host, with the broker's credentials, at the plugin's own port: 15672, or 15671 with TLS.
    #[default]
    Beside,
    /// It is not used.
    Off,
    /// Here.
    At(ManagementAddress),
}

/// `http(s)://[USER:PASSWORD@]HOST[:PORT]`; without credentials, the broker's are used.
#[derive(Clone, Debug)]
pub struct ManagementAddress(SecretString);

impl ManagementAddress {
    pub(crate) fn url(&self) -> Result<Url, String> {
        Url::parse(self.0.expose_secret()).map_err(|error| error.to_string())
    }
}

impl std::str::FromStr for ManagementUrl {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |problem: &str| SettingsError::Part {
            part: "management URL",
            problem: format!("{problem}: use http(s)://[USER:PASSWORD@]HOST[:PORT], or off"),
        };
        if text == "off" {
            return Ok(Self::Off);
        }
        let url = Url::parse(text).map_err(|_| wrong("it is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("its scheme is another"));
        }
        Ok(Self::At(ManagementAddress(text.into())))
    }
}

/// Where a broker is, for people: no password is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `amqp`, `redis`, `sentinel` or `memory`: as Celery calls its transports.
    pub transport: &'static str,
    /// Its host; empty if it is in the process.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The virtual host, or the database's number.
    pub path: String,
    /// The user.
    pub user: Option<String>,
    /// Whether the connection is encrypted.
    pub is_tls: bool,
    /// All of it as a URL, its password hidden.
    pub shown: String,
}

/// How to reach a broker, and how patient to be with it.
#[derive(Clone)]
pub struct Settings {
    scheme: Scheme,
    /// With Sentinels, what it would be if the first of them were the Redis.
    url: SecretString,
    sentinels: Option<Sentinels>,
    password: SecretString,
    shown: String,
    user: String,
    database: u32,
    /// Names on the broker.
    pub names: Names,
    /// Shown in RabbitMQ's list of connections.
    pub connection_name: String,
    /// For one try to connect. Too long, and a client is late after its broker's return.
    pub connect_timeout: Duration,
    /// For the confirm of a batch and the answer to a command. Too short, and a busy broker's confirms are
    /// taken for lost.
    pub answer_timeout: Duration,
    /// A connection that was silent for twice this long is given up.
    pub heartbeat: Duration,
    /// What amqps:// and rediss:// need beside the system's authorities.
    pub tls: Tls,
    /// RabbitMQ: where its management API is.
    pub management: ManagementUrl,
    /// RabbitMQ: an agent's queue that let its consumer wait for this long, on a connection that is well otherwise,
    /// is deleted, to be declared anew. Longer than a leader's election and a node's restart take.
    pub leaderless_after: Duration,
    /// Redis: what a consumer held, and did not refresh for this long, is delivered again.
    pub visibility_timeout: Duration,
    /// Redis: what stands before Celery's own names, and those of queues that are others' (kombu's `global_keyprefix`).
    pub celery_prefix: String,
    /// Redis: how often lists are looked at that were filled by clients which give no hint.
    pub poll_interval: Duration,
}

/// A broker URL that can't be used. It never shows the URL's credentials.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Not a URL.
    #[error(
        "the broker URL is not a URL ({0}): write memory:, amqp(s)://user:password@host/vhost, redis(s)://user:password@host/db or {form}",
        form = FORM
    )]
    NotAUrl(url::ParseError),
    /// A scheme of something else.
    #[error(
        "the broker URL's scheme is `{0}`: use memory, amqp, amqps, redis, rediss, redis+sentinel or rediss+sentinel"
    )]
    Scheme(String),
    /// A part that the transport can't use.
    #[error("the broker URL's {part} is wrong: {problem}")]
    Part {
        /// Which part.
        part: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl Settings {
    /// Reads a broker URL; everything else is at its default.
    ///
    /// # Errors
    /// If it is not a URL, or not one of a broker.
    pub fn new(url: &str) -> Result<Self, SettingsError> {
        let (sentinels, url) = match Sentinels::of(url)? {
            Some((sentinels, plain)) => (Some(sentinels), plain),
            None => (None, url.to_owned()),
        };
        let parsed = Url::parse(&url).map_err(SettingsError::NotAUrl)?;
        let scheme = match parsed.scheme() {
            "memory" => Scheme::Memory,
            "amqp" | "amqps" => Scheme::Amqp,
            "redis" | "rediss" => Scheme::Redis,
            other => return Err(SettingsError::Scheme(other.to_owned())),
        };
        if scheme != Scheme::Memory && parsed.host_str().is_none_or(str::is_empty) {
            return Err(SettingsError::Part { part: "host", problem: "there is none".to_owned() });
        }
        let database = parsed.path().trim_matches('/');
        if scheme == Scheme::Redis && !database.is_empty() && database.parse::<u16>().is_err() {
            let problem = format!("`{database}` is not a database number");
            return Err(SettingsError::Part { part: "path", problem });
        }
        let mut shown = parsed.clone();
        let mut password = String::new();
        if let Some(secret) = parsed.password() {
            secret.clone_into(&mut password);
            if shown.set_password(Some("***")).is_err() {
                return Err(SettingsError::Part { part: "password", problem: "it has no host".to_owned() });
            }
        }
        // A query may hold credentials too (`?password=`).
        shown.set_query(None);
        let shown = sentinels.as_ref().map_or_else(|| shown.to_string(), |all| all.spread(&shown));
        Ok(Self {
            scheme,
            url: url.into(),
            sentinels,
            password: password.into(),
            shown,
            user: decoded(parsed.username()),
            database: parsed.path().trim_matches('/').parse().unwrap_or(0),
            names: Names::default(),
            connection_name: "berth".to_owned(),
            connect_timeout: Duration::from_secs(3),
            answer_timeout: Duration::from_secs(5),
            heartbeat: Duration::from_secs(5),
            tls: Tls::default(),
            management: ManagementUrl::default(),
            leaderless_after: Duration::from_secs(30),
            visibility_timeout: Duration::from_secs(30),
            celery_prefix: String::new(),
            poll_interval: Duration::from_millis(500),
        })
    }

    /// Which transport it is for.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Where the broker is.
    #[must_use]
    pub fn place(&self) -> Place {
        let address = self.address();
        let (host, port) = address.rsplit_once(':').unwrap_or_default();
        let (transport, path) = match self.scheme {
            Scheme::Memory => ("memory", String::new()),
            Scheme::Amqp => ("amqp", self.vhost()),
            Scheme::Redis if self.sentinels.is_some() => ("sentinel", self.database.to_string()),
            Scheme::Redis => ("redis", self.database.to_string()),
        };
        Place {
            transport,
            host: host.to_owned(),
            port: port.parse().unwrap_or(0),
            path,
            user: (!self.user.is_empty()).then(|| self.user.clone()),
            is_tls: self.is_tls(),
            shown: self.shown.clone(),
        }
    }

    /// The URL with its password hidden.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The same place for another user; `None` if it is in this process.
    pub(crate) fn url_for(&self, user: &str, password: &str) -> Option<SecretString> {
        let mut url = Url::parse(self.url()).ok().filter(|_| self.scheme != Scheme::Memory)?;
        url.set_username(user).ok()?;
        url.set_password(Some(password)).ok()?;
        // A query may hold credentials too.
        let is_secret = |name: &str| matches!(name, "user" | "username" | "password" | "pass");
        let kept: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| !is_secret(name))
            .map(|(n, v)| (n.into(), v.into()))
            .collect();
        url.set_query(None);
        if !kept.is_empty() {
            url.query_pairs_mut().extend_pairs(kept);
        }
        let text = self.sentinels.as_ref().map_or_else(|| url.to_string(), |all| all.spread(&url));
        Some(text.into())
    }

    /// The user that it is for; empty if the broker's default is meant.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// RabbitMQ: the virtual host.
    pub fn vhost(&self) -> String {
        let url = Url::parse(self.url()).ok();
        decoded(url.as_ref().and_then(|url| url.path().get(1..)).unwrap_or("/"))
    }

    /// `host:port`, with Sentinels the first one's; empty if it is in this process.
    pub fn address(&self) -> String {
        let Some(url) = Url::parse(self.url()).ok() else { return String::new() };
        let port = url.port().unwrap_or(match self.scheme {
            Scheme::Memory => return String::new(),
            Scheme::Amqp if url.scheme() == "amqps" => 5671,
            Scheme::Amqp => 5672,
            Scheme::Redis => 6379,
        });
        format!("{}:{port}", url.host_str().unwrap_or_default())
    }

    /// Redis: `host:port` of each Sentinel by commas, and the name of their service; `None` if there are none.
    pub fn watched_by(&self) -> Option<(String, String)> {
        self.sentinels.as_ref().map(|all| (all.shown_places(), all.service.clone()))
    }

    pub(crate) fn sentinels(&self) -> Option<&Sentinels> {
        self.sentinels.as_ref()
    }

    /// Whether it is spoken to by TLS.
    pub fn is_tls(&self) -> bool {
        self.url().starts_with("amqps:") || self.url().starts_with("rediss:")
    }

    /// Redis: the number of the database.
    pub fn database(&self) -> u32 {
        self.database
    }

    pub(crate) fn url(&self) -> &str {
        self.url.expose_secret()
    }

    /// Hides the password in a text that came from elsewhere.
    pub(crate) fn redact(&self, text: &str) -> String {
        let of_sentinels = self.sentinels.as_ref().and_then(|all| all.password.as_ref());
        let secrets = std::iter::once(&self.password).chain(of_sentinels).map(ExposeSecret::expose_secret);
        let text = text.replace(self.url(), &self.shown);
        secrets.filter(|secret| !secret.is_empty()).fold(text, |text, secret| text.replace(secret, "***"))
    }
}

/// A part of a URL, as it is meant.
fn decoded(part: &str) -> String {
    percent_decode_str(part).decode_utf8_lossy().into_owned()
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("url", &self.shown)
            .field("names", &self.names)
            .field("connection_name", &self.connection_name)
            .field("connect_timeout", &self.connect_timeout)
            .field("answer_timeout", &self.answer_timeout)
            .field("heartbeat", &self.heartbeat)
            .field("tls", &self.tls)
            .field("management", &self.management)
            .field("leaderless_after", &self.leaderless_after)
            .field("visibility_timeout", &self.visibility_timeout)
            .field("celery_prefix", &self.celery_prefix)
            .field("poll_interval", &self.poll_interval)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_credential_is_ever_shown() {
        for url in [
            "amqp://me:s3cret@host:1/%2f",
            "redis://:s3cret@host/0",
            "rediss://host?password=s3cret",
            "redis+sentinel://:s3cret@h1,h2/0?service=x&sentinel_password=s3cret",
        ] {
            let settings = Settings::new(url).unwrap();
            assert!(!format!("{settings:?}").contains("s3cret"));
            assert!(
                !settings.redact(&format!("can't reach {url}: s3cret")).contains("s3cret")
                    || url.contains('?')
            );
        }
    }

    #[test]
    fn the_same_place_for_another_user_has_nothing_of_ours() {
        for (url, other) in [
            ("amqps://me:s3cret@h:1/%2fx?heartbeat=5&password=s3cret", "amqps://u:p@h:1/%2fx?heartbeat=5"),
            ("redis://:s3cret@h/3", "redis://u:p@h/3"),
            ("rediss://h?password=s3cret", "rediss://u:p@h"),
            (
                "redis+sentinel://:s3cret@h1,h2:2/3?service=x&sentinel_password=s3cret",
                "redis+sentinel://u:p@h1:26379,h2:2/3?service=x",
            ),
        ] {
            let settings = Settings::new(url).unwrap();
            assert_eq!(settings.url_for("u", "p").unwrap().expose_secret(), other);
        }
        assert!(Settings::new("memory:").unwrap().url_for("u", "p").is_none());
        assert_eq!(Settings::new("redis://h/3").unwrap().database(), 3);
        let rabbit = Settings::new("amqp://me%2D:x@h/%2fx").unwrap();
        assert_eq!(
            (rabbit.user(), rabbit.vhost().as_str(), rabbit.address().as_str()),
            ("me-", "/x", "h:5672")
        );
        assert_eq!(Settings::new("amqp://h").unwrap().vhost(), "/");
    }

    #[test]
    fn a_management_url_is_http_or_off() {
        for good in ["off", "http://h:15672", "https://me:s3cret@h/base"] {
            let parsed: ManagementUrl = good.parse().unwrap();
            assert!(!format!("{parsed:?}").contains("s3cret"));
        }
        for bad in ["", "on", "amqp://h", "h:15672"] {
            let error = bad.parse::<ManagementUrl>().unwrap_err().to_string();
            assert!(error.contains("use http(s)://[USER:PASSWORD@]HOST[:PORT], or off"), "{bad}: {error}");
        }
    }

    #[test]
    fn what_is_no_broker_url_is_refused_with_what_is_allowed() {
        for (url, part) in [
            ("nonsense", "not a URL"),
            ("http://h/", "use memory, amqp, amqps, redis, rediss, redis+sentinel"),
            ("redis+sentinel://h/x?service=y", "`x` is not a database number"),
            ("redis://h/x", "`x` is not a database number"),
            ("amqp:///x", "host"),
        ] {
            let error = Settings::new(url).unwrap_err().to_string();
            assert!(error.contains(part), "{url}: {error}");
        }
    }
}

//! The broker: which kind, its URL, which is a secret, and the names on it. Connecting is the broker crate's.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::resolve::{Error, Resolved, invalid};
use super::table::Part;

/// Which broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokerKind {
    /// Inside the process; only `berth up` has everything in one.
    Memory,
    /// RabbitMQ.
    Amqp,
    /// Redis.
    Redis,
}

/// The broker of a part.
#[derive(Debug, Clone)]
pub struct BrokerSettings {
    /// The URL.
    pub url: SecretString,
    /// Which broker it is.
    pub kind: BrokerKind,
    /// The first part of every name on it.
    pub prefix: String,
    /// Whether run queues are classic ones instead of quorum queues (RabbitMQ).
    pub classic_queues: bool,
    /// RabbitMQ: how many bytes a queue may hold by a policy, if there is to be one.
    pub queue_limit_bytes: Option<u64>,
    /// Redis: what stands before Celery's own names.
    pub celery_prefix: String,
    /// RabbitMQ: where its management API is; not given, it is beside the broker.
    pub management: Option<SecretString>,
    /// The authorities that sign the broker's certificate, if not the system's.
    pub ca_file: Option<PathBuf>,
    /// The certificate that is shown to the broker, and its key.
    pub identity_files: Option<(PathBuf, PathBuf)>,
    /// Redis: what a consumer held and did not refresh for so long is delivered again.
    pub visibility_timeout: Duration,
}

const ALLOWED: &str = "amqp://, amqps://, redis:// or rediss:// and USER:PASSWORD@HOST, redis+sentinel:// or \
                       rediss+sentinel:// and USER:PASSWORD@HOST,HOST/DB?service=NAME, or memory:";

const MANAGEMENT: &str = "http(s)://[USER:PASSWORD@]HOST[:PORT], or off";

impl BrokerSettings {
    /// Reads `broker_url` and the settings that begin with `broker_`.
    ///
    /// # Errors
    /// If the URL is missing or no such URL, or in-process for a role that is a process of its own.
    pub fn read(resolved: &Resolved) -> Result<Self, Error> {
        let value = resolved.needed("broker_url", &format!("use {ALLOWED}"))?;
        let kind = kind(&value.text).ok_or_else(|| invalid("broker_url", value, ALLOWED))?;
        if kind == BrokerKind::Memory && resolved.part != Part::Up {
            return Err(Error::Together(format!(
                "`broker_url` (from {}): memory: is inside one process, and `berth {}` is one of several; use \
                 amqp:// or redis://, or `berth up`",
                value.origin,
                resolved.part.as_str()
            )));
        }
        let prefix = resolved
            .read("broker_prefix", "1 to 32 of a-z, 0-9 and `-`", |text| {
                let fits = (1..=32).contains(&text.len())
                    && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
                fits.then(|| text.to_owned())
            })?
            .unwrap_or_default();
        let classic_queues = resolved
            .read("broker_queue_type", "quorum or classic", |text| match text {
                "quorum" => Some(false),
                "classic" => Some(true),
                _ => None,
            })?
            .unwrap_or_default();
        let limit = |text: &str| text.parse().ok().filter(|mib: &u64| (1..=1_048_576).contains(mib));
        let queue_limit_bytes = resolved
            .read("broker_queue_limit_mib", "a whole number from 1 to 1048576", limit)?
            .map(|mib| mib << 20);
        let celery_prefix = resolved
            .read("celery_key_prefix", "1 to 64 characters, none of them a space", |text| {
                let fits = (1..=64).contains(&text.len()) && !text.contains(char::is_whitespace);
                fits.then(|| text.to_owned())
            })?
            .unwrap_or_default();
        let visibility_timeout =
            Duration::from_secs(resolved.number("broker_visibility_seconds", 1, 3600)?);
        let management = resolved.read("broker_management_url", MANAGEMENT, management)?;
        let path = |key: &str| resolved.read(key, "a file", |text| Some(PathBuf::from(text)));
        let ca_file = path("broker_ca_file")?;
        let identity_files = match (path("broker_cert_file")?, path("broker_key_file")?) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => {
                let why = "`broker_cert_file` and `broker_key_file` go together: give both, or none";
                return Err(Error::Together(why.to_owned()));
            }
        };
        Ok(Self {
            ca_file,
            identity_files,
            url: value.text.clone().into(),
            kind,
            prefix,
            classic_queues,
            queue_limit_bytes,
            celery_prefix,
            management,
            visibility_timeout,
        })
    }
}

fn management(text: &str) -> Option<SecretString> {
    let is_http =
        || url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    (text == "off" || is_http()).then(|| text.into())
}

fn kind(text: &str) -> Option<BrokerKind> {
    if text == "memory:" || text == "memory://" {
        return Some(BrokerKind::Memory);
    }
    if is_watched(text) {
        return Some(BrokerKind::Redis);
    }
    let url = url::Url::parse(text).ok().filter(|url| url.has_host() && url.host_str() != Some(""))?;
    match url.scheme() {
        "amqp" | "amqps" => Some(BrokerKind::Amqp),
        "redis" | "rediss" => Some(BrokerKind::Redis),
        _ => None,
    }
}

/// Whether it is a Redis that Sentinels watch over; several hosts are no URL. What is wrong with it, the broker crate tells.
pub(super) fn is_watched(text: &str) -> bool {
    text.starts_with("redis+sentinel://") || text.starts_with("rediss+sentinel://")
}

//! What a server says of itself, and whether Berth can work with it. Everybody may ask it for that (`HELLO`), agents too.

use std::collections::HashMap;

use ::redis::aio::MultiplexedConnection;
use ::redis::{RedisError, Value};
use berth_broker_config::versions::{Product, Support, support};

/// What a server says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Greeting {
    /// `redis`, or what speaks like it.
    server: String,
    version: String,
    /// `standalone`, `sentinel` or `cluster`.
    mode: String,
    /// `master` or `replica`; Sentinels have none.
    role: String,
}

/// Asks a server.
pub(crate) async fn ask(connection: &mut MultiplexedConnection) -> Result<Greeting, RedisError> {
    let mut hello = ::redis::cmd("HELLO");
    let said: HashMap<String, Value> = hello.arg(3).query_async(connection).await?;
    let text = |name: &str| match said.get(name) {
        Some(Value::BulkString(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        Some(Value::SimpleString(text) | Value::VerbatimString { text, .. }) => text.clone(),
        _ => String::new(),
    };
    Ok(Greeting { server: text("server"), version: text("version"), mode: text("mode"), role: text("role") })
}

impl Greeting {
    /// Why it can't be worked with, if so.
    pub(crate) fn refusal(&self) -> Option<String> {
        match self.mode.as_str() {
            "sentinel" => {
                return Some(format!("it is a Sentinel: write {}", crate::sentinels::FORM));
            }
            "cluster" => {
                return Some(
                    "it is a Redis Cluster, which keeps apart what belongs together: use one that is not, with \
                     Sentinels if it is to fail over"
                        .to_owned(),
                );
            }
            _ => {}
        }
        if matches!(self.role.as_str(), "replica" | "slave") {
            return Some("it is a replica, and only a master can be written to".to_owned());
        }
        self.support().err()
    }

    /// Whether its version is one that is known.
    pub(crate) fn is_known(&self) -> bool {
        self.support() == Ok(Support::Known)
    }

    fn support(&self) -> Result<Support, String> {
        if self.server != "redis" {
            return Ok(Support::Unknown);
        }
        support(Product::Redis, &self.version).map_err(|error| error.to_string())
    }

    /// Its name and version.
    pub(crate) fn shown(&self) -> String {
        format!("{} {}", self.server, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting(server: &str, version: &str, mode: &str, role: &str) -> Greeting {
        let [server, version, mode, role] = [server, version, mode, role].map(str::to_owned);
        Greeting { server, version, mode, role }
    }

    #[test]
    fn what_cannot_be_worked_with_is_refused_by_name() {
        for (greeting, why) in [
            (greeting("redis", "7.0.15", "standalone", "master"), None),
            (greeting("redis", "9.9.9", "standalone", "master"), None),
            (greeting("valkey", "1.0.0", "standalone", "master"), None),
            (greeting("redis", "6.0.16", "standalone", "master"), Some("Redis 6.0.16 is too old")),
            (greeting("redis", "7.0.15", "standalone", "replica"), Some("it is a replica")),
            (
                greeting("redis", "7.0.15", "sentinel", ""),
                Some("it is a Sentinel: write redis(s)+sentinel://"),
            ),
            (greeting("redis", "7.0.15", "cluster", "master"), Some("it is a Redis Cluster")),
        ] {
            let refusal = greeting.refusal();
            assert_eq!(refusal.is_some(), why.is_some(), "{greeting:?}: {refusal:?}");
            assert!(refusal.unwrap_or_default().starts_with(why.unwrap_or_default()), "{greeting:?}");
        }
        assert!(greeting("redis", "7.0.15", "standalone", "master").is_known());
        assert!(!greeting("redis", "9.9.9", "standalone", "master").is_known());
        assert!(!greeting("valkey", "7.2.0", "standalone", "master").is_known());
    }
}

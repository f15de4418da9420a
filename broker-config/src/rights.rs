//! What an agent's broker user may do: its own names, and nothing else.

use serde::{Deserialize, Serialize};

use crate::names::Names;

/// RabbitMQ's three permission patterns of one user in one virtual host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RabbitMqPermissions {
    /// What it may declare and delete.
    pub configure: String,
    /// What it may publish to and bind.
    pub write: String,
    /// What it may consume and bind from.
    pub read: String,
}

/// RabbitMQ's name of how [`AgentUser::rabbitmq_password_hash`] is made.
pub const RABBITMQ_HASHING: &str = "rabbit_password_hashing_sha256";

/// An agent's broker user, with the hashes of its password in each broker's form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentUser {
    /// The agent.
    pub agent: String,
    /// RabbitMQ's: base64 of a 4-byte salt and the SHA-256 of salt and password.
    pub rabbitmq_password_hash: Option<String>,
    /// Redis': lower-case hex of the SHA-256 of the password.
    pub redis_password_sha256: Option<String>,
}

/// The user name of an agent on the broker.
pub fn agent_user(names: &Names, agent: &str) -> String {
    format!("{}-{agent}", names.prefix)
}

/// An agent's permissions on RabbitMQ: names under its prefix. The default exchange is not among them
/// (RabbitMQ matches it as `amq.default`): through it, an agent could publish into any queue.
pub fn rabbitmq(names: &Names, agent: &str) -> RabbitMqPermissions {
    let own = format!("^{}.*$", escape(&names.agent_prefix(agent)));
    RabbitMqPermissions { configure: own.clone(), write: own.clone(), read: own }
}

/// The commands that the Redis transport sends on behalf of an agent.
const REDIS_COMMANDS: [&str; 29] = [
    "auth",
    "hello",
    "ping",
    "select",
    "info",
    "time",
    "eval",
    "evalsha",
    "script|load",
    "lpush",
    "rpush",
    "rpop",
    "brpop",
    "llen",
    "del",
    "exists",
    "get",
    "set",
    "pexpire",
    "publish",
    "subscribe",
    "unsubscribe",
    "zadd",
    "zrem",
    "zscore",
    "zrangebyscore",
    "hset",
    "hget",
    "hdel",
];

/// More commands that a stock Celery worker needs to serve a queue of the agent's.
const KOMBU_COMMANDS: [&str; 12] = [
    "multi",
    "exec",
    "watch",
    "unwatch",
    "discard",
    "sadd",
    "srem",
    "smembers",
    "sismember",
    "zrevrangebyscore",
    "psubscribe",
    "punsubscribe",
];

/// The rule text of an agent's Redis user, for `ACL SETUSER` or an ACL file.
///
/// `password_sha256` is the lower-case hex SHA-256 of its password, which is all that Redis stores.
pub fn redis_acl(names: &Names, agent: &str, password_sha256: &str) -> String {
    let prefix = names.agent_prefix(agent);
    let commands = REDIS_COMMANDS.iter().chain(&KOMBU_COMMANDS).map(|name| format!("+{name}"));
    let commands = commands.collect::<Vec<_>>().join(" ");
    format!("reset on #{password_sha256} ~{prefix}* &{prefix}* -@all {commands}")
}

/// Escapes what Erlang's regular expressions would take for syntax.
fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, c| {
        if !c.is_ascii_alphanumeric() && c != '-' && c != '_' {
            escaped.push('\\');
        }
        escaped.push(c);
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agents_patterns_fit_its_own_names_only() {
        let rights = rabbitmq(&Names::default(), "a");
        assert_eq!(rights.write, r"^berth\.a\..*$");
        assert_eq!(rights.configure, rights.read);
    }

    #[test]
    fn the_redis_rule_begins_from_nothing() {
        let rule = redis_acl(&Names::default(), "a", "00ff");
        assert!(rule.starts_with("reset on #00ff ~berth.a.* &berth.a.* -@all +auth"), "{rule}");
        assert!(!rule.contains("keys") && !rule.contains("+@"));
    }
}

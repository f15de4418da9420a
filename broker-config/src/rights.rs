//! What an agent's broker user may do: its own names, and nothing else.

use berth_domain::name::Slug;
use serde::{Deserialize, Serialize};

use crate::names::Names;
use crate::password::PasswordHashes;

/// RabbitMQ's three permission patterns of one user in one virtual host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RabbitMqPermissions {
    /// What it may declare and delete.
    pub configure: String,
    /// What it may publish to and bind.
    pub write: String,
    /// What it may consume and bind from.
    pub read: String,
}

/// RabbitMQ's name of how [`PasswordHashes::rabbitmq`] is made.
pub const RABBITMQ_HASHING: &str = "rabbit_password_hashing_sha256";

/// Which of an agent's two users. While credentials are rotated, both may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// `<prefix>-<agent>`.
    First,
    /// `<prefix>-<agent>.2`.
    Second,
}

impl Slot {
    /// Both.
    pub const ALL: [Self; 2] = [Self::First, Self::Second];

    /// 1 or 2.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::First => 1,
            Self::Second => 2,
        }
    }

    /// The slot of that number, if there is one.
    #[must_use]
    pub fn of_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|slot| i64::from(slot.number()) == number)
    }
}

/// An agent's broker user, with the hashes of its password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentUser {
    /// The agent.
    pub agent: String,
    /// Which of its users.
    pub slot: Slot,
    /// The hashes of its password.
    pub password: PasswordHashes,
}

/// How the name of an agent's second user ends. No agent's name has a dot.
const SECOND: &str = ".2";

/// The user name of an agent on the broker.
pub fn agent_user(names: &Names, agent: &str, slot: Slot) -> String {
    let second = if slot == Slot::Second { SECOND } else { "" };
    format!("{}-{agent}{second}", names.prefix)
}

/// The agent whose user would have that name; `None` if it is not a name of ours.
pub fn agent_of_user<'a>(names: &Names, user: &'a str) -> Option<&'a str> {
    let agent = user.strip_prefix(names.prefix.as_str())?.strip_prefix('-')?;
    let agent = agent.strip_suffix(SECOND).unwrap_or(agent);
    agent.parse::<Slug>().ok().map(|_| agent)
}

/// An agent's permissions on RabbitMQ: names under its prefix. The default exchange is not among them
/// (RabbitMQ matches it as `amq.default`): through it, an agent could publish into any queue.
pub fn rabbitmq(names: &Names, agent: &str) -> RabbitMqPermissions {
    let own = format!("^{}.*$", escape(&names.agent_prefix(agent)));
    RabbitMqPermissions { configure: own.clone(), write: own.clone(), read: own }
}

/// The commands that the Redis transport sends on behalf of an agent, those of its scripts among them. None lists
/// keys, users or connections, and none but `time`, `ping` and the making of a connection is without a key or a
/// channel, which the patterns are for.
const REDIS_COMMANDS: [&str; 31] = [
    "auth",
    "hello",
    "ping",
    "time",
    "eval",
    "evalsha",
    "script|load",
    "lpush",
    "ltrim",
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
    "hkeys",
    "hlen",
    "sismember",
];

/// More commands that are needed to declare a queue, and by a stock Celery worker to serve one of the agent's.
const KOMBU_COMMANDS: [&str; 9] =
    ["multi", "exec", "watch", "unwatch", "discard", "sadd", "srem", "smembers", "zrevrangebyscore"];

/// The words of an agent's commands in a rule, each with its sign. Of the databases it may choose that of its queues.
pub fn redis_commands(database: u32) -> Vec<String> {
    let named = REDIS_COMMANDS.iter().chain(&KOMBU_COMMANDS).map(|name| format!("+{name}"));
    named.chain([format!("+select|{database}")]).collect()
}

/// The rule text of an agent's Redis user, for `ACL SETUSER` or an ACL file.
///
/// `password_sha256` is the lower-case hex SHA-256 of its password, which is all that Redis stores.
pub fn redis_acl(names: &Names, agent: &str, password_sha256: &str, database: u32) -> String {
    let prefix = names.agent_prefix(agent);
    let commands = redis_commands(database).join(" ");
    // Redis 6.2 gives every channel with a reset, and then refuses to add one.
    format!("reset resetchannels on #{password_sha256} ~{prefix}* &{prefix}* -@all {commands}")
}

/// Escapes what Erlang's regular expressions would take for syntax.
pub(crate) fn escape(text: &str) -> String {
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
    fn a_user_tells_whose_it_is_by_its_name() {
        let names = Names::default();
        for slot in Slot::ALL {
            assert_eq!(agent_of_user(&names, &agent_user(&names, "eu-1", slot)), Some("eu-1"));
            assert_eq!(Slot::of_number(slot.number().into()), Some(slot));
        }
        for other in ["berth", "berth-", "berthold-a", "berth-a.3", "berth-A", "guest"] {
            assert_eq!(agent_of_user(&names, other), None, "{other}");
        }
    }

    #[test]
    fn the_redis_rule_begins_from_nothing() {
        let rule = redis_acl(&Names::default(), "a", "00ff", 3);
        assert!(rule.starts_with("reset resetchannels on #00ff ~berth.a.* &berth.a.* -@all +auth"), "{rule}");
        assert!(!rule.contains("+keys") && !rule.contains("+@"));
        assert!(rule.ends_with("+select|3"), "{rule}");
    }
}

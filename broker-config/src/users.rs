//! Agents' users as they are on a broker, in a form that can be compared with what they should be.
//!
//! What is no agent's user by its rights is nobody's to touch, whatever its name: [`is_untouchable`].

use std::collections::BTreeMap;

use crate::found::Properties;
use crate::names::Names;
use crate::password::PasswordHashes;
use crate::rights::{self, AgentUser, RabbitMqPermissions};

/// A property that is there or not.
const YES: &str = "yes";

/// The property whose values are never shown.
pub const PASSWORD: &str = "password";

/// Which broker's users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// RabbitMQ's.
    RabbitMq,
    /// Redis', whose queues are in this database.
    Redis {
        /// Its number.
        database: u32,
    },
}

/// The users of a broker by name, as far as they could be an agent's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundUsers {
    /// Which broker's they are.
    pub kind: Kind,
    /// Their properties by name.
    pub users: BTreeMap<String, Properties>,
}

/// The hash that this broker keeps of a password.
pub fn hash_of(kind: Kind, password: &PasswordHashes) -> &str {
    match kind {
        Kind::RabbitMq => &password.rabbitmq,
        Kind::Redis { .. } => &password.redis,
    }
}

/// What a user should be.
pub fn wanted(kind: Kind, names: &Names, user: &AgentUser) -> Properties {
    match kind {
        Kind::RabbitMq => {
            let rights = rights::rabbitmq(names, &user.agent);
            on_rabbitmq(&user.password.rabbitmq, "", Some(&rights))
        }
        Kind::Redis { database } => on_redis(
            &rights::redis_acl(names, &user.agent, &user.password.redis, database),
            &Categories::new(),
        ),
    }
}

/// A RabbitMQ user with this hash, these tags and these permissions in the virtual host.
pub fn on_rabbitmq(hash: &str, tags: &str, rights: Option<&RabbitMqPermissions>) -> Properties {
    let rights = rights.into_iter().flat_map(|rights| {
        [("configure", &rights.configure), ("write", &rights.write), ("read", &rights.read)]
    });
    let rights = rights.map(|(name, value)| (name.to_owned(), value.clone()));
    let tags = (!tags.is_empty()).then(|| ("tags".to_owned(), tags.to_owned()));
    [(PASSWORD.to_owned(), hash.to_owned())].into_iter().chain(rights).chain(tags).collect()
}

/// The commands of Redis' categories, by the category's name.
pub type Categories = BTreeMap<String, Vec<String>>;

/// The categories that a rule, as `ACL LIST` shows it, is told by. Redis 7.0 tells commands by categories that nobody
/// has set, where that is shorter.
pub fn categories(rule: &str) -> impl Iterator<Item = &str> {
    let named = rule.split_whitespace().filter_map(|word| word.strip_prefix(['+', '-'])?.strip_prefix('@'));
    named.filter(|category| *category != "all")
}

/// A Redis user of this rule, as it is set or as `ACL LIST` shows it.
pub fn on_redis(rule: &str, categories: &Categories) -> Properties {
    let mut properties = Properties::new();
    for word in rule.split_whitespace() {
        if matches!(word, "reset" | "resetchannels" | "sanitize-payload" | "-@all") {
            // What every rule begins from, and what says no more than that.
            continue;
        }
        let (sign, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        let of_category = rest.strip_prefix('@').and_then(|category| categories.get(category));
        let commands =
            || of_category.map_or_else(|| vec![rest], |all| all.iter().map(String::as_str).collect());
        match sign {
            "#" => add(&mut properties, PASSWORD, rest),
            "~" => add(&mut properties, "keys", word),
            "&" => add(&mut properties, "channels", word),
            "+" => properties.extend(commands().iter().map(|name| (format!("+{name}"), YES.to_owned()))),
            "-" => commands().iter().for_each(|name| drop(properties.remove(&format!("+{name}")))),
            _ => add(&mut properties, word, YES),
        }
    }
    properties
}

fn add(properties: &mut Properties, name: &str, value: &str) {
    let values: &mut String = properties.entry(name.to_owned()).or_default();
    if !values.is_empty() {
        values.push(' ');
    }
    values.push_str(value);
}

/// Why a user is not to be touched, though it may have the name of an agent's: it was made for more than that.
pub fn is_untouchable(found: &Properties) -> Option<&'static str> {
    if found.contains_key("tags") {
        return Some("it has tags, and so more rights than any agent");
    }
    let of_everything =
        ["+@all", "allcommands"].iter().any(|word| found.contains_key(*word)) || found.contains_key("+acl");
    of_everything.then_some("it has more commands than any agent")
}

/// Whether a user is the agent's by its rights: it reaches nothing but the agent's names, and some of them.
pub fn is_of_agent(kind: Kind, names: &Names, agent: &str, found: &Properties) -> bool {
    let patterns: &[(&str, String)] = &match kind {
        Kind::RabbitMq => {
            let rights = rights::rabbitmq(names, agent);
            [("write", rights.write), ("read", rights.read)]
        }
        Kind::Redis { .. } => {
            let prefix = names.agent_prefix(agent);
            [("keys", format!("~{prefix}*")), ("channels", format!("&{prefix}*"))]
        }
    };
    is_untouchable(found).is_none()
        && patterns.iter().all(|(property, pattern)| found.get(*property) == Some(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rights::Slot;

    const REDIS: Kind = Kind::Redis { database: 0 };

    fn user() -> AgentUser {
        let password = PasswordHashes::of("agent-secret", *b"salt");
        AgentUser { agent: "a".to_owned(), slot: Slot::First, password }
    }

    #[test]
    fn a_rule_is_the_same_as_redis_shows_it() {
        let names = Names::default();
        let wanted = wanted(REDIS, &names, &user());
        assert_eq!(wanted["keys"], "~berth.a.*");
        assert_eq!(wanted["+select|0"], "yes");
        let shown = rights::redis_acl(&names, "a", &user().password.redis, 0)
            .replace("reset resetchannels on", "on sanitize-payload")
            .replace("&berth", "resetchannels &berth");
        let none = Categories::new();
        assert_eq!(on_redis(&shown, &none), wanted);
        assert_ne!(on_redis(&format!("{shown} +keys"), &none), wanted);
        assert_ne!(on_redis(&format!("{shown} ~x"), &none), wanted);
        assert_ne!(on_redis(&format!("{shown} -ping"), &none), wanted);

        // As Redis 7.0 tells it.
        let transaction = ["multi", "exec", "watch", "unwatch", "discard"];
        let by_category = transaction.iter().fold(shown, |rule, name| rule.replace(&format!(" +{name}"), ""));
        let by_category = by_category.replace("-@all", "-@all +@transaction");
        assert_eq!(categories(&by_category).collect::<Vec<_>>(), ["transaction"]);
        let known = Categories::from([("transaction".to_owned(), transaction.map(str::to_owned).to_vec())]);
        assert_eq!(on_redis(&by_category, &known), wanted);
        assert_ne!(on_redis(&by_category, &none), wanted);
    }

    #[test]
    fn what_has_more_rights_than_an_agent_is_nobodys_to_touch() {
        let names = Names::default();
        for kind in [Kind::RabbitMq, REDIS] {
            let own = wanted(kind, &names, &user());
            assert_eq!(is_untouchable(&own), None);
            assert!(is_of_agent(kind, &names, "a", &own));
            assert!(!is_of_agent(kind, &names, "b", &own));
        }
        let administrator = on_rabbitmq("h", "administrator", Some(&rights::rabbitmq(&names, "a")));
        assert!(is_untouchable(&administrator).is_some());
        assert!(!is_of_agent(Kind::RabbitMq, &names, "a", &administrator));
        assert!(is_untouchable(&on_redis("on #00 ~* &* +@all", &Categories::new())).is_some());
        assert!(!is_of_agent(Kind::RabbitMq, &names, "a", &on_rabbitmq("h", "", None)));
    }
}

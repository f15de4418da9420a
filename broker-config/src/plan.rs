//! The difference between what is on a broker and what should be: shown by `berth broker plan`.
//!
//! It is for reading. `apply` makes what is missing, and users what they should be; what else differs, and what nobody
//! wants any more, is a person's to decide about, since a queue goes with all that is in it. A user that nobody wants
//! any more is taken away: it is a way in.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::found::{Found, Properties, Seen, of_exchange, of_queue};
use crate::names::{Holder, Names};
use crate::policies::{self, FoundPolicies};
use crate::rights;
use crate::topology::{Binding, Topology};
use crate::users::{self, FoundUsers};

/// What a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An exchange.
    Exchange,
    /// A queue.
    Queue,
    /// A binding, named `EXCHANGE -> QUEUE`.
    Binding,
    /// An agent's user.
    User,
    /// A policy of RabbitMQ's; of others, named `POLICY -> QUEUE`.
    Policy,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// It is missing: `apply` makes it.
    Make {
        /// What it is.
        kind: Kind,
        /// Its name.
        name: String,
    },
    /// It is there with another value of one property. Of a user or a policy `apply` sets it; of the rest no broker can change
    /// it, and `apply` refuses. The values of a password are not told.
    Differs {
        /// What it is.
        kind: Kind,
        /// Its name.
        name: String,
        /// Which property.
        property: String,
        /// Its value on the broker, if it has one.
        found: Option<String>,
        /// Its value as it should be, if it should have one.
        wanted: Option<String>,
    },
    /// It is ours, and nothing wants it any more. Never deleted by `apply`.
    Unwanted {
        /// What it is.
        kind: Kind,
        /// Its name.
        name: String,
    },
    /// It is a policy of others', and makes a queue of ours drop messages, or go. `apply` leaves it alone.
    Alters {
        /// What it is.
        kind: Kind,
        /// Its name, and the queue's.
        name: String,
        /// Which property of the queue.
        property: String,
        /// Its value.
        found: Option<String>,
    },
    /// It is an agent's user that nothing wants any more: `apply` takes it away.
    Remove {
        /// What it is.
        kind: Kind,
        /// Its name.
        name: String,
    },
}

/// Whose things are looked at for what nobody wants any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everybody's: all agents are known.
    Everything,
    /// The control plane's own, and those of these agents.
    Agents(BTreeSet<String>),
}

impl Scope {
    /// Whether a thing of this name would be missed by nobody if the topology doesn't have it. What replicas
    /// declare for themselves, and the marker, is never in a topology.
    fn covers(&self, names: &Names, name: &str) -> bool {
        match (names.holder(name), self) {
            (None | Some(Holder::Replica), _) => false,
            (Some(Holder::ControlPlane), _) | (Some(Holder::Agent(_)), Self::Everything) => true,
            (Some(Holder::Agent(agent)), Self::Agents(agents)) => agents.contains(agent),
        }
    }
}

/// Compares `found` with `wanted`: exchanges, queues, bindings, users and policies in turn; of each what is missing or differs,
/// then what nobody wants. What can't be seen is not compared.
pub fn plan(names: &Names, wanted: &Topology, found: &Found, scope: &Scope) -> Vec<Change> {
    let ours = |name: &str| scope.covers(names, name);
    let mut changes = Vec::new();
    if let Some(exchanges) = &found.exchanges {
        let should = wanted.exchanges.iter().map(|(name, exchange)| (name, of_exchange(exchange))).collect();
        compare(Kind::Exchange, &should, exchanges, ours, &mut changes);
    }
    let should = wanted.queues.iter().map(|(name, queue)| (name, of_queue(queue))).collect();
    compare(Kind::Queue, &should, &found.queues, ours, &mut changes);
    if let Some(bindings) = &found.bindings {
        let shown = |binding: &Binding| format!("{} -> {}", binding.exchange, binding.queue);
        let missing = wanted.bindings.difference(bindings);
        changes.extend(missing.map(|binding| Change::Make { kind: Kind::Binding, name: shown(binding) }));
        let extra = bindings.difference(&wanted.bindings).filter(|binding| ours(&binding.queue));
        changes.extend(extra.map(|binding| Change::Unwanted { kind: Kind::Binding, name: shown(binding) }));
    }
    if let Some(users) = &found.users {
        changes.extend(of_users(names, wanted, users, scope));
    }
    if let Some(policies) = &found.policies {
        of_policies(wanted, policies, ours, &mut changes);
    }
    changes
}

/// What of policies is to be different, and what those of others do to our queues.
fn of_policies(
    wanted: &Topology,
    found: &FoundPolicies,
    ours: impl Fn(&str) -> bool,
    changes: &mut Vec<Change>,
) {
    let should = wanted.policies.iter().map(|(name, policy)| (name, policy.properties())).collect();
    let seen =
        found.policies.iter().map(|(name, policy)| (name.clone(), Seen::Whole(policy.clone()))).collect();
    compare(Kind::Policy, &should, &seen, &ours, changes);
    for (name, queue) in &wanted.queues {
        let Some(effect) = found.effects.get(name) else { continue };
        for (property, value) in policies::altered(queue, effect) {
            let giver = found.giver(effect, property, value).unwrap_or("?");
            if wanted.policies.contains_key(giver) {
                continue;
            }
            let (property, found) = (property.clone(), Some(value.clone()));
            changes.push(Change::Alters {
                kind: Kind::Policy,
                name: format!("{giver} -> {name}"),
                property,
                found,
            });
        }
    }
}

/// What of users is to be different. Whose they all are is known only where all agents are.
pub fn of_users(names: &Names, wanted: &Topology, found: &FoundUsers, scope: &Scope) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, user) in &wanted.users {
        let wanted = users::wanted(found.kind, names, user);
        match found.users.get(name) {
            None => changes.push(Change::Make { kind: Kind::User, name: name.clone() }),
            Some(found) => changes.extend(differences(Kind::User, name, &wanted, found)),
        }
    }
    let is_agents = |name: &str, found_user: &Properties| {
        rights::agent_of_user(names, name)
            .is_some_and(|agent| users::is_of_agent(found.kind, names, agent, found_user))
    };
    let extra = found.users.iter().filter(|(name, user)| {
        *scope == Scope::Everything && !wanted.users.contains_key(*name) && is_agents(name, user)
    });
    changes.extend(extra.map(|(name, _)| Change::Remove { kind: Kind::User, name: name.clone() }));
    changes
}

fn compare(
    kind: Kind,
    wanted: &BTreeMap<&String, Properties>,
    found: &BTreeMap<String, Seen>,
    ours: impl Fn(&str) -> bool,
    changes: &mut Vec<Change>,
) {
    for (name, wanted) in wanted {
        match found.get(*name) {
            None => changes.push(Change::Make { kind, name: (*name).clone() }),
            Some(Seen::Name) => {}
            Some(Seen::Whole(found)) => changes.extend(differences(kind, name, wanted, found)),
        }
    }
    let extra = found.keys().filter(|name| !wanted.contains_key(name) && ours(name));
    changes.extend(extra.map(|name| Change::Unwanted { kind, name: name.clone() }));
}

fn differences(kind: Kind, name: &str, wanted: &Properties, found: &Properties) -> Vec<Change> {
    let properties: BTreeSet<&String> = wanted.keys().chain(found.keys()).collect();
    properties
        .into_iter()
        .filter(|property| wanted.get(*property) != found.get(*property))
        .map(|property| {
            let told = |properties: &Properties| {
                properties.get(property).filter(|_| property != users::PASSWORD).cloned()
            };
            let (found, wanted) = (told(found), told(wanted));
            Change::Differs { kind, name: name.to_owned(), property: property.clone(), found, wanted }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::QueueKind;
    use crate::build;
    use crate::password::PasswordHashes;
    use crate::policies::Effect;
    use crate::rights::{AgentUser, Slot};

    fn of(queues: &[&str]) -> Topology {
        build::agent(&Names::default(), "a", queues.iter().copied(), QueueKind::Quorum)
    }

    /// A broker that has just this.
    fn having(topology: &Topology) -> Found {
        let exchanges = topology.exchanges.iter();
        let queues = topology.queues.iter();
        Found {
            exchanges: Some(
                exchanges.map(|(name, it)| (name.clone(), Seen::Whole(of_exchange(it)))).collect(),
            ),
            queues: queues.map(|(name, it)| (name.clone(), Seen::Whole(of_queue(it)))).collect(),
            bindings: Some(topology.bindings.clone()),
            users: None,
            policies: None,
        }
    }

    fn changes(wanted: &Topology, found: &Found, scope: &Scope) -> Vec<String> {
        let name = |kind: &Kind, name: &String| format!("{kind:?} {name}").to_lowercase();
        let change = |change: &Change| match change {
            Change::Make { kind, name: it } => format!("make {}", name(kind, it)),
            Change::Differs { kind, name: it, property, found, wanted } => {
                let (found, wanted) = (found.as_deref().unwrap_or("-"), wanted.as_deref().unwrap_or("-"));
                format!("{} {property}: {found}, not {wanted}", name(kind, it))
            }
            Change::Alters { kind, name: it, property, found } => {
                format!("{} alters {property}: {}", name(kind, it), found.as_deref().unwrap_or("-"))
            }
            Change::Unwanted { kind, name: it } => format!("unwanted {}", name(kind, it)),
            Change::Remove { kind, name: it } => format!("remove {}", name(kind, it)),
        };
        plan(&Names::default(), wanted, found, scope).iter().map(change).collect()
    }

    #[test]
    fn what_is_as_wanted_needs_no_change() {
        assert!(changes(&of(&["q"]), &having(&of(&["q"])), &Scope::Everything).is_empty());
    }

    #[test]
    fn an_empty_broker_gets_everything() {
        let found = having(&Topology::default());
        let made = [
            "make exchange berth.a.out",
            "make queue berth.a.out",
            "make queue berth.a.run.q",
            "make binding berth.a.out -> berth.a.out",
        ];
        assert_eq!(changes(&of(&["q"]), &found, &Scope::Everything), made);
    }

    #[test]
    fn a_difference_names_the_property_and_both_values() {
        let mut found = having(&of(&["q"]));
        let classic = build::agent(&Names::default(), "a", ["q"], QueueKind::Classic);
        found
            .queues
            .insert("berth.a.run.q".to_owned(), Seen::Whole(of_queue(&classic.queues["berth.a.run.q"])));
        let differences = [
            "queue berth.a.run.q x-delivery-limit: -, not 2147483647",
            "queue berth.a.run.q x-queue-type: classic, not quorum",
        ];
        assert_eq!(changes(&of(&["q"]), &found, &Scope::Everything), differences);
        // Where only the name can be seen, nothing is said of the rest.
        found.queues.insert("berth.a.run.q".to_owned(), Seen::Name);
        assert!(changes(&of(&["q"]), &found, &Scope::Everything).is_empty());
    }

    #[test]
    fn what_nobody_wants_is_shown_where_all_that_is_wanted_is_known() {
        let other = build::agent(&Names::default(), "b", ["q"], QueueKind::Quorum);
        let found = having(&of(&["old"]).with(other));
        let of_a = "unwanted queue berth.a.run.old".to_owned();
        let only_a = Scope::Agents(BTreeSet::from(["a".to_owned()]));
        assert_eq!(changes(&of(&[]), &found, &only_a), std::slice::from_ref(&of_a));
        let all = changes(&of(&[]), &found, &Scope::Everything);
        assert_eq!(all.len(), 5, "{all:?}");
        assert!(all.contains(&of_a) && all.contains(&"unwanted exchange berth.b.out".to_owned()));
    }

    #[test]
    fn nothing_of_others_and_nothing_of_a_live_replica_is_shown() {
        let names = Names::default();
        let strangers = ["celery", "berthold.a.run.q", "berth"];
        let passing = [names.control("a", "r").queue, names.reply("a", "x").queue, names.marker("m").queue];
        let mut found = having(&of(&["q"]));
        for name in strangers.map(str::to_owned).into_iter().chain(passing) {
            found.queues.insert(name.clone(), Seen::Name);
            found.exchanges.get_or_insert_default().insert(name, Seen::Name);
        }
        assert!(changes(&of(&["q"]), &found, &Scope::Everything).is_empty());
    }

    fn user(agent: &str, password: &str) -> AgentUser {
        let password = PasswordHashes::of(password, *b"salt");
        AgentUser { agent: agent.to_owned(), slot: Slot::First, password }
    }

    /// A RabbitMQ that has these users beside its own.
    fn with_users(users: &[AgentUser]) -> Found {
        let names = Names::default();
        let own = ("guest".to_owned(), users::on_rabbitmq("h", "administrator", None));
        let named = |user: &AgentUser| {
            let name = rights::agent_user(&names, &user.agent, user.slot);
            (name, users::wanted(users::Kind::RabbitMq, &names, user))
        };
        let users = users.iter().map(named).chain([own]).collect();
        let users = Some(FoundUsers { kind: users::Kind::RabbitMq, users });
        Found { users, ..having(&of(&["q"])) }
    }

    #[test]
    fn users_are_made_set_and_taken_away_and_no_password_is_told() {
        let names = Names::default();
        let wanted = of(&["q"]).with_user(&names, user("a", "secret"));
        let all = |found: &Found| changes(&wanted, found, &Scope::Everything);
        assert!(all(&with_users(&[user("a", "secret")])).is_empty());
        assert_eq!(all(&with_users(&[])), ["make user berth-a"]);
        let others = with_users(&[user("a", "another"), user("gone", "secret")]);
        assert_eq!(all(&others), ["user berth-a password: -, not -", "remove user berth-gone"]);
        // Whose the other is, is known to nobody who does not know all agents.
        let only_a = Scope::Agents(BTreeSet::from(["a".to_owned()]));
        assert_eq!(changes(&wanted, &others, &only_a), ["user berth-a password: -, not -"]);
    }

    #[test]
    fn a_user_of_others_stays_whatever_its_name() {
        let names = Names::default();
        let mut found = with_users(&[]);
        let users = &mut found.users.as_mut().unwrap().users;
        let administrator =
            users::on_rabbitmq("h", "administrator", Some(&rights::rabbitmq(&names, "admin")));
        users.insert("berth-admin".to_owned(), administrator);
        // Of an installation with the prefix `berth-x`, its agent `y`.
        let foreign = Names { prefix: "berth-x".to_owned() };
        let neighbour = users::wanted(users::Kind::RabbitMq, &foreign, &user("y", "secret"));
        users.insert("berth-x-y".to_owned(), neighbour);
        assert!(changes(&of(&["q"]), &found, &Scope::Everything).is_empty());
    }

    #[test]
    fn policies_of_ours_are_compared_and_those_of_others_told_where_they_alter_a_queue() {
        let names = Names::default();
        let wanted = of(&["q"]).with_policy(policies::limit(&names, 1024));
        let with = |policies: FoundPolicies| Found { policies: Some(policies), ..having(&of(&["q"])) };
        let all = |found: &Found| changes(&wanted, found, &Scope::Everything);
        assert_eq!(all(&with(FoundPolicies::default())), ["make policy berth.limit"]);

        let (name, ours) = policies::limit(&names, 1024);
        let theirs = Properties::from([("message-ttl".to_owned(), "60000".to_owned())]);
        let mut found = FoundPolicies::default();
        found.policies.insert(name.clone(), ours.properties());
        found.policies.insert("everything".to_owned(), theirs.clone());
        let effect =
            |policy: &str, definition| Effect { policy: Some(policy.to_owned()), operator: None, definition };
        found.effects.insert("berth.a.run.q".to_owned(), effect(&name, ours.properties()));
        found.effects.insert("celery".to_owned(), effect("everything", theirs.clone()));
        assert!(all(&with(found.clone())).is_empty());
        found.effects.insert("berth.a.out".to_owned(), effect("everything", theirs));
        let told = "policy everything -> berth.a.out alters message-ttl: 60000";
        assert_eq!(all(&with(found.clone())), [told]);

        found.effects.clear();
        let (_, other) = policies::limit(&names, 5);
        found.policies.insert(name, other.properties());
        assert_eq!(all(&with(found.clone())), ["policy berth.limit max-length-bytes: 5, not 1024"]);
        assert_eq!(changes(&of(&["q"]), &with(found), &Scope::Everything), ["unwanted policy berth.limit"]);
    }

    #[test]
    fn a_broker_without_exchanges_lacks_none() {
        let found = Found { exchanges: None, bindings: None, ..having(&of(&["q"])) };
        assert!(changes(&of(&["q"]), &found, &Scope::Everything).is_empty());
    }
}

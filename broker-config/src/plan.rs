//! The difference between what exists and what should: shown by `berth broker plan`.

use serde::Serialize;

use crate::topology::{Binding, Exchange, Queue, Topology};

/// One step from what exists to what is wanted, in an order in which they can be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// An exchange is missing.
    CreateExchange {
        /// Its name.
        name: String,
        /// What it should be.
        exchange: Exchange,
    },
    /// A queue is missing.
    CreateQueue {
        /// Its name.
        name: String,
        /// What it should be.
        queue: Queue,
    },
    /// A binding is missing.
    Bind(Binding),
    /// It exists with other properties; a broker can't change them, so a person must decide.
    Conflict {
        /// The queue or exchange.
        name: String,
        /// What is wanted, and what was found.
        difference: String,
    },
    /// A binding of ours that nothing wants.
    Unbind(Binding),
    /// A queue of ours that nothing wants.
    DeleteQueue {
        /// Its name.
        name: String,
    },
    /// An exchange of ours that nothing wants.
    DeleteExchange {
        /// Its name.
        name: String,
    },
}

/// Compares `current` with `wanted`. Only names that begin with `prefix` are ever deleted.
pub fn plan(wanted: &Topology, current: &Topology, prefix: &str) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, exchange) in &wanted.exchanges {
        match current.exchanges.get(name) {
            None => changes.push(Change::CreateExchange { name: name.clone(), exchange: exchange.clone() }),
            Some(found) if found != exchange => changes.push(Change::Conflict {
                name: name.clone(),
                difference: format!("type: wanted {}, found {}", exchange.kind.as_str(), found.kind.as_str()),
            }),
            Some(_) => {}
        }
    }
    for (name, queue) in &wanted.queues {
        match current.queues.get(name) {
            None => changes.push(Change::CreateQueue { name: name.clone(), queue: queue.clone() }),
            Some(found) => {
                let differences = differences(queue, found);
                if !differences.is_empty() {
                    let difference = differences.join("; ");
                    changes.push(Change::Conflict { name: name.clone(), difference });
                }
            }
        }
    }
    changes.extend(wanted.bindings.difference(&current.bindings).cloned().map(Change::Bind));
    let ours = |name: &&String| name.starts_with(prefix);
    changes.extend(
        current
            .bindings
            .difference(&wanted.bindings)
            .filter(|binding| ours(&&binding.queue))
            .cloned()
            .map(Change::Unbind),
    );
    let extra = current.queues.keys().filter(ours).filter(|name| !wanted.queues.contains_key(*name));
    changes.extend(extra.map(|name| Change::DeleteQueue { name: name.clone() }));
    let extra = current.exchanges.keys().filter(ours).filter(|name| !wanted.exchanges.contains_key(*name));
    changes.extend(extra.map(|name| Change::DeleteExchange { name: name.clone() }));
    changes
}

fn differences(wanted: &Queue, found: &Queue) -> Vec<String> {
    let mut list = Vec::new();
    if wanted.kind != found.kind {
        list.push(format!("type: wanted {}, found {}", wanted.kind.as_str(), found.kind.as_str()));
    }
    let pairs = [
        ("x-expires", wanted.arguments.expires_ms, found.arguments.expires_ms),
        ("x-message-ttl", wanted.arguments.message_ttl_ms, found.arguments.message_ttl_ms),
        ("x-max-length", wanted.arguments.max_length, found.arguments.max_length),
        (
            "x-max-priority",
            wanted.arguments.max_priority.map(u32::from),
            found.arguments.max_priority.map(u32::from),
        ),
    ];
    let say = |value: Option<u32>| value.map_or_else(|| "none".to_owned(), |value| value.to_string());
    for (name, wanted, found) in pairs {
        if wanted != found {
            list.push(format!("{name}: wanted {}, found {}", say(wanted), say(found)));
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::QueueKind;
    use crate::build;
    use crate::names::Names;

    fn of(queues: &[&str]) -> Topology {
        build::agent(&Names::default(), "a", queues.iter().copied(), QueueKind::Quorum)
    }

    #[test]
    fn what_exists_as_wanted_needs_no_change() {
        assert_eq!(plan(&of(&["q"]), &of(&["q"]), "berth."), []);
    }

    #[test]
    fn what_is_missing_is_created_and_what_nobody_wants_is_deleted() {
        let changes = plan(&of(&["new"]), &of(&["old"]), "berth.");
        assert_eq!(changes.len(), 2);
        assert!(matches!(&changes[0], Change::CreateQueue { name, .. } if name == "berth.a.run.new"));
        assert!(matches!(&changes[1], Change::DeleteQueue { name } if name == "berth.a.run.old"));
    }

    #[test]
    fn nothing_of_others_is_deleted() {
        assert_eq!(plan(&Topology::default(), &of(&["q"]), "other."), []);
    }

    #[test]
    fn a_conflict_says_what_differs() {
        let found = build::agent(&Names::default(), "a", ["q"], QueueKind::Classic);
        let changes = plan(&of(&["q"]), &found, "berth.");
        let Change::Conflict { name, difference } = &changes[0] else { panic!("{changes:?}") };
        assert_eq!(name, "berth.a.run.q");
        assert_eq!(difference, "type: wanted quorum, found classic");
    }
}

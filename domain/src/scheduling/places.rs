//! Where a run may go: the queues that fit what it asks for, in its order of preference.

use std::collections::BTreeMap;

use crate::compile::Routing;
use crate::id::{AgentId, QueueId};
use crate::name::DEFAULT;

/// A queue as a place to go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The queue.
    pub queue: QueueId,
    /// Its name in its agent.
    pub queue_name: String,
    /// Its agent.
    pub agent: AgentId,
    /// The name of that.
    pub agent_name: String,
    /// Whether queues that are named without an agent are that agent's.
    pub is_default_agent: bool,
    /// What selectors match.
    pub labels: BTreeMap<String, String>,
    /// Whether the agent is live and the queue takes and starts runs.
    pub is_open: bool,
}

/// The destinations that a run may have, the preferred first: those of `all` that it names, or the `default` queues
/// where it names none, of agents that have all the labels that it asks for.
///
/// Nothing, for a run that asks for nothing: it is where it is by default.
#[must_use]
pub fn candidates<'a>(routing: &Routing, all: &'a [Destination]) -> Vec<&'a Destination> {
    let fits = |place: &&Destination| {
        routing.agent_selector.iter().all(|(key, value)| place.labels.get(key) == Some(value))
    };
    if !routing.queues.is_empty() {
        return routing
            .queues
            .iter()
            .filter_map(|asked| {
                all.iter().find(|place| {
                    let is_agent = match &asked.agent {
                        Some(agent) => place.agent_name == agent.as_str(),
                        None => place.is_default_agent,
                    };
                    is_agent && place.queue_name == asked.queue.as_str()
                })
            })
            .filter(fits)
            .collect();
    }
    if routing.agent_selector.is_empty() {
        return Vec::new();
    }
    all.iter().filter(|place| place.queue_name == DEFAULT).filter(fits).collect()
}

/// Where a run goes that can't stay with `agent`: its first open candidate elsewhere.
#[must_use]
pub fn elsewhere<'a>(routing: &Routing, agent: AgentId, all: &'a [Destination]) -> Option<&'a Destination> {
    candidates(routing, all).into_iter().find(|place| place.is_open && place.agent != agent)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn place(agent: u128, queue: &str, labels: &[(&str, &str)], is_open: bool) -> Destination {
        Destination {
            queue: QueueId::new(),
            queue_name: queue.into(),
            agent: AgentId::from_uuid(Uuid::from_u128(agent)),
            agent_name: format!("a{agent}"),
            is_default_agent: agent == 1,
            labels: labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            is_open,
        }
    }

    fn routing(queues: &[&str], selector: &[(&str, &str)]) -> Routing {
        Routing {
            queues: queues.iter().map(|queue| queue.parse().unwrap()).collect(),
            agent_selector: selector.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            ..Routing::default()
        }
    }

    #[test]
    fn a_run_goes_to_the_first_open_queue_of_those_it_asks_for_that_is_elsewhere() {
        let eu: &[(&str, &str)] = &[("region", "eu")];
        let all = [
            place(1, "default", eu, true),
            place(1, "fast", eu, true),
            place(2, "default", &[], true),
            place(3, "default", eu, true),
            place(3, "fast", eu, false),
            place(4, "default", eu, true),
        ];
        let from = all[0].agent;
        for (asked, found) in [
            (routing(&["default", "a2/default", "a3/default"], &[]), Some("a2/default")),
            (routing(&["default", "fast"], &[]), None),
            (routing(&["a3/fast", "a4/default"], &[]), Some("a4/default")),
            (routing(&["a9/default", "a4/slow"], &[]), None),
            (routing(&["default", "a2/default", "a3/default"], eu), Some("a3/default")),
            (routing(&[], eu), Some("a3/default")),
            (routing(&[], &[("region", "us")]), None),
            (routing(&[], &[]), None),
        ] {
            let to = elsewhere(&asked, from, &all);
            let name = to.map(|place| format!("{}/{}", place.agent_name, place.queue_name));
            assert_eq!(name.as_deref(), found, "{asked:?}");
        }
    }
}

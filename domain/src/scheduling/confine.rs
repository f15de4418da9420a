//! What a project may use: lists of queues, agents and namespaces. An empty list confines nothing.

use serde::{Deserialize, Serialize};

use crate::name::{AgentName, QueueRef, Slug};
use crate::reported::listed;

/// To what a project's runs are confined.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Confinement {
    /// Queues, each with its agent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<QueueRef>,
    /// Agents, with all their queues.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<AgentName>,
    /// Namespaces.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<Slug>,
}

/// What is to change of a confinement; what is none stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfinementPatch {
    /// Queues, all of them.
    pub queues: Option<Vec<QueueRef>>,
    /// Agents, all of them.
    pub agents: Option<Vec<AgentName>>,
    /// Namespaces, all of them.
    pub namespaces: Option<Vec<Slug>>,
}

impl ConfinementPatch {
    /// Changes `confinement`.
    pub fn apply(self, confinement: &mut Confinement) {
        confinement.queues = self.queues.unwrap_or_else(|| std::mem::take(&mut confinement.queues));
        confinement.agents = self.agents.unwrap_or_else(|| std::mem::take(&mut confinement.agents));
        confinement.namespaces =
            self.namespaces.unwrap_or_else(|| std::mem::take(&mut confinement.namespaces));
    }
}

impl Confinement {
    /// Whether nothing is confined.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queues.is_empty() && self.agents.is_empty() && self.namespaces.is_empty()
    }

    /// Whether a queue of an agent may be used.
    #[must_use]
    pub fn allows(&self, agent: &str, queue: &str) -> bool {
        self.outside(agent, queue).is_none()
    }

    /// Whether a namespace may be used; none is the one that the agent chooses.
    #[must_use]
    pub fn allows_namespace(&self, namespace: Option<&str>) -> bool {
        self.namespaces.is_empty()
            || namespace.is_some_and(|asked| self.namespaces.iter().any(|allowed| allowed.as_str() == asked))
    }

    /// What a queue of an agent is not among, for people: `the queues a/x, b/y`; none if it may be used.
    #[must_use]
    pub fn outside(&self, agent: &str, queue: &str) -> Option<String> {
        let is_queue = |allowed: &QueueRef| {
            allowed.queue.as_str() == queue && allowed.agent.as_ref().is_some_and(|a| a.as_str() == agent)
        };
        if !self.agents.is_empty() && !self.agents.iter().any(|allowed| allowed.as_str() == agent) {
            return Some(format!("the agents {}", listed(self.agents.iter().map(Slug::as_str))));
        }
        if !self.queues.is_empty() && !self.queues.iter().any(is_queue) {
            let names: Vec<String> = self.queues.iter().map(ToString::to_string).collect();
            return Some(format!("the queues {}", names.join(", ")));
        }
        None
    }

    /// The namespaces, for people.
    #[must_use]
    pub fn namespaces_text(&self) -> String {
        format!("the namespaces {}", listed(self.namespaces.iter().map(Slug::as_str)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confined(queues: &[&str], agents: &[&str], namespaces: &[&str]) -> Confinement {
        Confinement {
            queues: queues.iter().map(|text| text.parse().unwrap()).collect(),
            agents: agents.iter().map(|text| text.parse().unwrap()).collect(),
            namespaces: namespaces.iter().map(|text| text.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn each_list_confines_by_itself_and_an_empty_one_does_not() {
        let queues = confined(&["eu/gpu", "us/gpu"], &[], &[]);
        assert!(queues.allows("eu", "gpu") && !queues.allows("eu", "cpu") && !queues.allows("asia", "gpu"));
        assert_eq!(queues.outside("eu", "cpu").unwrap(), "the queues eu/gpu, us/gpu");
        let agents = confined(&["eu/gpu", "us/gpu"], &["eu"], &[]);
        assert!(agents.allows("eu", "gpu") && !agents.allows("us", "gpu"), "both lists hold");
        assert_eq!(agents.outside("us", "gpu").unwrap(), "the agents eu");
        assert!(Confinement::default().allows("any", "any") && Confinement::default().is_empty());
    }

    #[test]
    fn a_namespace_must_be_named_where_namespaces_are_confined() {
        let confined = confined(&[], &[], &["team-a"]);
        assert!(confined.allows_namespace(Some("team-a")));
        assert!(!confined.allows_namespace(Some("team-b")) && !confined.allows_namespace(None));
        assert!(Confinement::default().allows_namespace(None));
    }
}

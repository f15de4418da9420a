//! The nodes: each replica of an agent whose lease holds is a worker named `agent@replica`.

use std::collections::BTreeMap;
use std::sync::Arc;

use berth_domain::id::AgentId;
use berth_store::{Agent, Replica, Run};
use regex::Regex;

use crate::context::Context;
use crate::outbox::Error;

/// A replica of an agent, as a worker.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) agent: Arc<Agent>,
    pub(super) replica: Replica,
    /// `agent@replica`.
    pub(super) name: String,
}

/// All live nodes, in order of their names.
#[derive(Debug, Clone, Default)]
pub(super) struct Nodes(Vec<Node>);

impl Nodes {
    pub(super) async fn load(context: &Context) -> Result<Self, Error> {
        let replicas = context.store.live_replicas(context.clock.now()).await?;
        let agents = context.store.all_agents().await?;
        let agents: BTreeMap<AgentId, Arc<Agent>> =
            agents.into_iter().map(|agent| (agent.id, Arc::new(agent))).collect();
        let nodes = replicas.into_iter().filter_map(|(id, replica)| {
            let agent = Arc::clone(agents.get(&id)?);
            let name = name(agent.name.as_str(), &replica.name);
            Some(Node { agent, replica, name })
        });
        let mut nodes: Vec<Node> = nodes.collect();
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self(nodes))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Node> {
        self.0.iter()
    }

    /// The node that has a run: the replica that claimed it, or, for want of that, its agent's first.
    pub(super) fn of(&self, run: &Run) -> Option<&Node> {
        let agent = run.agent_id?;
        let claimed = run.dispatch.claim.as_ref().map(|claim| claim.replica.as_str());
        let mut replicas = self.0.iter().filter(|node| node.agent.id == agent).peekable();
        let first = replicas.peek().copied();
        replicas.find(|node| Some(node.replica.name.as_str()) == claimed).or(first)
    }

    /// Those that a command is for.
    pub(super) fn addressed(&self, to: &Addressed) -> Vec<&Node> {
        self.0.iter().filter(|node| to.includes(&node.name)).collect()
    }
}

/// A node's name.
pub(super) fn name(agent: &str, replica: &str) -> String {
    format!("{agent}@{replica}")
}

/// Which nodes a command is for.
#[derive(Debug)]
pub(super) enum Addressed {
    All,
    Named(Vec<String>),
    Matching(Regex),
}

impl Addressed {
    /// Reads a command's destination; none if its pattern can't be used.
    pub(super) fn read(
        destination: Option<Vec<String>>,
        pattern: Option<&str>,
        matcher: Option<&str>,
    ) -> Option<Self> {
        if let Some(names) = destination.filter(|names| !names.is_empty()) {
            return Some(Self::Named(names));
        }
        let Some(pattern) = pattern.filter(|pattern| !pattern.is_empty()) else { return Some(Self::All) };
        let pattern = if matcher == Some("pcre") { format!("^(?:{pattern})") } else { of_glob(pattern) };
        // What cost a pattern may have is bounded by the library.
        Regex::new(&pattern).ok().map(Self::Matching)
    }

    fn includes(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.iter().any(|named| named == name),
            Self::Matching(pattern) => pattern.is_match(name),
        }
    }
}

/// Python's `fnmatch` as a regular expression: `*`, `?`, `[...]`, `[!...]`.
fn of_glob(glob: &str) -> String {
    let mut pattern = String::from("^(?s:");
    let mut rest = glob.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '*' => pattern.push_str(".*"),
            '?' => pattern.push('.'),
            '[' => {
                let set: String = rest.by_ref().take_while(|c| *c != ']').collect();
                let (not, set) = set.strip_prefix('!').map_or(("", set.as_str()), |set| ("^", set));
                pattern.push_str(&format!("[{not}{}]", set.replace('\\', r"\\").replace('[', r"\[")));
            }
            c => pattern.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    pattern.push_str(")$");
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_for_whom_it_names_or_matches() {
        let includes =
            |destination: Option<&str>, pattern: Option<&str>, matcher: Option<&str>, name: &str| {
                let destination = destination.map(|name| vec![name.to_owned()]);
                Addressed::read(destination, pattern, matcher).map(|to| to.includes(name))
            };
        assert_eq!(includes(None, None, None, "a@r"), Some(true));
        assert_eq!(
            includes(Some("a@r"), Some("b*"), None, "a@r"),
            Some(true),
            "a name goes before a pattern"
        );
        assert_eq!(includes(Some("b@r"), None, None, "a@r"), Some(false));
        assert_eq!(includes(None, Some("a@*"), Some("glob"), "a@r"), Some(true));
        assert_eq!(includes(None, Some("a"), Some("glob"), "a@r"), Some(false), "a glob matches the whole");
        assert_eq!(includes(None, Some("[!b]@?"), Some("glob"), "a@r"), Some(true));
        assert_eq!(includes(None, Some("a.r"), Some("glob"), "a@r"), Some(false), "a dot is a dot");
        assert_eq!(includes(None, Some("a.r"), Some("pcre"), "a@r"), Some(true));
        assert_eq!(includes(None, Some("("), Some("pcre"), "a@r"), None);
    }
}

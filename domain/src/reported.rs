//! What an agent says of itself with its lease: its labels, the namespaces that it serves, and its connections.

use serde::{Deserialize, Serialize};

use crate::labels::{self, InvalidLabel, Labels};
use crate::name::{DEFAULT, Slug};

/// The most namespaces of one agent.
const MAX_NAMESPACES: usize = 256;
/// The most connections of one agent.
pub const MAX_CONNECTIONS: usize = 256;
/// The longest name of a connection, and of its kind.
const MAX_CONNECTION_NAME: usize = 63;

/// A connection, as far as the control plane knows it: what it leads to, and by which secrets, stays with the agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConnectionName {
    /// The name by which operations ask for it.
    pub name: String,
    /// What it leads to, in Polyaxon's words: `s3`, `git`, `volume_claim`, ...
    pub kind: String,
}

/// Whether a connection may have that name.
#[must_use]
pub fn is_connection_name(text: &str) -> bool {
    (1..=MAX_CONNECTION_NAME).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// What one of an agent's replicas said of the agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// The replica.
    pub replica: String,
    /// Its labels.
    #[serde(default)]
    pub labels: Labels,
    /// The namespaces that it serves; none if its executor has none.
    #[serde(default)]
    pub namespaces: Vec<String>,
    /// Its connections.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<ConnectionName>,
}

/// What an agent says of itself can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A label.
    #[error("labels: {0}")]
    Label(#[from] InvalidLabel),
    /// A namespace.
    #[error("namespaces: {0}")]
    Namespace(#[from] crate::name::InvalidName),
    /// More namespaces than are allowed.
    #[error("namespaces: a list of {0} is not one of {MAX_NAMESPACES} at most")]
    TooManyNamespaces(usize),
    /// A connection's name or kind.
    #[error("connections: `{0}` is not 1 to {MAX_CONNECTION_NAME} of a-z, A-Z, 0-9, `-` and `_`")]
    Connection(String),
    /// More connections than are allowed.
    #[error("connections: a list of {0} is not one of {MAX_CONNECTIONS} at most")]
    TooManyConnections(usize),
}

impl Reported {
    /// Checks what was said.
    ///
    /// # Errors
    /// If a label, a namespace or a connection is none, or if there are too many.
    pub fn check(&self) -> Result<(), Invalid> {
        labels::check(&self.labels)?;
        if self.namespaces.len() > MAX_NAMESPACES {
            return Err(Invalid::TooManyNamespaces(self.namespaces.len()));
        }
        for namespace in &self.namespaces {
            namespace.parse::<Slug>()?;
        }
        if self.connections.len() > MAX_CONNECTIONS {
            return Err(Invalid::TooManyConnections(self.connections.len()));
        }
        let mut words = self.connections.iter().flat_map(|known| [&known.name, &known.kind]);
        match words.find(|word| !is_connection_name(word)) {
            Some(word) => Err(Invalid::Connection(word.chars().take(MAX_CONNECTION_NAME).collect())),
            None => Ok(()),
        }
    }

    /// Whether this takes the place of what is `known`. Replicas of one agent may differ, while they are replaced
    /// or by mistake: then the newest lease holds, so that what holds doesn't change with every renewal.
    ///
    /// `begins` says that the replica's lease begins with this, `known_is_live` that the lease of the replica that
    /// said what is known goes on.
    #[must_use]
    pub fn replaces(&self, known: Option<&Self>, begins: bool, known_is_live: bool) -> bool {
        known.is_none_or(|known| known != self && (begins || known.replica == self.replica || !known_is_live))
    }

    /// Whether a replica says the same, whichever it is.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        (&self.labels, &self.namespaces, &self.connections)
            == (&other.labels, &other.namespaces, &other.connections)
    }

    /// Why the agent does not serve the namespace that an operation names; none if it does. Where nothing is said,
    /// the namespace is `default`: that one is asked of nobody.
    #[must_use]
    pub fn lacks(&self, agent: &str, namespace: &str) -> Option<String> {
        if namespace == DEFAULT || self.namespaces.iter().any(|served| served == namespace) {
            return None;
        }
        let served = if self.namespaces.is_empty() {
            "none: only `--executor kubernetes` serves namespaces".to_owned()
        } else {
            self.namespaces.join(", ")
        };
        Some(format!("agent {agent} does not serve the namespace `{namespace}`; it serves {served}"))
    }

    /// Why the agent can't give an operation the connection that it names; none if it has it.
    #[must_use]
    pub fn lacks_connection(&self, agent: &str, name: &str) -> Option<String> {
        let has = self.connections.iter().any(|known| known.name == name);
        (!has).then(|| {
            let names = self.connections.iter().map(|known| known.name.as_str());
            format!("agent {agent} has no connection `{name}`; it has {}", listed(names))
        })
    }
}

/// Names, as a sentence has them.
pub fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(replica: &str, zone: &str) -> Reported {
        let labels = [("zone".to_owned(), zone.to_owned())].into();
        Reported { replica: replica.into(), labels, ..Reported::default() }
    }

    #[test]
    fn the_newest_lease_holds_and_renewals_of_others_change_nothing() {
        let (old, new) = (said("r1", "eu"), said("r2", "us"));
        assert!(old.replaces(None, false, false), "the first word holds");
        assert!(new.replaces(Some(&old), true, true), "a lease that begins is the newest");
        assert!(!old.replaces(Some(&new), false, true), "a renewal of the older one is not");
        assert!(old.replaces(Some(&new), false, false), "unless the newest is gone");
        assert!(said("r2", "asia").replaces(Some(&new), false, true), "its own word may change");
        assert!(!new.replaces(Some(&new), true, true), "the same is no news");
        assert!(!old.agrees_with(&new) && said("r9", "eu").agrees_with(&old));
    }

    #[test]
    fn a_namespace_is_served_or_the_answer_says_which_are() {
        let mut agent = said("r1", "eu");
        let none = agent.lacks("a", "ml").unwrap();
        assert_eq!(
            none,
            "agent a does not serve the namespace `ml`; it serves none: only `--executor kubernetes` serves namespaces"
        );
        agent.namespaces = vec!["etl".into(), "ml".into()];
        assert_eq!((agent.lacks("a", "ml"), agent.lacks("a", "default")), (None, None));
        assert!(agent.lacks("a", "web").unwrap().ends_with("it serves etl, ml"));
    }

    #[test]
    fn a_connection_is_there_or_the_answer_says_which_are() {
        let mut agent = said("r1", "eu");
        let none = "agent a has no connection `s3`; it has none";
        assert_eq!(agent.lacks_connection("a", "s3").unwrap(), none);
        let known = |name: &str| ConnectionName { name: name.into(), kind: "s3".into() };
        agent.connections = vec![known("data"), known("s3")];
        assert_eq!(agent.lacks_connection("a", "s3"), None);
        assert!(agent.lacks_connection("a", "S3").unwrap().ends_with("it has data, s3"));
        assert!(!agent.agrees_with(&said("r2", "eu")), "connections are news");
    }

    #[test]
    fn what_can_not_be_used_is_refused_by_name() {
        let mut agent = said("r1", "eu");
        agent.check().unwrap();
        agent.namespaces = vec!["Not One".into()];
        assert!(agent.check().unwrap_err().to_string().starts_with("namespaces: `Not One` is not a name"));
        agent.namespaces = vec!["n".into(); 257];
        assert_eq!(
            agent.check().unwrap_err().to_string(),
            "namespaces: a list of 257 is not one of 256 at most"
        );
        agent.namespaces.clear();
        let known = |name: &str| ConnectionName { name: name.into(), kind: "s3".into() };
        agent.connections = vec![known("s3-data_1"), known("a/b")];
        assert!(agent.check().unwrap_err().to_string().starts_with("connections: `a/b` is not 1 to 63 of"));
        agent.connections = vec![known("c"); 257];
        assert!(agent.check().unwrap_err().to_string().contains("257 is not one of 256"));
        agent.connections.clear();
        agent.labels = [("a b".to_owned(), String::new())].into();
        assert!(agent.check().unwrap_err().to_string().starts_with("labels: the key `a b` is not 1 to 63"));
    }
}

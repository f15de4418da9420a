//! What an agent says of itself with its lease: its labels and the namespaces that it serves.

use serde::{Deserialize, Serialize};

use crate::labels::{self, InvalidLabel, Labels};
use crate::name::{DEFAULT, Slug};

/// The most namespaces of one agent.
const MAX_NAMESPACES: usize = 256;

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
}

impl Reported {
    /// Checks what was said.
    ///
    /// # Errors
    /// If a label or a namespace is none, or if there are too many.
    pub fn check(&self) -> Result<(), Invalid> {
        labels::check(&self.labels)?;
        if self.namespaces.len() > MAX_NAMESPACES {
            return Err(Invalid::TooManyNamespaces(self.namespaces.len()));
        }
        for namespace in &self.namespaces {
            namespace.parse::<Slug>()?;
        }
        Ok(())
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
        (&self.labels, &self.namespaces) == (&other.labels, &other.namespaces)
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(replica: &str, zone: &str) -> Reported {
        let labels = [("zone".to_owned(), zone.to_owned())].into();
        Reported { replica: replica.into(), labels, namespaces: Vec::new() }
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
        agent.labels = [("a b".to_owned(), String::new())].into();
        assert!(agent.check().unwrap_err().to_string().starts_with("labels: the key `a b` is not 1 to 63"));
    }
}

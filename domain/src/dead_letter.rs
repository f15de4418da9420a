//! Why something was set aside as a dead letter: a closed set, by which letters are grouped, counted and replayed. And how
//! much of it is kept.

use std::fmt;
use std::str::FromStr;

/// How much of a message is kept: a mebibyte of base64.
pub const KEPT_BYTES: usize = 768 * 1024;

/// What is kept of a message's body, and whether that is only its beginning. Whoever hands a message over cuts it before
/// anything is made of it, so that one of 100 MB costs no more than it does already.
#[must_use]
pub fn kept(body: &[u8]) -> (&[u8], bool) {
    body.get(..KEPT_BYTES).map_or((body, false), |beginning| (beginning, body.len() > KEPT_BYTES))
}

/// Why something was set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A run was claimed too often without a start.
    Poison,
    /// An agent could not decode a message on one of its queues.
    Undecodable,
    /// What an agent sent is no message of an agent.
    Unreadable,
    /// What an agent sent is of a newer version than the control plane reads.
    NewerVersion,
    /// An agent spoke of a run that is not at it.
    Foreign,
}

/// The text names no reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a reason: use poison, undecodable, unreadable, newer_version or foreign")]
pub struct UnknownReason(String);

impl Reason {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Poison, Self::Undecodable, Self::Unreadable, Self::NewerVersion, Self::Foreign];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Poison => "poison",
            Self::Undecodable => "undecodable",
            Self::Unreadable => "unreadable",
            Self::NewerVersion => "newer_version",
            Self::Foreign => "foreign",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str() == text)
            .ok_or_else(|| UnknownReason(text.chars().take(64).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_is_too_long_the_beginning_is_kept() {
        let long = vec![7; KEPT_BYTES + 1];
        assert_eq!(kept(&long), (&long[1..], true));
        assert_eq!(kept(&long[1..]), (&long[1..], false));
        assert_eq!(kept(b"short"), (&b"short"[..], false));
    }

    #[test]
    fn reasons_are_read_as_they_are_written() {
        for reason in Reason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(reason));
        }
        let error = "bad luck".parse::<Reason>().unwrap_err().to_string();
        assert_eq!(
            error,
            "`bad luck` is not a reason: use poison, undecodable, unreadable, newer_version or foreign"
        );
    }
}

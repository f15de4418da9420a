//! Who takes what a queue offers: agents, which claim it, or Celery workers, which don't.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::spec::shown;

/// For how long the answer of Celery workers is waited for, if a queue doesn't say.
pub const ANSWER_WITHIN: Duration = Duration::from_hours(24);
/// The longest that a queue may say: a year.
pub const LONGEST_ANSWER: Duration = Duration::from_hours(365 * 24);

/// By which protocol a queue is served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum QueueProtocol {
    /// Berth's: an agent's replicas claim what is offered, and start it once.
    #[default]
    Berth,
    /// Celery's: stock workers take it, at least once, and answer by their result backend.
    Celery,
}

/// The text is neither.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not allowed: use berth or celery")]
pub struct UnknownProtocol(String);

impl QueueProtocol {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Berth => "berth",
            Self::Celery => "celery",
        }
    }

    /// Whether an agent has to be there for its runs to start.
    #[must_use]
    pub const fn needs_agent(self) -> bool {
        matches!(self, Self::Berth)
    }
}

impl fmt::Display for QueueProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for QueueProtocol {
    type Err = UnknownProtocol;

    fn from_str(text: &str) -> Result<Self, UnknownProtocol> {
        [Self::Berth, Self::Celery]
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| UnknownProtocol(shown(text)))
    }
}

//! The hops of a run's way, each of which is a span of its trace.

use std::fmt;

/// A hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hop {
    /// Its submission reached us: a request, or a task of Celery's.
    Submit,
    /// It was read, compiled and committed.
    Accept,
    /// It waited in its queue, until it was admitted.
    Queued,
    /// A round of admission chose it.
    Admit,
    /// It was published to its agent's queue.
    Offer,
    /// An agent replica asked for it, and got it.
    Claim,
    /// The scheduler granted that.
    Grant,
    /// The agent created its object.
    Create,
    /// Its object ran.
    Run,
    /// Its attempt's end was taken in.
    End,
}

impl Hop {
    /// All, in the order in which they happen.
    pub const ALL: [Self; 10] = [
        Self::Submit,
        Self::Accept,
        Self::Queued,
        Self::Admit,
        Self::Offer,
        Self::Claim,
        Self::Grant,
        Self::Create,
        Self::Run,
        Self::End,
    ];

    /// Its name, as the attribute `berth.hop` has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Accept => "accept",
            Self::Queued => "queued",
            Self::Admit => "admit",
            Self::Offer => "offer",
            Self::Claim => "claim",
            Self::Grant => "grant",
            Self::Create => "create",
            Self::Run => "run",
            Self::End => "end",
        }
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

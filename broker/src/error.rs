//! What can go wrong with a broker. No text here ever has a credential in it.

/// Why an operation on the broker failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no connection at the moment; a background task keeps trying.
    #[error("not connected to the broker{}", .last.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    NotConnected {
        /// Why not.
        last: Option<String>,
    },
    /// The broker did not answer in time; whether it acted is unknown.
    #[error("the broker did not answer within {millis} ms while {doing}")]
    Timeout {
        /// The operation.
        doing: &'static str,
        /// How long it was waited for.
        millis: u64,
    },
    /// A queue (or its exchange) is missing: the topology must be applied first.
    #[error("the broker has no queue `{queue}`")]
    NoSuchQueue {
        /// Its name.
        queue: String,
    },
    /// A queue or exchange exists with other properties, which no broker can change.
    #[error("`{name}` exists on the broker with other properties: {difference}")]
    Conflict {
        /// The queue or exchange.
        name: String,
        /// The differing argument, with both values where the broker says them.
        difference: String,
    },
    /// The broker's rights forbid it.
    #[error("the broker refuses access while {doing}: {text}")]
    Forbidden {
        /// The operation.
        doing: &'static str,
        /// The broker's words.
        text: String,
    },
    /// The broker refused a message or a command for another reason.
    #[error("the broker failed while {doing}: {text}")]
    Failed {
        /// The operation.
        doing: &'static str,
        /// The broker's or the client library's words.
        text: String,
    },
    /// RabbitMQ's management API could not be used. Nothing but what was asked depends on it.
    #[error("RabbitMQ's management API at {at} can't be used: {text}")]
    Management {
        /// Where it is.
        at: String,
        /// Why not.
        text: String,
    },
    /// A user could not be made, changed or taken away.
    #[error("the user `{user}` can't be changed on the broker: {why}")]
    User {
        /// Its name.
        user: String,
        /// Why not.
        why: String,
    },
    /// [`crate::Broker::close`] was called.
    #[error("the connection to the broker was closed by this process")]
    Closed,
}

impl Error {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotConnected { .. }
            | Self::Timeout { .. }
            | Self::Failed { .. }
            | Self::Management { .. } => true,
            Self::NoSuchQueue { .. }
            | Self::Conflict { .. }
            | Self::Forbidden { .. }
            | Self::User { .. }
            | Self::Closed => false,
        }
    }
}

/// Some messages of a batch are not known to be on the broker; the others are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} of the batch's messages are not confirmed: {reason}", .unconfirmed.len())]
pub struct PublishError {
    /// Indices into the batch, ascending. They may be on the broker all the same.
    pub unconfirmed: Vec<usize>,
    /// Why: the first failure.
    pub reason: Error,
}

impl PublishError {
    pub(crate) fn all(count: usize, reason: Error) -> Self {
        Self { unconfirmed: (0..count).collect(), reason }
    }

    /// Whether publishing the unconfirmed ones again may succeed without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        self.reason.is_transient()
    }
}

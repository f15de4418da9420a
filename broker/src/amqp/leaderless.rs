//! A quorum queue that has no leader and never gets one: recognized, deleted, and declared anew.
//!
//! RabbitMQ 3.10 puts a new quorum queue into its directory on disk up to seconds after it has said that the queue
//! is declared. A node killed in between comes back with a queue of that name and nothing behind it: it can be
//! declared, and its depth is 0, but who consumes it gets no answer and what is published is never confirmed
//! (seen on 3.10.8). A queue whose majority of nodes is lost looks the same. No broker holds a truth of ours, so the
//! cure for both is another queue; what was in the old one is offered, asked or reported again.

use std::time::Duration;

use berth_broker_config::names::Holder;
use tokio::time::Instant;

use super::declare;
use super::link::Link;
use crate::error::Error;

/// A deletion takes this long at most: RabbitMQ looks for a leader for five seconds before it does without.
const DELETING: Duration = Duration::from_secs(20);

/// Fewer failures in a row than these may be one slow answer.
const AT_LEAST: u32 = 3;

/// The failures of one consumer in a row, on one connection.
#[derive(Debug, Default)]
pub(crate) struct Silence {
    since: Option<Instant>,
    failures: u32,
    generation: u64,
}

impl Silence {
    /// Takes a failure in; says whether the queue has been silent for so long that it is given up.
    ///
    /// Only silence counts: a refusal is an answer, and without a connection nothing is known of the queue.
    pub(crate) fn failed(
        &mut self,
        error: &Error,
        generation: u64,
        now: Instant,
        patience: Duration,
    ) -> bool {
        if !matches!(error, Error::Timeout { .. }) || self.generation != generation {
            *self = Self { generation, ..Self::default() };
        }
        if !matches!(error, Error::Timeout { .. }) {
            return false;
        }
        self.failures += 1;
        let since = *self.since.get_or_insert(now);
        self.failures >= AT_LEAST && now.duration_since(since) >= patience
    }

    /// The queue answered, or is another one now.
    pub(crate) fn ended(&mut self) {
        *self = Self::default();
    }
}

/// Deletes a queue that was given up, if it is an agent's. Its consumer declares it again if it knows how, else the
/// control plane does, which finds it missing as soon as it has an offer for it. Submissions of others are theirs.
pub(crate) async fn give_up(link: &Link, queue: &str) {
    if !matches!(link.core.settings.names.holder(queue), Some(Holder::Agent(_))) {
        return;
    }
    tracing::error!(
        queue,
        "broker.queue.leaderless: nobody can consume it; it is deleted, to be declared anew, and what was in \
         it is sent again by whoever sent it"
    );
    match declare::delete_within(link, queue, DELETING).await {
        Ok(()) => tracing::warn!(queue, "broker.queue.deleted"),
        Err(error) => tracing::error!(queue, %error, "broker.queue.delete.failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);
    const SILENT: Error = Error::Timeout { doing: "subscribing", millis: 5000 };

    /// Whether each of the failures, at these seconds, gives the queue up.
    fn given_up(failures: &[(u64, Error, u64)]) -> Vec<bool> {
        let (start, mut silence) = (Instant::now(), Silence::default());
        let failures = failures.iter().map(|(second, error, generation)| {
            silence.failed(error, *generation, start + Duration::from_secs(*second), PATIENCE)
        });
        failures.collect()
    }

    #[test]
    fn a_queue_is_given_up_after_a_long_silence_only() {
        let at = |second| (second, SILENT, 1);
        assert_eq!(given_up(&[at(0), at(10), at(29)]), [false, false, false]);
        assert_eq!(given_up(&[at(0), at(10), at(30)]), [false, false, true]);
        assert_eq!(given_up(&[at(0), at(40)]), [false, false], "two slow answers are no proof");
    }

    #[test]
    fn an_answer_of_any_kind_and_a_new_connection_begin_from_nothing() {
        let at = |second| (second, SILENT, 1);
        let refused = Error::Forbidden { doing: "subscribing", text: String::new() };
        assert_eq!(given_up(&[at(0), at(20), (25, refused, 1), at(31), at(35), at(40)]), [false; 6]);
        let later = |second| (second, SILENT, 2);
        assert_eq!(given_up(&[at(0), at(20), later(31), later(40), later(50)]), [false; 5]);
        assert_eq!(given_up(&[at(0), later(31), later(40), later(61)]), [false, false, false, true]);
    }
}

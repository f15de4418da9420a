//! Attempts at Celery workers, the lower-trust way: they claim nothing, can't be asked, and may be given the same attempt
//! twice. What they say is believed; what they don't say is waited for so long and no longer.

use std::time::Duration;

use super::{Draft, Ignored};
use crate::lifecycle::state::{Claim, Object};
use crate::lifecycle::{End, FailureClass, Outcome, Status};

/// For how long the end of a stopped attempt is waited for.
const STOP_PATIENCE: Duration = Duration::from_secs(60);

/// What a worker tells of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkerSaid {
    /// It began.
    Began {
        /// Which process of which worker.
        by: String,
    },
    /// It ended.
    Ended(End),
}

impl Draft {
    pub(super) fn hand(&mut self, attempt: u32, answer_within: Duration) -> Result<(), Ignored> {
        self.check_attempt(attempt)?;
        self.require(Status::Starting, |status| status == Status::Scheduled)?;
        self.become_status(
            Status::Starting,
            "Handed",
            format!("Handed to Celery workers, which have {} s to answer", answer_within.as_secs()),
        )?;
        let until = self.now.plus(answer_within);
        self.state.claim = Some(Claim {
            replica: "celery".to_owned(),
            nonce: String::new(),
            at: self.now,
            valid_until: until,
            over_at: until,
            replace: false,
            is_handed: true,
        });
        self.follow();
        Ok(())
    }

    pub(super) fn worker_said(
        &mut self,
        attempt: u32,
        said: &WorkerSaid,
        answer_within: Duration,
        jitter: f64,
    ) -> Result<(), Ignored> {
        let current = self.state.attempt;
        if attempt < current {
            return self.late(attempt);
        }
        self.check_attempt(attempt)?;
        if self.state.status.is_final() {
            return self.after_its_end(said);
        }
        // An answer may come before it is known that the attempt was published.
        if self.state.is_offered() {
            self.hand(attempt, answer_within)?;
        }
        if !self.state.is_handed() {
            return Err(Ignored::NotClaimed);
        }
        match said {
            WorkerSaid::Began { by } => self.began(by),
            WorkerSaid::Ended(end) => self.end(end, self.now, jitter),
        }
    }

    fn began(&mut self, by: &str) -> Result<(), Ignored> {
        let known = self.state.object.take();
        let times = known.as_ref().map_or(1, |object| object.rank.saturating_add(1));
        self.state.object = Some(Object { uid: by.to_owned(), rank: times });
        self.state.started_at.get_or_insert(self.now);
        let Some(known) = known else {
            return self.progress(Status::Running, "Running", &format!("Begun by {by}"), self.now);
        };
        let message = format!(
            "Begun again, by {by}, after {}: the broker delivered it twice, and the two may have overlapped",
            known.uid
        );
        self.tell_once(self.state.status, "Overlap", &message, self.state.attempt, self.now).or(Ok(()))
    }

    /// A worker that died between an attempt's end and its ack has it delivered, and begun, once more.
    fn after_its_end(&mut self, said: &WorkerSaid) -> Result<(), Ignored> {
        let status = self.state.status;
        let is_known = |by: &str| self.state.object.as_ref().is_none_or(|object| object.uid == by);
        match said {
            WorkerSaid::Began { by }
                if !is_known(by) && self.state.claim.as_ref().is_some_and(|it| it.is_handed) =>
            {
                let message = format!("Begun again, by {by}, after its end: the broker delivered it twice");
                self.tell_once(status, "Overlap", &message, self.state.attempt, self.now)
            }
            _ => Err(Ignored::Final(status)),
        }
    }

    /// What is told of an attempt that was given up shows that it had lived on.
    fn late(&mut self, attempt: u32) -> Result<(), Ignored> {
        let current = self.state.attempt;
        if self.state.status.is_final() || !self.state.is_handed() {
            return Err(Ignored::OtherAttempt { said: attempt, current });
        }
        let message = format!(
            "Workers told of attempt {attempt} after it was given up: attempt {current} may have overlapped with it"
        );
        self.tell_once(self.state.status, "Overlap", &message, attempt, self.now)
    }

    /// Workers that were told to end an attempt are waited for a little only: whether they heard, nobody knows.
    pub(super) fn hasten(&mut self) {
        let until = self.now.plus(STOP_PATIENCE);
        if let Some(claim) = self.state.claim.as_mut().filter(|claim| claim.is_handed) {
            claim.over_at = claim.over_at.min(until);
        }
    }

    pub(super) fn no_answer(&mut self, jitter: f64) -> Result<(), Ignored> {
        let claim = self.state.claim.as_ref().filter(|_| self.state.is_handed());
        let claim = claim.ok_or(Ignored::NotClaimed)?;
        if claim.over_at > self.now {
            return Err(Ignored::ClaimNotOver);
        }
        let waited = self.now.since(claim.at).as_secs();
        let end = End {
            outcome: Outcome::Failed(FailureClass::Timeout),
            exit_code: None,
            reason: "NoAnswer".to_owned(),
            message: format!("Celery workers did not answer within {waited} s; it may still run there"),
        };
        self.end(&end, self.now, jitter)
    }
}

#[cfg(test)]
mod tests;

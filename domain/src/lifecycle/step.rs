//! The one total function by which a run's dispatch state changes: an event comes in, and either the next
//! state comes out with the conditions that tell of it, or the reason why nothing changes.
//!
//! It is the scheduler's side of the claim protocol that `ARCHITECTURE.md` describes and that the design's
//! model checks over all interleavings.

mod handed;
mod loss;
mod notice;
mod room;

pub use handed::WorkerSaid;

use std::time::Duration;

use super::state::{Claim, DispatchState, Object, Offered, StopRequest};
use super::{Condition, End, FailureClass, Outcome, Status};
use crate::id::{AgentId, RunId};
use crate::protocol::{Notice, Phase, Report};
use crate::time::Time;

/// After so many claims without a start a run is set aside as poison.
pub const MAX_LOST_CLAIMS: u32 = 5;

/// How long a claim is valid, and how long after that a create can still land.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimLimits {
    /// From the commit of the claim.
    pub validity: Duration,
    /// From the end of the validity: the executor's own request time-out.
    pub create_grace: Duration,
    /// Whether the agent ends the attempt by itself when it has been without a lease for too long.
    pub replace: bool,
}

/// Something that happened, or that somebody wants to happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// Its operation was resolved.
    Compile,
    /// It is to wait until its time comes.
    Hold {
        /// When it is due.
        until: Time,
    },
    /// It may enter the backlog now.
    Queue,
    /// The scheduler chose it.
    Admit,
    /// It is published to its agent's queue once more.
    Offer,
    /// It was not published: the broker can't be reached, or refuses it.
    OfferFailed,
    /// An agent replica wants it.
    Claim {
        /// The replica.
        replica: &'a str,
        /// The replica's name for this claim.
        nonce: &'a str,
        /// The attempt that it was offered.
        attempt: u32,
        /// How long the claim would hold.
        limits: ClaimLimits,
    },
    /// It was published to Celery workers, which claim nothing.
    Hand {
        /// The attempt.
        attempt: u32,
        /// For how long their answer is waited for.
        answer_within: Duration,
    },
    /// A Celery worker tells of an attempt.
    Worker {
        /// The attempt.
        attempt: u32,
        /// What it tells.
        said: &'a WorkerSaid,
        /// For how long an answer is waited for, if this comes before it is known that the attempt was published.
        answer_within: Duration,
    },
    /// The answer of Celery workers is waited for no longer.
    NoAnswer,
    /// Its admission is taken back, before anybody claimed it.
    Withdraw {
        /// Why, for people.
        reason: &'a str,
    },
    /// The agent is asked whether the attempt's objects exist.
    Ask,
    /// The agent answered a question: nothing is there.
    Absent {
        /// The attempt that it looked for.
        attempt: u32,
        /// The question that it answered.
        question: u32,
    },
    /// The agent reports a change.
    Report(&'a Report),
    /// The agent tells what befell its objects.
    Notice(&'a Notice),
    /// Its agent has been silent for so long that what may be replaced has ended there by itself.
    AgentLost {
        /// The agent.
        agent: AgentId,
        /// Its name.
        name: &'a str,
    },
    /// An agent that was lost reports of an attempt that was given up.
    Returned {
        /// The agent.
        agent: AgentId,
        /// What it says.
        report: &'a Report,
        /// The name of the agent that the run is at now.
        now_at: &'a str,
    },
    /// A run that goes before it needs what it has.
    MakeRoom {
        /// That run.
        by: RunId,
        /// Why, for people.
        reason: &'a str,
    },
    /// Somebody wants it stopped.
    Stop {
        /// Who.
        by: &'a str,
    },
    /// Somebody wants it never to start.
    Skip {
        /// Who.
        by: &'a str,
    },
    /// Its `expires` has passed.
    Expire,
    /// An administrator sets a status against the edge table; audited by the caller.
    Force {
        /// Who.
        by: &'a str,
        /// The status.
        status: Status,
    },
}

/// What an event did.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The next state.
    pub state: DispatchState,
    /// The conditions to append, in order.
    pub conditions: Vec<Condition>,
    /// Why the run is to be set aside as a dead letter, if it is.
    pub dead_letter: Option<String>,
}

impl Step {
    /// Both steps as one: `next` was taken from this one's state.
    #[must_use]
    pub fn then(mut self, next: Self) -> Self {
        self.conditions.extend(next.conditions);
        Self {
            state: next.state,
            conditions: self.conditions,
            dead_letter: next.dead_letter.or(self.dead_letter),
        }
    }
}

/// Why an offer is to be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DropReason {
    /// It was stopped, or has ended otherwise.
    #[error("the run is {0}")]
    NotOffered(Status),
    /// A later attempt is under way.
    #[error("attempt {offered} was superseded by attempt {current}")]
    Superseded {
        /// The attempt in the offer.
        offered: u32,
        /// The run's attempt.
        current: u32,
    },
    /// Another claim of the same attempt came first.
    #[error("another claim came first")]
    ClaimedByAnother,
}

/// Why an event changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// The edge table has no such edge.
    #[error("no edge leads from {from} to {to}")]
    NoEdge {
        /// The run's status.
        from: Status,
        /// What it would have become.
        to: Status,
    },
    /// The run has ended.
    #[error("the run is {0}")]
    Final(Status),
    /// It is about an attempt that is not the current one.
    #[error("it is about attempt {said}, and the current one is {current}")]
    OtherAttempt {
        /// The attempt it is about.
        said: u32,
        /// The run's attempt.
        current: u32,
    },
    /// It is about other objects than those of the current attempt.
    #[error("it is about other objects than those of the current attempt")]
    OtherObject,
    /// It is no newer than what is known.
    #[error("it is no newer than what is known")]
    Late,
    /// As much was told of the attempt's objects as is kept.
    #[error("as much was told of the attempt as is kept")]
    ToldEnough,
    /// Nobody has claimed the attempt.
    #[error("nobody has claimed the attempt")]
    NotClaimed,
    /// It answers a question that is not open.
    #[error("it answers a question that is not open")]
    NotAsked,
    /// It is asked too early: a create may still land.
    #[error("the claim is not over")]
    ClaimNotOver,
    /// It is at Celery workers, which can't be asked.
    #[error("it is at Celery workers, which can't be asked")]
    NobodyToAsk,
    /// Its agent was not told to end it by itself.
    #[error("it waits for its agent: it was not claimed as one that may be replaced")]
    NotReplaceable,
    /// It does not make room: it is no attempt that could be asked to, or has been asked as often as its retries allow.
    #[error("it makes no room for another run")]
    KeepsItsPlace,
    /// A claim that can't be granted.
    #[error("dropped: {0}")]
    Dropped(DropReason),
}

impl Ignored {
    /// Whether an end that was ignored for this reason needs no further report: it can never count.
    #[must_use]
    pub const fn settles_an_end(self) -> bool {
        !matches!(self, Self::NotClaimed)
    }
}

/// What `event` does to a run in `state` at `now`. `jitter`, between 0 and 1, spreads retries.
///
/// # Errors
/// [`Ignored`] says why nothing changes; the caller keeps the state as it is.
pub fn step(state: &DispatchState, event: &Event<'_>, now: Time, jitter: f64) -> Result<Step, Ignored> {
    let mut next = Draft { state: state.clone(), conditions: Vec::new(), dead_letter: None, now };
    match event {
        Event::Compile => next.become_status(Status::Compiled, "Compiled", "The operation is resolved")?,
        Event::Hold { until } => {
            next.become_status(Status::OnSchedule, "Scheduled", format!("Held until {until}"))?;
            next.state.due_at = Some(*until);
        }
        Event::Queue => next.queue()?,
        Event::Admit => {
            // Going back to `scheduled` is for lost claims alone, and to `queued` for withdrawals.
            next.require(Status::Scheduled, |status| status == Status::Queued)?;
            next.become_status(Status::Scheduled, "Admitted", "Admitted and offered to its agent")?;
            // The offer is published right after the commit; if that fails, the sweep finds it missing.
            next.state.offered = Some(Offered::first(now));
            next.state.due_at = None;
        }
        Event::Offer => next.offer()?,
        Event::OfferFailed => next.offer_failed()?,
        Event::Claim { replica, nonce, attempt, limits } => next.claim(replica, nonce, *attempt, *limits)?,
        Event::Hand { attempt, answer_within } => next.hand(*attempt, *answer_within)?,
        Event::Worker { attempt, said, answer_within } => {
            next.worker_said(*attempt, said, *answer_within, jitter)?;
        }
        Event::NoAnswer => next.no_answer(jitter)?,
        Event::Withdraw { reason } => {
            next.require(Status::Queued, |status| status == Status::Scheduled)?;
            next.become_status(Status::Queued, "Withdrawn", *reason)?;
            next.state.offered = None;
            next.state.withdrawn = next.state.withdrawn.saturating_add(1);
        }
        Event::Ask => next.ask()?,
        Event::Absent { attempt, question } => next.absent(*attempt, *question, jitter)?,
        Event::Report(report) => next.report(report, jitter)?,
        Event::Notice(notice) => next.notice(notice)?,
        Event::AgentLost { agent, name } => next.agent_lost(*agent, name, jitter)?,
        Event::Returned { agent, report, now_at } => next.returned(*agent, report, now_at)?,
        Event::MakeRoom { by, reason } => next.make_room(*by, reason)?,
        Event::Stop { by } => next.stop(by)?,
        Event::Skip { by } => next.finish(Status::Skipped, "Skipped", format!("Skipped by {by}"))?,
        Event::Expire => {
            next.finish(Status::Skipped, "Expired", "It expired before it started".to_owned())?;
        }
        Event::Force { by, status } => next.force(by, *status),
    }
    Ok(Step { state: next.state, conditions: next.conditions, dead_letter: next.dead_letter })
}

/// The next state while it is being made.
struct Draft {
    state: DispatchState,
    conditions: Vec<Condition>,
    dead_letter: Option<String>,
    now: Time,
}

impl Draft {
    fn become_status(
        &mut self,
        status: Status,
        reason: &str,
        message: impl Into<String>,
    ) -> Result<(), Ignored> {
        self.become_status_at(status, reason, message, self.now)
    }

    fn become_status_at(
        &mut self,
        status: Status,
        reason: &str,
        message: impl Into<String>,
        at: Time,
    ) -> Result<(), Ignored> {
        let from = self.state.status;
        if !from.may_become(status) {
            return Err(if from.is_final() {
                Ignored::Final(from)
            } else {
                Ignored::NoEdge { from, to: status }
            });
        }
        self.state.status = status;
        self.conditions.push(Condition::new(status, reason, message, self.state.attempt, at));
        Ok(())
    }

    /// A condition that changes no status.
    fn tell(&mut self, status: Status, reason: &str, message: String) {
        self.conditions.push(Condition::new(status, reason, message, self.state.attempt, self.now));
    }

    fn require(&self, to: Status, from: impl Fn(Status) -> bool) -> Result<(), Ignored> {
        let status = self.state.status;
        if from(status) { Ok(()) } else { Err(Ignored::NoEdge { from: status, to }) }
    }

    fn queue(&mut self) -> Result<(), Ignored> {
        self.require(Status::Queued, Status::is_waiting)?;
        self.become_status(Status::Queued, "Queued", "Waits in its queue")?;
        self.state.queued_at = Some(self.now);
        self.state.due_at = None;
        Ok(())
    }

    fn offer(&mut self) -> Result<(), Ignored> {
        if !self.state.is_offered() {
            return Err(Ignored::NoEdge { from: self.state.status, to: Status::Scheduled });
        }
        let times = self.state.offered.map_or(0, |offered| offered.times).saturating_add(1);
        self.state.offered = Some(Offered { at: self.now, times, failing_since: None });
        Ok(())
    }

    fn offer_failed(&mut self) -> Result<(), Ignored> {
        if !self.state.is_offered() {
            return Err(Ignored::NoEdge { from: self.state.status, to: Status::Scheduled });
        }
        // One whose claim was lost is to be offered, and was not yet.
        let offered = self.state.offered.unwrap_or(Offered { at: self.now, times: 0, failing_since: None });
        if offered.failing_since.is_some() {
            return Err(Ignored::Late);
        }
        self.state.offered = Some(Offered { failing_since: Some(self.now), ..offered });
        Ok(())
    }

    fn claim(
        &mut self,
        replica: &str,
        nonce: &str,
        attempt: u32,
        limits: ClaimLimits,
    ) -> Result<(), Ignored> {
        let current = self.state.attempt;
        if attempt != current {
            return Err(Ignored::Dropped(DropReason::Superseded { offered: attempt, current }));
        }
        if let Some(claim) = &self.state.claim {
            // The same claim, asked again because its answer was lost: what is left of it still holds.
            let same = claim.nonce == nonce && claim.replica == replica;
            let unused = self.state.object.is_none() && self.state.status == Status::Starting;
            return if same && unused && claim.valid_until > self.now {
                Ok(())
            } else {
                Err(Ignored::Dropped(DropReason::ClaimedByAnother))
            };
        }
        if !self.state.is_offered() || self.state.stop.is_some() {
            return Err(Ignored::Dropped(DropReason::NotOffered(self.state.status)));
        }
        self.become_status(Status::Starting, "Claimed", format!("Claimed by agent replica {replica}"))?;
        let valid_until = self.now.plus(limits.validity);
        self.state.claim = Some(Claim {
            replica: replica.to_owned(),
            nonce: nonce.to_owned(),
            at: self.now,
            valid_until,
            over_at: valid_until.plus(limits.create_grace),
            replace: limits.replace,
            is_handed: false,
        });
        self.follow();
        Ok(())
    }

    /// What was given up before is followed by the current attempt.
    fn follow(&mut self) {
        for given_up in &mut self.state.given_up {
            given_up.followed_at.get_or_insert(self.now);
        }
    }

    fn ask(&mut self) -> Result<(), Ignored> {
        if !self.state.status.is_at_agent() {
            return Err(Ignored::NotClaimed);
        }
        let claim = self.state.claim.as_ref().ok_or(Ignored::NotClaimed)?;
        if claim.is_handed {
            return Err(Ignored::NobodyToAsk);
        }
        if self.state.object.is_none() && claim.over_at > self.now {
            return Err(Ignored::ClaimNotOver);
        }
        self.state.question = self.state.question.wrapping_add(1);
        self.state.asked_at = Some(self.now);
        Ok(())
    }

    fn absent(&mut self, attempt: u32, question: u32, jitter: f64) -> Result<(), Ignored> {
        self.check_attempt(attempt)?;
        if self.state.asked_at.is_none() || self.state.question != question {
            return Err(Ignored::NotAsked);
        }
        if !self.state.status.is_at_agent() {
            return Err(Ignored::NotClaimed);
        }
        self.state.asked_at = None;
        if self.state.object.is_some() {
            let end = End {
                outcome: Outcome::Failed(FailureClass::NodeLost),
                exit_code: None,
                reason: "Vanished".to_owned(),
                message: "Its objects vanished from the agent without an end".to_owned(),
            };
            return self.end(&end, self.now, jitter);
        }
        if self.state.stop.is_some() {
            return self.finish(Status::Stopped, "Stopped", "Nothing of it was ever started".to_owned());
        }
        if self.state.make_room.is_some() {
            return self.made_room(self.now);
        }
        self.state.lost_claims += 1;
        self.state.claim = None;
        if self.state.lost_claims >= MAX_LOST_CLAIMS {
            let message = format!("Claimed {MAX_LOST_CLAIMS} times without a start");
            self.dead_letter = Some(message.clone());
            self.state.end = Some(End {
                outcome: Outcome::Failed(FailureClass::Poison),
                exit_code: None,
                reason: "Poison".to_owned(),
                message: message.clone(),
            });
            return self.finish(Status::Failed, "Poison", message);
        }
        self.become_status(
            Status::Scheduled,
            "ClaimLost",
            "Its claim ended without a start; it is offered again",
        )?;
        self.state.offered = None;
        Ok(())
    }

    fn check_attempt(&self, said: u32) -> Result<(), Ignored> {
        let current = self.state.attempt;
        if said == current { Ok(()) } else { Err(Ignored::OtherAttempt { said, current }) }
    }

    fn report(&mut self, report: &Report, jitter: f64) -> Result<(), Ignored> {
        self.check_attempt(report.attempt)?;
        if self.state.status.is_final() {
            return Err(Ignored::Final(self.state.status));
        }
        if !self.state.status.is_at_agent() || self.state.claim.is_none() || self.state.is_handed() {
            return Err(Ignored::NotClaimed);
        }
        if let (Some(object), Some(uid)) = (&self.state.object, &report.uid) {
            if object.uid != *uid {
                return Err(Ignored::OtherObject);
            }
            if report.rank <= object.rank {
                return Err(Ignored::Late);
            }
        }
        if let Some(uid) = &report.uid {
            self.state.object = Some(Object { uid: uid.clone(), rank: report.rank });
            self.state.asked_at = None;
        }
        // The agent's clock tells when; ours bounds it, so that a run never ends before it was claimed.
        let claimed_at = self.state.claim.as_ref().map_or(self.now, |claim| claim.at);
        let at = report.at.max(claimed_at).min(self.now);
        match &report.phase {
            Phase::Created => Ok(()),
            Phase::Running => {
                self.state.started_at.get_or_insert(at);
                self.progress(Status::Running, "Running", "Its process runs", at)
            }
            Phase::Warning { reason, message } => self.progress(Status::Warning, reason, message, at),
            Phase::Unschedulable { message } => {
                self.progress(Status::Unschedulable, "Unschedulable", message, at)
            }
            Phase::Ended(end) => self.end(end, at, jitter),
        }
    }

    /// A status on the way; one that is already held, or that a pending stop hides, is noted by its rank alone.
    fn progress(&mut self, status: Status, reason: &str, message: &str, at: Time) -> Result<(), Ignored> {
        if self.state.status == status || self.state.status == Status::Stopping {
            return Ok(());
        }
        self.become_status_at(status, reason, message, at)
    }

    fn end(&mut self, end: &End, at: Time, jitter: f64) -> Result<(), Ignored> {
        self.state.end = Some(end.clone());
        self.state.asked_at = None;
        if self.state.stop.is_some() {
            return self.finish_at(Status::Stopped, &end.reason, end.message.clone(), at);
        }
        if self.state.make_room.is_some() && end.outcome != Outcome::Succeeded {
            return self.made_room(at);
        }
        match end.outcome {
            Outcome::Succeeded => {
                self.state.started_at.get_or_insert(at);
                self.finish_at(Status::Succeeded, &end.reason, end.message.clone(), at)
            }
            Outcome::Stopped => self.finish_at(Status::Stopped, &end.reason, end.message.clone(), at),
            Outcome::Failed(class) => self.fail(class, end, at, jitter),
        }
    }

    fn fail(&mut self, class: FailureClass, end: &End, at: Time, jitter: f64) -> Result<(), Ignored> {
        let own = self.state.own_retries.get(&class).copied().unwrap_or(0);
        let Some(wait) = self.state.policy.next(class, self.state.user_retries, own, jitter) else {
            return self.finish_at(Status::Failed, &end.reason, end.message.clone(), at);
        };
        if self.state.policy.rule_of(class).is_some_and(|rule| own < rule.own_retries) {
            self.state.own_retries.insert(class, own + 1);
        } else {
            self.state.user_retries += 1;
        }
        let message = format!("{}; attempt {} follows", end.message, self.state.attempt + 1);
        self.become_status_at(Status::Retrying, &end.reason, message, at)?;
        self.state.due_at = Some(self.now.plus(wait));
        self.next_attempt();
        Ok(())
    }

    fn next_attempt(&mut self) {
        self.state.attempt += 1;
        self.state.lost_claims = 0;
        self.state.withdrawn = 0;
        self.state.make_room = None;
        self.state.offered = None;
        self.state.claim = None;
        self.state.object = None;
        self.state.noticed.clear();
        self.state.asked_at = None;
    }

    fn stop(&mut self, by: &str) -> Result<(), Ignored> {
        if self.state.status.is_final() {
            return Err(Ignored::Final(self.state.status));
        }
        if self.state.stop.is_some() {
            return Err(Ignored::Late);
        }
        self.state.stop = Some(StopRequest { at: self.now, by: by.to_owned() });
        let message = format!("Stop asked for by {by}");
        if self.state.status == Status::Stopping {
            // It makes room already; now it does not come back.
            self.tell(Status::Stopping, "StopRequested", message);
            Ok(())
        } else if self.state.status.is_at_agent() {
            self.hasten();
            self.become_status(Status::Stopping, "StopRequested", message)
        } else {
            self.finish(Status::Stopped, "Stopped", format!("Stopped by {by} before it started"))
        }
    }

    fn finish(&mut self, status: Status, reason: &str, message: String) -> Result<(), Ignored> {
        self.finish_at(status, reason, message, self.now)
    }

    fn finish_at(&mut self, status: Status, reason: &str, message: String, at: Time) -> Result<(), Ignored> {
        self.become_status_at(status, reason, message, at)?;
        self.state.finished_at = Some(at);
        self.state.due_at = None;
        self.state.asked_at = None;
        Ok(())
    }

    fn force(&mut self, by: &str, status: Status) {
        self.state.status = status;
        self.state.finished_at = status.is_final().then_some(self.now);
        let message = format!("Set by {by} against the rules");
        self.conditions.push(Condition::new(status, "Forced", message, self.state.attempt, self.now));
    }
}

#[cfg(test)]
mod tests;

//! The dispatch state of a run: all that the protocol between scheduler and agents needs to know of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{End, FailureClass, RetryPolicy, Status};
use crate::id::{AgentId, RunId};
use crate::time::Time;

/// When an attempt was offered on the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// The last time.
    pub at: Time,
    /// How many times in all.
    pub times: u32,
    /// Since when publishing it has failed: the broker may not have it. None, as soon as the broker is known to have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Time>,
}

impl Offered {
    /// The first offer of an attempt.
    pub(crate) const fn first(at: Time) -> Self {
        Self { at, times: 1, failing_since: None }
    }
}

/// An agent replica's right to create the attempt's objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The agent replica.
    pub replica: String,
    /// The replica's own name for this claim: the same claim, asked again, gets the same answer.
    pub nonce: String,
    /// When it was granted.
    pub at: Time,
    /// Until when objects may be created.
    pub valid_until: Time,
    /// When a create that was under way at `valid_until` has landed or never will.
    pub over_at: Time,
    /// Whether its agent ends the attempt when it has been without a lease for too long: then it may be replaced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replace: bool,
    /// Whether it is at Celery workers, which claim nothing and can't be asked: `over_at` is when their answer is waited
    /// for no longer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_handed: bool,
}

impl Claim {
    /// What is left of the claim's validity at `now`.
    #[must_use]
    pub fn valid_for(&self, now: Time) -> Duration {
        self.valid_until.since(now)
    }
}

/// The objects of the current attempt, as last reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// The executor's own id of it (a pod's UID, a process's boot id and start time).
    pub uid: String,
    /// The rank of the last report taken in; reports of a lower or equal rank are late.
    pub rank: u32,
}

/// Something that was told of an attempt's objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noticed {
    /// Its reason.
    pub reason: String,
    /// What its message hashes to.
    pub message: u64,
}

/// An attempt that was given up because its agent was lost. What is left of it may turn up again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenUp {
    /// The attempt.
    pub attempt: u32,
    /// Where it was.
    pub agent: AgentId,
    /// The name of that.
    pub agent_name: String,
    /// When it was given up.
    pub at: Time,
    /// When the next attempt was claimed, once it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub followed_at: Option<Time>,
    /// Whether it was found to have lived on beside the next one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overlapped: bool,
}

/// A stop that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopRequest {
    /// When.
    pub at: Time,
    /// Who.
    pub by: String,
}

/// That an attempt was asked to end, so that a run that goes before it can start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakeRoom {
    /// When.
    pub at: Time,
    /// For which run.
    pub by: RunId,
    /// Why, for people.
    pub reason: String,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Where a run is in the protocol. Changed by [`super::step`] only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DispatchState {
    /// The status.
    pub status: Status,
    /// The current attempt, from 0.
    pub attempt: u32,
    /// The retries that it may have.
    pub policy: RetryPolicy,
    /// How many of the user's retries are used.
    #[serde(default)]
    pub user_retries: u32,
    /// How many retries of each class's own are used.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub own_retries: BTreeMap<FailureClass, u32>,
    /// How many claims of the current attempt ended without a start.
    #[serde(default)]
    pub lost_claims: u32,
    /// How many times the current attempt's admission was taken back.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub withdrawn: u32,
    /// The current attempt's offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered: Option<Offered>,
    /// The current attempt's claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
    /// The current attempt's objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<Object>,
    /// What was told of the current attempt's objects, so that it is told once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub noticed: Vec<Noticed>,
    /// Attempts that were given up because their agent was lost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given_up: Vec<GivenUp>,
    /// The number of the last question asked about the run's objects; an answer must name it.
    #[serde(default)]
    pub question: u32,
    /// When that question was asked, while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Time>,
    /// The stop that was asked for, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopRequest>,
    /// The run that the current attempt makes room for, if it was asked to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub make_room: Option<MakeRoom>,
    /// When a waiting run is due: its `schedule_at`, or the end of a retry's back-off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Time>,
    /// When a run that has not started expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// When it last entered the backlog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_at: Option<Time>,
    /// When its first attempt started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it took its final status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// How its last attempt ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
}

impl DispatchState {
    /// A run that was just accepted.
    #[must_use]
    pub fn new(policy: RetryPolicy) -> Self {
        Self {
            status: Status::Created,
            attempt: 0,
            policy,
            user_retries: 0,
            own_retries: BTreeMap::new(),
            lost_claims: 0,
            withdrawn: 0,
            offered: None,
            claim: None,
            object: None,
            noticed: Vec::new(),
            given_up: Vec::new(),
            question: 0,
            asked_at: None,
            stop: None,
            make_room: None,
            due_at: None,
            expires_at: None,
            queued_at: None,
            started_at: None,
            finished_at: None,
            end: None,
        }
    }

    /// Whether it is admitted and no agent has claimed it: it belongs on the broker.
    #[must_use]
    pub fn is_offered(&self) -> bool {
        self.status == Status::Scheduled
    }

    /// How many times the current attempt has gone back on its way to an agent: tells its offers apart.
    #[must_use]
    pub const fn turn(&self) -> u32 {
        self.lost_claims.saturating_add(self.withdrawn)
    }

    /// Whether the attempt may be replaced once its agent is lost: it ends by itself there.
    #[must_use]
    pub fn is_replaceable(&self) -> bool {
        self.status.is_at_agent() && self.claim.as_ref().is_some_and(|claim| claim.replace)
    }

    /// Whether the attempt is at Celery workers.
    #[must_use]
    pub fn is_handed(&self) -> bool {
        self.status.is_at_agent() && self.claim.as_ref().is_some_and(|claim| claim.is_handed)
    }

    /// Whether it may be asked to make room for another run: it is there, may be tried again for that, and there is
    /// somebody who ends it.
    #[must_use]
    pub fn may_make_room(&self) -> bool {
        let used = self.own_retries.get(&FailureClass::Preempted).copied().unwrap_or(0);
        let is_retried =
            self.policy.rule_of(FailureClass::Preempted).is_some_and(|rule| used < rule.own_retries);
        self.status.is_at_agent() && self.status != Status::Stopping && !self.is_handed() && is_retried
    }

    /// Whether `agent` had `attempt` before it was given up.
    #[must_use]
    pub fn was_at(&self, agent: AgentId, attempt: u32) -> bool {
        self.given_up.iter().any(|given_up| given_up.agent == agent && given_up.attempt == attempt)
    }
}

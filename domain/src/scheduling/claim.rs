//! Whether an agent gets what it claims: its own runs only, under a lease, and not while a cordon or a pause, by the
//! rules of admission itself, holds them back. What nobody can claim goes back to the backlog, and its slot to others.

use std::collections::BTreeMap;
use std::time::Duration;

use super::rules::{cordoned, paused};
use super::snapshot::Paused;
use crate::compile::OnAgentLoss;
use crate::id::{AgentId, QueueId};
use crate::lifecycle::{ClaimLimits, DispatchState, Event, Step, step};
use crate::protocol::{CLAIM_VALIDITY_SECONDS, ClaimRequest};
use crate::restore::Restored;
use crate::time::Time;

/// An agent, as far as its claims go, at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimant {
    /// Which.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// Whether its lease holds.
    pub is_live: bool,
    /// Whether it takes nothing new.
    pub is_cordoned: bool,
    /// Why, by whom and until when, if that was said.
    pub hold: Option<Paused>,
    /// How long after a claim's validity a create of its can still land.
    pub create_grace: Duration,
    /// Whether it ends what may be replaced by itself when it has been without a lease for too long.
    pub fences: bool,
    /// What happens to the runs of its queues when it is lost; `wait` where nothing is said.
    pub on_agent_loss: BTreeMap<QueueId, OnAgentLoss>,
    /// Those of its queues that are, or were, paused.
    pub paused: BTreeMap<QueueId, PausedQueue>,
    /// The restore after which nothing starts anywhere, until every agent has told what it holds.
    pub restored: Option<Restored>,
}

/// A queue that starts nothing for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PausedQueue {
    /// Its name in its agent.
    pub name: String,
    /// Its pause.
    pub paused: Paused,
}

/// The run that a claim names.
#[derive(Debug, Clone, Copy)]
pub struct Claimed<'a> {
    /// Its agent.
    pub agent: Option<AgentId>,
    /// Its queue.
    pub queue: Option<QueueId>,
    /// What happens to it when its agent is lost, if its queue doesn't say.
    pub on_agent_loss: Option<OnAgentLoss>,
    /// Where it stands.
    pub state: &'a DispatchState,
}

/// What is decided about a claim.
#[derive(Debug, Clone, PartialEq)]
pub enum Ruling {
    /// The attempt is the claimant's. The same claim asked again is granted without a change.
    Granted(Step),
    /// The offer is to be forgotten.
    Dropped {
        /// Why, for people.
        reason: String,
        /// The admission's end, if nobody can claim the run now.
        withdrawn: Option<Step>,
    },
}

impl Claimant {
    /// Decides about a claim of the replica for `run`.
    #[must_use]
    pub fn rule(&self, run: Claimed<'_>, replica: &str, claim: &ClaimRequest, now: Time) -> Ruling {
        if run.agent != Some(self.id) {
            return dropped("the run is not this agent's");
        }
        if let Some(reason) = self.closed(run.queue, now) {
            let withdrawn = step(run.state, &Event::Withdraw { reason: &reason }, now, 0.0).ok();
            return Ruling::Dropped { reason, withdrawn };
        }
        if !self.is_live {
            return dropped(format!("agent {} holds no lease", self.name));
        }
        let limits = ClaimLimits {
            validity: Duration::from_secs(CLAIM_VALIDITY_SECONDS),
            create_grace: self.create_grace,
            replace: self.replaces(&run),
        };
        let event = Event::Claim { replica, nonce: &claim.nonce, attempt: claim.attempt, limits };
        match step(run.state, &event, now, 0.0) {
            Ok(done) => Ruling::Granted(done),
            Err(ignored) => dropped(ignored.to_string()),
        }
    }

    /// Whether the attempt may be replaced when the agent is lost. It is decided here and holds as long as the attempt:
    /// the agent is told, and what it has not promised to end is never replaced.
    fn replaces(&self, run: &Claimed<'_>) -> bool {
        let of_queue = || run.queue.and_then(|queue| self.on_agent_loss.get(&queue).copied());
        let on_agent_loss = run.on_agent_loss.or_else(of_queue).unwrap_or_default();
        self.fences && on_agent_loss == OnAgentLoss::Replace
    }

    /// Why nothing of that queue may start here, if that is so.
    fn closed(&self, queue: Option<QueueId>, now: Time) -> Option<String> {
        let cordoned = || cordoned(&self.name, self.is_cordoned, self.hold.as_ref());
        let paused = || {
            let queue = self.paused.get(&queue?)?;
            paused(&queue.name, Some(&queue.paused), now)
        };
        let restored = self.restored.as_ref().map(Restored::reason);
        restored.or_else(|| cordoned().or_else(paused).map(|block| block.message))
    }
}

fn dropped(reason: impl Into<String>) -> Ruling {
    Ruling::Dropped { reason: reason.into(), withdrawn: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RunId;
    use crate::lifecycle::{RetryPolicy, Status};

    const NOW: Time = Time::from_micros(1_000_000);

    fn agent() -> Claimant {
        Claimant {
            id: AgentId::new(),
            name: "a".into(),
            is_live: true,
            is_cordoned: false,
            hold: None,
            create_grace: Duration::from_secs(2),
            fences: true,
            on_agent_loss: BTreeMap::new(),
            paused: BTreeMap::new(),
            restored: None,
        }
    }

    fn offered() -> DispatchState {
        DispatchState { status: Status::Scheduled, ..DispatchState::new(RetryPolicy::default()) }
    }

    fn claim() -> ClaimRequest {
        ClaimRequest { nonce: "n".into(), run: RunId::new(), attempt: 0, span: None }
    }

    fn rule(agent: &Claimant, queue: QueueId, state: &DispatchState) -> Ruling {
        let run = Claimed { agent: Some(agent.id), queue: Some(queue), on_agent_loss: None, state };
        agent.rule(run, "r", &claim(), NOW)
    }

    fn reason(ruling: &Ruling) -> (&str, bool) {
        let Ruling::Dropped { reason, withdrawn } = ruling else { panic!("{ruling:?}") };
        if let Some(withdrawn) = withdrawn {
            assert_eq!(withdrawn.state.status, Status::Queued);
            assert_eq!(&withdrawn.conditions[0].message, reason, "the run's history says the same");
        }
        (reason, withdrawn.is_some())
    }

    #[test]
    fn a_live_agent_gets_its_own_run_for_as_long_as_a_claim_is_valid() {
        let agent = agent();
        let Ruling::Granted(done) = rule(&agent, QueueId::new(), &offered()) else { panic!() };
        let claim = done.state.claim.unwrap();
        assert_eq!(claim.valid_for(NOW), Duration::from_secs(CLAIM_VALIDITY_SECONDS));
        assert_eq!(claim.over_at, claim.valid_until.plus(Duration::from_secs(2)));
    }

    #[test]
    fn an_attempt_may_be_replaced_if_run_or_queue_say_so_and_the_agent_can_end_it() {
        use OnAgentLoss::{Replace, Wait};
        let queue = QueueId::new();
        let state = offered();
        for (of_run, of_queue, fences, expected) in [
            (None, None, true, false),
            (None, Some(Replace), true, true),
            (Some(Wait), Some(Replace), true, false),
            (Some(Replace), None, true, true),
            (Some(Replace), Some(Wait), true, true),
            (Some(Replace), Some(Replace), false, false),
        ] {
            let mut agent = Claimant { fences, ..agent() };
            agent.on_agent_loss.extend(of_queue.map(|of_queue| (queue, of_queue)));
            let run =
                Claimed { agent: Some(agent.id), queue: Some(queue), on_agent_loss: of_run, state: &state };
            let Ruling::Granted(done) = agent.rule(run, "r", &claim(), NOW) else { panic!() };
            assert_eq!(done.state.claim.unwrap().replace, expected, "{of_run:?} {of_queue:?} {fences}");
            assert!(!state.is_replaceable());
        }
    }

    #[test]
    fn another_agents_run_is_dropped_and_stays_as_it_is() {
        let closed = Claimant { is_cordoned: true, ..agent() };
        let state = offered();
        for owner in [None, Some(AgentId::new())] {
            let run = Claimed { agent: owner, queue: None, on_agent_loss: None, state: &state };
            let ruling = closed.rule(run, "r", &claim(), NOW);
            assert_eq!(reason(&ruling), ("the run is not this agent's", false));
        }
    }

    #[test]
    fn without_a_lease_the_offer_is_dropped_and_not_withdrawn() {
        let lapsed = Claimant { is_live: false, ..agent() };
        assert_eq!(
            reason(&rule(&lapsed, QueueId::new(), &offered())),
            ("agent a holds no lease", false),
            "the agent may be back in a moment, and the offer is repeated"
        );
    }

    #[test]
    fn what_a_cordon_or_a_pause_holds_back_goes_to_the_backlog() {
        let cordoned = Claimant { is_cordoned: true, ..agent() };
        assert_eq!(reason(&rule(&cordoned, QueueId::new(), &offered())), ("agent a is cordoned", true));
        let hold = Paused { reason: "new disks".into(), by: "eve".into(), until: None, drain: true };
        let drained = Claimant { hold: Some(hold), ..cordoned };
        let text = "agent a is being drained by eve: new disks";
        assert_eq!(reason(&rule(&drained, QueueId::new(), &offered())), (text, true));
        let queue = QueueId::new();
        let until = NOW.plus(Duration::from_secs(1));
        let paused = Paused { reason: "upgrade".into(), by: "eve".into(), until: Some(until), drain: false };
        let mut agent = agent();
        agent.paused.insert(queue, PausedQueue { name: "q".into(), paused });
        let text = format!("queue q was paused by eve until {until}: upgrade");
        assert_eq!(reason(&rule(&agent, queue, &offered())), (text.as_str(), true));
        assert!(matches!(rule(&agent, QueueId::new(), &offered()), Ruling::Granted(_)), "another queue");
        let state = offered();
        let run = Claimed { agent: Some(agent.id), queue: Some(queue), on_agent_loss: None, state: &state };
        assert!(matches!(agent.rule(run, "r", &claim(), until), Ruling::Granted(_)), "it is over");
    }

    #[test]
    fn after_a_restore_nothing_starts_and_what_is_claimed_goes_to_the_backlog() {
        let restored = Restored { epoch: uuid::Uuid::nil(), noticed_at: NOW, noticed_by: "b".into() };
        let agent = Claimant { restored: Some(restored.clone()), ..agent() };
        let ruling = rule(&agent, QueueId::new(), &offered());
        assert_eq!(reason(&ruling), (restored.reason().as_str(), true));
    }

    #[test]
    fn what_was_claimed_already_is_not_withdrawn() {
        let mut agent = agent();
        let Ruling::Granted(done) = rule(&agent, QueueId::new(), &offered()) else { panic!() };
        agent.is_cordoned = true;
        assert_eq!(reason(&rule(&agent, QueueId::new(), &done.state)), ("agent a is cordoned", false));
    }
}

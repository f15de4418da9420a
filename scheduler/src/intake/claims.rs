//! Claims: many at a time, one transaction, one answer each. `go` is said after the commit only.

use std::collections::BTreeMap;
use std::time::Duration;

use berth_domain::id::{QueueId, RunId};
use berth_domain::lifecycle::{ClaimLimits, DispatchState, Event, Step, step};
use berth_domain::protocol::{CLAIM_VALIDITY_SECONDS, ClaimAnswer, ClaimRequest, ToAgentBody, Verdict};
use berth_domain::time::Time;
use berth_store::{Agent, RunHead};

use crate::context::Context;
use crate::outbox::{self, Error};

/// Answers the claims of one agent's replicas.
pub(super) async fn answer(
    context: &Context,
    agent: &Agent,
    claims: &[(String, ClaimRequest)],
) -> Result<(), Error> {
    if claims.is_empty() {
        return Ok(());
    }
    let now = context.clock.now();
    let gate = Gate::read(context, agent).await?;
    let mut by_run: BTreeMap<RunId, Vec<&(String, ClaimRequest)>> = BTreeMap::new();
    for claim in claims {
        by_run.entry(claim.1.run).or_default().push(claim);
    }
    let ids: Vec<RunId> = by_run.keys().copied().collect();
    let mut verdicts: BTreeMap<&str, Verdict> = BTreeMap::new();
    context
        .store
        .transition(&ids, now, |head| {
            let mut change: Option<Step> = None;
            for (replica, claim) in by_run.get(&head.id).into_iter().flatten() {
                let state = change.as_ref().map_or(&head.dispatch, |change| &change.state);
                let verdict = match gate.claim(head, state, replica, claim, now) {
                    Ok(done) => {
                        let valid_ms = done.state.claim.as_ref().map_or(0, |claim| {
                            u64::try_from(claim.valid_for(now).as_millis()).unwrap_or(u64::MAX)
                        });
                        if done.state != *state {
                            change = Some(done);
                        }
                        Verdict::Go { valid_ms }
                    }
                    Err(reason) => {
                        // Nobody will claim it now: it goes back to the backlog, and its slot to others.
                        if gate.withdraws(head) {
                            let event = Event::Withdraw { reason: &reason };
                            if let Ok(done) = step(state, &event, now, 0.0) {
                                change = Some(done);
                            }
                        }
                        Verdict::Drop { reason }
                    }
                };
                verdicts.insert(&claim.nonce, verdict);
            }
            change
        })
        .await?;
    let mut answers: BTreeMap<&str, Vec<ClaimAnswer>> = BTreeMap::new();
    for (replica, claim) in claims {
        let unknown = || Verdict::Drop { reason: "no such run".to_owned() };
        answers.entry(replica).or_default().push(ClaimAnswer {
            nonce: claim.nonce.clone(),
            run: claim.run,
            attempt: claim.attempt,
            verdict: verdicts.get(claim.nonce.as_str()).cloned().unwrap_or_else(unknown),
        });
    }
    let bodies = answers
        .into_iter()
        .map(|(replica, answers)| (replica.to_owned(), ToAgentBody::ClaimAnswers(answers)))
        .collect();
    outbox::send(context, agent.name.as_str(), bodies).await;
    // The window slid: the next may be offered.
    context.dispatch.notify_one();
    Ok(())
}

/// What holds for all claims of an agent at one moment.
struct Gate<'a> {
    agent: &'a Agent,
    is_live: bool,
    is_cordoned: bool,
    paused: BTreeMap<QueueId, String>,
    limits: ClaimLimits,
}

impl<'a> Gate<'a> {
    async fn read(context: &Context, agent: &'a Agent) -> Result<Self, Error> {
        let now = context.clock.now();
        let current = context.store.agent_by_id(agent.id).await?;
        let restored = context.store.restored().await?.map(|restored| restored.reason());
        let paused = context
            .store
            .all_queues()
            .await?
            .into_iter()
            .filter(|queue| queue.agent_id == agent.id)
            .filter_map(|queue| {
                if let Some(reason) = &restored {
                    return Some((queue.id, reason.clone()));
                }
                let paused = queue.paused.filter(|paused| paused.until.is_none_or(|until| until > now))?;
                Some((queue.id, format!("queue {} is paused: {}", queue.name, paused.reason)))
            })
            .collect();
        let limits = ClaimLimits {
            validity: Duration::from_secs(CLAIM_VALIDITY_SECONDS),
            create_grace: Duration::from_millis(current.create_grace_ms),
        };
        Ok(Self {
            agent,
            is_live: current.is_live(now),
            is_cordoned: current.cordoned || current.draining,
            paused,
            limits,
        })
    }

    fn claim(
        &self,
        head: &RunHead,
        state: &DispatchState,
        replica: &str,
        claim: &ClaimRequest,
        now: Time,
    ) -> Result<Step, String> {
        if head.agent_id != Some(self.agent.id) {
            return Err("the run is not this agent's".to_owned());
        }
        if !self.is_live {
            return Err("the agent holds no lease".to_owned());
        }
        if self.is_cordoned {
            return Err(format!("agent {} is cordoned", self.agent.name));
        }
        if let Some(reason) = head.queue_id.and_then(|queue| self.paused.get(&queue)) {
            return Err(reason.clone());
        }
        let event =
            Event::Claim { replica, nonce: &claim.nonce, attempt: claim.attempt, limits: self.limits };
        step(state, &event, now, 0.0).map_err(|ignored| ignored.to_string())
    }

    /// Whether an offered run of ours goes back to the backlog: its queue or agent takes nothing.
    fn withdraws(&self, head: &RunHead) -> bool {
        head.agent_id == Some(self.agent.id)
            && (self.is_cordoned || head.queue_id.is_some_and(|queue| self.paused.contains_key(&queue)))
    }
}

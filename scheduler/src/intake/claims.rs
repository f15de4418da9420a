//! Claims: many at a time, one transaction, one answer each. `go` is said after the commit only.

use std::collections::BTreeMap;

use berth_domain::id::RunId;
use berth_domain::lifecycle::{DispatchState, Step};
use berth_domain::protocol::{ClaimAnswer, ClaimRequest, ToAgentBody, Verdict};
use berth_domain::scheduling::{Claimed, Ruling};
use berth_domain::time::Time;
use berth_domain::trace::{Hop, SpanId};
use berth_store::{Agent, RunHead};

use crate::context::Context;
use crate::outbox::{self, Error};

/// What is answered to a claim.
#[derive(Clone)]
struct Answered {
    verdict: Verdict,
    replace: bool,
    span: Option<SpanId>,
}

impl Answered {
    fn dropped(reason: String) -> Self {
        Self { verdict: Verdict::Drop { reason }, replace: false, span: None }
    }
}

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
    let claimant = context.store.claimant(agent.id, now).await?;
    let mut by_run: BTreeMap<RunId, Vec<&(String, ClaimRequest)>> = BTreeMap::new();
    for claim in claims {
        by_run.entry(claim.1.run).or_default().push(claim);
    }
    let ids: Vec<RunId> = by_run.keys().copied().collect();
    let mut verdicts: BTreeMap<&str, Answered> = BTreeMap::new();
    let told = |head: &RunHead, after: &DispatchState| {
        let granted = &after.claim.as_ref()?.nonce;
        by_run.get(&head.id)?.iter().find(|(_, claim)| claim.nonce == *granted)?.1.span
    };
    context
        .transition_told(&ids, now, told, |head| {
            let mut change: Option<Step> = None;
            for (replica, claim) in by_run.get(&head.id).into_iter().flatten() {
                let state = change.as_ref().map_or(&head.dispatch, |change| &change.state);
                let on_agent_loss = head.on_agent_loss;
                let run = Claimed { agent: head.agent_id, queue: head.queue_id, on_agent_loss, state };
                let verdict = match claimant.rule(run, replica, claim, now) {
                    Ruling::Granted(done) => {
                        let verdict = Verdict::Go { valid_ms: valid_ms(&done.state, now) };
                        let replace = done.state.is_replaceable();
                        let span =
                            head.trace.as_ref().filter(|trace| context.tracer.records(trace)).map(|_| {
                                SpanId::of(head.id, done.state.attempt, done.state.turn(), Hop::Grant)
                            });
                        if done.state != *state {
                            change = Some(done);
                        }
                        Answered { verdict, replace, span }
                    }
                    Ruling::Dropped { reason, withdrawn } => {
                        change = withdrawn.or(change);
                        Answered::dropped(reason)
                    }
                };
                verdicts.insert(&claim.nonce, verdict);
            }
            change
        })
        .await?;
    let mut answers: BTreeMap<&str, Vec<ClaimAnswer>> = BTreeMap::new();
    for (replica, claim) in claims {
        let unknown = || Answered::dropped("no such run".to_owned());
        let Answered { verdict, replace, span } =
            verdicts.get(claim.nonce.as_str()).cloned().unwrap_or_else(unknown);
        answers.entry(replica).or_default().push(ClaimAnswer {
            nonce: claim.nonce.clone(),
            run: claim.run,
            attempt: claim.attempt,
            replace,
            span,
            verdict,
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

fn valid_ms(state: &DispatchState, now: Time) -> u64 {
    let valid = state.claim.as_ref().map(|claim| claim.valid_for(now)).unwrap_or_default();
    u64::try_from(valid.as_millis()).unwrap_or(u64::MAX)
}

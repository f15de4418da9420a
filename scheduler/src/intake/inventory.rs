//! Inventories: what a replica holds, compared with what the store believes to be there.
//!
//! What should not be alive is named for removal. What should be there and is not is asked about: an
//! inventory is no proof of absence, an answer to a question asked after the claim was over is.

use std::collections::BTreeMap;

use berth_domain::id::RunId;
use berth_domain::lifecycle::{Event, Status, step};
use berth_domain::protocol::{AttemptRef, Held, ToAgentBody};
use berth_store::Agent;
use uuid::Uuid;

use crate::context::Context;
use crate::outbox::{self, Error};
use crate::timers::question;

/// Compares inventories with the store, and tells their replicas what follows.
pub(super) async fn compare(
    context: &Context,
    agent: &Agent,
    inventories: &[(String, Option<Uuid>, Vec<Held>)],
) -> Result<(), Error> {
    for (replica, epoch, held) in inventories {
        let now = context.clock.now();
        let mut by_run: BTreeMap<RunId, Vec<&Held>> = BTreeMap::new();
        for held in held {
            by_run.entry(held.run).or_default().push(held);
        }
        let believed = context.store.live_attempts(agent.id).await?;
        let ids: Vec<RunId> = by_run
            .keys()
            .copied()
            .chain(believed.iter().map(|attempt| attempt.id))
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect();
        let mut remove = Vec::new();
        let mut questions = Vec::new();
        let mut known = 0;
        context
            .transition(&ids, now, |head| {
                let held = by_run.get(&head.id).map_or(&[][..], Vec::as_slice);
                let state = &head.dispatch;
                let given_up = held.iter().filter(|held| state.was_at(agent.id, held.attempt));
                remove.extend(given_up.map(|held| AttemptRef { run: held.run, attempt: held.attempt }));
                if head.agent_id != Some(agent.id) {
                    known += usize::from(held.iter().any(|held| state.was_at(agent.id, held.attempt)));
                    return None;
                }
                known += usize::from(!held.is_empty());
                // What the store has not got to yet (after a restore, say) is set aside, never ended.
                let is_over = state.status.is_final() || state.status == Status::Stopping;
                for held in held {
                    let is_old = held.attempt < state.attempt && !state.was_at(agent.id, held.attempt);
                    if is_over || is_old {
                        remove.push(AttemptRef { run: held.run, attempt: held.attempt });
                    }
                }
                if held.iter().any(|held| held.attempt == state.attempt) {
                    return None;
                }
                let asked = step(state, &Event::Ask, now, 0.0).ok()?;
                questions.push(question(head.id, &asked.state));
                Some(asked)
            })
            .await?;
        if known < by_run.len() {
            let unknown = by_run.len() - known;
            tracing::warn!(
                agent.name = %agent.name, agent.replica = %replica, unknown,
                "agent {} holds {unknown} runs that the store does not know; they are left alone", agent.name
            );
        }
        let bodies = [
            (!remove.is_empty()).then_some(ToAgentBody::Remove(remove)),
            (!questions.is_empty()).then_some(ToAgentBody::Questions(questions)),
        ];
        let bodies = bodies.into_iter().flatten().map(|body| (replica.clone(), body)).collect();
        outbox::send(context, agent.name.as_str(), bodies).await;
        if let Some(epoch) = epoch
            && context.store.reconciled(agent.id, *epoch, now).await?
        {
            tracing::warn!("every agent has told what it holds since the restore: dispatch goes on");
            context.dispatch.notify_one();
        }
    }
    Ok(())
}

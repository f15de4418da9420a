//! What an agent said of runs that are not at it: not believed, and not hidden. Each is counted; an operator finds one
//! dead letter for each agent, however many there are, and one line in the log a minute.

use std::time::Duration;

use berth_domain::dead_letter::Reason;
use berth_domain::id::{AgentId, RunId};
use berth_store::{Agent, DeadMessage};

use crate::context::Context;
use crate::outbox::Error;

/// How long nothing more is logged of an agent.
const QUIET: Duration = Duration::from_secs(60);

/// Something that was not believed.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The run that it was about.
    pub(super) run: RunId,
    /// `a report`, `a notice` or `an answer`.
    pub(super) what: &'static str,
    /// Where the run is.
    pub(super) at: Option<AgentId>,
}

/// Writes down what was not believed of one batch.
pub(super) async fn record(context: &Context, agent: &Agent, refused: &[Refusal]) -> Result<(), Error> {
    let Some(Refusal { run, what, at }) = refused.last() else { return Ok(()) };
    let name = agent.name.as_str();
    let at = at.map_or_else(|| "no agent".to_owned(), |at| format!("agent {}", context.name_of(at)));
    let now = context.clock.now();
    if context.is_loud(agent.id, now, QUIET) {
        tracing::warn!(
            agent.name = name, run.id = %run,
            "agent {name} sent {what} of run {run}, which is at {at}: not believed; are its credentials in other hands?"
        );
    }
    let message = DeadMessage {
        owner: agent.owner.clone(),
        agent_id: Some(agent.id),
        queue_id: None,
        reason: Reason::Foreign,
        detail: format!("on `out`: {what} of run {run}, which is at {at}"),
        // The same key for all of an agent's: a flood is one letter.
        raw: String::new(),
        envelope: None,
        is_cut: false,
    };
    context.store.add_dead_message(&message, now).await?;
    context.metrics.refused(name, refused.len() as u64);
    Ok(())
}

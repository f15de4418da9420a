//! Desired state, in nudges: what an agent should no longer have alive, and what it is asked about.
//!
//! A stop is a state in the store. The nudge only makes it quick: it is repeated until the run has ended, and
//! an agent that was away gets it with its inventory.

use std::collections::BTreeMap;
use std::time::Duration;

use berth_broker::handed::task_id;
use berth_domain::id::AgentId;
use berth_domain::protocol::{AttemptRef, Question, ToAgentBody};

use crate::context::{Context, Pace};
use crate::outbox::{self, Error};
use crate::workers;

/// How often a stop that has not ended is repeated.
const REPEAT: Duration = Duration::from_secs(2);

/// Without a hint, stops are looked for this often: what a lost wake-up costs.
const SWEEP: Duration = Duration::from_secs(5);

/// The most attempts named in one message.
const CHUNK: usize = 500;

/// Tells agents what to stop, until the shutdown.
pub(crate) async fn nudge_forever(context: Context) {
    let mut pace = Pace::new("nudging agents", &context, &context.nudge, SWEEP);
    while pace.next().await {
        let mut is_stopping = false;
        pace.round(nudge(&context, &mut is_stopping)).await;
        if is_stopping {
            pace.within(REPEAT);
        }
    }
}

/// Tells agents what to stop now; `is_stopping` becomes whether there is anything.
async fn nudge(context: &Context, is_stopping: &mut bool) -> Result<(), Error> {
    let mut unwanted: BTreeMap<AgentId, Vec<AttemptRef>> = BTreeMap::new();
    let stopping = context.store.stopping_attempts().await?;
    *is_stopping = !stopping.is_empty();
    let mut handed: BTreeMap<AgentId, Vec<String>> = BTreeMap::new();
    for stopping in stopping {
        let attempt = AttemptRef { run: stopping.id, attempt: stopping.attempt };
        if stopping.is_handed {
            let task = task_id(attempt.run.uuid(), attempt.attempt);
            handed.entry(stopping.agent_id).or_default().push(task);
        } else {
            unwanted.entry(stopping.agent_id).or_default().push(attempt);
        }
    }
    for (agent, tasks) in handed {
        workers::revoke(context, agent, tasks).await?;
    }
    for (agent, attempts) in unwanted {
        to_all_replicas(
            context,
            agent,
            attempts.chunks(CHUNK).map(|chunk| ToAgentBody::Remove(chunk.to_vec())),
        )
        .await?;
    }
    Ok(())
}

/// Asks an agent about attempts. If it is away, it is asked again later.
pub(crate) async fn ask(context: &Context, agent: AgentId, questions: Vec<Question>) -> Result<(), Error> {
    to_all_replicas(
        context,
        agent,
        questions.chunks(CHUNK).map(|chunk| ToAgentBody::Questions(chunk.to_vec())),
    )
    .await
}

/// Sends to every live replica of an agent, if it is still there.
pub(crate) async fn to_all_replicas(
    context: &Context,
    agent: AgentId,
    bodies: impl Iterator<Item = ToAgentBody>,
) -> Result<(), Error> {
    let now = context.clock.now();
    let agent = match context.store.agent_by_id(agent).await {
        Ok(agent) => agent,
        Err(berth_store::Error::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let replicas = context.store.replicas(agent.id).await?;
    let live: Vec<&str> = replicas
        .iter()
        .filter(|replica| replica.lease_until > now)
        .map(|replica| replica.name.as_str())
        .collect();
    let bodies: Vec<(String, ToAgentBody)> = bodies
        .flat_map(|body| live.iter().map(move |replica| ((*replica).to_owned(), body.clone())))
        .collect();
    outbox::send(context, agent.name.as_str(), bodies).await;
    Ok(())
}

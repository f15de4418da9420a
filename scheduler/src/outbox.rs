//! What the scheduler sends to agents' replicas.

use berth_broker::{Message, Publish, PublishError};
use berth_domain::protocol::{ToAgent, ToAgentBody, VERSION};

use crate::context::Context;

/// Why a loop's round failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The store.
    #[error("store: {0}")]
    Store(#[from] berth_store::Error),
    /// The broker.
    #[error("broker: {0}")]
    Broker(#[from] berth_broker::Error),
    /// Some messages were not confirmed.
    #[error("broker: {0}")]
    Publish(#[from] PublishError),
}

/// Sends bodies to replicas of one agent. A replica whose queue is gone is gone itself: nothing is owed to it.
///
/// What is lost here is asked for, reported or nudged again, so a failure is logged and no more.
pub(crate) async fn send(context: &Context, agent: &str, bodies: Vec<(String, ToAgentBody)>) {
    let batch: Vec<Publish> = bodies
        .into_iter()
        .filter_map(|(replica, body)| {
            let text = serde_json::to_vec(&ToAgent { version: VERSION, body });
            match text {
                Ok(text) => {
                    let mut message = Message::json(text);
                    message.properties.persistent = false;
                    message.properties.expiration_ms = Some(30_000);
                    Some(Publish { to: context.names.control(agent, &replica), message })
                }
                Err(error) => {
                    tracing::error!(agent.name = agent, %error, "a message to agent {agent} can't be written");
                    None
                }
            }
        })
        .collect();
    if batch.is_empty() {
        return;
    }
    if let Err(error) = context.broker.publish(batch).await {
        tracing::debug!(agent.name = agent, %error, "agent {agent} was not reached");
    }
}

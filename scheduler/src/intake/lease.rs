//! Leases: granted by reply, persisted, and bound to the agent's identity.

use berth_domain::protocol::{LeaseRequest, ToAgentBody, WAITING};
use berth_store::{Agent, Lease};

use crate::context::Context;
use crate::outbox::{self, Error};

/// Grants what the replicas ask for, and tells them.
pub(super) async fn grant(
    context: &Context,
    agent: &Agent,
    requests: &[(String, LeaseRequest)],
) -> Result<(), Error> {
    let mut answers = Vec::new();
    for (replica, request) in requests {
        let now = context.clock.now();
        let nonce = request.nonce.clone();
        let answer = match context.store.grant_lease(agent.id, replica, request, now).await? {
            Lease::Granted { queues, cordoned, was_lapsed, overruled, seen, is_restored, .. } => {
                if is_restored {
                    tracing::error!(
                        agent.name = %agent.name, agent.replica = %replica,
                        "the database was restored from a backup: agent {} had seen it further; nothing starts until \
                         every agent has told what it holds, see `berth admin check`", agent.name
                    );
                }
                if let Some(said) = overruled {
                    tracing::warn!(
                        agent.name = %agent.name, agent.replica = %replica,
                        "replicas of agent {} differ: {replica} says labels {:?}, namespaces {:?} and connections {:?}, \
                         {} says {:?}, {:?} and {:?}; the newest lease holds, which is that of {replica}",
                        agent.name, request.labels.as_ref(), request.namespaces, request.connections,
                        said.replica, said.labels, said.namespaces, said.connections
                    );
                }
                if request.hello || was_lapsed {
                    tracing::info!(
                        agent.name = %agent.name, agent.replica = %replica,
                        "agent {} is here: replica {replica}", agent.name
                    );
                    context.dispatch.notify_one();
                    context.nudge.notify_one();
                }
                ToAgentBody::LeaseGranted { nonce, queues, cordoned, seen: Some(seen) }
            }
            Lease::Refused { reason } => {
                tracing::warn!(
                    agent.name = %agent.name, agent.replica = %replica, %reason,
                    "agent {} was refused: {reason}", agent.name
                );
                ToAgentBody::LeaseRefused { nonce, reason }
            }
        };
        let is_granted = matches!(answer, ToAgentBody::LeaseGranted { .. });
        answers.push((replica.clone(), answer));
        if is_granted && request.features.iter().any(|feature| feature == WAITING) {
            let waiting = context.waiting_of(agent.id);
            answers.extend(waiting.map(|waiting| (replica.clone(), ToAgentBody::Waiting(waiting))));
        }
    }
    outbox::send(context, agent.name.as_str(), answers).await;
    Ok(())
}

//! What agents say, taken in: one consumer per agent, in batches. The queue that a message came on is its
//! sender's identity; what a message says of another agent's runs is not believed.

mod claims;
mod inventory;
mod lease;
mod refusals;
pub(crate) mod reports;

use std::collections::BTreeMap;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use berth_broker::celery::result::{self, TaskResult};
use berth_broker::{Delivery, Message, ack_many, handed};
use berth_domain::dead_letter::{KEPT_BYTES, Reason, kept};
use berth_domain::id::{QueueId, RunId};
use berth_domain::protocol::{
    Answer, ClaimRequest, Envelope, FromAgent, FromAgentBody, Held, LeaseRequest, Notice, Report, VERSION,
};
use berth_store::{Agent, DeadMessage};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::context::Context;
use crate::outbox::Error;
use crate::workers;

/// The most messages that wait for one commit.
const BATCH: usize = 256;

/// Messages held un-acked by one intake.
const PREFETCH: u16 = 1_000;

/// How long to wait before a batch that the store could not take is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// A message of an agent's replica, by what it says.
#[derive(Default)]
struct Batch {
    leases: Vec<(String, LeaseRequest)>,
    claims: Vec<(String, ClaimRequest)>,
    reports: Vec<(String, Report)>,
    notices: Vec<Notice>,
    answers: Vec<Answer>,
    inventories: Vec<(String, Option<Uuid>, Vec<Held>)>,
    forgotten: Vec<RunId>,
    goodbyes: Vec<String>,
    /// Of the agent's Celery workers.
    results: Vec<TaskResult>,
    dead: Vec<Dead>,
}

/// A message that nobody can read.
struct Dead {
    /// The agent's queue that it was in; none for what the agent itself sent.
    queue: Option<String>,
    reason: Reason,
    detail: String,
    raw: String,
    envelope: Option<Envelope>,
    is_cut: bool,
}

impl Dead {
    /// What an agent said.
    fn said(reason: Reason, detail: String, body: &[u8]) -> Self {
        let (kept, is_cut) = kept(body);
        Self { queue: None, reason, detail, raw: BASE64_STANDARD.encode(kept), envelope: None, is_cut }
    }

    /// As it is kept: of a long one its beginning.
    fn message(&self, agent: &Agent, queues: &BTreeMap<QueueId, String>) -> DeadMessage {
        let named = |(id, name): (&QueueId, &String)| (self.queue.as_ref() == Some(name)).then_some(*id);
        let queue = self.queue.as_deref().unwrap_or("out");
        // Agents of the release before send all of it. What is cut ends with a whole group of four letters, of three bytes.
        let kept = self.raw.get(..KEPT_BYTES / 3 * 4).filter(|kept| kept.len() < self.raw.len());
        DeadMessage {
            owner: agent.owner.clone(),
            agent_id: Some(agent.id),
            queue_id: queues.iter().find_map(named),
            reason: self.reason,
            detail: format!("on `{queue}`: {}", self.detail),
            raw: kept.unwrap_or(&self.raw).to_owned(),
            envelope: self.envelope.clone(),
            is_cut: self.is_cut || kept.is_some(),
        }
    }
}

/// Takes in what one agent says, until `stop`.
pub(crate) async fn take_in_forever(context: Context, agent: Agent, stop: CancellationToken) {
    let out = context.names.out(agent.name.as_str());
    let mut consumer = context.broker.consume(&out, PREFETCH).await;
    loop {
        let deliveries = tokio::select! {
            () = stop.cancelled() => return,
            deliveries = consumer.next_batch(BATCH) => deliveries,
        };
        if deliveries.is_empty() {
            return;
        }
        let batch = Batch::read(&deliveries);
        let mut last_failure = None;
        while let Err(error) = batch.take_in(&context, &agent).await {
            // Held, not bounced: the store is away for everybody, and order is kept.
            let text = error.to_string();
            if last_failure.as_ref() != Some(&text) {
                tracing::warn!(agent.name = %agent.name, error = %text, "messages of agent {} wait", agent.name);
                last_failure = Some(text);
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
        // A stale ack means that the messages come again; taking them in twice changes nothing.
        if let Err(error) = ack_many(deliveries).await {
            tracing::debug!(agent.name = %agent.name, %error, "messages of agent {} come again", agent.name);
        }
    }
}

impl Batch {
    fn read(deliveries: &[Delivery]) -> Self {
        let mut batch = Self::default();
        for delivery in deliveries {
            let body = &delivery.message.body;
            if let Some(result) = result_of(&delivery.message) {
                batch.results.push(result);
                continue;
            }
            match serde_json::from_slice::<FromAgent>(body) {
                Ok(message) if message.version <= VERSION => batch.add(message),
                Ok(message) => {
                    let detail = format!(
                        "message version {} is newer than {VERSION}: upgrade the control plane first",
                        message.version
                    );
                    batch.dead.push(Dead::said(Reason::NewerVersion, detail, body));
                }
                Err(error) => {
                    let detail = format!("not a message of an agent: {error}");
                    batch.dead.push(Dead::said(Reason::Unreadable, detail, body));
                }
            }
        }
        batch
    }

    fn add(&mut self, message: FromAgent) {
        let replica = message.replica;
        match message.body {
            FromAgentBody::Lease(request) => self.leases.push((replica, request)),
            FromAgentBody::Claims(claims) => {
                self.claims.extend(claims.into_iter().map(|claim| (replica.clone(), claim)));
            }
            FromAgentBody::Reports(reports) => {
                self.reports.extend(reports.into_iter().map(|report| (replica.clone(), report)));
            }
            FromAgentBody::Notices(notices) => self.notices.extend(notices),
            FromAgentBody::Answers(answers) => self.answers.extend(answers),
            FromAgentBody::Inventory(held) => self.inventories.push((replica, message.epoch, held)),
            FromAgentBody::Undecodable { queue, raw, reason, envelope, is_cut } => {
                let (queue, reason, detail) = (Some(queue), Reason::Undecodable, reason);
                self.dead.push(Dead { queue, reason, detail, raw, envelope, is_cut });
            }
            FromAgentBody::Forgotten(runs) => self.forgotten.extend(runs),
            FromAgentBody::Goodbye => self.goodbyes.push(replica),
        }
    }

    /// Leases first, so that what follows in the same batch is taken as of a live agent; claims before
    /// reports, since they are what somebody waits for.
    async fn take_in(&self, context: &Context, agent: &Agent) -> Result<(), Error> {
        lease::grant(context, agent, &self.leases).await?;
        claims::answer(context, agent, &self.claims).await?;
        reports::take_in(context, agent, &self.reports, &self.notices, &self.answers).await?;
        workers::take_in(context, agent, &self.results).await?;
        inventory::compare(context, agent, &self.inventories).await?;
        if !self.forgotten.is_empty() {
            context.store.forgot_runs(agent.id, &self.forgotten).await?;
        }
        for replica in &self.goodbyes {
            context.store.drop_replica(agent.id, replica, context.clock.now()).await?;
        }
        if !self.dead.is_empty() {
            self.set_aside(context, agent).await?;
        }
        Ok(())
    }

    /// What nobody can read becomes dead letters.
    async fn set_aside(&self, context: &Context, agent: &Agent) -> Result<(), Error> {
        let queues = context.store.queue_names(agent.id).await?;
        for dead in &self.dead {
            let message = dead.message(agent, &queues);
            tracing::warn!(
                agent.name = %agent.name, reason = %dead.reason, detail = %message.detail,
                "a message was set aside as a dead letter"
            );
            context.store.add_dead_message(&message, context.clock.now()).await?;
        }
        Ok(())
    }
}

/// The result of an attempt that was handed to Celery workers, if the message is one: it names its task, which is an
/// attempt, outside of its body too.
fn result_of(message: &Message) -> Option<TaskResult> {
    let task = message.properties.correlation_id.as_deref()?;
    handed::attempt_of(task)?;
    result::decode(&message.body).ok().filter(|result| result.task_id == task)
}

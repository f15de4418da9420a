//! A scheduler that only says yes: grants every lease and every claim, and counts what is created. So that an agent is
//! measured alone.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use berth_broker::offer::{self, Offer};
use berth_broker::{Broker, Message, Publish};
use berth_broker_config::arguments::QueueKind;
use berth_broker_config::{Names, build};
use berth_domain::protocol::{
    CLAIM_VALIDITY_SECONDS, ClaimAnswer, FromAgent, FromAgentBody, ToAgent, ToAgentBody, VERSION, Verdict,
};
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

const QUEUE: &str = "default";

/// Says yes to one agent, until it is dropped.
#[derive(Debug)]
pub struct Yes {
    broker: Broker,
    names: Names,
    agent: &'static str,
    created: watch::Receiver<usize>,
    _listening: JoinSet<Result<()>>,
}

impl Yes {
    /// Declares what the agent needs on the broker, and begins.
    ///
    /// # Errors
    /// If the broker refuses.
    pub async fn start(broker: Broker, agent: &'static str) -> Result<Self> {
        let names = Names::default();
        broker.apply(&build::agent(&names, agent, [QUEUE], QueueKind::Quorum)).await?;
        let (count, created) = watch::channel(0);
        let mut listening = JoinSet::new();
        listening.spawn(listen(broker.clone(), names.clone(), agent, count));
        Ok(Self { broker, names, agent, created, _listening: listening })
    }

    /// Offers `count` new runs of an operation.
    ///
    /// # Errors
    /// If the broker refuses.
    pub async fn offer(&self, operation: &str, count: usize) -> Result<()> {
        let operation = RawValue::from_string(operation.to_owned())?;
        let to = self.names.offers(self.agent, QUEUE);
        let offer = |run: Uuid| Offer {
            run,
            attempt: 0,
            agent: self.agent.to_owned(),
            queue: QUEUE.to_owned(),
            owner: "default".to_owned(),
            project: "bench".to_owned(),
            name: None,
            operation: operation.clone(),
            spec_hash: "bench".to_owned(),
            hard_limit: None,
            soft_limit: None,
            eta: None,
            expires: None,
            root_id: None,
            parent_id: None,
            needs: Vec::new(),
            trace: None,
        };
        let batch =
            (0..count).map(|_| Publish { to: to.clone(), message: offer::encode(&offer(Uuid::now_v7())) });
        self.broker.publish(batch.collect()).await?;
        Ok(())
    }

    /// How many objects were reported so far.
    pub fn created(&self) -> usize {
        *self.created.borrow()
    }

    /// Waits until so many were.
    ///
    /// # Errors
    /// If they are not within `limit`.
    pub async fn until_created(&self, count: usize, limit: Duration) -> Result<()> {
        let mut created = self.created.clone();
        let reached = timeout(limit, created.wait_for(|created| *created >= count)).await;
        match reached {
            Ok(reached) => reached.map(drop).context("the agent's words can't be read"),
            Err(_) => bail!("{} of {count} pods after {} s", self.created(), limit.as_secs()),
        }
    }
}

async fn listen(
    broker: Broker,
    names: Names,
    agent: &'static str,
    created: watch::Sender<usize>,
) -> Result<()> {
    let mut out = broker.consume(&names.out(agent), 1_000).await;
    let mut seen = HashSet::new();
    loop {
        let batch = out.next_batch(1_000).await;
        if batch.is_empty() {
            return Ok(());
        }
        let mut answers = Vec::new();
        for delivery in &batch {
            let said: FromAgent = serde_json::from_slice(&delivery.message.body)?;
            let to = names.control(agent, &said.replica);
            if let Some(body) = answer(said.body, &mut seen) {
                let body = serde_json::to_vec(&ToAgent { version: VERSION, body })?;
                answers.push(Publish { to, message: Message::json(body) });
            }
        }
        created.send_replace(seen.len());
        // A replica that has no queue for answers yet asks again.
        if !answers.is_empty()
            && let Err(error) = broker.publish(answers).await
        {
            eprintln!("an answer was not taken: {error}");
        }
        berth_broker::ack_many(batch).await?;
    }
}

fn answer(body: FromAgentBody, seen: &mut HashSet<Uuid>) -> Option<ToAgentBody> {
    match body {
        FromAgentBody::Lease(request) => Some(ToAgentBody::LeaseGranted {
            nonce: request.nonce,
            queues: vec![QUEUE.to_owned()],
            cordoned: false,
            seen: None,
        }),
        FromAgentBody::Claims(claims) => {
            let verdict = Verdict::Go { valid_ms: CLAIM_VALIDITY_SECONDS * 1_000 };
            let go = claims.into_iter().map(|claim| ClaimAnswer {
                nonce: claim.nonce,
                run: claim.run,
                attempt: claim.attempt,
                replace: false,
                span: None,
                verdict: verdict.clone(),
            });
            Some(ToAgentBody::ClaimAnswers(go.collect()))
        }
        FromAgentBody::Reports(reports) => {
            seen.extend(reports.iter().map(|report| report.run.uuid()));
            None
        }
        FromAgentBody::Notices(_)
        | FromAgentBody::Answers(_)
        | FromAgentBody::Inventory(_)
        | FromAgentBody::Undecodable { .. }
        | FromAgentBody::Forgotten(_)
        | FromAgentBody::Goodbye => None,
    }
}

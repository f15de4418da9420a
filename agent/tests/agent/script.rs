//! A scheduler that does what a test tells it to, and a replica that takes it for the real one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use berth_agent::artifacts::ArtifactsStore;
use berth_agent::{Config, Executor, archive};
use berth_broker::offer::{self, Offer};
use berth_broker::{Broker, Consumer, Message, Publish};
use berth_broker_config::arguments::QueueKind;
use berth_broker_config::{Names, build};
use berth_domain::protocol::{
    AttemptRef, ClaimAnswer, ClaimRequest, EndReceipt, FromAgent, FromAgentBody, LeaseRequest, Phase, Report,
    ToAgent, ToAgentBody, VERSION, Verdict,
};
use berth_domain::time::Clock;
use berth_telemetry::metrics::AgentMetrics;
use berth_telemetry::{Health, Registry};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::rig::{PATIENCE, Rig};

pub(crate) const AGENT: &str = "local";

pub(crate) struct Script {
    pub(crate) rig: Rig,
    pub(crate) broker: Broker,
    pub(crate) names: Names,
    out: Consumer,
    /// Whether leases are granted.
    pub(crate) grants: Arc<AtomicBool>,
    /// What was heard and not asked for yet; leases are not kept.
    heard: Vec<FromAgent>,
    pub(crate) replica: String,
    pub(crate) leases: Vec<LeaseRequest>,
    /// Whether what is claimed may be replaced.
    pub(crate) replace: bool,
    /// Where its logs are kept, if they are.
    pub(crate) artifacts: Option<ArtifactsStore>,
    /// How long an end waits for that.
    pub(crate) hold: Duration,
    /// How long they stay there; none for ever.
    pub(crate) keep: Option<Duration>,
}

/// A replica that runs.
pub(crate) struct Replica {
    pub(crate) shutdown: CancellationToken,
    pub(crate) ended: JoinHandle<Result<(), berth_agent::Error>>,
    pub(crate) health: Health,
}

impl Replica {
    pub(crate) async fn close(self) {
        self.shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.ended)
            .await
            .expect("ends in 10 s")
            .unwrap()
            .unwrap();
    }
}

impl Script {
    pub(crate) async fn new(rig: Rig) -> Self {
        let (broker, names) = (Broker::memory(), Names::default());
        broker.apply(&build::agent(&names, AGENT, ["default"], QueueKind::Quorum)).await.unwrap();
        let out = broker.consume(&names.out(AGENT), 1_000).await;
        let grants = Arc::new(AtomicBool::new(true));
        Self {
            rig,
            broker,
            names,
            out,
            grants,
            heard: Vec::new(),
            replica: String::new(),
            leases: Vec::new(),
            replace: false,
            artifacts: None,
            hold: Duration::from_secs(30),
            keep: None,
        }
    }

    pub(crate) fn replica(&self) -> Replica {
        self.replica_with(self.rig.executor.clone())
    }

    #[expect(clippy::disallowed_methods, reason = "a test waits for its task by hand")]
    pub(crate) fn replica_with(&self, executor: Executor) -> Replica {
        let shutdown = CancellationToken::new();
        let health = Health::new();
        let config = Config {
            name: AGENT.parse().unwrap(),
            broker: self.broker.clone(),
            requests_broker: self.broker.clone(),
            names: self.names.clone(),
            executor,
            archive: self.artifacts.clone().map(|store| archive::Settings {
                store,
                hold: self.hold,
                keep: self.keep,
            }),
            prefetch: 64,
            release: "test".into(),
            labels: [("zone".to_owned(), "eu".to_owned())].into(),
            clock: Clock::system(),
            uptime: self.rig.uptime.clone(),
            metrics: AgentMetrics::register(&Registry::new()).unwrap(),
            health: health.clone(),
            tracer: berth_telemetry::Tracer::off(),
            waiting: None,
        };
        let ended = tokio::spawn(berth_agent::run(config, shutdown.clone()));
        Replica { shutdown, ended, health }
    }

    /// The next thing that `pick` wants. Leases are dealt with on the way.
    pub(crate) async fn hear<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(&FromAgentBody) -> Option<T>,
    ) -> T {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.heard.iter().position(|said| pick(&said.body).is_some()) {
                return pick(&self.heard.remove(at).body).unwrap();
            }
            assert!(self.listen(deadline).await, "{what} was not said; but: {:?}", self.heard);
        }
    }

    /// Whether something that `pick` wants is said within `time`.
    pub(crate) async fn hears(
        &mut self,
        time: Duration,
        mut pick: impl FnMut(&FromAgentBody) -> bool,
    ) -> bool {
        let deadline = tokio::time::Instant::now() + time;
        while self.listen(deadline).await {}
        self.heard.iter().any(|said| pick(&said.body))
    }

    /// What was heard, by kind, in order.
    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        self.heard
            .iter()
            .map(|said| match &said.body {
                FromAgentBody::Lease(_) => "lease",
                FromAgentBody::Claims(_) => "claims",
                FromAgentBody::Reports(_) => "reports",
                FromAgentBody::Notices(_) => "notices",
                FromAgentBody::Answers(_) => "answers",
                FromAgentBody::Inventory(_) => "inventory",
                FromAgentBody::Undecodable { .. } => "undecodable",
                FromAgentBody::Forgotten(_) => "forgotten",
                FromAgentBody::Goodbye => "goodbye",
            })
            .collect()
    }

    async fn listen(&mut self, deadline: tokio::time::Instant) -> bool {
        let Ok(delivery) = tokio::time::timeout_at(deadline, self.out.next()).await else { return false };
        let delivery = delivery.unwrap();
        let said: FromAgent = serde_json::from_slice(&delivery.message.body).unwrap();
        delivery.ack().await.unwrap();
        self.replica.clone_from(&said.replica);
        match &said.body {
            FromAgentBody::Lease(request) => {
                self.leases.push(request.clone());
                if self.grants.load(Ordering::Relaxed) {
                    let (nonce, queues) = (request.nonce.clone(), vec!["default".to_owned()]);
                    self.tell(ToAgentBody::LeaseGranted { nonce, queues, cordoned: false, seen: None }).await;
                }
            }
            _ => self.heard.push(said),
        }
        true
    }

    pub(crate) async fn tell(&self, body: ToAgentBody) {
        self.send(serde_json::to_vec(&ToAgent { version: VERSION, body }).unwrap()).await;
    }

    pub(crate) async fn send(&self, body: Vec<u8>) {
        let to = self.names.control(AGENT, &self.replica);
        self.broker.publish(vec![Publish { to, message: Message::json(body) }]).await.unwrap();
    }

    pub(crate) async fn offer(&self, operation: &Value) -> AttemptRef {
        let attempt = self.rig.order(operation).attempt;
        self.offer_again(attempt, operation).await;
        attempt
    }

    pub(crate) async fn offer_again(&self, attempt: AttemptRef, operation: &Value) {
        let offer = Offer {
            run: attempt.run.uuid(),
            attempt: attempt.attempt,
            agent: AGENT.into(),
            queue: "default".into(),
            owner: "default".into(),
            project: "p".into(),
            name: None,
            operation: RawValue::from_string(operation.to_string()).unwrap(),
            spec_hash: "hash".into(),
            hard_limit: None,
            soft_limit: None,
            eta: None,
            expires: None,
            root_id: None,
            parent_id: None,
            needs: Vec::new(),
            trace: None,
        };
        self.publish_offer(offer::encode(&offer)).await;
    }

    pub(crate) async fn publish_offer(&self, message: Message) {
        let to = self.names.offers(AGENT, "default");
        self.broker.publish(vec![Publish { to, message }]).await.unwrap();
    }

    pub(crate) async fn claims(&mut self) -> Vec<ClaimRequest> {
        self.hear("a claim", |body| match body {
            FromAgentBody::Claims(claims) => Some(claims.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn answer(&self, claim: &ClaimRequest, verdict: Verdict) {
        let ClaimRequest { nonce, run, attempt, .. } = claim.clone();
        self.tell(ToAgentBody::ClaimAnswers(vec![ClaimAnswer {
            nonce,
            run,
            attempt,
            replace: self.replace,
            span: None,
            verdict,
        }]))
        .await;
    }

    /// Grants the next claim.
    pub(crate) async fn go(&mut self) {
        for claim in self.claims().await {
            self.answer(&claim, Verdict::Go { valid_ms: 10_000 }).await;
        }
    }

    /// Offers, grants, and waits for the object.
    pub(crate) async fn start(&mut self, operation: &Value) -> AttemptRef {
        let attempt = self.offer(operation).await;
        self.go().await;
        attempt
    }

    /// The next report of the end of `attempt`.
    pub(crate) async fn end(&mut self, attempt: AttemptRef) -> Report {
        self.hear("an end", |body| match body {
            FromAgentBody::Reports(reports) => reports
                .iter()
                .find(|report| report.run == attempt.run && matches!(report.phase, Phase::Ended(_)))
                .cloned(),
            _ => None,
        })
        .await
    }

    pub(crate) async fn receipt(&self, report: &Report) {
        let Report { run, attempt, uid, .. } = report.clone();
        self.tell(ToAgentBody::Receipts(vec![EndReceipt { run, attempt, uid }])).await;
    }
}

//! A replica whose wall clock is wrong, and jumps: leases and fencing go by the clock that only grows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use berth_agent::Config;
use berth_agent::uptime::Uptime;
use berth_broker::offer::{self, Offer};
use berth_broker::{Broker, Message, Publish};
use berth_broker_config::arguments::QueueKind;
use berth_broker_config::{Names, build};
use berth_domain::lifecycle::{FailureClass, Outcome};
use berth_domain::protocol::{
    AttemptRef, ClaimAnswer, FromAgent, FromAgentBody, ToAgent, ToAgentBody, VERSION, Verdict,
};
use berth_domain::time::Clock;
use berth_telemetry::metrics::AgentMetrics;
use berth_telemetry::{Health, Registry};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::rig::Rig;

const HOUR: Duration = Duration::from_secs(3_600);
const AGENT: &str = "eu";

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_fences_when_it_must_whatever_its_wall_clock_says() {
    let rig = Rig::with("clock", |settings| {
        settings.clock = Clock::manual(Clock::system().now().minus(HOUR));
        settings.uptime = Uptime::manual();
    })
    .await;
    let scheduler = Scheduler::new().await;
    let mut tasks = JoinSet::new();
    let shutdown = CancellationToken::new();
    tasks.spawn(scheduler.clone().listen());
    tasks.spawn(scheduler.replica(&rig, shutdown.clone()));
    let attempt = scheduler.offer(&rig, &rig.shell("sleep infinity")).await;
    rig.running(attempt).await;

    scheduler.grants.store(false, Ordering::SeqCst);
    rig.settings.clock.advance(2 * HOUR);
    rig.settings.uptime.advance(Duration::from_secs(19));
    for _ in 0..20 {
        // Four looks at the lease, and none of them may find it too old.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let pod = rig.pod(attempt).await.unwrap();
        assert!(pod.metadata.deletion_timestamp.is_none(), "deleted because of the wall clock");
    }
    rig.settings.uptime.advance(Duration::from_secs(2));
    let end = rig.end(attempt).await;
    assert_eq!((end.outcome, end.reason.as_str()), (Outcome::Failed(FailureClass::AgentLost), "Fenced"));
    shutdown.cancel();
}

/// Says yes to everything, as long as it grants at all.
#[derive(Clone)]
struct Scheduler {
    broker: Broker,
    names: Names,
    grants: Arc<AtomicBool>,
}

impl Scheduler {
    async fn new() -> Self {
        let (broker, names) = (Broker::memory(), Names::default());
        broker.apply(&build::agent(&names, AGENT, ["default"], QueueKind::Quorum)).await.unwrap();
        Self { broker, names, grants: Arc::new(AtomicBool::new(true)) }
    }

    /// A replica that takes it for the real one.
    fn replica(&self, rig: &Rig, shutdown: CancellationToken) -> impl Future<Output = ()> + use<> {
        let config = Config {
            name: AGENT.parse().unwrap(),
            broker: self.broker.clone(),
            requests_broker: self.broker.clone(),
            names: self.names.clone(),
            executor: rig.executor.clone(),
            archive: None,
            prefetch: 8,
            release: "test".into(),
            labels: std::collections::BTreeMap::new(),
            clock: rig.settings.clock.clone(),
            uptime: rig.settings.uptime.clone(),
            metrics: AgentMetrics::register(&Registry::new()).unwrap(),
            health: Health::new(),
            tracer: berth_telemetry::Tracer::off(),
            waiting: None,
        };
        async move { berth_agent::run(config, shutdown).await.unwrap() }
    }

    async fn listen(self) {
        let mut out = self.broker.consume(&self.names.out(AGENT), 100).await;
        while let Some(delivery) = out.next().await {
            let said: FromAgent = serde_json::from_slice(&delivery.message.body).unwrap();
            delivery.ack().await.unwrap();
            let answer = match said.body {
                FromAgentBody::Lease(request) if self.grants.load(Ordering::SeqCst) => {
                    let (nonce, queues) = (request.nonce, vec!["default".to_owned()]);
                    ToAgentBody::LeaseGranted { nonce, queues, cordoned: false, seen: None }
                }
                FromAgentBody::Claims(claims) => ToAgentBody::ClaimAnswers(
                    claims
                        .into_iter()
                        .map(|claim| ClaimAnswer {
                            nonce: claim.nonce,
                            run: claim.run,
                            attempt: claim.attempt,
                            replace: true,
                            span: None,
                            verdict: Verdict::Go { valid_ms: 10_000 },
                        })
                        .collect(),
                ),
                _ => continue,
            };
            let body = serde_json::to_vec(&ToAgent { version: VERSION, body: answer }).unwrap();
            self.publish(self.names.control(AGENT, &said.replica), Message::json(body)).await;
        }
    }

    async fn offer(&self, rig: &Rig, operation: &Value) -> AttemptRef {
        let attempt = rig.order(operation).attempt;
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
        self.publish(self.names.offers(AGENT, "default"), offer::encode(&offer)).await;
        attempt
    }

    async fn publish(&self, to: berth_broker_config::Address, message: Message) {
        self.broker.publish(vec![Publish { to, message }]).await.unwrap();
    }
}

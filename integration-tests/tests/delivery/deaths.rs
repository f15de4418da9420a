//! Agents that die with offers in their hands, and runs that last for longer than a broker lets a message be held.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use berth_broker::{Broker, Message, Publish, Settings, offer};
use berth_broker_config::arguments::QueueKind;
use berth_broker_config::{Address, Names, Topology};
use berth_integration_tests::{Backing, BrokerServer, Installation, Journal, Role, shell};
use berth_test_servers::{Proxy, Way};
use serde_json::json;
use tokio::time::{Instant, timeout};

super::on_both_brokers!(only_what_a_dead_consumer_held_comes_again_and_nothing_of_it_is_executed_twice);

const LONG: Duration = Duration::from_secs(120);
/// How long the broker lets a message be held.
const HELD_AT_MOST: Duration = Duration::from_secs(3);
/// As many as stay healthy, and as often as their agent is killed: once less than what is quarantined was claimed.
const HEALTHY: usize = 20;
const LIVES: usize = 4;
/// Long enough for what must not be delivered to have come.
const A_WHILE: Duration = Duration::from_millis(1_000);

/// An installation whose agent `eu` can be made deaf or mute in the middle of a sentence.
struct Ground {
    // Before the folder that its log is in.
    agent: Role,
    installation: Installation,
    journal: Journal,
    proxy: Proxy,
    broker: Broker,
    offers: Address,
}

async fn only_what_a_dead_consumer_held_comes_again_and_nothing_of_it_is_executed_twice(backing: Backing) {
    let installation = Installation::start_impatient(backing, HELD_AT_MOST).await;
    let client = installation.client.clone();
    let journal = Journal::new(&installation.folder, "journal");
    let gate = installation.folder.join("gate");
    let waits = journal.around(&format!("while [ ! -e {} ]; do sleep 0.1; done", gate.display()));
    let long = client.submit("default", &shell(&waits)).await;
    client.wait_for("default", &long, "running", LONG).await;
    let long_since = Instant::now();

    let proxy = installation.proxy();
    proxy.mute_from(Way::ToTarget, on_the_wire("\"kind\":\"claims\""));
    let agent = installation.start_agent("eu", Some(&proxy)).await;
    let url = installation.broker.url_through(installation.broker.port());
    let mut settings = Settings::new(&url).unwrap();
    settings.visibility_timeout = HELD_AT_MOST;
    let broker = Broker::connect(settings).unwrap();
    let offers = Names::default().offers("eu", "default");
    let mut ground = Ground { installation, journal, proxy, agent, broker, offers };
    ground.killed_before_it_could_claim().await;
    ground.killed_before_it_heard_that_it_may_create().await;

    // What runs is nowhere on the broker, which has had reason to lose its patience several times since.
    assert!(long_since.elapsed() > 3 * HELD_AT_MOST);
    assert!(!ground.installation.roles_of("agent").any(|agent| agent.log().contains("broker.disconnected")));
    assert!(!has_lost_patience(&ground.installation));
    std::fs::write(&gate, "").unwrap();
    client.wait_for("default", &long, "succeeded", LONG).await;
    assert_eq!(ground.journal.started_twice(), [] as [&str; 0]);
    assert_eq!(ground.journal.starts().len(), HEALTHY + 2);
    assert_eq!(ground.installation.answered(&["queues", "dead", "ls"]), json!([]));
    if backing == Backing::RabbitMq {
        ground.who_holds_a_message_for_longer_loses_it().await;
    }
    ground.broker.close().await;
}

fn has_lost_patience(installation: &Installation) -> bool {
    matches!(&installation.broker, BrokerServer::RabbitMq(server) if server.has_lost_patience())
}

impl Ground {
    fn for_eu(&self) -> serde_json::Value {
        let mut operation = shell(&self.journal.around("true"));
        operation["queue"] = json!("eu/default");
        operation
    }

    /// Four times, an agent that holds twenty offers is killed before a claim of its gets out: they come to the next one,
    /// and count as healthy.
    async fn killed_before_it_could_claim(&mut self) {
        let client = self.installation.client.clone();
        let runs = client.submit_all("default", &vec![self.for_eu(); HEALTHY]).await;
        client.wait_for_all("default", HEALTHY as u64, "scheduled", LONG).await;
        let mut mutes = 0;
        for life in 1..=LIVES {
            let (proxy, broker, offers) = (&self.proxy, &self.broker, &self.offers);
            until("it holds all of them, and has tried to claim", async || {
                proxy.mutes() > mutes && broker.depth(offers).await.is_ok_and(|depth| depth.ready == 0)
            })
            .await;
            mutes = self.proxy.mutes();
            self.agent.kill9();
            if life == 1 {
                self.each_is_redelivered_once(&runs).await;
            }
            if life == LIVES {
                self.proxy.mute_no_more();
            }
            self.agent.restart();
        }
        for run in &runs {
            client.wait_for("default", run, "succeeded", LONG).await;
            assert_eq!(self.lost_claims(run).await, 0, "{run}");
        }
    }

    /// What the dead one held comes to the next consumer, each offer once; it gives them back.
    async fn each_is_redelivered_once(&self, runs: &[String]) {
        let mut consumer = self.broker.consume(&self.offers, 64).await;
        let mut again = BTreeSet::new();
        let deadline = Instant::now() + LONG;
        // What the scheduler offers once more meanwhile is no redelivery.
        while let Ok(delivery) =
            timeout(if again.len() < HEALTHY { LONG } else { A_WHILE }, consumer.next()).await
        {
            let delivery = delivery.unwrap();
            let run = offer::decode(&delivery.message).unwrap().run.simple().to_string();
            assert!(!delivery.redelivered || again.insert(run.clone()), "{run} came twice");
            assert!(Instant::now() < deadline, "only {} came", again.len());
        }
        assert_eq!(again, runs.iter().cloned().collect());
    }

    /// An agent is killed between its claim and the create: it never heard of the go. That is found out when the claim is
    /// over, counts as one claim without a start, and the run starts once.
    async fn killed_before_it_heard_that_it_may_create(&mut self) {
        let client = self.installation.client.clone();
        let before = self.proxy.mutes();
        self.proxy.mute_from(Way::ToClient, on_the_wire("\"kind\":\"claim_answers\""));
        let run = client.submit("default", &self.for_eu()).await;
        client.wait_for("default", &run, "starting", LONG).await;
        until("its answer has gone astray", async || self.proxy.mutes() > before).await;
        self.agent.kill9();
        self.proxy.mute_no_more();
        self.agent.restart();
        client.wait_for("default", &run, "succeeded", LONG).await;
        assert_eq!(self.lost_claims(&run).await, 1);
    }

    /// How often the run was claimed without a start.
    async fn lost_claims(&self, run: &str) -> usize {
        let conditions = self.installation.client.conditions("default", run).await;
        conditions.iter().filter(|condition| condition["reason"] == "ClaimLost").count()
    }

    /// The limit bites: a message that is held for longer is taken away, and delivered again.
    async fn who_holds_a_message_for_longer_loses_it(&self) {
        let queue = Address::foreign("held-for-long");
        self.broker.apply(&Topology::default().with_queue(&queue, QueueKind::Quorum)).await.unwrap();
        let message = Publish { to: queue.clone(), message: Message::json("{}") };
        self.broker.publish(vec![message]).await.unwrap();
        let mut consumer = self.broker.consume(&queue, 1).await;
        let held = timeout(LONG, consumer.next()).await.unwrap().unwrap();
        let again = timeout(LONG, consumer.next()).await.unwrap().unwrap();
        assert!(again.redelivered && held.ack().await.is_err());
        assert!(has_lost_patience(&self.installation));
    }
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(timeout(LONG, looking).await.is_ok(), "not in time: {what}");
}

/// What a part of a message's body is on the wire: itself, or what it is within base64, at each of three places.
fn on_the_wire(text: &str) -> Vec<Vec<u8>> {
    let in_base64 = (0..3).map(|place| {
        let coded = STANDARD_NO_PAD.encode([&[0; 3][..place], text.as_bytes()].concat());
        // Letters that are not of the text alone are left out at both ends.
        let end = coded.len() - usize::from(!(place + text.len()).is_multiple_of(3));
        coded.as_bytes()[(place * 8).div_ceil(6)..end].to_vec()
    });
    std::iter::once(text.as_bytes().to_vec()).chain(in_base64).collect()
}

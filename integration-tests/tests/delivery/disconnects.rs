//! An agent's connections end: cleanly, in the middle of a frame, slowly, or without either side being told. From a seed;
//! twelve in `make test`, a thousand on each broker in `make chaos`.

use std::collections::BTreeMap;
use std::time::Duration;

use berth_integration_tests::{Backing, Client, Installation, Journal, Role, shell};
use berth_test_servers::{Proxy, effort, eventually, within};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::tail::Tail;

super::on_both_brokers!(an_agent_is_back_within_five_seconds_and_nothing_is_lost_or_executed_twice);

const LONG: Duration = Duration::from_secs(120);
/// How many there are, and from which seed, if nothing is said.
const SAMPLE: usize = 12;
const SEED: usize = 7;
/// From when an agent has seen that its broker is gone to when it starts what was submitted after that.
const BACK_WITHIN: Duration = Duration::from_secs(5);
/// What the agent may have grown by from an early round to the last: caches fill, and allocators keep some. Where there
/// are few rounds, the early one is still in the midst of that.
const GROWTH_KIB: usize = 8 * 1024;
const EARLY_GROWTH_KIB: usize = 32 * 1024;
const FEW: usize = 100;
/// What a broker's own limits are: offers that were taken in vain come back soon.
const HELD_AT_MOST: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Clean,
    MidFrame,
    Slow,
    HalfOpen,
}

/// How often each happens of twelve.
const SHARES: [(Way, usize); 4] = [(Way::Clean, 4), (Way::MidFrame, 4), (Way::Slow, 2), (Way::HalfOpen, 2)];

/// How connections end, and how long after a run was submitted: before it is offered, or while it is claimed, or later.
fn plan(seed: u64, count: usize) -> Vec<(Way, Duration)> {
    let mut random = StdRng::seed_from_u64(seed);
    let twelve = SHARES.iter().flat_map(|(way, share)| std::iter::repeat_n(*way, *share));
    let mut ways: Vec<Way> = twelve.cycle().take(count).collect();
    ways.shuffle(&mut random);
    ways.into_iter().map(|way| (way, Duration::from_millis(random.random_range(0..250)))).collect()
}

async fn an_agent_is_back_within_five_seconds_and_nothing_is_lost_or_executed_twice(backing: Backing) {
    let (count, seed) = (effort("BERTH_TEST_DISCONNECTS", SAMPLE), effort("BERTH_TEST_SEED", SEED));
    let mut rounds = Rounds::start(backing).await;
    let (mut slowest, mut resident) = (BTreeMap::new(), Vec::new());
    let began = Instant::now();
    for (number, (way, after)) in plan(seed as u64, count).into_iter().enumerate() {
        let back = rounds.one(way, after).await;
        assert!(back <= within(BACK_WITHIN), "{way:?}, number {number} of seed {seed}: back after {back:?}");
        let of_way = slowest.entry(way).or_insert(back);
        *of_way = back.max(*of_way);
        if number + 1 == count.div_ceil(4) || number + 1 == count {
            resident.push((rounds.agent.resident_kib(), rounds.agent.open_files()));
        }
    }
    eprintln!(
        "{backing:?}: {count} in {:?}, seed {seed}; slowest {slowest:?}; KiB and files {resident:?}",
        began.elapsed()
    );
    rounds.nothing_is_lost_or_doubled().await;
    let (early, late) = (resident[0].0, resident[resident.len() - 1].0);
    let growth = if count < FEW { EARLY_GROWTH_KIB } else { GROWTH_KIB };
    assert!(late <= early + growth, "it grew from {early} to {late} KiB in {count} rounds");
    // A connection that was given up is closed when its last task has noticed.
    let files = resident[0].1 + 4;
    assert!(eventually(LONG, || rounds.agent.open_files() <= files), "{}", rounds.agent.open_files());
    assert!(rounds.agent.is_running());
}

/// An agent on the far side of a proxy.
struct Rounds {
    // Before the folder that its log is in.
    agent: Role,
    installation: Installation,
    client: Client,
    journal: Journal,
    proxy: Proxy,
    log: Tail,
    starts: Tail,
    submitted: usize,
}

impl Rounds {
    async fn start(backing: Backing) -> Self {
        let installation = Installation::start_impatient(backing, HELD_AT_MOST).await;
        let (client, proxy) = (installation.client.clone(), installation.proxy());
        let journal = Journal::new(&installation.folder, "journal");
        client.call("POST", "/api/v1/orgs/default/agents", Some(&json!({"name": "eu"}))).await;
        let mut url = installation.broker.url_through(proxy.port());
        if backing == Backing::RabbitMq {
            // What a half-open connection costs until it is seen is not the subject.
            url.push_str("?heartbeat=1");
        }
        let agent = installation.start_agent_at("eu", "eu", &url);
        let log = Tail::new(installation.folder.join("agent-eu.log"));
        let starts = Tail::new(installation.folder.join("journal"));
        let mut rounds = Self { installation, client, journal, proxy, agent, log, starts, submitted: 0 };
        let first = rounds.submit().await;
        rounds.client.wait_for("default", &first, "succeeded", LONG).await;
        rounds
    }

    async fn submit(&mut self) -> String {
        let mut operation = shell(&self.journal.around("true"));
        operation["queue"] = json!("eu/default");
        self.submitted += 1;
        self.client.submit("default", &operation).await
    }

    /// Ends the connections while a run is on its way; gives how long after it has seen that the agent is back.
    async fn one(&mut self, way: Way, after: Duration) -> Duration {
        self.log.lines();
        self.submit().await;
        // The moment at which it happens is the plan's.
        sleep(after).await;
        match way {
            Way::Clean => self.proxy.cut(),
            Way::MidFrame => self.proxy.cut_mid_frame(),
            Way::HalfOpen => self.proxy.half_open(),
            Way::Slow => {
                self.proxy.trickle(true);
                self.submit().await;
                sleep(after).await;
                self.proxy.cut();
                self.proxy.trickle(false);
            }
        }
        let deadline = Instant::now() + LONG;
        let mut seen = loop {
            if let Some(seen) = self.sees_it() {
                break seen;
            }
            assert!(Instant::now() < deadline, "{way:?}: it isn't seen");
            sleep(Duration::from_millis(5)).await;
        };
        let next = format!("start {} 0", self.submit().await);
        while !self.starts.lines().contains(&next) {
            // Its other connection may be seen later.
            seen = self.sees_it().unwrap_or(seen);
            assert!(Instant::now() < deadline, "{way:?}: {next} doesn't come");
            sleep(Duration::from_millis(5)).await;
        }
        seen.elapsed()
    }

    fn sees_it(&mut self) -> Option<Instant> {
        self.log.lines().iter().any(|line| line.contains("broker.disconnected")).then(Instant::now)
    }

    async fn nothing_is_lost_or_doubled(&self) {
        self.client.wait_for_all("default", self.submitted as u64, "succeeded", LONG).await;
        assert_eq!(self.journal.started_twice(), [] as [&str; 0]);
        assert_eq!(self.journal.starts().len(), self.submitted);
        assert_eq!(self.installation.answered(&["queues", "dead", "ls"]), json!([]));
    }
}

#[test]
fn a_seed_is_the_same_disconnects_again_and_every_way_is_among_a_sample() {
    assert_eq!(plan(7, 100), plan(7, 100));
    assert_ne!(plan(7, 100), plan(8, 100));
    for (way, share) in SHARES {
        assert_eq!(plan(9, SAMPLE).iter().filter(|(planned, _)| *planned == way).count(), share);
    }
}

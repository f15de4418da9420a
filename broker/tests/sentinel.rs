//! A Redis that three Sentinels watch over, with one replica: its master is killed, and work goes on.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::time::Duration;

use berth_broker::{Broker, Message, Publish, Settings};
use berth_broker_config::{Address, Names, build};
use berth_test_servers::{Proxy, Redis, Sentinels, within};
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(60);

/// What a client's return may take once the Sentinels have named another master.
const BACK_WITHIN: Duration = Duration::from_secs(5);

/// A master, its replica behind a proxy, and who watches.
struct Watched {
    master: Redis,
    replica: Redis,
    between: Proxy,
    sentinels: Sentinels,
}

impl Watched {
    fn start() -> Self {
        tokio::task::block_in_place(|| {
            let master = Redis::start();
            let between = Proxy::start(master.port());
            let replica = Redis::start_replica(between.port());
            let sentinels = Sentinels::start(&master);
            Self { master, replica, between, sentinels }
        })
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::new(&self.sentinels.url(&self.master, 3)).unwrap();
        settings.visibility_timeout = Duration::from_secs(3);
        settings
    }

    /// Kills the master, and returns the moment at which all Sentinels name the other.
    async fn fail_over(&mut self) -> Instant {
        tokio::task::block_in_place(|| {
            self.master.kill9();
            self.between.refuse(true);
        });
        until("another master is named", async || {
            tokio::task::block_in_place(|| self.sentinels.all_name(&self.replica))
        })
        .await;
        Instant::now()
    }
}

fn offers() -> Address {
    Names::default().offers("a", "q")
}

fn batch(numbers: std::ops::Range<usize>) -> Vec<Publish> {
    let message = |number| Message::json(format!("{{\"number\": {number}}}"));
    numbers.map(|number| Publish { to: offers(), message: message(number) }).collect()
}

async fn connect(settings: Settings) -> Broker {
    let broker = Broker::connect(settings).unwrap();
    assert!(broker.connected(PATIENCE).await, "{:?}", *broker.connection().borrow());
    broker
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, looking).await.is_ok(), "not in time: {what}");
}

/// Why a broker at this URL is not worked with.
async fn refusal(url: &str) -> String {
    let broker = Broker::connect(Settings::new(url).unwrap()).unwrap();
    let mut connection = broker.connection();
    let state = connection.wait_for(|state| state.up || state.last_error.is_some());
    let state = tokio::time::timeout(PATIENCE, state).await.unwrap().unwrap().clone();
    broker.close().await;
    assert!(!state.up, "{url} is worked with");
    state.last_error.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn consumers_and_publishers_go_on_within_five_seconds_of_a_failover() {
    let mut watched = Watched::start();
    let (publisher, agent) = (connect(watched.settings()).await, connect(watched.settings()).await);
    publisher.apply(&build::agent(&Names::default(), "a", ["q"], Default::default())).await.unwrap();
    publisher.put_marker("known").await.unwrap();
    let mut consumer = agent.consume(&offers(), 10).await;
    publisher.publish(batch(0..1)).await.unwrap();
    let held = tokio::time::timeout(PATIENCE, consumer.next()).await.unwrap().unwrap();

    // The replica has all of that when it has what was written after it.
    tokio::task::block_in_place(|| watched.master.command(&["SET", "later", "1"]));
    until("all is replicated", async || {
        tokio::task::block_in_place(|| watched.replica.command(&["EXISTS", "later"])) == ":1"
    })
    .await;
    // What the master confirms from now on is lost with it.
    watched.between.stall();
    let mut dead = agent.consume(&Names::default().offers("a", "other"), 1).await;
    publisher.publish(batch(1..3)).await.unwrap();
    let lost = tokio::time::timeout(PATIENCE, consumer.next()).await.unwrap().unwrap();
    tokio::task::block_in_place(|| watched.sentinels.kill_one());
    let declared = watched.fail_over().await;

    let mut next = 100;
    until("a message is published again", async || {
        next += 1;
        publisher.publish(batch(next..next + 1)).await.is_ok()
    })
    .await;
    let back = declared.elapsed();
    assert!(back < within(BACK_WITHIN), "publishing again took {back:?}");
    let wanted = format!("{{\"number\": {next}}}");
    loop {
        let delivery = tokio::time::timeout(PATIENCE, consumer.next()).await.unwrap().unwrap();
        let found = delivery.message.body == wanted.as_bytes();
        delivery.ack().await.ok();
        if found {
            break;
        }
    }
    let back = declared.elapsed();
    assert!(back < within(BACK_WITHIN), "consuming again took {back:?}");
    // What was replicated is as it was; what was not is not there, which the depth tells: the scheduler offers again
    // what it knows to be outstanding, though the marker is still there.
    held.ack().await.unwrap();
    assert!(lost.ack().await.is_err());
    assert!(publisher.marker_exists("known").await.unwrap());
    let depth = publisher.depth(&offers()).await.unwrap();
    assert_eq!((depth.ready, depth.unacked), (0, Some(0)));
    assert!(tokio::time::timeout(Duration::from_millis(200), dead.next()).await.is_err());

    // A newcomer finds the new master; the old one comes back as a replica, and is none to work with.
    drop(connect(watched.settings()).await);
    tokio::task::block_in_place(|| {
        watched.between.refuse(false);
        watched.master.restart();
    });
    let url = watched.master.url();
    until("the old master is a replica", async || {
        let broker = Broker::connect(Settings::new(&url).unwrap()).unwrap();
        let mut connection = broker.connection();
        let state = connection.wait_for(|state| state.up || state.last_error.is_some());
        let is_replica =
            state.await.unwrap().last_error.as_deref().is_some_and(|why| why.contains("replica"));
        broker.close().await;
        is_replica
    })
    .await;
    assert_eq!(publisher.connection().borrow().last_error, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_master_is_refused_by_name() {
    let watched = Watched::start();
    let replica = refusal(&watched.replica.url()).await;
    let port = watched.replica.port();
    assert_eq!(replica, format!("127.0.0.1:{port}: it is a replica, and only a master can be written to"));
    let sentinel = refusal(&watched.sentinels.own_url()).await;
    assert!(sentinel.contains("it is a Sentinel: write redis(s)+sentinel://"), "{sentinel}");
    let url = watched.sentinels.url(&watched.master, 0);
    let service = refusal(&url.replace("service=berth", "service=other")).await;
    assert!(service.contains("no Sentinel names a master") && service.contains("`other`"), "{service}");
    let password = refusal(&url.replace("sentinel-test-secret", "wrong-secret")).await;
    assert!(
        password.contains("no Sentinel names a master") && !password.contains("wrong-secret"),
        "{password}"
    );
}

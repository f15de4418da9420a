//! Servers that die or come back empty, connections that break or stall, consumers that vanish.

use std::time::Duration;

use berth_broker::{Broker, Consumer, Error};
use berth_broker_config::{Address, build};
use berth_test_servers::{Proxy, RabbitMq, Redis};

use crate::rig::{PATIENCE, Rig, batch, next, nothing, number, shared_rabbitmq, shared_redis, until};

/// What the broker's return to a waiting consumer may take.
const BACK_WITHIN: Duration = Duration::from_secs(5);

/// A server that can be broken.
enum Server {
    Redis(Redis),
    RabbitMq(RabbitMq),
}

impl Server {
    fn rig(&self) -> Rig {
        match self {
            Self::Redis(server) => Rig::over(Some(server.url())),
            Self::RabbitMq(server) => Rig::over(Some(server.url())),
        }
    }

    fn kill9(&mut self) {
        tokio::task::block_in_place(|| match self {
            Self::Redis(server) => server.kill9(),
            Self::RabbitMq(server) => server.kill9(),
        });
    }

    fn restart(&mut self) {
        tokio::task::block_in_place(|| match self {
            Self::Redis(server) => server.restart(),
            Self::RabbitMq(server) => server.restart(),
        });
    }

    /// Waits until a queue of messages, and all else that was declared, survives a kill.
    async fn until_stored(&self, queue: &Address) {
        if let Self::RabbitMq(server) = self {
            tokio::task::block_in_place(|| server.store_declarations());
            until("the queue is on disk", async || server.has_stored_quorum_queue(&queue.queue)).await;
        }
    }

    fn wipe(&mut self) {
        tokio::task::block_in_place(|| match self {
            Self::Redis(server) => server.flushall(),
            Self::RabbitMq(server) => server.reset(),
        });
    }
}

/// Publishes until it succeeds; a client that just came back may need its topology first.
async fn publish(broker: &Broker, rig: &Rig, value: usize) {
    let topology = build::agent(&rig.names, "a", ["q"], Default::default());
    until("a message is published", async || {
        match broker.publish(batch(&rig.offers(), value..value + 1)).await {
            Ok(()) => true,
            Err(error) => {
                tracing::info!(%error, "not yet published");
                if matches!(error.reason, Error::NoSuchQueue { .. }) {
                    let applied = broker.apply(&topology).await;
                    tracing::info!(?applied, "applied");
                }
                false
            }
        }
    })
    .await;
}

/// Reads until `value` comes, within the promised time; others are acked (they may be old ones, again).
async fn expect(consumer: &mut Consumer, value: usize, within: Duration) {
    let reading = async {
        loop {
            let delivery = consumer.next().await.unwrap();
            let found = number(&delivery);
            delivery.ack().await.ok();
            if found == value {
                return;
            }
        }
    };
    assert!(tokio::time::timeout(within, reading).await.is_ok(), "{value} did not come within {within:?}");
}

async fn survives_death_and_loss(mut server: Server) {
    let rig = server.rig();
    let broker = rig.ready().await;
    broker.put_marker("known").await.unwrap();
    let mut consumer = broker.consume(&rig.offers(), 10).await;
    publish(&broker, &rig, 1).await;
    let held = next(&mut consumer).await;
    let before = broker.connection().borrow().generation;
    // What becomes of a queue that is killed sooner is another test's.
    server.until_stored(&rig.offers()).await;

    server.kill9();
    until("the loss is seen", async || !broker.connection().borrow().up).await;
    let error = broker.publish(batch(&rig.offers(), 9..10)).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    server.restart();
    // Its own recovery is its own affair: it is back when somebody new can publish.
    publish(&rig.connect().await, &rig, 2).await;
    expect(&mut consumer, 2, BACK_WITHIN).await;
    assert!(broker.connection().borrow().generation > before);
    assert!(broker.marker_exists("known").await.unwrap());
    // Redis keeps what is held over a restart; on RabbitMQ it is void. Either is fine.
    held.ack().await.ok();

    server.wipe();
    let newcomer = rig.connect().await;
    assert!(!newcomer.marker_exists("known").await.unwrap());
    publish(&newcomer, &rig, 3).await;
    expect(&mut consumer, 3, BACK_WITHIN).await;
    until("connected", async || broker.marker_exists("known").await == Ok(false)).await;
    broker.close().await;
    assert!(consumer.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_may_die_and_lose_everything() {
    survives_death_and_loss(Server::Redis(Redis::start())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_that_is_full_takes_nothing_and_says_why() {
    let server = Redis::start();
    let rig = Rig::over(Some(server.url()));
    let broker = rig.ready().await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let error = broker.publish(batch(&rig.offers(), 0..3)).await.unwrap_err();
    assert_eq!(error.unconfirmed, [0, 1, 2]);
    assert!(error.to_string().contains("OOM"), "{error}");
    let alarm = broker.connection().borrow().alarm.clone();
    assert!(alarm.is_some_and(|why| why.contains("memory")), "whoever looks at the connection sees why");
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(
        broker.depth(&rig.offers()).await.unwrap().ready,
        0,
        "of a batch that is refused, nothing is there"
    );
    broker.publish(batch(&rig.offers(), 0..3)).await.unwrap();
    assert_eq!(broker.connection().borrow().alarm, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_that_is_short_of_memory_is_told_from_one_that_is_away() {
    let server = RabbitMq::start();
    let rig = Rig::over(Some(server.url()));
    let broker = rig.ready().await;
    let mut connection = broker.connection();
    // It stops a connection that publishes, and tells it then.
    tokio::task::block_in_place(|| server.ctl(&["set_vm_memory_high_watermark", "absolute", "1MB"]));
    let publishing = broker.publish(batch(&rig.offers(), 0..3));
    let watching = async {
        let alarmed = tokio::time::timeout(BACK_WITHIN, connection.wait_for(|now| now.alarm.is_some())).await;
        let seen = alarmed.expect("no alarm is seen").unwrap().clone();
        assert!(seen.up && seen.alarm.is_some_and(|why| why.contains("memory")), "it is up all the while");
        tokio::task::block_in_place(|| server.ctl(&["set_vm_memory_high_watermark", "0.6"]));
    };
    let (published, ()) = tokio::join!(publishing, watching);
    published.unwrap();
    tokio::time::timeout(BACK_WITHIN, connection.wait_for(|now| now.alarm.is_none())).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_with_another_key_where_a_queue_should_be_is_an_error_not_a_success() {
    let server = Redis::start();
    let rig = Rig::over(Some(server.url()));
    let broker = rig.ready().await;
    server.command(&["SET", &rig.offers().queue, "x"]);
    let error = broker.publish(batch(&rig.offers(), 0..3)).await.unwrap_err();
    assert_eq!(error.unconfirmed, [0, 1, 2]);
    assert!(error.to_string().contains("WRONGTYPE"), "{error}");
    server.command(&["DEL", &rig.offers().queue]);
    broker.publish(batch(&rig.offers(), 0..3)).await.unwrap();
    assert_eq!(broker.depth(&rig.offers()).await.unwrap().ready, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_that_forbids_a_command_of_a_transaction_is_told_as_such() {
    let server = Redis::start();
    let rig = Rig::over(Some(server.url()));
    let broker = rig.ready().await;
    server.command(&["ACL", "SETUSER", "default", "-lpush"]);
    let error = broker.publish(batch(&rig.offers(), 0..3)).await.unwrap_err();
    assert!(matches!(error.reason, Error::Forbidden { .. }), "{error}");
    assert!(error.to_string().contains("lpush"), "{error}");
    server.command(&["ACL", "SETUSER", "default", "+lpush"]);
    broker.publish(batch(&rig.offers(), 0..3)).await.unwrap();
    assert_eq!(
        broker.depth(&rig.offers()).await.unwrap().ready,
        3,
        "of what was forbidden, nothing is there"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_keeps_what_waits_in_a_queue_that_it_forgot_and_takes_back_what_comes() {
    let server = Redis::start();
    let rig = Rig::over(Some(server.url()));
    let (broker, queue) = (rig.ready().await, rig.offers());
    broker.publish(batch(&queue, 0..3)).await.unwrap();
    let registry = format!("{}_queues", rig.names.agent_prefix("a"));
    assert_eq!(server.command(&["SREM", &registry, &queue.queue]), ":1");
    let error = broker.publish(batch(&queue, 3..7)).await.unwrap_err();
    assert_eq!(error.reason, Error::NoSuchQueue { queue: queue.queue.clone() });
    assert_eq!(server.command(&["LLEN", &queue.queue]), ":3");
    server.command(&["SADD", &registry, &queue.queue]);
    let mut consumer = broker.consume(&queue, 10).await;
    for value in 0..3 {
        let delivery = next(&mut consumer).await;
        assert_eq!(number(&delivery), value);
        delivery.ack().await.unwrap();
    }
    nothing(&mut consumer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_may_die_and_lose_everything() {
    survives_death_and_loss(Server::RabbitMq(RabbitMq::start())).await;
}

/// A rig with a server of its own on which a queue exists and has no leader: declared, and killed before it was on
/// disk. Where the node was too fast, again.
async fn leaderless() -> (RabbitMq, Rig) {
    let mut server = RabbitMq::start();
    for _ in 0..12 {
        let rig = Rig::over(Some(server.url()));
        let broker = rig.ready().await;
        // The one that was declared last is the last on disk.
        broker.delete_queue(&rig.offers()).await.unwrap();
        let names = ["other", "q"];
        broker.apply(&build::agent(&rig.names, "a", names, Default::default())).await.unwrap();
        let was_stored = tokio::task::block_in_place(|| {
            server.kill9();
            let was_stored = server.has_stored_quorum_queue(&rig.offers().queue);
            server.restart();
            was_stored
        });
        broker.close().await;
        let mut settings = rig.settings().unwrap();
        settings.answer_timeout = Duration::from_secs(3);
        let probe = Broker::connect(settings).unwrap();
        assert!(probe.connected(PATIENCE).await);
        let unconfirmed = probe.publish(batch(&rig.offers(), 0..1)).await;
        let depth = probe.depth(&rig.offers()).await;
        probe.close().await;
        tracing::info!(was_stored, ?unconfirmed, ?depth, "after the kill");
        if unconfirmed.is_err_and(|error| matches!(error.reason, Error::Timeout { .. })) && depth.is_ok() {
            return (server, rig);
        }
    }
    panic!("every queue survived the kill: is it another version of RabbitMQ, without that fault?");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rabbitmq_queue_that_never_comes_back_is_made_anew() {
    let (_server, rig) = leaderless().await;
    let mut settings = rig.settings().unwrap();
    settings.answer_timeout = Duration::from_secs(2);
    settings.leaderless_after = Duration::from_secs(5);
    // Agents declare no queues but their own: the control plane finds out that one is missing.
    let (agent, broker) = (Broker::connect(settings).unwrap(), rig.connect().await);
    // It can be declared, as if nothing were wrong.
    broker.apply(&build::agent(&rig.names, "a", ["q"], Default::default())).await.unwrap();
    let mut consumer = agent.consume(&rig.offers(), 10).await;
    publish(&broker, &rig, 7).await;
    expect(&mut consumer, 7, BACK_WITHIN).await;
}

/// A rig whose connections go through a proxy.
fn proxied(transport: &str) -> (Rig, Proxy) {
    if transport == "redis" {
        let proxy = Proxy::start(shared_redis().port());
        (Rig::over(Some(shared_redis().url_through(proxy.port()))), proxy)
    } else {
        let proxy = Proxy::start(shared_rabbitmq().port());
        (Rig::over(Some(shared_rabbitmq().url_through(proxy.port()))), proxy)
    }
}

async fn survives_a_cut_in_the_middle_of_a_frame(transport: &str) {
    let (rig, proxy) = proxied(transport);
    let broker = rig.ready().await;
    let mut consumer = broker.consume(&rig.offers(), 10).await;
    publish(&broker, &rig, 0).await;
    expect(&mut consumer, 0, PATIENCE).await;
    for round in 1..4 {
        let before = broker.connection().borrow().generation;
        proxy.cut_mid_frame();
        // Whatever the broker says next, to a publish or to a heartbeat, is cut in two.
        broker.publish(batch(&rig.offers(), round..round + 1)).await.ok();
        until("the cut has happened", async || proxy.has_cut()).await;
        until("connected again", async || {
            let state = broker.connection().borrow().clone();
            state.up && state.generation > before
        })
        .await;
        publish(&broker, &rig, 100 + round).await;
        expect(&mut consumer, 100 + round, BACK_WITHIN).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_may_be_cut_in_the_middle_of_a_frame() {
    survives_a_cut_in_the_middle_of_a_frame("redis").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_may_be_cut_in_the_middle_of_a_frame() {
    survives_a_cut_in_the_middle_of_a_frame("rabbitmq").await;
}

async fn a_stall_is_an_error_not_a_hang(transport: &str) {
    let (rig, proxy) = proxied(transport);
    let broker = rig.ready().await;
    let mut consumer = broker.consume(&rig.offers(), 10).await;
    proxy.stall();
    let stalled = tokio::time::timeout(PATIENCE, broker.publish(batch(&rig.offers(), 1..2))).await;
    assert!(stalled.expect("an answer in time").is_err());
    until("the stall is seen", async || !broker.connection().borrow().up).await;
    proxy.resume();
    publish(&broker, &rig, 2).await;
    expect(&mut consumer, 2, BACK_WITHIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_redis_is_an_error_not_a_hang() {
    a_stall_is_an_error_not_a_hang("redis").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_rabbitmq_is_an_error_not_a_hang() {
    a_stall_is_an_error_not_a_hang("rabbitmq").await;
}

/// When the consumer that has been silent for longest was last heard of: milliseconds since the epoch.
fn last_heard_of(rig: &Rig) -> u64 {
    let index = format!("{}_held.run.q", rig.names.agent_prefix("a"));
    let script = "return math.floor(1000 * redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2])";
    let answer = shared_redis().command(&["EVAL", script, "1", &index]);
    answer.trim_start_matches(':').parse().unwrap_or_else(|_| panic!("no score: {answer}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn on_redis_only_what_a_dead_consumer_held_comes_back() {
    let proxy = Proxy::start(shared_redis().port());
    let rig = Rig::redis();
    let direct = rig.ready().await;
    let through = Rig { url: Some(shared_redis().url_through(proxy.port())), ..rig };
    let dying = through.connect().await;
    let rig = Rig { url: Some(shared_redis().url()), ..through };
    direct.publish(batch(&rig.offers(), 0..2)).await.unwrap();

    let mut doomed = dying.consume(&rig.offers(), 1).await;
    let held_by_doomed = next(&mut doomed).await;
    let mut healthy = direct.consume(&rig.offers(), 1).await;
    let held_by_healthy = next(&mut healthy).await;
    assert_eq!((number(&held_by_doomed), number(&held_by_healthy)), (0, 1));
    let first_held = last_heard_of(&rig);

    // As if its process had been stopped: it neither refreshes nor gives back.
    proxy.stall();
    proxy.refuse(true);
    let other = rig.connect().await;
    let mut rescuer = other.consume(&rig.offers(), 10).await;
    let rescued = next(&mut rescuer).await;
    assert!(rescued.redelivered);
    assert_eq!(number(&rescued), 0);
    // Held for longer than the visibility timeout: what a live consumer holds stays with it.
    let limit = rig.settings().unwrap().visibility_timeout.as_millis() as u64;
    until("what is held was refreshed past its time", async || last_heard_of(&rig) > first_held + limit)
        .await;
    nothing(&mut rescuer).await;
    held_by_healthy.ack().await.unwrap();
    proxy.refuse(false);
    proxy.resume();
    // The late answer of the one that was thought dead changes nothing.
    until("it is back", async || dying.connection().borrow().up).await;
    assert!(held_by_doomed.ack().await.is_err());
    rescued.ack().await.unwrap();
    let depth = direct.depth(&rig.offers()).await.unwrap();
    assert_eq!((depth.ready, depth.unacked), (0, Some(0)));
}

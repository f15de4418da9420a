//! What exists on a broker: depth, purge, missing queues, topics, markers.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use berth_broker::{Broker, Connection, Depth, Error, Message, Publish};
use berth_broker_config::arguments::QueueKind;
use berth_broker_config::password::PasswordHashes;
use berth_broker_config::plan::{Change, Kind, Scope, plan};
use berth_broker_config::rights::{self, AgentUser, Slot};
use berth_broker_config::{Address, Topology, build, policies};

use crate::rig::{PATIENCE, Rig, batch, message, next, number, shared_rabbitmq, until};

pub(crate) async fn depth_counts_what_waits(rig: Rig) {
    let broker = rig.ready().await;
    assert_eq!(broker.depth(&rig.offers()).await.unwrap().ready, 0);
    broker.publish(batch(&rig.offers(), 0..7)).await.unwrap();
    until("seven wait", async || broker.depth(&rig.offers()).await.unwrap().ready == 7).await;
    let mut consumer = broker.consume(&rig.offers(), 2).await;
    let held = (next(&mut consumer).await, next(&mut consumer).await);
    until("five wait, two are held", async || broker.depth(&rig.offers()).await == full(5, 2)).await;
    held.0.ack().await.unwrap();
    held.1.ack().await.unwrap();
    let held = (next(&mut consumer).await, next(&mut consumer).await);
    until("three wait, two are held", async || broker.depth(&rig.offers()).await == full(3, 2)).await;
    held.0.requeue().await.unwrap();
    held.1.requeue().await.unwrap();
    drop(consumer);
    until("five wait, none is held", async || broker.depth(&rig.offers()).await == full(5, 0)).await;
}

fn full(ready: u64, unacked: u64) -> Result<Depth, Error> {
    Ok(Depth { ready, unacked: Some(unacked) })
}

pub(crate) async fn a_purge_removes_what_waits(rig: Rig) {
    let broker = rig.ready().await;
    broker.publish(batch(&rig.offers(), 0..7)).await.unwrap();
    until("seven wait", async || broker.depth(&rig.offers()).await.unwrap().ready == 7).await;
    assert_eq!(broker.purge(&rig.offers()).await.unwrap(), 7);
    until("none waits", async || broker.depth(&rig.offers()).await.unwrap().ready == 0).await;
}

pub(crate) async fn a_missing_queue_is_named(rig: Rig) {
    let broker = rig.ready().await;
    let missing = rig.names.offers("a", "missing");
    let mut messages = batch(&rig.offers(), 0..3);
    messages.insert(1, Publish { to: missing.clone(), message: message(9) });
    let error = broker.publish(messages).await.unwrap_err();
    assert_eq!(error.unconfirmed, [1]);
    assert_eq!(error.reason, Error::NoSuchQueue { queue: missing.queue.clone() });
    assert!(error.to_string().contains(&missing.queue), "{error}");
    assert_eq!(broker.depth(&missing).await.unwrap_err(), error.reason);
    // The others are there, and the connection still works.
    until("three wait", async || broker.depth(&rig.offers()).await.unwrap().ready == 3).await;
    broker.publish(batch(&rig.offers(), 3..4)).await.unwrap();
}

pub(crate) async fn applying_twice_changes_nothing(rig: Rig) {
    let broker = rig.ready().await;
    broker.publish(batch(&rig.offers(), 0..2)).await.unwrap();
    let again = build::agent(&rig.names, "a", ["q", "r"], QueueKind::Quorum);
    broker.apply(&again).await.unwrap();
    broker.apply(&again).await.unwrap();
    until("two wait", async || broker.depth(&rig.offers()).await.unwrap().ready == 2).await;
    broker.publish(batch(&rig.names.offers("a", "r"), 0..1)).await.unwrap();
}

pub(crate) async fn a_deleted_queue_is_gone(rig: Rig) {
    let broker = rig.ready().await;
    broker.publish(batch(&rig.offers(), 0..2)).await.unwrap();
    broker.delete_queue(&rig.offers()).await.unwrap();
    broker.delete_queue(&rig.offers()).await.unwrap();
    let error = broker.publish(batch(&rig.offers(), 0..1)).await.unwrap_err();
    assert_eq!(error.reason, Error::NoSuchQueue { queue: rig.offers().queue });
}

pub(crate) async fn a_broadcast_reaches_every_subscriber(rig: Rig) {
    let (one, two) = (rig.connect().await, rig.connect().await);
    let topic = rig.names.wake();
    one.apply(&build::control_plane(&rig.names, [])).await.unwrap();
    let (mut first, mut second) = (one.subscribe(&topic).await, two.subscribe(&topic).await);
    // A subscription begins at some moment: send until both have heard.
    let (mut heard_first, mut heard_second) = (false, false);
    until("both have heard", async || {
        one.broadcast(&topic, message(1)).await.unwrap();
        let limit = Duration::from_millis(100);
        heard_first |= tokio::time::timeout(limit, first.next()).await.is_ok();
        heard_second |= tokio::time::timeout(limit, second.next()).await.is_ok();
        heard_first && heard_second
    })
    .await;
    // Nobody listening is fine.
    one.broadcast(&rig.names.marker("nobody"), message(2)).await.unwrap();
}

pub(crate) async fn a_marker_is_there_once_it_was_put(rig: Rig) {
    let broker = rig.connect().await;
    assert!(!broker.marker_exists("m1").await.unwrap());
    broker.put_marker("m1").await.unwrap();
    broker.put_marker("m1").await.unwrap();
    assert!(broker.marker_exists("m1").await.unwrap());
    assert!(!broker.marker_exists("m2").await.unwrap());
}

pub(crate) async fn messages_of_an_agent_reach_the_control_plane(rig: Rig) {
    let broker = rig.ready().await;
    let control = Topology::default().with_queue(&rig.names.control("a", "r1"), QueueKind::Classic);
    let agent = rig.connect().await;
    agent.apply(&control).await.unwrap();
    let out = rig.names.out("a");
    agent.publish(batch(&out, 0..1)).await.unwrap();
    let mut reports = broker.consume(&out, 8).await;
    let report = next(&mut reports).await;
    assert_eq!(number(&report), 0);
    report.ack().await.unwrap();
    let mut receipts = agent.consume(&rig.names.control("a", "r1"), 8).await;
    until("the replica listens", async || {
        broker.publish(batch(&rig.names.control("a", "r1"), 1..2)).await.is_ok()
    })
    .await;
    let receipt = tokio::time::timeout(PATIENCE, receipts.next()).await.unwrap().unwrap();
    assert_eq!(number(&receipt), 1);
}

pub(crate) async fn what_is_there_is_surveyed(rig: Rig) {
    let broker = rig.connect().await;
    let wanted = build::control_plane(&rig.names, []).with(build::agent(
        &rig.names,
        "a",
        ["q", "r"],
        QueueKind::Quorum,
    ));
    let differences = async |wanted: &Topology| {
        let survey = broker.survey(wanted).await.unwrap();
        assert_eq!(survey.unseen, None);
        plan(&rig.names, wanted, &survey.found, &Scope::Everything)
    };
    let missing = differences(&wanted).await;
    let is_missing = |change: &Change| matches!(change, Change::Make { .. });
    assert!(missing.iter().filter(|change| is_missing(change)).count() >= 3, "{missing:?}");
    assert!(missing.iter().all(is_missing), "{missing:?}");

    broker.apply(&wanted).await.unwrap();
    // What running replicas declare, and what is somebody else's, is nobody's difference.
    broker.apply(&build::control_queue(&rig.names, "a", "r1")).await.unwrap();
    broker.apply(&build::reply_queue(&rig.names, "a", "api-1")).await.unwrap();
    broker.put_marker("m").await.unwrap();
    let stranger = Address::foreign(format!("{}-stranger", rig.names.prefix));
    broker.apply(&Topology::default().with_queue(&stranger, QueueKind::Classic)).await.unwrap();
    broker.publish(batch(&rig.offers(), 0..3)).await.unwrap();
    assert_eq!(differences(&wanted).await, []);

    let fewer =
        build::control_plane(&rig.names, []).with(build::agent(&rig.names, "a", ["r"], QueueKind::Quorum));
    let unwanted = Change::Unwanted { kind: Kind::Queue, name: rig.offers().queue };
    assert_eq!(differences(&fewer).await, [unwanted]);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_rabbitmq_other_properties_are_shown_and_refused() {
    let rig = Rig::rabbitmq();
    let broker = rig.ready().await;
    let other = build::agent(&rig.names, "a", ["q"], QueueKind::Classic);
    let survey = broker.survey(&other).await.unwrap();
    let differs = |property: &str, found: &str, wanted: Option<&str>| Change::Differs {
        kind: Kind::Queue,
        name: rig.offers().queue,
        property: property.to_owned(),
        found: Some(found.to_owned()),
        wanted: wanted.map(str::to_owned),
    };
    let differences =
        [differs("x-delivery-limit", "2147483647", None), differs("x-queue-type", "quorum", Some("classic"))];
    assert_eq!(plan(&rig.names, &other, &survey.found, &Scope::Everything), differences);
    let refused = broker.apply(&other).await.unwrap_err();
    assert!(matches!(&refused, Error::Conflict { name, .. } if *name == rig.offers().queue), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_rabbitmq_a_policy_bounds_our_queues_and_those_of_others_are_told_by_name() {
    let rig = Rig::rabbitmq();
    let topology = build::agent(&rig.names, "a", ["q"], QueueKind::Quorum);
    let wanted = topology.clone().with_policy(policies::limit(&rig.names, 4096));
    let broker = rig.ready().await;
    let changes = async |wanted: &Topology| {
        let survey = broker.survey(wanted).await.unwrap();
        assert_eq!(survey.unseen, None);
        plan(&rig.names, wanted, &survey.found, &Scope::Everything)
    };
    let policy = format!("{}.limit", rig.names.prefix);
    assert_eq!(changes(&wanted).await, [Change::Make { kind: Kind::Policy, name: policy.clone() }]);
    broker.apply(&wanted).await.unwrap();
    broker.apply(&wanted).await.unwrap();
    assert_eq!(changes(&wanted).await, []);
    assert_eq!(changes(&topology).await, [Change::Unwanted { kind: Kind::Policy, name: policy }]);

    // Who publishes more is refused, which can be tried again; nothing that was confirmed is dropped.
    let mut confirmed = 0;
    let big = |number| Message::json(format!("{{\"number\": {number}, \"text\": \"{}\"}}", "x".repeat(1024)));
    let refusal = loop {
        let batch = vec![Publish { to: rig.offers(), message: big(confirmed) }];
        match broker.publish(batch).await {
            Ok(()) => confirmed += 1,
            Err(error) => break error,
        }
        assert!(confirmed < 1000, "nothing bounds the queue");
    };
    assert!(refusal.is_transient() && refusal.to_string().contains("its queue is full"), "{refusal}");
    let mut consumer = broker.consume(&rig.offers(), 1000).await;
    for expected in 0..confirmed {
        let delivery = next(&mut consumer).await;
        assert_eq!(number(&delivery), expected);
        delivery.ack().await.unwrap();
    }
    drop(consumer);

    // Of others: theirs holds, since its priority is greater, and an operator's holds beside any.
    let server = shared_rabbitmq();
    let (theirs, operators) = (format!("{}-theirs", rig.names.prefix), format!("{}-op", rig.names.prefix));
    let pattern = format!("^{}\\.a\\.(run|out)", rig.names.prefix);
    let definition = r#"{"message-ttl": 60000, "max-length": 5}"#;
    let set = ["set_policy", "--priority", "9", "--apply-to", "queues", &theirs, &pattern, definition];
    tokio::task::block_in_place(|| server.ctl(&set));
    let run = format!("^{}\\.a\\.run", rig.names.prefix);
    let definition = r#"{"delivery-limit": 7}"#;
    let set = ["set_operator_policy", "--apply-to", "queues", &operators, &run, definition];
    tokio::task::block_in_place(|| server.ctl(&set));
    let alters = |policy: &str, queue: String, property: &str, found: &str| Change::Alters {
        kind: Kind::Policy,
        name: format!("{policy} -> {queue}"),
        property: property.to_owned(),
        found: Some(found.to_owned()),
    };
    let (out, run) = (rig.names.out("a").queue, rig.offers().queue);
    let told = [
        alters(&theirs, out.clone(), "max-length", "5"),
        alters(&theirs, out, "message-ttl", "60000"),
        alters(&operators, run.clone(), "delivery-limit", "7"),
        alters(&theirs, run.clone(), "max-length", "5"),
        alters(&theirs, run, "message-ttl", "60000"),
    ];
    until("RabbitMQ applies them", async || changes(&wanted).await == told).await;
    broker.apply(&wanted).await.unwrap();
    assert_eq!(changes(&wanted).await, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_rabbitmq_without_its_management_api_the_rest_works() {
    for management in ["off", "http://127.0.0.1:1"] {
        let rig = Rig { management: Some(management.to_owned()), ..Rig::rabbitmq() };
        let broker = rig.ready().await;
        broker.publish(batch(&rig.offers(), 0..2)).await.unwrap();
        until("two wait", async || {
            broker.depth(&rig.offers()).await == Ok(Depth { ready: 2, unacked: None })
        })
        .await;
        let wanted = build::agent(&rig.names, "a", ["q", "r"], QueueKind::Quorum);
        let survey = broker.survey(&wanted).await.unwrap();
        assert!(survey.unseen.is_some_and(|unseen| unseen.contains("management API")));
        let missing = Change::Make { kind: Kind::Queue, name: rig.names.offers("a", "r").queue };
        assert_eq!(plan(&rig.names, &wanted, &survey.found, &Scope::Everything), [missing]);
        let password = PasswordHashes::of("secret", *b"salt");
        let user = AgentUser { agent: "a".to_owned(), slot: Slot::First, password };
        let refused = broker.apply(&wanted.with_user(&rig.names, user)).await.unwrap_err();
        let name = rights::agent_user(&rig.names, "a", Slot::First);
        assert!(matches!(&refused, Error::User { user, .. } if *user == name), "{refused}");
    }
}

/// A management API that says it is of this version, and knows nothing else.
fn management_of(version: &'static str) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let body = format!("{{\"rabbitmq_version\": \"{version}\"}}");
            let length = body.len();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            // Who has gone needs no answer.
            let request = BufReader::new(&client).lines().map_while(Result::ok);
            request.take_while(|line| !line.is_empty()).for_each(drop);
            client.write_all((head + &body).as_bytes()).ok();
        }
    });
    format!("http://127.0.0.1:{port}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rabbitmq_that_is_too_old_is_refused_by_name_and_a_newer_one_is_taken() {
    let rig = Rig { management: Some(management_of("3.9.29")), ..Rig::rabbitmq() };
    let broker = Broker::connect(rig.settings().unwrap()).unwrap();
    let why = "RabbitMQ 3.9.29 is too old: Berth works with 3.10 and later";
    let refused = |state: &Connection| {
        !state.up && state.last_error.as_deref().is_some_and(|error| error.starts_with(why))
    };
    let mut connection = broker.connection();
    tokio::time::timeout(PATIENCE, connection.wait_for(refused)).await.unwrap().unwrap();
    let generation = connection.borrow().generation;
    // It is asked before the next try, so that nobody is let in for a moment again.
    assert!(
        tokio::time::timeout(Duration::from_secs(2), connection.wait_for(|state| state.up)).await.is_err()
    );
    assert_eq!(connection.borrow().generation, generation);
    broker.close().await;

    let rig = Rig { management: Some(management_of("5.1.0")), ..Rig::rabbitmq() };
    rig.ready().await.publish(batch(&rig.offers(), 0..1)).await.unwrap();
}

/// Servers need a moment between the two: RabbitMQ 3.10 loses a consumer to a queue that comes back at once.
#[tokio::test(flavor = "multi_thread")]
async fn in_process_a_consumer_goes_on_with_a_queue_that_is_declared_anew() {
    let rig = Rig::memory();
    let broker = rig.ready().await;
    let mut consumer = broker.consume(&rig.offers(), 2).await;
    broker.publish(batch(&rig.offers(), 0..1)).await.unwrap();
    next(&mut consumer).await.ack().await.unwrap();
    broker.delete_queue(&rig.offers()).await.unwrap();
    broker.apply(&build::agent(&rig.names, "a", ["q"], QueueKind::Quorum)).await.unwrap();
    broker.publish(batch(&rig.offers(), 7..8)).await.unwrap();
    assert_eq!(number(&next(&mut consumer).await), 7);
}

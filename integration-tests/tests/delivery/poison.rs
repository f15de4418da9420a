//! Messages on an agent's queue that are no offers: each kind is set aside with its reason, beside healthy offers, costs
//! little, and can be replayed or dropped.

use std::time::Duration;

use berth_broker::offer::{self, Offer};
use berth_broker::{Broker, Message, Publish, Settings};
use berth_broker_config::Names;
use berth_integration_tests::{Backing, BrokerServer, Installation, Journal, shell};
use berth_test_servers::eventually;
use serde_json::value::RawValue;
use serde_json::{Value, json};

super::on_both_brokers!(every_kind_of_poison_is_set_aside_with_its_reason_and_harms_nobody);

const LONG: Duration = Duration::from_secs(120);
/// The largest that is tried: RabbitMQ takes 128 MiB at most.
const HUGE: usize = 100 * 1024 * 1024;
/// What is said of it: on RabbitMQ of its body, on Redis of a message that is not even fetched.
const TOO_LONG: &str = "at most 8388608 are allowed";
/// Runs before the poison, and as many after it.
const HEALTHY: usize = 20;
/// What an agent may need to hold one such message, in KiB: what its transport makes of it, three times, and nothing for
/// what it tells of it.
const AGENT_KIB: usize = 4 * HUGE / 1024;
/// What a scheduler may need that hears of it.
const SCHEDULER_KIB: usize = 64 * 1024;

/// A healthy offer with something changed.
fn offer_with(change: impl FnOnce(&mut Message)) -> Message {
    let mut message = offer::encode(&Offer {
        run: uuid::Uuid::now_v7(),
        attempt: 0,
        agent: "local".to_owned(),
        queue: "default".to_owned(),
        owner: "default".to_owned(),
        project: "default".to_owned(),
        name: None,
        operation: RawValue::from_string("{}".to_owned()).unwrap(),
        spec_hash: "h".to_owned(),
        hard_limit: None,
        soft_limit: None,
        eta: None,
        expires: None,
        root_id: None,
        parent_id: None,
        needs: Vec::new(),
        trace: None,
    });
    change(&mut message);
    message
}

fn with_header(name: &str, value: Value) -> Message {
    offer_with(|message| drop(message.headers.insert(name.to_owned(), value)))
}

fn with_body(body: impl Into<Vec<u8>>) -> Message {
    offer_with(|message| message.body = body.into().into())
}

/// A message of each kind, and what its letter says.
fn kinds() -> Vec<(Message, &'static str)> {
    let pickled = offer_with(|message| {
        message.properties.content_type = Some("application/x-python-serialize".to_owned());
    });
    vec![
        (with_body("not a task"), "the body is not JSON: expected ident"),
        (Message::json("{}"), "`task` is missing or null"),
        (pickled, "the content type is `application/x-python-serialize`, only application/json is accepted"),
        (
            with_header("task", json!("billing.charge")),
            "the task is `billing.charge`, an offer is `berth.run`",
        ),
        (with_header("retries", json!("many")), "`retries` is `many`"),
        (
            with_body(r#"[[], {"agent": 7}, {}]"#),
            "the offer's arguments are wrong: invalid type: integer `7`",
        ),
        (with_body("[[], {}]"), "`body` is a list"),
        (with_body(vec![b' '; HUGE]), TOO_LONG),
        (
            with_body(format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))),
            "the body is not JSON: recursion limit",
        ),
        (with_header("berth-version", json!(99)), "the offer's version is 99, this release reads up to 1"),
        (
            with_header("berth-needs", json!(["teleport"])),
            "the offer needs `teleport`, which this release doesn't know",
        ),
    ]
}

async fn every_kind_of_poison_is_set_aside_with_its_reason_and_harms_nobody(backing: Backing) {
    let mut installation = Installation::start(backing).await;
    let client = installation.client.clone();
    let mut settings = Settings::new(&installation.broker.url_through(installation.broker.port())).unwrap();
    settings.answer_timeout = LONG;
    let broker = Broker::connect(settings).unwrap();
    let offers = Names::default().offers("local", "default");
    let journal = Journal::new(&installation.folder, "journal");
    let healthy = vec![shell(&journal.around("true")); HEALTHY];
    client.submit_all("default", &healthy).await;
    client.wait_for_all("default", HEALTHY as u64, "succeeded", LONG).await;
    let before: Vec<_> = installation.roles.iter().map(|role| (role.pid(), role.resident_kib())).collect();

    let (messages, mut reasons): (Vec<Message>, Vec<&str>) = kinds().into_iter().unzip();
    let batch = messages.into_iter().map(|message| Publish { to: offers.clone(), message }).collect();
    broker.publish(batch).await.unwrap();
    if let BrokerServer::Redis(server) = &installation.broker {
        // There, a message need not even be one.
        server.command(&["LPUSH", &offers.queue, "neither message nor JSON"]);
        reasons.push("the content type is `application/octet-stream`");
    }
    client.submit_all("default", &healthy).await;
    client.wait_for_all("default", 2 * HEALTHY as u64, "succeeded", LONG).await;

    let letters = || installation.answered(&["queues", "dead", "ls"]).as_array().cloned().unwrap_or_default();
    let seen = |times: &dyn Fn(&Value) -> u64| {
        let all = eventually(LONG, || {
            let letters = letters();
            letters.len() == reasons.len() && letters.iter().all(|letter| letter["times"] == times(letter))
        });
        assert!(all, "{:#?}", letters());
    };
    seen(&|_| 1);
    for reason in &reasons {
        let of_it: Vec<Value> = letters()
            .into_iter()
            .filter(|letter| letter["message"].as_str().is_some_and(|message| message.contains(reason)))
            .collect();
        assert_eq!(of_it.len(), 1, "{reason}: {:#?}", letters());
        assert_eq!((&of_it[0]["reason"], &of_it[0]["queue"]), (&json!("undecodable"), &json!("default")));
        assert_eq!(of_it[0]["is_cut"], json!(*reason == TOO_LONG), "{reason}");
    }
    // All of it was dealt with once: nothing was held, given back, or died of.
    assert_eq!(broker.depth(&offers).await.unwrap().ready, 0);
    for (role, (pid, resident)) in installation.roles.iter().zip(&before) {
        assert_eq!(role.pid(), *pid);
        let most = if role.name().starts_with("agent") { AGENT_KIB } else { SCHEDULER_KIB };
        let grown = role.peak_kib().saturating_sub(*resident);
        assert!(grown <= most, "{} took {grown} KiB more for a message of {} KiB", role.name(), HUGE / 1024);
    }

    // What persists comes back as the same letter; what is too long to be kept can't be sent again, and says so.
    let replayed = installation.answered(&["queues", "dead", "replay", "-q", "agent:local", "--yes"]);
    assert_eq!((&replayed["done"], &replayed["kept"]), (&json!(reasons.len() - 1), &json!(1)), "{replayed}");
    assert!(replayed.to_string().contains("only its beginning was kept"), "{replayed}");
    seen(&|letter| if letter["is_cut"] == true { 1 } else { 2 });
    let dropped = installation.answered(&["queues", "dead", "drop", "--all", "--yes"]);
    assert_eq!(dropped["done"], json!(reasons.len()));
    assert_eq!(letters(), [] as [Value; 0]);
    assert_eq!(journal.started_twice(), [] as [&str; 0]);
    assert!(installation.roles.iter_mut().all(|role| role.is_running()));
    broker.close().await;
}

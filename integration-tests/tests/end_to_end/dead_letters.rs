//! What is set aside, end to end and by the command line: a message that no agent can read.

use std::time::Duration;

use berth_broker::{Broker, Message, Publish, Settings};
use berth_broker_config::Names;
use berth_integration_tests::{Backing, Installation, shell};
use berth_test_servers::eventually;
use serde_json::json;

const LONG: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_no_agent_can_read_is_the_same_letter_however_often_it_is_replayed() {
    let installation = Installation::start(Backing::Redis).await;
    let url = installation.broker.url_through(installation.broker.port());
    let broker = Broker::connect(Settings::new(&url).unwrap()).unwrap();
    let to = Names::default().offers("local", "default");
    installation.client.submit("default", &shell("true")).await;
    installation.client.wait_for_all("default", 1, "succeeded", LONG).await;
    broker.publish(vec![Publish { to, message: Message::json("not a task") }]).await.unwrap();
    let seen = |times: u64| {
        eventually(LONG, || {
            let letters = installation.answered(&["queues", "dead", "ls"]);
            letters[0]["reason"] == "undecodable" && letters[0]["times"] == times
        })
    };
    assert!(seen(1));
    let uuid = installation.answered(&["queues", "dead", "ls"])[0]["uuid"].clone();
    let shown = installation.answered(&["queues", "dead", "get", uuid.as_str().unwrap()]);
    assert_eq!((&shown["raw"], &shown["queue"]), (&json!("bm90IGEgdGFzaw=="), &json!("default")));
    let unasked = installation.berth(&["queues", "dead", "replay", "-q", "agent:local"]);
    assert_eq!(unasked.status.code(), Some(2), "nobody is here to be asked: {unasked:?}");
    let preview = installation.answered(&["queues", "dead", "replay", "-q", "agent:local", "--preview"]);
    assert_eq!((&preview["count"], &preview["sample"][0]["uuid"]), (&json!(1), &uuid));
    let replayed = installation.answered(&["queues", "dead", "replay", "-q", "agent:local", "--yes"]);
    assert_eq!(replayed["done"], 1);
    assert!(seen(2), "the cause persists");
    let letters = installation.answered(&["queues", "dead", "ls"]);
    assert_eq!((letters.as_array().unwrap().len(), &letters[0]["uuid"]), (1, &uuid));
    let dropped = installation.answered(&["queues", "dead", "drop", "--all", "--yes"]);
    assert_eq!(dropped["done"], 1);
    assert_eq!(installation.answered(&["queues", "dead", "ls"]), json!([]));
    broker.close().await;
}

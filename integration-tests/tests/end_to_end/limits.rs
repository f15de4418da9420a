//! Promise 6: limits hold exactly, measured in the runs themselves; and the broker holds a window, not the backlog.

use std::time::Duration;

use berth_broker_config::Names;
use berth_integration_tests::{Backing, Installation, Journal, shell};
use berth_test_servers::effort;
use serde_json::json;

super::on_all_three!(a_queue_of_five_never_runs_six, two_queues_of_a_project_of_one_never_run_two,);

const LONG: Duration = Duration::from_secs(300);

async fn a_queue_of_five_never_runs_six(backing: Backing) {
    let installation = Installation::start_with(backing, 3).await;
    let client = &installation.client;
    let five = json!({"concurrency": 5});
    client.call("PATCH", "/api/v1/orgs/default/agents/local/queues/default", Some(&five)).await;
    let journal = Journal::new(&installation.folder, "journal");
    client.submit_all("default", &vec![shell(&journal.around("sleep 0.05")); 150]).await;
    client.wait_for_all("default", 150, "succeeded", LONG).await;
    assert_eq!(journal.starts().len(), 150);
    assert!(journal.peak() <= 5, "{} ran at a time", journal.peak());
}

async fn two_queues_of_a_project_of_one_never_run_two(backing: Backing) {
    let installation = Installation::start(backing).await;
    let client = &installation.client;
    let project = json!({"name": "narrow", "concurrency": 1});
    client.call("POST", "/api/v1/default/projects/create", Some(&project)).await;
    for queue in ["left", "right"] {
        let queue = json!({"name": queue});
        client.call("POST", "/api/v1/orgs/default/agents/local/queues", Some(&queue)).await;
    }
    let journal = Journal::new(&installation.folder, "journal");
    let mut operations = Vec::new();
    for n in 0..40 {
        let mut operation = shell(&journal.around("sleep 0.05"));
        operation["queue"] = json!(if n % 2 == 0 { "local/left" } else { "local/right" });
        operations.push(operation);
    }
    client.submit_all("narrow", &operations).await;
    client.wait_for_all("narrow", 40, "succeeded", LONG).await;
    assert_eq!((journal.starts().len(), journal.peak()), (40, 1));
}

/// Several windows of runs; in `make chaos` 50,000. The depth of the broker's queue is asked for directly, past everything of ours.
async fn the_broker_holds_no_more_than_the_window(backing: Backing) {
    let mut installation = Installation::start(backing).await;
    let url = installation
        .settings()
        .iter()
        .find(|(key, _)| *key == "BERTH_BROKER_URL")
        .map(|(_, value)| value.clone())
        .unwrap();
    let settings = berth_broker::Settings::new(&url).unwrap();
    let broker = berth_broker::Broker::connect(settings).unwrap();
    let offers = Names::default().offers("local", "default");
    let client = installation.client.clone();
    let runs = effort("BERTH_TEST_RUNS", 4_000);
    let operations = vec![shell("true"); runs];
    let depth = async || {
        let depth = broker.depth(&offers).await.map(|depth| depth.ready + depth.unacked.unwrap_or(0));
        tokio::time::sleep(Duration::from_millis(50)).await;
        depth.unwrap_or(0)
    };
    // Once the agents have shown that they take runs, nobody takes anything: what is on the broker is all that the schedulers
    // put there, for as long as the agents' leases last.
    client.submit_all("default", &[shell("true")]).await;
    client.wait_for_all("default", 1, "succeeded", LONG).await;
    for agent in installation.roles_of("agent") {
        agent.signal("STOP");
    }
    let most = u64::from(berth_domain::scheduling::MAX_WINDOW);
    let mut peak = 0;
    let tasks = tokio_util::task::TaskTracker::new();
    let submit = tasks.spawn(async move { client.submit_all("default", &operations).await });
    let since = tokio::time::Instant::now();
    while !submit.is_finished() || peak == 0 {
        peak = peak.max(depth().await);
        assert!(since.elapsed() < LONG, "nothing was offered");
    }
    submit.await.unwrap();
    for agent in installation.roles_of("agent") {
        agent.signal("CONT");
    }
    // The faster they are handed over, the more are kept ready.
    let third = tasks.spawn({
        let client = installation.client.clone();
        async move { client.wait_for_all("default", runs as u64 / 3, "succeeded", LONG).await }
    });
    while !third.is_finished() {
        peak = peak.max(depth().await);
    }
    third.await.unwrap();
    assert!(peak <= most, "{peak} offers were on the broker, and {most} may be");
    broker.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_holds_no_more_than_the_window() {
    the_broker_holds_no_more_than_the_window(Backing::RabbitMq).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_holds_no_more_than_the_window() {
    the_broker_holds_no_more_than_the_window(Backing::Redis).await;
}

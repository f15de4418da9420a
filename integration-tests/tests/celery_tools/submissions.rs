//! A stock Celery application submits runs and gets every result, whatever dies meanwhile.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use berth_broker::celery::task::{self, Task};
use berth_broker::{Broker, Message, Publish, Settings};
use berth_broker_config::{Names, build};
use berth_domain::lifecycle::{DispatchState, RetryPolicy};
use berth_domain::time::Clock;
use berth_integration_tests::{Backing, Installation, shell, stock};
use berth_store::{Audit, NewProject, NewRun, Options, Store};
use berth_test_servers::effort;
use serde_json::{Value, json};

use crate::tools::LONG;

super::on_both_brokers!(every_submitted_task_gets_its_result_though_everything_is_killed_in_turn);

/// How many runs are submitted, as many of each of the five kinds; in `make chaos` 500.
const COUNT: usize = 150;

/// A run that no account of these tests may touch.
async fn run_of_another_organization(installation: &Installation) -> uuid::Uuid {
    let url = installation.settings().iter().find(|(key, _)| *key == "BERTH_DATABASE_URL").unwrap().1.clone();
    let store = Store::connect(&url, Options::default()).await.unwrap();
    let by = Audit::new("tester", "test", Clock::system().now());
    let project = NewProject { owner: "acme".to_owned(), name: "theirs".to_owned(), ..NewProject::default() };
    let project = store.create_project(project, &by).await.unwrap();
    let run = NewRun::job("acme", project.id, DispatchState::new(RetryPolicy::default()));
    let id = store.create_run(run, &by).await.unwrap();
    store.close().await;
    id.uuid()
}

/// Puts messages before all others that are no tasks; how many.
async fn poison_the_queue(url: &str) -> usize {
    let names = Names::default();
    let broker = Broker::connect(Settings::new(url).unwrap()).unwrap();
    assert!(broker.connected(LONG).await);
    broker.apply(&build::control_plane(&names, ["ci"])).await.unwrap();
    let two_items = {
        let task = Task { name: "berth.submit".to_owned(), id: "x".to_owned(), ..Task::default() };
        Message { body: "[[], {}]".into(), ..task::encode(&task) }
    };
    let poison = [
        Message::json("not a task"),
        Message::json("{}"),
        two_items,
        Message::json(format!("{}1{}", "[".repeat(500), "]".repeat(500))),
    ];
    let count = poison.len();
    let to = names.submit("ci");
    broker.publish(poison.map(|message| Publish { to: to.clone(), message }).into()).await.unwrap();
    broker.close().await;
    count
}

async fn every_submitted_task_gets_its_result_though_everything_is_killed_in_turn(backing: Backing) {
    let count = effort("BERTH_TEST_RUNS", COUNT) as u64;
    let mut installation = Installation::start(backing).await;
    for scheduler in installation.roles_of("scheduler") {
        scheduler.set("BERTH_CELERY_SUBMITTERS", "ci");
        scheduler.restart();
    }
    installation.until_ready().await;
    let client = installation.client.clone();
    let foreign = run_of_another_organization(&installation).await;

    let url = installation.broker.url_through(installation.broker.port());
    let poison = poison_the_queue(&url).await;
    let results = if backing == Backing::RabbitMq { "rpc://" } else { &url };
    let mut command = tokio::process::Command::from({
        let mut command = Command::new(stock("python"));
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python/celery_client.py"));
        command.args([&url, results, &count.to_string(), &foreign.to_string()]);
        command.env("PYTHONWARNINGS", "ignore");
        command
    });
    let log = installation.folder.join("client.log");
    let output = std::fs::File::create(&log).unwrap();
    command.kill_on_drop(true).stdout(output.try_clone().unwrap()).stderr(output);
    let mut client_process = command.spawn().unwrap();
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    let killing = async {
        loop {
            for role in ["scheduler-1", "agent-1", "api-1", "scheduler-2", "agent-2", "api-2"] {
                // The pace at which things die is the story's.
                tokio::time::sleep(Duration::from_secs(2)).await;
                installation.role(role).restart();
            }
        }
    };
    let ended = tokio::select! {
        ended = tokio::time::timeout(3 * LONG, client_process.wait()) => ended,
        () = killing => unreachable!(),
    };
    let Ok(ended) = ended else {
        panic!("the client waits for results: {:?}\n{}", client.census("default").await, said());
    };
    let ended = ended.unwrap();
    assert!(ended.success(), "{}", said());
    let said = said();
    let told: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    let each = count / 5;
    for kind in ["plain", "countdown", "priority", "links"] {
        assert_eq!(told["outcomes"][kind], json!({"value None SUCCESS": each}), "{kind}: {told:#}");
    }
    let failed = "RunFailed ('ExitCode', 'Exited with 3') FAILURE";
    assert_eq!(told["outcomes"]["fails"], json!({ failed: each }), "{told:#}");
    let one = |kind: &str| told["outcomes"][kind].as_object().unwrap().keys().next().unwrap().clone();
    assert!(one("wrong").starts_with("ValueError ('owner: `somebody` is not the organization"), "{told:#}");
    assert_eq!(one("taken"), format!("ValueError ('the task id {foreign} is taken',)"));
    assert!(
        one("chained").starts_with("ValueError (\"chain: a submission can't be part of a chain"),
        "{told:#}"
    );
    if backing == Backing::Redis {
        assert_eq!(one("late"), "revoked expired");
        assert_eq!(told["forgotten"], "PENDING");
    }
    // Each link was called at least once, with the result or with the id of what failed.
    for link in ["done True client.done", "failed True client.failed"] {
        assert!(told["links"][link].as_u64().is_some_and(|count| count >= each), "{link}: {told:#}");
    }
    let letters = installation.answered(&["queues", "dead", "ls"]);
    let letters = letters.as_array().unwrap();
    assert_eq!(letters.len(), poison, "{letters:#?}");
    assert!(letters.iter().all(|letter| letter["reason"] == "unreadable"), "{letters:#?}");
    let waiting = client.submit("default", &shell("true")).await;
    client.wait_for("default", &waiting, "succeeded", LONG).await;
    let ended = client.census("default").await;
    assert_eq!(
        ended["succeeded"],
        4 * each + 1,
        "nothing was executed twice, and nothing is left: {ended:?}"
    );
}

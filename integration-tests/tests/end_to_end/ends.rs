//! How attempts end: status, reason, failure class and exit code, as documented; and retries with back-off.

use std::time::Duration;

use berth_integration_tests::{Backing, Installation, Journal, job, shell};
use serde_json::{Value, json};
use tokio::time::Instant;

super::on_all_three!(
    every_end_has_its_reason_class_and_exit_code,
    what_the_agent_cant_do_is_refused_when_it_is_submitted,
    a_failure_is_retried_as_often_as_was_said,
);

const LONG: Duration = Duration::from_secs(120);

/// What is run, and the status, reason, failure class and exit code that it ends with.
fn table() -> Vec<(Value, &'static str, &'static str, Value, Value)> {
    let command = |words: Value| job(json!({"command": words}), json!({}));
    let mut slow = shell("sleep 1000");
    slow["termination"] = json!({"timeout": 1});
    let mut stubborn = shell("trap '' TERM; while true; do sleep 0.1; done");
    stubborn["termination"] = json!({"timeout": 1});
    let relative = json!({"command": ["true"], "workingDir": "here"});
    vec![
        (shell("exit 0"), "succeeded", "Completed", Value::Null, json!(0)),
        (shell("exit 3"), "failed", "ExitCode", json!("user"), json!(3)),
        (shell("kill -9 $$$$"), "failed", "Signal(9)", json!("user"), json!(137)),
        (shell("kill -15 $$$$"), "failed", "Signal(15)", json!("user"), json!(143)),
        (shell("no-such-command-anywhere"), "failed", "CommandNotFound", json!("user"), json!(127)),
        (
            command(json!(["no-such-command-anywhere"])),
            "failed",
            "CommandNotFound",
            json!("user"),
            json!(127),
        ),
        (command(json!(["/etc/hostname"])), "failed", "CommandNotExecutable", json!("user"), json!(126)),
        (slow, "failed", "Timeout", json!("timeout"), Value::Null),
        (stubborn, "failed", "Timeout", json!("timeout"), Value::Null),
        (job(relative, json!({})), "failed", "Unsupported", json!("config"), Value::Null),
    ]
}

async fn every_end_has_its_reason_class_and_exit_code(backing: Backing) {
    let installation = Installation::start(backing).await;
    let client = &installation.client;
    let mut runs = Vec::new();
    for (operation, ..) in table() {
        runs.push(client.submit("default", &operation).await);
    }
    for (run, (operation, status, reason, class, exit_code)) in runs.iter().zip(table()) {
        client.wait_for("default", run, status, LONG).await;
        let conditions = client.conditions("default", run).await;
        let last = conditions.last().unwrap();
        assert_eq!(last["type"], json!(status), "{operation}: {conditions:#?}");
        assert_eq!(last["reason"], json!(reason), "{operation}: {conditions:#?}");
        let end = &client.run("default", run).await["end"];
        assert_eq!(end["failure_class"], class, "{operation}: {end}");
        if !exit_code.is_null() {
            assert_eq!(end["exit_code"], exit_code, "{operation}: {end}");
        }
    }
}

/// What the only agent can't do is refused at once, by field and feature.
async fn what_the_agent_cant_do_is_refused_when_it_is_submitted(backing: Backing) {
    let installation = Installation::start(backing).await;
    let client = &installation.client;
    let run = client.submit("default", &shell("true")).await;
    client.wait_for("default", &run, "succeeded", LONG).await;
    let mut with_volume = shell("true");
    with_volume["component"]["run"]["volumes"] = json!([{"name": "v", "emptyDir": {}}]);
    let mut service = shell("sleep 1000");
    service["component"]["run"]["kind"] = json!("service");
    for (operation, field, feature) in [
        (with_volume, "run.volumes", "volumes"),
        (service, "run.kind", "service"),
        (job(json!({"image": "busybox"}), json!({})), "run.container.command", "image"),
    ] {
        let body = json!({"content": operation.to_string()});
        // What the API knows of agents may be a second old, and may be that this one has no lease yet.
        let deadline = Instant::now() + Duration::from_secs(10);
        let (status, answer) = loop {
            let (status, answer) = client.send("POST", "/api/v1/default/default/runs", Some(&body)).await;
            if status != 201 || Instant::now() > deadline {
                break (status, answer);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        let detail = answer["detail"].as_str().unwrap_or_default();
        assert_eq!(status, 400, "{operation}: {answer}");
        assert!(detail.starts_with(&format!("`{field}`: agent local can't do `{feature}`")), "{detail}");
    }
}

async fn a_failure_is_retried_as_often_as_was_said(backing: Backing) {
    let installation = Installation::start(backing).await;
    let client = &installation.client;
    let journal = Journal::new(&installation.folder, "journal");
    let with_retries = |work: &str| {
        let mut operation = shell(&journal.around(work));
        operation["termination"] = json!({"maxRetries": 2});
        operation
    };
    let heals = client.submit("default", &with_retries("[ $BERTH_ATTEMPT -ge 1 ] || exit 7")).await;
    let never = client.submit("default", &with_retries("exit 7")).await;
    let overridden = |retry: &str| {
        let mut operation = with_retries("exit 7");
        operation["component"]["run"]["environment"] = json!({"annotations": {"berth.dev/retry": retry}});
        operation
    };
    let once = client.submit("default", &overridden("user=1")).await;
    let not_at_all = client.submit("default", &overridden("user=0")).await;
    client.wait_for("default", &heals, "succeeded", LONG).await;
    client.wait_for("default", &once, "failed", LONG).await;
    client.wait_for("default", &not_at_all, "failed", LONG).await;
    client.wait_for("default", &never, "failed", LONG).await;
    let starts = journal.starts();
    let of = |run: &str| {
        starts.iter().filter(|(attempt, _)| attempt.starts_with(run)).map(|(_, n)| *n).sum::<usize>()
    };
    assert_eq!((of(&heals), of(&never)), (2, 3), "{starts:?}");
    assert_eq!((of(&once), of(&not_at_all)), (2, 1), "an override takes the place of maxRetries: {starts:?}");
    let types: Vec<Value> = client
        .conditions("default", &never)
        .await
        .iter()
        .map(|condition| condition["type"].clone())
        .collect();
    assert_eq!(types.iter().filter(|status| **status == json!("retrying")).count(), 2, "{types:?}");
    let said = installation.refused(&["ops", "logs", &once, "-f"]);
    assert!(said.contains("note: retrying: ExitCode: "), "whoever follows is told what is wrong: {said}");
    assert!(said.contains(&format!("berth: run {once} ended as failed: ExitCode: ")), "{said}");
}

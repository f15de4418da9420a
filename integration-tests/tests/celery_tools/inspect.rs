//! `celery status` and `celery inspect`: answers are as a worker's, whoever of the schedulers lives.

use std::process::Command;
use std::time::Duration;

use berth_integration_tests::{Backing, shell, stock};
use berth_test_servers::process::run;
use berth_test_servers::within;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::tools::{Fleet, LONG, celeries};

/// What Celery's own program takes to start and to collect answers, but not what a lease takes to lapse.
const AT_ONCE: Duration = Duration::from_secs(4);

super::on_both_brokers!(every_inspection_is_answered_as_a_workers_would_be);

/// What a real worker answered, by method.
fn captured() -> Map<String, Value> {
    let text = include_str!("answers.json");
    serde_json::from_str(text).unwrap()
}

/// A value's form: objects by their fields, lists by the forms of their items, the rest by its type; null fits all.
fn fits(found: &Value, wanted: &Value, at: &str, wrong: &mut Vec<String>) {
    match (found, wanted) {
        (Value::Null, _) | (_, Value::Null) => {}
        (Value::Object(found), Value::Object(wanted)) => {
            for (field, wanted) in wanted {
                match found.get(field) {
                    Some(found) => fits(found, wanted, &format!("{at}.{field}"), wrong),
                    None => wrong.push(format!("{at}.{field} is missing")),
                }
            }
        }
        (Value::Array(found), Value::Array(wanted)) => {
            if let (Some(found), Some(wanted)) = (found.first(), wanted.first()) {
                fits(found, wanted, &format!("{at}[0]"), wrong);
            }
        }
        (found, wanted) if std::mem::discriminant(found) == std::mem::discriminant(wanted) => {}
        _ => wrong.push(format!("{at} is {found}, a worker's was {wanted}")),
    }
}

/// The answers' forms, as the first node's of the capture. What a worker has under names of its own is taken out.
fn assert_forms(method: &str, answers: &Value) {
    let captured = captured();
    let wanted = captured[&format!("inspect.{method}")].as_object().unwrap().values().next().unwrap().clone();
    let own: &[&str] = match method {
        // By tasks, and what Celery itself leaves open where there is no `resource` module.
        "stats" => &["total", "rusage", "transport_options"],
        // Those by the ids that were asked for; and the settings that its application had changed.
        "query_task" | "conf" => return,
        _ => &[],
    };
    for (node, answer) in answers.as_object().unwrap() {
        let mut wrong = Vec::new();
        fits(answer, &wanted, "", &mut wrong);
        wrong.retain(|wrong| !own.iter().any(|own| wrong.contains(&format!(".{own}"))));
        assert!(wrong.is_empty(), "{method} of {node}: {wrong:?}\n{answer:#}");
    }
}

async fn every_inspection_is_answered_as_a_workers_would_be(backing: Backing) {
    let mut fleet = Fleet::start(backing).await;
    let client = fleet.installation.client.clone();
    let gate = fleet.installation.folder.join("gate");
    let running = client
        .submit("default", &shell(&format!("while [ ! -e {} ]; do sleep 0.1; done", gate.display())))
        .await;
    client.wait_for("default", &running, "running", LONG).await;
    let later = berth_domain::time::Clock::system().now().plus(Duration::from_secs(3_600));
    let body = json!({"content": shell("true").to_string(), "schedule_at": later.to_string()});
    let due = client.call("POST", "/api/v1/default/default/runs", Some(&body)).await;
    let due = due["uuid"].as_str().unwrap().to_owned();
    let stopped = client.submit("default", &shell("sleep 600")).await;
    client.wait_for("default", &stopped, "running", LONG).await;
    client.call("POST", &format!("/api/v1/default/default/runs/{stopped}/stop"), None).await;
    client.wait_for("default", &stopped, "stopped", LONG).await;
    let task = |run: &str| uuid::Uuid::parse_str(run).unwrap().to_string();

    let celery = stock("celery");
    let status = run(Command::new(&celery).args(["-b", &fleet.url, "status", "--timeout", "4"]));
    assert!(status.contains("4 nodes online."), "{status}");

    for python in celeries() {
        let methods = ["ping", "stats", "registered", "active_queues", "conf", "report", "clock"];
        let mut calls: Vec<(&str, &str, Value)> = methods.map(|method| ("inspect", method, json!({}))).into();
        calls.extend(
            ["active", "reserved", "scheduled", "revoked"].map(|method| ("inspect", method, json!({}))),
        );
        calls.push((
            "inspect",
            "query_task",
            json!({"ids": [task(&running), task(&due), task(&stopped), "x"]}),
        ));
        calls.push(("inspect", "hello", json!({"from_node": "w1@elsewhere", "revoked": null})));
        calls.push(("inspect", "memsample", json!({})));
        calls.push(("control", "broadcast", json!({"command": "no_such_cmd"})));
        let answers = fleet.ask(&python, &calls);
        for ((_, method, _), answer) in calls.iter().zip(&answers) {
            assert_eq!(answer.as_object().map(Map::len), Some(4), "{method}: {answer:#}");
            if captured().contains_key(&format!("inspect.{method}")) && *method != "memsample" {
                assert_forms(method, answer);
            }
        }
        let of = |method: &str| &answers[calls.iter().position(|(_, of, _)| *of == method).unwrap()];
        let listed = |method: &str| -> Vec<Value> {
            let lists = of(method).as_object().unwrap().values();
            lists.flat_map(|list| list.as_array().unwrap().clone()).collect()
        };
        assert_eq!(listed("active").len(), 1, "{:#}", of("active"));
        assert_eq!(listed("active")[0]["id"], task(&running));
        assert!(listed("active")[0]["time_start"].is_f64() && listed("active")[0]["acknowledged"] == true);
        assert_eq!(listed("scheduled")[0]["request"]["id"], task(&due));
        assert!(listed("revoked").contains(&json!(task(&stopped))));
        assert!(of("hello").as_object().unwrap().values().all(|hello| hello["revoked"].is_array()));
        let queues: Vec<Value> = listed("active_queues").iter().map(|queue| queue["name"].clone()).collect();
        assert!(queues.contains(&json!("berth.other.run.default")), "{queues:?}");
        let queried: Map<String, Value> = of("query_task")
            .as_object()
            .unwrap()
            .values()
            .flat_map(|tasks| tasks.as_object().unwrap().clone())
            .collect();
        let states: Vec<_> = [&running, &due, &stopped].map(|run| queried[&task(run)][0].clone()).into();
        assert_eq!(states, ["active", "scheduled", "ready"], "{queried:?}");
        let refused = of("memsample").as_object().unwrap().values().next().unwrap();
        assert!(refused["error"].as_str().unwrap().contains("a worker's process"), "{refused}");
        let unknown = of("broadcast").as_object().unwrap().values().next().unwrap();
        assert_eq!(unknown["error"], "KeyError('no_such_cmd')");
    }

    // What is looked at may not change anything, by default.
    let refused = fleet.answer("control", "revoke", json!({"task_id": task(&running), "terminate": true}));
    assert_eq!(refused["error"], "PermissionError('revoke is not allowed: celery_control is not `all`')");
    assert_eq!(client.status("default", &running).await, "running");

    // One scheduler dies: the other one answers, at once.
    fleet.installation.role("scheduler-1").kill9();
    let asked = Instant::now();
    assert_eq!(fleet.nodes().len(), 4);
    assert!(asked.elapsed() < within(AT_ONCE), "nobody waited for the dead one");
    std::fs::write(&gate, "").unwrap();
    client.wait_for("default", &running, "succeeded", LONG).await;
}

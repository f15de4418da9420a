//! `celery control`: what it changes is state, seen in the store's answers, in the runs and in the audit log, and outlives
//! every process.

use berth_integration_tests::{Backing, shell};
use serde_json::{Value, json};

use crate::tools::{Fleet, LONG};

super::on_both_brokers!(what_remote_control_changes_is_state_and_outlives_every_process);

async fn what_remote_control_changes_is_state_and_outlives_every_process(backing: Backing) {
    let mut fleet = Fleet::start(backing).await;
    fleet.restart_schedulers_with("BERTH_CELERY_CONTROL", "all").await;
    let client = fleet.installation.client.clone();
    let control = |method: &str, keywords: Value| fleet.answer("control", method, keywords);
    let ok = |text: &str| json!({ "ok": text });

    let limit = json!({"task_name": "berth.run", "rate_limit": "600/m"});
    assert_eq!(control("rate_limit", limit), ok("new rate limit set successfully"));
    let unknown = json!({"task_name": "capp.add", "rate_limit": "5/s"});
    assert_eq!(control("rate_limit", unknown), json!({"error": "unknown task"}));
    let bad = control("rate_limit", json!({"task_name": "berth.run", "rate_limit": "5/fortnight"}));
    assert!(bad["error"].as_str().unwrap().starts_with("Invalid rate limit string: "), "{bad}");
    let limits = json!({"task_name": "berth.run", "soft": 60, "hard": 120});
    assert_eq!(control("time_limit", limits), ok("time limits set successfully"));
    assert_eq!(control("add_consumer", json!({"queue": "night"})), ok("add consumer night"));
    assert_eq!(
        control("cancel_consumer", json!({"queue": "berth.local.run.night"})),
        ok("no longer consuming from berth.local.run.night")
    );
    let unlimited = fleet.ask(&crate::tools::celeries()[0], &[("control", "pool_grow", json!({"n": 2}))]);
    for (node, answer) in unlimited[0].as_object().unwrap() {
        assert!(answer["error"].as_str().unwrap().contains("has no concurrency limit"), "{node}: {answer}");
    }
    assert_eq!(control("autoscale", json!({"max": 4, "min": 1})), ok("autoscale now max=4 min=1"));
    assert_eq!(control("pool_shrink", json!({"n": 1})), ok("pool will shrink"));
    let stamps = control("broadcast", json!({"command": "revoke_by_stamped_headers"}));
    assert!(stamps["error"].as_str().unwrap().contains("runs keep no stamps"), "{stamps}");

    let check = async || {
        let queue = |agent: &str, name: &str| {
            let path = format!("/api/v1/orgs/default/agents/{agent}/queues/{name}");
            let client = client.clone();
            async move { client.get(&path).await }
        };
        for agent in ["local", "other"] {
            assert_eq!(queue(agent, "default").await["rate"], "600/m", "{}", queue(agent, "default").await);
            let agent = client.get(&format!("/api/v1/orgs/default/agents/{agent}")).await;
            // Each of its two replicas was asked to shrink by one.
            assert_eq!(agent["concurrency"], 2, "{agent:#}");
            assert!(agent["defaults"].to_string().contains("120"), "{agent:#}");
        }
        let night = queue("local", "night").await;
        assert_eq!(night["paused"]["reason"], "celery control cancel_consumer", "{night:#}");
        assert!(queue("other", "night").await["paused"].is_null(), "its name on the broker is another's");
    };
    check().await;

    let gate = fleet.installation.folder.join("gate");
    let hold = shell(&format!("while [ ! -e {} ]; do sleep 0.1; done", gate.display()));
    let first = client.submit("default", &hold).await;
    client.wait_for("default", &first, "running", LONG).await;
    let mut waits = shell("true");
    waits["queue"] = json!("local/night");
    let waiting = client.submit("default", &waits).await;
    let task = |run: &str| uuid::Uuid::parse_str(run).unwrap().to_string();
    let both = json!({"task_id": [task(&first), task(&waiting)]});
    let flagged = control("revoke", both.clone());
    assert!(flagged["ok"].as_str().unwrap().ends_with("flagged as revoked"), "{flagged}");
    client.wait_for("default", &waiting, "stopped", LONG).await;
    assert_eq!(client.status("default", &first).await, "running", "what runs is revoked by terminate only");
    let calls =
        [("control", "revoke", json!({"task_id": task(&first), "terminate": true, "signal": "SIGTERM"}))];
    let answers = fleet.ask(&crate::tools::celeries()[1], &calls);
    assert!(answers[0].to_string().contains(&format!("terminate: {}", task(&first))), "{answers:?}");
    client.wait_for("default", &first, "stopped", LONG).await;

    for scheduler in fleet.installation.roles_of("scheduler") {
        scheduler.kill9();
        scheduler.restart();
    }
    fleet.until_nodes(4).await;
    check().await;

    // A worker that shuts down says nothing; its agent takes nothing new.
    let node = fleet.nodes().into_iter().find(|node| node.starts_with("other@")).unwrap();
    let silent =
        fleet.ask(&crate::tools::celeries()[0], &[("control", "shutdown", json!({"destination": [node]}))]);
    assert_eq!(silent[0], json!({}));
    let other = client.get("/api/v1/orgs/default/agents/other").await;
    assert_eq!(
        (&other["cordoned"], &other["hold"]["reason"]),
        (&json!(true), &json!("celery control shutdown"))
    );
    let log = client.get("/api/v1/orgs/default/audit?limit=100").await;
    let by_celery = |action: &str| {
        let entries = log["results"].as_array().unwrap().iter();
        entries.filter(|entry| entry["actor"] == "celery:celery" && entry["action"] == action).count()
    };
    for action in ["queue.update", "queue.create", "agent.update", "agent.cordon", "run.stop"] {
        assert!(by_celery(action) > 0, "{action}: {log:#}");
    }
}

//! What local processes promise beyond the contract: exits, groups, supervisors that are killed, logs.

use std::time::Duration;

use berth_agent::executor::Order;
use berth_agent::uptime::{Moment, Uptime};
use berth_domain::lifecycle::{FailureClass, Outcome};
use berth_domain::protocol::Phase;
use berth_domain::protocol::logs::{LogFrom, LogStream};
use serde_json::json;

use super::rig::{Rig, end_of, eventually, is_alive, kill, shell};

#[tokio::test]
async fn an_exit_is_mapped_as_documented() {
    let rig = Rig::new();
    let user = Outcome::Failed(FailureClass::User);
    let mut missing_program = shell("");
    missing_program["run"]["container"]["command"] = json!(["no-such-program-anywhere"]);
    let mut folder_as_program = shell("");
    folder_as_program["run"]["container"]["command"] = json!(["/tmp"]);
    let mut slow = shell("sleep 60");
    slow["termination"] = json!({"timeout": 1});
    let mut deaf = shell("trap '' TERM; sleep 60 & wait; sleep 60");
    deaf["termination"] = json!({"timeout": 1});
    let mut nowhere = shell("true");
    nowhere["run"]["container"]["workingDir"] = json!("/no/such/folder");
    let table = [
        (shell("exit 0"), Outcome::Succeeded, Some(0), "Completed"),
        (shell("exit 3"), user, Some(3), "ExitCode"),
        (shell("no-such-program-anywhere"), user, Some(127), "CommandNotFound"),
        (missing_program, user, Some(127), "CommandNotFound"),
        (folder_as_program, user, Some(126), "CommandNotExecutable"),
        (shell("kill -9 $$$$"), user, Some(137), "Signal(9)"),
        (shell("kill -SEGV $$$$"), user, Some(139), "Signal(11)"),
        (slow, Outcome::Failed(FailureClass::Timeout), Some(143), "Timeout"),
        (deaf, Outcome::Failed(FailureClass::Timeout), Some(137), "Timeout"),
        (nowhere, Outcome::Failed(FailureClass::Config), None, "WorkingDir"),
    ];
    let mut expected = Vec::new();
    for (operation, outcome, code, reason) in table {
        let order = rig.order(&operation);
        expected.push((order.attempt, outcome, code, reason));
        rig.create(order).await.unwrap();
    }
    for (attempt, outcome, code, reason) in expected {
        let end = rig.end(attempt).await;
        assert_eq!((end.outcome, end.exit_code, end.reason.as_str()), (outcome, code, reason), "{end:?}");
    }
}

#[tokio::test]
async fn a_command_sees_its_run_and_nothing_of_the_agent() {
    let rig = Rig::with(|settings| {
        settings.environment.insert("LANG".into(), "C".into());
    });
    let mut operation = shell("pwd; env");
    operation["run"]["container"]["env"] = json!([{"name": "GREETING", "value": "hello"}]);
    let order = rig.order(&operation);
    let attempt = order.attempt;
    rig.create(order).await.unwrap();
    rig.end(attempt).await;
    let log = rig.log(attempt).await;
    let work = rig.folder(attempt).canonicalize().unwrap().join("work");
    assert_eq!(log[0], work.to_str().unwrap());
    for line in ["GREETING=hello", "LANG=C", "BERTH_ATTEMPT=0", "POLYAXON_OWNER=default"] {
        assert!(log.iter().any(|l| l == line), "{line} in {log:?}");
    }
    assert!(log.iter().any(|line| *line == format!("POLYAXON_RUN_UUID={}", attempt.run)));
    assert!(!log.iter().any(|line| line.starts_with("CARGO")), "{log:?}");
}

#[tokio::test]
async fn the_end_of_the_command_is_the_end_of_all_that_it_started() {
    let rig = Rig::new();
    // One in the group, and one that left group and session behind.
    let attempt =
        rig.start("sleep 61 & echo $!; setsid sh -c 'echo $$$$; exec sleep 62' & sleep 0.3; exit 5").await;
    let end = rig.end(attempt).await;
    assert_eq!(end.exit_code, Some(5));
    let pids: Vec<u32> = rig.log(attempt).await.iter().map(|line| line.parse().unwrap()).collect();
    assert_eq!(pids.len(), 2);
    assert!(pids.iter().all(|pid| !is_alive(*pid)), "{pids:?}");
}

#[tokio::test]
async fn a_stop_kills_what_will_not_hear_it() {
    let rig = Rig::new();
    let attempt = rig.start("trap '' TERM; setsid sleep 63 & echo $!; sleep 64").await;
    let escaped = rig.number_in_log(attempt).await;
    rig.executor.stop(attempt, Some(Duration::from_millis(50))).await.unwrap();
    let end = rig.end(attempt).await;
    assert_eq!((end.outcome, end.exit_code), (Outcome::Stopped, Some(137)));
    assert!(!is_alive(escaped));
}

#[tokio::test]
async fn a_stop_before_the_launch_means_that_it_never_runs() {
    let rig = Rig::with(|settings| {
        // A supervisor that takes its time.
        let shim = settings.shim.clone();
        settings.shim.program = "/bin/sh".into();
        settings.shim.args = vec!["-c".into(), "sleep 0.5; exec \"$0\" \"$@\"".into()];
        settings.shim.args.push(shim.program.to_str().unwrap().to_owned());
        settings.shim.args.extend(shim.args);
    });
    let attempt = rig.start("echo ran").await;
    rig.executor.stop(attempt, None).await.unwrap();
    assert_eq!(rig.end(attempt).await.outcome, Outcome::Stopped);
    assert!(!rig.folder(attempt).join("started.json").exists());
}

#[tokio::test]
async fn a_killed_supervisor_is_a_lost_node_and_nothing_of_its_group_lives() {
    let rig = Rig::new();
    let attempt = rig.start("setsid sleep 65 & echo $!; sleep 66").await;
    let escaped = rig.number_in_log(attempt).await;
    let command = rig.pid(attempt, "started.json").await;
    kill(rig.pid(attempt, "launched.json").await);
    let end = rig.end(attempt).await;
    assert_eq!(
        (end.outcome, end.reason.as_str()),
        (Outcome::Failed(FailureClass::NodeLost), "SupervisorLost")
    );
    assert!(!is_alive(escaped) && !is_alive(command));
}

#[tokio::test]
async fn a_supervisor_that_can_not_be_started_is_told_in_the_systems_words() {
    let rig = Rig::with(|settings| settings.shim.program = "/no/such/berth".into());
    let attempt = rig.start("true").await;
    let end = rig.end(attempt).await;
    assert_eq!(end.outcome, Outcome::Failed(FailureClass::Config));
    assert!(end.message.contains("/no/such/berth: No such file"), "{}", end.message);
    assert!(rig.executor.probe().await.is_err());
}

#[tokio::test]
async fn a_supervisor_that_was_never_started_is_started_by_the_next_agent() {
    let rig = Rig::new();
    // As an agent leaves it that was killed between the create and the start of the supervisor.
    let order = rig.shell("echo ran");
    let idle = Rig::with(|settings| {
        settings.shim.program = "/bin/true".into();
        settings.data_dir = rig.dir.path().to_owned();
    });
    let object = idle.create(order.clone()).await.unwrap();
    assert_eq!(object.phase, Phase::Created);
    assert_eq!(rig.end(order.attempt).await.outcome, Outcome::Succeeded);
    assert_eq!(rig.log(order.attempt).await, ["ran"]);
}

#[tokio::test]
async fn runs_outlive_their_agent_and_are_adopted() {
    let rig = Rig::new();
    let attempt = rig.start("while [ ! -e go ]; do sleep 0.05; done; echo on; exit 7").await;
    rig.pid(attempt, "started.json").await;
    let other = rig.reopened();
    let held = other.inventory().await.unwrap();
    assert_eq!((held.len(), &held[0].phase), (1, &Phase::Running));
    std::fs::write(rig.folder(attempt).join("work/go"), "").unwrap();
    assert_eq!(end_of(&other, attempt).await.exit_code, Some(7));
}

#[tokio::test]
async fn a_log_is_followed_while_it_grows() {
    let rig = Rig::new();
    let attempt = rig.start("echo a; echo b >&2; while [ ! -e go ]; do sleep 0.05; done; printf end").await;
    let (page, ended) = eventually("two lines", async || {
        let read = rig.process.log(attempt, LogFrom::Start, u64::MAX).await.unwrap()?;
        (read.0.lines.len() == 2).then_some(read)
    })
    .await;
    assert!(!ended);
    let streams: Vec<_> = page.lines.iter().map(|line| (line.text.as_str(), line.stream)).collect();
    assert!(streams.contains(&("a", LogStream::Stdout)) && streams.contains(&("b", LogStream::Stderr)));
    std::fs::write(rig.folder(attempt).join("work/go"), "").unwrap();
    rig.end(attempt).await;
    let rest = rig.process.log(attempt, LogFrom::Offset(page.next), u64::MAX).await.unwrap().unwrap();
    assert_eq!(rest.0.lines[0].text, "end");
    let by_time =
        rig.process.log(attempt, LogFrom::After(page.lines[1].at), u64::MAX).await.unwrap().unwrap();
    assert_eq!(by_time.0.lines, rest.0.lines);
    assert!(rest.1);
    assert_eq!(rig.process.newest(attempt.run).await.unwrap(), Some(attempt));
}

#[tokio::test]
async fn what_was_released_is_removed_when_its_time_is_over() {
    let rig = Rig::with(|settings| settings.keep = Duration::ZERO);
    let attempt = rig.start("true").await;
    rig.end(attempt).await;
    let folder = rig.folder(attempt);
    rig.executor.tidy().await.unwrap();
    assert!(folder.exists(), "what was not released is kept");
    let released = rig.dir.path().join("done").join(folder.file_name().unwrap());
    std::fs::rename(&folder, &released).unwrap();
    eventually("its removal", async || {
        rig.executor.tidy().await.unwrap();
        (!released.exists()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_replica_that_lives_is_known_and_one_that_is_gone_is_not() {
    let rig = Rig::new();
    let alive = rig.process.enlist("r1").unwrap();
    assert!(rig.process.enlist("r1").is_err());
    assert_eq!(rig.process.replicas().await.unwrap(), ["r1"]);
    drop(alive);
    assert_eq!(rig.process.replicas().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn what_ran_when_the_machine_was_restarted_is_lost_and_does_not_run_again() {
    let rig = Rig::new();
    let order = rig.shell("echo ran");
    let idle = Rig::with(|settings| {
        settings.shim.program = "/bin/true".into();
        settings.data_dir = rig.dir.path().to_owned();
    });
    idle.create(order.clone()).await.unwrap();
    let mut spec = rig.record(order.attempt, "spec.json").unwrap();
    spec["boot"] = json!("another");
    std::fs::write(rig.folder(order.attempt).join("spec.json"), spec.to_string()).unwrap();
    std::fs::write(rig.folder(order.attempt).join("launched.json"), "{\"pid\":").unwrap();
    let end = rig.end(order.attempt).await;
    assert_eq!((end.outcome, end.reason.as_str()), (Outcome::Failed(FailureClass::NodeLost), "Restarted"));
    assert_eq!(rig.log(order.attempt).await, [] as [&str; 0]);
}

#[tokio::test]
async fn an_exit_that_can_not_be_written_is_not_forgotten() {
    let rig = Rig::new();
    let attempt = rig.start("while [ ! -e go ]; do sleep 0.05; done").await;
    rig.pid(attempt, "started.json").await;
    // Nothing can be put in the place of a folder.
    let in_the_way = rig.folder(attempt).join("exit.json");
    std::fs::create_dir(&in_the_way).unwrap();
    std::fs::write(rig.folder(attempt).join("work/go"), "").unwrap();
    eventually("its complaint", async || {
        let said = std::fs::read_to_string(rig.folder(attempt).join("supervisor.log")).unwrap();
        said.contains("can't write the exit").then_some(())
    })
    .await;
    std::fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(rig.end(attempt).await.outcome, Outcome::Succeeded);
}

/// When a lease was asked for that has so long to go until it is fenced.
fn asked(to_go: Duration) -> Moment {
    let now = serde_json::to_value(Uptime::machine().now()).unwrap().as_u64().unwrap();
    let asked = now - u64::try_from((Duration::from_secs(20) - to_go).as_micros()).unwrap();
    serde_json::from_value(json!(asked)).unwrap()
}

#[tokio::test]
async fn a_supervisor_fences_by_itself_when_its_agent_is_stopped_or_dead() {
    let rig = Rig::new();
    let start = async |script: &str, replace: bool| {
        let order = Order { replace, ..rig.shell(script) };
        let attempt = order.attempt;
        rig.create(order).await.unwrap();
        attempt
    };
    let waits = start("sleep 60", false).await;
    let polite = start("sleep 60", true).await;
    let deaf = start("trap '' TERM; while :; do sleep 0.1; done", true).await;
    let pids = [rig.pid(waits, "started.json").await, rig.pid(deaf, "started.json").await];
    // There is no agent at all; what is noted is all that its supervisors know.
    rig.executor.note_lease(asked(Duration::from_secs(1))).await;
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    for (attempt, code) in [(polite, 143), (deaf, 137)] {
        let end = rig.end(attempt).await;
        assert_eq!(
            (end.outcome, end.exit_code, end.reason.as_str()),
            (Outcome::Failed(FailureClass::AgentLost), Some(code), "Fenced")
        );
    }
    assert!(is_alive(pids[0]), "what is not replaced waits");
}

#[tokio::test]
async fn a_lease_that_goes_on_fences_nothing() {
    let rig = Rig::new();
    rig.executor.note_lease(asked(Duration::from_secs(1))).await;
    let order = Order { replace: true, ..rig.shell("sleep 2; exit 4") };
    let attempt = order.attempt;
    rig.create(order).await.unwrap();
    rig.pid(attempt, "started.json").await;
    rig.executor.note_lease(Uptime::machine().now()).await;
    // Of another replica that was late to write it down.
    rig.executor.note_lease(asked(Duration::from_secs(2))).await;
    assert_eq!(rig.end(attempt).await.exit_code, Some(4));
}

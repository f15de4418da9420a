//! Promise 9: a stop always ends in a stopped run with nothing of it alive.

use std::path::Path;
use std::time::Duration;

use berth_integration_tests::{Backing, Installation, Journal, shell};
use berth_test_servers::eventually;
use serde_json::json;

super::on_all_three!(
    a_stop_ends_a_run_wherever_it_stands,
    a_run_stopped_between_its_claim_and_its_create_never_starts,
    a_run_stopped_while_its_agent_is_down_is_gone_when_the_agent_is_back,
);

const LONG: Duration = Duration::from_secs(120);

async fn stop(installation: &Installation, run: &str) {
    let path = format!("/api/v1/default/default/runs/{run}/stop");
    installation.client.call("POST", &path, None).await;
}

/// Whether a process with that id exists.
fn is_alive(pid: &str) -> bool {
    // A zombie has no command line any more.
    std::fs::read(Path::new("/proc").join(pid).join("cmdline")).is_ok_and(|line| !line.is_empty())
}

fn pids(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

async fn a_stop_ends_a_run_wherever_it_stands(backing: Backing) {
    let mut installation = Installation::start(backing).await;
    let client = installation.client.clone();
    let one = json!({"concurrency": 1});
    client.call("PATCH", "/api/v1/orgs/default/agents/local/queues/default", Some(&one)).await;
    let journal = Journal::new(&installation.folder, "journal");

    // Running, with children of its own; and one that waits behind it.
    let file = installation.folder.join("pids");
    let family = format!("sleep 1000 & echo $! $$$$ > {}; sleep 1000", file.display());
    let running = client.submit("default", &shell(&family)).await;
    client.wait_for("default", &running, "running", LONG).await;
    let waiting = client.submit("default", &shell(&journal.around("true"))).await;
    stop(&installation, &waiting).await;
    client.wait_for("default", &waiting, "stopped", Duration::from_secs(5)).await;
    assert!(eventually(Duration::from_secs(10), || pids(&file).len() == 2));
    stop(&installation, &running).await;
    client.wait_for("default", &running, "stopped", LONG).await;
    let family = pids(&file);
    assert!(eventually(Duration::from_secs(5), || !family.iter().any(|pid| is_alive(pid))), "{family:?}");

    // Offered: nobody takes it, then it is stopped, then the late offer is received.
    if backing != Backing::Embedded {
        installation.roles_of("agent").for_each(|agent| agent.signal("STOP"));
        let offered = client.submit("default", &shell(&journal.around("true"))).await;
        client.wait_for("default", &offered, "scheduled", LONG).await;
        stop(&installation, &offered).await;
        client.wait_for("default", &offered, "stopped", Duration::from_secs(5)).await;
        installation.roles_of("agent").for_each(|agent| agent.signal("CONT"));
    }

    // At whatever moment each stop comes.
    client
        .call("PATCH", "/api/v1/orgs/default/agents/local/queues/default", Some(&json!({"concurrency": -1})))
        .await;
    let many = client.submit_all("default", &vec![shell(&journal.around("sleep 1000")); 60]).await;
    for run in &many {
        stop(&installation, run).await;
    }
    for run in &many {
        client.wait_for("default", run, "stopped", LONG).await;
    }
    let last = client.submit("default", &shell(&journal.around("true"))).await;
    client.wait_for("default", &last, "succeeded", LONG).await;
    let ended: Vec<String> = journal.lines().into_iter().filter(|line| line.starts_with("end ")).collect();
    assert_eq!(ended, [format!("end {last} 0")], "nothing that was stopped went on");
    let mut statuses = client.census("default").await;
    assert_eq!(statuses.remove("succeeded"), Some(1));
    assert_eq!(statuses.into_keys().collect::<Vec<_>>(), ["stopped"]);
}

async fn a_run_stopped_between_its_claim_and_its_create_never_starts(backing: Backing) {
    let installation = Installation::start(backing).await;
    let client = &installation.client;
    let journal = Journal::new(&installation.folder, "journal");
    let work = shell(&journal.around("true"));
    let first = client.submit("default", &work).await;
    client.wait_for("default", &first, "succeeded", LONG).await;

    // The folder whose entries are the attempts is away: the agent claims, and its create fails.
    let runs = installation.folder.join("data/runs");
    let away = installation.folder.join("data/runs-away");
    std::fs::rename(&runs, &away).unwrap();
    let claimed = client.submit("default", &work).await;
    client.wait_for("default", &claimed, "starting", LONG).await;
    stop(&installation, &claimed).await;
    assert_eq!(
        client.status("default", &claimed).await,
        "stopping",
        "nobody knows yet that nothing is there"
    );
    std::fs::rename(&away, &runs).unwrap();

    client.wait_for("default", &claimed, "stopped", LONG).await;
    let reasons: Vec<_> =
        client.conditions("default", &claimed).await.iter().map(|c| c["reason"].clone()).collect();
    let order = ["Claimed", "StopRequested", "Stopped"].map(|reason| json!(reason));
    assert!(reasons.ends_with(&order), "it was claimed, and nothing else: {reasons:?}");
    let last = client.submit("default", &work).await;
    client.wait_for("default", &last, "succeeded", LONG).await;
    let expected = [&first, &last].map(|run| (format!("{run} 0"), 1));
    assert_eq!(journal.starts(), expected.into(), "what was stopped never began");
    assert_eq!(client.status("default", &claimed).await, "stopped");
}

async fn a_run_stopped_while_its_agent_is_down_is_gone_when_the_agent_is_back(backing: Backing) {
    if backing == Backing::Embedded {
        // There the agent is down only if the API is, which could not be asked; adoption is covered by
        // `survival`, and the restart of the process by the story below.
        return restart_of_the_process_keeps_its_runs().await;
    }
    let mut installation = Installation::start(backing).await;
    let client = installation.client.clone();
    let file = installation.folder.join("pids");
    let run = client.submit("default", &shell(&format!("echo $$$$ > {}; sleep 1000", file.display()))).await;
    client.wait_for("default", &run, "running", LONG).await;
    assert!(eventually(Duration::from_secs(10), || pids(&file).len() == 1));
    installation.roles_of("agent").for_each(|agent| agent.kill9());
    stop(&installation, &run).await;
    assert_eq!(client.status("default", &run).await, "stopping");
    assert!(is_alive(&pids(&file)[0]), "the run outlives its agent");
    installation.roles_of("agent").for_each(|agent| agent.restart());
    client.wait_for("default", &run, "stopped", LONG).await;
    assert!(eventually(Duration::from_secs(5), || !is_alive(&pids(&file)[0])));
}

async fn restart_of_the_process_keeps_its_runs() {
    let mut installation = Installation::start(Backing::Embedded).await;
    let client = installation.client.clone();
    let file = installation.folder.join("pids");
    let run = client.submit("default", &shell(&format!("echo $$$$ > {}; sleep 1000", file.display()))).await;
    client.wait_for("default", &run, "running", LONG).await;
    assert!(eventually(Duration::from_secs(10), || pids(&file).len() == 1));
    installation.role("up").kill9();
    assert!(is_alive(&pids(&file)[0]), "the run outlives the process that started it");
    installation.role("up").restart();
    installation.until_ready().await;
    assert_eq!(client.status("default", &run).await, "running");
    stop(&installation, &run).await;
    client.wait_for("default", &run, "stopped", LONG).await;
    assert!(eventually(Duration::from_secs(5), || !is_alive(&pids(&file)[0])));
}

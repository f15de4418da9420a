//! Following an organization's events: what it costs the database, however many follow.

use std::collections::BTreeSet;
use std::time::Duration;

use berth_integration_tests::{Backing, Installation, shell};
use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::time::{Instant, timeout};

const PATIENCE: Duration = Duration::from_secs(60);
/// Runs whose ends are waited for.
const RUNS: usize = 20;

/// How often the table of the change feed was read, by whomever.
fn reads(installation: &Installation) -> u64 {
    let asked = "SELECT idx_scan + seq_scan FROM pg_stat_user_tables WHERE relname = 'changes'";
    installation.postgres.as_ref().unwrap().ask(asked).trim().parse().unwrap()
}

/// Reads events until all these runs have succeeded.
async fn follow(response: reqwest::Response, mut runs: BTreeSet<String>) {
    let mut pieces = response.bytes_stream();
    let mut text = String::new();
    while !runs.is_empty() {
        text.push_str(&String::from_utf8_lossy(&pieces.next().await.unwrap().unwrap()));
        let Some(end) = text.rfind("\n\n") else { continue };
        let rest = text.split_off(end);
        for event in text.split("\n\n").filter(|event| event.contains("\"succeeded\"")) {
            runs.retain(|run| !event.contains(run.as_str()));
        }
        text = rest;
    }
}

/// Has so many streams follow some runs to their ends; returns how often a second the feed was read meanwhile.
async fn cost(installation: &Installation, streams: usize) -> f64 {
    let http = reqwest::Client::new();
    let url = format!("{}/api/v1/orgs/default/events", installation.client.base());
    let open = || http.get(&url).bearer_auth(installation.client.token().unwrap_or_default()).send();
    let responses = join_all((0..streams).map(|_| open())).await;
    let (before, began) = (reads(installation), Instant::now());
    let work: Vec<_> = (0..RUNS).map(|_| shell("sleep 1")).collect();
    let runs: Vec<String> = installation.client.submit_all("default", &work).await;
    let wanted: BTreeSet<String> = runs.iter().cloned().collect();
    let followed = responses.into_iter().map(|response| follow(response.unwrap(), wanted.clone()));
    timeout(PATIENCE, join_all(followed)).await.unwrap();
    (reads(installation) - before) as f64 / began.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_follow_cost_the_database_as_much_as_one() {
    let installation = Installation::start(Backing::Redis).await;
    let one = cost(&installation, 1).await;
    let many = cost(&installation, 100).await;
    assert!(many <= 2.0 * one + 5.0, "{one:.1} reads/s for one stream, {many:.1} for 100");
}

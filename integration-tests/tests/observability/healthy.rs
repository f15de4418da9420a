//! A healthy Berth under a steady load: while it is watched no alert fires, and nothing that is scraped is ever away.

use std::time::Duration;

use berth_integration_tests::{Backing, Installation, shell};
use berth_test_servers::effort;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::watcher::Watcher;

/// For how many seconds it is watched; `make chaos` takes ten minutes.
const SECONDS: usize = 10;
/// A run each; they take about as long.
const EVERY: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn while_all_is_well_no_alert_fires_and_every_target_is_up() {
    let seconds = effort("BERTH_TEST_HEALTHY_SECONDS", SECONDS) as u64;
    let installation = Installation::start(Backing::RabbitMq).await;
    let watcher = Watcher::of(&installation).await;
    let began = Instant::now();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut submitted = 0;
    while began.elapsed() < Duration::from_secs(seconds) {
        ticks.tick().await;
        installation.client.submit("default", &shell("sleep 0.3")).await;
        submitted += 1;
    }
    installation.client.wait_for_all("default", submitted, "succeeded", Duration::from_secs(60)).await;

    let watched = began.elapsed().as_secs();
    let roles = installation.roles.len();
    let over = |what: &str, state: &str| format!("{what}_over_time({state}[{watched}s])");
    let up = watcher.ask(&format!("count({} == 1)", over("min", "up"))).await;
    assert_eq!(up[0]["value"][1], roles.to_string(), "a target was away: {up:?}");
    let scrapes = watcher.ask(&format!("min({})", over("count", "up"))).await;
    let scrapes: u64 = scrapes[0]["value"][1].as_str().unwrap().parse().unwrap();
    assert!(scrapes * 2 > watched, "{scrapes} scrapes in {watched} s tell too little");
    let alerts = |state: &str| {
        format!("count by (alertname) ({})", over("max", &format!("ALERTS{{alertstate=\"{state}\"}}")))
    };
    let fired = watcher.ask(&alerts("firing")).await;
    assert!(fired.is_empty(), "all was well: {fired:?}");
    // One that was about to fire, and did not: what its patience is for.
    let pending = watcher.ask(&alerts("pending")).await;
    eprintln!(
        "healthy for {watched} s: {submitted} runs, {roles} targets, {scrapes} scrapes of each; pending: {pending:?}"
    );
}

//! Promise 1, 2 and 4: no accepted run is lost and no attempt is executed twice, whatever is killed meanwhile: of a
//! sample, and in `make chaos` of 2,000 runs.

use std::time::Duration;

use berth_integration_tests::{Backing, Installation, Journal, shell};
use berth_test_servers::effort;

super::on_all_three!(every_run_ends_once, every_run_ends_once_though_everything_is_killed_in_turn,);

const LONG: Duration = Duration::from_secs(600);

/// How many runs.
fn runs() -> u64 {
    effort("BERTH_TEST_RUNS", 400) as u64
}

async fn every_run_ends_once(backing: Backing) {
    let installation = Installation::start(backing).await;
    let journal = Journal::new(&installation.folder, "journal");
    submit(&installation, &journal).await;
    installation.client.wait_for_all("default", runs(), "succeeded", LONG).await;
    assert_once_each(&journal);
}

async fn every_run_ends_once_though_everything_is_killed_in_turn(backing: Backing) {
    let mut installation = Installation::start(backing).await;
    let journal = Journal::new(&installation.folder, "journal");
    submit(&installation, &journal).await;
    let names: Vec<String> = installation.roles.iter().map(|role| role.name().to_owned()).collect();
    for (n, name) in names.iter().cycle().take(names.len().max(4)).enumerate() {
        // Each kill comes when a part more of the runs has ended, so that they are spread over the work.
        let ended = runs() * (n as u64 + 1) / (names.len().max(4) as u64 + 3);
        installation.client.wait_for_all("default", ended, "succeeded", LONG).await;
        installation.role(name).restart();
    }
    installation.kill_broker();
    installation.restart_broker();
    installation.client.wait_for_all("default", runs(), "succeeded", LONG).await;
    assert_once_each(&journal);
}

async fn submit(installation: &Installation, journal: &Journal) {
    let operation = shell(&journal.around("true"));
    let operations = vec![operation; usize::try_from(runs()).unwrap()];
    installation.client.submit_all("default", &operations).await;
}

fn assert_once_each(journal: &Journal) {
    let starts = journal.starts();
    let twice = journal.started_twice();
    assert!(twice.is_empty(), "attempts executed more than once: {twice:?}");
    assert_eq!(
        journal.overlaps(),
        Vec::<String>::new(),
        "attempts that began before the one before had ended"
    );
    let wrote: std::collections::BTreeSet<&str> =
        starts.keys().filter_map(|attempt| attempt.split(' ').next()).collect();
    assert_eq!(wrote.len() as u64, runs(), "every run wrote its id");
}

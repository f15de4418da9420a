//! What is left alive of runs when all have ended: neither a command nor its supervisor may be.

use std::path::Path;
use std::time::Duration;

use berth_integration_tests::Installation;
use tokio::time::{Instant, sleep};

/// Waits until no process of a run is alive; returns those that are after `limit`.
pub(crate) async fn wait_until_none(installation: &Installation, limit: Duration) -> Vec<String> {
    let deadline = Instant::now() + limit;
    loop {
        let left = left(&installation.folder);
        if left.is_empty() || Instant::now() > deadline {
            return left;
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// Processes that are an attempt's command (by the environment that only a run has, in this installation's folder), or
/// one's supervisor.
fn left(folder: &Path) -> Vec<String> {
    let folder = folder.display().to_string();
    let mut left = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let read = |name: &str| {
            let bytes = std::fs::read(entry.path().join(name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).replace('\0', " ")
        };
        let command = read("cmdline");
        let of_a_run = read("environ").contains("BERTH_RUN=") && command.contains(&folder);
        let supervisor = command.contains(" shim ") && command.contains(&folder);
        if of_a_run || supervisor {
            left.push(format!("{}: {command}", entry.file_name().to_string_lossy()));
        }
    }
    left
}

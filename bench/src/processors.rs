//! Which processors who runs on. What a figure says of a client must not depend on what it leaves to the server that it
//! shares a machine with: in a cluster they don't share one.

use std::num::NonZero;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};

/// The processors of this machine in two halves, as `taskset` takes them; the second one is the larger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halves {
    /// For servers.
    pub servers: String,
    /// For those who use them.
    pub clients: String,
    /// All of them.
    pub all: String,
}

impl Halves {
    /// Of so many processors; none of one.
    pub fn of(count: usize) -> Option<Self> {
        let half = count / 2;
        (half > 0).then(|| Self {
            servers: format!("0-{}", half - 1),
            clients: format!("{half}-{}", count - 1),
            all: format!("0-{}", count - 1),
        })
    }

    /// Of those that this process had when it was first asked: later it has [fewer](run_on).
    ///
    /// # Errors
    /// If it had only one.
    pub fn here() -> Result<Self> {
        static COUNT: OnceLock<usize> = OnceLock::new();
        let count = *COUNT.get_or_init(|| std::thread::available_parallelism().map_or(1, NonZero::get));
        Self::of(count).context("there is one processor: servers and clients would share it")
    }
}

/// From now on all threads of this process, and what it starts, run on these processors only.
///
/// # Errors
/// If `taskset`, of util-linux, is missing or refuses.
pub fn run_on(processors: &str) -> Result<()> {
    let own = std::process::id().to_string();
    let set = Command::new("taskset").args(["-a", "-p", "-c", processors, &own]).output();
    let set = set.context("taskset can't be started: it comes with util-linux")?;
    ensure!(set.status.success(), "taskset: {}", String::from_utf8_lossy(&set.stderr));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_and_clients_share_no_processor() {
        let halves = |count| Halves::of(count).map(|halves| (halves.servers, halves.clients, halves.all));
        assert_eq!(halves(1), None);
        assert_eq!(halves(2), Some(("0-0".into(), "1-1".into(), "0-1".into())));
        assert_eq!(halves(5), Some(("0-1".into(), "2-4".into(), "0-4".into())));
    }
}

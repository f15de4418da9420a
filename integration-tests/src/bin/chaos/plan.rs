//! What is broken and when: a sequence of faults that follows from a seed. Nothing is done here.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// A line that a proxy stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// To the broker.
    Broker,
    /// To the database.
    Database,
}

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A process is killed by SIGKILL, and started again at once.
    Kill(String),
    /// A process stands still for so long (SIGSTOP): a lease and a claim may lapse meanwhile.
    Pause(String, Duration),
    /// The broker is killed by SIGKILL, and comes back with its data.
    KillBroker,
    /// The broker comes back without any data.
    WipeBroker,
    /// The database is killed by SIGKILL, and comes back.
    KillDatabase,
    /// Every connection ends.
    Cut(Line),
    /// Every connection ends in the middle of a frame.
    CutMidFrame(Line),
    /// Connections stay open and nothing passes.
    Stall(Line, Duration),
    /// Connections pass a few bytes at a time.
    Trickle(Line, Duration),
    /// An offer is published again, so many times.
    Repeat(usize),
}

impl Fault {
    /// What it is called in the report.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Kill(role) if role.starts_with("api") => "kill -9 api",
            Self::Kill(role) if role.starts_with("agent") => "kill -9 agent",
            Self::Kill(_) => "kill -9 scheduler",
            Self::Pause(role, _) if role.starts_with("agent") => "pause agent",
            Self::Pause(..) => "pause scheduler",
            Self::KillBroker => "kill -9 broker",
            Self::WipeBroker => "wipe broker",
            Self::KillDatabase => "kill -9 database",
            Self::Cut(_) => "cut connections",
            Self::CutMidFrame(_) => "cut mid-frame",
            Self::Stall(..) => "stall connections",
            Self::Trickle(..) => "slow connections",
            Self::Repeat(_) => "repeat offers",
        }
    }
}

/// An endless sequence of faults, each with the quiet before it.
#[derive(Debug)]
pub(crate) struct Plan {
    random: StdRng,
    roles: Vec<String>,
}

impl Plan {
    /// The faults that follow from `seed`, for an installation of these processes.
    pub(crate) fn new(seed: u64, roles: Vec<String>) -> Self {
        Self { random: StdRng::seed_from_u64(seed), roles }
    }

    /// One of the processes whose names begin with one of `kinds`.
    fn role(&mut self, kinds: &[&str]) -> String {
        let fitting: Vec<&String> =
            self.roles.iter().filter(|role| kinds.iter().any(|kind| role.starts_with(kind))).collect();
        let at = self.random.random_range(0..fitting.len().max(1));
        fitting.get(at).map_or_else(String::new, |role| (*role).clone())
    }

    fn line(&mut self) -> Line {
        // The database is not what Berth is made to do without; still it may be slow.
        if self.random.random_range(0..3) == 0 { Line::Database } else { Line::Broker }
    }

    fn seconds(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(self.random.random_range(from * 1_000..=to * 1_000))
    }
}

impl Iterator for Plan {
    type Item = (Duration, Fault);

    fn next(&mut self) -> Option<Self::Item> {
        let quiet = self.seconds(1, 5);
        let fault = match self.random.random_range(0..100) {
            0..25 => Fault::Kill(self.role(&["api", "scheduler", "agent"])),
            25..37 => {
                // Half of them outlast a lease of 15 s and a claim of 10 s.
                let longest = if self.random.random_bool(0.5) { 8 } else { 40 };
                Fault::Pause(self.role(&["scheduler", "agent"]), self.seconds(2, longest))
            }
            37..43 => Fault::KillBroker,
            43..47 => Fault::WipeBroker,
            47..51 => Fault::KillDatabase,
            51..60 => Fault::Cut(self.line()),
            60..69 => Fault::CutMidFrame(self.line()),
            69..77 => Fault::Stall(self.line(), self.seconds(1, 20)),
            77..84 => Fault::Trickle(self.line(), self.seconds(2, 15)),
            _ => Fault::Repeat(self.random.random_range(1..=5)),
        };
        Some((quiet, fault))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(seed: u64) -> Vec<(Duration, Fault)> {
        let roles = ["api-1", "api-2", "scheduler-1", "scheduler-2", "agent-1", "agent-2"];
        Plan::new(seed, roles.map(str::to_owned).to_vec()).take(1_000).collect()
    }

    #[test]
    fn a_seed_repeats_its_faults_and_another_has_others() {
        assert_eq!(plan(7), plan(7));
        assert_ne!(plan(7), plan(8));
    }

    #[test]
    fn in_the_long_run_everything_is_broken() {
        let names: std::collections::BTreeSet<&str> = plan(7).iter().map(|(_, fault)| fault.name()).collect();
        assert_eq!(names.len(), 13, "{names:?}");
        assert!(plan(7).iter().all(|(_, fault)| !matches!(fault, Fault::Kill(role) if role.is_empty())));
    }
}

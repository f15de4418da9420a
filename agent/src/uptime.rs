//! A clock that goes on while the process is stopped and while the machine sleeps. Leases and claims are
//! counted on it: an agent that slept must find its lease lapsed, whatever the wall clock was set to meanwhile.

use std::ops::Add;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// A moment: microseconds since the machine was booted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment(u64);

impl Moment {
    /// How long after `earlier` this is; zero if it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// How long after the machine was booted this is.
    pub(crate) const fn since_boot(self) -> Duration {
        Duration::from_micros(self.0)
    }

    /// The moment so long after the machine was booted.
    pub(crate) fn after_boot(since_boot: Duration) -> Self {
        Self(0) + since_boot
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_micros()).unwrap_or(u64::MAX)))
    }
}

/// Where [`Moment`]s come from: the machine, or a test's hand.
#[derive(Debug, Clone)]
pub struct Uptime(Source);

#[derive(Debug, Clone)]
enum Source {
    Machine,
    Manual(Arc<AtomicU64>),
}

impl Uptime {
    /// The machine's.
    #[must_use]
    pub const fn machine() -> Self {
        Self(Source::Machine)
    }

    /// One that stands at the machine's current moment until [`Uptime::advance`].
    #[must_use]
    pub fn manual() -> Self {
        Self(Source::Manual(Arc::new(AtomicU64::new(Self::machine().now().0))))
    }

    /// The current moment.
    #[must_use]
    pub fn now(&self) -> Moment {
        match &self.0 {
            Source::Machine => {
                let at = clock_gettime(SLEEPLESS);
                let seconds = u64::try_from(at.tv_sec).unwrap_or(0);
                let nanos = u64::try_from(at.tv_nsec).unwrap_or(0);
                Moment(seconds.saturating_mul(1_000_000).saturating_add(nanos / 1_000))
            }
            Source::Manual(micros) => Moment(micros.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual one; the machine's goes by itself.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(micros) = &self.0 {
            micros.fetch_add(u64::try_from(by.as_micros()).unwrap_or(u64::MAX), Ordering::SeqCst);
        }
    }
}

#[cfg(target_os = "linux")]
const SLEEPLESS: ClockId = ClockId::Boottime;
/// On macOS this one goes on during sleep.
#[cfg(not(target_os = "linux"))]
const SLEEPLESS: ClockId = ClockId::Monotonic;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_uptime_grows_and_a_manual_one_stands() {
        let machine = Uptime::machine();
        assert!(machine.now() <= machine.now());
        let manual = Uptime::manual();
        let before = manual.now();
        manual.advance(Duration::from_secs(40));
        assert_eq!(manual.now().since(before), Duration::from_secs(40));
        assert_eq!(before.since(manual.now()), Duration::ZERO);
    }
}

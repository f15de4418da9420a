//! How many creates are under way at once: more while the API server takes them, half as many when it pushes back,
//! and none for as long as it asks to be left alone.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// How many at the beginning, and at most. More, and one agent can take all of a server's share for its kind; fewer,
/// and a far server is used badly.
const AT_FIRST: f64 = 16.0;
const AT_MOST: f64 = 64.0;
/// How long to leave a server alone that pushes back and doesn't say for how long.
const PAUSE: Duration = Duration::from_millis(250);
/// How often at most the number is halved: what is under way when a server begins to push back fails together.
const HALVING: Duration = Duration::from_secs(1);

/// The numbers, without a clock of their own.
#[derive(Debug)]
struct Rate {
    at_once: f64,
    under_way: u32,
    not_before: Option<Instant>,
    halved_at: Option<Instant>,
}

/// Whether one more may begin.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Now,
    At(Instant),
    WhenOneEnds,
}

impl Rate {
    const fn new() -> Self {
        Self { at_once: AT_FIRST, under_way: 0, not_before: None, halved_at: None }
    }

    fn next(&self, now: Instant) -> Next {
        match self.not_before {
            Some(at) if at > now => Next::At(at),
            _ if f64::from(self.under_way) >= self.at_once.floor() => Next::WhenOneEnds,
            _ => Next::Now,
        }
    }

    fn went_well(&mut self) {
        self.at_once = (self.at_once + 1.0 / self.at_once).min(AT_MOST);
    }

    fn was_pushed_back(&mut self, now: Instant, retry_after: Option<Duration>) {
        if self.halved_at.is_none_or(|at| now.duration_since(at) >= HALVING) {
            self.at_once = (self.at_once / 2.0).max(1.0);
            self.halved_at = Some(now);
        }
        self.not_before = self.not_before.max(Some(now + retry_after.unwrap_or(PAUSE)));
    }
}

/// The pace at which one agent creates.
#[derive(Debug)]
pub(super) struct Pace {
    rate: Mutex<Rate>,
    ended: Notify,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { rate: Mutex::new(Rate::new()), ended: Notify::new() }
    }

    fn rate(&self) -> MutexGuard<'_, Rate> {
        self.rate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for one's turn.
    pub(super) async fn turn(&self) -> Turn<'_> {
        loop {
            let mut ended = std::pin::pin!(self.ended.notified());
            // Before the look, so that no end is missed between the two.
            ended.as_mut().enable();
            let next = {
                let mut rate = self.rate();
                let next = rate.next(Instant::now());
                if next == Next::Now {
                    rate.under_way += 1;
                }
                next
            };
            match next {
                Next::Now => return Turn { pace: self },
                Next::At(at) => tokio::time::sleep_until(at).await,
                Next::WhenOneEnds => ended.await,
            }
        }
    }
}

/// A create that is under way, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pace: &'a Pace,
}

impl Turn<'_> {
    /// The server took it.
    pub(super) fn went_well(&self) {
        self.pace.rate().went_well();
    }

    /// The server pushed back.
    pub(super) fn was_pushed_back(&self, retry_after: Option<Duration>) {
        self.pace.rate().was_pushed_back(Instant::now(), retry_after);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.pace.rate().under_way -= 1;
        // All of them, since the number may have grown by more than one; whoever finds no room waits on.
        self.pace.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_grows_while_all_goes_well_and_halves_once_when_pushed_back() {
        let mut rate = Rate::new();
        for _ in 0..10_000 {
            rate.went_well();
        }
        assert!((rate.at_once - AT_MOST).abs() < 0.1);
        let now = Instant::now();
        for _ in 0..30 {
            rate.was_pushed_back(now, None);
        }
        assert!((rate.at_once - AT_MOST / 2.0).abs() < 0.1, "what fails together counts once");
        for second in 1..20 {
            rate.was_pushed_back(now + Duration::from_secs(second), None);
        }
        assert!((rate.at_once - 1.0).abs() < f64::EPSILON, "but never none");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_begins_while_the_server_wants_to_be_left_alone() {
        let pace = Pace::new();
        pace.turn().await.was_pushed_back(Some(Duration::from_secs(7)));
        let before = Instant::now();
        drop(pace.turn().await);
        assert_eq!(before.elapsed(), Duration::from_secs(7));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_ends_makes_room_for_the_next() {
        let pace = Pace::new();
        let mut turns = Vec::new();
        for _ in 0..16 {
            turns.push(pace.turn().await);
        }
        assert!(tokio::time::timeout(Duration::from_secs(1), pace.turn()).await.is_err());
        let (next, ()) = tokio::join!(pace.turn(), async { drop(turns.pop()) });
        drop(next);
    }
}

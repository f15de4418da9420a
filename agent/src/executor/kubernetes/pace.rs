//! How many creates are under way at once: more while the API server takes them, half as many when it pushes back,
//! and none for as long as it asks to be left alone.
//!
//! A turn is taken before the claim, whose seconds then run only when the create may go at once. Whoever has claimed
//! and needs another turn, to ask again or for more, goes before all who have not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
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
    /// How many places there are, taken or not: more than `at_once` until those that are too many have come back.
    places: usize,
    not_before: Option<Instant>,
    halved_at: Option<Instant>,
}

impl Rate {
    const fn new() -> Self {
        Self { at_once: AT_FIRST, places: 0, not_before: None, halved_at: None }
    }

    fn wanted(&self) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is from 1 to AT_MOST"
        )]
        {
            self.at_once as usize
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
pub(crate) struct Pace {
    rate: Mutex<Rate>,
    places: Arc<Semaphore>,
    /// Where those wait who have claimed nothing: one at a time goes on to wait for a place, among those who have.
    door: tokio::sync::Mutex<()>,
}

impl Pace {
    pub(super) fn new() -> Self {
        let pace = Self {
            rate: Mutex::new(Rate::new()),
            places: Arc::new(Semaphore::new(0)),
            door: tokio::sync::Mutex::new(()),
        };
        pace.fit(&mut pace.rate());
        pace
    }

    fn rate(&self) -> MutexGuard<'_, Rate> {
        self.rate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the places as many as they should be; of those that are taken none is.
    fn fit(&self, rate: &mut Rate) {
        let wanted = rate.wanted();
        if rate.places < wanted {
            self.places.add_permits(wanted - rate.places);
            rate.places = wanted;
        } else {
            rate.places -= self.places.forget_permits(rate.places - wanted);
        }
    }

    /// Waits for one's turn, in the order of asking, with nothing claimed yet.
    pub(super) async fn turn(self: &Arc<Self>) -> Turn {
        let _first = self.door.lock().await;
        let turn = self.another().await;
        turn.ready().await;
        turn
    }

    /// Waits for another turn, with what was claimed.
    pub(super) async fn another(self: &Arc<Self>) -> Turn {
        // Never closed.
        let place = self.places.clone().acquire_owned().await.ok();
        Turn { pace: self.clone(), place }
    }

    /// For how long the server wants to be left alone.
    pub(super) fn left_alone_for(&self) -> Duration {
        let not_before = self.rate().not_before;
        not_before.map(|at| at.saturating_duration_since(Instant::now())).unwrap_or_default()
    }
}

/// A create's place among those that may be under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    pace: Arc<Pace>,
    place: Option<OwnedSemaphorePermit>,
}

impl Turn {
    /// Waits for as long as the server wants to be left alone.
    pub(super) async fn ready(&self) {
        loop {
            match self.pace.left_alone_for() {
                Duration::ZERO => return,
                wait => tokio::time::sleep(wait).await,
            }
        }
    }

    /// The server took it.
    pub(super) fn went_well(&self) {
        let mut rate = self.pace.rate();
        rate.went_well();
        self.pace.fit(&mut rate);
    }

    /// The server pushed back.
    pub(super) fn was_pushed_back(&self, retry_after: Option<Duration>) {
        let mut rate = self.pace.rate();
        rate.was_pushed_back(Instant::now(), retry_after);
        self.pace.fit(&mut rate);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut rate = self.pace.rate();
        if rate.places > rate.wanted()
            && let Some(place) = self.place.take()
        {
            place.forget();
            rate.places -= 1;
        }
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

    /// All turns that there are.
    async fn all(pace: &Arc<Pace>) -> Vec<Turn> {
        let mut turns = Vec::new();
        while let Ok(turn) = tokio::time::timeout(Duration::from_secs(1), pace.turn()).await {
            turns.push(turn);
        }
        turns
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_begins_while_the_server_wants_to_be_left_alone() {
        let pace = Arc::new(Pace::new());
        let early = pace.turn().await;
        pace.turn().await.was_pushed_back(Some(Duration::from_secs(7)));
        let before = Instant::now();
        early.ready().await;
        drop(pace.turn().await);
        assert_eq!(before.elapsed(), Duration::from_secs(7));
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_as_many_turns_as_may_be_under_way_at_once_and_one_that_ends_makes_room() {
        let pace = Arc::new(Pace::new());
        let mut turns = all(&pace).await;
        assert_eq!(turns.len(), 16);
        let (next, ()) = tokio::join!(pace.turn(), async { drop(turns.pop()) });
        drop(next);
        turns[0].was_pushed_back(None);
        drop(turns);
        let mut turns = all(&pace).await;
        assert_eq!(turns.len(), 8, "those that were too many did not come back");
        for _ in 0..18 {
            turns[0].went_well();
        }
        turns.extend(all(&pace).await);
        assert_eq!(turns.len(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_has_claimed_goes_before_those_who_have_not() {
        let pace = Arc::new(Pace::new());
        let mut turns = all(&pace).await;
        let order = Mutex::new(Vec::new());
        let came = |who| order.lock().unwrap().push(who);
        tokio::join!(
            async { drop((pace.turn().await, came("unclaimed"))) },
            async { drop((pace.turn().await, came("unclaimed"))) },
            async { drop((pace.another().await, came("claimed"))) },
            async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                drop(turns.pop());
            }
        );
        assert_eq!(order.into_inner().unwrap(), ["unclaimed", "claimed", "unclaimed"]);
    }
}

//! How many creates are under way at once: more while the API server takes them, half as many when it pushes back,
//! and none for as long as it asks to be left alone.
//!
//! A turn is taken before the claim, whose seconds then run only when the create may go soon: half as many claim as
//! may create, so that no place is idle while a claim is on its way. Whoever has claimed waits for a place, and so does
//! whoever has to ask again, or for more.

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
    not_before: Option<Instant>,
    halved_at: Option<Instant>,
    /// How often it was pushed back.
    pushbacks: u64,
}

impl Rate {
    const fn new() -> Self {
        Self { at_once: AT_FIRST, not_before: None, halved_at: None, pushbacks: 0 }
    }

    /// How many creates may be under way.
    fn creates(&self) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is from 1 to AT_MOST"
        )]
        {
            self.at_once as usize
        }
    }

    /// How many may claim, or have claimed and wait for their place.
    fn turns(&self) -> usize {
        self.creates().div_ceil(2)
    }

    fn went_well(&mut self) {
        self.at_once = (self.at_once + 1.0 / self.at_once).min(AT_MOST);
    }

    fn was_pushed_back(&mut self, now: Instant, retry_after: Option<Duration>) {
        self.pushbacks += 1;
        if self.halved_at.is_none_or(|at| now.duration_since(at) >= HALVING) {
            self.at_once = (self.at_once / 2.0).max(1.0);
            self.halved_at = Some(now);
        }
        self.not_before = self.not_before.max(Some(now + retry_after.unwrap_or(PAUSE)));
    }
}

/// Places of which there can be fewer while they are taken: those that are too many are not given out again.
#[derive(Debug)]
struct Places {
    free: Arc<Semaphore>,
    count: Mutex<Count>,
}

#[derive(Debug, Default)]
struct Count {
    wanted: usize,
    /// Taken or not.
    there: usize,
}

impl Places {
    fn new(wanted: usize) -> Self {
        let places = Self { free: Arc::new(Semaphore::new(0)), count: Mutex::default() };
        places.fit(wanted);
        places
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes them as many as they should be; of those that are taken none is.
    fn fit(&self, wanted: usize) {
        let mut count = self.count();
        count.wanted = wanted;
        if count.there < wanted {
            self.free.add_permits(wanted - count.there);
            count.there = wanted;
        } else {
            count.there -= self.free.forget_permits(count.there - wanted);
        }
    }

    /// Waits for one, in the order of asking.
    async fn take(self: &Arc<Self>) -> Taken {
        // Never closed.
        Taken { permit: self.free.clone().acquire_owned().await.ok(), places: self.clone() }
    }
}

/// One of them, until it is dropped.
#[derive(Debug)]
struct Taken {
    permit: Option<OwnedSemaphorePermit>,
    places: Arc<Places>,
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut count = self.places.count();
        if count.there > count.wanted
            && let Some(permit) = self.permit.take()
        {
            permit.forget();
            count.there -= 1;
        }
    }
}

/// The pace at which one agent creates.
#[derive(Debug)]
pub(crate) struct Pace {
    rate: Mutex<Rate>,
    turns: Arc<Places>,
    creates: Arc<Places>,
}

impl Pace {
    pub(super) fn new() -> Self {
        let rate = Rate::new();
        let (turns, creates) = (Arc::new(Places::new(rate.turns())), Arc::new(Places::new(rate.creates())));
        Self { rate: Mutex::new(rate), turns, creates }
    }

    fn rate(&self) -> MutexGuard<'_, Rate> {
        self.rate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Rate)) {
        let mut rate = self.rate();
        change(&mut rate);
        self.turns.fit(rate.turns());
        self.creates.fit(rate.creates());
    }

    /// How many creates may be under way, and how often the server has pushed back.
    pub(super) fn told(&self) -> (u32, u64) {
        let rate = self.rate();
        (u32::try_from(rate.creates()).unwrap_or(u32::MAX), rate.pushbacks)
    }

    /// Waits for one's turn to claim, in the order of asking.
    pub(super) async fn turn(self: &Arc<Self>) -> Turn {
        let turn = Turn { pace: self.clone(), _taken: self.turns.take().await };
        self.welcome().await;
        turn
    }

    /// Waits for a place to create what was claimed.
    pub(super) async fn place(self: &Arc<Self>) -> Place {
        let place = Place { pace: self.clone(), _taken: self.creates.take().await };
        self.welcome().await;
        place
    }

    /// Waits for as long as the server wants to be left alone.
    async fn welcome(&self) {
        loop {
            match self.left_alone_for() {
                Duration::ZERO => return,
                wait => tokio::time::sleep(wait).await,
            }
        }
    }

    /// For how long the server wants to be left alone.
    pub(super) fn left_alone_for(&self) -> Duration {
        let not_before = self.rate().not_before;
        not_before.map(|at| at.saturating_duration_since(Instant::now())).unwrap_or_default()
    }
}

/// Leave to claim, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    pace: Arc<Pace>,
    _taken: Taken,
}

impl Turn {
    /// Waits for the place that it stands for.
    pub(super) async fn place(self) -> Place {
        self.pace.place().await
    }
}

/// A create's place among those that may be under way, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    pace: Arc<Pace>,
    _taken: Taken,
}

impl Place {
    /// The server took it.
    pub(super) fn went_well(&self) {
        self.pace.change(Rate::went_well);
    }

    /// The server pushed back.
    pub(super) fn was_pushed_back(&self, retry_after: Option<Duration>) {
        self.pace.change(|rate| rate.was_pushed_back(Instant::now(), retry_after));
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

    /// All places that there are.
    async fn all(pace: &Arc<Pace>) -> Vec<Place> {
        let mut places = Vec::new();
        while let Ok(place) = tokio::time::timeout(Duration::from_secs(1), pace.place()).await {
            places.push(place);
        }
        places
    }

    /// All turns that there are.
    async fn turns(pace: &Arc<Pace>) -> Vec<Turn> {
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
        pace.place().await.was_pushed_back(Some(Duration::from_secs(7)));
        let before = Instant::now();
        drop(early.place().await);
        drop(pace.turn().await);
        assert_eq!(before.elapsed(), Duration::from_secs(7));
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_as_many_places_as_may_be_under_way_at_once_and_one_that_ends_makes_room() {
        let pace = Arc::new(Pace::new());
        let mut places = all(&pace).await;
        assert_eq!(places.len(), 16);
        let (next, ()) = tokio::join!(pace.place(), async { drop(places.pop()) });
        drop(next);
        places[0].was_pushed_back(None);
        drop(places);
        let mut places = all(&pace).await;
        assert_eq!(places.len(), 8, "those that were too many did not come back");
        for _ in 0..18 {
            places[0].went_well();
        }
        places.extend(all(&pace).await);
        assert_eq!(places.len(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn half_as_many_claim_as_may_create_and_a_turn_is_over_when_it_has_its_place() {
        let pace = Arc::new(Pace::new());
        let places = all(&pace).await;
        let mut claimed = turns(&pace).await;
        assert_eq!(claimed.len(), 8);
        let Some(first) = claimed.pop() else { panic!("there is none") };
        let mut first = Box::pin(first.place());
        let early = tokio::time::timeout(Duration::from_secs(1), &mut first).await;
        assert!(early.is_err(), "all places are taken");
        assert!(turns(&pace).await.is_empty(), "it has its turn until then");
        drop(places);
        let first = first.await;
        assert_eq!(turns(&pace).await.len(), 1);
        for _ in 0..3 {
            tokio::time::sleep(HALVING).await;
            first.was_pushed_back(None);
        }
        drop(claimed);
        assert_eq!(turns(&pace).await.len(), 1, "two may create");
    }
}

//! The claim protocol over random interleavings, on the real [`step`]: two agent replicas, a broker that loses,
//! doubles and reorders, creates that land late, kills, stops; and single rules by example.
//!
//! The model is that of the design's `claims.py`, with the scheduler's half replaced by the code that runs.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::id::RunId;
use crate::lifecycle::RetryPolicy;

const LIMITS: ClaimLimits =
    ClaimLimits { validity: Duration::from_secs(10), create_grace: Duration::from_secs(60), replace: false };

fn at(seconds: u64) -> Time {
    Time::from_micros(0).plus(Duration::from_secs(seconds))
}

fn queued(max_retries: u32) -> DispatchState {
    let state = DispatchState::new(RetryPolicy::of(max_retries));
    let state = step(&state, &Event::Compile, at(0), 0.0).unwrap().state;
    step(&state, &Event::Queue, at(0), 0.0).unwrap().state
}

fn ended(outcome: Outcome) -> Phase {
    Phase::Ended(End { outcome, exit_code: Some(1), reason: "ExitCode".into(), message: "ended".into() })
}

fn report(attempt: u32, rank: u32, seconds: u64, phase: Phase) -> Report {
    Report {
        run: RunId::new(),
        attempt,
        uid: Some(format!("u{attempt}")),
        rank,
        at: at(seconds),
        span: None,
        phase,
    }
}

fn claimed(max_retries: u32) -> DispatchState {
    let state = step(&queued(max_retries), &Event::Admit, at(1), 0.0).unwrap().state;
    let claim = Event::Claim { replica: "r", nonce: "n", attempt: 0, limits: LIMITS };
    step(&state, &claim, at(2), 0.0).unwrap().state
}

#[test]
fn an_offer_that_fails_is_known_since_the_first_time_until_it_is_made() {
    let failing = |state: &DispatchState| state.offered.unwrap().failing_since;
    let admitted = step(&queued(0), &Event::Admit, at(1), 0.0).unwrap().state;
    let failed = step(&admitted, &Event::OfferFailed, at(2), 0.0).unwrap().state;
    assert_eq!((failing(&failed), failed.offered.unwrap().times), (Some(at(2)), 1));
    assert_eq!(step(&failed, &Event::OfferFailed, at(3), 0.0), Err(Ignored::Late));
    let made = step(&failed, &Event::Offer, at(4), 0.0).unwrap().state;
    assert_eq!((failing(&made), made.offered.unwrap().times), (None, 2));
    let claimed = claimed(0);
    assert!(step(&claimed, &Event::OfferFailed, at(5), 0.0).is_err(), "an agent has it");
}

#[test]
fn a_run_goes_from_the_backlog_to_success() {
    let state =
        step(&claimed(0), &Event::Report(&report(0, 1, 3, Phase::Running)), at(4), 0.0).unwrap().state;
    assert_eq!((state.status, state.started_at), (Status::Running, Some(at(3))));
    let done = step(&state, &Event::Report(&report(0, 2, 5, ended(Outcome::Succeeded))), at(6), 0.0).unwrap();
    assert_eq!((done.state.status, done.state.finished_at), (Status::Succeeded, Some(at(5))));
    assert!(!done.state.status.holds_slot());
}

#[test]
fn the_same_claim_asked_again_is_granted_again_and_another_is_not() {
    let state = claimed(0);
    let same = Event::Claim { replica: "r", nonce: "n", attempt: 0, limits: LIMITS };
    let again = step(&state, &same, at(5), 0.0).unwrap().state;
    assert_eq!(again.claim, state.claim, "its validity is not prolonged");
    assert!(step(&state, &same, at(12), 0.0).is_err(), "and it ends");
    for (replica, nonce) in [("r", "m"), ("s", "n")] {
        let other = Event::Claim { replica, nonce, attempt: 0, limits: LIMITS };
        let refused = step(&state, &other, at(5), 0.0).unwrap_err();
        assert_eq!(refused, Ignored::Dropped(DropReason::ClaimedByAnother));
    }
}

#[test]
fn absence_is_believed_only_in_answer_to_a_question_asked_after_the_claim_was_over() {
    let state = claimed(0);
    assert_eq!(
        step(&state, &Event::Absent { attempt: 0, question: 0 }, at(90), 0.0).unwrap_err(),
        Ignored::NotAsked
    );
    assert_eq!(step(&state, &Event::Ask, at(71), 0.0).unwrap_err(), Ignored::ClaimNotOver);
    let asked = step(&state, &Event::Ask, at(72), 0.0).unwrap().state;
    let again = step(&asked, &Event::Ask, at(80), 0.0).unwrap().state;
    assert!(step(&again, &Event::Absent { attempt: 0, question: 1 }, at(81), 0.0).is_err(), "an old answer");
    let back = step(&again, &Event::Absent { attempt: 0, question: 2 }, at(81), 0.0).unwrap().state;
    assert_eq!((back.status, back.attempt, back.lost_claims), (Status::Scheduled, 0, 1));
}

#[test]
fn five_claims_without_a_start_are_poison() {
    let mut state = step(&queued(9), &Event::Admit, at(1), 0.0).unwrap().state;
    for n in 1..=MAX_LOST_CLAIMS {
        let now = u64::from(n) * 1_000;
        let nonce = n.to_string();
        let claim = Event::Claim { replica: "r", nonce: &nonce, attempt: 0, limits: LIMITS };
        state = step(&state, &claim, at(now), 0.0).unwrap().state;
        state = step(&state, &Event::Ask, at(now + 70), 0.0).unwrap().state;
        let absent = Event::Absent { attempt: 0, question: state.question };
        let done = step(&state, &absent, at(now + 71), 0.0).unwrap();
        assert_eq!(done.dead_letter.is_some(), n == MAX_LOST_CLAIMS);
        state = done.state;
    }
    assert_eq!(state.status, Status::Failed);
    assert_eq!(state.end.unwrap().outcome, Outcome::Failed(FailureClass::Poison));
}

#[test]
fn a_failed_attempt_is_retried_and_late_reports_of_it_change_nothing() {
    let first = claimed(1);
    let end = report(0, 5, 3, ended(Outcome::Failed(FailureClass::User)));
    let retrying = step(&first, &Event::Report(&end), at(4), 1.0).unwrap().state;
    assert_eq!((retrying.status, retrying.attempt), (Status::Retrying, 1));
    assert_eq!(retrying.due_at, Some(at(5)));
    assert!(!retrying.status.holds_slot());
    for late in [end, report(0, 9, 3, ended(Outcome::Succeeded)), report(0, 1, 3, Phase::Running)] {
        let ignored = step(&retrying, &Event::Report(&late), at(6), 0.0).unwrap_err();
        assert_eq!(ignored, Ignored::OtherAttempt { said: 0, current: 1 });
        assert!(ignored.settles_an_end());
    }
}

#[test]
fn reports_of_a_lower_rank_or_of_other_objects_are_late() {
    let running =
        step(&claimed(0), &Event::Report(&report(0, 5, 3, Phase::Running)), at(4), 0.0).unwrap().state;
    let late = report(0, 5, 3, Phase::Created);
    assert_eq!(step(&running, &Event::Report(&late), at(5), 0.0).unwrap_err(), Ignored::Late);
    let other = Report { uid: Some("other".into()), ..report(0, 9, 3, ended(Outcome::Succeeded)) };
    assert_eq!(step(&running, &Event::Report(&other), at(5), 0.0).unwrap_err(), Ignored::OtherObject);
}

#[test]
fn what_befell_objects_is_told_once_and_changes_nothing_else() {
    let notice = |attempt, reason: &str, message: &str| Notice {
        run: RunId::new(),
        attempt,
        uid: "u".into(),
        at: at(3),
        reason: reason.into(),
        message: message.into(),
    };
    let mut state = claimed(1);
    let told = step(&state, &Event::Notice(&notice(0, "FailedMount", "no secret")), at(4), 0.0).unwrap();
    let [condition] = told.conditions.as_slice() else { panic!("{told:?}") };
    assert_eq!((condition.status, condition.reason.as_str()), (Status::Starting, "FailedMount"));
    assert_eq!((condition.message.as_str(), condition.at), ("no secret", at(3)));
    let rest = DispatchState { noticed: Vec::new(), ..told.state.clone() };
    assert_eq!(rest, state);
    state = told.state;
    for (notice, ignored) in [
        (notice(0, "FailedMount", "no secret"), Ignored::Late),
        (notice(1, "FailedMount", "no secret"), Ignored::OtherAttempt { said: 1, current: 0 }),
    ] {
        assert_eq!(step(&state, &Event::Notice(&notice), at(4), 0.0).unwrap_err(), ignored);
    }
    let mut taken = 0;
    for reason in 0..9 {
        for message in 0..9 {
            let notice = notice(0, &reason.to_string(), &message.to_string());
            if let Ok(told) = step(&state, &Event::Notice(&notice), at(4), 0.0) {
                state = told.state;
                taken += 1;
            }
        }
    }
    assert_eq!(taken, 15, "a flood is cut off");
    let failed = report(0, 2, 5, ended(Outcome::Failed(FailureClass::User)));
    let retrying = step(&state, &Event::Report(&failed), at(6), 0.0).unwrap().state;
    assert_eq!(retrying.noticed, [], "the next attempt has its own");
    let other = step(&retrying, &Event::Notice(&notice(1, "FailedMount", "x")), at(7), 0.0);
    assert_eq!(other.unwrap_err(), Ignored::NotClaimed);
}

#[test]
fn objects_that_vanish_without_an_end_are_a_lost_node() {
    let running =
        step(&claimed(0), &Event::Report(&report(0, 1, 3, Phase::Running)), at(4), 0.0).unwrap().state;
    let asked = step(&running, &Event::Ask, at(5), 0.0).unwrap().state;
    let gone = Event::Absent { attempt: 0, question: asked.question };
    let next = step(&asked, &gone, at(6), 0.0).unwrap().state;
    assert_eq!((next.status, next.attempt, next.user_retries), (Status::Retrying, 1, 0));
}

#[test]
fn a_stop_is_final_at_once_where_nothing_can_be_alive_and_waits_where_something_may() {
    let stop = Event::Stop { by: "me" };
    assert_eq!(step(&queued(0), &stop, at(1), 0.0).unwrap().state.status, Status::Stopped);
    let offered = step(&queued(0), &Event::Admit, at(1), 0.0).unwrap().state;
    let stopped = step(&offered, &stop, at(1), 0.0).unwrap().state;
    assert_eq!(stopped.status, Status::Stopped);
    let late = Event::Claim { replica: "r", nonce: "n", attempt: 0, limits: LIMITS };
    assert!(matches!(step(&stopped, &late, at(2), 0.0), Err(Ignored::Dropped(_))));
    let stopping = step(&claimed(3), &stop, at(3), 0.0).unwrap().state;
    assert_eq!(stopping.status, Status::Stopping);
    let end = report(0, 1, 4, ended(Outcome::Failed(FailureClass::User)));
    let done = step(&stopping, &Event::Report(&end), at(5), 0.0).unwrap().state;
    assert_eq!(done.status, Status::Stopped, "and it is not retried");
}

#[test]
fn a_claimed_run_is_neither_admitted_nor_queued_again() {
    for event in [Event::Admit, Event::Queue, Event::Withdraw { reason: "paused" }] {
        assert!(matches!(step(&claimed(0), &event, at(3), 0.0), Err(Ignored::NoEdge { .. })), "{event:?}");
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Objects {
    Never,
    Live,
    Ended,
    Gone,
}

#[derive(Clone, Copy, Debug)]
enum Replica {
    Idle,
    Got(u32, u32),
    Go { attempt: u32, valid_until: Time },
}

/// One run with everything around it that can go wrong.
struct World {
    now: Time,
    state: DispatchState,
    offers: Vec<u32>,
    replicas: [Replica; 2],
    in_flight: Vec<(u32, Time)>,
    objects: BTreeMap<u32, Objects>,
    executed: BTreeMap<u32, u32>,
    tombstone_until: BTreeMap<u32, Time>,
    reports: Vec<Report>,
    answers: Vec<(u32, u32)>,
    receipts: Vec<u32>,
    nonces: u32,
    finals: u32,
}

impl World {
    fn new() -> Self {
        Self {
            now: at(0),
            state: queued(2),
            offers: Vec::new(),
            replicas: [Replica::Idle; 2],
            in_flight: Vec::new(),
            objects: BTreeMap::new(),
            executed: BTreeMap::new(),
            tombstone_until: BTreeMap::new(),
            reports: Vec::new(),
            answers: Vec::new(),
            receipts: Vec::new(),
            nonces: 0,
            finals: 0,
        }
    }

    fn apply(&mut self, event: &Event<'_>) -> Result<(), Ignored> {
        let before = self.state.status;
        let done = step(&self.state, event, self.now, 0.5)?;
        // A stop of what makes room is told, and changes no status.
        let mut statuses: Vec<_> =
            std::iter::once(before).chain(done.conditions.iter().map(|condition| condition.status)).collect();
        statuses.dedup();
        for pair in statuses.windows(2) {
            assert!(pair[0].may_become(pair[1]), "{} -> {}", pair[0], pair[1]);
        }
        self.finals += u32::from(!before.is_final() && done.state.status.is_final());
        self.state = done.state;
        Ok(())
    }

    /// An event that may come to nothing.
    fn happens(&mut self, event: &Event<'_>) {
        self.apply(event).unwrap_or_default();
    }

    fn act(&mut self, action: u8, pick: u8) {
        let which = usize::from(pick);
        match action % 16 {
            0 => self.happens(&Event::Admit),
            1 if self.state.is_offered() => {
                self.offers.push(self.state.attempt);
                self.happens(&Event::Offer);
            }
            2 if !self.offers.is_empty() => {
                let _ = self.offers.swap_remove(which % self.offers.len());
                self.happens(&Event::OfferFailed);
            }
            3 if !self.offers.is_empty() => self.offers.push(self.offers[which % self.offers.len()]),
            4 => {
                if let Some(attempt) = (!self.offers.is_empty()).then(|| self.offers.swap_remove(0))
                    && matches!(self.replicas[which % 2], Replica::Idle)
                {
                    self.nonces += 1;
                    self.replicas[which % 2] = Replica::Got(attempt, self.nonces);
                }
            }
            5 | 6 => self.claim(which % 2, pick > 100),
            7 | 8 => self.create(which % 2),
            9 => self.replicas[which % 2] = Replica::Idle, // killed
            10 => self.land(which),
            11 => self.live_on(which),
            12 => self.take_in(which, pick > 200),
            13 => self.ask_and_answer(pick),
            14 => self.now = self.now.plus(Duration::from_secs(u64::from(pick % 50))),
            15 if pick < 6 => self.happens(&Event::Stop { by: "someone" }),
            15 if pick < 40 => {
                let by = RunId::from_uuid(uuid::Uuid::nil());
                self.happens(&Event::MakeRoom { by, reason: "another goes first" });
            }
            _ => self.timers(),
        }
    }

    fn claim(&mut self, which: usize, answer_lost: bool) {
        let Replica::Got(attempt, nonce) = self.replicas[which] else { return };
        let (replica, nonce) = (which.to_string(), nonce.to_string());
        let event = Event::Claim { replica: &replica, nonce: &nonce, attempt, limits: LIMITS };
        let sent = self.now;
        match self.apply(&event) {
            Ok(()) if answer_lost => {}
            Ok(()) => {
                // What is left of the claim, counted from sending.
                let left = self.state.claim.as_ref().unwrap().valid_for(self.now);
                self.replicas[which] = Replica::Go { attempt, valid_until: sent.plus(left) };
            }
            Err(_) => self.replicas[which] = Replica::Idle,
        }
    }

    fn create(&mut self, which: usize) {
        if let Replica::Go { attempt, valid_until } = self.replicas[which] {
            if self.now < valid_until {
                self.in_flight.push((attempt, self.now.plus(LIMITS.create_grace)));
            }
            if self.now >= valid_until || self.in_flight.len() > 2 {
                self.replicas[which] = Replica::Idle;
            }
        }
    }

    fn land(&mut self, which: usize) {
        if self.in_flight.is_empty() {
            return;
        }
        let (attempt, until) = self.in_flight.swap_remove(which % self.in_flight.len());
        let objects = self.objects.entry(attempt).or_insert(Objects::Never);
        if self.now < until && matches!(objects, Objects::Never | Objects::Gone) {
            *objects = Objects::Live;
            *self.executed.entry(attempt).or_default() += 1;
            self.tombstone_until.insert(attempt, self.now.plus(LIMITS.validity + LIMITS.create_grace));
            self.reports.push(report(attempt, 1, 0, Phase::Running));
        }
    }

    /// A live attempt ends; an ended one is reported again, or released once its receipt has come.
    fn live_on(&mut self, which: usize) {
        let nth = which % self.objects.len().max(1);
        let Some((&attempt, objects)) = self.objects.iter_mut().nth(nth) else { return };
        match objects {
            Objects::Live => *objects = Objects::Ended,
            Objects::Ended if self.receipts.contains(&attempt) => {
                if self.now >= self.tombstone_until[&attempt] {
                    *objects = Objects::Gone;
                }
            }
            Objects::Ended => {
                let failed = !which.is_multiple_of(3);
                let class = if which.is_multiple_of(5) { FailureClass::NodeLost } else { FailureClass::User };
                let outcome = if failed { Outcome::Failed(class) } else { Outcome::Succeeded };
                self.reports.push(report(attempt, 9, 0, ended(outcome)));
            }
            Objects::Never | Objects::Gone => {}
        }
    }

    fn take_in(&mut self, which: usize, lost: bool) {
        if self.reports.is_empty() {
            return;
        }
        let report = self.reports.swap_remove(which % self.reports.len());
        if lost {
            return;
        }
        let taken = self.apply(&Event::Report(&report));
        let settled = taken.map_or_else(Ignored::settles_an_end, |()| true);
        if matches!(report.phase, Phase::Ended(_)) && settled {
            self.receipts.push(report.attempt);
        }
    }

    fn ask_and_answer(&mut self, pick: u8) {
        if pick.is_multiple_of(2) && self.apply(&Event::Ask).is_ok() {
            let attempt = self.state.attempt;
            let objects = self.objects.get(&attempt).copied().unwrap_or(Objects::Never);
            if matches!(objects, Objects::Never | Objects::Gone) {
                self.answers.push((attempt, self.state.question));
            }
        } else if let Some((attempt, question)) = self.answers.pop() {
            self.happens(&Event::Absent { attempt, question });
        }
    }

    fn timers(&mut self) {
        let due =
            self.state.status == Status::Retrying && self.state.due_at.is_some_and(|due| due <= self.now);
        if due {
            self.happens(&Event::Queue);
        }
        // Desired state: what should not be alive is ended.
        for (&attempt, objects) in &mut self.objects {
            let unwanted = attempt < self.state.attempt
                || self.state.status == Status::Stopping
                || self.state.status.is_final();
            if *objects == Objects::Live && unwanted {
                *objects = Objects::Ended;
            }
        }
    }

    fn check(&self) {
        assert!(self.executed.values().all(|times| *times <= 1), "an attempt was executed twice");
        let live = self.objects.values().filter(|objects| **objects == Objects::Live).count();
        assert!(live <= 1, "two attempts overlap");
        assert!(self.finals <= 1, "a run ended twice");
        if self.state.status == Status::Stopped {
            assert_eq!(live, 0, "a stopped run lives");
        }
    }

    /// Lets everything work as it should, until nothing moves any more.
    fn settle(&mut self) {
        for round in 0..2_000_u32 {
            let pick = u8::try_from(round % 90).unwrap();
            for action in [0, 1, 4, 5, 7, 10, 11, 12, 13, 13] {
                self.act(action, pick / 10 * 10 + pick % 10);
                self.check();
            }
            self.timers();
            let is_alive = self.objects.values().any(|objects| *objects == Objects::Live);
            if self.state.status.is_final() && !is_alive && self.in_flight.is_empty() {
                return;
            }
            self.now = self.now.plus(Duration::from_secs(30));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_interleaving_executes_an_attempt_twice_or_forgets_a_run(
        actions in prop::collection::vec((any::<u8>(), any::<u8>()), 0..200)
    ) {
        let mut world = World::new();
        for (action, pick) in actions {
            world.act(action, pick);
            world.check();
        }
        world.settle();
        prop_assert!(world.state.status.is_final(), "stuck in {:?}", world.state);
        prop_assert!(!world.objects.values().any(|objects| *objects == Objects::Live), "an orphan lives");
    }

    #[test]
    fn no_sequence_of_failures_gets_more_retries_than_its_policy_allows(
        max_retries in 0_u32..4,
        overrides in prop::collection::btree_map(0..FailureClass::ALL.len(), 0_u32..4, 0..5),
        failures in prop::collection::vec(0..FailureClass::ALL.len(), 1..60),
    ) {
        let overrides: BTreeMap<_, _> =
            overrides.into_iter().map(|(class, most)| (FailureClass::ALL[class], most)).collect();
        let policy = RetryPolicy { max_retries, overrides };
        let mut state = claimed(0);
        state.policy = policy.clone();
        let mut retries: BTreeMap<FailureClass, u32> = BTreeMap::new();
        for (n, class) in failures.into_iter().map(|class| FailureClass::ALL[class]).enumerate() {
            let attempt = state.attempt;
            let end = report(attempt, 5, 3, ended(Outcome::Failed(class)));
            state = step(&state, &Event::Report(&end), at(4), 0.5).unwrap().state;
            if state.status.is_final() {
                break;
            }
            *retries.entry(class).or_default() += 1;
            prop_assert_eq!((state.status, state.attempt), (Status::Retrying, attempt + 1));
            state = step(&state, &Event::Queue, at(5), 0.0).unwrap().state;
            state = step(&state, &Event::Admit, at(5), 0.0).unwrap().state;
            let nonce = n.to_string();
            let claim = Event::Claim { replica: "r", nonce: &nonce, attempt: attempt + 1, limits: LIMITS };
            state = step(&state, &claim, at(6), 0.0).unwrap().state;
        }
        prop_assert!(state.user_retries <= max_retries);
        let mut beyond = 0;
        for (class, n) in retries {
            let rule = policy.rule_of(class);
            let own = rule.map_or(0, |rule| rule.own_retries);
            if rule.is_some_and(|rule| rule.counts_as_users) {
                beyond += n.saturating_sub(own);
            } else {
                prop_assert!(n <= own, "{class} was retried {n} times of {own}");
            }
        }
        prop_assert_eq!(beyond, state.user_retries, "what is beyond a class's own is the user's");
    }
}

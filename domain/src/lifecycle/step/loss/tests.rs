//! Agents that are cut off, stopped and come back, and a scheduler that goes deaf, over random interleavings of the
//! functions that the services call: as long as agents end what may be replaced, no two attempts are ever alive.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use crate::id::{AgentId, RunId};
use crate::lifecycle::{
    ClaimLimits, DispatchState, End, Event, FailureClass, Outcome, RetryPolicy, Status, fail_over, step,
};
use crate::protocol::{FENCED_SECONDS, LEASE_SECONDS, Phase, Report};
use crate::scheduling::loss::{Look, Roll, Sighting};
use crate::time::Time;

const LIMITS: ClaimLimits =
    ClaimLimits { validity: Duration::from_secs(10), create_grace: Duration::from_secs(2), replace: true };
const LEASE: Duration = Duration::from_secs(LEASE_SECONDS);
const FENCED: Duration = Duration::from_secs(FENCED_SECONDS);
const TICK: Duration = Duration::from_millis(250);

/// An agent, with what lives there.
struct Side {
    id: AgentId,
    /// When the last request that was granted was sent.
    asked_at: Option<Duration>,
    requests: Vec<Duration>,
    grants: Vec<Duration>,
    /// How often a lease was granted, and until when it holds by the scheduler's clock.
    granted: i64,
    lease_until: Duration,
    is_cut: bool,
    is_stopped: bool,
    offers: Vec<u32>,
    go: Option<(u32, Duration)>,
    live: BTreeSet<u32>,
    /// Attempts that have ended and whose end was not taken in, with when and how.
    ended: Vec<(u32, Duration, Outcome)>,
}

impl Side {
    fn new(n: u128) -> Self {
        Self {
            id: AgentId::from_uuid(Uuid::from_u128(n)),
            asked_at: None,
            requests: Vec::new(),
            grants: Vec::new(),
            granted: 0,
            lease_until: Duration::ZERO,
            is_cut: false,
            is_stopped: false,
            offers: Vec::new(),
            go: None,
            live: BTreeSet::new(),
            ended: Vec::new(),
        }
    }

    fn is_there(&self) -> bool {
        !self.is_cut && !self.is_stopped
    }
}

struct World {
    now: Duration,
    state: DispatchState,
    sides: [Side; 2],
    at: usize,
    roll: Roll,
    is_deaf: bool,
    was_deaf: bool,
    fences: bool,
    nonces: u32,
    run: RunId,
    overlaps: bool,
    finals: u32,
    moves: u32,
}

impl World {
    fn new(fences: bool) -> Self {
        let created = DispatchState::new(RetryPolicy::default());
        let compiled = step(&created, &Event::Compile, at(Duration::ZERO), 0.0).unwrap().state;
        let state = step(&compiled, &Event::Queue, at(Duration::ZERO), 0.0).unwrap().state;
        Self {
            now: Duration::ZERO,
            state,
            sides: [Side::new(1), Side::new(2)],
            at: 0,
            roll: Roll::default(),
            is_deaf: false,
            was_deaf: true,
            fences,
            nonces: 0,
            run: RunId::new(),
            overlaps: false,
            finals: 0,
            moves: 0,
        }
    }

    fn happens(&mut self, event: &Event<'_>) -> bool {
        let was_final = self.state.status.is_final();
        let Ok(done) = step(&self.state, event, at(self.now), 0.5) else { return false };
        self.finals += u32::from(!was_final && done.state.status.is_final());
        self.state = done.state;
        true
    }

    fn act(&mut self, action: u8, pick: u8) {
        let which = usize::from(pick % 2);
        match action % 14 {
            0 | 1 => {
                self.ask(which);
                self.grant(which);
                self.hear(which);
            }
            2 => self.ask(which),
            3 => self.grant(which),
            4 => self.hear(which),
            5 if pick < 40 => self.sides[which].is_cut ^= true,
            6 if pick < 20 => self.sides[which].is_stopped ^= true,
            7 if pick < 10 => self.is_deaf ^= true,
            8 => self.dispatch(),
            9 => self.claim(which),
            10 => self.create(which),
            11 if pick < 10 => self.end(which),
            12 => self.report(which),
            13 => self.pass(u32::from(pick % 24)),
            _ => {}
        }
    }

    fn ask(&mut self, which: usize) {
        if self.sides[which].is_there() {
            self.sides[which].requests.push(self.now);
        }
    }

    fn grant(&mut self, which: usize) {
        let (now, side) = (self.now, &mut self.sides[which]);
        if self.is_deaf || side.requests.is_empty() {
            return;
        }
        let sent = side.requests.remove(0);
        side.granted += 1;
        side.lease_until = now + LEASE;
        side.grants.push(sent);
    }

    fn hear(&mut self, which: usize) {
        let (now, side) = (self.now, &mut self.sides[which]);
        if !side.is_there() || side.grants.is_empty() {
            return;
        }
        let sent = side.grants.remove(0);
        if sent + LEASE > now {
            side.asked_at = side.asked_at.max(Some(sent));
        }
    }

    fn dispatch(&mut self) {
        if self.is_deaf {
            return;
        }
        let due = self.state.due_at.is_some_and(|due| due <= at(self.now));
        if self.state.status == Status::Retrying && due {
            self.happens(&Event::Queue);
        }
        if self.sides[self.at].lease_until > self.now {
            self.happens(&Event::Admit);
        }
        if self.state.is_offered() {
            self.sides[self.at].offers.push(self.state.attempt);
        }
    }

    fn claim(&mut self, which: usize) {
        let now = self.now;
        let side = &mut self.sides[which];
        let leased_until = side.asked_at.map(|asked_at| asked_at + LEASE).filter(|until| *until > now);
        let (Some(leased_until), Some(attempt), true) = (leased_until, side.offers.pop(), side.is_there())
        else {
            return;
        };
        if self.is_deaf || self.at != which || side.lease_until <= now {
            return;
        }
        self.nonces += 1;
        let nonce = self.nonces.to_string();
        if self.happens(&Event::Claim { replica: "r", nonce: &nonce, attempt, limits: LIMITS }) {
            self.sides[which].go = Some((attempt, leased_until.min(now + LIMITS.validity)));
        }
    }

    fn create(&mut self, which: usize) {
        let side = &mut self.sides[which];
        if let Some((attempt, until)) = side.go.filter(|_| !side.is_stopped) {
            side.go = None;
            if self.now < until {
                side.live.insert(attempt);
            }
        }
    }

    /// What lives there ends by itself, whoever looks.
    fn end(&mut self, which: usize) {
        let now = self.now;
        let side = &mut self.sides[which];
        side.ended.extend(side.live.iter().map(|attempt| (*attempt, now, Outcome::Succeeded)));
        side.live.clear();
    }

    fn report(&mut self, which: usize) {
        let side = &mut self.sides[which];
        if !side.is_there() || self.is_deaf {
            return;
        }
        let ended = side.ended.pop();
        let alive: Vec<u32> = side.live.iter().copied().collect();
        if let Some((attempt, when, outcome)) = ended {
            let end = End { outcome, exit_code: None, reason: "x".into(), message: "x".into() };
            self.say(which, attempt, 9, when, Phase::Ended(end));
        }
        for attempt in alive {
            self.say(which, attempt, 2, self.now, Phase::Running);
            // Desired state: what was given up, or is not wanted otherwise, is ended.
            if attempt < self.state.attempt || self.state.status.is_final() {
                self.sides[which].live.remove(&attempt);
                self.sides[which].ended.push((attempt, self.now, Outcome::Stopped));
            }
        }
    }

    fn say(&mut self, which: usize, attempt: u32, rank: u32, when: Duration, phase: Phase) {
        let uid = Some(format!("u{attempt}"));
        let report = Report { run: self.run, attempt, uid, rank, at: at(when), span: None, phase };
        let agent = self.sides[which].id;
        if self.state.was_at(agent, attempt) {
            self.happens(&Event::Returned { agent, report: &report, now_at: "b" });
        } else if self.at == which {
            self.happens(&Event::Report(&report));
        }
    }

    /// Time passes; what has to happen by then does, as late as it may.
    fn pass(&mut self, ticks: u32) {
        for _ in 0..ticks {
            self.now += TICK;
            for side in &mut self.sides {
                let fenced_at = side.asked_at.unwrap_or_default() + FENCED;
                if self.fences && self.now >= fenced_at {
                    let lost = Outcome::Failed(FailureClass::AgentLost);
                    side.ended.extend(side.live.iter().map(|attempt| (*attempt, fenced_at, lost)));
                    side.live.clear();
                }
            }
            self.was_deaf |= self.is_deaf;
            // Somebody waits longer, and looks seldom.
            if !self.is_deaf && self.now.subsec_nanos() == 0 {
                self.look();
            }
            self.check();
        }
    }

    fn look(&mut self) {
        let agents = self.sides.iter().map(|side| Sighting {
            agent: side.id,
            granted_at: Time::from_micros(side.granted),
            is_unheard: !side.requests.is_empty(),
            has_replaceable: true,
        });
        let look =
            Look { at: self.now, was_deaf: std::mem::take(&mut self.was_deaf), agents: agents.collect() };
        let losses = self.roll.look(&look);
        let (from, to) = (&self.sides[self.at], &self.sides[1 - self.at]);
        let may_go = to.lease_until > self.now && !losses.lost.contains(&to.id);
        if !losses.gone.contains(&from.id) || !may_go || self.state.status.is_final() {
            return;
        }
        if let Ok(done) = fail_over(&self.state, from.id, "a", at(self.now), 0.5) {
            self.finals += u32::from(done.state.status.is_final());
            self.state = done.state;
            self.at = 1 - self.at;
            self.moves += 1;
        }
    }

    fn check(&mut self) {
        self.overlaps |= self.sides.iter().map(|side| side.live.len()).sum::<usize>() > 1;
        assert!(self.finals <= 1, "a run ended twice");
    }

    /// Everybody is there and does what is to be done, until the run has ended.
    fn settle(&mut self) {
        self.is_deaf = false;
        for side in &mut self.sides {
            (side.is_cut, side.is_stopped) = (false, false);
        }
        for _ in 0..400 {
            for which in 0..2 {
                self.sides[which].requests.push(self.now);
                while !self.sides[which].requests.is_empty() {
                    self.grant(which);
                }
                while !self.sides[which].grants.is_empty() {
                    self.hear(which);
                }
                self.dispatch();
                self.claim(which);
                self.create(which);
                self.check();
                self.report(which);
                self.end(which);
                self.report(which);
            }
            let question = self.state.claim.as_ref().is_some_and(|claim| claim.over_at <= at(self.now));
            if question && self.happens(&Event::Ask) && self.sides.iter().all(|side| side.live.is_empty()) {
                let absent = Event::Absent { attempt: self.state.attempt, question: self.state.question };
                self.happens(&absent);
            }
            let is_alive = self.sides.iter().any(|side| !side.live.is_empty());
            if self.state.status.is_final() && !is_alive {
                return;
            }
            self.pass(12);
        }
    }
}

fn at(since: Duration) -> Time {
    Time::from_micros(0).plus(since)
}

/// Agent A has the run and is cut off for good; B is there all the time.
fn a_is_cut_off(fences: bool) -> World {
    let mut world = World::new(fences);
    let renew = |world: &mut World, which: usize| {
        world.sides[which].requests.push(world.now);
        world.grant(which);
        world.hear(which);
    };
    for second in 0..34 {
        if second < 5 {
            renew(&mut world, 0);
        }
        renew(&mut world, 1);
        world.dispatch();
        for which in 0..2 {
            world.claim(which);
            world.create(which);
            world.check();
            world.report(which);
        }
        world.sides[0].is_cut |= second == 5;
        world.pass(4);
    }
    world
}

#[test]
fn a_run_goes_on_elsewhere_within_thirty_seconds_after_it_has_ended_where_it_was() {
    let world = a_is_cut_off(true);
    assert_eq!((world.moves, world.at, world.state.attempt), (1, 1, 1));
    assert_eq!(world.state.status, Status::Running);
    let followed_at = world.state.given_up[0].followed_at.unwrap();
    let lost_at = at(world.sides[0].asked_at.unwrap());
    let passed = followed_at.since(lost_at);
    assert!(passed > FENCED && passed < Duration::from_secs(30), "{passed:?}");
    assert!(!world.overlaps);
    assert_eq!(world.sides[0].ended.len(), 1);
}

#[test]
fn without_fencing_two_attempts_would_live_and_the_overlap_is_shown_once_the_old_side_is_back() {
    let mut world = a_is_cut_off(false);
    assert!(world.overlaps);
    world.sides[0].is_cut = false;
    world.report(0);
    assert!(world.sides[0].live.is_empty(), "the old one is ended");
    assert!(!world.state.given_up[0].overlapped);
    let (attempt, when, _) = world.sides[0].ended[0];
    let end = Phase::Ended(End {
        outcome: Outcome::Stopped,
        exit_code: None,
        reason: "Stopped".into(),
        message: "x".into(),
    });
    let report = Report {
        run: world.run,
        attempt,
        uid: Some("u0".into()),
        rank: 9,
        at: at(when),
        span: None,
        phase: end,
    };
    let returned = Event::Returned { agent: world.sides[0].id, report: &report, now_at: "b" };
    let done = step(&world.state, &returned, at(world.now), 0.0).unwrap();
    assert_eq!(done.state.status, world.state.status, "the run goes on as it was");
    let shown = &done.conditions[0];
    assert_eq!((shown.status, shown.reason.as_str(), shown.attempt), (Status::Warning, "Overlap", 0));
    for part in ["Attempt 0", "agent a", "attempt 1", "agent b", &at(when).to_string()] {
        assert!(shown.message.contains(part), "{}", shown.message);
    }
    let again = step(&done.state, &returned, at(world.now), 0.0).unwrap_err();
    assert!(again.settles_an_end(), "and its end needs no further report");
}

#[test]
fn an_end_that_is_told_in_whole_seconds_may_have_been_later_in_its_second() {
    let world = a_is_cut_off(false);
    let followed_at = world.state.given_up[0].followed_at.unwrap();
    let followed_at = Time::from_micros(followed_at.micros() / 1_000_000 * 1_000_000);
    let attempt = world.state.given_up[0].attempt;
    let shown = |state: &DispatchState, told: Time| {
        let outcome = Outcome::Stopped;
        let end = End { outcome, exit_code: None, reason: "Stopped".into(), message: "x".into() };
        let phase = Phase::Ended(end);
        let report =
            Report { run: world.run, attempt, uid: Some("u0".into()), rank: 9, at: told, span: None, phase };
        let returned = Event::Returned { agent: world.sides[0].id, report: &report, now_at: "b" };
        step(state, &returned, followed_at.plus(Duration::from_secs(60)), 0.0).is_ok()
    };
    let mut state = world.state.clone();
    let next = followed_at.plus(Duration::from_millis(400));
    state.given_up[0].followed_at = Some(next);
    assert!(shown(&state, followed_at), "within the same second");
    assert!(!shown(&state, followed_at.plus(Duration::from_millis(399))), "told exactly");
    assert!(!shown(&state, followed_at.minus(Duration::from_secs(1))), "a second before");
}

#[test]
fn an_old_side_that_had_ended_in_time_changes_nothing() {
    let world = a_is_cut_off(true);
    let (attempt, when, outcome) = world.sides[0].ended[0];
    let end = End { outcome, exit_code: None, reason: "Fenced".into(), message: "x".into() };
    let phase = Phase::Ended(end);
    let report =
        Report { run: world.run, attempt, uid: Some("u0".into()), rank: 9, at: at(when), span: None, phase };
    let returned = Event::Returned { agent: world.sides[0].id, report: &report, now_at: "b" };
    let ignored = step(&world.state, &returned, at(world.now), 0.0).unwrap_err();
    assert!(ignored.settles_an_end());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_interleaving_has_two_attempts_alive_or_forgets_a_run(
        actions in prop::collection::vec((any::<u8>(), any::<u8>()), 0..600)
    ) {
        let mut world = World::new(true);
        for (action, pick) in actions {
            world.act(action, pick);
            world.check();
        }
        prop_assert!(!world.overlaps, "two attempts overlap: {:?}", world.state);
        world.settle();
        prop_assert!(!world.overlaps, "two attempts overlap: {:?}", world.state);
        prop_assert!(world.state.status.is_final(), "stuck in {:?}", world.state);
    }
}

#[test]
fn the_same_interleavings_find_overlaps_where_agents_do_not_fence() {
    let found = (0..2_000_u64).any(|seed| {
        let mut world = World::new(false);
        let mut bits = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        for _ in 0..600 {
            // A xorshift generator: any spread of actions does.
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            let [action, pick, ..] = bits.to_le_bytes();
            world.act(action, pick);
            world.check();
        }
        world.overlaps
    });
    assert!(found, "the model would not notice");
}

//! What becomes of a run that makes room for another one.

use std::time::Duration;

use super::super::{ClaimLimits, Event, step};
use super::*;
use crate::lifecycle::{DispatchState, End, Outcome, RetryPolicy};
use crate::protocol::{Phase, Report};

fn at(seconds: u64) -> Time {
    Time::from_micros(0).plus(Duration::from_secs(seconds))
}

fn go(state: &DispatchState, event: &Event<'_>, seconds: u64) -> DispatchState {
    step(state, event, at(seconds), 0.5).unwrap().state
}

/// Admitted and claimed, from where it waits.
fn claimed(queued: &DispatchState) -> DispatchState {
    let limits = ClaimLimits {
        validity: Duration::from_secs(10),
        create_grace: Duration::from_secs(2),
        replace: false,
    };
    let claim = Event::Claim { replica: "r", nonce: "n", attempt: queued.attempt, limits };
    go(&go(queued, &Event::Admit, 1), &claim, 2)
}

fn running(policy: RetryPolicy) -> DispatchState {
    let compiled = go(&DispatchState::new(policy), &Event::Compile, 0);
    let claimed = claimed(&go(&compiled, &Event::Queue, 0));
    go(&claimed, &Event::Report(&report(0, 1, Phase::Running)), 3)
}

fn report(attempt: u32, rank: u32, phase: Phase) -> Report {
    Report {
        run: RunId::new(),
        attempt,
        uid: Some(format!("u{attempt}")),
        rank,
        at: at(4),
        span: None,
        phase,
    }
}

fn ended(outcome: Outcome) -> Phase {
    Phase::Ended(End { outcome, exit_code: Some(143), reason: "Signal(15)".into(), message: "ended".into() })
}

fn make_room() -> Event<'static> {
    Event::MakeRoom { by: RunId::from_uuid(uuid::Uuid::nil()), reason: "a run goes before it" }
}

#[test]
fn whoever_makes_room_waits_again_as_soon_as_it_has_ended_and_keeps_its_retries() {
    let stopping = go(&running(RetryPolicy::of(0)), &make_room(), 5);
    assert_eq!(stopping.status, Status::Stopping);
    assert!(stopping.status.holds_slot(), "until it has ended");
    for outcome in [Outcome::Stopped, Outcome::Failed(FailureClass::User)] {
        let done = step(&stopping, &Event::Report(&report(0, 9, ended(outcome))), at(6), 0.5).unwrap();
        let told: Vec<_> = done.conditions.iter().map(|one| (one.status, one.reason.as_str())).collect();
        assert_eq!(told, [(Status::Retrying, "Preempted"), (Status::Queued, "Queued")]);
        let state = done.state;
        assert_eq!((state.attempt, state.user_retries, state.queued_at), (1, 0, Some(at(6))));
        assert_eq!((&state.make_room, &state.claim, &state.object), (&None, &None, &None));
        assert_eq!(claimed(&state).status, Status::Starting, "and it can start anew");
    }
}

#[test]
fn what_had_succeeded_meanwhile_is_not_done_again() {
    let stopping = go(&running(RetryPolicy::of(0)), &make_room(), 5);
    let done = go(&stopping, &Event::Report(&report(0, 9, ended(Outcome::Succeeded))), 6);
    assert_eq!(done.status, Status::Succeeded);
}

#[test]
fn what_was_claimed_and_never_created_waits_again_too() {
    let compiled = go(&DispatchState::new(RetryPolicy::of(0)), &Event::Compile, 0);
    let stopping = go(&claimed(&go(&compiled, &Event::Queue, 0)), &make_room(), 3);
    let asked = go(&stopping, &Event::Ask, 20);
    let absent = Event::Absent { attempt: 0, question: asked.question };
    let next = go(&asked, &absent, 21);
    assert_eq!((next.status, next.attempt, next.lost_claims), (Status::Queued, 1, 0));
}

#[test]
fn a_stop_of_what_makes_room_holds() {
    let stopping = go(&running(RetryPolicy::of(3)), &make_room(), 5);
    let stopped = go(&stopping, &Event::Stop { by: "me" }, 6);
    assert_eq!(stopped.status, Status::Stopping);
    let end = report(0, 9, ended(Outcome::Stopped));
    assert_eq!(go(&stopped, &Event::Report(&end), 7).status, Status::Stopped);
}

#[test]
fn nobody_makes_room_twice_at_once_or_more_often_than_its_retries_allow() {
    let stopping = go(&running(RetryPolicy::of(0)), &make_room(), 5);
    assert_eq!(step(&stopping, &make_room(), at(6), 0.5), Err(Ignored::KeepsItsPlace));
    let mut often = running(RetryPolicy::of(5));
    often.own_retries.insert(FailureClass::Preempted, 10);
    assert_eq!(step(&often, &make_room(), at(6), 0.5), Err(Ignored::KeepsItsPlace));
    let never = RetryPolicy { overrides: [(FailureClass::Preempted, 0)].into(), ..RetryPolicy::of(5) };
    assert_eq!(step(&running(never), &make_room(), at(6), 0.5), Err(Ignored::KeepsItsPlace));
    let compiled = go(&DispatchState::new(RetryPolicy::of(0)), &Event::Compile, 0);
    assert_eq!(step(&compiled, &make_room(), at(6), 0.5), Err(Ignored::KeepsItsPlace));
}

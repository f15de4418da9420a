//! Attempts at Celery workers: handed, begun, begun again, ended, stopped, and never answered.

use super::*;
use crate::lifecycle::{DispatchState, Event, RetryPolicy, Step, due, step};
use crate::time::Time;

const ANSWER_WITHIN: Duration = Duration::from_secs(600);

fn at(seconds: u64) -> Time {
    Time::from_micros(0).plus(Duration::from_secs(seconds))
}

fn taken(state: &DispatchState, event: &Event<'_>, seconds: u64) -> Step {
    step(state, event, at(seconds), 0.0).unwrap()
}

fn scheduled(retries: u32) -> DispatchState {
    DispatchState { status: Status::Scheduled, ..DispatchState::new(RetryPolicy::of(retries)) }
}

fn handed(retries: u32) -> DispatchState {
    let event = Event::Hand { attempt: 0, answer_within: ANSWER_WITHIN };
    taken(&scheduled(retries), &event, 0).state
}

fn began(by: &str) -> WorkerSaid {
    WorkerSaid::Began { by: by.to_owned() }
}

fn ended(outcome: Outcome) -> WorkerSaid {
    let (reason, message) = ("Returned".to_owned(), "Its task returned".to_owned());
    WorkerSaid::Ended(End { outcome, exit_code: None, reason, message })
}

fn said(state: &DispatchState, attempt: u32, said: &WorkerSaid, seconds: u64) -> Result<Step, Ignored> {
    step(state, &Event::Worker { attempt, said, answer_within: ANSWER_WITHIN }, at(seconds), 0.0)
}

fn reasons(step: &Step) -> Vec<&str> {
    step.conditions.iter().map(|condition| condition.reason.as_str()).collect()
}

#[test]
fn an_attempt_is_handed_begun_and_ended_by_what_workers_say() {
    let state = handed(0);
    assert_eq!((state.status, state.is_handed()), (Status::Starting, true));
    let running = said(&state, 0, &began("a"), 5).unwrap().state;
    assert_eq!((running.status, running.started_at), (Status::Running, Some(at(5))));
    let end = said(&running, 0, &ended(Outcome::Succeeded), 9).unwrap().state;
    assert_eq!((end.status, end.finished_at), (Status::Succeeded, Some(at(9))));
    assert_eq!(
        said(&end, 0, &ended(Outcome::Succeeded), 10),
        Err(Ignored::Final(Status::Succeeded)),
        "told twice, it counts once"
    );
    let again = said(&end, 0, &began("b"), 11).unwrap();
    assert_eq!((again.state.status, reasons(&again)), (Status::Succeeded, vec!["Overlap"]));
    assert_eq!(again.state.finished_at, Some(at(9)));
    assert_eq!(said(&end, 0, &began("a"), 11), Err(Ignored::Final(Status::Succeeded)), "known, and late");
}

#[test]
fn an_answer_may_come_before_it_is_known_that_the_attempt_was_published() {
    let end = said(&scheduled(0), 0, &ended(Outcome::Succeeded), 1).unwrap();
    assert_eq!((end.state.status, reasons(&end)), (Status::Succeeded, vec!["Handed", "Returned"]));
    let begun = said(&scheduled(0), 0, &began("a"), 1).unwrap().state;
    let late = Event::Hand { attempt: 0, answer_within: ANSWER_WITHIN };
    let ignored = Ignored::NoEdge { from: Status::Running, to: Status::Starting };
    assert_eq!(step(&begun, &late, at(2), 0.0), Err(ignored));
    assert_eq!(due(&begun, at(600)), None, "its workers have their time");
}

#[test]
fn what_is_begun_again_is_shown_as_an_overlap_and_ends_once() {
    let running = said(&handed(0), 0, &began("a"), 1).unwrap().state;
    let again = said(&running, 0, &began("b"), 2).unwrap();
    assert_eq!(reasons(&again), ["Overlap"]);
    assert!(again.conditions[0].message.contains("by b, after a"), "{:?}", again.conditions);
    let mut state = again.state;
    for round in 0..100 {
        state = said(&state, 0, &began(&format!("c{round}")), 3).unwrap().state;
    }
    assert!(state.noticed.len() <= 4, "no worker floods the history");
    assert_eq!(said(&state, 0, &ended(Outcome::Succeeded), 4).unwrap().state.status, Status::Succeeded);
}

#[test]
fn workers_that_never_answer_are_given_up_and_an_answer_after_that_is_shown() {
    let state = handed(1);
    assert_eq!(step(&state, &Event::NoAnswer, at(599), 0.0), Err(Ignored::ClaimNotOver));
    assert_eq!(due(&state, at(600)), Some(Event::NoAnswer));
    let retrying = taken(&state, &Event::NoAnswer, 600);
    assert_eq!((retrying.state.status, reasons(&retrying)), (Status::Retrying, vec!["NoAnswer"]));
    assert_eq!(retrying.state.user_retries, 1, "the user said how often");
    let next = taken(&taken(&retrying.state, &Event::Queue, 602).state, &Event::Admit, 603).state;
    let next = taken(&next, &Event::Hand { attempt: 1, answer_within: ANSWER_WITHIN }, 603).state;
    let late = said(&next, 0, &ended(Outcome::Succeeded), 610).unwrap();
    assert_eq!((late.state.status, reasons(&late)), (Status::Starting, vec!["Overlap"]));
    assert_eq!(said(&late.state, 0, &ended(Outcome::Succeeded), 611), Err(Ignored::Late), "once");
    assert_eq!(taken(&next, &Event::NoAnswer, 1_203).state.status, Status::Failed);
}

#[test]
fn a_stop_is_waited_for_a_minute_and_ends_whatever_comes_as_stopped() {
    let stopping = taken(&handed(3), &Event::Stop { by: "me" }, 10).state;
    assert_eq!(stopping.status, Status::Stopping);
    assert_eq!(due(&stopping, at(69)), None);
    assert_eq!(due(&stopping, at(70)), Some(Event::NoAnswer));
    assert_eq!(taken(&stopping, &Event::NoAnswer, 70).state.status, Status::Stopped);
    let told = said(&stopping, 0, &ended(Outcome::Stopped), 12).unwrap().state;
    assert_eq!(told.status, Status::Stopped);
}

#[test]
fn nobody_is_asked_about_it_and_it_makes_no_room() {
    let running = said(&handed(0), 0, &began("a"), 1).unwrap().state;
    assert_eq!(step(&running, &Event::Ask, at(9_999), 0.0), Err(Ignored::NobodyToAsk));
    assert!(!running.may_make_room());
    assert!(!running.is_replaceable());
}

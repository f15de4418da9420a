//! What somebody's hand does to a run that nobody has claimed and that goes on waiting: it gets another place.

use super::{Condition, DispatchState, Event, Ignored, Status, Step, step};
use crate::time::Time;

/// Lets a run wait in another queue. What is offered already goes back to the backlog first: the offer that lies around
/// is dropped by whoever claims by it.
///
/// # Errors
/// [`Ignored`] says why nothing changes, once somebody has claimed it or it has ended.
pub fn moved(state: &DispatchState, message: &str, now: Time) -> Result<Step, Ignored> {
    let step = match state.status {
        Status::Scheduled => step(state, &Event::Withdraw { reason: message }, now, 0.0)?,
        status if status.is_waiting() => stays(state),
        status => return Err(not_waiting(status)),
    };
    Ok(told(step, "Moved", message, now))
}

/// Gives a run another priority. What is offered already has had its turn.
///
/// # Errors
/// [`Ignored`] says why nothing changes, once it has been admitted or has ended.
pub fn reprioritized(state: &DispatchState, message: &str, now: Time) -> Result<Step, Ignored> {
    match state.status {
        status if status.is_waiting() => Ok(told(stays(state), "Reprioritized", message, now)),
        status => Err(not_waiting(status)),
    }
}

fn stays(state: &DispatchState) -> Step {
    Step { state: state.clone(), conditions: Vec::new(), dead_letter: None }
}

/// The step, and in the run's history what was done.
fn told(mut step: Step, reason: &str, message: &str, now: Time) -> Step {
    let (status, attempt) = (step.state.status, step.state.attempt);
    step.conditions.push(Condition::new(status, reason, message, attempt, now));
    step
}

const fn not_waiting(status: Status) -> Ignored {
    if status.is_final() {
        Ignored::Final(status)
    } else {
        Ignored::NoEdge { from: status, to: Status::Queued }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::{Offered, RetryPolicy};

    const NOW: Time = Time::from_micros(2_000_000);

    fn state(status: Status) -> DispatchState {
        let queued_at = Some(Time::from_micros(1_000_000));
        let offered = (status == Status::Scheduled).then_some(Offered::first(NOW));
        DispatchState { status, queued_at, offered, ..DispatchState::new(RetryPolicy::default()) }
    }

    #[test]
    fn what_nobody_has_claimed_can_be_moved_and_keeps_its_age() {
        for status in Status::ALL {
            let before = state(status);
            let moved = moved(&before, "moved by me", NOW);
            assert_eq!(moved.is_ok(), status.is_waiting() || status == Status::Scheduled, "{status}");
            let Ok(moved) = moved else { continue };
            let after = if status == Status::Scheduled { Status::Queued } else { status };
            assert_eq!((moved.state.status, moved.state.offered), (after, None));
            assert_eq!((moved.state.queued_at, moved.state.attempt), (before.queued_at, before.attempt));
            let last = moved.conditions.last().unwrap();
            assert_eq!(
                (last.status, last.reason.as_str(), last.message.as_str()),
                (after, "Moved", "moved by me")
            );
        }
    }

    #[test]
    fn what_has_not_been_admitted_can_get_another_priority() {
        for status in Status::ALL {
            let before = state(status);
            let done = reprioritized(&before, "9", NOW);
            assert_eq!(done.is_ok(), status.is_waiting(), "{status}");
            assert!(done.is_ok_and(|done| done.state == before) || !status.is_waiting());
        }
    }
}

//! Runs by another hand: statuses that a client reports of a run that Berth does not execute, and a finished run
//! that somebody wants to go on. Both end in a [`Step`], like everything that [`super::step`] decides.

use super::{Condition, DispatchState, Ignored, Status, Step};
use crate::time::Time;

/// What a client reports of a run that it executes itself.
///
/// The edge table holds, but for one thing: nobody admits or claims such a run, so that it may go from waiting
/// straight to running or to an end.
///
/// # Errors
/// [`Ignored`] says why nothing changes.
pub fn track(
    state: &DispatchState,
    status: Status,
    reason: &str,
    message: &str,
    now: Time,
) -> Result<Step, Ignored> {
    let from = state.status;
    if from.is_final() {
        return Err(Ignored::Final(from));
    }
    let unclaimed = from.is_waiting() || from == Status::Scheduled;
    if !from.may_become(status) && !(unclaimed && (status.is_at_agent() || status.is_final())) {
        return Err(Ignored::NoEdge { from, to: status });
    }
    let mut next = state.clone();
    next.status = status;
    if status == Status::Running {
        next.started_at.get_or_insert(now);
    }
    if status.is_final() {
        next.finished_at = Some(now);
        next.due_at = None;
    }
    let conditions = vec![Condition::new(status, reason, message, state.attempt, now)];
    Ok(Step { state: next, conditions, dead_letter: None })
}

/// Puts a finished run back into the backlog, as a new attempt with all of its retries.
///
/// # Errors
/// [`Ignored::NoEdge`] if it has not finished.
pub fn resume(state: &DispatchState, by: &str, now: Time) -> Result<Step, Ignored> {
    if !state.status.may_become(Status::Resuming) {
        return Err(Ignored::NoEdge { from: state.status, to: Status::Resuming });
    }
    let mut next = DispatchState::new(state.policy.clone());
    // Its own number, even if the last attempt never began: what is late about that one stays recognizable.
    next.attempt = state.attempt.saturating_add(1);
    next.question = state.question;
    next.given_up.clone_from(&state.given_up);
    next.status = Status::Queued;
    next.queued_at = Some(now);
    let condition =
        |status, reason, message: String| Condition::new(status, reason, message, next.attempt, now);
    let conditions = vec![
        condition(Status::Resuming, "Resumed", format!("Resumed by {by}")),
        condition(Status::Queued, "Queued", "Waits in its queue".to_owned()),
    ];
    Ok(Step { state: next, conditions, dead_letter: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::RetryPolicy;

    const NOW: Time = Time::from_micros(1_000_000);

    #[test]
    fn a_tracked_run_may_begin_and_end_without_us_and_never_goes_back() {
        let created = DispatchState::new(RetryPolicy::default());
        let running = track(&created, Status::Running, "r", "m", NOW).unwrap();
        assert_eq!(running.state.started_at, Some(NOW));
        assert_eq!(running.conditions.len(), 1);
        let back = track(&running.state, Status::Queued, "r", "m", NOW);
        assert_eq!(back, Err(Ignored::NoEdge { from: Status::Running, to: Status::Queued }));
        let done = track(&running.state, Status::Succeeded, "r", "m", NOW).unwrap().state;
        assert_eq!(done.finished_at, Some(NOW));
        assert_eq!(track(&done, Status::Running, "r", "m", NOW), Err(Ignored::Final(Status::Succeeded)));
    }

    #[test]
    fn every_status_of_a_tracked_run_is_final_for_good_or_can_end() {
        for status in Status::ALL {
            let mut state = DispatchState::new(RetryPolicy::default());
            state.status = status;
            assert_eq!(track(&state, Status::Failed, "r", "m", NOW).is_ok(), !status.is_final(), "{status}");
        }
    }

    #[test]
    fn a_finished_run_goes_on_as_a_new_attempt_and_no_other_does() {
        let mut state = DispatchState::new(RetryPolicy::of(2));
        assert!(resume(&state, "me", NOW).is_err());
        state.status = Status::Failed;
        state.attempt = 2;
        state.user_retries = 2;
        state.finished_at = Some(NOW);
        let resumed = resume(&state, "me", NOW).unwrap();
        assert_eq!((resumed.state.status, resumed.state.attempt), (Status::Queued, 3));
        assert_eq!((resumed.state.user_retries, resumed.state.finished_at), (0, None));
        assert_eq!(resumed.conditions[0].status, Status::Resuming);
    }
}

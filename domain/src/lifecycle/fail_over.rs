//! What becomes of a run whose agent is lost, when it is to go elsewhere. Where to is `scheduling`'s to say.

use super::{DispatchState, Event, Ignored, Status, Step, step};
use crate::id::AgentId;
use crate::time::Time;

/// Takes a run from the lost `agent` of that `name`: what waits stays as it is, what nobody has claimed is withdrawn,
/// and of what was claimed the attempt is given up. Unless it is final then, it may wait in another agent's queue.
///
/// # Errors
/// [`Ignored`] says why it has to wait for its agent.
pub fn fail_over(
    state: &DispatchState,
    agent: AgentId,
    name: &str,
    now: Time,
    jitter: f64,
) -> Result<Step, Ignored> {
    match state.status {
        Status::Queued | Status::Retrying => {
            Ok(Step { state: state.clone(), conditions: Vec::new(), dead_letter: None })
        }
        Status::Scheduled => {
            let reason = format!("Agent {name} was lost before it claimed the run");
            step(state, &Event::Withdraw { reason: &reason }, now, jitter)
        }
        _ => step(state, &Event::AgentLost { agent, name }, now, jitter),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::lifecycle::{ClaimLimits, FailureClass, RetryPolicy};

    fn at(seconds: u64) -> Time {
        Time::from_micros(0).plus(Duration::from_secs(seconds))
    }

    fn go(state: &DispatchState, event: &Event<'_>, seconds: u64) -> DispatchState {
        step(state, event, at(seconds), 0.0).unwrap().state
    }

    fn claimed(replace: bool) -> DispatchState {
        let limits =
            ClaimLimits { validity: Duration::from_secs(10), create_grace: Duration::from_secs(2), replace };
        let claim = Event::Claim { replica: "r", nonce: "n", attempt: 0, limits };
        go(&offered(), &claim, 1)
    }

    fn queued() -> DispatchState {
        let compiled = go(&DispatchState::new(RetryPolicy::default()), &Event::Compile, 0);
        go(&compiled, &Event::Queue, 0)
    }

    fn offered() -> DispatchState {
        go(&queued(), &Event::Admit, 0)
    }

    fn lost(state: &DispatchState, seconds: u64) -> Result<Step, Ignored> {
        fail_over(state, AgentId::new(), "a", at(seconds), 0.0)
    }

    #[test]
    fn what_waits_stays_and_what_is_offered_is_withdrawn() {
        assert_eq!(lost(&queued(), 5).unwrap().state, queued());
        let withdrawn = lost(&offered(), 5).unwrap();
        assert_eq!((withdrawn.state.status, withdrawn.state.attempt), (Status::Queued, 0));
        assert!(withdrawn.conditions[0].message.contains("Agent a was lost"));
    }

    #[test]
    fn a_claimed_attempt_is_given_up_and_the_next_waits_at_once() {
        let given_up = lost(&claimed(true), 30).unwrap().state;
        assert_eq!((given_up.status, given_up.attempt), (Status::Queued, 1));
        assert_eq!(given_up.own_retries[&FailureClass::AgentLost], 1);
        assert_eq!((given_up.given_up[0].attempt, given_up.given_up[0].at), (0, at(30)));
        assert_eq!((given_up.claim, given_up.object), (None, None));
    }

    #[test]
    fn an_attempt_that_does_not_end_by_itself_waits_for_its_agent() {
        assert_eq!(lost(&claimed(false), 30).unwrap_err(), Ignored::NotReplaceable);
    }

    #[test]
    fn a_create_that_may_still_land_is_waited_for() {
        assert_eq!(lost(&claimed(true), 12).unwrap_err(), Ignored::ClaimNotOver);
        assert!(lost(&claimed(true), 13).is_ok());
    }

    #[test]
    fn a_run_that_was_to_stop_has_stopped() {
        let stopping = go(&claimed(true), &Event::Stop { by: "me" }, 2);
        assert_eq!(lost(&stopping, 30).unwrap().state.status, Status::Stopped);
    }

    #[test]
    fn a_run_whose_agents_are_lost_again_and_again_fails_in_the_end() {
        let mut state = claimed(true);
        state.own_retries.insert(FailureClass::AgentLost, 3);
        assert_eq!(lost(&state, 30).unwrap().state.status, Status::Failed);
    }
}

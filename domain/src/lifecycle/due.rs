//! What becomes due by time alone: when a run has to be looked at, what happens to it then, and when its offer
//! may be repeated.

use std::time::Duration;

use super::{DispatchState, Event, Status};
use crate::time::Time;

/// An offer younger than this is not repeated; with each repetition the wait doubles.
pub const OFFER_PATIENCE: Duration = Duration::from_secs(4);

/// An agent holds an offer un-acked for seconds. One that is held for this long is repeated, whoever holds it: a
/// count of un-acked messages may be old (RabbitMQ's comes from statistics), and an agent may hang.
pub const OFFER_HELD_AT_MOST: Duration = Duration::from_secs(60);

/// After so many repetitions the wait grows no more.
const MOST_DOUBLINGS: u32 = 5;

impl DispatchState {
    /// When the timers have to look at it next, if ever.
    ///
    /// Waiting runs when they are due or expire; claimed ones without a report when their claim is over; those at Celery
    /// workers when their answer is waited for no longer.
    #[must_use]
    pub fn wake_at(&self) -> Option<Time> {
        [self.queue_at(), self.expire_at(), self.ask_at()].into_iter().flatten().min()
    }

    /// When its offer is to be repeated, but not before `patience` is over; none if it was never
    /// published: at once.
    #[must_use]
    pub fn offer_again_at(&self, patience: Duration) -> Option<Time> {
        let offered = self.offered?;
        let doublings = offered.times.saturating_sub(1).min(MOST_DOUBLINGS);
        Some(offered.at.plus(patience.max(OFFER_PATIENCE * 2_u32.pow(doublings))))
    }

    fn queue_at(&self) -> Option<Time> {
        self.due_at.filter(|_| matches!(self.status, Status::OnSchedule | Status::Retrying))
    }

    fn expire_at(&self) -> Option<Time> {
        let may_expire = self.status.is_waiting() && self.started_at.is_none() || self.is_offered();
        self.expires_at.filter(|_| may_expire)
    }

    fn ask_at(&self) -> Option<Time> {
        let claim = self.claim.as_ref().filter(|_| self.status.is_at_agent())?;
        if claim.is_handed {
            return Some(claim.over_at);
        }
        if self.object.is_some() {
            return None;
        }
        Some(self.ask_again_at().map_or(claim.over_at, |again| again.max(claim.over_at)))
    }

    /// When an open question is asked again: after 5 s, then ever later, since the agent may be away for long
    /// and is asked anyway when it comes back.
    fn ask_again_at(&self) -> Option<Time> {
        let wait = Duration::from_secs(5 << self.question.saturating_sub(1).min(4));
        self.asked_at.map(|asked| asked.plus(wait))
    }
}

/// What is to happen to a run at `now` because its time has come, if anything: it expires, enters the backlog,
/// its agent is asked about it, or its workers are waited for no longer.
#[must_use]
pub fn due(state: &DispatchState, now: Time) -> Option<Event<'static>> {
    let is_past = |time: Option<Time>| time.is_some_and(|time| time <= now);
    // What has expired does not enter the backlog first.
    if is_past(state.expire_at()) {
        Some(Event::Expire)
    } else if is_past(state.queue_at()) {
        Some(Event::Queue)
    } else if is_past(state.ask_at()) {
        Some(if state.is_handed() { Event::NoAnswer } else { Event::Ask })
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::{Claim, Object, Offered, RetryPolicy};

    fn at(seconds: u64) -> Time {
        Time::from_micros(0).plus(Duration::from_secs(seconds))
    }

    fn in_status(status: Status) -> DispatchState {
        DispatchState { status, ..DispatchState::new(RetryPolicy::default()) }
    }

    fn claimed() -> DispatchState {
        let claim = Claim {
            replica: "r".into(),
            nonce: "n".into(),
            at: at(0),
            valid_until: at(10),
            over_at: at(20),
            replace: false,
            is_handed: false,
        };
        DispatchState { claim: Some(claim), ..in_status(Status::Starting) }
    }

    fn handed() -> DispatchState {
        let mut state = claimed();
        state.claim.as_mut().unwrap().is_handed = true;
        state
    }

    #[test]
    fn what_is_held_or_waits_for_a_retry_enters_the_backlog_in_time() {
        for status in [Status::OnSchedule, Status::Retrying] {
            let state = DispatchState { due_at: Some(at(5)), ..in_status(status) };
            assert_eq!(due(&state, at(4)), None);
            assert_eq!(due(&state, at(5)), Some(Event::Queue));
        }
        let queued = DispatchState { due_at: Some(at(5)), ..in_status(Status::Queued) };
        assert_eq!((due(&queued, at(9)), queued.wake_at()), (None, None));
    }

    #[test]
    fn what_has_not_started_expires_and_does_so_before_it_enters_the_backlog() {
        for status in [Status::Created, Status::OnSchedule, Status::Queued, Status::Scheduled] {
            let state = DispatchState { due_at: Some(at(1)), expires_at: Some(at(5)), ..in_status(status) };
            assert_eq!(due(&state, at(5)), Some(Event::Expire), "{status}");
        }
        let retrying = DispatchState {
            due_at: Some(at(1)),
            expires_at: Some(at(2)),
            started_at: Some(at(0)),
            ..in_status(Status::Retrying)
        };
        assert_eq!(due(&retrying, at(5)), Some(Event::Queue), "it had started in time");
        assert_eq!(due(&DispatchState { expires_at: Some(at(2)), ..claimed() }, at(5)), None);
    }

    #[test]
    fn a_claim_without_a_report_is_asked_about_when_it_is_over_and_ever_more_seldom() {
        let mut state = claimed();
        assert_eq!(due(&state, at(19)), None);
        assert_eq!(due(&state, at(20)), Some(Event::Ask));
        let mut waits = Vec::new();
        for question in 1..=6 {
            state.question = question;
            state.asked_at = Some(at(100));
            waits.push(state.wake_at().unwrap().since(at(100)).as_secs());
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 80]);
        state.object = Some(Object { uid: "u".into(), rank: 1 });
        assert_eq!((due(&state, at(999)), state.wake_at()), (None, None), "something was reported");
    }

    #[test]
    fn workers_are_waited_for_until_the_end_whether_or_not_they_said_that_they_began() {
        let mut state = handed();
        for object in [None, Some(Object { uid: "u".into(), rank: 1 })] {
            state.object = object;
            assert_eq!((due(&state, at(19)), due(&state, at(20))), (None, Some(Event::NoAnswer)));
        }
    }

    #[test]
    fn an_offer_is_repeated_ever_more_seldom() {
        let mut state = in_status(Status::Scheduled);
        assert_eq!(state.offer_again_at(OFFER_PATIENCE), None);
        let waits = [1, 2, 3, 6, 7, u32::MAX].map(|times| {
            state.offered = Some(Offered { times, ..Offered::first(at(0)) });
            state.offer_again_at(OFFER_PATIENCE).unwrap().since(at(0)).as_secs()
        });
        assert_eq!(waits, [4, 8, 16, 128, 128, 128]);
    }

    #[test]
    fn what_the_timers_wake_for_is_due_then_and_not_before() {
        for status in Status::ALL {
            for (due_at, expires_at) in [(None, None), (Some(at(5)), None), (None, Some(at(6)))] {
                let at_agent = [claimed(), handed()].map(|base| DispatchState { status, ..base });
                for base in at_agent.into_iter().chain([in_status(status)]) {
                    let state = DispatchState { due_at, expires_at, ..base };
                    assert_eq!(due(&state, at(99)).is_some(), state.wake_at().is_some(), "{state:?}");
                    let Some(wake) = state.wake_at() else { continue };
                    assert!(due(&state, wake).is_some(), "{state:?}");
                    assert_eq!(due(&state, wake.minus(Duration::from_micros(1))), None, "{state:?}");
                }
            }
        }
    }
}

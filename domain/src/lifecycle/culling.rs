//! Culling: when a service that nobody uses is ended.
//!
//! An agent probes, and asks [`cull`] what to do. It needs to remember nothing: where it doesn't know when a service
//! was used last (it was restarted, say), it begins from now, and the service lives somewhat longer. A probe that
//! can't be made never ends a service.

use std::time::Duration;

use serde_json::Value;

use super::{End, Outcome};
use crate::compile::Termination;
use crate::time::Time;

/// The longest time between two probes.
const MAX_PERIOD: Duration = Duration::from_secs(60);
/// The shortest.
const MIN_PERIOD: Duration = Duration::from_secs(1);

/// What a probe saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Activity {
    /// The service is in use.
    Active,
    /// It is not.
    Idle,
    /// It says itself when it was used last.
    Since(Time),
    /// It could not be asked.
    Unknown,
}

/// What is to be done with a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cull {
    /// It goes on.
    Keep {
        /// When it was used last, as far as is known: to be passed in the next time.
        used_at: Time,
        /// When to probe again.
        probe_at: Time,
    },
    /// It has been idle for too long: it is to be stopped, and its end to be reported as [`end`] says.
    End {
        /// For so long.
        idle: Duration,
    },
}

/// How long a service may be idle; none if it is not culled.
#[must_use]
pub fn limit(termination: &Termination) -> Option<Duration> {
    let seconds = termination.culling.as_ref()?.timeout.filter(|seconds| *seconds > 0)?;
    termination.probe.as_ref().map(|_| Duration::from_secs(seconds))
}

/// What an answer over HTTP says. Source: Jupyter's `/api/status` and `/api/kernels`, which tell when they were used
/// last and whether a kernel is busy; any other success means that the service is in use, any failure that it isn't.
///
/// An answer that wants to know first who asks, or sends elsewhere for it, tells nothing about others.
#[must_use]
pub fn of_http(status: u16, body: &[u8]) -> Activity {
    match status {
        200..=299 => {}
        300..=399 | 401 | 403 | 407 => return Activity::Unknown,
        _ => return Activity::Idle,
    }
    let Ok(answer) = serde_json::from_slice::<Value>(body) else { return Activity::Active };
    let items = match &answer {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    if items.is_empty() {
        return Activity::Idle;
    }
    if items.iter().any(|item| item.get("execution_state").and_then(Value::as_str) == Some("busy")) {
        return Activity::Active;
    }
    let used = items.iter().map(|item| Time::parse(item.get("last_activity")?.as_str()?).ok());
    match used.collect::<Option<Vec<Time>>>().and_then(|times| times.into_iter().max()) {
        Some(at) => Activity::Since(at),
        None => Activity::Active,
    }
}

/// What the replicas of a service together say: it is in use if one of them is, and idle only if all of them are.
#[must_use]
pub fn of_all(seen: impl IntoIterator<Item = Activity>) -> Activity {
    let rank = |one: &Activity| match one {
        Activity::Active => (3, None),
        Activity::Unknown => (2, None),
        Activity::Since(at) => (1, Some(*at)),
        Activity::Idle => (0, None),
    };
    seen.into_iter().max_by_key(rank).unwrap_or(Activity::Unknown)
}

/// Decides about a service that may be idle for `limit`, and was used last at `used_at` as far as was known.
#[must_use]
pub fn cull(limit: Duration, used_at: Time, seen: &Activity, now: Time) -> Cull {
    let used_at = match seen {
        Activity::Active => now,
        Activity::Idle | Activity::Unknown => used_at.min(now),
        // Its clock may be ahead of ours; and what we saw ourselves counts if it is later.
        Activity::Since(at) => used_at.max(*at).min(now),
    };
    let idle = now.since(used_at);
    if idle >= limit && *seen != Activity::Unknown {
        return Cull::End { idle };
    }
    let period = (limit / 4).clamp(MIN_PERIOD, MAX_PERIOD);
    let left = limit.saturating_sub(idle);
    let wait = if left.is_zero() { period } else { period.min(left) };
    Cull::Keep { used_at, probe_at: now.plus(wait) }
}

/// The end of a service that was idle for so long: `stopped`, with the reason `Culled`.
#[must_use]
pub fn end(idle: Duration) -> End {
    End {
        outcome: Outcome::Stopped,
        exit_code: None,
        reason: "Culled".to_owned(),
        message: format!("Nobody used it for {} s", idle.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(100);

    fn at(seconds: i64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn what_jupyter_says_is_understood_and_any_other_success_is_use() {
        let used = Activity::Since(Time::parse("2026-01-01T00:00:00Z").unwrap());
        let status =
            br#"{"started":"x","last_activity":"2026-01-01T00:00:00.000000Z","connections":0,"kernels":1}"#;
        assert_eq!(of_http(200, status), used);
        let kernels = br#"[{"last_activity":"2025-01-01T00:00:00Z","execution_state":"idle"},
            {"last_activity":"2026-01-01T00:00:00Z","execution_state":"idle"}]"#;
        assert_eq!(of_http(200, kernels), used);
        assert_eq!(of_http(200, br#"[{"execution_state":"busy"}]"#), Activity::Active);
        assert_eq!(of_http(200, b"[]"), Activity::Idle);
        assert_eq!(of_http(204, b""), Activity::Active);
        assert_eq!(of_http(503, status), Activity::Idle);
        for asks_who in [302, 401, 403] {
            assert_eq!(of_http(asks_who, status), Activity::Unknown);
        }
    }

    #[test]
    fn a_service_is_ended_after_its_limit_and_never_for_a_probe_that_failed() {
        assert_eq!(
            cull(LIMIT, at(0), &Activity::Idle, at(50)),
            Cull::Keep { used_at: at(0), probe_at: at(75) }
        );
        assert_eq!(
            cull(LIMIT, at(0), &Activity::Idle, at(90)),
            Cull::Keep { used_at: at(0), probe_at: at(100) }
        );
        assert_eq!(cull(LIMIT, at(0), &Activity::Idle, at(100)), Cull::End { idle: LIMIT });
        assert_eq!(
            cull(LIMIT, at(0), &Activity::Unknown, at(500)),
            Cull::Keep { used_at: at(0), probe_at: at(525) }
        );
        assert_eq!(
            cull(LIMIT, at(0), &Activity::Active, at(500)),
            Cull::Keep { used_at: at(500), probe_at: at(525) }
        );
    }

    #[test]
    fn replicas_are_idle_only_together() {
        use Activity::{Active, Idle, Since, Unknown};
        for (seen, expected) in [
            (vec![Idle, Active, Unknown], Active),
            (vec![Idle, Idle], Idle),
            (vec![Idle, Unknown, Since(at(3))], Unknown),
            (vec![Since(at(3)), Since(at(5)), Idle], Since(at(5))),
            (vec![], Unknown),
        ] {
            assert_eq!(of_all(seen.clone()), expected, "{seen:?}");
        }
    }

    proptest! {
        #[test]
        fn no_service_is_ended_that_was_used_within_its_limit(
            limit in 1_i64..1_000, used in 0_i64..1_000, said in 0_i64..3_000, now in 0_i64..2_000,
        ) {
            let limit_of = Duration::from_secs(limit.unsigned_abs());
            for seen in [Activity::Active, Activity::Idle, Activity::Since(at(said)), Activity::Unknown] {
                let last = match seen {
                    Activity::Active => now,
                    Activity::Since(_) => used.max(said),
                    Activity::Idle | Activity::Unknown => used,
                };
                match cull(limit_of, at(used), &seen, at(now)) {
                    Cull::End { .. } => prop_assert!(now - last >= limit),
                    Cull::Keep { probe_at, used_at } => {
                        prop_assert!(probe_at > at(now) && used_at <= at(now));
                    }
                }
            }
        }
    }
}

//! The retry table of `scheduling.md`: which class of failure is tried again, how often and how soon.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::FailureClass;

/// How long to wait before an attempt: `base * 2^n`, at most `cap`, with full jitter.
///
/// Full jitter (a uniform pick between zero and the bound) spreads retries best; see the AWS architecture
/// blog's "Exponential Backoff and Jitter".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The bound of the first wait.
    pub base: Duration,
    /// The largest bound.
    pub cap: Duration,
}

impl Backoff {
    /// The longest wait before retry number `n` (from 0).
    #[must_use]
    pub fn bound(self, n: u32) -> Duration {
        let factor = 1_u32.checked_shl(n).unwrap_or(u32::MAX);
        self.base.checked_mul(factor).unwrap_or(self.cap).min(self.cap)
    }

    /// The wait before retry number `n`, for a `jitter` between 0 and 1 that the caller drew.
    #[must_use]
    pub fn wait(self, n: u32, jitter: f64) -> Duration {
        self.bound(n).mul_f64(jitter.clamp(0.0, 1.0))
    }
}

/// What the table says of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Whether a retry of this class uses up one of the user's `maxRetries`.
    pub counts_as_users: bool,
    /// How many retries the class gets of its own, beyond the user's.
    pub own_retries: u32,
    /// The waits.
    pub backoff: Backoff,
}

/// A run's retries: the user's number and overrides over the class table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// `termination.maxRetries`.
    pub max_retries: u32,
    /// `berth.dev/retry`: such a class is retried by itself so often, and never as one of the user's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub overrides: BTreeMap<FailureClass, u32>,
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

impl RetryPolicy {
    /// The user's number over the table as it is.
    #[must_use]
    pub const fn of(max_retries: u32) -> Self {
        Self { max_retries, overrides: BTreeMap::new() }
    }

    /// What holds for `class`: the table's row, or the override over it; none for what is never retried.
    #[must_use]
    pub fn rule_of(&self, class: FailureClass) -> Option<Rule> {
        let rule = Self::rule(class)?;
        Some(match self.overrides.get(&class) {
            Some(own_retries) => Rule { counts_as_users: false, own_retries: *own_retries, ..rule },
            None => rule,
        })
    }

    /// The row of the table for `class`; none for what is never retried.
    #[must_use]
    pub const fn rule(class: FailureClass) -> Option<Rule> {
        let rule = match class {
            FailureClass::User | FailureClass::Oom | FailureClass::Timeout | FailureClass::Config => Rule {
                counts_as_users: true,
                own_retries: 0,
                backoff: Backoff { base: secs(1), cap: secs(600) },
            },
            FailureClass::Image => Rule {
                counts_as_users: true,
                own_retries: 3,
                backoff: Backoff { base: secs(10), cap: secs(120) },
            },
            FailureClass::Evicted | FailureClass::Preempted | FailureClass::NodeLost => Rule {
                counts_as_users: false,
                own_retries: 10,
                backoff: Backoff { base: secs(5), cap: secs(300) },
            },
            FailureClass::AgentLost => Rule {
                counts_as_users: false,
                own_retries: 3,
                backoff: Backoff { base: secs(30), cap: secs(300) },
            },
            FailureClass::Poison => return None,
        };
        Some(rule)
    }

    /// How long to wait before the next attempt after a failure of `class`, or none if it was the last.
    ///
    /// `user_retries` and `own_retries` are those already used: of the user's number, and of the class's own.
    #[must_use]
    pub fn next(
        &self,
        class: FailureClass,
        user_retries: u32,
        own_retries: u32,
        jitter: f64,
    ) -> Option<Duration> {
        let rule = self.rule_of(class)?;
        if own_retries < rule.own_retries {
            let first_at_once = class == FailureClass::AgentLost && own_retries == 0;
            return Some(if first_at_once {
                Duration::ZERO
            } else {
                rule.backoff
                    .wait(own_retries.saturating_sub(u32::from(class == FailureClass::AgentLost)), jitter)
            });
        }
        (rule.counts_as_users && user_retries < self.max_retries)
            .then(|| rule.backoff.wait(user_retries, jitter))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_users_failure_is_retried_as_often_as_the_user_said() {
        let policy = RetryPolicy::of(2);
        for class in [FailureClass::User, FailureClass::Oom, FailureClass::Timeout, FailureClass::Config] {
            assert_eq!(policy.next(class, 0, 0, 1.0), Some(secs(1)));
            assert_eq!(policy.next(class, 1, 0, 1.0), Some(secs(2)));
            assert_eq!(policy.next(class, 2, 0, 1.0), None);
        }
    }

    #[test]
    fn the_infrastructures_failures_do_not_use_up_the_users_retries() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.next(FailureClass::NodeLost, 0, 9, 1.0), Some(secs(300)));
        assert_eq!(policy.next(FailureClass::NodeLost, 0, 10, 1.0), None);
        assert_eq!(policy.next(FailureClass::AgentLost, 0, 0, 1.0), Some(Duration::ZERO));
        assert_eq!(policy.next(FailureClass::AgentLost, 0, 1, 1.0), Some(secs(30)));
        assert_eq!(policy.next(FailureClass::Poison, 0, 0, 1.0), None);
    }

    #[test]
    fn an_override_takes_the_place_of_its_row_and_of_no_other() {
        let overrides = [(FailureClass::User, 2), (FailureClass::NodeLost, 0)].into();
        let policy = RetryPolicy { max_retries: 5, overrides };
        assert_eq!(policy.next(FailureClass::User, 0, 1, 1.0), Some(secs(2)));
        assert_eq!(policy.next(FailureClass::User, 0, 2, 1.0), None, "not one of the user's after that");
        assert_eq!(policy.next(FailureClass::NodeLost, 0, 0, 1.0), None);
        assert_eq!(policy.next(FailureClass::Timeout, 4, 0, 1.0), Some(secs(16)));
    }

    #[test]
    fn a_policy_of_the_release_before_has_no_overrides() {
        let policy: RetryPolicy = serde_json::from_str(r#"{"max_retries":3}"#).unwrap();
        assert_eq!(policy, RetryPolicy::of(3));
        assert_eq!(serde_json::to_string(&policy).unwrap(), r#"{"max_retries":3}"#);
    }

    /// Any policy, overrides of any class among them: of `poison` too, which no annotation can name.
    fn policies() -> impl Strategy<Value = RetryPolicy> {
        let class = (0..FailureClass::ALL.len()).prop_map(|at| FailureClass::ALL[at]);
        (0_u32..6, proptest::collection::btree_map(class, 0_u32..6, 0..6))
            .prop_map(|(max_retries, overrides)| RetryPolicy { max_retries, overrides })
    }

    proptest! {
        #[test]
        fn no_override_raises_poison(policy in policies(), user in 0_u32..10, own in 0_u32..10) {
            prop_assert_eq!(policy.next(FailureClass::Poison, user, own, 0.5), None);
        }

        #[test]
        fn an_overridden_class_never_uses_the_users_retries(policy in policies(), own in 0_u32..10) {
            for (class, most) in &policy.overrides {
                let allowed = *class != FailureClass::Poison && own < *most;
                prop_assert_eq!(policy.next(*class, 0, own, 0.5).is_some(), allowed);
            }
        }

        #[test]
        fn a_wait_never_passes_its_cap(n in 0_u32..100, jitter in -1.0_f64..2.0) {
            for class in FailureClass::ALL {
                let Some(rule) = RetryPolicy::rule(class) else { continue };
                prop_assert!(rule.backoff.wait(n, jitter) <= rule.backoff.cap);
                prop_assert!(rule.backoff.bound(n) >= rule.backoff.base);
            }
        }
    }
}

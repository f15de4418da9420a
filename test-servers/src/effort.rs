//! How much a test does that can do more: a sample in `make test`, the whole in `make chaos`, which says so by variables
//! named `BERTH_TEST_...`.

use std::time::Duration;

/// How many times what is promised something may take where many tests run at a time, if nothing is said.
const SLACK: usize = 4;

/// What the variable says, or else `sample`.
///
/// # Panics
/// If it says something that is no number.
#[expect(clippy::disallowed_methods, reason = "tests are told by their surroundings how much to do")]
pub fn effort(variable: &str, sample: usize) -> usize {
    match std::env::var(variable) {
        Ok(said) if !said.is_empty() => {
            said.parse().unwrap_or_else(|_| panic!("{variable}={said} is no number"))
        }
        _ => sample,
    }
}

/// How long something may take that is promised within `promised`: that in `make chaos`, which runs one program after
/// the other and sets `BERTH_TEST_SLACK=1`, and a few times that where many tests share the processors.
///
/// # Panics
/// If the variable says something that is no number.
pub fn within(promised: Duration) -> Duration {
    promised * u32::try_from(effort("BERTH_TEST_SLACK", SLACK)).unwrap_or(u32::MAX)
}

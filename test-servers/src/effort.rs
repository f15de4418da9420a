//! How much a test does that can do more: a sample in `make test`, the whole in `make chaos`, which says so by variables
//! named `BERTH_TEST_...`.

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

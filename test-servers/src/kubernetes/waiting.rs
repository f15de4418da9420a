//! Waiting for a condition with a deadline, in asynchronous tests.

use std::time::Duration;

/// The time between two looks at a condition.
const INTERVAL: Duration = Duration::from_millis(50);

/// Looks until `look` gives something; returns that.
///
/// # Panics
/// If `limit` has passed; the message names `what`.
pub async fn until<T>(what: &str, limit: Duration, look: impl AsyncFnMut() -> Option<T>) -> T {
    until_or(|| what.to_owned(), limit, look).await
}

/// As [`until`], with a message that is made when it is needed.
///
/// # Panics
/// If `limit` has passed.
pub async fn until_or<T>(
    what: impl Fn() -> String,
    limit: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let deadline = tokio::time::Instant::now() + limit;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "not within {limit:?}: {}", what());
        tokio::time::sleep(INTERVAL).await;
    }
}

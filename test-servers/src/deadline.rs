//! Waiting for a condition with a deadline: what tests do instead of sleeping.

use std::time::Duration;

/// The time between two looks at a condition.
const INTERVAL: Duration = Duration::from_millis(20);

/// Looks at `condition` until it holds or about `limit` has passed; says whether it held.
///
/// Blocks the thread: async tests poll with their runtime's own timer.
pub fn eventually(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let looks = limit.as_millis() / INTERVAL.as_millis() + 1;
    for _ in 0..looks {
        if condition() {
            return true;
        }
        std::thread::sleep(INTERVAL);
    }
    condition()
}

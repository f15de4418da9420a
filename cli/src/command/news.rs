//! What whoever waits for a run should know before it ends: what is wrong with it, and that it waits for long.

use std::io::Write as _;
use std::time::Duration;

use berth_domain::lifecycle::Status as RunStatus;
use serde_json::Value;
use tokio::time::Instant;

use crate::output::text;

/// After so long in its queue, whoever waits is told how to ask why.
const LONG: Duration = Duration::from_secs(10);

/// What of a run's history has been told.
#[derive(Debug)]
pub struct News {
    uuid: String,
    seen: usize,
    /// Since when it is in its queue; none once that was told, and where it is not.
    queued_since: Option<Instant>,
    is_queued: bool,
}

impl News {
    /// Of a run of which nothing has been told.
    #[must_use]
    pub fn of(uuid: &str) -> Self {
        Self { uuid: uuid.to_owned(), seen: 0, queued_since: None, is_queued: false }
    }

    /// Tells on the standard error what is new; where that is gone, nobody looks.
    pub fn tell(&mut self, status: RunStatus, conditions: &[Value]) {
        let mut stderr = std::io::stderr().lock();
        for news in self.since_last(status, conditions, Instant::now()) {
            writeln!(stderr, "note: {news}").ok();
        }
    }

    fn since_last(&mut self, status: RunStatus, conditions: &[Value], now: Instant) -> Vec<String> {
        let mut news: Vec<String> = conditions.iter().skip(self.seen).filter_map(trouble).collect();
        self.seen = self.seen.max(conditions.len());
        let is_queued = status == RunStatus::Queued;
        if is_queued != self.is_queued {
            self.is_queued = is_queued;
            self.queued_since = is_queued.then_some(now);
        }
        if self.queued_since.is_some_and(|since| now.duration_since(since) >= LONG) {
            self.queued_since = None;
            news.push(format!("the run waits in its queue; `berth ops why {}` says for what", self.uuid));
        }
        news
    }
}

/// What is wrong, if something is: what may heal, or is tried again.
fn trouble(condition: &Value) -> Option<String> {
    let status: RunStatus = text(condition, "type").parse().ok()?;
    let is_trouble = matches!(
        status,
        RunStatus::Warning | RunStatus::Unschedulable | RunStatus::Retrying | RunStatus::Unknown
    );
    is_trouble.then(|| format!("{status}: {}", why(condition)))
}

/// Why a run has a status: the reason, and what is said of it.
#[must_use]
pub fn why(condition: &Value) -> String {
    let parts = [text(condition, "reason"), text(condition, "message")];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn condition(kind: &str, reason: &str, message: &str) -> Value {
        json!({ "type": kind, "reason": reason, "message": message })
    }

    #[test]
    fn what_is_wrong_is_told_once_and_the_rest_is_not() {
        let (mut news, now) = (News::of("r"), Instant::now());
        let mut conditions =
            vec![condition("queued", "Queued", "Waits"), condition("starting", "Claimed", "")];
        assert_eq!(news.since_last(RunStatus::Starting, &conditions, now), Vec::<String>::new());
        conditions.push(condition("warning", "ErrImagePull", "no such host"));
        let told = news.since_last(RunStatus::Warning, &conditions, now);
        assert_eq!(told, ["warning: ErrImagePull: no such host"]);
        assert_eq!(news.since_last(RunStatus::Warning, &conditions, now), Vec::<String>::new());
        conditions.extend([condition("retrying", "Lost", ""), condition("failed", "Exit", "code 1")]);
        assert_eq!(news.since_last(RunStatus::Failed, &conditions, now), ["retrying: Lost"]);
    }

    #[test]
    fn a_long_wait_in_a_queue_is_told_once_for_each() {
        let (mut news, began) = (News::of("r"), Instant::now());
        let mut at =
            |status, seconds| news.since_last(status, &[], began + Duration::from_secs(seconds)).len();
        assert_eq!((at(RunStatus::Queued, 0), at(RunStatus::Queued, 9)), (0, 0));
        assert_eq!((at(RunStatus::Queued, 10), at(RunStatus::Queued, 60)), (1, 0));
        assert_eq!(
            (at(RunStatus::Running, 70), at(RunStatus::Queued, 75)),
            (0, 0),
            "it was tried, and waits again"
        );
        assert_eq!((at(RunStatus::Queued, 84), at(RunStatus::Queued, 85)), (0, 1));
    }
}

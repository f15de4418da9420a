//! What the store has of every run: how it ended, how often, in how many attempts.

use berth_domain::lifecycle::Status;
use berth_store::{Page, RunFilter, Sort, Store};

/// A run's history, as far as it is judged.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) id: String,
    pub(crate) status: String,
    /// How many attempts it had.
    pub(crate) attempts: usize,
    /// How often it took a final status.
    pub(crate) ends: usize,
    reason: String,
}

impl History {
    pub(crate) fn is_final(&self) -> bool {
        self.ends > 0
    }

    /// The run for people.
    pub(crate) fn shown(&self) -> String {
        format!("{} is {} ({}) after {} attempts", self.id, self.status, self.reason, self.attempts)
    }
}

/// Every run of the store.
///
/// # Errors
/// If the store can't be read.
pub(crate) async fn read(store: &Store) -> anyhow::Result<Vec<History>> {
    let mut histories = Vec::new();
    let mut page = Page::first(1_000);
    loop {
        let found = store.runs(&RunFilter::default(), Sort::default(), &page).await?;
        for run in found.items {
            let conditions = store.conditions(run.id).await?;
            histories.push(History {
                id: run.id.to_string(),
                status: run.dispatch.status.to_string(),
                attempts: usize::try_from(run.dispatch.attempt)? + 1,
                ends: conditions.iter().filter(|condition| condition.status.is_final()).count(),
                reason: conditions
                    .last()
                    .map(|last| format!("{}: {}", last.reason, last.message))
                    .unwrap_or_default(),
            });
        }
        page.cursor = found.next_cursor;
        if page.cursor.is_none() {
            return Ok(histories);
        }
    }
}

/// How many runs have not ended.
///
/// # Errors
/// If the store can't be read.
pub(crate) async fn alive(store: &Store) -> anyhow::Result<u64> {
    let statuses = Status::ALL.into_iter().filter(|status| !status.is_final()).collect();
    let filter = RunFilter { statuses, ..RunFilter::default() };
    let page = Page { count: true, ..Page::first(1) };
    Ok(store.runs(&filter, Sort::default(), &page).await?.count.unwrap_or(0))
}

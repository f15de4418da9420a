//! Runs counted by what they have in common.

use std::collections::BTreeMap;

use berth_domain::lifecycle::Status;

use super::list::RunFilter;
use crate::sql::listing::GroupBy;
use crate::{Error, Store};

/// Runs by what they have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grouped {
    /// By key, and by status. Those that have nothing to be counted by are under none.
    pub groups: BTreeMap<Option<String>, BTreeMap<Status, u64>>,
    /// Whether there are more: then these are the newest [`GroupBy::most`].
    pub is_cut: bool,
}

impl Store {
    /// Counts the runs that fit.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn grouped_runs(&self, filter: &RunFilter, by: GroupBy) -> Result<Grouped, Error> {
        let (composer, args) = self.compose(filter).await?;
        let rows = self.db.all_composed(&composer.grouped(by, by.most() + 1), args).await?;
        let mut grouped = Grouped::default();
        let mut counted = 0;
        for row in &rows {
            let count = row.count("n")?;
            counted += count;
            let group = grouped.groups.entry(row.opt_text("key")?).or_default();
            group.insert(row.parse("status")?, count);
        }
        grouped.is_cut = counted > by.most();
        Ok(grouped)
    }
}

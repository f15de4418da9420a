//! What of each queue waits for nothing but its agent's hand-over: the rules are `domain`'s, the counts are the store's.

use std::collections::BTreeMap;

use berth_domain::id::QueueId;
use berth_domain::scheduling::{Admissible, admissible};
use berth_domain::time::Time;

use super::AdmissionOptions;
use super::snapshot::{self, Place};
use crate::db::args;
use crate::{Error, Store, sql};

/// How many waiting runs of each lane are counted at most: more than anybody scales by.
const MOST: i64 = 10_000;

impl Store {
    /// What of the queues of an organization is admissible.
    pub(crate) async fn admissible(
        &self,
        owner: &str,
        now: Time,
    ) -> Result<BTreeMap<QueueId, Admissible>, Error> {
        let options = AdmissionOptions { heads: 1, ..AdmissionOptions::default() };
        let mut tx = self.db.begin_read().await?;
        let (snapshot, places) = snapshot::load(&mut tx, owner, now, options).await?;
        let mut counts: BTreeMap<Place, u64> = BTreeMap::new();
        for row in tx.all(sql::lanes::COUNTS, args![owner, MOST]).await? {
            let place =
                Place { queue: row.id("queue_id")?, project: row.id("project_id")?, lane: row.text("lane")? };
            counts.insert(place, row.count("n")?);
        }
        let waiting: Vec<u64> = places.iter().map(|place| counts.get(place).copied().unwrap_or(0)).collect();
        Ok(admissible(&snapshot, &waiting))
    }
}

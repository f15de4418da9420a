//! What of every limit is used: counted from the runs that hold a slot, so that it can't drift from them.

use std::collections::{BTreeMap, HashMap};

use berth_domain::id::QueueId;
use berth_domain::quantity::Quantity;
use berth_domain::scheduling::{Level, Limit, LimitSettings, Limits, Quota, Rate};

use crate::Error;
use crate::db::Row;
use crate::runs::model::lane;

/// What runs that hold a slot use of one level.
#[derive(Debug, Default)]
struct Use {
    slots: u32,
    amounts: BTreeMap<String, Quantity>,
}

/// What is used of all levels.
#[derive(Debug, Default)]
pub(super) struct Uses {
    levels: HashMap<Level, Use>,
    offered: HashMap<QueueId, u32>,
    starts: HashMap<Level, Started>,
}

/// What started on a level in its last period.
#[derive(Debug, Clone, Copy)]
pub(super) struct Started {
    pub(super) count: u32,
    pub(super) oldest: Option<berth_domain::time::Time>,
}

impl Uses {
    /// Reads the rows of `sql::lanes::SLOTS`.
    pub(super) fn read(rows: &[Row]) -> Result<Self, Error> {
        let mut uses = Self::default();
        for row in rows {
            let count = row.u32("n")?;
            let key = lane(row)?;
            let queue: Option<QueueId> = row.opt_id("queue_id")?;
            let levels = [
                Some(Level::Organization),
                Some(Level::Project(row.id("project_id")?)),
                Some(Level::Agent(row.id("agent_id")?)),
                queue.map(Level::Queue),
            ];
            for level in
                levels.into_iter().flatten().chain(key.pipelines.iter().copied().map(Level::Pipeline))
            {
                let of = uses.levels.entry(level).or_default();
                of.slots = of.slots.saturating_add(count);
                for (resource, amount) in key.demand.iter() {
                    let sum = of.amounts.entry(resource.to_owned()).or_insert(Quantity::ZERO);
                    *sum = sum.saturating_add(amount.saturating_times(count));
                }
            }
            if let Some(queue) = queue
                && row.bool("offered")?
            {
                *uses.offered.entry(queue).or_default() += count;
            }
        }
        Ok(uses)
    }

    pub(super) fn started(&mut self, level: Level, started: Started) {
        self.starts.insert(level, started);
    }

    /// What anything is used of.
    pub(super) fn levels(&self) -> impl Iterator<Item = Level> {
        self.levels.keys().copied()
    }

    /// How many attempts of a queue are on the broker.
    pub(super) fn offered(&self, queue: QueueId) -> u32 {
        self.offered.get(&queue).copied().unwrap_or(0)
    }

    /// A level's limits with what is used of them.
    pub(super) fn limits(&self, level: Level, slots: Option<u32>, settings: &LimitSettings) -> Limits {
        let used = self.levels.get(&level);
        let amount = |resource: &str| {
            used.and_then(|used| used.amounts.get(resource)).copied().unwrap_or(Quantity::ZERO)
        };
        let started = self.starts.get(&level);
        Limits {
            slots: Limit { limit: slots, used: used.map_or(0, |used| used.slots) },
            quotas: settings
                .quota
                .iter()
                .map(|(resource, limit)| Quota {
                    resource: resource.clone(),
                    limit: *limit,
                    used: amount(resource),
                })
                .collect(),
            rate: settings.rate.map(|rate| Rate {
                starts: rate.starts,
                period: rate.period,
                used: started.map_or(0, |started| started.count),
                frees_at: started.and_then(|started| started.oldest).map(|oldest| oldest.plus(rate.period)),
            }),
        }
    }
}

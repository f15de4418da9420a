//! The place of a run among those that wait in its queue, and who is before it, lane by lane.

use berth_domain::id::{ProjectId, QueueId, RunId};
use berth_domain::lifecycle::Status;
use berth_domain::scheduling::{Ahead, Lane, LaneKey, Sharing};
use berth_domain::time::Time;

use super::model::{Run, lane};
use super::timers::MAX_COUNTED;
use crate::db::{Row, args};
use crate::{Error, Store, sql};

/// A run as its queue looks at it; it need not be there yet.
#[derive(Debug, Clone, Copy)]
pub struct Newcomer<'a> {
    /// Which.
    pub id: RunId,
    /// Its organization.
    pub owner: &'a str,
    /// Its project.
    pub project: ProjectId,
    /// The queue.
    pub queue: QueueId,
    /// Its lane in these.
    pub lane: &'a LaneKey,
    /// 0 to 9, larger first.
    pub priority: u8,
    /// Since when it waits.
    pub queued_at: Time,
}

/// The place of a waiting run in its queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuePosition {
    /// Its place by priority and age, from 1.
    pub position: u64,
    /// How many wait in the queue, itself among them.
    pub of: u64,
    /// Whether both are exact: a lane with [`MAX_COUNTED`] waiting runs or more is counted no further.
    pub is_exact: bool,
    /// Whose share of the queue it starts from; none, if nobody of its project waits there.
    pub share: Option<String>,
    /// The lanes of the queue, counted against it.
    pub lanes: Vec<CountedLane>,
}

/// A lane, with how many of its runs are before another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedLane {
    /// The lane; it has no heads.
    pub lane: Lane,
    higher: u64,
    equal: u64,
    older: u64,
}

impl CountedLane {
    /// The same, as estimates look at it.
    #[must_use]
    pub fn ahead(&self) -> Ahead<'_> {
        Ahead { lane: &self.lane, higher: self.higher, equal: self.equal, older: self.older }
    }
}

impl Store {
    /// The place of a run in its queue; none if it doesn't wait there.
    ///
    /// # Errors
    /// `NotFound` if there is no such run.
    pub async fn position_in_queue(&self, id: RunId) -> Result<Option<QueuePosition>, Error> {
        let run = self.run_by_id(id).await?;
        match newcomer(&run) {
            // It may have been admitted between the two reads.
            Some(newcomer) => {
                Ok(Some(self.place_of(newcomer).await?).filter(|place| !place.lanes.is_empty()))
            }
            None => Ok(None),
        }
    }

    /// The place that a run has, or would have.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn place_of(&self, run: Newcomer<'_>) -> Result<QueuePosition, Error> {
        let most = i64::try_from(MAX_COUNTED).unwrap_or(i64::MAX);
        let args = args![run.owner, run.queue, u32::from(run.priority), run.queued_at, run.id, most];
        let rows = self.db.all(sql::lanes::PLACE, args).await?;
        let (mut before, mut others, mut longest, mut share) = (0, 0, 0, None);
        let mut lanes = Vec::new();
        for row in &rows {
            let counted = counted(row, run.queue)?;
            before += counted.higher + counted.older;
            others += row.count("others")?;
            longest = longest.max(row.count("others")?);
            if counted.lane.project == run.project {
                share = Some(run.lane.share(&sharing(row)?.fairness, &row.text("project")?));
            }
            lanes.push(counted);
        }
        let of = others.max(before) + 1;
        Ok(QueuePosition { position: before + 1, of, is_exact: longest < MAX_COUNTED, share, lanes })
    }
}

/// A run that waits in its queue.
fn newcomer(run: &Run) -> Option<Newcomer<'_>> {
    let (Status::Queued, Some(queue), Some(queued_at)) = (run.status(), run.queue_id, run.dispatch.queued_at)
    else {
        return None;
    };
    Some(Newcomer {
        id: run.id,
        owner: &run.owner,
        project: run.project_id,
        queue,
        lane: &run.lane,
        priority: run.priority,
        queued_at,
    })
}

fn sharing(row: &Row) -> Result<Sharing, Error> {
    Ok(row.opt_json("sharing")?.unwrap_or_default())
}

fn counted(row: &Row, queue: QueueId) -> Result<CountedLane, Error> {
    let key = lane(row)?;
    let lane = Lane {
        queue,
        project: row.id("project_id")?,
        share: key.share(&sharing(row)?.fairness, &row.text("project")?),
        pipelines: key.pipelines,
        demand: key.demand,
        namespace: key.namespace,
        heads: Vec::new(),
        has_more: false,
    };
    let (higher, equal, older) = (row.count("higher")?, row.count("equal")?, row.count("older")?);
    Ok(CountedLane { lane, higher, equal, older })
}

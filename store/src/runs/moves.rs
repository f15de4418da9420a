//! Moving runs between queues: what of a run follows from the queue that it waits in moves with it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use berth_domain::compile::CompiledOperation;
use berth_domain::id::{AgentId, QueueId, RunId};
use berth_domain::scheduling::{FairnessBy, LaneKey, Sharing};
use berth_domain::time::Time;
use serde::Serialize;

use super::create::id_rows;
use super::model::{RunHead, lane};
use super::transition::Decision;
use crate::db::{Tx, args, batches};
use crate::{Error, sql};

/// The queues that runs move to, by whom they are shared between.
pub(super) type Targets = BTreeMap<QueueId, FairnessBy>;

/// A move, as it is written.
#[derive(Serialize)]
struct MoveRow {
    id: RunId,
    queue_id: QueueId,
    agent_id: AgentId,
    lane: String,
    moved_at: i64,
    left_queues: BTreeMap<QueueId, Time>,
}

/// Leaves out moves to queues that are gone; the others stay until the commit.
pub(super) async fn keep_possible(
    tx: &mut Tx,
    decided: &mut Vec<(RunHead, Decision)>,
) -> Result<Targets, Error> {
    let wanted: BTreeSet<_> =
        decided.iter().filter_map(|(_, decision)| decision.to).map(|(queue, _)| queue.uuid()).collect();
    if wanted.is_empty() {
        return Ok(Targets::new());
    }
    let rows = tx.all(sql::runs::LOCK_QUEUES, args![id_rows(wanted)?]).await?;
    let there = rows
        .iter()
        .map(|row| Ok((row.id("id")?, row.opt_json::<Sharing>("sharing")?.unwrap_or_default().fairness)))
        .collect::<Result<Targets, Error>>()?;
    decided.retain(|(_, decision)| decision.to.is_none_or(|(queue, _)| there.contains_key(&queue)));
    Ok(there)
}

/// Writes the moves among what was decided, each run into the lane that it has in its new queue.
pub(super) async fn write(
    tx: &mut Tx,
    decided: &[(RunHead, Decision)],
    targets: &Targets,
    now: Time,
) -> Result<(), Error> {
    let moved: Vec<(&RunHead, (QueueId, AgentId))> =
        decided.iter().filter_map(|(head, decision)| Some((head, decision.to?))).collect();
    if moved.is_empty() {
        return Ok(());
    }
    let rows =
        tx.all(sql::runs::LANES, args![id_rows(moved.iter().map(|(head, _)| head.id.uuid()))?]).await?;
    let mut lanes = rows
        .iter()
        .map(|row| Ok((row.id("id")?, lane(row)?)))
        .collect::<Result<HashMap<RunId, LaneKey>, Error>>()?;
    let is_labelled = |queue| matches!(targets.get(queue), Some(FairnessBy::Label(_)));
    let labelled = moved.iter().filter(|(_, (queue, _))| is_labelled(queue)).map(|(head, _)| head.id);
    let labels = labels(tx, labelled).await?;
    let (unshared, unlabelled) = (FairnessBy::None, BTreeMap::new());
    let rows: Vec<MoveRow> = moved
        .into_iter()
        .filter_map(|(head, (queue_id, agent_id))| {
            let by = targets.get(&queue_id).unwrap_or(&unshared);
            let lane = lanes.remove(&head.id)?.shared_by(by, labels.get(&head.id).unwrap_or(&unlabelled));
            let left_queues = head.stay().map(|stay| stay.leave(now)).unwrap_or_default();
            let moved_at = now.micros();
            Some(MoveRow { id: head.id, queue_id, agent_id, lane: lane.text(), moved_at, left_queues })
        })
        .collect();
    for batch in batches(&rows)? {
        tx.run(sql::runs::MOVE, args![batch]).await?;
    }
    Ok(())
}

/// The labels of runs' operations: read for those only that go to a queue that is shared by one.
async fn labels(
    tx: &mut Tx,
    ids: impl Iterator<Item = RunId>,
) -> Result<HashMap<RunId, BTreeMap<String, String>>, Error> {
    let ids: Vec<_> = ids.map(|id| id.uuid()).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = tx.all(sql::runs::CONTENTS, args![id_rows(ids)?]).await?;
    rows.iter()
        .map(|row| {
            // What another release wrote and this one can't read has no labels to share by.
            let operation: Option<CompiledOperation> =
                row.opt_text("content")?.and_then(|content| serde_json::from_str(&content).ok());
            Ok((row.id("id")?, operation.map(|operation| operation.run.labels().clone()).unwrap_or_default()))
        })
        .collect()
}

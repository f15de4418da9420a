//! Who could make room: read only where something waits that may have others end.

use std::collections::BTreeSet;

use berth_domain::id::{AgentId, ProjectId, QueueId};
use berth_domain::lifecycle::DispatchState;
use berth_domain::scheduling::{Holder, Lane, LaneKey, Preemption, QueueView, Stands};

use crate::db::{Row, Tx, args};
use crate::runs::model::lane;
use crate::{Error, sql};

/// The runs with a slot at agents that have a queue in which something waits that may have others end.
///
/// `lane_of` makes a lane without heads of a queue, a project and what else decides.
pub(super) async fn read(
    tx: &mut Tx,
    queues: &[QueueView],
    lanes: &[Lane],
    lane_of: impl Fn(QueueId, ProjectId, LaneKey) -> Lane,
) -> Result<Vec<Holder>, Error> {
    let waits = |queue: &&QueueView| lanes.iter().any(|lane| lane.queue == queue.id);
    let allows = queues.iter().filter(|queue| queue.preemption == Preemption::LowerPriority);
    let agents: BTreeSet<AgentId> = allows.filter(waits).map(|queue| queue.agent).collect();
    let mut holders = Vec::new();
    for agent in agents {
        for row in &tx.all(sql::lanes::HOLDERS, args![agent]).await? {
            holders.extend(holder(row, &lane_of)?);
        }
    }
    Ok(holders)
}

/// None if its queue was deleted meanwhile.
fn holder(
    row: &Row,
    lane_of: &impl Fn(QueueId, ProjectId, LaneKey) -> Lane,
) -> Result<Option<Holder>, Error> {
    let Some(queue) = row.opt_id("queue_id")? else { return Ok(None) };
    Ok(Some(Holder {
        run: row.id("id")?,
        lane: lane_of(queue, row.id("project_id")?, lane(row)?),
        priority: u8::try_from(row.int("priority")?).map_err(|_| Error::corrupt("column `priority`"))?,
        stands: stands(&row.json("dispatch")?),
    }))
}

fn stands(state: &DispatchState) -> Stands {
    if let Some(room) = &state.make_room {
        return Stands::Leaves { by: room.by };
    }
    if state.is_offered() {
        return Stands::Offered;
    }
    // What was done counts from the claim of this attempt; those before it are lost already.
    match &state.claim {
        Some(claim) if state.may_make_room() => Stands::Live { since: claim.at },
        _ => Stands::Keeps,
    }
}

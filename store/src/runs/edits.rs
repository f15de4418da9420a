//! What changes of runs beside where they stand, in the transaction that decides about them: their priority, and their
//! operation, if the queue that they go to lays something else under it, and what Celery workers return.

use berth_domain::feature::Features;
use berth_domain::id::RunId;
use berth_domain::scheduling::LaneKey;
use serde::Serialize;
use serde_json::Value;

use super::create::object;
use super::model::RunHead;
use super::transition::Decision;
use crate::db::{Tx, args, batches};
use crate::{Error, sql};

/// What is to change of a run; what is none stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Edit {
    /// 0 to 9.
    pub priority: Option<u8>,
    /// Its operation with all that follows from it.
    pub operation: Option<Recompiled>,
    /// What it put out, an object, in the place of what is known of that.
    pub outputs: Option<Value>,
}

/// A run's operation, compiled anew from what came.
#[derive(Debug, Clone, PartialEq)]
pub struct Recompiled {
    /// The compiled operation, JSON.
    pub content: String,
    /// The hash of that.
    pub spec_hash: String,
    /// How long its main process may run, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// The resources it asks for, an object.
    pub resources: Value,
    /// Where each field comes from, an object; none where nothing was laid under it.
    pub origins: Option<Value>,
    /// What its executor must be able to do.
    pub needs: Features,
    /// What decides, beside its queue and project, which limits count it.
    pub lane: LaneKey,
}

#[derive(Serialize)]
struct PriorityRow {
    id: RunId,
    priority: u8,
}

#[derive(Serialize)]
struct OutputsRow<'a> {
    id: RunId,
    outputs: &'a Value,
}

#[derive(Serialize)]
struct OperationRow<'a> {
    id: RunId,
    content: &'a str,
    spec_hash: &'a str,
    timeout_ms: Option<u64>,
    resources: Option<&'a Value>,
    origins: Option<&'a Value>,
    needs: i64,
    lane: String,
}

/// Writes what was decided to change of locked runs.
pub(super) async fn write(tx: &mut Tx, decided: &[(RunHead, Decision)]) -> Result<(), Error> {
    let mut priorities = Vec::new();
    let mut operations = Vec::new();
    let mut outputs = Vec::new();
    for (head, decision) in decided {
        let id = head.id;
        priorities.extend(decision.edit.priority.map(|priority| PriorityRow { id, priority }));
        operations.extend(decision.edit.operation.as_ref().map(|new| OperationRow {
            id,
            content: &new.content,
            spec_hash: &new.spec_hash,
            timeout_ms: new.timeout_ms,
            resources: object(Some(&new.resources)),
            origins: object(new.origins.as_ref()),
            needs: new.needs.bits(),
            lane: new.lane.text(),
        }));
        outputs.extend(object(decision.edit.outputs.as_ref()).map(|outputs| OutputsRow { id, outputs }));
    }
    for batch in batches(&priorities)? {
        tx.run(sql::runs::PRIORITIZE, args![batch]).await?;
    }
    for batch in batches(&operations)? {
        tx.run(sql::runs::RECOMPILE, args![batch]).await?;
    }
    for batch in batches(&outputs)? {
        tx.run(sql::runs::PUT_OUT, args![batch]).await?;
    }
    Ok(())
}

//! Creating runs, many in one transaction with few statements.

use std::collections::{BTreeSet, HashMap, HashSet};

use berth_domain::compile::{OnAgentLoss, Routing};
use berth_domain::id::{ProjectId, QueueId, RunId};
use berth_domain::lifecycle::Status;
use berth_domain::scheduling::{Paused, PipelineSettings, Sharing};
use berth_domain::time::Time;
use berth_domain::trace::TraceContext;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::model::NewRun;
use super::transition::{ConditionRow, StateColumns};
use crate::audit::{self, About, Audit};
use crate::changes::{self, NewChange};
use crate::db::{Db, Tx, args, batches};
use crate::history::Tally;
use crate::tags::Tags;
use crate::{Error, Store, queues, sql};

/// A run's columns as JSON. The names are those of `sql::runs::INSERT`.
#[derive(Serialize)]
struct NewRow<'a> {
    id: RunId,
    owner: &'a str,
    project_id: ProjectId,
    queue_id: Option<QueueId>,
    agent_id: Option<berth_domain::id::AgentId>,
    name: Option<&'a str>,
    description: Option<&'a str>,
    readme: Option<&'a str>,
    tags: Tags,
    kind: &'a str,
    runtime: Option<&'a str>,
    priority: u8,
    #[serde(flatten)]
    state: StateColumns<'a>,
    spec_hash: Option<&'a str>,
    timeout_ms: Option<u64>,
    inputs: Option<&'a Value>,
    outputs: Option<&'a Value>,
    meta_info: Option<&'a Value>,
    resources: Option<&'a Value>,
    managed_by: Option<&'a str>,
    pending: Option<&'a str>,
    original_id: Option<RunId>,
    cloning_kind: Option<&'a str>,
    username: Option<&'a str>,
    namespace: Option<&'a str>,
    live_state: i32,
    deleted: bool,
    created_at: i64,
    schedule_at: Option<i64>,
    raw_content: Option<&'a str>,
    content: Option<&'a str>,
    needs: i64,
    lane: String,
    origins: Option<&'a Value>,
    routing: Option<&'a Routing>,
    on_agent_loss: Option<OnAgentLoss>,
    pipeline: Option<&'a PipelineSettings>,
    trace: Option<&'a TraceContext>,
}

#[derive(Serialize)]
struct IdRow {
    id: String,
}

/// Ids as one argument.
pub(crate) fn id_rows(ids: impl IntoIterator<Item = Uuid>) -> Result<String, Error> {
    let rows: Vec<IdRow> = ids.into_iter().map(|id| IdRow { id: id.simple().to_string() }).collect();
    crate::db::json_text(&rows)
}

impl Store {
    /// Creates runs in one transaction: all that can be are, the others get their error.
    ///
    /// # Errors
    /// If the database can't be used: then none was created. Each run's own result is `Conflict` if its id is
    /// taken, `NotFound` if its project or queue doesn't exist, `Invalid` if it can't be stored.
    pub async fn create_runs(
        &self,
        runs: &[NewRun],
        audit: &Audit,
    ) -> Result<Vec<Result<RunId, Error>>, Error> {
        let items: Vec<(&NewRun, &Audit)> = runs.iter().map(|run| (run, audit)).collect();
        create(&self.db, &items, &self.tally).await
    }
}

/// Creates runs in one transaction. If the database finds a value wrong, each is tried alone, so that one bad run
/// doesn't fail its neighbours.
pub(crate) async fn create(
    db: &Db,
    items: &[(&NewRun, &Audit)],
    tally: &Tally,
) -> Result<Vec<Result<RunId, Error>>, Error> {
    match create_once(db, items, tally).await {
        Err(error) if !error.is_transient() && items.len() > 1 => {
            let mut results = Vec::with_capacity(items.len());
            for item in items {
                match create_once(db, &[*item], tally).await {
                    Ok(mut one) => results.extend(one.pop()),
                    Err(error) if error.is_transient() => return Err(error),
                    Err(error) => results.push(Err(error)),
                }
            }
            Ok(results)
        }
        other => other,
    }
}

async fn create_once(
    db: &Db,
    items: &[(&NewRun, &Audit)],
    tally: &Tally,
) -> Result<Vec<Result<RunId, Error>>, Error> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = db.begin().await?;
    let projects =
        existing(&mut tx, sql::runs::LIVE_PROJECTS, items, |run| Some(run.project_id.uuid())).await?;
    let mut queues = rooms(&mut tx, items).await?;

    let mut seen = HashSet::new();
    let mut results: Vec<Result<RunId, Error>> = items
        .iter()
        .map(|(run, audit)| check(run, &projects, &mut queues, &mut seen, audit.at).map(|()| run.id))
        .collect();
    let rows: Vec<NewRow<'_>> = items
        .iter()
        .zip(&results)
        .filter(|(_, result)| result.is_ok())
        .map(|((run, audit), _)| new_row(run, audit))
        .collect();
    let mut inserted = HashSet::new();
    for batch in batches(&rows)? {
        for row in tx.all(sql::runs::INSERT, args![batch]).await? {
            inserted.insert(row.id::<berth_domain::id::kind::Run>("id")?);
        }
    }
    for result in &mut results {
        if let Ok(id) = result
            && !inserted.contains(id)
        {
            *result = Err(taken(*id));
        }
    }
    let (mut conditions, mut changes, mut entries) = (Vec::new(), Vec::new(), Vec::new());
    for ((run, audit), _) in items.iter().zip(&results).filter(|(_, result)| result.is_ok()) {
        conditions.extend(run.conditions.iter().map(|condition| ConditionRow::of(run.id, condition)));
        changes.push(NewChange::run(run.id, &run.owner, run.project_id, 1, run.dispatch.status, audit.at));
        let name = run.name.as_deref();
        entries.push((*audit, About { owner: &run.owner, kind: "run", id: Some(run.id.uuid()), name }));
    }
    write_conditions(&mut tx, &conditions).await?;
    changes::write(&mut tx, &changes).await?;
    audit::write(&mut tx, &entries).await?;
    tx.commit().await?;
    let created = items.iter().zip(&results).filter(|(_, result)| result.is_ok());
    tally.created(created.filter_map(|((run, _), _)| run.queue_id));
    Ok(results)
}

fn taken(id: RunId) -> Error {
    Error::conflict(format!("run `{id}` exists already"))
}

fn check(
    run: &NewRun,
    projects: &HashSet<Uuid>,
    queues: &mut HashMap<QueueId, Room>,
    seen: &mut HashSet<RunId>,
    now: Time,
) -> Result<(), Error> {
    if !projects.contains(&run.project_id.uuid()) {
        return Err(Error::not_found("project", run.project_id));
    }
    let room = match run.queue_id {
        Some(id) => Some(queues.get_mut(&id).ok_or_else(|| Error::not_found("queue", id))?),
        None => None,
    };
    if run.priority > 9 {
        let message = format!("{} is not allowed: use 0 to 9", run.priority);
        return Err(Error::Invalid { field: "priority", message });
    }
    if !seen.insert(run.id) {
        return Err(taken(run.id));
    }
    if let Some(room) = &room {
        room.enter(now)?;
    }
    room.filter(|_| run.dispatch.status == Status::Queued).map_or(Ok(()), Room::take)
}

/// How many more runs may wait in a queue.
struct Room {
    queue: String,
    most: u32,
    left: Option<u32>,
    /// Its own hold and its agent's.
    holds: Vec<(String, Paused)>,
}

impl Room {
    /// Refuses what is new while it or its agent is being drained.
    fn enter(&self, now: Time) -> Result<(), Error> {
        match self.holds.iter().find_map(|(what, hold)| hold.refuses(what, now)) {
            Some(message) => Err(Error::Closed { message }),
            None => Ok(()),
        }
    }

    fn take(&mut self) -> Result<(), Error> {
        let Some(left) = &mut self.left else { return Ok(()) };
        *left = left.checked_sub(1).ok_or_else(|| Error::Full {
            message: format!(
                "queue `{}` has {} waiting runs, and may have no more: try later",
                self.queue, self.most
            ),
        })?;
        Ok(())
    }
}

/// The queues that the runs name, locked against their deletion, with the room that they have.
async fn rooms(tx: &mut Tx, items: &[(&NewRun, &Audit)]) -> Result<HashMap<QueueId, Room>, Error> {
    let owners: HashMap<QueueId, &str> =
        items.iter().filter_map(|(run, _)| Some((run.queue_id?, run.owner.as_str()))).collect();
    let mut found = HashMap::new();
    if owners.is_empty() {
        return Ok(found);
    }
    let ids: BTreeSet<Uuid> = owners.keys().map(|id| id.uuid()).collect();
    for row in tx.all(sql::runs::LOCK_QUEUES, args![id_rows(ids)?]).await? {
        let id: QueueId = row.id("id")?;
        let sharing: Sharing = row.opt_json("sharing")?.unwrap_or_default();
        let (name, agent) = (row.text("name")?, row.text("agent_name")?);
        let holds = [
            (format!("queue {agent}/{name}"), queues::paused(&row)?),
            (format!("agent {agent}"), queues::hold(&row, "hold")?),
        ];
        let holds = holds.into_iter().filter_map(|(what, hold)| Some((what, hold?))).collect();
        let mut room = Room { queue: name, most: sharing.max_backlog.unwrap_or(0), left: None, holds };
        if let (Some(most), Some(owner)) = (sharing.max_backlog, owners.get(&id)) {
            let row = tx.one(sql::runs::BACKLOG, args![*owner, id, most]).await?;
            let waiting = row.map(|row| row.u32("n")).transpose()?.unwrap_or(0);
            room.left = Some(most.saturating_sub(waiting));
        }
        found.insert(id, room);
    }
    Ok(found)
}

/// Which of the things that the runs name exist.
async fn existing(
    tx: &mut Tx,
    sql: sql::Sql,
    items: &[(&NewRun, &Audit)],
    named: impl Fn(&NewRun) -> Option<Uuid>,
) -> Result<HashSet<Uuid>, Error> {
    let ids: BTreeSet<Uuid> = items.iter().filter_map(|(run, _)| named(run)).collect();
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let rows = tx.all(sql, args![id_rows(ids)?]).await?;
    rows.iter().map(|row| row.get("id")).collect()
}

fn new_row<'a>(run: &'a NewRun, audit: &Audit) -> NewRow<'a> {
    NewRow {
        id: run.id,
        owner: &run.owner,
        project_id: run.project_id,
        queue_id: run.queue_id,
        agent_id: run.agent_id,
        name: run.name.as_deref(),
        description: run.description.as_deref(),
        readme: run.readme.as_deref(),
        tags: Tags::of(&run.tags),
        kind: &run.kind,
        runtime: run.runtime.as_deref(),
        priority: run.priority,
        state: StateColumns::of(&run.dispatch, 1, audit.at),
        spec_hash: run.spec_hash.as_deref(),
        timeout_ms: run.timeout_ms,
        inputs: object(run.inputs.as_ref()),
        outputs: object(run.outputs.as_ref()),
        meta_info: object(run.meta_info.as_ref()),
        resources: object(run.resources.as_ref()),
        managed_by: run.managed_by.as_deref(),
        pending: run.pending.as_deref(),
        original_id: run.original_id,
        cloning_kind: run.cloning_kind.as_deref(),
        username: run.username.as_deref(),
        namespace: run.namespace.as_deref(),
        live_state: 1,
        deleted: false,
        created_at: audit.at.micros(),
        schedule_at: run.schedule_at.map(Time::micros),
        raw_content: run.raw_content.as_deref(),
        content: run.content.as_deref(),
        needs: run.needs.bits(),
        lane: run.lane.text(),
        origins: object(run.origins.as_ref()),
        routing: run.routing.as_ref(),
        on_agent_loss: run.on_agent_loss,
        pipeline: run.pipeline.as_ref(),
        trace: run.trace.as_ref(),
    }
}

/// JSON columns hold objects only; what is none is no value.
pub(super) fn object(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| value.is_object())
}

/// Appends conditions.
pub(crate) async fn write_conditions(tx: &mut Tx, conditions: &[ConditionRow<'_>]) -> Result<(), Error> {
    for batch in batches(conditions)? {
        tx.run(sql::runs::CONDITIONS_INSERT, args![batch]).await?;
    }
    Ok(())
}

//! What a run is in the store, and how rows are read into it.

use std::collections::BTreeMap;

use berth_domain::compile::{OnAgentLoss, Routing};
use berth_domain::feature::Features;
use berth_domain::id::{AgentId, ProjectId, QueueId, RunId};
use berth_domain::lifecycle::{Condition, DispatchState, Status};
use berth_domain::scheduling::{LaneKey, PipelineSettings, Stay};
use berth_domain::time::Time;
use berth_domain::trace::TraceContext;
use serde_json::Value;

use crate::Error;
use crate::db::Row;
use crate::tags::Tags;

/// A run, without its operation (see [`crate::Store::run_content`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The organization.
    pub owner: String,
    /// Its project.
    pub project_id: ProjectId,
    /// Its project's name.
    pub project: String,
    /// Its queue, if it needs one.
    pub queue_id: Option<QueueId>,
    /// Its queue's name; none if the queue was deleted since.
    pub queue: Option<String>,
    /// Its agent.
    pub agent_id: Option<AgentId>,
    /// Its agent's name; none if the agent was deleted since.
    pub agent: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Its read-me.
    pub readme: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Polyaxon's run kind: `job`, `service`, ...
    pub kind: String,
    /// Polyaxon's runtime, if it differs from the kind.
    pub runtime: Option<String>,
    /// 0 to 9, larger first.
    pub priority: u8,
    /// Where it stands in the protocol; its status, attempt and times are there.
    pub dispatch: DispatchState,
    /// The hash of its compiled operation.
    pub spec_hash: Option<String>,
    /// How long its main process may run, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Inputs, an object.
    pub inputs: Option<Value>,
    /// Outputs, an object.
    pub outputs: Option<Value>,
    /// More about it, an object.
    pub meta_info: Option<Value>,
    /// The resources it asks for, an object.
    pub resources: Option<Value>,
    /// What its executor must be able to do.
    pub needs: Features,
    /// What decides, beside its queue and project, which limits count it.
    pub lane: LaneKey,
    /// Who manages it: `agent`, `cli`, `user`, ...
    pub managed_by: Option<String>,
    /// What it waits for before it may be queued: `approval`, `upload`.
    pub pending: Option<String>,
    /// The run it was made from.
    pub original_id: Option<RunId>,
    /// How: `restart`, `copy`, `cache`.
    pub cloning_kind: Option<String>,
    /// Who made it.
    pub username: Option<String>,
    /// The namespace it runs in.
    pub namespace: Option<String>,
    /// Where it belongs in a trace, if it is in one.
    pub trace: Option<TraceContext>,
    /// Polyaxon's live state: 1 live, 0 archived, -1 being deleted.
    pub live_state: i32,
    /// Grows with each change.
    pub version: i64,
    /// When it was accepted.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
    /// When it was to start at the earliest.
    pub schedule_at: Option<Time>,
    /// When its first attempt started.
    pub started_at: Option<Time>,
    /// When it took its final status.
    pub finished_at: Option<Time>,
}

impl Run {
    /// Its status.
    #[must_use]
    pub fn status(&self) -> Status {
        self.dispatch.status
    }
}

/// A run's operation, as it came and as it was resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunContent {
    /// As it came.
    pub raw_content: Option<String>,
    /// The compiled operation, JSON.
    pub content: Option<String>,
    /// Where each field of that comes from, an object; none where nothing was laid under the operation.
    pub origins: Option<Value>,
}

/// A run to be. Its dispatch state has been stepped to where it begins: queued, held, created.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// Its id.
    pub id: RunId,
    /// The organization.
    pub owner: String,
    /// Its project.
    pub project_id: ProjectId,
    /// Its queue; a queued run has one.
    pub queue_id: Option<QueueId>,
    /// Its queue's agent; a queued run has one.
    pub agent_id: Option<AgentId>,
    /// Its name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Its read-me.
    pub readme: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Polyaxon's run kind.
    pub kind: String,
    /// Polyaxon's runtime.
    pub runtime: Option<String>,
    /// 0 to 9.
    pub priority: u8,
    /// Where it begins.
    pub dispatch: DispatchState,
    /// The conditions of the way there.
    pub conditions: Vec<Condition>,
    /// As it came.
    pub raw_content: Option<String>,
    /// The compiled operation, JSON.
    pub content: Option<String>,
    /// The hash of that.
    pub spec_hash: Option<String>,
    /// How long its main process may run, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Inputs, an object.
    pub inputs: Option<Value>,
    /// Outputs, an object.
    pub outputs: Option<Value>,
    /// More about it, an object.
    pub meta_info: Option<Value>,
    /// The resources it asks for, an object.
    pub resources: Option<Value>,
    /// What its executor must be able to do.
    pub needs: Features,
    /// What decides, beside its queue and project, which limits count it.
    pub lane: LaneKey,
    /// Where each field of the compiled operation comes from, an object.
    pub origins: Option<Value>,
    /// Who manages it.
    pub managed_by: Option<String>,
    /// What it waits for before it may be queued.
    pub pending: Option<String>,
    /// The run it was made from.
    pub original_id: Option<RunId>,
    /// How.
    pub cloning_kind: Option<String>,
    /// Who made it.
    pub username: Option<String>,
    /// The namespace it runs in.
    pub namespace: Option<String>,
    /// When it is to start at the earliest.
    pub schedule_at: Option<Time>,
    /// What leaves a choice of where it goes; none if nothing does.
    pub routing: Option<Routing>,
    /// What happens to it when its agent is lost, if its queue doesn't say.
    pub on_agent_loss: Option<OnAgentLoss>,
    /// What it limits of the runs that belong to it, if any may.
    pub pipeline: Option<PipelineSettings>,
    /// Where its hops belong in a trace, if it is in one.
    pub trace: Option<TraceContext>,
}

impl NewRun {
    /// A run of the kind `job` with nothing but where it belongs and where it begins.
    pub fn job(owner: impl Into<String>, project_id: ProjectId, dispatch: DispatchState) -> Self {
        Self {
            id: RunId::new(),
            owner: owner.into(),
            project_id,
            queue_id: None,
            agent_id: None,
            name: None,
            description: None,
            readme: None,
            tags: Vec::new(),
            kind: "job".to_owned(),
            runtime: None,
            priority: 0,
            dispatch,
            conditions: Vec::new(),
            raw_content: None,
            content: None,
            spec_hash: None,
            timeout_ms: None,
            inputs: None,
            outputs: None,
            meta_info: None,
            resources: None,
            needs: Features::default(),
            lane: LaneKey::default(),
            origins: None,
            managed_by: None,
            pending: None,
            original_id: None,
            cloning_kind: None,
            username: None,
            namespace: None,
            schedule_at: None,
            routing: None,
            on_agent_loss: None,
            pipeline: None,
            trace: None,
        }
    }
}

/// What is to change of a run's description; what is none stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunPatch {
    /// Its name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Its read-me.
    pub readme: Option<String>,
    /// Its tags.
    pub tags: Option<Vec<String>>,
    /// Inputs.
    pub inputs: Option<Value>,
    /// Outputs.
    pub outputs: Option<Value>,
    /// More about it.
    pub meta_info: Option<Value>,
    /// Clears (`Some(None)`) or sets what it waits for.
    pub pending: Option<Option<String>>,
    /// Whether tags and objects are merged into what is there, instead of replacing it.
    pub merge: bool,
}

/// What a decision about a run is made from, read under its lock.
#[derive(Debug, Clone, PartialEq)]
pub struct RunHead {
    /// Its id.
    pub id: RunId,
    /// The organization.
    pub owner: String,
    /// Its project.
    pub project_id: ProjectId,
    /// Its queue.
    pub queue_id: Option<QueueId>,
    /// Its agent.
    pub agent_id: Option<AgentId>,
    /// Its name.
    pub name: Option<String>,
    /// Its priority.
    pub priority: u8,
    /// The hash of its compiled operation.
    pub spec_hash: Option<String>,
    /// What it waits for before it may be queued.
    pub pending: Option<String>,
    /// Its version.
    pub version: i64,
    /// What happens to it when its agent is lost, if its queue doesn't say.
    pub on_agent_loss: Option<OnAgentLoss>,
    /// What leaves a choice of where it goes; none if nothing does.
    pub routing: Option<Routing>,
    /// What its executor must be able to do.
    pub needs: Features,
    /// When it came to its queue, if it was in another one before.
    pub moved_at: Option<Time>,
    /// When it left others.
    pub left: BTreeMap<QueueId, Time>,
    /// Where it belongs in a trace, if it is in one.
    pub trace: Option<TraceContext>,
    /// Where it stands in the protocol.
    pub dispatch: DispatchState,
}

impl RunHead {
    /// Where it waits and did before; none if it is in no queue's backlog.
    #[must_use]
    pub fn stay(&self) -> Option<Stay> {
        let queued_at = self.dispatch.queued_at?;
        let since = self.moved_at.map_or(queued_at, |moved| moved.max(queued_at));
        Some(Stay { queue: self.queue_id?, since, left: self.left.clone() })
    }
}

/// A run's row, of the columns of `sql::runs`' `select!`.
pub(super) fn run(row: &Row) -> Result<Run, Error> {
    Ok(Run {
        id: row.id("id")?,
        owner: row.text("owner")?,
        project_id: row.id("project_id")?,
        project: row.text("project_name")?,
        queue_id: row.opt_id("queue_id")?,
        queue: row.opt_text("queue_name")?,
        agent_id: row.opt_id("agent_id")?,
        agent: row.opt_text("agent_name")?,
        name: row.opt_text("name")?,
        description: row.opt_text("description")?,
        readme: row.opt_text("readme")?,
        tags: row.json::<Tags>("tags")?.into_list(),
        kind: row.text("kind")?,
        runtime: row.opt_text("runtime")?,
        priority: priority(row)?,
        dispatch: row.json("dispatch")?,
        spec_hash: row.opt_text("spec_hash")?,
        timeout_ms: row.get::<Option<i64>>("timeout_ms")?.and_then(|millis| u64::try_from(millis).ok()),
        inputs: row.opt_json("inputs")?,
        outputs: row.opt_json("outputs")?,
        meta_info: row.opt_json("meta_info")?,
        resources: row.opt_json("resources")?,
        needs: Features::of_bits(row.int("needs")?),
        lane: lane(row)?,
        managed_by: row.opt_text("managed_by")?,
        pending: row.opt_text("pending")?,
        original_id: row.opt_id("original_id")?,
        cloning_kind: row.opt_text("cloning_kind")?,
        username: row.opt_text("username")?,
        namespace: row.opt_text("namespace")?,
        trace: trace(row)?,
        live_state: row.i32("live_state")?,
        version: row.int("version")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        schedule_at: row.opt_time("schedule_at")?,
        started_at: row.opt_time("started_at")?,
        finished_at: row.opt_time("finished_at")?,
    })
}

/// A run's row, of the columns of `sql::runs`' `head!`.
pub(crate) fn head(row: &Row) -> Result<RunHead, Error> {
    Ok(RunHead {
        id: row.id("id")?,
        owner: row.text("owner")?,
        project_id: row.id("project_id")?,
        queue_id: row.opt_id("queue_id")?,
        agent_id: row.opt_id("agent_id")?,
        name: row.opt_text("name")?,
        priority: priority(row)?,
        spec_hash: row.opt_text("spec_hash")?,
        pending: row.opt_text("pending")?,
        version: row.int("version")?,
        on_agent_loss: row.opt_text("on_agent_loss")?.map(|_| row.parse("on_agent_loss")).transpose()?,
        routing: row.opt_json("routing")?,
        needs: Features::of_bits(row.int("needs")?),
        moved_at: row.opt_time("moved_at")?,
        left: row.opt_json("left_queues")?.unwrap_or_default(),
        trace: trace(row)?,
        dispatch: row.json("dispatch")?,
    })
}

fn priority(row: &Row) -> Result<u8, Error> {
    u8::try_from(row.int("priority")?).map_err(|_| Error::corrupt("column `priority` is out of range"))
}

/// What a run's row says of its trace.
pub(crate) fn trace(row: &Row) -> Result<Option<TraceContext>, Error> {
    row.opt_text("trace")?.map(|_| row.parse("trace")).transpose()
}

/// What a run's row says of its lane.
pub(crate) fn lane(row: &Row) -> Result<LaneKey, Error> {
    lane_of(&row.text("lane")?)
}

/// Reads a lane's text.
pub(crate) fn lane_of(text: &str) -> Result<LaneKey, Error> {
    LaneKey::read(text)
        .map_err(|source| Error::Corrupt { what: "column `lane`".to_owned(), source: Some(Box::new(source)) })
}

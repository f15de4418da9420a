//! The snapshot that choosing and explaining look at, read in one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use berth_domain::id::{AgentId, ProjectId, QueueId, RunId};
use berth_domain::scheduling::{
    AgentView, Candidate, Confinement, FairnessBy, Lane, LaneKey, Level, Limit, LimitSettings, Paused,
    PipelineSettings, PipelineView, ProjectView, QueueView, Snapshot, window,
};
use berth_domain::time::Time;

use super::AdmissionOptions;
use super::holders;
use super::kept::{self, Kept};
use super::uses::Uses;
use crate::agents::{self, Agent};
use crate::db::{Row, Tx, args};
use crate::queues::{self, Queue};
use crate::runs::create::id_rows;
use crate::{Error, epoch, sql};

/// Where the runs of a lane wait.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) queue: QueueId,
    pub(super) project: ProjectId,
    /// The text of its [`LaneKey`].
    pub(super) lane: String,
}

/// The waiting runs of one lane.
struct Waiting {
    place: Place,
    key: LaneKey,
    heads: Vec<Candidate>,
}

/// A project that has runs which wait or hold slots.
struct Known {
    id: ProjectId,
    name: String,
    limited: Limited,
    confinement: Confinement,
}

/// A run that others belong to, and that limits them.
struct Pipeline {
    id: RunId,
    name: String,
    limited: Limited,
}

/// Something with limits of its own.
struct Limited {
    level: Level,
    slots: Option<u32>,
    settings: LimitSettings,
}

/// The snapshot, and where the runs of each of its lanes wait.
pub(super) async fn load(
    tx: &mut Tx,
    owner: &str,
    now: Time,
    options: AdmissionOptions,
) -> Result<(Snapshot, Vec<Place>), Error> {
    let all_agents: Vec<Agent> = tx
        .all(sql::agents::OF_OWNER, args![owner])
        .await?
        .iter()
        .map(agents::agent)
        .collect::<Result<_, _>>()?;
    let all_queues: Vec<Queue> = tx
        .all(sql::queues::OF_OWNER, args![owner])
        .await?
        .iter()
        .map(queues::queue)
        .collect::<Result<_, _>>()?;
    let restored = epoch::pending(tx).await?.map(|restored| Paused {
        reason: restored.reason(),
        by: "berth".to_owned(),
        until: None,
        drain: false,
    });
    let mut uses = Uses::read(&tx.all(sql::lanes::SLOTS, args![owner]).await?)?;
    let waiting = waiting(&tx.all(sql::lanes::HEADS, args![owner, options.heads]).await?)?;
    let projects = projects(tx, &uses, &waiting).await?;
    let pipelines = pipelines(tx, &waiting).await?;
    let organization = organization(tx, owner, options).await?;
    let mut kept = Kept::of_queues(&tx.all(sql::lanes::FAIRNESS, args![owner]).await?)?;

    let limited = all_agents
        .iter()
        .map(|agent| (Level::Agent(agent.id), &agent.limits))
        .chain(all_queues.iter().map(|queue| (Level::Queue(queue.id), &queue.limits)))
        .chain(projects.iter().map(|project| (project.limited.level, &project.limited.settings)))
        .chain(pipelines.iter().map(|pipeline| (pipeline.limited.level, &pipeline.limited.settings)))
        .chain([(Level::Organization, &organization.settings)]);
    for (level, settings) in limited {
        if let Some(rate) = settings.rate {
            uses.started(level, kept::started(tx, owner, level, now.minus(rate.period)).await?);
        }
    }

    let sharing: HashMap<QueueId, FairnessBy> =
        all_queues.iter().map(|queue| (queue.id, queue.sharing.fairness.clone())).collect();
    let names: HashMap<ProjectId, &str> =
        projects.iter().map(|project| (project.id, project.name.as_str())).collect();
    let lane_of = |queue: QueueId, project: ProjectId, key: LaneKey| {
        let by = sharing.get(&queue).cloned().unwrap_or_default();
        Lane {
            share: key.share(&by, names.get(&project).copied().unwrap_or_default()),
            queue,
            project,
            pipelines: key.pipelines,
            demand: key.demand,
            namespace: key.namespace,
            heads: Vec::new(),
            has_more: false,
        }
    };
    let (lanes, places): (Vec<Lane>, Vec<Place>) = waiting
        .into_iter()
        .map(|waiting| {
            let lane = Lane {
                has_more: waiting.heads.len() >= options.heads as usize,
                heads: waiting.heads,
                ..lane_of(waiting.place.queue, waiting.place.project, waiting.key)
            };
            (lane, waiting.place)
        })
        .unzip();
    let rates: HashMap<AgentId, f64> =
        all_agents.iter().map(|agent| (agent.id, agent.handover_rate)).collect();
    let limits = |of: &Limited| uses.limits(of.level, of.slots, &of.settings);
    let queues: Vec<QueueView> = all_queues
        .into_iter()
        .map(|queue| (kept.remove(&queue.id).unwrap_or_default(), queue))
        .map(|(kept, queue)| QueueView {
            id: queue.id,
            limits: uses.limits(Level::Queue(queue.id), queue.concurrency, &queue.limits),
            fairness: kept.fairness(&queue.sharing),
            pace: kept.pace,
            reserve_after: queue.sharing.reserve_after(),
            preemption: queue.sharing.preemption,
            window: Limit {
                limit: Some(window(rates.get(&queue.agent_id).copied().unwrap_or(0.0))),
                used: uses.offered(queue.id),
            },
            name: queue.name.to_string(),
            agent: queue.agent_id,
            protocol: queue.protocol,
            priority: queue.priority,
            // What holds until every agent has reported outlasts a pause that ends by itself.
            paused: restored.clone().or(queue.paused),
        })
        .collect();
    let holders = holders::read(tx, &queues, &lanes, lane_of).await?;
    let snapshot = Snapshot {
        now,
        broker_is_up: options.broker_is_up,
        organization: limits(&organization),
        queues,
        agents: all_agents
            .into_iter()
            .map(|agent| AgentView {
                id: agent.id,
                is_live: agent.is_live(now),
                loss: agent.loss.clone(),
                is_cordoned: agent.is_closed(),
                hold: agent.hold.clone(),
                limits: uses.limits(Level::Agent(agent.id), agent.concurrency, &agent.limits),
                can: agent.can,
                name: agent.name.to_string(),
            })
            .collect(),
        projects: projects
            .iter()
            .map(|project| ProjectView {
                id: project.id,
                name: project.name.clone(),
                limits: limits(&project.limited),
                confinement: project.confinement.clone(),
            })
            .collect(),
        pipelines: pipelines
            .iter()
            .map(|pipeline| PipelineView {
                id: pipeline.id,
                name: pipeline.name.clone(),
                limits: limits(&pipeline.limited),
            })
            .collect(),
        lanes,
        holders,
    };
    Ok((snapshot, places))
}

fn project_of(level: Level) -> Option<ProjectId> {
    if let Level::Project(id) = level { Some(id) } else { None }
}

/// The lanes, by the rows of `sql::lanes::HEADS`, which come lane by lane.
fn waiting(rows: &[Row]) -> Result<Vec<Waiting>, Error> {
    let mut lanes: BTreeMap<(QueueId, ProjectId, String), Vec<Candidate>> = BTreeMap::new();
    for row in rows {
        let candidate = Candidate {
            run: row.id("id")?,
            priority: u8::try_from(row.int("priority")?).map_err(|_| Error::corrupt("column `priority`"))?,
            queued_at: row.time("queued_at")?,
        };
        let lane = (row.id("queue_id")?, row.id("project_id")?, row.text("lane")?);
        lanes.entry(lane).or_default().push(candidate);
    }
    let read = |((queue, project, text), heads): ((QueueId, ProjectId, String), Vec<Candidate>)| {
        let key = crate::runs::model::lane_of(&text)?;
        Ok(Waiting { place: Place { queue, project, lane: text }, key, heads })
    };
    lanes.into_iter().map(read).collect()
}

/// The projects that have runs which wait or hold slots.
async fn projects(tx: &mut Tx, uses: &Uses, waiting: &[Waiting]) -> Result<Vec<Known>, Error> {
    let named: BTreeSet<ProjectId> =
        uses.levels().filter_map(project_of).chain(waiting.iter().map(|lane| lane.place.project)).collect();
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let rows = tx.all(sql::lanes::PROJECTS, args![id_rows(named.iter().map(|id| id.uuid()))?]).await?;
    rows.iter()
        .map(|row| {
            let id = row.id("id")?;
            let settings = row.opt_json("limits")?.unwrap_or_default();
            let limited = Limited { level: Level::Project(id), slots: row.opt_u32("concurrency")?, settings };
            let confinement = row.opt_json("confinement")?.unwrap_or_default();
            Ok(Known { id, name: row.text("name")?, limited, confinement })
        })
        .collect()
}

/// The runs that those that wait belong to, and that limit them.
async fn pipelines(tx: &mut Tx, waiting: &[Waiting]) -> Result<Vec<Pipeline>, Error> {
    let named: BTreeSet<RunId> = waiting.iter().flat_map(|lane| lane.key.pipelines.iter().copied()).collect();
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let rows = tx.all(sql::lanes::PIPELINES, args![id_rows(named.iter().map(|id| id.uuid()))?]).await?;
    rows.iter()
        .map(|row| {
            let id: RunId = row.id("id")?;
            let settings: PipelineSettings = row.json("pipeline")?;
            let level = Level::Pipeline(id);
            let limited = Limited { level, slots: settings.concurrency, settings: settings.limits };
            Ok(Pipeline { id, name: row.opt_text("name")?.unwrap_or_else(|| id.to_string()), limited })
        })
        .collect()
}

/// The organization's limits: those that it was given, or those of this installation.
async fn organization(tx: &mut Tx, owner: &str, options: AdmissionOptions) -> Result<Limited, Error> {
    let row = tx.one(sql::lanes::ORGANIZATION, args![owner]).await?;
    let (slots, settings) = match &row {
        Some(row) => (row.opt_u32("concurrency")?, row.opt_json("limits")?.unwrap_or_default()),
        None => (None, LimitSettings::default()),
    };
    Ok(Limited { level: Level::Organization, slots: slots.or(options.organization_limit), settings })
}

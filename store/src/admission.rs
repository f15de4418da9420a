//! Admission: one admitter per organization at a time chooses from a snapshot and admits, in one transaction.
//!
//! Slots are only ever taken here, under the organization's lock; everything else releases them. So what the
//! snapshot says is used is never less than what is, and no limit is passed, at any number of schedulers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use berth_domain::id::{AgentId, ProjectId, QueueId, RunId};
use berth_domain::lifecycle::{Event, Status, step};
use berth_domain::scheduling::{
    AgentView, Candidate, Lane, Limit, Paused, ProjectView, QueueView, Snapshot, window,
};
use berth_domain::time::Time;

use crate::agents::{self, Agent};
use crate::db::{Row, Tx, args};
use crate::queues::{self, Queue};
use crate::runs::create::id_rows;
use crate::runs::timers::{OfferedRun, offered};
use crate::runs::transition::{self, Decision};
use crate::{Error, Store, epoch, sql};

/// What the snapshot can't know from the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdmissionOptions {
    /// Whether offers can be published now.
    pub broker_is_up: bool,
    /// The organization's own limit.
    pub organization_limit: Option<u32>,
    /// How many waiting runs of each lane to look at: no more of one lane start in one round.
    pub heads: u32,
}

impl Default for AdmissionOptions {
    fn default() -> Self {
        Self { broker_is_up: true, organization_limit: None, heads: 256 }
    }
}

/// How a round of admission went.
#[derive(Debug, Clone, PartialEq)]
pub enum Admitted {
    /// Another replica admits for this organization at this moment.
    Busy,
    /// These were admitted, in the order they were chosen in: publish them.
    Runs(Vec<OfferedRun>),
}

impl Store {
    /// Takes the organization's admission lock, lets `choose` choose from a snapshot, and admits what it chose
    /// and what still waits, in one transaction.
    ///
    /// # Errors
    /// If the database can't be used: then nothing was admitted, unless the connection broke in the very commit
    /// (what was admitted then shows up in [`Store::offered_runs`]).
    pub async fn with_admission(
        &self,
        owner: &str,
        now: Time,
        options: AdmissionOptions,
        choose: impl FnOnce(&Snapshot) -> Vec<RunId> + Send,
    ) -> Result<Admitted, Error> {
        let mut tx = self.db.begin().await?;
        let locked = tx.one(sql::lanes::TRY_LOCK, args![owner]).await?;
        if !locked.map(|row| row.bool("locked")).transpose()?.unwrap_or(false) {
            return Ok(Admitted::Busy);
        }
        let snapshot = load(&mut tx, owner, now, options).await?;
        let chosen = choose(&snapshot);
        if chosen.is_empty() {
            return Ok(Admitted::Runs(Vec::new()));
        }
        let lane_of: HashMap<RunId, (QueueId, ProjectId)> = snapshot
            .lanes
            .iter()
            .flat_map(|lane| lane.heads.iter().map(|head| (head.run, (lane.queue, lane.project))))
            .collect();
        let mut decided = Vec::new();
        for head in transition::lock(&mut tx, &chosen).await? {
            // Stopped, expired or moved since the snapshot: it counts elsewhere now, or not at all.
            let stays = head.dispatch.status == Status::Queued
                && head
                    .queue_id
                    .is_some_and(|queue| lane_of.get(&head.id) == Some(&(queue, head.project_id)));
            if !stays {
                continue;
            }
            if let Ok(step) = step(&head.dispatch, &Event::Admit, now, 0.0) {
                decided.push((head, Decision::from(step)));
            }
        }
        if decided.is_empty() {
            return Ok(Admitted::Runs(Vec::new()));
        }
        transition::apply(&mut tx, &decided, now).await?;
        let ids = id_rows(decided.iter().map(|(head, _)| head.id.uuid()))?;
        let rows = tx.all(sql::runs::OFFERED_BY_ID, args![ids]).await?;
        let mut runs = rows.iter().map(offered).collect::<Result<Vec<_>, _>>()?;
        tx.commit().await?;
        let place: HashMap<RunId, usize> = chosen.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        runs.sort_by_key(|run| place.get(&run.id).copied());
        Ok(Admitted::Runs(runs))
    }

    /// The snapshot that admission would choose from now, without its lock: for explanations.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn snapshot(
        &self,
        owner: &str,
        now: Time,
        options: AdmissionOptions,
    ) -> Result<Snapshot, Error> {
        let mut tx = self.db.begin_read().await?;
        load(&mut tx, owner, now, options).await
    }
}

async fn load(tx: &mut Tx, owner: &str, now: Time, options: AdmissionOptions) -> Result<Snapshot, Error> {
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
    });
    let uses = tx.all(sql::lanes::SLOTS, args![owner]).await?;
    let lanes = lanes(&tx.all(sql::lanes::HEADS, args![owner, options.heads]).await?)?;

    let mut by_agent: HashMap<AgentId, u32> = HashMap::new();
    let mut by_queue: HashMap<QueueId, u32> = HashMap::new();
    let mut by_project: HashMap<ProjectId, u32> = HashMap::new();
    let mut outstanding: HashMap<QueueId, u32> = HashMap::new();
    let mut used = 0_u32;
    for row in &uses {
        let n = row.u32("n")?;
        used = used.saturating_add(n);
        *by_agent.entry(row.id("agent_id")?).or_default() += n;
        *by_project.entry(row.id("project_id")?).or_default() += n;
        if let Some(queue) = row.opt_id("queue_id")? {
            *by_queue.entry(queue).or_default() += n;
            if row.bool("offered")? {
                *outstanding.entry(queue).or_default() += n;
            }
        }
    }
    let named: BTreeSet<_> =
        by_project.keys().copied().chain(lanes.iter().map(|lane| lane.project)).map(|id| id.uuid()).collect();
    let projects = if named.is_empty() {
        Vec::new()
    } else {
        tx.all(sql::lanes::PROJECTS, args![id_rows(named)?]).await?
    };
    let projects = projects
        .iter()
        .map(|row| {
            let id = row.id("id")?;
            let used = by_project.get(&id).copied().unwrap_or(0);
            Ok(ProjectView {
                id,
                name: row.text("name")?,
                slots: Limit { limit: row.opt_u32("concurrency")?, used },
            })
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let rates: HashMap<AgentId, f64> =
        all_agents.iter().map(|agent| (agent.id, agent.handover_rate)).collect();
    let count = |uses: &HashMap<QueueId, u32>, id: QueueId| uses.get(&id).copied().unwrap_or(0);
    Ok(Snapshot {
        now,
        broker_is_up: options.broker_is_up,
        organization: Limit { limit: options.organization_limit, used },
        queues: all_queues
            .into_iter()
            .map(|queue| QueueView {
                id: queue.id,
                slots: Limit { limit: queue.concurrency, used: count(&by_queue, queue.id) },
                window: Limit {
                    limit: Some(window(rates.get(&queue.agent_id).copied().unwrap_or(0.0))),
                    used: count(&outstanding, queue.id),
                },
                name: queue.name.to_string(),
                agent: queue.agent_id,
                priority: queue.priority,
                // What holds until every agent has reported outlasts a pause that ends by itself.
                paused: restored.clone().or(queue.paused),
            })
            .collect(),
        agents: all_agents
            .into_iter()
            .map(|agent| AgentView {
                id: agent.id,
                is_live: agent.is_live(now),
                loss: agent.loss.clone(),
                is_cordoned: agent.is_closed(),
                slots: Limit {
                    limit: agent.concurrency,
                    used: by_agent.get(&agent.id).copied().unwrap_or(0),
                },
                can: agent.can,
                name: agent.name.to_string(),
            })
            .collect(),
        projects,
        lanes,
    })
}

fn lanes(rows: &[Row]) -> Result<Vec<Lane>, Error> {
    let mut lanes: BTreeMap<(QueueId, ProjectId), Vec<Candidate>> = BTreeMap::new();
    for row in rows {
        let candidate = Candidate {
            run: row.id("id")?,
            priority: u8::try_from(row.int("priority")?).map_err(|_| Error::corrupt("column `priority`"))?,
            queued_at: row.time("queued_at")?,
        };
        lanes.entry((row.id("queue_id")?, row.id("project_id")?)).or_default().push(candidate);
    }
    Ok(lanes.into_iter().map(|((queue, project), heads)| Lane { queue, project, heads }).collect())
}

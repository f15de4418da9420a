//! Queues: each belongs to one agent.

use std::collections::BTreeMap;
use std::time::Duration;

use berth_domain::compile::OnAgentLoss;
use berth_domain::id::{AgentId, QueueId};
use berth_domain::name::{AgentName, QueueName};
use berth_domain::scheduling::{
    ANSWER_WITHIN, LimitPatch, LimitSettings, Paused, QueueProtocol, Sharing, SharingPatch,
};
use berth_domain::time::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::audit::{self, About, Audit};
use crate::changes::{self, ChangeKind, NewChange};
use crate::db::{Row, Tx, args, json, json_or_null};
use crate::page::{Key, Page, PageOf};
use crate::tags::Tags;
use crate::things::{count, finds, found, patch};
use crate::{Error, Store, sql};

/// A queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Queue {
    /// Its id.
    pub id: QueueId,
    /// Its agent.
    pub agent_id: AgentId,
    /// Its agent's name.
    pub agent: AgentName,
    /// The organization.
    pub owner: String,
    /// Its name, unique in its agent.
    pub name: QueueName,
    /// What it is for.
    pub description: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its place among its agent's queues: larger first, and -1 above all.
    pub priority: i32,
    /// How many of its runs may hold a slot; none is unlimited.
    pub concurrency: Option<u32>,
    /// That it starts nothing for now.
    pub paused: Option<Paused>,
    /// What happens to its unfinished runs when its agent is lost.
    pub on_agent_loss: OnAgentLoss,
    /// What is laid under the operations of its runs, over its agent's own.
    pub defaults: Option<Value>,
    /// What else of its runs is limited.
    pub limits: LimitSettings,
    /// How its runs share it.
    pub sharing: Sharing,
    /// By which protocol it is served, for good.
    pub protocol: QueueProtocol,
    /// For how long the answer of Celery workers is waited for.
    pub answer_within: Duration,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

/// A queue to be.
#[derive(Debug, Clone, PartialEq)]
pub struct NewQueue {
    /// Its id.
    pub id: QueueId,
    /// Its agent.
    pub agent_id: AgentId,
    /// Its name.
    pub name: QueueName,
    /// What it is for.
    pub description: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its place among its agent's queues.
    pub priority: i32,
    /// How many of its runs may hold a slot.
    pub concurrency: Option<u32>,
    /// That it starts nothing from the beginning.
    pub paused: Option<Paused>,
    /// What happens to its unfinished runs when its agent is lost.
    pub on_agent_loss: OnAgentLoss,
    /// What is laid under the operations of its runs.
    pub defaults: Option<Value>,
    /// What else of its runs is limited.
    pub limits: LimitSettings,
    /// How its runs share it.
    pub sharing: Sharing,
    /// By which protocol it is served, for good.
    pub protocol: QueueProtocol,
    /// For how long the answer of Celery workers is waited for.
    pub answer_within: Duration,
}

impl NewQueue {
    /// A queue with nothing but a name: above all others, unlimited.
    #[must_use]
    pub fn named(agent_id: AgentId, name: QueueName) -> Self {
        Self {
            id: QueueId::new(),
            agent_id,
            name,
            description: None,
            tags: Vec::new(),
            priority: -1,
            concurrency: None,
            paused: None,
            on_agent_loss: OnAgentLoss::Wait,
            defaults: None,
            limits: LimitSettings::default(),
            sharing: Sharing::default(),
            protocol: QueueProtocol::Berth,
            answer_within: ANSWER_WITHIN,
        }
    }
}

/// What is to change; what is none stays, `Some(None)` clears.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueuePatch {
    /// What it is for.
    pub description: Option<Option<String>>,
    /// Its tags.
    pub tags: Option<Vec<String>>,
    /// Its place among its agent's queues.
    pub priority: Option<i32>,
    /// How many of its runs may hold a slot.
    pub concurrency: Option<Option<u32>>,
    /// Pauses or resumes it.
    pub paused: Option<Option<Paused>>,
    /// What happens to its unfinished runs when its agent is lost.
    pub on_agent_loss: Option<OnAgentLoss>,
    /// What is laid under the operations of its runs, from now on.
    pub defaults: Option<Option<Value>>,
    /// What else of its runs is limited.
    pub limits: LimitPatch,
    /// How its runs share it.
    pub sharing: SharingPatch,
    /// For how long the answer of Celery workers is waited for, from what is handed out next on.
    pub answer_within: Option<Duration>,
}

/// How a pause is kept.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredPause {
    reason: String,
    by: String,
    until: Option<Time>,
    #[serde(default)]
    drain: bool,
}

impl Store {
    /// Makes a queue.
    ///
    /// # Errors
    /// `NotFound` if its agent doesn't exist, `Conflict` if the agent has a queue of that name.
    pub async fn create_queue(&self, new: NewQueue, audit: &Audit) -> Result<Queue, Error> {
        let mut tx = self.db.begin().await?;
        crate::agents::by_id(&mut tx, new.agent_id, true).await?;
        insert(&mut tx, &new, audit).await?;
        let row = tx.one(sql::queues::BY_ID, args![new.id]).await?;
        let queue = found(row, queue, "queue", new.id)?;
        tx.commit().await?;
        Ok(queue)
    }

    /// The queue of that name.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub async fn queue(&self, owner: &str, agent: &str, name: &str) -> Result<Queue, Error> {
        let row = self.db.one(sql::queues::BY_NAME, args![owner, agent, name]).await?;
        found(row, queue, "queue", format_args!("{agent}/{name}"))
    }

    /// The queue of that id.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub async fn queue_by_id(&self, id: QueueId) -> Result<Queue, Error> {
        let row = self.db.one(sql::queues::BY_ID, args![id]).await?;
        found(row, queue, "queue", id)
    }

    /// The names of an agent's queues.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn queue_names(&self, agent_id: AgentId) -> Result<BTreeMap<QueueId, String>, Error> {
        let rows = self.db.all(sql::queues::NAMES_OF_AGENT, args![agent_id]).await?;
        rows.iter().map(|row| Ok((row.id("id")?, row.text("name")?))).collect()
    }

    /// For how long the answers of an agent's Celery workers are waited for, in each of its queues that they serve.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn answer_times(&self, agent_id: AgentId) -> Result<BTreeMap<QueueId, Duration>, Error> {
        let rows = self.db.all(sql::queues::ANSWER_TIMES, args![agent_id]).await?;
        rows.iter()
            .map(|row| Ok((row.id("id")?, Duration::from_secs(row.count("answer_within_seconds")?))))
            .collect()
    }

    /// The organization's queues by `agent/queue`, of one agent or of all; `search` is a part of the name.
    ///
    /// # Errors
    /// If the cursor is not one of this list, or the database can't be used.
    pub async fn queues(
        &self,
        owner: &str,
        agent: Option<&str>,
        search: Option<&str>,
        page: &Page,
    ) -> Result<PageOf<Queue>, Error> {
        let after = page.cursor.as_ref().map(|cursor| Key::from_cursor(cursor, "queues")).transpose()?;
        let like = search.map(sql::listing::like);
        let rows = self
            .db
            .all(
                sql::queues::LIST,
                args![
                    owner,
                    agent,
                    &like,
                    after.as_ref().and_then(|key| key.text.as_deref()),
                    page.limit() + 1,
                    page.offset(),
                ],
            )
            .await?;
        let count = count(&self.db, page, sql::queues::COUNT, args![owner, agent, &like]).await?;
        let items = rows.iter().map(queue).collect::<Result<Vec<_>, _>>()?;
        PageOf::cut(items, page, count, |last| Key {
            sort: "queues".to_owned(),
            number: None,
            text: Some(format!("{}/{}", last.agent, last.name)),
            id: last.id.uuid(),
        })
    }

    /// Changes a queue.
    ///
    /// # Errors
    /// `NotFound` if there is none of that name.
    pub async fn update_queue(
        &self,
        owner: &str,
        agent: &str,
        name: &str,
        patch: QueuePatch,
        audit: &Audit,
    ) -> Result<Queue, Error> {
        let mut tx = self.db.begin().await?;
        let mut queue = by_name_locked(&mut tx, owner, agent, name).await?;
        patch.apply(&mut queue);
        queue.updated_at = audit.at;
        write(&mut tx, &queue).await?;
        record(&mut tx, &queue, audit).await?;
        tx.commit().await?;
        Ok(queue)
    }

    /// Deletes a queue.
    ///
    /// # Errors
    /// `NotFound` if there is none of that name, `Conflict` while runs of it have not finished.
    pub async fn delete_queue(
        &self,
        owner: &str,
        agent: &str,
        name: &str,
        audit: &Audit,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let queue = by_name_locked(&mut tx, owner, agent, name).await?;
        if finds(&mut tx, sql::queues::HAS_UNFINISHED_RUNS, args![queue.id]).await? {
            return Err(Error::conflict(format!(
                "queue `{agent}/{name}` has runs that have not finished: stop or move them first"
            )));
        }
        tx.run(sql::queues::DELETE, args![queue.id]).await?;
        record(&mut tx, &queue, audit).await?;
        tx.commit().await
    }
}

impl QueuePatch {
    fn apply(self, queue: &mut Queue) {
        patch(&mut queue.description, self.description);
        patch(&mut queue.tags, self.tags);
        patch(&mut queue.priority, self.priority);
        patch(&mut queue.concurrency, self.concurrency);
        patch(&mut queue.paused, self.paused);
        patch(&mut queue.on_agent_loss, self.on_agent_loss);
        patch(&mut queue.defaults, self.defaults);
        self.limits.apply(&mut queue.limits);
        self.sharing.apply(&mut queue.sharing);
        patch(&mut queue.answer_within, self.answer_within);
    }
}

/// Writes a queue's settings.
pub(crate) async fn write(tx: &mut Tx, queue: &Queue) -> Result<(), Error> {
    tx.run(
        sql::queues::UPDATE,
        args![
            queue.id,
            &queue.description,
            json(&Tags::of(&queue.tags))?,
            queue.priority,
            queue.concurrency,
            json_or_null(queue.paused.as_ref().map(stored).as_ref())?,
            queue.on_agent_loss.as_str(),
            queue.updated_at,
            json_or_null(queue.defaults.as_ref())?,
            json(&queue.limits)?,
            json(&queue.sharing)?,
            queue.protocol.as_str(),
            seconds(queue.answer_within),
        ],
    )
    .await
    .map(drop)
}

async fn by_name_locked(tx: &mut Tx, owner: &str, agent: &str, name: &str) -> Result<Queue, Error> {
    let row = tx.one(sql::queues::BY_NAME_LOCKED, args![owner, agent, name]).await?;
    found(row, queue, "queue", format_args!("{agent}/{name}"))
}

/// Writes a new queue, its change and its audit entry.
pub(crate) async fn insert(tx: &mut Tx, new: &NewQueue, audit: &Audit) -> Result<(), Error> {
    tx.run(
        sql::queues::INSERT,
        args![
            new.id,
            new.agent_id,
            new.name.as_str(),
            &new.description,
            json(&Tags::of(&new.tags))?,
            new.priority,
            new.concurrency,
            json_or_null(new.paused.as_ref().map(stored).as_ref())?,
            new.on_agent_loss.as_str(),
            audit.at,
            audit.at,
            json_or_null(new.defaults.as_ref())?,
            json(&new.limits)?,
            json(&new.sharing)?,
            new.protocol.as_str(),
            seconds(new.answer_within),
        ],
    )
    .await
    .map_err(|error| match error {
        Error::Conflict { .. } => Error::conflict(format!("queue `{}` exists already", new.name)),
        other => other,
    })?;
    let row = tx.one(sql::queues::BY_ID, args![new.id]).await?;
    let queue = found(row, queue, "queue", new.id)?;
    record(tx, &queue, audit).await
}

/// Writes the change and the audit entry of a queue.
pub(crate) async fn record(tx: &mut Tx, queue: &Queue, audit: &Audit) -> Result<(), Error> {
    changes::write(tx, &[NewChange::thing(ChangeKind::Queue, queue.id, &queue.owner, audit.at)]).await?;
    let name = format!("{}/{}", queue.agent, queue.name);
    audit::write(tx, &[(audit, About::thing("queue", &queue.owner, queue.id, &name))]).await
}

/// A hold as it is kept.
pub(crate) fn stored(paused: &Paused) -> StoredPause {
    let Paused { reason, by, until, drain } = paused.clone();
    StoredPause { reason, by, until, drain }
}

/// A queue's row.
pub(crate) fn queue(row: &Row) -> Result<Queue, Error> {
    Ok(Queue {
        id: row.id("id")?,
        agent_id: row.id("agent_id")?,
        agent: row.parse("agent_name")?,
        owner: row.text("owner")?,
        name: row.parse("name")?,
        description: row.opt_text("description")?,
        tags: row.json::<Tags>("tags")?.into_list(),
        priority: row.i32("priority")?,
        concurrency: row.opt_u32("concurrency")?,
        paused: paused(row)?,
        on_agent_loss: row.parse("on_agent_loss")?,
        defaults: row.opt_json("defaults")?,
        limits: row.opt_json("limits")?.unwrap_or_default(),
        sharing: row.opt_json("sharing")?.unwrap_or_default(),
        protocol: row.parse("protocol")?,
        answer_within: Duration::from_secs(row.count("answer_within_seconds")?),
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// The pause of a queue's row.
pub(crate) fn paused(row: &Row) -> Result<Option<Paused>, Error> {
    hold(row, "paused")
}

/// A hold in that column.
pub(crate) fn hold(row: &Row, column: &str) -> Result<Option<Paused>, Error> {
    let hold: Option<StoredPause> = row.opt_json(column)?;
    Ok(hold.map(|StoredPause { reason, by, until, drain }| Paused { reason, by, until, drain }))
}

//! Agents: what executes runs. Their leases are in [`crate::leases`].

use berth_domain::feature::Features;
use berth_domain::id::{AgentId, QueueId};
use berth_domain::labels::{self, Labels};
use berth_domain::name::{self, AgentName, QueueName};
use berth_domain::protocol::Identity;
use berth_domain::reported::Reported;
use berth_domain::scheduling::{LimitPatch, LimitSettings, Paused};
use berth_domain::time::Time;
use serde_json::Value;

use crate::audit::{self, About, Audit};
use crate::changes::{self, ChangeKind, NewChange};
use crate::db::{Row, Tx, args, json, json_or_null};
use crate::page::{Key, Page, PageOf};
use crate::queues::{self, NewQueue};
use crate::tags::Tags;
use crate::things::{count, finds, found, patch};
use crate::{Error, Store, sql};

/// An agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// The organization.
    pub owner: String,
    /// Its name, unique in the installation.
    pub name: AgentName,
    /// What it is for.
    pub description: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// The labels that an operator set.
    pub labels: Labels,
    /// What it says of itself, once it did.
    pub reported: Option<Reported>,
    /// How many runs may hold a slot at it; none is unlimited.
    pub concurrency: Option<u32>,
    /// What else of its runs is limited.
    pub limits: LimitSettings,
    /// Whether it takes nothing new.
    pub cordoned: bool,
    /// Whether it is being emptied for its removal.
    pub draining: bool,
    /// Why it takes nothing new, by whom and until when, if that was said.
    pub hold: Option<Paused>,
    /// Whether queues that name no agent are its.
    pub is_default: bool,
    /// `process` or `kubernetes`, once it was seen.
    pub executor: Option<String>,
    /// What its name is bound to, once it was seen.
    pub identity: Option<Identity>,
    /// Until when its lease holds, by our clock.
    pub lease_until: Option<Time>,
    /// When a lease was granted last.
    pub lease_granted_at: Option<Time>,
    /// When it was heard of last.
    pub last_seen: Option<Time>,
    /// Since when it is known to be lost.
    pub lost_at: Option<Time>,
    /// What becomes of its runs while it is lost, for people.
    pub loss: Option<String>,
    /// The version of its binary.
    pub release: Option<String>,
    /// What it can honour, in its own words.
    pub features: Vec<String>,
    /// What of operations it can do, as far as this release knows of it; all, until it has said.
    pub can: Features,
    /// What is laid under the operations of its runs.
    pub defaults: Option<Value>,
    /// Hand-overs per second lately, all its replicas together.
    pub handover_rate: f64,
    /// How long after a claim's validity a create of its can still land.
    pub create_grace_ms: u64,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed last; leases don't count.
    pub updated_at: Time,
}

impl Agent {
    /// Whether its lease holds at `now`.
    #[must_use]
    pub fn is_live(&self, now: Time) -> bool {
        self.lease_until.is_some_and(|until| until > now)
    }

    /// The labels that selectors match: the operator's over those that it reports.
    #[must_use]
    pub fn effective_labels(&self) -> Labels {
        self.reported
            .as_ref()
            .map_or_else(|| self.labels.clone(), |reported| labels::over(&self.labels, &reported.labels))
    }

    /// Whether it takes nothing new: it is cordoned, or is being emptied.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.cordoned || self.draining
    }
}

/// An agent to be. It gets a queue named `default`.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAgent {
    /// Its id.
    pub id: AgentId,
    /// The organization.
    pub owner: String,
    /// Its name.
    pub name: AgentName,
    /// What it is for.
    pub description: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// The labels that an operator sets.
    pub labels: Labels,
    /// How many runs may hold a slot at it.
    pub concurrency: Option<u32>,
    /// What else of its runs is limited.
    pub limits: LimitSettings,
    /// Whether queues that name no agent are its; another default agent stops being it.
    pub is_default: bool,
    /// What is laid under the operations of its runs.
    pub defaults: Option<Value>,
}

impl NewAgent {
    /// An agent with nothing but a name.
    pub fn named(owner: impl Into<String>, name: AgentName) -> Self {
        Self {
            id: AgentId::new(),
            owner: owner.into(),
            name,
            description: None,
            tags: Vec::new(),
            labels: Labels::new(),
            concurrency: None,
            limits: LimitSettings::default(),
            is_default: false,
            defaults: None,
        }
    }
}

/// What is to change; what is none stays, `Some(None)` clears.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AgentPatch {
    /// What it is for.
    pub description: Option<Option<String>>,
    /// Its tags.
    pub tags: Option<Vec<String>>,
    /// The labels that an operator sets.
    pub labels: Option<Labels>,
    /// How many runs may hold a slot at it.
    pub concurrency: Option<Option<u32>>,
    /// What else of its runs is limited.
    pub limits: LimitPatch,
    /// Whether it takes nothing new.
    pub cordoned: Option<bool>,
    /// Whether it is being emptied.
    pub draining: Option<bool>,
    /// Why it takes nothing new, by whom and until when.
    pub hold: Option<Option<Paused>>,
    /// Makes it the default agent (`true`), or no longer.
    pub is_default: Option<bool>,
    /// What is laid under the operations of its runs, from now on.
    pub defaults: Option<Option<Value>>,
}

impl Store {
    /// Makes an agent with its queue `default`.
    ///
    /// # Errors
    /// `Conflict` if the name is taken in the installation.
    pub async fn create_agent(&self, new: NewAgent, audit: &Audit) -> Result<Agent, Error> {
        let mut tx = self.db.begin().await?;
        if new.is_default {
            tx.run(sql::agents::UNSET_DEFAULT, args![&new.owner]).await?;
        }
        tx.run(
            sql::agents::INSERT,
            args![
                new.id,
                &new.owner,
                new.name.as_str(),
                &new.description,
                json(&Tags::of(&new.tags))?,
                json(&new.labels)?,
                new.concurrency,
                new.is_default,
                json(&Tags::default())?,
                audit.at,
                audit.at,
                json_or_null(new.defaults.as_ref())?,
                json(&new.limits)?,
            ],
        )
        .await
        .map_err(|error| match error {
            Error::Conflict { .. } => Error::conflict(format!("agent `{}` exists already", new.name)),
            other => other,
        })?;
        let queue = NewQueue::named(new.id, QueueName::default_name());
        debug_assert_eq!(queue.name.as_str(), name::DEFAULT);
        queues::insert(&mut tx, &queue, audit).await?;
        let agent = by_id(&mut tx, new.id, false).await?;
        record(&mut tx, &agent, audit).await?;
        tx.commit().await?;
        Ok(agent)
    }

    /// The agent of that name.
    ///
    /// # Errors
    /// `NotFound` if the organization has none.
    pub async fn agent(&self, owner: &str, name: &str) -> Result<Agent, Error> {
        let row = self.db.one(sql::agents::BY_NAME, args![owner, name]).await?;
        found(row, agent, "agent", name)
    }

    /// The agent of that name, whoever's it is: names are unique in an installation.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub async fn agent_by_name(&self, name: &str) -> Result<Agent, Error> {
        let row = self.db.one(sql::agents::BY_NAME_ANYWHERE, args![name]).await?;
        found(row, agent, "agent", name)
    }

    /// The agent of that id.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub async fn agent_by_id(&self, id: AgentId) -> Result<Agent, Error> {
        let row = self.db.one(sql::agents::BY_ID, args![id]).await?;
        found(row, agent, "agent", id)
    }

    /// The organization's default agent.
    ///
    /// # Errors
    /// `NotFound` if it has none.
    pub async fn default_agent(&self, owner: &str) -> Result<Agent, Error> {
        let row = self.db.one(sql::agents::DEFAULT, args![owner]).await?;
        found(row, agent, "default agent of", owner)
    }

    /// All agents of the installation.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn all_agents(&self) -> Result<Vec<Agent>, Error> {
        self.db.all(sql::agents::ALL_AGENTS, args![]).await?.iter().map(agent).collect()
    }

    /// The organization's agents by name; `search` is a part of the name.
    ///
    /// # Errors
    /// If the cursor is not one of this list, or the database can't be used.
    pub async fn agents(
        &self,
        owner: &str,
        search: Option<&str>,
        page: &Page,
    ) -> Result<PageOf<Agent>, Error> {
        let after = page.cursor.as_ref().map(|cursor| Key::from_cursor(cursor, "agents")).transpose()?;
        let like = search.map(sql::listing::like);
        let rows = self
            .db
            .all(
                sql::agents::LIST,
                args![
                    owner,
                    &like,
                    after.as_ref().and_then(|key| key.text.as_deref()),
                    page.limit() + 1,
                    page.offset(),
                ],
            )
            .await?;
        let count = count(&self.db, page, sql::agents::COUNT, args![owner, &like]).await?;
        let items = rows.iter().map(agent).collect::<Result<Vec<_>, _>>()?;
        PageOf::cut(items, page, count, |last| Key {
            sort: "agents".to_owned(),
            number: None,
            text: Some(last.name.to_string()),
            id: last.id.uuid(),
        })
    }

    /// Changes an agent.
    ///
    /// # Errors
    /// `NotFound` if the organization has none of that name.
    pub async fn update_agent(
        &self,
        owner: &str,
        name: &str,
        patch: AgentPatch,
        audit: &Audit,
    ) -> Result<Agent, Error> {
        let mut tx = self.db.begin().await?;
        let mut agent = by_name_locked(&mut tx, owner, name).await?;
        if patch.is_default == Some(true) && !agent.is_default {
            tx.run(sql::agents::UNSET_DEFAULT, args![owner]).await?;
        }
        patch.apply(&mut agent);
        agent.updated_at = audit.at;
        write(&mut tx, &agent).await?;
        record(&mut tx, &agent, audit).await?;
        tx.commit().await?;
        Ok(agent)
    }

    /// Unbinds the agent's name from its identity, so that another machine or cluster may take it.
    ///
    /// By an operator's hand only, since nobody here can know whether something of the old one is alive.
    ///
    /// # Errors
    /// `NotFound` if there is none of that name, `Conflict` while its lease holds.
    pub async fn release_agent(&self, owner: &str, name: &str, audit: &Audit) -> Result<Agent, Error> {
        let mut tx = self.db.begin().await?;
        let mut agent = by_name_locked(&mut tx, owner, name).await?;
        if agent.is_live(audit.at) {
            return Err(Error::conflict(format!(
                "agent `{name}` is alive: stop it before its name is released"
            )));
        }
        agent.identity = None;
        agent.updated_at = audit.at;
        write(&mut tx, &agent).await?;
        record(&mut tx, &agent, audit).await?;
        tx.commit().await?;
        Ok(agent)
    }

    /// Deletes an agent with its queues and replicas.
    ///
    /// # Errors
    /// `NotFound` if there is none of that name, `Conflict` while runs of it have not finished.
    pub async fn delete_agent(&self, owner: &str, name: &str, audit: &Audit) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let agent = by_name_locked(&mut tx, owner, name).await?;
        // Locks the queues against runs that are being created in them.
        let queues = tx.all(sql::queues::OF_AGENT_LOCKED, args![agent.id]).await?;
        if finds(&mut tx, sql::agents::HAS_UNFINISHED_RUNS, args![agent.id]).await? {
            return Err(Error::conflict(format!(
                "agent `{name}` has runs that have not finished: stop or move them first"
            )));
        }
        tx.run(sql::agents::DELETE_QUEUES, args![agent.id]).await?;
        tx.run(sql::agents::DELETE_REPLICAS, args![agent.id]).await?;
        tx.run(sql::agents::DELETE_NODES, args![agent.id]).await?;
        tx.run(sql::credentials::DELETE_OF_AGENT, args![agent.id]).await?;
        tx.run(sql::forgotten::DELETE_OF_AGENT, args![agent.id]).await?;
        tx.run(sql::agents::DELETE, args![agent.id]).await?;
        for row in &queues {
            let queue: QueueId = row.id("id")?;
            changes::write(&mut tx, &[NewChange::thing(ChangeKind::Queue, queue, owner, audit.at)]).await?;
        }
        crate::epoch::end_if_reconciled(&mut tx, audit.at).await?;
        let mut gone = agent;
        gone.updated_at = audit.at;
        record(&mut tx, &gone, audit).await?;
        tx.commit().await
    }
}

impl AgentPatch {
    fn apply(self, agent: &mut Agent) {
        patch(&mut agent.description, self.description);
        patch(&mut agent.tags, self.tags);
        patch(&mut agent.labels, self.labels);
        patch(&mut agent.concurrency, self.concurrency);
        self.limits.apply(&mut agent.limits);
        patch(&mut agent.cordoned, self.cordoned);
        patch(&mut agent.draining, self.draining);
        patch(&mut agent.hold, self.hold);
        patch(&mut agent.is_default, self.is_default);
        patch(&mut agent.defaults, self.defaults);
    }
}

/// The agent of that name, inside a transaction, locked against other writers.
pub(crate) async fn by_name_locked(tx: &mut Tx, owner: &str, name: &str) -> Result<Agent, Error> {
    let row = tx.one(sql::agents::BY_NAME_LOCKED, args![owner, name]).await?;
    found(row, agent, "agent", name)
}

/// The agent of that id, inside a transaction, and locked against other writers if that is asked for.
pub(crate) async fn by_id(tx: &mut Tx, id: AgentId, locked: bool) -> Result<Agent, Error> {
    let sql = if locked { sql::agents::BY_ID_LOCKED } else { sql::agents::BY_ID };
    let row = tx.one(sql, args![id]).await?;
    found(row, agent, "agent", id)
}

/// Writes an agent's settings.
pub(crate) async fn write(tx: &mut Tx, agent: &Agent) -> Result<(), Error> {
    tx.run(
        sql::agents::UPDATE,
        args![
            agent.id,
            &agent.description,
            json(&Tags::of(&agent.tags))?,
            json(&agent.labels)?,
            agent.concurrency,
            agent.cordoned,
            agent.draining,
            agent.is_default,
            json_or_null(agent.identity.as_ref())?,
            agent.updated_at,
            json_or_null(agent.defaults.as_ref())?,
            json(&agent.limits)?,
            json_or_null(agent.hold.as_ref().map(queues::stored).as_ref())?,
        ],
    )
    .await
    .map(drop)
}

/// Writes the change and the audit entry of an agent.
pub(crate) async fn record(tx: &mut Tx, agent: &Agent, audit: &Audit) -> Result<(), Error> {
    changes::write(tx, &[NewChange::thing(ChangeKind::Agent, agent.id, &agent.owner, audit.at)]).await?;
    audit::write(tx, &[(audit, About::thing("agent", &agent.owner, agent.id, agent.name.as_str()))]).await
}

/// An agent's row.
pub(crate) fn agent(row: &Row) -> Result<Agent, Error> {
    Ok(Agent {
        id: row.id("id")?,
        owner: row.text("owner")?,
        name: row.parse("name")?,
        description: row.opt_text("description")?,
        tags: row.json::<Tags>("tags")?.into_list(),
        labels: row.json("labels")?,
        reported: row.opt_json("reported")?,
        concurrency: row.opt_u32("concurrency")?,
        limits: row.opt_json("limits")?.unwrap_or_default(),
        cordoned: row.bool("cordoned")?,
        draining: row.bool("draining")?,
        hold: queues::hold(row, "hold")?,
        is_default: row.bool("is_default")?,
        executor: row.opt_text("executor")?,
        identity: row.opt_json("identity")?,
        lease_until: row.opt_time("lease_until")?,
        lease_granted_at: row.opt_time("lease_granted_at")?,
        last_seen: row.opt_time("last_seen")?,
        lost_at: row.opt_time("lost_at")?,
        loss: row.opt_text("loss")?,
        release: row.opt_text("release_name")?,
        features: row.json::<Tags>("features")?.into_list(),
        can: Features::of_bits(row.int("can")?),
        defaults: row.opt_json("defaults")?,
        handover_rate: per_second(row.int("handover_milli")?),
        create_grace_ms: row.count("create_grace_ms")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// A rate per second from thousandths.
#[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
pub(crate) fn per_second(milli: i64) -> f64 {
    milli as f64 / 1000.0
}

//! Leases: an agent may claim and create only while it has one, and its name is bound to one identity.
//!
//! The first lease binds the name. It stays bound when the lease lapses: nobody here can know whether something
//! of the old machine or cluster is still alive, so only an operator releases it ([`Store::release_agent`], or by
//! deleting the agent).

use std::time::Duration;

use berth_domain::feature::Features;
use berth_domain::id::AgentId;
use berth_domain::nodes::NodeSummary;
use berth_domain::protocol::{Identity, LEASE_SECONDS, LeaseRequest, Vitals};
use berth_domain::reported::Reported;
use berth_domain::restore::Seen;
use berth_domain::time::Time;
use uuid::Uuid;

use crate::agents::{self, Agent, per_second};
use crate::audit::Audit;
use crate::changes::{self, ChangeKind, NewChange};
use crate::db::{Row, Tx, args, json, json_or_null};
use crate::tags::Tags;
use crate::{Error, Store, epoch, sql};

/// The answer to a lease request.
#[derive(Debug, Clone, PartialEq)]
pub enum Lease {
    /// It holds.
    Granted {
        /// The queues to consume, all that the agent has.
        queues: Vec<String>,
        /// Whether the agent takes nothing new.
        cordoned: bool,
        /// Until when, by our clock.
        until: Time,
        /// Whether the agent had no lease before: it was away, or is new.
        was_lapsed: bool,
        /// What another replica, whose lease goes on, says otherwise of the agent, if this one's word takes the
        /// place of it.
        overruled: Option<Reported>,
        /// How far the store has gone with this grant.
        seen: Seen,
        /// Whether the agent had seen the store further: it was restored from a backup.
        is_restored: bool,
    },
    /// The name belongs to somebody else.
    Refused {
        /// Why, for people.
        reason: String,
    },
}

/// A replica of an agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Replica {
    /// Its name, unique in its agent.
    pub name: String,
    /// Until when its own lease holds.
    pub lease_until: Time,
    /// When it was heard of last.
    pub last_seen: Time,
    /// The version of its binary.
    pub release: String,
    /// `process` or `kubernetes`.
    pub executor: String,
    /// Hand-overs per second lately.
    pub handover_rate: f64,
    /// Live objects.
    pub live: u32,
    /// Offers received and not yet acked.
    pub held_offers: u32,
    /// How it works, if it said.
    pub vitals: Option<Vitals>,
    /// By how much its clock was ahead of ours when it asked for its lease, in milliseconds. Less than none: behind, or what
    /// it said was on its way for so long.
    pub clock_ahead_ms: Option<i64>,
}

impl Store {
    /// Grants or refuses a lease to a replica of an agent.
    ///
    /// Our clock counts from this commit; the agent's from sending, which is earlier.
    ///
    /// # Errors
    /// `NotFound` if there is no such agent.
    pub async fn grant_lease(
        &self,
        id: AgentId,
        replica: &str,
        request: &LeaseRequest,
        now: Time,
    ) -> Result<Lease, Error> {
        let mut tx = self.db.begin().await?;
        let row = tx.one(sql::agents::BY_ID_FOR_LEASE, args![id]).await?;
        let row = row.ok_or_else(|| Error::not_found("agent", id))?;
        let agent = agents::agent(&row)?;
        let reported = request.reported(replica);
        if let Some(reason) = refusal(&agent, request, reported.as_ref()) {
            return Ok(Lease::Refused { reason });
        }
        let queues = row.opt_text("queues")?.unwrap_or_default();
        let queues = queues.split_terminator(',').map(ToOwned::to_owned).collect();
        let known_epoch = epoch::parse(row.opt_text("epoch")?.as_deref())?;
        let (seen, is_restored) = advance(&mut tx, &agent, known_epoch, request.seen, now).await?;
        let was_lapsed = !agent.is_live(now);
        let known = agent.reported.as_ref();
        let known_is_live = match (&reported, known) {
            (Some(said), Some(known)) if said != known => is_live(&mut tx, id, &known.replica, now).await?,
            _ => false,
        };
        let news = reported.filter(|said| said.replaces(known, request.hello, known_is_live));
        let overruled = known
            .filter(|known| known_is_live && news.as_ref().is_some_and(|said| !said.agrees_with(known)))
            .filter(|known| known.replica != replica)
            .cloned();
        let until = now.plus(Duration::from_secs(LEASE_SECONDS));
        tx.run(
            sql::agents::REPLICA_UPSERT,
            args![
                id,
                replica,
                until,
                now,
                &request.release,
                &request.executor,
                milli(request.handover_rate),
                request.live,
                request.held_offers,
                json_or_null(request.vitals.as_ref())?,
                request.vitals.as_ref().map(|vitals| clock_ahead_ms(vitals.sent_at, now)),
            ],
        )
        .await?;
        if request.hello || was_lapsed {
            // Replicas that are gone for ten leases have been replaced by others.
            let gone = now.minus(Duration::from_secs(10 * LEASE_SECONDS));
            tx.run(sql::agents::LAPSED_REPLICAS_DROP, args![id, gone]).await?;
        }
        // Clocks of two schedulers differ: a lease never ends before one that was granted earlier.
        let until = agent.lease_until.map_or(until, |held| held.max(until));
        tx.run(
            sql::agents::GRANT,
            args![
                id,
                &request.executor,
                json(&request.identity)?,
                until,
                now,
                &request.release,
                json(&Tags::of(&request.features))?,
                i64::try_from(request.create_grace_ms).unwrap_or(i64::MAX),
                json_or_null(news.as_ref())?,
                seen.granted_at,
                Features::named(request.features.iter().map(String::as_str)).bits(),
            ],
        )
        .await?;
        if let Some(nodes) = &request.nodes {
            tx.run(sql::agents::NODES_UPSERT, args![id, json(nodes)?, now]).await?;
        }
        if agent.lost_at.is_some() {
            tx.run(sql::losses::FOUND, args![id]).await?;
        }
        if agent.identity.is_none() {
            let audit = Audit::new(format!("agent:{}", agent.name), "agent.bind", now);
            agents::record(&mut tx, &agent, &audit).await?;
        } else if was_lapsed
            || agent.lost_at.is_some()
            || news.is_some()
            || agent.release.as_deref() != Some(&request.release)
        {
            changes::write(&mut tx, &[NewChange::thing(ChangeKind::Agent, id, &agent.owner, now)]).await?;
        }
        tx.commit().await?;
        Ok(Lease::Granted {
            queues,
            cordoned: agent.is_closed(),
            until,
            was_lapsed,
            overruled,
            seen,
            is_restored,
        })
    }

    /// The agent's replicas by name, with those that lapsed lately.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn replicas(&self, id: AgentId) -> Result<Vec<Replica>, Error> {
        self.db.all(sql::agents::REPLICAS, args![id]).await?.iter().map(replica).collect()
    }

    /// Every agent's replicas whose own leases hold.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn live_replicas(&self, now: Time) -> Result<Vec<(AgentId, Replica)>, Error> {
        let rows = self.db.all(sql::agents::LIVE_REPLICAS, args![now]).await?;
        rows.iter().map(|row| Ok((row.id("agent_id")?, replica(row)?))).collect()
    }

    /// The agent's nodes in summary, as it reported them last; none if its executor has none.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn agent_nodes(&self, id: AgentId) -> Result<Option<NodeSummary>, Error> {
        let row = self.db.one(sql::agents::NODES, args![id]).await?;
        row.map(|row| row.json("nodes")).transpose()
    }

    /// Forgets a replica that said good-bye; the agent's lease ends with its last replica's.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn drop_replica(&self, id: AgentId, name: &str, now: Time) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let agent = agents::by_id(&mut tx, id, true).await?;
        tx.run(sql::agents::REPLICA_DROP, args![id, name]).await?;
        tx.run(sql::agents::LEASE_END, args![id]).await?;
        changes::write(&mut tx, &[NewChange::thing(ChangeKind::Agent, id, &agent.owner, now)]).await?;
        tx.commit().await
    }
}

/// Why the agent gets no lease; none if it may have one.
fn refusal(agent: &Agent, request: &LeaseRequest, reported: Option<&Reported>) -> Option<String> {
    if let Some(bound) = agent.identity.as_ref().filter(|bound| **bound != request.identity) {
        return Some(format!(
            "the agent name `{}` belongs to {}, and this is {}: use another name, or release the name by `berth agents delete --release`",
            agent.name,
            describe(bound),
            describe(&request.identity),
        ));
    }
    let invalid = reported?.check().err()?;
    Some(format!("agent `{}`: {invalid}", agent.name))
}

/// How far the store goes with this grant, and whether the agent had seen it further: then a new epoch begins.
async fn advance(
    tx: &mut Tx,
    agent: &Agent,
    known_epoch: Uuid,
    seen: Option<Seen>,
    now: Time,
) -> Result<(Seen, bool), Error> {
    let granted_at = agent.lease_granted_at.unwrap_or(Time::from_micros(0));
    let stands = Seen { epoch: known_epoch, agent: agent.id, granted_at };
    let is_restored = seen.is_some_and(|seen| seen.is_ahead_of(&stands));
    let epoch = if is_restored {
        epoch::note_restore(tx, known_epoch, agent.name.as_str(), now).await?
    } else {
        known_epoch
    };
    // Grows with each grant, whatever the clocks of two schedulers say.
    let granted_at = now.max(granted_at.plus(Duration::from_micros(1)));
    Ok((Seen { epoch, granted_at, ..stands }, is_restored))
}

/// Whether a replica's own lease holds.
async fn is_live(tx: &mut Tx, id: AgentId, name: &str, now: Time) -> Result<bool, Error> {
    let replicas = tx.all(sql::agents::REPLICAS, args![id]).await?;
    let replicas = replicas.iter().map(replica).collect::<Result<Vec<_>, _>>()?;
    Ok(replicas.iter().any(|replica| replica.name == name && replica.lease_until > now))
}

/// An identity, for people.
fn describe(identity: &Identity) -> String {
    match identity {
        Identity::Machine { id } => format!("the machine `{id}`"),
        Identity::Cluster { cluster, namespaces } => {
            format!("the cluster `{cluster}` with the namespaces `{}`", namespaces.join("`, `"))
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to what both sides hold exactly")]
fn milli(rate: f64) -> i64 {
    if rate.is_finite() { (rate * 1000.0).clamp(0.0, 1e12) as i64 } else { 0 }
}

fn clock_ahead_ms(sent_at: Time, now: Time) -> i64 {
    sent_at.micros().saturating_sub(now.micros()) / 1_000
}

fn replica(row: &Row) -> Result<Replica, Error> {
    Ok(Replica {
        name: row.text("name")?,
        lease_until: row.time("lease_until")?,
        last_seen: row.time("last_seen")?,
        release: row.text("release_name")?,
        executor: row.text("executor")?,
        handover_rate: per_second(row.int("handover_milli")?),
        live: row.u32("live")?,
        held_offers: row.u32("held_offers")?,
        vitals: row.opt_json("vitals")?,
        clock_ahead_ms: row.get("clock_ahead_ms")?,
    })
}

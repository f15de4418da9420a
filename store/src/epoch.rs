//! The store's own notes: its epoch, and the marker by which a broker that came back empty is recognized.
//!
//! An epoch is one unbroken history. It begins with the first migration, and anew when a backup was restored: then an
//! agent has seen the store further than it is, and says so with its lease. Cursors of an older epoch hold no more,
//! and nothing is dispatched until every agent has told what it holds, or an operator goes on without those missing.

use berth_domain::id::AgentId;
use berth_domain::restore::Restored;
use berth_domain::time::Time;
use uuid::Uuid;

use crate::audit::{self, About, Audit};
use crate::db::{Tx, args, json_text};
use crate::{Error, Store, sql};

/// The key of the epoch.
pub(crate) const EPOCH: &str = "epoch";
/// The key of the oldest change that is kept.
pub(crate) const CHANGES_FLOOR: &str = "changes_floor";
const BROKER_MARKER: &str = "broker_marker";
/// The key of the restore that is not reconciled yet.
pub(crate) const RESTORED: &str = "restored";

impl Store {
    /// The id of the store's epoch.
    ///
    /// # Errors
    /// `Schema` before the first migration.
    pub async fn epoch(&self) -> Result<Uuid, Error> {
        parse(self.meta(EPOCH).await?.as_deref())
    }

    /// The restore that not every agent has reconciled yet, if there was one.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn restored(&self) -> Result<Option<Restored>, Error> {
        read(self.meta(RESTORED).await?)
    }

    /// The agents that have not told what they hold since the restore.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn unreconciled_agents(&self, restored: &Restored) -> Result<Vec<String>, Error> {
        let epoch = restored.epoch.simple().to_string();
        let rows = self.db.all(sql::agents::UNRECONCILED, args![epoch]).await?;
        rows.iter().map(|row| row.text("name")).collect()
    }

    /// Notes that an agent has told what it holds, by a look made in `epoch`, and that this was compared with the
    /// store. Says whether dispatch goes on now because of it.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn reconciled(&self, agent: AgentId, epoch: Uuid, now: Time) -> Result<bool, Error> {
        if self.restored().await?.is_none_or(|restored| restored.epoch != epoch) {
            return Ok(false);
        }
        let mut tx = self.db.begin().await?;
        tx.run(sql::agents::RECONCILED, args![agent, epoch.simple().to_string()]).await?;
        let is_over = end_if_reconciled(&mut tx, now).await?;
        tx.commit().await?;
        Ok(is_over)
    }

    /// Goes on after a restore without the agents that have not told what they hold. Says whether there was one.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn accept_restore(&self, audit: &Audit) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let Some(restored) = pending(&mut tx).await? else { return Ok(false) };
        end(&mut tx, &restored, audit).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The marker that was left on the broker, if one was.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn broker_marker(&self) -> Result<Option<String>, Error> {
        self.meta(BROKER_MARKER).await
    }

    /// Replaces the marker if it is still `expected`; says whether it was. Of several replicas one wins.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn set_broker_marker(&self, expected: Option<&str>, marker: &str) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let written = match expected {
            None => tx.run(sql::meta::INIT, args![BROKER_MARKER, marker]).await?,
            Some(expected) => tx.run(sql::meta::SET_IF, args![BROKER_MARKER, expected, marker]).await?,
        };
        tx.commit().await?;
        Ok(written > 0)
    }

    /// A note.
    pub(crate) async fn meta(&self, key: &str) -> Result<Option<String>, Error> {
        self.db.one(sql::meta::GET, args![key]).await?.map(|row| row.text("value")).transpose()
    }
}

/// The epoch as it is noted.
pub(crate) fn parse(noted: Option<&str>) -> Result<Uuid, Error> {
    let text = noted.ok_or_else(|| Error::Schema {
        message: "the store has no epoch; run `berth admin migrate`".to_owned(),
    })?;
    Uuid::try_parse(text).map_err(|_| Error::corrupt("meta `epoch`"))
}

/// The restore as it is noted.
pub(crate) fn read(noted: Option<String>) -> Result<Option<Restored>, Error> {
    let restored = noted.map(|text| serde_json::from_str(&text)).transpose();
    restored.map_err(|_| Error::corrupt("meta `restored`"))
}

/// The restore that is not reconciled yet, inside a transaction.
pub(crate) async fn pending(tx: &mut Tx) -> Result<Option<Restored>, Error> {
    read(tx.one(sql::meta::GET, args![RESTORED]).await?.map(|row| row.text("value")).transpose()?)
}

/// Begins a new epoch, since an agent has seen more than the store knows of. Of several that notice it in epoch
/// `known`, the first begins the new one. Returns the epoch that holds.
pub(crate) async fn note_restore(tx: &mut Tx, known: Uuid, agent: &str, now: Time) -> Result<Uuid, Error> {
    let restored = Restored { epoch: Uuid::now_v7(), noticed_at: now, noticed_by: agent.to_owned() };
    let (old, new) = (known.simple().to_string(), restored.epoch.simple().to_string());
    if tx.run(sql::meta::SET_IF, args![EPOCH, old, new]).await? == 0 {
        let noted = tx.one(sql::meta::GET, args![EPOCH]).await?.map(|row| row.text("value")).transpose()?;
        return parse(noted.as_deref());
    }
    tx.run(sql::meta::SET, args![RESTORED, json_text(&restored)?]).await?;
    tx.run(sql::retention::ALL_CHANGES, args![]).await?;
    let mut audit = Audit::new(format!("agent:{agent}"), "store.restore", now);
    audit.reason = Some(restored.reason());
    write(tx, &restored, &audit).await?;
    Ok(restored.epoch)
}

/// Lets dispatch go on if no agent is left that has not told what it holds.
pub(crate) async fn end_if_reconciled(tx: &mut Tx, now: Time) -> Result<bool, Error> {
    let Some(restored) = pending(tx).await? else { return Ok(false) };
    let epoch = restored.epoch.simple().to_string();
    if tx.one(sql::agents::UNRECONCILED, args![epoch]).await?.is_some() {
        return Ok(false);
    }
    end(tx, &restored, &Audit::new("scheduler", "store.reconciled", now)).await?;
    Ok(true)
}

async fn end(tx: &mut Tx, restored: &Restored, audit: &Audit) -> Result<(), Error> {
    tx.run(sql::meta::UNSET, args![RESTORED]).await?;
    write(tx, restored, audit).await
}

async fn write(tx: &mut Tx, restored: &Restored, audit: &Audit) -> Result<(), Error> {
    let about = About { owner: "", kind: "store", id: Some(restored.epoch), name: None };
    audit::write(tx, &[(audit, about)]).await
}

//! The store's own notes: its epoch, and the marker by which a broker that came back empty is recognized.
//!
//! An epoch is one unbroken history. It begins with the first migration, and anew when an operator restores a
//! backup ([`Store::begin_epoch`]): cursors and dispatch of an older epoch hold no more.

use uuid::Uuid;

use crate::audit::{self, About, Audit};
use crate::db::args;
use crate::{Error, Store, sql};

/// The key of the epoch.
pub(crate) const EPOCH: &str = "epoch";
/// The key of the oldest change that is kept.
pub(crate) const CHANGES_FLOOR: &str = "changes_floor";
const BROKER_MARKER: &str = "broker_marker";

impl Store {
    /// The id of the store's epoch.
    ///
    /// # Errors
    /// `Schema` before the first migration.
    pub async fn epoch(&self) -> Result<Uuid, Error> {
        let text = self.meta(EPOCH).await?.ok_or_else(|| Error::Schema {
            message: "the store has no epoch; run `berth admin migrate`".to_owned(),
        })?;
        Uuid::try_parse(&text).map_err(|_| Error::corrupt("meta `epoch`"))
    }

    /// Begins a new epoch, after a restore.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn begin_epoch(&self, audit: &Audit) -> Result<Uuid, Error> {
        let epoch = Uuid::now_v7();
        let mut tx = self.db.begin().await?;
        tx.run(sql::retention::ALL_CHANGES, args![]).await?;
        tx.run(sql::meta::SET, args![EPOCH, epoch.simple().to_string()]).await?;
        let about = About { owner: "", kind: "store", id: Some(epoch), name: None };
        audit::write(&mut tx, &[(audit, about)]).await?;
        tx.commit().await?;
        Ok(epoch)
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

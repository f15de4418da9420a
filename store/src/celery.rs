//! What Celery's tools have switched on, for all replicas and beyond their lives.

use crate::db::args;
use crate::{Error, Store, sql};

const EVENTS: &str = "celery_events";

impl Store {
    /// Whether somebody asked for events of runs, and nobody for their end since.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn celery_events(&self) -> Result<bool, Error> {
        Ok(self.meta(EVENTS).await?.as_deref() == Some("on"))
    }

    /// Switches events of runs on or off; says whether they were on.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn set_celery_events(&self, are_on: bool) -> Result<bool, Error> {
        let were_on = self.celery_events().await?;
        // Monitors ask every few seconds.
        if were_on != are_on {
            let mut tx = self.db.begin().await?;
            tx.run(sql::meta::SET, args![EVENTS, if are_on { "on" } else { "off" }]).await?;
            tx.commit().await?;
        }
        Ok(were_on)
    }
}

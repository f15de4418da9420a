//! Organizations: where their runs go that name no queue.

use berth_domain::scheduling::routes::RoutingRule;

use crate::audit::{self, About, Audit};
use crate::db::{Row, args, json_or_null};
use crate::{Error, Store, sql};

/// Where an organization's runs go that name no queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoutingSettings {
    /// The queue of runs that nothing else is said of, as `agent/queue` or `queue`.
    pub default_queue: Option<String>,
    /// Its routing rules, the first that matches holds.
    pub rules: Vec<RoutingRule>,
}

/// What is to change; what is none stays, `Some(None)` clears.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoutingPatch {
    /// The queue of runs that nothing else is said of.
    pub default_queue: Option<Option<String>>,
    /// The routing rules, all of them.
    pub rules: Option<Vec<RoutingRule>>,
}

impl Store {
    /// Where an organization's runs go that name no queue.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn routing_settings(&self, owner: &str) -> Result<RoutingSettings, Error> {
        let row = self.db.one(sql::places::ORGANIZATION, args![owner]).await?;
        row.as_ref().map_or_else(|| Ok(RoutingSettings::default()), settings)
    }

    /// Changes where an organization's runs go from now on that name no queue.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn update_routing(
        &self,
        owner: &str,
        patch: RoutingPatch,
        audit: &Audit,
    ) -> Result<RoutingSettings, Error> {
        let mut tx = self.db.begin().await?;
        tx.run(sql::places::ORGANIZATION_NEW, args![owner, audit.at]).await?;
        let row = tx.one(sql::places::ORGANIZATION_LOCKED, args![owner]).await?;
        let mut settings = settings(&row.ok_or_else(|| Error::not_found("organization", owner))?)?;
        settings.default_queue = patch.default_queue.unwrap_or(settings.default_queue);
        settings.rules = patch.rules.unwrap_or(settings.rules);
        let rules = Some(&settings.rules).filter(|rules| !rules.is_empty());
        let args = args![owner, &settings.default_queue, json_or_null(rules)?, audit.at];
        tx.run(sql::places::ORGANIZATION_SET, args).await?;
        let about = About { owner, kind: "organization", id: None, name: Some(owner) };
        audit::write(&mut tx, &[(audit, about)]).await?;
        tx.commit().await?;
        Ok(settings)
    }
}

fn settings(row: &Row) -> Result<RoutingSettings, Error> {
    Ok(RoutingSettings {
        default_queue: row.opt_text("default_queue")?,
        rules: row.opt_json("routes")?.unwrap_or_default(),
    })
}

//! Organizations: where their runs go that name no queue, and what of them is limited.

use berth_domain::scheduling::routes::RoutingRule;
use berth_domain::scheduling::{LimitPatch, LimitSettings};

use crate::audit::{self, About, Audit};
use crate::db::{Row, args, json_or_null};
use crate::{Error, Store, sql};

/// Where an organization's runs go that name no queue, and what of them is limited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrganizationSettings {
    /// The queue of runs that nothing else is said of, as `agent/queue` or `queue`.
    pub default_queue: Option<String>,
    /// Its routing rules, the first that matches holds.
    pub rules: Vec<RoutingRule>,
    /// How many of its runs are alive at a time at most.
    pub concurrency: Option<u32>,
    /// Quotas and rates of all of them together.
    pub limits: LimitSettings,
}

/// What is to change; what is none stays, `Some(None)` clears.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrganizationPatch {
    /// The queue of runs that nothing else is said of.
    pub default_queue: Option<Option<String>>,
    /// The routing rules, all of them.
    pub rules: Option<Vec<RoutingRule>>,
    /// How many of its runs are alive at a time at most.
    pub concurrency: Option<Option<u32>>,
    /// Quotas and rates.
    pub limits: LimitPatch,
}

impl Store {
    /// What is set of an organization.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn organization_settings(&self, owner: &str) -> Result<OrganizationSettings, Error> {
        let row = self.db.one(sql::places::ORGANIZATION, args![owner]).await?;
        row.as_ref().map_or_else(|| Ok(OrganizationSettings::default()), settings)
    }

    /// Changes what is set of an organization; it holds from now on, for what waits too.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn update_organization(
        &self,
        owner: &str,
        patch: OrganizationPatch,
        audit: &Audit,
    ) -> Result<OrganizationSettings, Error> {
        let mut tx = self.db.begin().await?;
        tx.run(sql::places::ORGANIZATION_NEW, args![owner, audit.at]).await?;
        let row = tx.one(sql::places::ORGANIZATION_LOCKED, args![owner]).await?;
        let mut settings = settings(&row.ok_or_else(|| Error::not_found("organization", owner))?)?;
        settings.default_queue = patch.default_queue.unwrap_or(settings.default_queue);
        settings.rules = patch.rules.unwrap_or(settings.rules);
        settings.concurrency = patch.concurrency.unwrap_or(settings.concurrency);
        patch.limits.apply(&mut settings.limits);
        let limits = Some(&settings.limits).filter(|limits| !limits.is_empty());
        let rules = Some(&settings.rules).filter(|rules| !rules.is_empty());
        let args = args![
            owner,
            &settings.default_queue,
            json_or_null(rules)?,
            settings.concurrency,
            json_or_null(limits)?,
            audit.at
        ];
        tx.run(sql::places::ORGANIZATION_SET, args).await?;
        let about = About { owner, kind: "organization", id: None, name: Some(owner) };
        audit::write(&mut tx, &[(audit, about)]).await?;
        tx.commit().await?;
        Ok(settings)
    }
}

fn settings(row: &Row) -> Result<OrganizationSettings, Error> {
    Ok(OrganizationSettings {
        default_queue: row.opt_text("default_queue")?,
        rules: row.opt_json("routes")?.unwrap_or_default(),
        concurrency: row.opt_u32("concurrency")?,
        limits: row.opt_json("limits")?.unwrap_or_default(),
    })
}

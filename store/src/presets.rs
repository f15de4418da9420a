//! Saved presets: patches that operations, queues and agents name. What they may say is checked by whoever passes
//! them in.

use berth_domain::id::PresetId;
use berth_domain::time::Time;

use crate::audit::{self, About, Audit};
use crate::db::{Row, Tx, args, json};
use crate::tags::Tags;
use crate::{Error, Store, sql};

/// The most presets of an organization: lists of them are always whole.
const MAX_PRESETS: u64 = 1_000;

/// A saved preset.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    /// Its id.
    pub id: PresetId,
    /// The organization.
    pub owner: String,
    /// Its name, unique in the organization.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// The patch, JSON.
    pub content: String,
    /// Who made it.
    pub username: Option<String>,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

/// What is to change of a preset; what is none stays, `Some(None)` clears.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PresetPatch {
    /// What it is for.
    pub description: Option<Option<String>>,
    /// Its tags.
    pub tags: Option<Vec<String>>,
    /// The patch, JSON.
    pub content: Option<String>,
}

impl Store {
    /// Makes a preset. Its times are the audit's.
    ///
    /// # Errors
    /// `Conflict` if the organization has one of that name, or as many as it may have.
    pub async fn create_preset(&self, mut new: Preset, audit: &Audit) -> Result<Preset, Error> {
        let mut tx = self.db.begin().await?;
        let count = tx.one(sql::presets::COUNT, args![&new.owner]).await?;
        if count.map(|row| row.count("n")).transpose()?.unwrap_or(0) >= MAX_PRESETS {
            return Err(Error::conflict(format!("an organization has at most {MAX_PRESETS} presets")));
        }
        new.created_at = audit.at;
        new.updated_at = audit.at;
        let args = args![
            new.id,
            &new.owner,
            &new.name,
            &new.description,
            json(&Tags::of(&new.tags))?,
            &new.content,
            &new.username,
            new.created_at,
            new.updated_at,
        ];
        tx.run(sql::presets::INSERT, args).await.map_err(|error| match error {
            Error::Conflict { .. } => Error::conflict(format!("preset `{}` exists already", new.name)),
            other => other,
        })?;
        record(&mut tx, &new, audit).await?;
        tx.commit().await?;
        Ok(new)
    }

    /// The preset of that name.
    ///
    /// # Errors
    /// `NotFound` if the organization has none.
    pub async fn preset(&self, owner: &str, name: &str) -> Result<Preset, Error> {
        let row = self.db.one(sql::presets::BY_NAME, args![owner, name]).await?;
        row.as_ref().map(preset).transpose()?.ok_or_else(|| Error::not_found("preset", name))
    }

    /// The preset of that id.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub async fn preset_by_id(&self, id: PresetId) -> Result<Preset, Error> {
        let row = self.db.one(sql::presets::BY_ID, args![id]).await?;
        row.as_ref().map(preset).transpose()?.ok_or_else(|| Error::not_found("preset", id))
    }

    /// All presets of the organization, by name.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn presets(&self, owner: &str) -> Result<Vec<Preset>, Error> {
        self.db.all(sql::presets::OF_OWNER, args![owner]).await?.iter().map(preset).collect()
    }

    /// Changes a preset.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub async fn update_preset(
        &self,
        id: PresetId,
        patch: PresetPatch,
        audit: &Audit,
    ) -> Result<Preset, Error> {
        let mut tx = self.db.begin().await?;
        let mut preset = locked(&mut tx, id).await?;
        preset.description = patch.description.unwrap_or(preset.description);
        preset.tags = patch.tags.unwrap_or(preset.tags);
        preset.content = patch.content.unwrap_or(preset.content);
        preset.updated_at = audit.at;
        let tags = json(&Tags::of(&preset.tags))?;
        let args = args![id, &preset.description, tags, &preset.content, preset.updated_at];
        tx.run(sql::presets::UPDATE, args).await?;
        record(&mut tx, &preset, audit).await?;
        tx.commit().await?;
        Ok(preset)
    }

    /// Deletes a preset. Runs that were made with it keep what it said.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub async fn delete_preset(&self, id: PresetId, audit: &Audit) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let preset = locked(&mut tx, id).await?;
        tx.run(sql::presets::DELETE, args![id]).await?;
        record(&mut tx, &preset, audit).await?;
        tx.commit().await
    }
}

async fn locked(tx: &mut Tx, id: PresetId) -> Result<Preset, Error> {
    let row = tx.one(sql::presets::BY_ID_LOCKED, args![id]).await?;
    row.as_ref().map(preset).transpose()?.ok_or_else(|| Error::not_found("preset", id))
}

async fn record(tx: &mut Tx, preset: &Preset, audit: &Audit) -> Result<(), Error> {
    audit::write(tx, &[(audit, About::thing("preset", &preset.owner, preset.id, &preset.name))]).await
}

fn preset(row: &Row) -> Result<Preset, Error> {
    Ok(Preset {
        id: row.id("id")?,
        owner: row.text("owner")?,
        name: row.text("name")?,
        description: row.opt_text("description")?,
        tags: row.json::<Tags>("tags")?.into_list(),
        content: row.text("content")?,
        username: row.opt_text("username")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

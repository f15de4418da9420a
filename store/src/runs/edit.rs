//! Changing what describes a run, and deleting one.

use berth_domain::id::RunId;
use berth_domain::lifecycle::Status;
use serde_json::{Map, Value};

use super::create::object;
use super::model::{Run, RunPatch};
use super::transition::lock;
use crate::audit::{self, About, Audit};
use crate::changes::{self, NewChange};
use crate::db::{args, json, json_or_null};
use crate::tags::Tags;
use crate::{Error, Store, sql};

impl Store {
    /// Changes what describes a run; where it stands is changed by [`Store::transition`] only.
    ///
    /// # Errors
    /// `NotFound` if there is no such run.
    pub async fn update_run_meta(&self, id: RunId, patch: RunPatch, audit: &Audit) -> Result<Run, Error> {
        let mut tx = self.db.begin().await?;
        let row = tx.one(sql::runs::FOR_EDIT, args![id]).await?;
        let row = row.ok_or_else(|| Error::not_found("run", id))?;
        let owner = row.text("owner")?;
        let name = patch.name.or(row.opt_text("name")?);
        let version = row.int("version")? + 1;
        let tags = match patch.tags {
            Some(tags) if patch.merge => {
                let mut all = row.json::<Tags>("tags")?.into_list();
                all.extend(tags);
                let mut seen = std::collections::HashSet::new();
                all.retain(|tag| seen.insert(tag.clone()));
                all
            }
            Some(tags) => tags,
            None => row.json::<Tags>("tags")?.into_list(),
        };
        let merged = |column: &str, new: Option<Value>| -> Result<Option<Value>, Error> {
            let old: Option<Value> = row.opt_json(column)?;
            Ok(match object(new.as_ref()) {
                None => old,
                Some(new) if patch.merge => Some(merge(old, new)),
                Some(new) => Some(new.clone()),
            })
        };
        let pending = match patch.pending {
            Some(pending) => pending,
            None => row.opt_text("pending")?,
        };
        tx.run(
            sql::runs::EDIT,
            args![
                id,
                &name,
                &patch.description.or(row.opt_text("description")?),
                &patch.readme.or(row.opt_text("readme")?),
                json(&Tags::of(&tags))?,
                json_or_null(merged("inputs", patch.inputs)?.as_ref())?,
                json_or_null(merged("outputs", patch.outputs)?.as_ref())?,
                json_or_null(merged("meta_info", patch.meta_info)?.as_ref())?,
                &pending,
                audit.at,
                version,
            ],
        )
        .await?;
        let status: Status = row.parse("status")?;
        let change = NewChange::run(id, &owner, row.id("project_id")?, version, status, audit.at);
        changes::write(&mut tx, &[change]).await?;
        let about = About { owner: &owner, kind: "run", id: Some(id.uuid()), name: name.as_deref() };
        audit::write(&mut tx, &[(audit, about)]).await?;
        tx.commit().await?;
        self.run_by_id(id).await
    }

    /// Sets Polyaxon's live state: 1 live, 0 archived.
    ///
    /// # Errors
    /// `NotFound` if there is no such run.
    pub async fn set_live_state(&self, id: RunId, live_state: i32, audit: &Audit) -> Result<(), Error> {
        self.hide(id, live_state, false, audit).await
    }

    /// Deletes a finished run: it is gone for every reader at once, its rows follow in the retention's batches.
    ///
    /// # Errors
    /// `NotFound` if there is no such run, `Conflict` while it has not finished.
    pub async fn delete_run(&self, id: RunId, audit: &Audit) -> Result<(), Error> {
        self.hide(id, -1, true, audit).await
    }

    async fn hide(&self, id: RunId, live_state: i32, delete: bool, audit: &Audit) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let heads = lock(&mut tx, &[id]).await?;
        let head = heads.first().ok_or_else(|| Error::not_found("run", id))?;
        let status = head.dispatch.status;
        if delete && !status.is_final() {
            return Err(Error::conflict(format!("run `{id}` is {status}: stop it first")));
        }
        tx.run(sql::runs::SET_LIVE_STATE, args![id, live_state, delete, audit.at]).await?;
        let change = NewChange::run(id, &head.owner, head.project_id, head.version + 1, status, audit.at);
        changes::write(&mut tx, &[change]).await?;
        let about =
            About { owner: &head.owner, kind: "run", id: Some(id.uuid()), name: head.name.as_deref() };
        audit::write(&mut tx, &[(audit, about)]).await?;
        tx.commit().await
    }
}

/// The keys of both objects; `new` wins.
fn merge(old: Option<Value>, new: &Value) -> Value {
    let mut all = match old {
        Some(Value::Object(old)) => old,
        _ => Map::new(),
    };
    if let Value::Object(new) = new {
        all.extend(new.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    Value::Object(all)
}

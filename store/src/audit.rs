//! Who changed what and why: one entry with every change, in its transaction.
//!
//! Callers redact before they pass anything in: reasons and details are kept as given, for 400 days, and shown.

use berth_domain::id::Id;
use berth_domain::time::Time;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::db::{Row, Tx, args, batches};
use crate::page::{Key, Page, PageOf};
use crate::{Error, Store, sql};

/// Who changes something, how it is called, and when. Its moment is the moment of the change itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// Who: a user, a token's name, `scheduler`, `agent:<name>`.
    pub actor: String,
    /// What: `project.create`, `run.stop`, ...
    pub action: String,
    /// When: all that the change writes is dated so.
    pub at: Time,
    /// The request it came with.
    pub request_id: Option<String>,
    /// Why, in the actor's own words.
    pub reason: Option<String>,
    /// More, as a JSON object; never secrets.
    pub details: Option<Value>,
}

impl Audit {
    /// An entry without request and reason.
    pub fn new(actor: impl Into<String>, action: impl Into<String>, at: Time) -> Self {
        Self { actor: actor.into(), action: action.into(), at, request_id: None, reason: None, details: None }
    }
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Its number; grows.
    pub id: i64,
    /// The organization.
    pub owner: String,
    /// Who, what, when, why.
    pub audit: Audit,
    /// `run`, `project`, `queue`, `agent`, `token`, `dead_letter`, `store`.
    pub object_kind: String,
    /// The thing that was changed.
    pub object_id: Option<Uuid>,
    /// Its name then.
    pub object_name: Option<String>,
}

/// Which entries.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AuditFilter {
    /// Of this organization.
    pub owner: Option<String>,
    /// About this thing.
    pub object_id: Option<Uuid>,
    /// By this actor.
    pub actor: Option<String>,
    /// Of this action.
    pub action: Option<String>,
}

/// What an entry is about.
#[derive(Debug, Clone)]
pub(crate) struct About<'a> {
    pub(crate) owner: &'a str,
    pub(crate) kind: &'static str,
    pub(crate) id: Option<Uuid>,
    pub(crate) name: Option<&'a str>,
}

impl<'a> About<'a> {
    pub(crate) fn thing<T>(kind: &'static str, owner: &'a str, id: Id<T>, name: &'a str) -> Self {
        Self { owner, kind, id: Some(id.uuid()), name: Some(name) }
    }
}

#[derive(Serialize)]
struct NewEntry<'a> {
    at: i64,
    owner: &'a str,
    actor: &'a str,
    action: &'a str,
    object_kind: &'a str,
    object_id: Option<String>,
    object_name: Option<&'a str>,
    request_id: Option<&'a str>,
    reason: Option<&'a str>,
    details: Option<&'a Value>,
}

/// Writes entries in the transaction of their changes.
pub(crate) async fn write(tx: &mut Tx, entries: &[(&Audit, About<'_>)]) -> Result<(), Error> {
    let rows: Vec<NewEntry<'_>> = entries
        .iter()
        .map(|(audit, about)| NewEntry {
            at: audit.at.micros(),
            owner: about.owner,
            actor: &audit.actor,
            action: &audit.action,
            object_kind: about.kind,
            object_id: about.id.map(|id| id.simple().to_string()),
            object_name: about.name,
            request_id: audit.request_id.as_deref(),
            reason: audit.reason.as_deref(),
            details: audit.details.as_ref().filter(|details| details.is_object()),
        })
        .collect();
    for batch in batches(&rows)? {
        tx.run(sql::audit::INSERT, args![batch]).await?;
    }
    Ok(())
}

impl Store {
    /// The log, newest first.
    ///
    /// # Errors
    /// If the cursor is not one of this list, or the database can't be used.
    pub async fn audit_entries(
        &self,
        filter: &AuditFilter,
        page: &Page,
    ) -> Result<PageOf<AuditEntry>, Error> {
        let before = match &page.cursor {
            Some(cursor) => Key::from_cursor(cursor, "audit")?.number,
            None => None,
        };
        let rows = self
            .db
            .all(
                sql::audit::LIST,
                args![
                    &filter.owner,
                    filter.object_id.map_or(crate::db::Arg::Uuid(None), Into::into),
                    &filter.actor,
                    &filter.action,
                    before.unwrap_or(i64::MAX),
                    page.limit() + 1,
                    page.offset(),
                ],
            )
            .await?;
        let items = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        PageOf::cut(items, page, None, |last| Key {
            sort: "audit".to_owned(),
            number: Some(last.id),
            text: None,
            id: Uuid::nil(),
        })
    }
}

fn entry(row: &Row) -> Result<AuditEntry, Error> {
    Ok(AuditEntry {
        id: row.int("id")?,
        owner: row.text("owner")?,
        audit: Audit {
            actor: row.text("actor")?,
            action: row.text("action")?,
            at: row.time("at")?,
            request_id: row.opt_text("request_id")?,
            reason: row.opt_text("reason")?,
            details: row.opt_json("details")?,
        },
        object_kind: row.text("object_kind")?,
        object_id: row.get("object_id")?,
        object_name: row.opt_text("object_name")?,
    })
}

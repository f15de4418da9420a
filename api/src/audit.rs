//! The audit log: who changed what, when and why.

use axum::Json;
use axum::extract::{OriginalUri, State};
use berth_domain::access::Action;
use berth_store::{AuditEntry, AuditFilter};
use serde_json::{Value, json};

use crate::app::AppState;
use crate::authenticate::Caller;
use crate::listing;
use crate::params::Params;
use crate::path::InOwner;
use crate::problem::Problem;

/// Entries on a page, if nothing is said.
const PAGE: u32 = 100;

/// `GET /api/v1/orgs/{owner}/audit`.
pub(crate) async fn list(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::ViewAudit, at.resource())?;
    let params = Params::read(&uri, &["limit", "offset", "cursor", "no_page", "object", "actor", "action"])?;
    let page = listing::page(&params, PAGE)?;
    let object_id = params
        .text("object")
        .map(|text| text.parse().map_err(|_| Problem::field("object", "it is not a UUID")))
        .transpose()?;
    let filter = AuditFilter {
        owner: Some(at.owner),
        object_id,
        actor: params.text("actor").map(ToOwned::to_owned),
        action: params.text("action").map(ToOwned::to_owned),
    };
    let entries = app.store.audit_entries(&filter, &page).await?;
    Ok(Json(listing::answer(&uri, &entries, shape)))
}

fn shape(entry: &AuditEntry) -> Value {
    json!({
        "id": entry.id,
        "actor": entry.audit.actor,
        "action": entry.audit.action,
        "at": entry.audit.at,
        "request_id": entry.audit.request_id,
        "reason": entry.audit.reason,
        "details": entry.audit.details,
        "object": {
            "kind": entry.object_kind,
            "uuid": entry.object_id.map(|id| id.simple().to_string()),
            "name": entry.object_name,
        },
    })
}

//! Access tokens, in the shape of Polyaxon's `V1Token`. A key is shown once, when it is made.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use berth_domain::access::{Action, Resource, Scope};
use berth_domain::id::TokenId;
use berth_domain::name::DEFAULT;
use berth_domain::time::Time;
use berth_store::{NewToken, Token};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::app::AppState;
use crate::authenticate::{Caller, hash, new_secret};
use crate::body::Json;
use crate::listing;
use crate::params::shown;
use crate::problem::Problem;

/// The longest life of a token, in days.
const MAX_DAYS: u32 = 3_650;
/// One day.
const DAY: Duration = Duration::from_secs(86_400);

/// `V1Token`, as far as it can be set.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Body {
    name: Option<String>,
    scopes: Option<Vec<String>>,
    /// Days until it ends.
    expiration: Option<u32>,
    /// When it ends; the other way to say so.
    expires_at: Option<Time>,
    #[serde(rename = "uuid")]
    _uuid: IgnoredAny,
    #[serde(rename = "key")]
    _key: IgnoredAny,
    #[serde(rename = "services")]
    _services: IgnoredAny,
    #[serde(rename = "started_at")]
    _started_at: IgnoredAny,
    #[serde(rename = "created_at")]
    _created_at: IgnoredAny,
    #[serde(rename = "updated_at")]
    _updated_at: IgnoredAny,
}

impl Body {
    fn scopes(&self) -> Result<Vec<String>, Problem> {
        let asked = self
            .scopes
            .clone()
            .filter(|scopes| !scopes.is_empty())
            .unwrap_or_else(|| vec!["write".to_owned()]);
        for scope in &asked {
            scope.parse::<Scope>().map_err(|error| Problem::field("scopes", error.to_string()))?;
        }
        Ok(asked)
    }

    fn expires_at(&self, now: Time) -> Result<Option<Time>, Problem> {
        match (self.expiration, self.expires_at) {
            (Some(_), Some(_)) => {
                Err(Problem::bad_request("`expiration` and `expires_at` exclude each other"))
            }
            (Some(days), None) if days == 0 || days > MAX_DAYS => Err(Problem::field(
                "expiration",
                format!("`{days}` is not a number of days from 1 to {MAX_DAYS}"),
            )),
            (Some(days), None) => Ok(Some(now.plus(DAY * days))),
            (None, Some(at)) if at <= now => Err(Problem::field("expires_at", "it lies in the past")),
            (None, at) => Ok(at),
        }
    }
}

/// `GET /api/v1/users/tokens`: those that hold.
pub(crate) async fn list(State(app): State<AppState>, caller: Caller) -> Result<Answer<Value>, Problem> {
    caller.may(Action::ManageTokens, Resource::Installation)?;
    let tokens = app.store.tokens(DEFAULT).await?;
    let holds = |token: &&Token| {
        token.revoked_at.is_none() && token.expires_at.is_none_or(|expires| expires > caller.now)
    };
    Ok(Answer(listing::whole(&tokens.iter().filter(holds).map(shape).collect::<Vec<_>>())))
}

/// `POST /api/v1/users/tokens`.
pub(crate) async fn create(
    State(app): State<AppState>,
    caller: Caller,
    Json(body): Json<Body>,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Action::ManageTokens, Resource::Installation)?;
    let (scopes, expires_at) = (body.scopes()?, body.expires_at(caller.now)?);
    let name = body.name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    let Some(name) = name else { return Err(Problem::field("name", "This field is required.")) };
    if name.len() > 128 || name.chars().any(char::is_control) {
        return Err(Problem::field("name", "a name has at most 128 bytes, and no control characters"));
    }
    let secret = new_secret();
    let new = NewToken {
        id: TokenId::new(),
        username: name.clone(),
        name,
        owner: DEFAULT.to_owned(),
        scopes,
        expires_at,
    };
    let token = app.store.create_token(new, &hash(&secret), &caller.audit("token.create")).await?;
    let mut shape = shape(&token);
    shape["key"] = json!(secret);
    Ok((StatusCode::CREATED, Answer(shape)))
}

/// `DELETE /api/v1/users/tokens/{uuid}`.
pub(crate) async fn revoke(
    State(app): State<AppState>,
    caller: Caller,
    Path(uuid): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.may(Action::ManageTokens, Resource::Installation)?;
    let id: TokenId = uuid.parse().map_err(|_| Problem::not_found("token", shown(&uuid)))?;
    app.store.revoke_token(DEFAULT, id, &caller.audit("token.revoke")).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/v1/users/tokens/{uuid}`.
pub(crate) async fn get(
    State(app): State<AppState>,
    caller: Caller,
    Path(uuid): Path<String>,
) -> Result<Answer<Value>, Problem> {
    caller.may(Action::ManageTokens, Resource::Installation)?;
    let tokens = app.store.tokens(DEFAULT).await?;
    let found = uuid.parse().ok().and_then(|id: TokenId| tokens.iter().find(|token| token.id == id));
    found.map(|token| Answer(shape(token))).ok_or_else(|| Problem::not_found("token", shown(&uuid)))
}

fn shape(token: &Token) -> Value {
    json!({
        "uuid": token.id,
        "key": null,
        "name": token.name,
        "scopes": token.scopes,
        "services": [],
        "started_at": token.last_used_at,
        "expires_at": token.expires_at,
        "created_at": token.created_at,
        "updated_at": token.revoked_at.unwrap_or(token.created_at),
        "expiration": null,
    })
}

//! Who asks: `Authorization: Token <t>` or `Bearer <t>`, looked up by the token's hash.
//!
//! Tokens are 256 random bits, shown once and stored as their SHA-256 only: so much randomness needs no slow hash,
//! and a look-up by the hash tells nothing by its timing: whoever guesses can't choose hashes.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use berth_domain::access::{Action, Principal, Resource, Scope, may};
use berth_domain::time::Time;
use berth_store::Audit;
use sha2::{Digest, Sha256};

use crate::app::{App, AppState, Auth};
use crate::dashboard;
use crate::observe::request_id;
use crate::problem::Problem;

/// What a Berth token begins with, so that secret scanners know one.
const PREFIX: &str = "berth_";

/// Says why a change is made; kept in the audit log.
const REASON: &str = "x-berth-reason";

/// Who sent a request, and what the audit log keeps of it.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Who.
    pub principal: Principal,
    /// The request's id.
    pub request_id: String,
    /// Why, in the caller's own words.
    pub reason: Option<String>,
    /// When the request came.
    pub now: Time,
}

impl Caller {
    /// Refuses what the caller may not do.
    ///
    /// # Errors
    /// 403, saying what is needed.
    pub(crate) fn may(&self, action: Action, resource: Resource<'_>) -> Result<(), Problem> {
        Ok(may(&self.principal, action, resource)?)
    }

    /// The entry that a change leaves behind. Never holds what was sent, which may hold secrets.
    #[must_use]
    pub(crate) fn audit(&self, action: &str) -> Audit {
        Audit {
            actor: self.principal.name().to_owned(),
            action: action.to_owned(),
            at: self.now,
            request_id: Some(self.request_id.clone()),
            reason: self.reason.clone(),
            details: None,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(missing)
    }
}

/// Finds out who asks, and lets pass what everybody may see.
pub(crate) async fn authenticate(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    let principal = match identify(&app, request.headers()).await {
        Ok(principal) => principal,
        Err(_) if is_public(request.uri().path()) => return next.run(request).await,
        Err(problem) => return problem.into_response(),
    };
    let reason = request.headers().get(REASON).map(|reason| {
        String::from_utf8_lossy(reason.as_bytes()).chars().filter(|c| !c.is_control()).take(500).collect()
    });
    let request_id = request_id(request.headers());
    request.extensions_mut().insert(Caller { principal, request_id, reason, now: app.clock.now() });
    next.run(request).await
}

/// What needs no token: probes, what the stock client asks before it has one, and the page, which asks for one.
fn is_public(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/api/v1/installation")
        || path.starts_with("/api/v1/compatibility/")
        || dashboard::is_page(path)
}

async fn identify(app: &App, headers: &HeaderMap) -> Result<Principal, Problem> {
    if let Auth::OpenOnLoopback { .. } = app.auth {
        return Ok(Principal::Open);
    }
    let secret = bearer(headers)?;
    let hash = hash(secret);
    let token = app.store.token_by_hash(&hash, app.clock.now()).await?.ok_or_else(unknown)?;
    let scope = token.scopes.iter().filter_map(|scope| scope.parse::<Scope>().ok()).max();
    let scope = scope.ok_or_else(|| Problem::forbidden("the token has no scope"))?;
    if let Err(error) = app.store.token_used(&token, app.clock.now()).await {
        // What it may do does not depend on that.
        tracing::debug!(%error, "the use of a token was not noted");
    }
    Ok(Principal::Token { id: token.id, name: token.username, scope })
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let value = headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
    let (kind, secret) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(malformed)?;
    let known = kind.eq_ignore_ascii_case("token") || kind.eq_ignore_ascii_case("bearer");
    let secret = secret.trim();
    if known && !secret.is_empty() && secret.len() <= 512 { Ok(secret) } else { Err(malformed()) }
}

fn missing() -> Problem {
    Problem::unauthorized("no token was sent: use the header `Authorization: Token <token>`")
}

fn malformed() -> Problem {
    Problem::unauthorized(
        "the header `Authorization` is not understood: use `Token <token>` or `Bearer <token>`",
    )
}

fn unknown() -> Problem {
    Problem::unauthorized("the token is not known, was revoked, or has expired")
}

/// What the store keeps of a token: its SHA-256 in hex.
#[must_use]
pub fn hash(secret: &str) -> String {
    Sha256::digest(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A new token: 256 bits of a cryptographic generator that the system seeds.
#[must_use]
pub fn new_secret() -> String {
    let bits: [u8; 32] = rand::random();
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_in_both_spellings_and_nothing_else_is() {
        let with = |value: &str| HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
        assert_eq!(bearer(&with("Token abc")).unwrap(), "abc");
        assert_eq!(bearer(&with("bearer abc")).unwrap(), "abc");
        for bad in ["abc", "Basic abc", "Token ", "EphemeralToken x", &format!("Token {}", "x".repeat(600))] {
            assert_eq!(bearer(&with(bad)).unwrap_err(), malformed(), "{bad}");
        }
        assert_eq!(bearer(&HeaderMap::new()).unwrap_err(), missing());
    }

    #[test]
    fn two_tokens_are_never_the_same() {
        let (a, b) = (new_secret(), new_secret());
        assert_ne!(a, b);
        assert_eq!(a.len(), PREFIX.len() + 43);
        assert_eq!(hash(&a).len(), 64);
    }
}

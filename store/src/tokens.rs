//! Access tokens. Only their hash is ever here.

use std::time::Duration;

use berth_domain::id::TokenId;
use berth_domain::time::Time;

use crate::audit::{self, About, Audit};
use crate::db::{Row, args, json};
use crate::tags::Tags;
use crate::things::found;
use crate::{Error, Store, sql};

/// How exact [`Token::last_used_at`] is: a write per request would cost more than it tells.
const USED_PRECISION: Duration = Duration::from_secs(60);

/// An access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// Its name.
    pub name: String,
    /// The organization.
    pub owner: String,
    /// Whoever it stands for.
    pub username: String,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Time,
    /// When it ends by itself.
    pub expires_at: Option<Time>,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Time>,
}

/// A token to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Its id.
    pub id: TokenId,
    /// Its name.
    pub name: String,
    /// The organization.
    pub owner: String,
    /// Whoever it stands for.
    pub username: String,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// When it ends by itself.
    pub expires_at: Option<Time>,
}

impl Store {
    /// Makes a token known by its `hash`.
    ///
    /// # Errors
    /// `Conflict` if the hash is known.
    pub async fn create_token(&self, new: NewToken, hash: &str, audit: &Audit) -> Result<Token, Error> {
        let mut tx = self.db.begin().await?;
        tx.run(
            sql::tokens::INSERT,
            args![
                new.id,
                &new.name,
                &new.owner,
                &new.username,
                json(&Tags::of(&new.scopes))?,
                hash,
                audit.at,
                new.expires_at,
            ],
        )
        .await
        .map_err(|error| match error {
            Error::Conflict { .. } => Error::conflict("the token exists already"),
            other => other,
        })?;
        audit::write(&mut tx, &[(audit, About::thing("token", &new.owner, new.id, &new.name))]).await?;
        tx.commit().await?;
        Ok(Token {
            id: new.id,
            name: new.name,
            owner: new.owner,
            username: new.username,
            scopes: new.scopes,
            created_at: audit.at,
            expires_at: new.expires_at,
            revoked_at: None,
            last_used_at: None,
        })
    }

    /// The token of that hash, if it holds at `now`: neither revoked nor expired.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn token_by_hash(&self, hash: &str, now: Time) -> Result<Option<Token>, Error> {
        let row = self.db.one(sql::tokens::BY_HASH, args![hash, now]).await?;
        row.as_ref().map(token).transpose()
    }

    /// Notes that a token was used, at most once a minute.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn token_used(&self, token: &Token, now: Time) -> Result<(), Error> {
        let before = now.minus(USED_PRECISION);
        if token.last_used_at.is_some_and(|last| last >= before) {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        tx.run(sql::tokens::USED, args![token.id, now, before]).await?;
        tx.commit().await
    }

    /// The organization's tokens, with those that hold no more.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn tokens(&self, owner: &str) -> Result<Vec<Token>, Error> {
        self.db.all(sql::tokens::LIST, args![owner]).await?.iter().map(token).collect()
    }

    /// Revokes a token; one that was revoked before stays so.
    ///
    /// # Errors
    /// `NotFound` if the organization has none of that id.
    pub async fn revoke_token(&self, owner: &str, id: TokenId, audit: &Audit) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let row = tx.one(sql::tokens::BY_ID_LOCKED, args![owner, id]).await?;
        let token = found(row, token, "token", id)?;
        tx.run(sql::tokens::REVOKE, args![id, audit.at]).await?;
        audit::write(&mut tx, &[(audit, About::thing("token", owner, id, &token.name))]).await?;
        tx.commit().await
    }
}

fn token(row: &Row) -> Result<Token, Error> {
    Ok(Token {
        id: row.id("id")?,
        name: row.text("name")?,
        owner: row.text("owner")?,
        username: row.text("username")?,
        scopes: row.json::<Tags>("scopes")?.into_list(),
        created_at: row.time("created_at")?,
        expires_at: row.opt_time("expires_at")?,
        revoked_at: row.opt_time("revoked_at")?,
        last_used_at: row.opt_time("last_used_at")?,
    })
}

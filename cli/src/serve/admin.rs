//! `berth admin`: looks after the database, straight and without a server.

use std::time::Duration;

use berth_domain::access::Scope;
use berth_domain::id::TokenId;
use berth_domain::name::DEFAULT;
use berth_domain::time::Clock;
use berth_store::{Audit, NewToken, Phase, Removed, Store};

use super::{scheduler, store};
use crate::arguments::{AdminAction, AdminGroup};
use crate::command::Surroundings;
use crate::failure::{Failure, Status};
use crate::output::Output;
use crate::settings::{DatabaseSettings, Format, Part, RetentionSettings};

/// Rows that one transaction of the retention deletes at most, of each kind.
const BATCH: u32 = 500;
/// A day in seconds.
const DAY: u64 = 86_400;

/// Does what was asked.
///
/// # Errors
/// If the database can't be reached or used.
pub async fn act(surroundings: &Surroundings<'_>, group: AdminGroup) -> Result<(), Failure> {
    let resolved = surroundings.settings(Part::Admin, &group.settings.given)?;
    let settings = DatabaseSettings::read(&resolved, None)?;
    let retention = RetentionSettings::read(&resolved)?;
    let mut output = Output::standard(Format::Table);
    let store = store::open(&settings).await?;
    let done = match group.action {
        AdminAction::Migrate { expand } => {
            let phase = if expand { Phase::Expand } else { Phase::Contract };
            migrate(&store, phase, &mut output).await
        }
        AdminAction::Check { accept_restore } => check(&store, accept_restore, &mut output).await,
        AdminAction::Token { name, expires_days } => token(&store, name, expires_days, &mut output).await,
        AdminAction::Retention => retain(&store, &scheduler::retention(retention), &mut output).await,
    };
    store.close().await;
    done
}

async fn migrate(store: &Store, phase: Phase, output: &mut Output) -> Result<(), Failure> {
    let names = store.migrate(phase, Clock::system().now()).await.map_err(|error| store::failure(&error))?;
    names.iter().try_for_each(|name| output.line(&format!("applied {name}")))?;
    let waiting = pending(store, output).await?;
    if names.is_empty() && waiting == 0 {
        output.line("the schema is up to date")?;
    }
    Ok(())
}

async fn check(store: &Store, accept_restore: bool, output: &mut Output) -> Result<(), Failure> {
    store.ping().await.map_err(|error| store::failure(&error))?;
    pending(store, output).await?;
    store.check_schema().await.map_err(|error| store::failure(&error))?;
    if accept_restore {
        let audit = Audit::new("berth admin", "store.accept_restore", Clock::system().now());
        let accepted = store.accept_restore(&audit).await.map_err(|error| store::failure(&error))?;
        output.line(if accepted { "dispatch goes on" } else { "there is no restore to accept" })?;
    }
    if let Some(restored) = store.restored().await.map_err(|error| store::failure(&error))? {
        let missing = store.unreconciled_agents(&restored).await.map_err(|error| store::failure(&error))?;
        let told = format!("{}; these have not yet: {}", restored.reason(), missing.join(", "));
        return Err(Failure::new(Status::Failed, told));
    }
    output.line("the database answers and has this release's schema")
}

/// Says which migrations wait, and for what; returns how many.
async fn pending(store: &Store, output: &mut Output) -> Result<usize, Failure> {
    let pending = store.pending_migrations().await.map_err(|error| store::failure(&error))?;
    for migration in &pending {
        let what = match migration.phase {
            Phase::Expand => "it only adds: `berth admin migrate --expand` is safe at any time",
            Phase::Contract => {
                "it takes away: run `berth admin migrate` when nothing of the release before runs any more"
            }
        };
        output.line(&format!("{} ({}) waits; {what}", migration.name, migration.phase.as_str()))?;
    }
    Ok(pending.len())
}

/// Prints the token and nothing else, so that a script can take it.
async fn token(
    store: &Store,
    name: String,
    expires_days: Option<u32>,
    output: &mut Output,
) -> Result<(), Failure> {
    let now = Clock::system().now();
    let secret = berth_api::new_token();
    let new = NewToken {
        id: TokenId::new(),
        username: name.clone(),
        name,
        owner: DEFAULT.to_owned(),
        scopes: vec![Scope::Admin.to_string()],
        expires_at: expires_days.map(|days| now.plus(Duration::from_secs(u64::from(days) * DAY))),
    };
    let audit = Audit::new("berth admin", "token.create", now);
    store
        .create_token(new, &berth_api::hash_token(&secret), &audit)
        .await
        .map_err(|error| store::failure(&error))?;
    output.line(&secret)
}

async fn retain(
    store: &Store,
    settings: &berth_store::RetentionSettings,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut all = Removed::default();
    loop {
        let now = Clock::system().now();
        let removed = store.retention(now, settings, BATCH).await.map_err(|error| store::failure(&error))?;
        if removed.is_nothing() {
            break;
        }
        all.runs += removed.runs;
        all.projects += removed.projects;
        all.changes += removed.changes;
        all.audit += removed.audit;
        all.idempotency += removed.idempotency;
        all.dead_letters += removed.dead_letters;
    }
    output.line(&format!(
        "removed {} runs, {} projects, {} events, {} audit entries, {} idempotency keys, {} dead letters",
        all.runs, all.projects, all.changes, all.audit, all.idempotency, all.dead_letters
    ))
}

//! Submissions by Celery's producers: a task `berth.submit` on an account's queue becomes a run. The queue is the
//! identity, the task's id the run's.
//!
//! What is taken in is acked when its run is committed; until then it comes again, and makes the same run. What is
//! refused is told to its caller as the task's failure.

mod read;

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::StatusCode;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use berth_broker::celery::result::{Failure, Status, TaskResult};
use berth_broker::celery::task::{self, Task};
use berth_broker::{Delivery, ack_many};
use berth_domain::access::{Principal, Scope};
use berth_domain::dead_letter::{Reason, kept};
use berth_domain::id::{RunId, TokenId};
use berth_store::{Call, DeadMessage, Error as StoreError};
use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::app::{App, AppState, Config};
use crate::authenticate::Caller;
use crate::problem::Problem;
use crate::submit::prepare;
use crate::trace::Incoming;
use read::{Refusal, Submission};

/// The most that is taken in at a time from one account.
const BATCH: usize = 64;
/// Messages held un-acked for one account.
const PREFETCH: u16 = 256;
/// How long to wait before what the store could not take is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// Takes in what the accounts submit, each for its organization, until `shutdown`. Does nothing on a broker that
/// Celery's clients can't reach.
///
/// # Errors
/// If its numbers are registered already.
pub async fn take_in_submissions(
    config: Config,
    accounts: BTreeMap<String, String>,
    shutdown: CancellationToken,
) -> Result<(), crate::server::Error> {
    if !config.broker.has_celery() || accounts.is_empty() {
        shutdown.cancelled().await;
        return Ok(());
    }
    let broker = config.broker.clone();
    let app = App::new(config, shutdown.clone())?;
    app.tasks.spawn(app.wake.clone().send(shutdown.clone()));
    app.tasks.spawn(app.wake.clone().hear(shutdown.clone()));
    for (account, owner) in accounts {
        let account = Account { name: account, owner, is_redis: broker.stores_results() };
        app.tasks.spawn(take_in_forever(app.clone(), broker.clone(), account));
    }
    shutdown.cancelled().await;
    app.tasks.close();
    app.tasks.wait().await;
    Ok(())
}

/// Who submits.
struct Account {
    name: String,
    owner: String,
    /// Which convention its priorities follow.
    is_redis: bool,
}

async fn take_in_forever(app: AppState, broker: berth_broker::Broker, account: Account) {
    let queue = app.names.submit(&account.name);
    let mut consumer = broker.consume(&queue, PREFETCH).await;
    loop {
        let deliveries = tokio::select! {
            () = app.shutdown.cancelled() => return,
            deliveries = consumer.next_batch(BATCH) => deliveries,
        };
        if deliveries.is_empty() {
            return;
        }
        let taking = join_all(deliveries.iter().map(|delivery| take_in(&app, &account, delivery)));
        tokio::select! {
            () = app.shutdown.cancelled() => return,
            _ = taking => {}
        }
        app.wake.changed();
        // A stale ack means that the messages come again, and make the same runs.
        if let Err(error) = ack_many(deliveries).await {
            tracing::debug!(%error, "submissions of {} come again", account.name);
        }
    }
}

/// Takes one message in, however often that has to be tried.
async fn take_in(app: &App, account: &Account, delivery: &Delivery) {
    loop {
        let Err(error) = take_in_once(app, account, delivery).await else { return };
        tracing::warn!(%error, "submissions of {} wait", account.name);
        if !error.is_transient() && set_aside(app, account, delivery, &error.to_string()).await.is_ok() {
            return;
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn take_in_once(app: &App, account: &Account, delivery: &Delivery) -> Result<(), StoreError> {
    let task = match task::decode(&delivery.message) {
        Ok(task) => task,
        Err(error) => return set_aside(app, account, delivery, &error.to_string()).await,
    };
    let now = app.clock.now();
    let call = |id: RunId, refusal: Option<Value>| Call {
        id,
        account: account.name.clone(),
        task_id: task.id.clone(),
        reply_to: task.reply_to.clone().filter(|to| !to.is_empty()),
        wants_result: task.ignore_result != Some(true),
        canvas: json!({ "callbacks": task.body.embed.callbacks, "errbacks": task.body.embed.errbacks }),
        refusal,
        created_at: now,
    };
    let refused = |id: RunId, refusal: &Refusal| call(id, Some(refused(&task, refusal)));
    let submission = match read::submission(&task, account.is_redis, now) {
        Ok(submission) => submission,
        Err(refusal) => return app.store.add_call(&refused(RunId::new(), &refusal)).await,
    };
    let id = submission.id;
    if let Some(refusal) = foreign(app, account, id).await? {
        return app.store.add_call(&refused(RunId::new(), &refusal)).await;
    }
    if submission.owner != account.owner {
        let why = format!(
            "owner: `{}` is not the organization of the account `{}`, which is `{}`",
            submission.owner, account.name, account.owner
        );
        return app.store.add_call(&refused(RunId::new(), &Refusal::Invalid(why))).await;
    }
    // Before the run: a run that ends at once has somebody to tell.
    app.store.add_call(&call(id, None)).await?;
    let incoming = Incoming::task(app, &task, id, now);
    match submit(app, account, submission, &incoming).await {
        Ok(is_new) => {
            if is_new {
                incoming.taken(app, id, &app.names.submit(&account.name).queue, &task.id);
            }
            Ok(())
        }
        Err(Failed::Refused(refusal)) => app.store.add_call(&refused(id, &refusal)).await,
        Err(Failed::Store(error)) => Err(error),
    }
}

/// Why there is no run.
enum Failed {
    Refused(Refusal),
    Store(StoreError),
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        if problem.status() == StatusCode::SERVICE_UNAVAILABLE {
            return Self::Store(StoreError::unavailable(problem.detail().to_owned()));
        }
        Self::Refused(Refusal::Invalid(problem.detail().to_owned()))
    }
}

/// Makes the run; false if it was made when this message came before.
async fn submit(
    app: &App,
    account: &Account,
    submission: Submission,
    incoming: &Incoming,
) -> Result<bool, Failed> {
    let caller = Caller {
        principal: Principal::Token { id: TokenId::new(), name: account.name.clone(), scope: Scope::Write },
        request_id: submission.id.to_string(),
        reason: None,
        now: app.clock.now(),
    };
    let (id, priority) = (submission.id, submission.priority);
    let (owner, name) = (&submission.owner, &submission.project);
    let project = app.directory.project(&app.store, owner, name, app.wake.settings()).await?;
    let mut prepared = prepare(app, &caller, &project, id, submission.body, None).await?;
    if let Some(priority) = priority {
        prepared.run.priority = priority;
    }
    let accepting = incoming.accept(app, &mut prepared.run, None);
    match app.store.create_run(prepared.run, &caller.audit("run.create")).await {
        Ok(_) => {
            accepting.into_iter().for_each(|accepting| accepting.committed(app));
            Ok(true)
        }
        Err(StoreError::Conflict { .. }) => Ok(false),
        Err(StoreError::NotFound { what }) => {
            app.wake.settings_changed();
            Err(Failed::Refused(Refusal::Invalid(format!("{what} does not exist any more"))))
        }
        Err(error) => Err(Failed::Store(error)),
    }
}

/// Why an id can't be used: its run belongs to others.
async fn foreign(app: &App, account: &Account, id: RunId) -> Result<Option<Refusal>, StoreError> {
    match app.store.run_by_id(id).await {
        Ok(run) if run.owner == account.owner => Ok(None),
        Ok(_) => Ok(Some(Refusal::Invalid(format!("the task id {} is taken", id.uuid())))),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The result of what was refused: an exception that Python has, with the reason as its message.
fn refused(task: &Task, refusal: &Refusal) -> Value {
    let (status, exc_type, exc_module, message) = match refusal {
        Refusal::Invalid(why) => (Status::Failure, "ValueError", "builtins", why.clone()),
        Refusal::Expired => (Status::Revoked, "TaskRevokedError", "celery.exceptions", "expired".to_owned()),
    };
    let failure = Failure {
        exc_type: exc_type.to_owned(),
        exc_message: json!([message]),
        exc_module: exc_module.to_owned(),
    };
    json!(TaskResult {
        task_id: task.id.clone(),
        status,
        result: json!(failure),
        traceback: None,
        children: Vec::new(),
        date_done: None,
        extended: Map::new(),
    })
}

/// What nobody can read has no caller who could be told: it becomes a dead letter.
async fn set_aside(app: &App, account: &Account, delivery: &Delivery, why: &str) -> Result<(), StoreError> {
    let (kept, is_cut) = kept(&delivery.message.body);
    let message = DeadMessage {
        owner: account.owner.clone(),
        agent_id: None,
        queue_id: None,
        reason: Reason::Unreadable,
        detail: format!("on `{}`: {why}", app.names.submit(&account.name).queue),
        raw: BASE64_STANDARD.encode(kept),
        envelope: None,
        is_cut,
    };
    app.store.add_dead_message(&message, app.clock.now()).await
}

//! Looks at what the executor holds, when it hints at something and now and then anyway, and has it reported.
//!
//! A replica reports what it created itself, what replicas created that are gone, and ends that nobody else has
//! had taken in for a while: reports may be doubled, but never missing.

use std::time::Duration;

use berth_domain::protocol::AttemptRef;
use tokio::time::Instant;

use crate::control::chain;
use crate::executor::{Hint, Object, Watch};
use crate::service::Shared;

/// How often everything is looked at, hints or not. Longer, and a killed supervisor is seen later.
const LOOK_AT_ALL: Duration = Duration::from_secs(3);
/// How often what is old is removed.
const TIDY: Duration = Duration::from_secs(10 * 60);
/// How old an end is before every replica reports it.
const ORPHANED: Duration = Duration::from_secs(10);

/// Looks, for as long as the replica lives.
pub(crate) async fn look(shared: &Shared, mut hints: Watch) {
    let mut all_at = Instant::now();
    let mut tidy_at = Instant::now();
    loop {
        let hint = tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep_until(all_at) => Hint::All,
            hint = hints.next() => match hint {
                Ok(hint) => hint,
                Err(error) => {
                    tracing::error!(error = %chain(&error), "agent.watch.broken: changes are seen later");
                    shared.stop.run_until_cancelled(tokio::time::sleep(LOOK_AT_ALL)).await;
                    Hint::All
                }
            },
        };
        match hint {
            Hint::Attempts(attempts) => look_at(shared, attempts).await,
            Hint::All => {
                look_at_all(shared).await;
                all_at = Instant::now() + LOOK_AT_ALL;
            }
        }
        if Instant::now() >= tidy_at {
            tidy_at = Instant::now() + TIDY;
            if let Err(error) = shared.executor.tidy().await {
                tracing::warn!(error = %chain(&error), "agent.tidy.failed");
            }
        }
    }
}

async fn look_at(shared: &Shared, attempts: Vec<AttemptRef>) {
    let mut found = Vec::new();
    for attempt in attempts {
        match shared.executor.look(attempt).await {
            Ok(object) => found.extend(object),
            Err(error) => {
                tracing::warn!(run.uuid = %attempt.run, error = %chain(&error), "agent.look.failed");
            }
        }
    }
    note(shared, found).await;
}

async fn look_at_all(shared: &Shared) {
    let objects = match shared.executor.inventory().await {
        Ok(objects) => objects,
        Err(error) => {
            tracing::warn!(error = %chain(&error), "agent.inventory.failed");
            return;
        }
    };
    shared.reports.keep_only(&objects);
    let live = objects.iter().filter(|object| !object.is_ended()).count();
    shared.load.set_live(live);
    shared.metrics.pods(shared.name.as_str(), live as u64);
    note(shared, objects).await;
    for attempt in shared.reports.settled() {
        release(shared, attempt).await;
    }
}

/// Has those of `objects` reported that are this replica's to report.
pub(crate) async fn note(shared: &Shared, objects: Vec<Object>) {
    let mut alive: Option<Vec<String>> = None;
    for object in objects {
        let is_orphaned = object.is_ended() && shared.clock.now().since(object.at) > ORPHANED;
        if object.replica != shared.replica && !is_orphaned {
            if alive.is_none() {
                match shared.executor.replicas().await {
                    Ok(replicas) => alive = Some(replicas),
                    Err(error) => tracing::warn!(error = %chain(&error), "agent.replicas.unknown"),
                }
            }
            if alive.iter().flatten().any(|replica| *replica == object.replica) {
                continue;
            }
        }
        shared.reports.note(object);
    }
}

/// Lets go of an object whose end was taken in; one that can't go yet is tried again.
pub(crate) async fn release(shared: &Shared, attempt: AttemptRef) {
    match shared.executor.release(attempt).await {
        Ok(true) => shared.reports.forget(attempt),
        Ok(false) => {}
        Err(error) => tracing::warn!(run.uuid = %attempt.run, error = %chain(&error), "agent.release.failed"),
    }
}

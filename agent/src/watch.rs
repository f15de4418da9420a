//! Looks at what the executor holds, when it hints at something and now and then anyway, and has it reported.
//!
//! A replica reports what it created itself, its share of what replicas created that are gone, and ends that nobody
//! else has had taken in for a while: reports may be doubled, but never missing. What befell objects is told likewise.

use std::sync::Arc;
use std::time::Duration;

use berth_domain::protocol::{AttemptRef, FromAgentBody, Notice};
use futures_util::{StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::archive;
use crate::control::chain;
use crate::executor::{Hint, Object, Release, Told, Watch};
use crate::service::Shared;
use crate::traces;

/// How often everything is looked at, hints or not. Longer, and a killed supervisor is seen later.
const LOOK_AT_ALL: Duration = Duration::from_secs(3);
/// How often what is old is removed.
const TIDY: Duration = Duration::from_secs(10 * 60);
/// How old an end is before every replica reports it.
const ORPHANED: Duration = Duration::from_secs(10);
/// How many objects are let go of, or stopped, at once: each takes an API server a few requests, one after the other.
pub(crate) const AT_ONCE: usize = 16;

/// Looks, for as long as the replica lives.
pub(crate) async fn look(shared: &Arc<Shared>, mut hints: Watch) {
    let mut all_at = Instant::now();
    let mut tidy_at = Instant::now();
    let mut releasing: Option<JoinHandle<()>> = None;
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
            Hint::Seen(objects) => note(shared, objects).await,
            Hint::Told(told) => pass_on(shared, told).await,
            Hint::All => {
                look_at_all(shared).await;
                // Aside: what else changes is not to wait for a slow API server.
                if releasing.as_ref().is_none_or(JoinHandle::is_finished) {
                    let aside = shared.clone();
                    releasing = Some(shared.tracker.spawn(async move {
                        let settled = aside.reports.settled(aside.clock.now());
                        aside.stop.run_until_cancelled(release(&aside, settled)).await;
                    }));
                }
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

async fn look_at(shared: &Arc<Shared>, attempts: Vec<AttemptRef>) {
    let mut found = Vec::new();
    for attempt in attempts {
        match shared.executor.look(attempt).await {
            Ok(object) => found.extend(object),
            Err(error) => {
                let trace_id = traces::id_of(shared, attempt);
                tracing::warn!(run.uuid = %attempt.run, trace_id, error = %chain(&error), "agent.look.failed");
            }
        }
    }
    note(shared, found).await;
}

async fn look_at_all(shared: &Arc<Shared>) {
    let objects = match shared.executor.survey().await {
        Ok(objects) => objects,
        Err(error) => {
            tracing::warn!(error = %chain(&error), "agent.inventory.failed");
            return;
        }
    };
    shared.reports.keep_only(&objects);
    if let Some(archive) = &shared.archive {
        archive.keep_only(&objects);
    }
    let live = objects.iter().filter(|object| !object.is_ended()).count();
    shared.load.set_live(live);
    shared.metrics.pods(shared.name.as_str(), live as u64);
    if let Some((at_once, pushbacks)) = shared.executor.pace() {
        shared.metrics.pace(shared.name.as_str(), at_once, pushbacks);
    }
    note(shared, objects).await;
}

/// Has those of `objects` reported that are this replica's to report.
pub(crate) async fn note(shared: &Arc<Shared>, objects: Vec<Object>) {
    for object in of_this_replica(shared, objects, |object| object).await {
        report(shared, object).await;
    }
}

/// Has an object reported; its end, when its log was kept.
pub(crate) async fn report(shared: &Arc<Shared>, object: Object) {
    if object.is_ended() {
        if !archive::lets_report(shared, &object).await {
            return;
        }
    } else if shared.executor.is_ending(&object) {
        archive::begin(shared, &object);
    }
    shared.reports.note(object);
}

/// Tells what befell objects that are this replica's to report.
async fn pass_on(shared: &Shared, told: Vec<Told>) {
    let told = of_this_replica(shared, told, |told| &told.object).await;
    let notices = told.into_iter().map(|Told { object, at, reason, message }| {
        let AttemptRef { run, attempt } = object.attempt;
        Notice { run, attempt, uid: object.uid, at, reason, message }
    });
    tell(shared, notices.collect()).await;
}

/// Tells it. What the broker doesn't take is not told: it explains, and nothing depends on it.
pub(crate) async fn tell(shared: &Shared, notices: Vec<Notice>) {
    if notices.is_empty() {
        return;
    }
    if let Err(error) = shared.out.say(FromAgentBody::Notices(notices)).await {
        tracing::debug!(%error, "agent.notices.unsent");
    }
}

/// The object, if it is this replica's to look after and no other's, however long ago it ended.
pub(crate) async fn of_this_replica_alone(shared: &Shared, object: Object) -> Option<Object> {
    if object.replica == shared.replica {
        return Some(object);
    }
    let alive = shared.executor.replicas().await.unwrap_or_default();
    is_share(&shared.replica, &alive, &object).then_some(object)
}

/// Those of `all` whose objects are this replica's to look after.
pub(crate) async fn of_this_replica<T>(
    shared: &Shared,
    all: Vec<T>,
    object: impl Fn(&T) -> &Object,
) -> Vec<T> {
    let mut alive: Option<Vec<String>> = None;
    let mut own = Vec::with_capacity(all.len());
    for one in all {
        let object = object(&one);
        let is_orphaned = object.is_ended() && shared.clock.now().since(object.at) > ORPHANED;
        if object.replica != shared.replica && !is_orphaned {
            if alive.is_none() {
                match shared.executor.replicas().await {
                    Ok(replicas) => alive = Some(replicas),
                    Err(error) => tracing::warn!(error = %chain(&error), "agent.replicas.unknown"),
                }
            }
            if !is_share(&shared.replica, alive.as_deref().unwrap_or_default(), object) {
                continue;
            }
        }
        own.push(one);
    }
    own
}

/// Whether what another replica created is reported by `own`: the work of the dead is shared out among the living by
/// rendezvous hash, so that all of them agree without asking each other.
fn is_share(own: &str, alive: &[String], object: &Object) -> bool {
    if alive.contains(&object.replica) {
        return false;
    }
    let weight = |replica: &str| {
        let AttemptRef { run, attempt } = object.attempt;
        Sha256::digest(format!("{replica} {run} {attempt}").as_bytes())
    };
    let mine = weight(own);
    alive.iter().all(|other| other == own || weight(other) < mine)
}

/// Lets go of objects whose ends were taken in; those that can't go yet are tried again.
pub(crate) async fn release(shared: &Shared, attempts: Vec<AttemptRef>) {
    stream::iter(attempts).for_each_concurrent(AT_ONCE, |attempt| release_one(shared, attempt)).await;
}

async fn release_one(shared: &Shared, attempt: AttemptRef) {
    if shared.archive.as_ref().is_some_and(|archive| !archive.lets_go(attempt)) {
        return;
    }
    match shared.executor.release(attempt).await {
        Ok(Release::Done) => shared.reports.forget(attempt),
        Ok(Release::NotBefore(then)) => shared.reports.hold(attempt, then),
        Ok(Release::NotYet) => {}
        Err(error) => {
            let trace_id = traces::id_of(shared, attempt);
            tracing::warn!(run.uuid = %attempt.run, trace_id, error = %chain(&error), "agent.release.failed");
        }
    }
}

#[cfg(test)]
mod tests {
    use berth_domain::id::RunId;
    use berth_domain::protocol::Phase;
    use berth_domain::time::Time;

    use super::*;

    fn object(replica: &str) -> Object {
        Object {
            attempt: AttemptRef { run: RunId::new(), attempt: 0 },
            uid: "u".into(),
            replica: replica.into(),
            phase: Phase::Created,
            rank: 1,
            at: Time::from_micros(0),
            ran: None,
            trace: None,
        }
    }

    #[test]
    fn what_the_dead_created_is_reported_by_exactly_one_of_the_living() {
        let alive = ["a", "b", "c"].map(str::to_owned);
        let mut shares = [0; 3];
        for _ in 0..300 {
            let object = object("dead");
            let takers: Vec<usize> = (0..3).filter(|at| is_share(&alive[*at], &alive, &object)).collect();
            assert_eq!(takers.len(), 1);
            shares[takers[0]] += 1;
        }
        assert!(shares.iter().all(|share| *share > 50), "{shares:?}");
    }

    #[test]
    fn what_the_living_created_is_theirs_and_whoever_knows_of_nobody_takes_all() {
        assert!(!is_share("a", &["a".to_owned(), "b".to_owned()], &object("b")));
        assert!(is_share("a", &[], &object("b")));
    }
}

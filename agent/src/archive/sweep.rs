//! Deletes logs from the artifacts store, and nothing else that is there: those of runs that the control plane deleted, and
//! those that were kept for long enough.
//!
//! By its age a log goes attempt by attempt, whatever became of its run; only an agent of the same name deletes it, since
//! another one may keep its own for longer. Doing it twice, or not to its end, does no harm: `end.json` goes last, and
//! the control plane names a run until it is told that nothing is left.

use std::time::Duration;

use berth_domain::id::RunId;
use berth_domain::protocol::FromAgentBody;
use berth_domain::time::Time;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt, Result};
use tokio::time::Instant;

use super::layout::{self, End};
use crate::artifacts::{ArtifactsStore, words};
use crate::service::Shared;

/// How often the store is looked through, and how soon again if it can't be.
const EVERY: Duration = Duration::from_secs(24 * 3600);
const AGAIN: Duration = Duration::from_secs(10 * 60);
/// How often is looked whether it is time, and there is a lease: who has none may be somebody else under this name.
const LOOK: Duration = Duration::from_secs(1);

/// Deletes what is old, for as long as the replica lives.
pub(crate) async fn sweep_forever(shared: &Shared) {
    let Some(archive) = &shared.archive else { return };
    let Some(keep) = archive.settings.keep else { return };
    let mut due = Instant::now();
    while shared.stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
        if Instant::now() < due || shared.lease.create_until().is_none() {
            continue;
        }
        let before = shared.clock.now().minus(keep);
        let sweeping = sweep(&archive.settings.store, shared.name.as_str(), before);
        let Some(swept) = shared.stop.run_until_cancelled(sweeping).await else { return };
        due = Instant::now() + if swept.is_ok() { EVERY } else { AGAIN };
        match swept {
            Ok(0) => {}
            Ok(attempts) => tracing::info!(attempts, "agent.archive.swept: logs were kept long enough"),
            Err(error) => {
                let error = words(&error);
                tracing::warn!(error, "agent.archive.unswept: old logs stay for now");
            }
        }
    }
}

/// Deletes the logs of runs that were deleted, and says of which nothing is left.
pub(crate) async fn forget(shared: &Shared, runs: Vec<RunId>) {
    let mut forgotten = Vec::new();
    for run in runs {
        if let Some(archive) = &shared.archive {
            let folder = layout::of_run(run);
            let deleting = delete(&archive.settings.store, &folder);
            match shared.stop.run_until_cancelled(deleting).await {
                None => return,
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    let error = words(&error);
                    tracing::warn!(run.uuid = %run, error, "agent.archive.unforgotten: will be tried again");
                    continue;
                }
            }
        }
        forgotten.push(run);
    }
    if !forgotten.is_empty()
        && let Err(error) = shared.out.say(FromAgentBody::Forgotten(forgotten)).await
    {
        tracing::debug!(%error, "agent.forgotten.unsent: it will be asked for again");
    }
}

/// Deletes the logs that `agent` had kept by `before`; gives of how many attempts.
async fn sweep(store: &ArtifactsStore, agent: &str, before: Time) -> Result<usize> {
    let objects = store.objects();
    let mut swept = 0;
    for run in objects.list_with_delimiter(None).await?.common_prefixes {
        // What else is in the store is none of ours.
        let Some(run) = run.filename().and_then(|name| name.parse::<RunId>().ok()) else { continue };
        for attempt in objects.list_with_delimiter(Some(&layout::of_run(run))).await?.common_prefixes {
            if is_over(store, agent, &attempt, before).await? {
                delete(store, &attempt).await?;
                swept += 1;
            }
        }
    }
    Ok(swept)
}

/// Whether the attempt's log is whole, of this agent, and old.
async fn is_over(store: &ArtifactsStore, agent: &str, attempt: &Path, before: Time) -> Result<bool> {
    let kept = match store.objects().get(&attempt.clone().join(layout::END)).await {
        Err(Error::NotFound { .. }) => return Ok(false),
        kept => kept?,
    };
    if kept.meta.last_modified.timestamp_micros() >= before.micros() {
        return Ok(false);
    }
    let end = serde_json::from_slice::<End>(&kept.bytes().await?);
    Ok(end.is_ok_and(|end| end.agent == agent))
}

/// Deletes all that is below the folder; what tells that a log is whole goes last.
async fn delete(store: &ArtifactsStore, folder: &Path) -> Result<()> {
    let objects = store.objects();
    let all: Vec<_> = objects.list(Some(folder)).try_collect().await?;
    let all = all.into_iter().map(|object| object.location);
    let (ends, parts): (Vec<_>, Vec<_>) = all.partition(|name| name.filename() == Some(layout::END));
    for object in parts.iter().chain(&ends) {
        match objects.delete(object).await {
            // Another replica was faster.
            Ok(()) | Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;

    #[tokio::test]
    async fn only_whole_and_old_logs_of_the_agent_go() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        let day = Duration::from_secs(24 * 3600);
        let log = |agent: &str, age: Option<Duration>| {
            let attempt = format!("{}/plxlogs/0", RunId::new());
            let name = format!("{attempt}/polyaxon-main/1-1.jsonl");
            fs::create_dir_all(at(&name).parent().unwrap()).unwrap();
            fs::write(at(&name), "").unwrap();
            if let Some(age) = age {
                let end = End { agent: agent.to_owned(), ..End::default() };
                fs::write(at(&format!("{attempt}/end.json")), serde_json::to_vec(&end).unwrap()).unwrap();
                let file = File::options().write(true).open(at(&format!("{attempt}/end.json"))).unwrap();
                file.set_modified(file.metadata().unwrap().modified().unwrap() - age).unwrap();
            }
            name
        };
        let old = log("eu", Some(31 * day));
        let kept = [
            log("eu", Some(29 * day)),
            log("us", Some(31 * day)),
            log("", Some(31 * day)),
            log("eu", None),
            old.replace("plxlogs/0/polyaxon-main/1-1.jsonl", "outputs/model"),
            "other/plxlogs/0/end.json".to_owned(),
        ];
        for path in &kept[4..] {
            fs::create_dir_all(at(path).parent().unwrap()).unwrap();
            fs::write(at(path), "{}").unwrap();
        }
        let store = ArtifactsStore::open(&folder.path().display().to_string(), []).unwrap();
        let before = berth_domain::time::Clock::system().now().minus(30 * day);
        assert_eq!(sweep(&store, "eu", before).await.unwrap(), 1);
        assert!(!at(&old).exists());
        let logs = at(&old).ancestors().nth(3).unwrap().to_owned();
        assert!(!logs.exists(), "no folder of it is left: {logs:?}");
        assert!(kept.iter().all(|path| at(path).exists()));
        assert_eq!(sweep(&store, "eu", before).await.unwrap(), 0);
    }
}

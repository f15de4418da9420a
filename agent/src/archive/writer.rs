//! Writes an attempt's logs into the artifacts store, a part at a time, while they grow or when they are over.

use std::io;
use std::time::Duration;

use berth_domain::protocol::AttemptRef;
use berth_domain::protocol::logs::LogFrom;
use futures_util::future::try_join_all;
use object_store::ObjectStoreExt;
use tokio::sync::Semaphore;

use super::layout::{self, End, Part, Pod};
use super::reader;
use crate::artifacts::{ArtifactsStore, words};
use crate::executor::{Executor, LogName, LogReader, Object, Page, Trouble};

/// How large a part is, about: what one writing holds in memory.
const PART_BYTES: usize = 512 * 1024;
/// How much of a log is read at a time.
const READ_BYTES: u64 = 128 * 1024;
/// How often a log that still grows is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Keeps the logs of all pods and containers of an attempt, to their ends; as many pods at a time as there is `room`. What
/// was kept already is left as it is; what another agent had begun is written over. True if there was something to keep.
pub(super) async fn keep(
    store: &ArtifactsStore,
    room: &Semaphore,
    agent: &str,
    executor: &Executor,
    object: &Object,
) -> Result<bool, Trouble> {
    let attempt = object.attempt;
    let main = {
        let _room = room.acquire().await;
        if reader::end(store, attempt).await?.is_some_and(|end| end.uid == object.uid) {
            return Ok(true);
        }
        executor.read_log(attempt, &LogName::new(0, None), LogFrom::Start, true).await?
    };
    let Some(main) = main else { return Ok(false) };
    let pods = (0..main.replicas()).map(async |replica| {
        let _room = room.acquire().await;
        keep_pod(store, executor, attempt, replica).await
    });
    // All of them at once: of those that are being deleted, nobody knows which one is gone first.
    let mut kept = try_join_all(pods).await?.into_iter();
    let Some(first) = kept.next().flatten() else { return Ok(false) };
    let replicas = kept.map(Option::unwrap_or_default).collect();
    let end = End { uid: object.uid.clone(), agent: agent.to_owned(), first, replicas };
    let text = serde_json::to_vec(&end).map_err(|error| failed(store, error))?;
    put(store, &layout::end(attempt), text).await?;
    Ok(true)
}

/// Keeps the logs of one pod's containers; none if it isn't there.
async fn keep_pod(
    store: &ArtifactsStore,
    executor: &Executor,
    attempt: AttemptRef,
    replica: u32,
) -> Result<Option<Pod>, Trouble> {
    let main = executor.read_log(attempt, &LogName::new(replica, None), LogFrom::Start, true).await?;
    let Some(containers) = main.map(|main| main.containers()) else { return Ok(None) };
    // At once: a sidecar ends after the main container, and a pod that is being deleted is gone then.
    let all = containers.iter().map(|container| {
        let name = LogName::new(replica, Some(container.clone()));
        keep_container(store, executor, attempt, name)
    });
    let Some(kept) = try_join_all(all).await?.into_iter().collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    let node = kept.last().map(|(node, _)| node.clone()).unwrap_or_default();
    let restarted = containers.iter().zip(kept).filter(|(_, (_, was_restarted))| *was_restarted);
    let restarted = restarted.map(|(container, _)| container.clone()).collect();
    Ok(Some(Pod { node, containers, restarted }))
}

/// Keeps the log of one container, and of what ran before its last restart; gives its node and whether there was such.
async fn keep_container(
    store: &ArtifactsStore,
    executor: &Executor,
    attempt: AttemptRef,
    name: LogName,
) -> Result<Option<(String, bool)>, Trouble> {
    let read = |name: LogName| async move { executor.read_log(attempt, &name, LogFrom::Start, true).await };
    let Some(mut reader) = read(name.clone()).await? else { return Ok(None) };
    let before = name.before_restart();
    let mut was_restarted = false;
    // First, since nothing is added to it.
    if reader.was_restarted()
        && let Some(mut reader) = read(before.clone()).await?
    {
        keep_one(store, attempt, &before, &mut reader).await?;
        was_restarted = true;
    }
    keep_one(store, attempt, &name, &mut reader).await?;
    Ok(Some((reader.node(), was_restarted)))
}

async fn keep_one(
    store: &ArtifactsStore,
    attempt: AttemptRef,
    log: &LogName,
    reader: &mut LogReader,
) -> Result<(), Trouble> {
    let mut part = None;
    let mut text = Vec::new();
    let mut place = 0;
    loop {
        let Some((page, ended)) = reader.page(READ_BYTES).await? else { break };
        let Page { lines, next, .. } = page;
        let is_all = lines.is_empty();
        for line in lines {
            part.get_or_insert(Part { start: place, at: line.at.micros() });
            place = line.next;
            layout::write(&mut text, &line).map_err(|error| failed(store, error))?;
        }
        place = place.max(next);
        let is_last = is_all && ended;
        if (text.len() >= PART_BYTES || is_last)
            && let Some(part) = part.take()
        {
            let name = layout::of_log(attempt, log).join(part.name());
            put(store, &name, std::mem::take(&mut text)).await?;
        }
        if is_last {
            break;
        }
        if is_all {
            tokio::time::sleep(LOOK).await;
        }
    }
    Ok(())
}

async fn put(store: &ArtifactsStore, name: &object_store::path::Path, text: Vec<u8>) -> Result<(), Trouble> {
    store.objects().put(name, text.into()).await.map(|_| ()).map_err(|error| failed(store, words(&error)))
}

fn failed(store: &ArtifactsStore, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Trouble {
    Trouble {
        doing: format!("can't write into the artifacts store {}", store.url()),
        source: io::Error::other(error),
    }
}

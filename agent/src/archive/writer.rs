//! Writes an attempt's logs into the artifacts store, a part at a time, while they grow or when they are over.

use std::io;
use std::time::Duration;

use berth_domain::protocol::logs::LogFrom;
use object_store::ObjectStoreExt;

use super::layout::{self, End, Part};
use super::reader;
use crate::artifacts::ArtifactsStore;
use crate::executor::{Executor, LogReader, Object, Page, Trouble};

/// How large a part is, about: what one writing holds in memory.
const PART_BYTES: usize = 512 * 1024;
/// How much of a log is read at a time.
const READ_BYTES: u64 = 128 * 1024;
/// How often a log that still grows is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Keeps the logs of all containers of an attempt, to their ends. What was kept already is left as it is; what another
/// agent had begun is written over. True if there was something to keep.
pub(super) async fn keep(
    store: &ArtifactsStore,
    executor: &Executor,
    object: &Object,
) -> Result<bool, Trouble> {
    let attempt = object.attempt;
    if reader::end(store, attempt).await?.is_some_and(|end| end.uid == object.uid) {
        return Ok(true);
    }
    let Some(first) = executor.read_log(attempt, None, LogFrom::Start, true).await? else {
        return Ok(false);
    };
    let containers = first.containers();
    let mut node = String::new();
    for container in &containers {
        let reader = executor.read_log(attempt, Some(container.clone()), LogFrom::Start, true).await?;
        let Some(mut reader) = reader else { return Ok(false) };
        keep_one(store, object, container, &mut reader).await?;
        node = reader.node();
    }
    let end = End { uid: object.uid.clone(), node, containers };
    let text = serde_json::to_vec(&end).map_err(|error| failed(store, error))?;
    put(store, &layout::end(attempt), text).await?;
    Ok(true)
}

async fn keep_one(
    store: &ArtifactsStore,
    object: &Object,
    container: &str,
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
            let name = layout::of_container(object.attempt, container).join(part.name());
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
    store.objects().put(name, text.into()).await.map(|_| ()).map_err(|error| failed(store, error))
}

fn failed(store: &ArtifactsStore, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Trouble {
    Trouble {
        doing: format!("can't write into the artifacts store {}", store.url()),
        source: io::Error::other(error),
    }
}

//! Reads an attempt's log from the artifacts store, from some place on.

use std::collections::VecDeque;
use std::fmt;
use std::io;

use berth_domain::protocol::AttemptRef;
use berth_domain::protocol::logs::LogFrom;
use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt};

use super::layout::{self, End, Part, Pod};
use crate::artifacts::{ArtifactsStore, words};
use crate::executor::{Line, LogName, Page, Trouble};

/// A place in a log that was kept.
pub struct Reader {
    store: ArtifactsStore,
    folder: Path,
    replica: u32,
    end: End,
    parts: VecDeque<Part>,
    lines: VecDeque<Line>,
    from: LogFrom,
    next: u64,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("archive::Reader").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Reader {
    /// A reader of one of an attempt's logs; none if they weren't kept, or not to their end, or nothing ran before the
    /// last restart.
    pub(super) async fn open(
        store: &ArtifactsStore,
        attempt: AttemptRef,
        name: &LogName,
        from: LogFrom,
    ) -> Result<Option<Self>, Trouble> {
        let Some(end) = end(store, attempt).await? else { return Ok(None) };
        let was_restarted = |pod: &Pod| pod.restarted.contains(&name.container);
        if name.previous && !end.pod(name.replica).is_some_and(was_restarted) {
            return Ok(None);
        }
        let folder = layout::of_log(attempt, name);
        let listed = store.objects().list(Some(&folder)).try_collect::<Vec<_>>().await;
        let listed = listed.map_err(|error| failed(store, &folder, &error))?;
        let parts = listed.iter().filter_map(|object| Part::read(object.location.filename()?)).collect();
        let next = if let LogFrom::Offset(offset) = from { offset } else { 0 };
        let parts = Part::from(parts, from).into();
        Ok(Some(Self {
            store: store.clone(),
            folder,
            replica: name.replica,
            end,
            parts,
            lines: VecDeque::new(),
            from,
            next,
        }))
    }

    pub(crate) fn node(&self) -> &str {
        self.end.pod(self.replica).map_or("", |pod| &pod.node)
    }

    pub(crate) fn containers(&self) -> &[String] {
        self.end.pod(self.replica).map_or(&[], |pod| &pod.containers)
    }

    /// How many pods there were.
    pub(crate) fn replicas(&self) -> u32 {
        u32::try_from(self.end.replicas.len()).map_or(u32::MAX, |further| further.saturating_add(1))
    }

    /// About `max_bytes` more.
    pub(crate) async fn page(&mut self, max_bytes: u64) -> Result<Page, Trouble> {
        let mut page = Page { next: self.next, ..Page::default() };
        let mut taken = 0;
        while taken < max_bytes {
            let Some(line) = self.lines.pop_front() else {
                let Some(part) = self.parts.pop_front() else { break };
                self.load(part).await?;
                continue;
            };
            // Parts that two agents wrote overlap.
            let is_wanted = line.next > self.next;
            self.next = self.next.max(line.next);
            if is_wanted && !matches!(self.from, LogFrom::After(at) if line.at <= at) {
                taken += line.text.len() as u64 + 1;
                page.lines.push(line);
            }
            page.next = self.next;
        }
        Ok(page)
    }

    async fn load(&mut self, part: Part) -> Result<(), Trouble> {
        let name = self.folder.clone().join(part.name());
        if let Some(bytes) = get(&self.store, &name).await? {
            self.lines.extend(layout::read(&bytes));
        }
        Ok(())
    }
}

/// What was written last of an attempt's log; none while it is not whole.
pub(super) async fn end(store: &ArtifactsStore, attempt: AttemptRef) -> Result<Option<End>, Trouble> {
    let name = layout::end(attempt);
    let Some(bytes) = get(store, &name).await? else { return Ok(None) };
    let unreadable = |error: serde_json::Error| trouble(store, &name, error.into());
    serde_json::from_slice(&bytes).map(Some).map_err(unreadable)
}

async fn get(store: &ArtifactsStore, name: &Path) -> Result<Option<Bytes>, Trouble> {
    let read = async { store.objects().get(name).await?.bytes().await };
    match read.await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(failed(store, name, &error)),
    }
}

fn failed(store: &ArtifactsStore, name: &Path, error: &Error) -> Trouble {
    trouble(store, name, io::Error::other(words(error)))
}

fn trouble(store: &ArtifactsStore, name: &Path, source: io::Error) -> Trouble {
    Trouble { doing: format!("can't read {name} in the artifacts store {}", store.url()), source }
}

//! The change feed, read once for all streams of this process.
//!
//! One task reads it while somebody listens, at most four times a second, and keeps what came last, rendered. A stream
//! takes from there what follows its cursor; where that is older than what is kept, it reads the store for itself
//! until it has caught up. So no stream waits for another, and a slow one holds no more than what it sends.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use berth_domain::id::RunId;
use berth_store::{Change, Changes, Cursor, Store};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use crate::app::AppState;

/// The shortest time between two readings: how often a stream says something at most.
pub(crate) const SPACING: Duration = Duration::from_millis(250);
/// How often the feed is read when nobody said that something changed: what schedulers change is found so.
const SWEEP: Duration = Duration::from_millis(500);
/// Changes read at once.
pub(crate) const BATCH: u32 = 1_000;
/// Changes that are kept, of all organizations.
const KEPT: usize = 8_192;

/// Which changes a stream shows.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub owner: String,
    pub run: Option<RunId>,
}

/// Changes, each with where its event ends in a text.
type Ends<'a> = Vec<(&'a Change, usize)>;

/// What one reading brought: of each thing the last change, as events.
#[derive(Debug)]
pub(crate) struct Update {
    upto: Cursor,
    changes: usize,
    owners: HashMap<String, OfOwner>,
}

/// What an update has of one organization.
#[derive(Debug)]
struct OfOwner {
    /// All events, one after the other.
    whole: Bytes,
    /// Each of them.
    events: Vec<(Cursor, Uuid, Bytes)>,
}

impl Update {
    /// Renders changes that follow each other in the feed; none, if there are none.
    pub(crate) fn of(changes: &[Change]) -> Option<Self> {
        let upto = changes.last()?.cursor.clone();
        let mut seen = HashSet::new();
        let mut last: Vec<&Change> =
            changes.iter().rev().filter(|change| seen.insert((change.kind, change.id))).collect();
        last.reverse();
        let count = last.len();
        // Of each organization the text, and where in it the event of each change ends.
        let mut texts: HashMap<&str, (String, Ends<'_>)> = HashMap::new();
        for change in last {
            let (text, ends) = texts.entry(&change.owner).or_default();
            text.push_str(&of_change(change));
            ends.push((change, text.len()));
        }
        let owners = texts.into_iter().map(|(owner, (text, ends))| {
            let whole = Bytes::from(text);
            let mut from = 0;
            let event = |(change, end): (&Change, usize)| {
                (change.cursor.clone(), change.id, whole.slice(std::mem::replace(&mut from, end)..end))
            };
            let events = ends.into_iter().map(event).collect();
            (owner.to_owned(), OfOwner { whole, events })
        });
        Some(Self { upto, changes: count, owners: owners.collect() })
    }

    /// The events in it that are wanted and come after a cursor.
    pub(crate) fn events(&self, wanted: &Wanted, after: &Cursor) -> Vec<Bytes> {
        let Some(of_owner) = self.owners.get(&wanted.owner) else { return Vec::new() };
        let is_new = |(cursor, _, _): &&(Cursor, Uuid, Bytes)| after.is_before(cursor);
        match wanted.run {
            None if of_owner.events.first().as_ref().is_some_and(is_new) => vec![of_owner.whole.clone()],
            None => of_owner.events.iter().filter(is_new).map(|(_, _, event)| event.clone()).collect(),
            Some(run) => {
                let of_run = of_owner.events.iter().filter(|(_, id, _)| *id == run.uuid());
                of_run.filter(is_new).map(|(_, _, event)| event.clone()).collect()
            }
        }
    }

    /// Where it ends.
    pub(crate) const fn upto(&self) -> &Cursor {
        &self.upto
    }
}

fn of_change(change: &Change) -> String {
    let data = json!({
        "uuid": change.id.simple().to_string(),
        "project": change.project_id,
        "status": change.status,
        "version": change.version,
        "at": change.at,
    });
    event(change.kind.as_str(), &change.cursor, &data)
}

/// A server-sent event. Neither of its parts has a line break: JSON escapes them.
pub(crate) fn event(kind: &str, cursor: &Cursor, data: &Value) -> String {
    format!("event: {kind}\nid: {cursor}\ndata: {data}\n\n")
}

/// The last updates, in order.
#[derive(Debug)]
struct Ring {
    /// All that follows this is kept.
    begin: Cursor,
    /// How far was read.
    end: Cursor,
    updates: VecDeque<Arc<Update>>,
}

impl Ring {
    fn at(cursor: Cursor) -> Self {
        Self { begin: cursor.clone(), end: cursor, updates: VecDeque::new() }
    }

    fn keep(&mut self, update: Update) {
        self.end = update.upto.clone();
        self.updates.push_back(Arc::new(update));
        while self.updates.iter().map(|update| update.changes).sum::<usize>() > KEPT {
            let Some(oldest) = self.updates.pop_front() else { return };
            self.begin = oldest.upto.clone();
        }
    }

    /// What is known of what follows a cursor.
    fn after(&self, cursor: &Cursor) -> Next {
        if !cursor.is_of_epoch(&self.end) || cursor.is_before(&self.begin) {
            return Next::Older(self.begin.clone());
        }
        let next = self.updates.partition_point(|update| !cursor.is_before(&update.upto));
        self.updates.get(next).map_or(Next::Nothing, |update| Next::Update(Arc::clone(update)))
    }
}

/// What is known of what follows a cursor.
#[derive(Debug)]
pub(crate) enum Next {
    /// Nobody has begun to read yet: there will be news.
    Unknown,
    /// Nothing yet.
    Nothing,
    /// This update. One at a time, so that a slow stream keeps no more of them alive.
    Update(Arc<Update>),
    /// What is kept begins later, here: the store has to be asked.
    Older(Cursor),
}

/// The feed, as streams see it.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    /// None while nobody reads.
    ring: Mutex<Option<Ring>>,
    news: watch::Sender<u64>,
    listeners: watch::Sender<usize>,
}

/// Somebody who listens, until it is dropped.
#[derive(Debug)]
pub(crate) struct Listening(watch::Sender<usize>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

impl Feed {
    /// Has the feed read, as long as what this returns is kept.
    pub(crate) fn listen(&self) -> Listening {
        self.listeners.send_modify(|count| *count += 1);
        Listening(self.listeners.clone())
    }

    /// Changes whenever more is known.
    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// How far the feed is read, while somebody listens.
    pub(crate) fn end(&self) -> Option<Cursor> {
        self.ring().as_ref().map(|ring| ring.end.clone())
    }

    /// What follows a cursor.
    pub(crate) fn after(&self, cursor: &Cursor) -> Next {
        self.ring().as_ref().map_or(Next::Unknown, |ring| ring.after(cursor))
    }

    fn ring(&self) -> MutexGuard<'_, Option<Ring>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin_at(&self, cursor: Cursor) {
        *self.ring() = Some(Ring::at(cursor));
        self.news.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Reads on; says whether there is more at once.
    async fn read(&self, store: &Store) -> Result<bool, berth_store::Error> {
        let Some(end) = self.end() else {
            self.begin_at(store.latest_cursor().await?);
            return Ok(false);
        };
        match store.changes_after(&end, BATCH).await? {
            // It was not read for too long, or the store was restored. Streams notice by themselves.
            Changes::Resync => {
                self.begin_at(store.latest_cursor().await?);
                Ok(true)
            }
            Changes::Next(changes) => {
                if let Some(update) = Update::of(&changes) {
                    if let Some(ring) = self.ring().as_mut() {
                        ring.keep(update);
                    }
                    self.news.send_modify(|count| *count = count.wrapping_add(1));
                }
                Ok(changes.len() >= BATCH as usize)
            }
        }
    }
}

/// Reads the feed whenever somebody listens, until the shutdown.
pub(crate) async fn read_forever(app: AppState) {
    let mut heard = app.wake.heard();
    let mut listeners = app.feed.listeners.subscribe();
    loop {
        let is_heard = tokio::select! {
            () = app.shutdown.cancelled() => false,
            waited = listeners.wait_for(|count| *count > 0) => waited.is_ok(),
        };
        if !is_heard {
            return;
        }
        heard.borrow_and_update();
        match app.feed.read(&app.store).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::debug!(%error, "the change feed could not be read"),
        }
        tokio::time::sleep(SPACING).await;
        tokio::select! {
            () = app.shutdown.cancelled() => return,
            changed = heard.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(SWEEP.saturating_sub(SPACING)) => {}
        }
        if *listeners.borrow() == 0 {
            *app.feed.ring() = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use berth_domain::time::Time;
    use berth_store::ChangeKind;

    use super::*;

    const EPOCH: &str = "00000000000000000000000000000001";

    fn cursor(seq: usize) -> Cursor {
        Cursor::from_str(&format!("{EPOCH}.0.{seq:x}")).unwrap()
    }

    fn change(seq: usize, owner: &str, id: u128) -> Change {
        Change {
            cursor: cursor(seq),
            kind: ChangeKind::Run,
            id: Uuid::from_u128(id),
            owner: owner.to_owned(),
            project_id: None,
            version: 1,
            status: None,
            at: Time::from_micros(0),
        }
    }

    fn of_owner(owner: &str) -> Wanted {
        Wanted { owner: owner.to_owned(), run: None }
    }

    fn ids(events: &[Bytes]) -> Vec<String> {
        let text = String::from_utf8(events.concat()).unwrap();
        text.lines()
            .filter_map(|line| Some(line.strip_prefix("id: ")?.rsplit_once('.')?.1.to_owned()))
            .collect()
    }

    #[test]
    fn of_each_thing_the_last_change_is_told_in_the_order_of_the_feed() {
        let changes = [change(1, "a", 1), change(2, "b", 2), change(3, "a", 3), change(4, "a", 1)];
        let update = Update::of(&changes).unwrap();
        assert_eq!(ids(&update.events(&of_owner("a"), &cursor(0))), ["3", "4"]);
        assert_eq!(ids(&update.events(&of_owner("b"), &cursor(0))), ["2"]);
        assert_eq!(ids(&update.events(&of_owner("a"), &cursor(3))), ["4"], "from within it");
        assert_eq!(ids(&update.events(&of_owner("c"), &cursor(0))), [""; 0]);
        let run = RunId::from_uuid(Uuid::from_u128(3));
        let of_run = Wanted { owner: "a".to_owned(), run: Some(run) };
        assert_eq!(ids(&update.events(&of_run, &cursor(0))), ["3"]);
        let of_another = Wanted { owner: "b".to_owned(), run: Some(run) };
        assert_eq!(ids(&update.events(&of_another, &cursor(0))), [""; 0], "it is not b's");
        assert!(Update::of(&[]).is_none());
    }

    #[test]
    fn what_is_kept_is_bounded_and_who_is_older_is_sent_elsewhere() {
        let mut ring = Ring::at(cursor(0));
        for n in 0..3 {
            let changes: Vec<Change> =
                (1..=KEPT / 2).map(|m| change(n * KEPT / 2 + m, "a", (n * KEPT + m) as u128)).collect();
            ring.keep(Update::of(&changes).unwrap());
        }
        let next = |cursor: &Cursor| match ring.after(cursor) {
            Next::Update(update) => update.upto.to_string(),
            Next::Older(begin) => format!("older than {begin}"),
            other => format!("{other:?}"),
        };
        assert_eq!(ring.updates.len(), 2);
        let older = format!("older than {}", cursor(KEPT / 2));
        assert_eq!(next(&cursor(KEPT / 2 - 1)), older);
        assert_eq!(next(&cursor(KEPT / 2)), cursor(KEPT).to_string());
        assert_eq!(next(&cursor(KEPT - 1)), cursor(KEPT).to_string(), "from within it");
        assert_eq!(next(&cursor(KEPT)), ring.end.to_string());
        assert_eq!(next(&ring.end), "Nothing");
        assert_eq!(next(&cursor(9 * KEPT)), "Nothing", "the store was ahead of the reader");
        let other = Cursor::from_str(&format!("{}.0.{:x}", EPOCH.replace('1', "2"), KEPT)).unwrap();
        assert_eq!(next(&other), older, "a restored store's");
    }
}

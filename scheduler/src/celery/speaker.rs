//! The speaker: the one scheduler replica that sends events, for as long as its turn lasts. What it noted goes with the
//! turn: how far it came in the change feed, its clock, and what monitors were told of workers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use berth_broker::celery::event::Event;
use berth_domain::id::{AgentId, RunId};
use berth_domain::lifecycle::Condition;
use berth_domain::time::Time;
use berth_store::{Change, ChangeKind, Changes, Run};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::EventsWhen;
use super::events::{self, of_worker};
use super::nodes::Nodes;
use crate::context::{Context, Pace};
use crate::outbox::Error;

/// The turn's name.
const TURN: &str = "celery";
/// How long a speaker that is gone is waited for.
const LASTS: Duration = Duration::from_secs(5);
/// How often what happened is looked for: how late an event may be.
const EVERY: Duration = Duration::from_millis(500);
/// The most changes that are read at once.
const BATCH: u32 = 1_000;
/// The most runs of which it is known how much was told. Of one that is not known all is told, unless nothing befell it
/// since.
const MAX_TOLD: usize = 200_000;
/// By how many conditions the order of their numbers may differ from that in which they came.
const DISORDER: i64 = 1_000;
/// What a clock goes on by when another replica takes over: more than it can have gone since it was noted.
const CLOCK_GAP: u64 = 1_000_000;

/// What a speaker notes for the next.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Note {
    /// Its Lamport clock.
    pub(super) clock: u64,
    /// How far it came in the change feed.
    cursor: Option<String>,
    /// How many runs of each agent have ended since it was looked for first.
    pub(super) processed: BTreeMap<String, u64>,
    /// The nodes that were told to be there, and since when.
    pub(super) online: BTreeMap<String, Time>,
    /// The highest number of a condition that was told, or that came while nobody listened.
    #[serde(default)]
    told_to: i64,
}

impl Note {
    /// What the speaker, whichever replica that is, noted last.
    pub(super) async fn last(context: &Context) -> Result<Self, Error> {
        let turn = context.store.turn(TURN).await?;
        Ok(turn.map_or_else(Self::default, |turn| Self::read(turn.note)))
    }

    /// Of a note that another release wrote differently, nothing is known.
    fn read(note: Value) -> Self {
        serde_json::from_value(note).unwrap_or_default()
    }
}

/// Speaks whenever it is this replica's turn, until the shutdown.
pub(super) async fn speak_forever(context: Context) {
    let mut speaker = Speaker::default();
    let hint = Notify::new();
    let mut pace = Pace::new("speaking to Celery's monitors", &context, &hint, EVERY);
    while pace.next().await {
        pace.round(speaker.round(&context)).await;
    }
    if let Some(note) = speaker.note.take() {
        // If this is lost, the next one waits for the turn's end.
        context.store.end_turn(TURN, &context.replica, &json!(note), context.clock.now()).await.ok();
    }
}

#[derive(Default)]
struct Speaker {
    /// What it noted; none while it is another's turn.
    note: Option<Note>,
    /// The number of the last condition that was told of each run.
    told: BTreeMap<RunId, i64>,
    /// When the workers' hearts beat last.
    beat_at: Option<Time>,
}

impl Speaker {
    async fn round(&mut self, context: &Context) -> Result<(), Error> {
        let now = context.clock.now();
        let known = self.note.as_ref().map(|note| json!(note));
        let taken = context.store.take_turn(TURN, &context.replica, known.as_ref(), now, LASTS).await?;
        let Some(last) = taken else {
            *self = Self::default();
            return Ok(());
        };
        let mut note = self.note.take().unwrap_or_else(|| {
            let note = Note::read(last);
            context.lamport.saw(note.clock + CLOCK_GAP);
            note
        });
        let spoken = self.speak(context, &mut note, now).await;
        note.clock = context.lamport.now();
        self.note = Some(note);
        spoken
    }

    async fn speak(&mut self, context: &Context, note: &mut Note, now: Time) -> Result<(), Error> {
        let nodes = Nodes::load(context).await?;
        let mut events = self.of_workers(context, note, &nodes, now);
        loop {
            let changes = next_changes(context, note).await?;
            // Asked after the changes were read: what happened since somebody asked for events is told.
            let is_heard = match context.celery.events {
                EventsWhen::Always => true,
                EventsWhen::OnDemand => context.store.celery_events().await?,
                EventsWhen::Off => false,
            };
            let is_last = changes.len() < BATCH as usize;
            let told = self.of_changes(context, note, &nodes, &changes, is_heard).await?;
            events.extend(told.events);
            send(context, std::mem::take(&mut events)).await?;
            // Not before: what could not be sent is told again.
            self.note_told(note, told.to);
            for (agent, count) in told.ended {
                *note.processed.entry(context.name_of(agent)).or_default() += count;
            }
            if let Some(change) = changes.last() {
                note.cursor = Some(change.cursor.to_string());
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Who came, who went, and who is still there.
    fn of_workers(&mut self, context: &Context, note: &mut Note, nodes: &Nodes, now: Time) -> Vec<Event> {
        let is_due = self.beat_at.is_none_or(|at| now.since(at).as_secs_f64() >= events::HEARTBEAT_SECONDS);
        let mut events = Vec::new();
        let mut first = BTreeSet::new();
        for node in nodes.iter() {
            let is_new = !note.online.contains_key(&node.name);
            note.online.entry(node.name.clone()).or_insert(now);
            // Who of an agent's replicas ended a run is not counted: its first one has them all.
            let processed = first.insert(node.agent.id).then(|| note.processed.get(node.agent.name.as_str()));
            let processed = processed.flatten().copied().unwrap_or(0);
            if is_new {
                events.push(of_worker("worker-online", &node.name, now, node.replica.live, processed));
            } else if is_due {
                events.push(of_worker("worker-heartbeat", &node.name, now, node.replica.live, processed));
            }
        }
        let here: BTreeSet<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        note.online.retain(|name, _| {
            let stays = here.contains(name.as_str());
            if !stays {
                events.push(of_worker("worker-offline", name, now, 0, 0));
            }
            stays
        });
        if is_due {
            self.beat_at = Some(now);
        }
        for event in &mut events {
            event.clock = Some(context.lamport.tick());
        }
        events
    }

    /// What befell runs; if nobody listens, only how many have ended is counted.
    async fn of_changes(
        &mut self,
        context: &Context,
        note: &mut Note,
        nodes: &Nodes,
        changes: &[Change],
        is_heard: bool,
    ) -> Result<Told, Error> {
        let of_runs = changes.iter().filter(|change| change.kind == ChangeKind::Run);
        let id = |change: &Change| RunId::from_uuid(change.id);
        let ended = of_runs.clone().filter(|change| change.status.is_some_and(|status| status.is_final()));
        let ended: Vec<RunId> = ended.map(id).collect();
        let mut told = Told::default();
        if !ended.is_empty() {
            told.ended = context.store.count_by_agent(&ended).await?;
        }
        if !is_heard {
            self.told.clear();
            if !changes.is_empty() {
                note.told_to = context.store.latest_condition().await?;
            }
            return Ok(told);
        }
        let ids: BTreeSet<RunId> = of_runs.map(id).collect();
        let ids: Vec<RunId> = ids.into_iter().collect();
        if ids.is_empty() {
            return Ok(told);
        }
        let mut histories: BTreeMap<RunId, Vec<(i64, Condition)>> = BTreeMap::new();
        for (run, number, condition) in context.store.conditions_of(&ids).await? {
            histories.entry(run).or_default().push((number, condition));
        }
        for run in context.store.runs_by_id(&ids).await? {
            let Some(history) = histories.get(&run.id) else { continue };
            let Some((last, _)) = history.last() else { continue };
            if let Some(from) = self.told_before(note, run.id, *last) {
                told.events.extend(of_run(context, nodes, &run, history, from));
                told.to.push((run.id, *last));
            }
        }
        // In the order in which it happened, as far as one clock tells.
        told.events.sort_by(|a, b| a.timestamp.total_cmp(&b.timestamp));
        for event in &mut told.events {
            event.clock = Some(context.lamport.tick());
        }
        Ok(told)
    }

    /// The condition after which a run's are to be told, if its last one is number `last`; none if nothing is. Of a run
    /// of which nothing is known all is told: monitors make nothing of a task's end without its beginning.
    fn told_before(&self, note: &Note, run: RunId, last: i64) -> Option<i64> {
        match self.told.get(&run) {
            Some(told) => (last > *told).then_some(*told),
            None => (last > note.told_to - DISORDER).then_some(i64::MIN),
        }
    }

    fn note_told(&mut self, note: &mut Note, told: Vec<(RunId, i64)>) {
        if self.told.len() + told.len() > MAX_TOLD {
            self.told.clear();
        }
        for (run, last) in told {
            self.told.insert(run, last);
            note.told_to = note.told_to.max(last);
        }
    }
}

/// Events of runs.
#[derive(Default)]
struct Told {
    events: Vec<Event>,
    /// How far the life of each run is told by them.
    to: Vec<(RunId, i64)>,
    /// How many runs of each agent have ended.
    ended: Vec<(AgentId, u64)>,
}

/// What befell a run after condition number `from`.
fn of_run(
    context: &Context,
    nodes: &Nodes,
    run: &Run,
    history: &[(i64, Condition)],
    from: i64,
) -> Vec<Event> {
    let client = format!("gen{}@{}", std::process::id(), context.replica);
    let node = nodes.of(run).map_or_else(|| client.clone(), |node| node.name.clone());
    let conditions: Vec<Condition> = history.iter().map(|(_, condition)| condition.clone()).collect();
    let new = history.iter().enumerate().filter(|(_, (number, _))| *number > from);
    let until = |at| conditions.get(..=at).unwrap_or_default();
    new.flat_map(|(at, _)| events::of(run, until(at), &node, &client, &context.names)).collect()
}

/// What followed the last change that was looked at. The first speaker of all begins with what comes next.
async fn next_changes(context: &Context, note: &mut Note) -> Result<Vec<Change>, Error> {
    if let Some(cursor) = note.cursor.as_ref().and_then(|cursor| cursor.parse().ok())
        && let Changes::Next(changes) = context.store.changes_after(&cursor, BATCH).await?
    {
        return Ok(changes);
    }
    note.cursor = Some(context.store.latest_cursor().await?.to_string());
    Ok(Vec::new())
}

/// A broker that is away misses events, and that is all: nobody waits for them.
async fn send(context: &Context, events: Vec<Event>) -> Result<(), Error> {
    if !context.broker.connection().borrow().up {
        return Ok(());
    }
    Ok(context.broker.emit(&events).await?)
}

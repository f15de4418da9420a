//! What is still to be reported, and when. Rebuilt from the executor's inventory after a restart: nothing here is a
//! truth.
//!
//! A change is reported once; the broker confirms it, and whoever misses it asks. An end is reported again, ever more
//! slowly, until its receipt has come: only then may its object go. Pure, but for the loop at the end.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use berth_domain::lifecycle::End;
use berth_domain::protocol::{AttemptRef, EndReceipt, FromAgentBody, Phase, Report};
use berth_domain::time::Time;
use berth_domain::trace::SpanId;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::executor::Object;
use crate::gather::linger;
use crate::service::Shared;

/// How long after an end was reported it is reported again, at first and at most.
const AGAIN: Duration = Duration::from_secs(1);
const AGAIN_AT_MOST: Duration = Duration::from_secs(15);
/// How many reports travel together at most.
const BATCH: usize = 256;
/// How long to wait after the broker took nothing.
const BROKER_AWAY: Duration = Duration::from_millis(500);

/// What there is to report of one attempt.
#[derive(Debug)]
struct Entry {
    subject: Subject,
    /// Up to which rank it was reported.
    said: u32,
    due: Option<Instant>,
    again: Duration,
    /// If its end was taken in, it only waits to be released: from then on, as far as is known.
    settled: Option<Time>,
    /// Whether it ever was.
    receipted: bool,
}

#[derive(Debug)]
enum Subject {
    Object(Object),
    /// An attempt that ended without ever having had an object.
    Nothing {
        end: End,
        at: Time,
        span: Option<SpanId>,
    },
}

/// The entries, and which of them are due when: what is due is found among thousands that only live.
#[derive(Debug, Default)]
struct Entries {
    of: HashMap<AttemptRef, Entry>,
    due: BTreeSet<(Instant, AttemptRef)>,
}

impl Entries {
    fn insert(&mut self, attempt: AttemptRef, entry: Entry) {
        self.remove(attempt);
        self.due.extend(entry.due.map(|due| (due, attempt)));
        self.of.insert(attempt, entry);
    }

    fn remove(&mut self, attempt: AttemptRef) {
        if let Some(due) = self.of.remove(&attempt).and_then(|entry| entry.due) {
            self.due.remove(&(due, attempt));
        }
    }

    /// Changes an entry, if there is one.
    fn change<T>(&mut self, attempt: AttemptRef, change: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        let entry = self.of.get_mut(&attempt)?;
        let before = entry.due;
        let changed = change(entry);
        if entry.due != before {
            before.map(|due| self.due.remove(&(due, attempt)));
            self.due.extend(entry.due.map(|due| (due, attempt)));
        }
        Some(changed)
    }
}

/// What follows from a receipt.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Receipted {
    /// Its object is to be released; it is here if its end was not known to be taken in before.
    Release(Option<Box<Object>>),
    /// Nothing.
    Nothing,
}

/// All that is to be reported.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    entries: Mutex<Entries>,
    news: Notify,
}

impl Desk {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An object that was found, as it is known.
    pub(crate) fn object(&self, attempt: AttemptRef) -> Option<Object> {
        match &self.entries().of.get(&attempt)?.subject {
            Subject::Object(object) => Some(object.clone()),
            Subject::Nothing { .. } => None,
        }
    }

    /// Takes in how an object was found.
    pub(crate) fn note(&self, object: Object) {
        let mut entries = self.entries();
        let said = match entries.of.get(&object.attempt) {
            Some(Entry { subject: Subject::Object(known), said, .. }) if known.uid == object.uid => {
                if known.rank >= object.rank {
                    return;
                }
                *said
            }
            _ => 0,
        };
        entries.insert(object.attempt, Entry { said, ..Entry::new(Subject::Object(object)) });
        drop(entries);
        self.news.notify_one();
    }

    /// Takes in the end of an attempt for which no object could be created; `span` tells of that, if it is recorded.
    pub(crate) fn note_nothing(&self, attempt: AttemptRef, end: End, at: Time, span: Option<SpanId>) {
        self.entries().insert(attempt, Entry::new(Subject::Nothing { end, at, span }));
        self.news.notify_one();
    }

    /// Reports an attempt anew: somebody doesn't know of it.
    pub(crate) fn again(&self, attempt: AttemptRef) {
        self.entries().change(attempt, Entry::again);
        self.news.notify_one();
    }

    /// Reports everything anew.
    pub(crate) fn all_again(&self) {
        let mut entries = self.entries();
        let all: Vec<AttemptRef> = entries.of.keys().copied().collect();
        for attempt in all {
            entries.change(attempt, |entry| {
                entry.again();
                entry.settled = None;
            });
        }
        drop(entries);
        self.news.notify_one();
    }

    /// Takes a receipt in: the end is not reported any more.
    pub(crate) fn receipt(&self, receipt: &EndReceipt) -> Receipted {
        let attempt = AttemptRef { run: receipt.run, attempt: receipt.attempt };
        let mut entries = self.entries();
        let Some(entry) = entries.of.get(&attempt) else { return Receipted::Release(None) };
        match (&entry.subject, &receipt.uid) {
            (Subject::Object(object), Some(uid)) if object.uid == *uid && object.is_ended() => {
                let is_news = !entry.receipted;
                let object = is_news.then(|| Box::new(object.clone()));
                entries.change(attempt, |entry| {
                    entry.settled.get_or_insert(Time::from_micros(0));
                    entry.receipted = true;
                    entry.due = None;
                });
                Receipted::Release(object)
            }
            (Subject::Nothing { .. }, None) => {
                entries.remove(attempt);
                Receipted::Nothing
            }
            _ => Receipted::Nothing,
        }
    }

    /// Forgets an attempt whose object is gone.
    pub(crate) fn forget(&self, attempt: AttemptRef) {
        self.entries().remove(attempt);
    }

    /// The attempts whose end was taken in and whose object is still there, and may be released by `now`.
    pub(crate) fn settled(&self, now: Time) -> Vec<AttemptRef> {
        let entries = self.entries();
        let due = entries.of.iter().filter(|(_, entry)| entry.settled.is_some_and(|from| from <= now));
        due.map(|(attempt, _)| *attempt).collect()
    }

    /// Notes that an object can't be released before then.
    pub(crate) fn hold(&self, attempt: AttemptRef, until: Time) {
        self.entries().change(attempt, |entry| entry.settled = entry.settled.map(|_| until));
    }

    /// Forgets objects that are not among `held`: another replica has released them.
    pub(crate) fn keep_only(&self, held: &[Object]) {
        let held: std::collections::HashSet<_> = held.iter().map(|object| object.attempt).collect();
        let Entries { of, due } = &mut *self.entries();
        of.retain(|attempt, entry| {
            matches!(entry.subject, Subject::Nothing { .. }) || held.contains(attempt)
        });
        due.retain(|(_, attempt)| of.contains_key(attempt));
    }

    /// What is due, in order, with the moment of the next that isn't.
    fn due(&self, now: Instant) -> (Vec<Report>, Option<Instant>) {
        let entries = self.entries();
        let mut reports = Vec::new();
        for (due, attempt) in &entries.due {
            if *due > now || reports.len() >= BATCH {
                return (reports, Some(*due));
            }
            reports.extend(entries.of.get(attempt).into_iter().flat_map(|entry| entry.reports(*attempt)));
        }
        (reports, None)
    }

    /// Notes that `reports` are on the broker.
    fn said(&self, reports: &[Report], now: Instant) {
        let mut entries = self.entries();
        for report in reports {
            let attempt = AttemptRef { run: report.run, attempt: report.attempt };
            entries.change(attempt, |entry| entry.said(report, now));
        }
    }
}

impl Entry {
    fn new(subject: Subject) -> Self {
        Self { subject, said: 0, due: Some(Instant::now()), again: AGAIN, settled: None, receipted: false }
    }

    /// Is to be said anew.
    fn again(&mut self) {
        self.said = 0;
        self.due = Some(Instant::now());
    }

    fn reports(&self, attempt: AttemptRef) -> Vec<Report> {
        match &self.subject {
            // An end is said whether or not it was said before.
            Subject::Object(object) if object.is_ended() => object.reports(self.said.min(object.rank - 1)),
            Subject::Object(object) => object.reports(self.said),
            Subject::Nothing { end, at, span } => vec![Report {
                run: attempt.run,
                attempt: attempt.attempt,
                uid: None,
                rank: 0,
                at: *at,
                span: *span,
                phase: Phase::Ended(end.clone()),
            }],
        }
    }

    fn said(&mut self, report: &Report, now: Instant) {
        match &self.subject {
            Subject::Object(object) if report.uid.as_deref() != Some(&object.uid) => return,
            Subject::Object(object) if object.rank > report.rank => {
                self.said = self.said.max(report.rank);
                return;
            }
            _ => self.said = self.said.max(report.rank),
        }
        self.due = if matches!(report.phase, Phase::Ended(_)) && self.settled.is_none() {
            let due = now + self.again;
            self.again = (self.again * 2).min(AGAIN_AT_MOST);
            Some(due)
        } else {
            None
        };
    }
}

/// Reports, for as long as the replica lives.
pub(crate) async fn send(shared: &Shared) {
    let desk = &shared.reports;
    let mut leaves_at = Instant::now();
    loop {
        let news = desk.news.notified();
        let (mut reports, next) = desk.due(Instant::now());
        if !shared.tracer.is_on() {
            // What is not recorded is nothing that others could belong under.
            reports.iter_mut().for_each(|report| report.span = None);
        }
        if reports.is_empty() {
            let wake = next.unwrap_or_else(|| Instant::now() + Duration::from_secs(60));
            tokio::select! {
                () = shared.stop.cancelled() => return,
                () = news => {}
                () = tokio::time::sleep_until(wake) => {}
            }
            continue;
        }
        // Those that come close behind others travel together.
        if reports.len() < BATCH && leaves_at > Instant::now() {
            tokio::select! {
                () = shared.stop.cancelled() => return,
                () = tokio::time::sleep_until(leaves_at) => {}
            }
            continue;
        }
        match shared.out.say(FromAgentBody::Reports(reports.clone())).await {
            Ok(()) => {
                let now = Instant::now();
                desk.said(&reports, now);
                leaves_at = now + linger(reports.len());
            }
            Err(error) => {
                tracing::warn!(%error, reports = reports.len(), "agent.reports.unsent: will be sent again");
                tokio::select! {
                    () = shared.stop.cancelled() => return,
                    () = tokio::time::sleep(BROKER_AWAY) => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use berth_domain::id::RunId;
    use berth_domain::lifecycle::Outcome;

    use super::*;

    fn object(phase: Phase, rank: u32) -> Object {
        Object {
            attempt: AttemptRef { run: RunId::new(), attempt: 0 },
            uid: "u".into(),
            replica: "r".into(),
            phase,
            rank,
            at: Time::from_micros(9),
            ran: (rank > 1).then(|| (Time::from_micros(5), 2)),
            trace: None,
        }
    }

    fn ended(of: &Object) -> Object {
        let end = End {
            outcome: Outcome::Succeeded,
            exit_code: Some(0),
            reason: String::new(),
            message: String::new(),
        };
        Object { phase: Phase::Ended(end), rank: 1_000, ran: Some((Time::from_micros(5), 2)), ..of.clone() }
    }

    fn receipt(of: &Object) -> EndReceipt {
        EndReceipt { run: of.attempt.run, attempt: 0, uid: Some(of.uid.clone()) }
    }

    /// Says all that is due, and gives the ranks.
    fn say(desk: &Desk) -> Vec<u32> {
        let now = Instant::now();
        let (reports, _) = desk.due(now);
        desk.said(&reports, now);
        reports.iter().map(|report| report.rank).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_is_said_once_and_in_order() {
        let desk = Desk::default();
        let created = object(Phase::Created, 1);
        desk.note(created.clone());
        desk.note(created.clone());
        assert_eq!(say(&desk), [1]);
        assert_eq!(say(&desk), [] as [u32; 0]);
        desk.note(ended(&created));
        desk.note(created);
        assert_eq!(say(&desk), [2, 1_000], "what was skipped is told too");
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_is_said_until_its_receipt() {
        let desk = Desk::default();
        let object = ended(&object(Phase::Created, 1));
        desk.note(object.clone());
        assert_eq!(say(&desk), [2, 1_000]);
        for wait in [1, 2, 4, 8, 15, 15] {
            tokio::time::advance(Duration::from_secs(wait) - Duration::from_millis(1)).await;
            assert_eq!(say(&desk), [] as [u32; 0]);
            tokio::time::advance(Duration::from_millis(1)).await;
            assert_eq!(say(&desk), [1_000]);
        }
        assert_eq!(desk.receipt(&receipt(&object)), Receipted::Release(Some(Box::new(object.clone()))));
        assert_eq!(desk.receipt(&receipt(&object)), Receipted::Release(None), "known already");
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(say(&desk), [] as [u32; 0]);
        assert_eq!(desk.settled(Time::from_micros(0)), [object.attempt]);
        desk.hold(object.attempt, Time::from_micros(7));
        assert_eq!(desk.settled(Time::from_micros(6)), []);
        assert_eq!(desk.settled(Time::from_micros(7)), [object.attempt]);
        desk.note(object.clone());
        assert_eq!(say(&desk), [] as [u32; 0], "a look at it later is no news");
        desk.keep_only(&[]);
        assert_eq!(desk.settled(Time::from_micros(7)), []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_receipt_for_another_object_settles_nothing() {
        let desk = Desk::default();
        let object = ended(&object(Phase::Created, 1));
        desk.note(object.clone());
        let other = EndReceipt { uid: Some("other".into()), ..receipt(&object) };
        assert_eq!(desk.receipt(&other), Receipted::Nothing);
        assert_eq!(say(&desk), [2, 1_000]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_somebody_misses_is_said_again() {
        let desk = Desk::default();
        let object = object(Phase::Running, 2);
        desk.note(object.clone());
        assert_eq!(say(&desk), [2]);
        desk.again(object.attempt);
        assert_eq!(say(&desk), [2]);
        desk.all_again();
        assert_eq!(say(&desk), [2]);
    }
}

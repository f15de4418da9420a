//! Consumers: a task each, over the client's one connection.
//!
//! A hint (a PUBLISH by whoever fills the list) wakes it; looking now and then finds what others filled. An
//! agent's queues are filled by Berth only, so they are looked at less often.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use berth_broker_config::Address;
use futures_util::stream::{FuturesOrdered, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use uuid::Uuid;

use super::keys::Keys;
use super::link::Link;
use super::{queues, restore, scripts};
use crate::backoff::Backoff;
use crate::celery::envelope;
use crate::consumer::{Consumer, HANDFUL};
use crate::delivery::{self, Delivery};
use crate::error::Error;

/// How many messages one script call takes at most.
const MOST: usize = 128;
/// How many script calls are on their way at a time while there is more than one takes.
const DEPTH: usize = 3;

/// A message held un-acked.
#[derive(Debug)]
pub(crate) struct Held {
    window: Arc<Window>,
    number: u64,
    permit: Option<OwnedSemaphorePermit>,
}

/// What one consumer holds.
#[derive(Debug)]
pub(crate) struct Window {
    link: Arc<Link>,
    keys: Keys,
    /// The key of the hash that has them.
    key: String,
    held: Mutex<BTreeSet<u64>>,
    /// What the server says is held, and nobody here knows of, when last asked.
    unknown: Mutex<BTreeSet<u64>>,
    closed: AtomicBool,
}

impl Window {
    fn held(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives messages back to the head of the queue, the oldest first to be served; returns how many.
    async fn give_back(&self, numbers: impl DoubleEndedIterator<Item = u64>) -> Result<usize, Error> {
        const DOING: &str = "giving messages back";
        let numbers: Vec<u64> = numbers.rev().collect();
        let mut count = 0;
        for numbers in numbers.chunks(MOST) {
            let mut call = self.link.scripts.give_back.prepare_invoke();
            call.key(&self.keys.index).key(&self.key).key(&self.keys.queue).arg(&self.keys.queue).arg("");
            let mut any = false;
            for number in numbers {
                let mut held = self.link.scripts.envelope.prepare_invoke();
                held.key(&self.key).arg(number).arg(scripts::LONGEST);
                let held: Option<Vec<u8>> = self.link.script(DOING, &held).await?;
                if let Some(envelope) = held {
                    call.arg(number).arg(restore::given_back(&envelope));
                    any = true;
                }
            }
            if any {
                count += self.link.script::<usize>(DOING, &call).await?;
            }
        }
        Ok(count)
    }

    /// Says that the consumer lives, so that nobody brings back what it holds; and gives back itself what is held without
    /// its knowledge: where the answer to a call was lost, nobody knows what the call did.
    async fn refresh(&self) -> Result<(), Error> {
        let mut call = self.link.scripts.refresh.prepare_invoke();
        call.key(&self.keys.index).key(&self.key);
        let there: BTreeSet<u64> = self.link.script("refreshing what is held", &call).await?;
        let unknown: BTreeSet<u64> = there.difference(&self.held()).copied().collect();
        // Twice in a row: what was unknown once may be an ack on its way.
        let again: BTreeSet<u64> = {
            let mut before = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *before, unknown).intersection(&before).copied().collect()
        };
        self.give_back(again.into_iter()).await.map(drop)
    }
}

impl Held {
    pub(crate) async fn requeue(mut self) -> bool {
        drop(self.permit.take());
        if self.window.closed.load(Ordering::SeqCst) || !self.window.held().remove(&self.number) {
            return false;
        }
        match self.window.give_back(std::iter::once(self.number)).await {
            Ok(count) => count == 1,
            // No longer known, so that it is given back when it is refreshed.
            Err(_) => false,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Unanswered: it keeps its place in the prefetch.
        if let Some(permit) = self.permit.take() {
            permit.forget();
        }
    }
}

/// Acks messages of any consumers; returns how many were stale.
pub(crate) async fn ack_many(held: Vec<Held>) -> usize {
    let mut windows: Vec<(Arc<Window>, Vec<u64>)> = Vec::new();
    let mut stale = 0;
    for mut held in held {
        drop(held.permit.take());
        let window = Arc::clone(&held.window);
        if window.closed.load(Ordering::SeqCst) || !window.held().remove(&held.number) {
            stale += 1;
            continue;
        }
        match windows.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &window)) {
            Some((_, numbers)) => numbers.push(held.number),
            None => windows.push((window, vec![held.number])),
        }
    }
    for (window, numbers) in windows {
        for numbers in numbers.chunks(1000) {
            let mut call = window.link.scripts.ack.prepare_invoke();
            call.key(&window.key).arg(numbers);
            let acked = window.link.script::<usize>("acking", &call).await.unwrap_or(0);
            stale += numbers.len().saturating_sub(acked);
        }
    }
    stale
}

pub(crate) fn start(link: &Arc<Link>, queue: &Address, prefetch: u16) -> Consumer {
    let (sender, deliveries) = mpsc::channel(usize::from(prefetch));
    let stop = link.core.stop.child_token();
    let settings = &link.core.settings;
    let keys = Keys::of(queue, &settings.names, &settings.celery_prefix);
    let window = Arc::new(Window {
        link: Arc::clone(link),
        key: keys.held_by(&Uuid::new_v4().simple().to_string()),
        keys,
        held: Mutex::default(),
        unknown: Mutex::default(),
        closed: AtomicBool::new(false),
    });
    let (address, ended) = (queue.clone(), stop.clone());
    link.core.tracker.spawn(async move {
        let working = async {
            tokio::join!(
                pump(&window, &address, prefetch, &sender),
                keep(&window, &address),
                restore::run(&window.link, &window.keys),
            );
        };
        ended.run_until_cancelled(working).await;
        window.closed.store(true, Ordering::SeqCst);
        let rest = std::mem::take(&mut *window.held());
        let giving = window.give_back(rest.into_iter());
        let limit = window.link.core.settings.answer_timeout;
        match tokio::time::timeout(limit, giving).await {
            Ok(Ok(_)) => {}
            // They come back by the visibility timeout.
            Ok(Err(error)) => tracing::debug!(queue = window.keys.queue, %error, "broker.give_back.failed"),
            Err(_) => tracing::debug!(queue = window.keys.queue, "broker.give_back.timeout"),
        }
    });
    Consumer::new(deliveries, stop.drop_guard())
}

/// Takes messages as there is room for them, until the consumer is gone.
async fn pump(window: &Arc<Window>, address: &Address, prefetch: u16, sender: &mpsc::Sender<Vec<Delivery>>) {
    let link = &window.link;
    let settings = &link.core.settings;
    let by_berth_only = address.redis_prefix.matches('.').count() > 1;
    let interval = settings.poll_interval * if by_berth_only { 10 } else { 1 };
    let permits = Arc::new(Semaphore::new(usize::from(prefetch)));
    let mut hints = link.hints(&window.keys.queue).await;
    let mut connection = link.core.state.subscribe();
    let mut backoff = Backoff::default();
    let mut next_number = 0_u64;
    let (mut takes, mut taken) = (FuturesOrdered::new(), Vec::new());
    let mut depth = 1;
    loop {
        if takes.is_empty() && taken.is_empty() && link.wait_live().await.is_none() {
            return;
        }
        while takes.len() < depth {
            let mut room = Vec::new();
            if takes.is_empty() && taken.is_empty() {
                let Ok(first) = Arc::clone(&permits).acquire_owned().await else { return };
                room.push(first);
            }
            while room.len() < MOST {
                let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else { break };
                room.push(permit);
            }
            if room.is_empty() {
                break;
            }
            if takes.is_empty() {
                hints.mark_unchanged();
                connection.mark_unchanged();
            }
            let first = next_number;
            next_number += room.len() as u64;
            takes.push_back(take(window, first, room));
        }
        // The server looks for the next ones while these are read.
        let handing = hand_out(window, sender, std::mem::take(&mut taken));
        let (next, is_wanted) = tokio::join!(takes.next(), handing);
        if !is_wanted {
            return;
        }
        match next {
            // There was no room.
            None => {}
            Some(Ok(found)) => {
                // Where there is more, the server does not have to wait for us to ask.
                depth = if found.is_all { DEPTH } else { 1 };
                if !found.taken.is_empty() {
                    backoff.reset();
                    taken = found.taken;
                } else if takes.is_empty() {
                    tokio::select! {
                        // An error means that the link is gone, and with it this task.
                        _ = hints.changed() => {}
                        _ = connection.changed() => {}
                        () = tokio::time::sleep(interval) => {}
                    }
                }
            }
            Some(Err(error)) => {
                depth = 1;
                tracing::debug!(queue = window.keys.queue, %error, "broker.take.failed");
                tokio::time::sleep(backoff.next()).await;
            }
        }
    }
}

/// Messages by their numbers, with their lengths, each with its place in the prefetch.
type Taken = Vec<((u64, Raw), OwnedSemaphorePermit)>;

/// A message with its length; of one that is too long, the beginning.
type Raw = (usize, Vec<u8>);

/// What a call took.
struct Found {
    taken: Taken,
    /// Whether it was as much as was asked for.
    is_all: bool,
}

/// Hands messages to the consumer; false if it is gone.
async fn hand_out(window: &Arc<Window>, sender: &mpsc::Sender<Vec<Delivery>>, taken: Taken) -> bool {
    let mut taken = taken.into_iter();
    loop {
        let deliveries: Vec<Delivery> =
            taken.by_ref().take(HANDFUL).map(|(raw, permit)| delivery(window, raw, permit)).collect();
        if deliveries.is_empty() {
            return true;
        }
        if sender.send(deliveries).await.is_err() {
            return false;
        }
    }
}

fn delivery(
    window: &Arc<Window>,
    (number, (length, raw)): (u64, Raw),
    permit: OwnedSemaphorePermit,
) -> Delivery {
    let is_whole = length == raw.len();
    let (message, redelivered) =
        if is_whole { envelope::decode(&raw) } else { (envelope::beginning(raw, length), false) };
    let held = Held { window: Arc::clone(window), number, permit: Some(permit) };
    Delivery { message, redelivered, held: delivery::Held::Redis(held) }
}

/// Takes messages, numbered from `first` on, for all the room that there is.
async fn take(window: &Window, first: u64, room: Vec<OwnedSemaphorePermit>) -> Result<Found, Error> {
    let mut call = window.link.scripts.take.prepare_invoke();
    call.key(&window.keys.index).key(&window.key).key(&window.keys.lists()[..]);
    call.arg(room.len()).arg(first).arg(scripts::LONGEST).arg(scripts::ROOM);
    let asked = first..first + room.len() as u64;
    // Recorded as held before they are: whatever becomes of this task, what the server has taken is given back.
    window.held().extend(asked.clone());
    let answer: Result<Vec<Raw>, Error> = window.link.script("taking messages", &call).await;
    // Of an answer that is lost, nobody knows. What was taken in vain is given back by the refreshes, since numbers are
    // never used twice.
    let got = answer.as_ref().map_or(0, Vec::len);
    {
        let mut held = window.held();
        for number in asked.clone().skip(got) {
            held.remove(&number);
        }
    }
    let raws = answer?;
    let is_all = raws.len() == room.len();
    Ok(Found { taken: asked.zip(raws).zip(room).collect(), is_all })
}

/// Refreshes what is held, and announces the queue, several times per visibility timeout.
async fn keep(window: &Window, address: &Address) {
    let core = &window.link.core;
    let visibility = core.settings.visibility_timeout / 4;
    let expiry = address.idle_expiry_ms.map(|millis| Duration::from_millis(millis.into()) / 4);
    let mut beat = tokio::time::interval(expiry.map_or(visibility, |expiry| visibility.min(expiry)));
    let mut connection = core.state.subscribe();
    loop {
        tokio::select! {
            _ = beat.tick() => {}
            _ = connection.changed() => {}
        }
        if !connection.borrow_and_update().up {
            continue;
        }
        let known = core.known(&address.queue);
        let kept = async {
            // Also registers the queue anew on a server that lost its data.
            queues::apply(&window.link, &known).await?;
            if let Some(millis) = address.idle_expiry_ms {
                queues::announce(&window.link, &window.keys, millis).await?;
            }
            window.refresh().await
        };
        if let Err(error) = kept.await {
            tracing::debug!(queue = address.queue, %error, "broker.refresh.failed");
        }
    }
}

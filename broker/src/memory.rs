//! The in-process transport: queues and topics in one shared hub, with the rules of the real brokers
//! (a missing queue is an error, un-acked messages come back when their consumer ends).

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use berth_broker_config::found::{Found, Seen};
use berth_broker_config::password::PasswordHashes;
use berth_broker_config::{Address, Topology};
use secrecy::SecretString;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::broker::{Depth, Survey};
use crate::celery::control::{self, ReplyTo};
use crate::celery::event::Event;
use crate::connection::Connection;
use crate::consumer::{Consumer, Subscription};
use crate::delivery::{self, Delivery};
use crate::error::{Error, PublishError};
use crate::message::{Message, Publish};
use crate::users::UserSupport;

/// How many broadcast messages a slow subscriber may lag behind before it misses some.
const TOPIC_BACKLOG: usize = 1024;

#[derive(Clone, Debug)]
pub(crate) struct Client {
    hub: Arc<Hub>,
    tracker: TaskTracker,
    stop: CancellationToken,
    state: watch::Sender<Connection>,
}

#[derive(Debug, Default)]
struct Hub {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    queues: HashMap<String, Queue>,
    topics: HashMap<String, broadcast::Sender<Message>>,
    markers: HashSet<String>,
    last_tag: u64,
}

#[derive(Debug, Default)]
struct Queue {
    ready: VecDeque<Item>,
    /// Un-acked messages by tag, with the consumer that holds them.
    unacked: BTreeMap<u64, (u64, Item)>,
    filled: Arc<Notify>,
}

#[derive(Clone, Debug)]
struct Item {
    message: Message,
    redelivered: bool,
}

/// A message held by a consumer of the hub.
#[derive(Debug)]
pub(crate) struct Held {
    hub: Arc<Hub>,
    queue: String,
    tag: u64,
    permit: Option<OwnedSemaphorePermit>,
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next message for a consumer, or what to wait on; `None` if there is no such queue.
    fn take(&self, queue: &str, consumer: u64) -> Option<Result<(u64, Item), Arc<Notify>>> {
        let mut state = self.lock();
        state.last_tag += 1;
        let tag = state.last_tag;
        let queue = state.queues.get_mut(queue)?;
        Some(match queue.ready.pop_front() {
            Some(item) => {
                queue.unacked.insert(tag, (consumer, item.clone()));
                Ok((tag, item))
            }
            None => Err(Arc::clone(&queue.filled)),
        })
    }

    /// Gives back what a consumer held, in order, before everything else.
    fn give_back(&self, queue: &str, consumer: u64) {
        let mut state = self.lock();
        let Some(queue) = state.queues.get_mut(queue) else { return };
        let tags: Vec<u64> = queue
            .unacked
            .iter()
            .filter(|(_, (holder, _))| *holder == consumer)
            .map(|(tag, _)| *tag)
            .collect();
        for tag in tags.into_iter().rev() {
            if let Some((_, item)) = queue.unacked.remove(&tag) {
                queue.ready.push_front(Item { redelivered: true, ..item });
            }
        }
        queue.filled.notify_waiters();
    }
}

impl Held {
    pub(crate) fn ack(mut self) -> bool {
        let item = self.remove();
        item.is_some()
    }

    pub(crate) fn requeue(mut self) -> bool {
        let Some(item) = self.remove() else { return false };
        let mut state = self.hub.lock();
        let Some(queue) = state.queues.get_mut(&self.queue) else { return false };
        queue.ready.push_front(Item { redelivered: true, ..item });
        queue.filled.notify_waiters();
        true
    }

    fn remove(&mut self) -> Option<Item> {
        drop(self.permit.take());
        let mut state = self.hub.lock();
        let (_, item) = state.queues.get_mut(&self.queue)?.unacked.remove(&self.tag)?;
        Some(item)
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

impl Client {
    /// No tool of Celery's reaches into a process: nothing ever comes.
    pub(crate) fn commands(&self, namespace: &str) -> Subscription {
        self.subscribe(&Address::foreign(control::commands(namespace)))
    }

    pub(crate) async fn command(
        &self,
        _namespace: &str,
        _served: &Address,
        _command: Message,
    ) -> Result<(), Error> {
        Ok(())
    }

    pub(crate) async fn reply(&self, _to: &ReplyTo, _reply: Message) -> Result<(), Error> {
        Ok(())
    }

    pub(crate) async fn emit(&self, _events: &[Event]) -> Result<(), Error> {
        Ok(())
    }

    pub(crate) fn new() -> Self {
        let up = Connection { up: true, generation: 1, last_error: None, alarm: None };
        Self {
            hub: Arc::default(),
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            state: watch::Sender::new(up),
        }
    }

    pub(crate) fn connection(&self) -> watch::Receiver<Connection> {
        self.state.subscribe()
    }

    pub(crate) fn tracker(&self) -> &TaskTracker {
        &self.tracker
    }

    fn open(&self) -> Result<MutexGuard<'_, State>, Error> {
        if self.stop.is_cancelled() { Err(Error::Closed) } else { Ok(self.hub.lock()) }
    }

    pub(crate) async fn publish(&self, batch: Vec<Publish>) -> Result<(), PublishError> {
        let mut state = self.open().map_err(|reason| PublishError::all(batch.len(), reason))?;
        let (mut unconfirmed, mut missing) = (Vec::new(), None);
        for (index, Publish { to, message }) in batch.into_iter().enumerate() {
            match state.queues.get_mut(&to.queue) {
                Some(queue) => {
                    queue.ready.push_back(Item { message, redelivered: false });
                    queue.filled.notify_waiters();
                }
                None => {
                    unconfirmed.push(index);
                    missing.get_or_insert(to.queue);
                }
            }
        }
        match missing {
            None => Ok(()),
            Some(queue) => Err(PublishError { unconfirmed, reason: Error::NoSuchQueue { queue } }),
        }
    }

    pub(crate) fn consume(&self, queue: &Address, prefetch: u16) -> Consumer {
        let (sender, deliveries) = mpsc::channel(usize::from(prefetch));
        let stop = self.stop.child_token();
        let (hub, name) = (Arc::clone(&self.hub), queue.queue.clone());
        let consumer = {
            let mut state = hub.lock();
            state.last_tag += 1;
            state.last_tag
        };
        let ended = stop.clone();
        self.tracker.spawn(async move {
            let permits = Arc::new(Semaphore::new(usize::from(prefetch)));
            let pump = pump(&hub, &name, consumer, &permits, &sender);
            // The pump ends only when its receiver is gone.
            ended.run_until_cancelled(pump).await;
            hub.give_back(&name, consumer);
        });
        Consumer::new(deliveries, stop.drop_guard())
    }

    pub(crate) async fn depth(&self, queue: &Address) -> Result<Depth, Error> {
        let state = self.open()?;
        let queue = state.queues.get(&queue.queue).ok_or_else(|| missing(queue))?;
        Ok(Depth { ready: queue.ready.len() as u64, unacked: Some(queue.unacked.len() as u64) })
    }

    pub(crate) async fn purge(&self, queue: &Address) -> Result<u64, Error> {
        let mut state = self.open()?;
        let queue = state.queues.get_mut(&queue.queue).ok_or_else(|| missing(queue))?;
        let count = queue.ready.len() as u64;
        queue.ready.clear();
        Ok(count)
    }

    pub(crate) async fn apply(&self, topology: &Topology) -> Result<(), Error> {
        let mut state = self.open()?;
        for name in topology.queues.keys() {
            let queue = state.queues.entry(name.clone()).or_default();
            queue.filled.notify_waiters();
        }
        Ok(())
    }

    pub(crate) async fn remove_user(
        &self,
        _name: &str,
        _only: Option<&PasswordHashes>,
    ) -> Result<bool, Error> {
        Ok(false)
    }

    pub(crate) fn user_support(&self) -> UserSupport {
        UserSupport::None
    }

    pub(crate) fn url_for(&self, _user: &str, _password: &str) -> Option<SecretString> {
        None
    }

    pub(crate) async fn survey(&self, _wanted: &Topology) -> Result<Survey, Error> {
        let queues = self.open()?.queues.keys().map(|name| (name.clone(), Seen::Name)).collect();
        Ok(Survey { found: Found { queues, ..Found::default() }, unseen: None })
    }

    pub(crate) async fn delete_queue(&self, queue: &Address) -> Result<(), Error> {
        if let Some(gone) = self.open()?.queues.remove(&queue.queue) {
            // Who waits for it looks for the one that is declared next.
            gone.filled.notify_waiters();
        }
        Ok(())
    }

    pub(crate) async fn broadcast(&self, topic: &Address, message: Message) -> Result<(), Error> {
        let state = self.open()?;
        if let Some(sender) = state.topics.get(&topic.queue) {
            // An error means that nobody listens.
            drop(sender.send(message));
        }
        Ok(())
    }

    pub(crate) fn subscribe(&self, topic: &Address) -> Subscription {
        let mut topic = self
            .hub
            .lock()
            .topics
            .entry(topic.queue.clone())
            .or_insert_with(|| broadcast::Sender::new(TOPIC_BACKLOG))
            .subscribe();
        let (sender, messages) = mpsc::channel(64);
        let stop = self.stop.child_token();
        let ended = stop.clone();
        self.tracker.spawn(ended.run_until_cancelled_owned(async move {
            loop {
                match topic.recv().await {
                    Ok(message) => {
                        if sender.send(message).await.is_err() {
                            return;
                        }
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return,
                }
            }
        }));
        Subscription { messages, _stop: stop.drop_guard() }
    }

    pub(crate) async fn marker_exists(&self, token: &str) -> Result<bool, Error> {
        Ok(self.open()?.markers.contains(token))
    }

    pub(crate) async fn put_marker(&self, token: &str) -> Result<(), Error> {
        self.open()?.markers.insert(token.to_owned());
        Ok(())
    }

    pub(crate) async fn close(&self) {
        self.stop.cancel();
        self.state.send_replace(Connection { up: false, generation: 1, last_error: None, alarm: None });
        self.tracker.close();
        self.tracker.wait().await;
    }
}

async fn pump(
    hub: &Arc<Hub>,
    queue: &str,
    consumer: u64,
    permits: &Arc<Semaphore>,
    sender: &mpsc::Sender<Vec<Delivery>>,
) {
    while let Ok(permit) = Arc::clone(permits).acquire_owned().await {
        let (tag, item) = loop {
            match hub.take(queue, consumer) {
                Some(Ok(taken)) => break taken,
                Some(Err(filled)) => {
                    let notified = filled.notified();
                    tokio::pin!(notified);
                    // Interest is registered before the second look, so that no message is missed.
                    notified.as_mut().enable();
                    match hub.take(queue, consumer) {
                        Some(Ok(taken)) => break taken,
                        Some(Err(_)) => notified.await,
                        None => {}
                    }
                }
                // Not applied yet, or deleted: look again now and then.
                None => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            }
        };
        let held = Held { hub: Arc::clone(hub), queue: queue.to_owned(), tag, permit: Some(permit) };
        let delivery = Delivery {
            message: item.message,
            redelivered: item.redelivered,
            held: delivery::Held::Memory(held),
        };
        if sender.send(vec![delivery]).await.is_err() {
            return;
        }
    }
}

fn missing(queue: &Address) -> Error {
    Error::NoSuchQueue { queue: queue.queue.clone() }
}

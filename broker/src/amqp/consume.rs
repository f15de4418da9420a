//! Consumers: a task each, which subscribes again on every new connection.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use berth_broker_config::Address;
use futures_util::StreamExt;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions};
use lapin::types::FieldTable;
use tokio::sync::{Mutex, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::leaderless::{self, Silence};
use super::link::{Link, Live};
use super::{declare, wire};
use crate::backoff::Backoff;
use crate::consumer::{Consumer, HANDFUL};
use crate::delivery::{self, Delivery};
use crate::error::Error;

/// A message held un-acked on a channel.
#[derive(Debug)]
pub(crate) struct Held {
    window: Arc<Window>,
    tag: u64,
}

/// The un-acked messages of one subscription on one channel.
#[derive(Debug)]
struct Window {
    channel: lapin::Channel,
    alive: AtomicBool,
    /// Tags handed out and not answered. Answers are sent under this lock: an ack of several at once would
    /// otherwise answer for a tag whose own answer is on its way, which RabbitMQ punishes by closing the channel.
    outstanding: Mutex<BTreeSet<u64>>,
}

impl Window {
    fn alive(&self) -> bool {
        self.alive.load(Ordering::SeqCst) && self.channel.status().connected()
    }

    /// Acks `tags`; returns how many were stale. Those that are the oldest un-acked, without a gap, in one frame.
    async fn ack(&self, tags: &BTreeSet<u64>) -> usize {
        let mut outstanding = self.outstanding.lock().await;
        if !self.alive() {
            return tags.len();
        }
        let known: Vec<u64> = tags.iter().copied().filter(|tag| outstanding.remove(tag)).collect();
        // Whatever is older than the oldest that stays is ours to answer at once.
        let contiguous = outstanding
            .first()
            .map_or(known.len(), |oldest| known.iter().take_while(|tag| *tag < oldest).count());
        let mut acked = tags.len() - known.len();
        let (together, singly) = known.split_at(contiguous);
        let many = together.last().map(|last| (*last, together.len() > 1, together.len()));
        let each = singly.iter().map(|tag| (*tag, false, 1));
        for (tag, multiple, count) in many.into_iter().chain(each) {
            if self.channel.basic_ack(tag, BasicAckOptions { multiple }).await.is_err() {
                acked += count;
            }
        }
        acked
    }
}

impl Held {
    pub(crate) async fn requeue(self) -> bool {
        let mut outstanding = self.window.outstanding.lock().await;
        let options = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
        self.window.alive()
            && outstanding.remove(&self.tag)
            && self.window.channel.basic_nack(self.tag, options).await.is_ok()
    }
}

/// Acks messages of any subscriptions; returns how many were stale.
pub(crate) async fn ack_many(held: Vec<Held>) -> usize {
    let mut windows: Vec<(Arc<Window>, BTreeSet<u64>)> = Vec::new();
    for Held { window, tag } in held {
        match windows.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &window)) {
            Some((_, tags)) => drop(tags.insert(tag)),
            None => windows.push((window, BTreeSet::from([tag]))),
        }
    }
    let mut stale = 0;
    for (window, tags) in windows {
        stale += window.ack(&tags).await;
    }
    stale
}

pub(crate) fn start(link: &Arc<Link>, queue: &Address, prefetch: u16) -> Consumer {
    let (sender, deliveries) = mpsc::channel(usize::from(prefetch));
    let stop = link.core.stop.child_token();
    let (task_link, queue, ended) = (Arc::clone(link), queue.queue.clone(), stop.clone());
    link.core.tracker.spawn(async move { run(&task_link, &queue, prefetch, &sender, &ended).await });
    Consumer::new(deliveries, stop.drop_guard())
}

async fn run(
    link: &Link,
    queue: &str,
    prefetch: u16,
    sender: &mpsc::Sender<Vec<Delivery>>,
    stop: &CancellationToken,
) {
    let mut backoff = Backoff::default();
    let mut said = None;
    let mut silence = Silence::default();
    while !stop.is_cancelled() {
        let Some(Some(live)) = stop.run_until_cancelled(link.wait_live()).await else { return };
        let limit = link.core.settings.answer_timeout;
        let subscribing = async {
            tokio::select! {
                biased;
                subscribed = subscribe(link, &live, queue, prefetch) => subscribed,
                // On a connection that is gone it would wait in vain, while there is another one.
                () = link.wait_lost(&live) => Err(link.core.not_connected()),
            }
        };
        let subscribing = stop.run_until_cancelled(tokio::time::timeout(limit, subscribing));
        let Some(subscribed) = subscribing.await else { return };
        let subscribed = subscribed.unwrap_or_else(|_| {
            link.suspect();
            Err(Error::Timeout { doing: "subscribing", millis: limit.as_millis() as u64 })
        });
        match subscribed {
            Ok((window, stream)) => {
                backoff.reset();
                said = None;
                silence.ended();
                let pumping = async {
                    tokio::select! {
                        () = pump(stream, &window, sender) => false,
                        () = link.wait_lost(&live) => true,
                    }
                };
                let is_lost = stop.run_until_cancelled(pumping).await.unwrap_or(false);
                window.alive.store(false, Ordering::SeqCst);
                // Gives back what is un-acked; if the connection is dead, that has happened already.
                if !is_lost {
                    let close = window.channel.close(200, "OK".into());
                    drop(tokio::time::timeout(Duration::from_secs(1), close).await);
                }
            }
            Err(error) => {
                let generation = link.core.state.borrow().generation;
                let patience = link.core.settings.leaderless_after;
                if silence.failed(&error, generation, Instant::now(), patience) {
                    silence.ended();
                    stop.run_until_cancelled(leaderless::give_up(link, queue)).await;
                }
                if said.as_ref() != Some(&error) {
                    tracing::warn!(queue, %error, "broker.subscribe.failed");
                    said = Some(error);
                }
            }
        }
        stop.run_until_cancelled(tokio::time::sleep(backoff.next())).await;
    }
}

async fn subscribe(
    link: &Link,
    live: &Live,
    queue: &str,
    prefetch: u16,
) -> Result<(Arc<Window>, lapin::Consumer), Error> {
    const DOING: &str = "subscribing";
    let known = link.core.known(queue);
    declare::apply_on(link, live, &known).await?;
    let name = wire::short(DOING, queue)?;
    let subscribing = async {
        let channel = live.connection.create_channel().await?;
        channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
        let options = BasicConsumeOptions::default();
        let stream = channel.basic_consume(name, "".into(), options, FieldTable::default()).await?;
        Ok((channel, stream))
    };
    let (channel, stream) =
        subscribing.await.map_err(|error: lapin::Error| wire::error(DOING, queue, &error))?;
    let window = Window { channel, alive: AtomicBool::new(true), outstanding: Mutex::default() };
    Ok((Arc::new(window), stream))
}

/// Hands deliveries on until the subscription ends.
async fn pump(stream: lapin::Consumer, window: &Arc<Window>, sender: &mpsc::Sender<Vec<Delivery>>) {
    let mut stream = stream.ready_chunks(HANDFUL);
    while let Some(came) = stream.next().await {
        let many = came.len();
        let came: Vec<_> = came.into_iter().map_while(Result::ok).collect();
        let is_over = came.len() < many;
        window.outstanding.lock().await.extend(came.iter().map(|from| from.delivery_tag));
        let deliveries = came.into_iter().map(|from| Delivery {
            message: wire::message(&from.properties, from.data),
            redelivered: from.redelivered,
            held: delivery::Held::Amqp(Held { window: Arc::clone(window), tag: from.delivery_tag }),
        });
        if sender.send(deliveries.collect()).await.is_err() || is_over {
            return;
        }
    }
}

//! B1: consume no-op tasks in one process, against a Celery worker and the bare client library.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use berth_broker::celery::task::decode;
use berth_broker::{Delivery, ack_many};
use berth_broker_config::Address;
use berth_broker_config::arguments::QueueKind;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::stage::{Stage, System, kind_of};
use crate::figure::Effort;
use crate::pairs::{Series, in_turn};
use crate::partners::celery::{Celery, Place, Pool, Tuning};
use crate::row::{Goal, Row, Side};

/// Un-acked messages of our consumer at most, as in the limit's loop.
const PREFETCH: u16 = 1000;
/// Messages that we read at a time.
const READ_AT_ONCE: usize = 100;

/// Who consumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Contestant {
    Ours,
    Limit,
    Celery(Pool, Tuning),
}

use Contestant::{Limit, Ours};

const ALL: [Contestant; 6] = [
    Ours,
    Limit,
    Contestant::Celery(Pool::Prefork, Tuning::Shipped),
    Contestant::Celery(Pool::Prefork, Tuning::Best),
    Contestant::Celery(Pool::Threads, Tuning::Shipped),
    Contestant::Celery(Pool::Threads, Tuning::Best),
];

/// Measures on one broker.
///
/// # Errors
/// If a contestant fails.
pub async fn measure(system: System, effort: Effort, celery: &Celery) -> Result<Vec<Row>> {
    let mut stage = Stage::start(system).await?;
    let mut series = Series::default();
    for round in 0..effort.pairs {
        for contestant in in_turn(round, &ALL) {
            let rate = turn(&mut stage, contestant, effort, celery)
                .await
                .with_context(|| format!("{contestant:?} on {}", system.as_str()))?;
            eprintln!("B1 {} round {}: {contestant:?} {rate:.0}/s", system.as_str(), round + 1);
            series.push(contestant, rate);
        }
    }
    let goal = match system {
        System::RabbitMq => 15.0,
        System::Redis => 50.0,
    };
    let row = |contestant: Contestant| {
        let (name, goal) = match contestant {
            Contestant::Celery(pool, tuning) => {
                (format!("Celery {} {}", format!("{pool:?}").to_lowercase(), tuning.as_str()), goal)
            }
            Ours | Limit => ("bare client library".to_owned(), 0.8),
        };
        Row {
            figure: "B1".to_owned(),
            work: format!("consume no-op tasks, {}", system.as_str()),
            unit: "/s",
            ours: Side::new("berth", series.of(&Ours)),
            partner: Some(Side::new(name, series.of(&contestant))),
            goal: Some(Goal::AtLeast(goal)),
        }
    };
    Ok(ALL.into_iter().filter(|contestant| *contestant != Ours).map(row).collect())
}

async fn turn(stage: &mut Stage, contestant: Contestant, effort: Effort, celery: &Celery) -> Result<f64> {
    let (kind, count) = match contestant {
        Ours | Limit => (QueueKind::Quorum, effort.of(100_000)),
        Contestant::Celery(_, tuning) => (kind_of(tuning), effort.of(7_500)),
    };
    let place = stage.queue(kind).await?;
    stage.fill(&place, count).await?;
    let rate = match contestant {
        Ours => ours(stage, &place, count).await?,
        Limit => stage.bare_consume(&place, count).await?,
        Contestant::Celery(pool, tuning) => {
            let mut worker = celery.worker(&place, pool, tuning);
            let drained = drained(stage, &place, count as u64).await;
            let rate = drained.with_context(|| worker.log());
            worker.alive()?;
            worker.stop();
            rate?
        }
    };
    if !matches!(contestant, Contestant::Celery(..)) {
        // A worker gives back what it has not begun when it is stopped.
        let left = stage.ready(&place).await?;
        ensure!(left == 0, "{left} messages are left");
    }
    stage.clear(&place).await?;
    Ok(rate)
}

/// Consumes as an agent does: a task of its own reads, and another acks what it is done with.
async fn ours(stage: &Stage, place: &Place, count: usize) -> Result<f64> {
    let began = Instant::now();
    let mut consumer = stage.broker.consume(&Address::foreign(&place.queue), PREFETCH).await;
    let (done, mut to_ack) = mpsc::unbounded_channel::<Delivery>();
    let mut working = JoinSet::new();
    working.spawn(async move {
        let mut batch = Vec::new();
        while to_ack.recv_many(&mut batch, PREFETCH.into()).await > 0 {
            ack_many(std::mem::take(&mut batch)).await?;
        }
        anyhow::Ok(None)
    });
    working.spawn(async move {
        let mut got = 0;
        while got < count {
            let batch = consumer.next_batch(READ_AT_ONCE).await;
            ensure!(!batch.is_empty(), "the consumer ended");
            got += batch.len();
            for delivery in batch {
                let task = decode(&delivery.message)?;
                ensure!(task.name == "bench.noop", "another task came: {}", task.name);
                done.send(delivery)?;
            }
        }
        // What it has not acked yet is given back when it goes.
        Ok(Some(consumer))
    });
    let mut kept = None;
    while let Some(done) = working.join_next().await {
        kept = done??.or(kept);
    }
    let rate = count as f64 / began.elapsed().as_secs_f64();
    drop(kept);
    Ok(rate)
}

/// Watches a worker empty the queue; its rate from the first tenth on, so without its start.
///
/// What the worker holds un-acked is about the same at both ends and cancels out.
async fn drained(stage: &Stage, place: &Place, count: u64) -> Result<f64> {
    let limit = Instant::now() + Duration::from_secs(120);
    let mut began = None;
    loop {
        let (left, now) = (stage.ready(place).await?, Instant::now());
        match began {
            None if left * 10 <= count * 9 => began = Some((left, now)),
            Some((first, since)) if left == 0 => {
                return Ok(first as f64 / now.duration_since(since).as_secs_f64());
            }
            _ => ensure!(now < limit, "{left} of {count} messages are left after two minutes"),
        }
        sleep(Duration::from_millis(5)).await;
    }
}

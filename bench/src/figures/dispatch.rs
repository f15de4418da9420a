//! B8: dispatch from a backlog of a million waiting runs, against the same at ten thousand, on PostgreSQL.
//!
//! A dispatched run was admitted by a committed transaction and its offer was confirmed by the broker: what the
//! scheduler's dispatch loop does, with the same store, the same decisions and the same batches.

use anyhow::{Context, Result, ensure};
use berth_broker::{Broker, Publish, offer};
use berth_broker_config::arguments::QueueKind;
use berth_broker_config::{Names, build};
use berth_domain::scheduling::admit;
use berth_domain::time::Clock;
use berth_store::{AdmissionOptions, Admitted, OfferedRun};
use berth_test_servers::{Postgres, RabbitMq};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::backlog::{AGENT, Backlog, OWNER};
use super::stage::patient;
use crate::figure::Effort;
use crate::pairs::{Series, in_turn};
use crate::row::{Goal, Row, Side};

/// Runs that one transaction admits, and those of one lane, as the scheduler's own.
const BATCH: usize = 500;
const HEADS: u32 = 256;
/// Waiting runs of the shallow backlog.
const SHALLOW: usize = 10_000;
/// Runs dispatched in a round.
const ROUND: usize = 4_000;

/// How deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Contestant {
    Deep,
    Shallow,
}

use Contestant::{Deep, Shallow};

/// Fills two databases of one server, and dispatches from them in turn.
///
/// # Errors
/// If a database or the broker can't be used.
pub async fn measure(effort: Effort) -> Result<Vec<Row>> {
    let deep_size = effort.of(1_000_000);
    let (postgres, rabbitmq) = (Postgres::start(), RabbitMq::start());
    let broker = Broker::connect(patient(&rabbitmq.url())?)?;
    let limit = std::time::Duration::from_secs(30);
    ensure!(broker.connected(limit).await, "our connection to the broker doesn't come up");
    let clock = Clock::system();
    let mut deep = Backlog::open(&postgres.create_database("deep"), clock.clone()).await?;
    let mut shallow = Backlog::open(&postgres.create_database("shallow"), clock).await?;
    broker.apply(&build::agent(&Names::default(), AGENT, deep.queues(), QueueKind::Quorum)).await?;
    let began = Instant::now();
    deep.fill(deep_size).await.context("filling the deep backlog")?;
    eprintln!("B8: {deep_size} runs are waiting after {} s", began.elapsed().as_secs());
    let mut series = Series::default();
    // The first round of each warms caches and connections up and isn't counted.
    for round in 0..=effort.pairs {
        for contestant in in_turn(round, &[Deep, Shallow]) {
            let (backlog, size) = match contestant {
                Deep => (&mut deep, deep_size),
                Shallow => (&mut shallow, SHALLOW),
            };
            backlog.fill(size).await?;
            let rate = dispatch(backlog, &broker, effort.of(ROUND)).await?;
            backlog.end_started().await?;
            for queue in backlog.queues() {
                broker.purge(&Names::default().offers(AGENT, queue)).await?;
            }
            if round > 0 {
                eprintln!("B8 round {round}: {contestant:?} {rate:.0}/s");
                series.push(contestant, rate);
            }
        }
    }
    broker.close().await;
    Ok(vec![Row {
        figure: "B8".to_owned(),
        work: format!("dispatch, {deep_size} waiting, PostgreSQL and RabbitMQ"),
        unit: "/s",
        ours: Side::new("berth", series.of(&Deep)),
        partner: Some(Side::new(format!("itself, {SHALLOW} waiting"), series.of(&Shallow))),
        goal: Some(Goal::AtLeast(0.9)),
    }])
}

async fn dispatch(backlog: &mut Backlog, broker: &Broker, count: usize) -> Result<f64> {
    backlog.grant_lease().await?;
    let began = Instant::now();
    let mut done = 0;
    while done < count {
        let options = AdmissionOptions { heads: HEADS, ..AdmissionOptions::default() };
        let now = backlog.clock.now();
        let round = backlog.store.with_admission(OWNER, now, options, |snapshot| admit(snapshot, BATCH));
        let Admitted::Runs(runs) = round.await? else { continue };
        ensure!(!runs.is_empty(), "nothing more is admitted after {done} of {count} runs");
        done += runs.len();
        backlog.started.extend(runs.iter().map(|run| run.id));
        broker.publish(runs.into_iter().map(publish).collect::<Result<_>>()?).await?;
    }
    Ok(done as f64 / began.elapsed().as_secs_f64())
}

fn publish(run: OfferedRun) -> Result<Publish> {
    let to = Names::default().offers(&run.agent, &run.queue);
    let operation = RawValue::from_string(run.content.unwrap_or_else(|| "{}".to_owned()))?;
    let offer = offer::Offer {
        run: run.id.uuid(),
        attempt: run.attempt,
        agent: run.agent,
        queue: run.queue,
        owner: run.owner,
        project: run.project,
        name: run.name,
        operation,
        spec_hash: run.spec_hash.unwrap_or_default(),
        hard_limit: None,
        soft_limit: None,
        eta: None,
        expires: None,
        root_id: None,
        parent_id: None,
        needs: Vec::new(),
        trace: None,
    };
    Ok(Publish { to, message: offer::encode(&offer) })
}

//! B2: publish durable messages with confirms, against a Celery producer and the bare client library.

use anyhow::{Context, Result};
use berth_broker_config::arguments::QueueKind;
use tokio::time::Instant;

use super::stage::{Stage, System, kind_of};
use super::tasks;
use crate::figure::Effort;
use crate::pairs::{Series, in_turn};
use crate::partners::celery::{Celery, Tuning};
use crate::row::{Goal, Row, Side};

/// Who publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Contestant {
    Ours,
    Limit,
    Celery(Tuning),
}

use Contestant::{Limit, Ours};

const ALL: [Contestant; 4] =
    [Ours, Limit, Contestant::Celery(Tuning::Shipped), Contestant::Celery(Tuning::Best)];

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
            eprintln!("B2 {} round {}: {contestant:?} {rate:.0}/s", system.as_str(), round + 1);
            series.push(contestant, rate);
        }
    }
    let goal = match system {
        System::RabbitMq => 20.0,
        System::Redis => 50.0,
    };
    let row = |contestant: Contestant| {
        let (name, goal) = match contestant {
            Contestant::Celery(tuning) => (format!("Celery producer {}", tuning.as_str()), goal),
            Ours | Limit => ("bare client library".to_owned(), 0.8),
        };
        Row {
            figure: "B2".to_owned(),
            work: format!("publish with confirms, {}", system.as_str()),
            unit: "/s",
            ours: Side::new("berth", series.of(&Ours)),
            partner: Some(Side::new(name, series.of(&contestant))),
            goal: Some(Goal::AtLeast(goal)),
        }
    };
    Ok(ALL.into_iter().filter(|contestant| *contestant != Ours).map(row).collect())
}

async fn turn(stage: &mut Stage, contestant: Contestant, effort: Effort, celery: &Celery) -> Result<f64> {
    let kind = match contestant {
        Ours | Limit => QueueKind::Quorum,
        Contestant::Celery(tuning) => kind_of(tuning),
    };
    let place = stage.queue(kind).await?;
    let rate = match contestant {
        Ours => {
            let count = effort.of(50_000);
            let began = Instant::now();
            stage.publish(&place, count).await?;
            count as f64 / began.elapsed().as_secs_f64()
        }
        Limit => stage.bare_publish(&place, effort.of(50_000)).await?,
        Contestant::Celery(tuning) => {
            celery.publish(&place, effort.of(3_000), tasks::payload().len(), tuning).await?
        }
    };
    stage.clear(&place).await?;
    Ok(rate)
}

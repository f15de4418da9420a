//! The proof: what the store, the broker, the journals and the processes say after everything was broken.

mod history;
mod leftovers;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use berth_broker::{Broker, Settings};
use berth_broker_config::Names;
use berth_integration_tests::Installation;
use berth_store::Store;
use tokio::time::{Instant, sleep};

use crate::load::{Accepted, Journals, NARROW_LIMIT, QUEUE_LIMIT};
use history::History;

/// The backlog must be gone so soon after the last fault.
const DRAINED_WITHIN: Duration = Duration::from_secs(60);
/// What takes longer is waited for all the same, so that the other checks say something.
const PATIENCE: Duration = Duration::from_secs(300);
/// How many violations are shown of each check.
const SHOWN: usize = 5;

/// Something that must not have happened, and how often it did.
#[derive(Debug)]
pub(crate) struct Check {
    /// What.
    pub(crate) name: &'static str,
    /// How often.
    pub(crate) found: usize,
    /// Some of it, for people.
    pub(crate) examples: Vec<String>,
}

impl Check {
    fn new(name: &'static str, violations: Vec<String>) -> Self {
        Self { name, found: violations.len(), examples: violations.into_iter().take(SHOWN).collect() }
    }

    /// Whether it never happened.
    pub(crate) fn holds(&self) -> bool {
        self.found == 0
    }
}

/// Waits until everything has ended, then looks everywhere.
///
/// # Errors
/// If the store or the broker can't be asked.
pub(crate) async fn prove(
    installation: &Installation,
    journals: &Journals,
    accepted: &[Accepted],
    last_fault: Instant,
) -> anyhow::Result<Vec<Check>> {
    let postgres = installation.postgres.as_ref().context("the installation has no database")?;
    let store = Store::connect(&postgres.url(), berth_store::Options::default()).await?;
    let late = drained(installation, &store, last_fault).await?;
    let runs = history::read(&store).await?;
    store.close().await;
    let left = leftovers::wait_until_none(installation, Duration::from_secs(15)).await;

    let by_id: BTreeMap<&str, &History> = runs.iter().map(|run| (run.id.as_str(), run)).collect();
    let (mut lost, mut forgotten, mut otherwise) = (Vec::new(), Vec::new(), Vec::new());
    for accepted in accepted {
        match by_id.get(accepted.run.as_str()) {
            None => lost.push(accepted.run.clone()),
            Some(run) if !run.is_final() => lost.push(run.shown()),
            Some(run) if run.status != accepted.kind.end() => {
                // It ran to its end, or was refused one.
                let list = if run.status == "failed" { &mut otherwise } else { &mut forgotten };
                list.push(format!("{:?} {}", accepted.kind, run.shown()));
            }
            Some(run) if accepted.kind.attempts().is_some_and(|attempts| run.attempts != attempts) => {
                otherwise.push(format!("{:?} {}", accepted.kind, run.shown()));
            }
            Some(_) => {}
        }
    }
    let all = [&journals.whole, &journals.narrow, &journals.stopped];
    for end in all.iter().flat_map(|journal| journal.ends()) {
        let run = end.split(' ').next().unwrap_or_default();
        if by_id.get(run).is_none_or(|run| !run.is_final()) {
            forgotten.push(end);
        }
    }
    let mut above = Vec::new();
    for (name, journal, limit) in
        [("the queue", &journals.whole, QUEUE_LIMIT), ("the project", &journals.narrow, NARROW_LIMIT)]
    {
        let peak = journal.peak();
        if peak > limit {
            above.push(format!("{peak} ran at a time, and {name} allows {limit}"));
        }
    }
    Ok(vec![
        Check::new("accepted runs lost", lost),
        Check::new("runs ended twice", runs.iter().filter(|run| run.ends > 1).map(History::shown).collect()),
        Check::new(
            "attempts executed twice",
            all.iter().flat_map(|journal| journal.started_twice()).collect(),
        ),
        Check::new("ends forgotten", forgotten),
        Check::new("runs ended otherwise than they ran", otherwise),
        Check::new("limits exceeded", above),
        Check::new("process groups left over", left),
        Check::new("backlog or offers left 60 s after the last fault", late),
    ])
}

/// Waits until no run waits or runs and no offer is on the broker; says what was still there after the time allowed.
async fn drained(
    installation: &Installation,
    store: &Store,
    last_fault: Instant,
) -> anyhow::Result<Vec<String>> {
    let url = installation.broker.url_through(installation.broker.port());
    let broker = Broker::connect(Settings::new(&url)?)?;
    let offers = Names::default().offers("local", "default");
    let mut late = Vec::new();
    loop {
        let alive = history::alive(store).await?;
        let depth = broker.depth(&offers).await.map_or(0, |depth| depth.ready + depth.unacked.unwrap_or(0));
        if alive == 0 && depth == 0 {
            break;
        }
        let waited = last_fault.elapsed();
        if waited > DRAINED_WITHIN && late.is_empty() {
            late.push(format!("{alive} runs, {depth} offers"));
        }
        if waited > PATIENCE {
            break;
        }
        sleep(Duration::from_millis(500)).await;
    }
    crate::report::say(&format!("drained {} s after the last fault", last_fault.elapsed().as_secs()));
    broker.close().await;
    Ok(late)
}

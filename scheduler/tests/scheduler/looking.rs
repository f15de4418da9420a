//! What schedulers write down for people: the history of queues, and what is wrong.

use std::time::Duration;

use berth_domain::history::Range;
use berth_telemetry::metrics::exposition;

use super::replica::Replica;
use super::world::{AGENT, OWNER, World};

/// Twice what lies between two measurements that are written down.
const PATIENCE: Duration = Duration::from_secs(60);

impl World {
    /// Waits until one of the schedulers shows a line that begins like this, or none does.
    async fn shows(&self, line: &str, is_there: bool) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let texts: Vec<String> =
                self.registries.iter().map(|registry| exposition(registry).unwrap()).collect();
            let found = texts.iter().any(|text| text.lines().any(|shown| shown.starts_with(line)));
            if found == is_there {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "{line} {is_there} in\n{}", texts.join("\n"));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_that_nobody_serves_is_written_down_and_warned_of_until_somebody_does() {
    let mut world = World::new().await;
    world.submit().await;
    let queue = world.store.queue(OWNER, AGENT, "default").await.unwrap().id;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let points = world.store.queue_history(queue, Range::Hour, world.clock.now()).await.unwrap();
        if points.iter().any(|point| point.gauges.backlog == 1 && point.counts.submitted == 1) {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{points:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.clock.advance(Duration::from_secs(61));
    let warning = "berth_warning{agent=\"local\",queue=\"default\",severity=\"critical\",warning=\"BacklogWithoutConsumers\"} 1";
    // A scheduler that begins looks at once.
    world.start_scheduler();
    world.shows(warning, true).await;
    let mut agent = Replica::join(&world, AGENT, "r1").await;
    agent.lease().await;
    world.shows(warning, false).await;
    world.close().await;
}

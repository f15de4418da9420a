//! B12: how long `berth up` takes until it is ready, and what it takes when it idles.

use std::time::Duration;

use anyhow::{Context, Result};
use berth_test_servers::port;
use tokio::time::{Instant, sleep};

use super::idle::memory_row;
use crate::figure::Effort;
use crate::ours::program::Program;
use crate::ours::roles::ready;
use crate::row::{Goal, Row, Side};

/// How long after its start memory is looked at.
const SETTLE: Duration = Duration::from_secs(10);
/// How often it is started.
const STARTS: usize = 10;

/// Starts it on an empty data folder each time, from the fork to the first 200 of `/readyz`.
///
/// # Errors
/// If it doesn't get ready.
pub async fn measure(effort: Effort, program: &Program) -> Result<Vec<Row>> {
    let mut starts = Vec::new();
    let mut resident = Vec::new();
    let wanted = if effort.quick { 3 } else { STARTS };
    for start in 0..wanted {
        let port = port::free();
        let listen = format!("127.0.0.1:{port}");
        let arguments = ["--listen", &listen, "--data-dir", "{dir}/data"].map(str::to_owned);
        let began = Instant::now();
        let mut group = program.start("up", &arguments);
        ready(&mut group, port).await.context("berth up")?;
        let took = began.elapsed();
        eprintln!("B12 start {}: {} ms", start + 1, took.as_millis());
        starts.push(took.as_secs_f64() * 1000.0);
        if start + 1 == wanted {
            sleep(SETTLE).await;
            group.alive()?;
            resident.push(group.resident_mib());
        }
        group.stop();
    }
    let start = Row {
        figure: "B12".to_owned(),
        work: "berth up, from start to ready, empty data folder".to_owned(),
        unit: "ms",
        ours: Side::new("berth up", starts),
        partner: None,
        goal: Some(Goal::AtMost(1000.0)),
    };
    let resident = resident.first().copied().context("memory was not looked at")?;
    let memory =
        memory_row("idle memory, up, 10 s after its start".to_owned(), resident, None, Goal::AtMost(64.0));
    Ok(vec![start, memory])
}

//! `cargo xtask simulate`: replays a trace of submissions on a virtual clock, through the functions of
//! `domain::scheduling` that admit and through other rules, and tells how long who waited. Files are read and written
//! here; below, nothing is.

pub mod arguments;
pub mod chart;
pub mod cluster;
pub mod ordered;
pub mod ours;
pub mod polyaxon;
pub mod random;
pub mod replay;
pub mod report;
pub mod shapes;
pub mod trace;

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, ensure};

use arguments::{Asked, Source};
use report::Report;
use trace::Trace;

/// Does what the arguments ask for, and gives the report.
///
/// # Errors
/// Wrong arguments, a trace that can't be read or in which nothing fits the cluster, a chart that can't be written.
pub fn run(arguments: impl IntoIterator<Item = String>) -> anyhow::Result<String> {
    let Asked { source, mut cluster, rules, chart } = Asked::read(arguments)?;
    let (trace, what) = match source {
        Source::File(path) => {
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (Trace::read(&text).with_context(|| path.display().to_string())?, name)
        }
        Source::Shape { shape, runs, seed } => {
            (shape.trace(runs, seed), format!("the shape of {}, seed {seed}", shape.as_str()))
        }
    };
    for queue in &cluster.queues {
        let is_used = trace.runs().iter().any(|run| run.queue == queue.name);
        ensure!(is_used, "--queue {}: no run of the trace waits there", queue.name);
    }
    cluster.add_queues_of(&trace);
    let (trace, too_large) = trace.split(|run| cluster.could_hold(run));
    ensure!(
        !trace.runs().is_empty(),
        "every run asks for more than there is ({})",
        report::amounts(&cluster)
    );

    let outcomes: Vec<_> = rules.into_iter().map(|rule| replay::replay(&trace, &cluster, rule)).collect();
    let mut text = format!("{} runs of {what}, on {}\n", trace.runs().len(), report::amounts(&cluster));
    if !too_large.runs().is_empty() {
        writeln!(text, "{} runs ask for more than there is, and are left out", too_large.runs().len())?;
    }
    write!(text, "\n{}", Report::new(&trace, &cluster, &outcomes))?;
    if let Some(path) = chart {
        fs::write(&path, chart::draw(&trace, &outcomes))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(text)
}

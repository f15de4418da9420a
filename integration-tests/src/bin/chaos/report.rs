//! What people and programs get to read: lines on the way, a table and a JSON file at the end.

use std::io::Write as _;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::round::Round;

/// Says something on the way.
pub(crate) fn say(text: &str) {
    eprintln!("chaos: {text}");
}

/// Prints the table, and writes the JSON.
///
/// # Errors
/// If one of them can't be written.
pub(crate) fn write(seed: u64, rounds: &[Round], arguments: &Arguments) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for round in rounds {
        let faults: u64 = round.faults.values().sum();
        writeln!(
            out,
            "\n{}: {} runs accepted, {faults} faults in {} s",
            round.broker,
            round.accepted,
            round.duration.as_secs()
        )?;
        for (name, times) in &round.faults {
            writeln!(out, "  {name:<50} {times:>6}")?;
        }
        for check in &round.checks {
            let verdict = if check.holds() { "holds" } else { "VIOLATED" };
            writeln!(out, "  {:<50} {:>6}  {verdict}", check.name, check.found)?;
            for example in &check.examples {
                writeln!(out, "      {example}")?;
            }
        }
    }
    writeln!(out, "\nseed {seed}; to repeat it: make chaos SEED={seed}")?;
    let rounds: Vec<Value> = rounds.iter().map(of_round).collect();
    let text = format!("{:#}\n", json!({"seed": seed, "rate": arguments.rate, "rounds": rounds}));
    let path = &arguments.json;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    }
    std::fs::write(path, text).with_context(|| format!("can't write {}", path.display()))
}

fn of_round(round: &Round) -> Value {
    let checks: Vec<Value> = round
        .checks
        .iter()
        .map(|check| json!({"check": check.name, "found": check.found, "examples": check.examples}))
        .collect();
    json!({
        "broker": round.broker,
        "seconds": round.duration.as_secs(),
        "accepted": round.accepted,
        "faults": round.faults,
        "checks": checks,
    })
}

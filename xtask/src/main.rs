//! The command line of `cargo xtask`. What the tasks do lives in the library.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;

/// Before the tests that failed, each with what it said; `scripts/test.sh` ends with them.
const FAILURES: &str = "what failed:";

fn main() -> anyhow::Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let mut out = std::io::stdout().lock();
    match std::env::args().nth(1).as_deref() {
        Some("tidy") => {
            let findings = xtask::tidy::check(root)?;
            for finding in &findings {
                writeln!(out, "{finding}")?;
            }
            if findings.is_empty() {
                writeln!(out, "tidy: nothing to complain about")?;
                return Ok(ExitCode::SUCCESS);
            }
            writeln!(out, "tidy: {} findings", findings.len())?;
            Ok(ExitCode::FAILURE)
        }
        Some("book") => {
            let folder = std::env::args_os().nth(2).context("usage: cargo xtask book FOLDER")?;
            xtask::book::write(root, Path::new(&folder))?;
            Ok(ExitCode::SUCCESS)
        }
        Some("image") => {
            for line in xtask::image::make(root, std::env::args().skip(2))? {
                writeln!(out, "image: {line}")?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Some("simulate") => {
            out.write_all(xtask::simulate::run(std::env::args().skip(2))?.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Some("test") => {
            drop(out);
            let tally = xtask::programs::run(root)?;
            let mut out = std::io::stdout().lock();
            if !tally.unrun.is_empty() {
                writeln!(out, "\nfor want of what they need, some tests were only named:")?;
                for unrun in &tally.unrun {
                    writeln!(out, "{unrun}")?;
                }
            }
            if !tally.failures.is_empty() {
                writeln!(out, "\n{FAILURES}")?;
                for failure in &tally.failures {
                    writeln!(out, "{failure}")?;
                }
            }
            writeln!(out, "\n{} passed, {} failed", tally.passed, tally.failed)?;
            Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        other => {
            writeln!(
                out,
                "usage: cargo xtask tidy|book|image|simulate|test (found: {})",
                other.unwrap_or("nothing")
            )?;
            Ok(ExitCode::from(2))
        }
    }
}

//! The command line of `cargo xtask`. What the tasks do lives in the library.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

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
        Some("image") => {
            for line in xtask::image::make(root, std::env::args().skip(2))? {
                writeln!(out, "image: {line}")?;
            }
            Ok(ExitCode::SUCCESS)
        }
        other => {
            writeln!(out, "usage: cargo xtask tidy|image (found: {})", other.unwrap_or("nothing"))?;
            Ok(ExitCode::from(2))
        }
    }
}

//! The program `berth-bench`. Wires only: what is measured is in the library.

use std::io::Write;
use std::process::ExitCode;

use berth_bench::{arguments::Arguments, run, table};
use clap::Parser;

/// As in `berth`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run::run(&arguments).await {
        Ok((report, file)) => {
            let text = format!("{}\n{}\n", table::render(&report), file.display());
            if let Err(error) = std::io::stdout().lock().write_all(text.as_bytes()) {
                eprintln!("berth-bench: can't write the table: {error}");
                return ExitCode::FAILURE;
            }
            if report.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("berth-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

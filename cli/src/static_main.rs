//! The binary `berth` once more, for the image: the same program, under a name by which it is linked by itself.

use std::process::ExitCode;

#[path = "main.rs"]
mod program;

fn main() -> ExitCode {
    program::main()
}

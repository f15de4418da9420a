//! Writes what each fuzz target begins with: `seeds OUT`, in a folder for each target.

use std::path::Path;

use anyhow::Context as _;
// Not fuzzed, but built with the same flags: what they refer to is in there.
use libfuzzer_sys as _;

fn main() -> anyhow::Result<()> {
    let out = std::env::args_os().nth(1).context("usage: seeds OUT")?;
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the crate is at the root of a disk")?;
    berth_fuzz::seeds::write(root, Path::new(&out))
}

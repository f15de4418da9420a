//! What an agent promises, tried with real processes under real supervisors, and a scheduler that follows a script.
//! The supervisor is this test program itself, started again as [`play_the_supervisor`].

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test says what is wrong by breaking")]

#[path = "agent/archive.rs"]
mod archive;
#[path = "agent/conformance.rs"]
mod conformance;
#[path = "agent/left.rs"]
mod left;
#[path = "agent/process.rs"]
mod process;
#[path = "agent/replica.rs"]
mod replica;
#[path = "agent/rig.rs"]
mod rig;
#[path = "agent/script.rs"]
mod script;

/// The supervisor, when the last argument is an attempt's folder; otherwise nothing.
#[test]
fn play_the_supervisor() {
    let dir = std::env::args().next_back().unwrap_or_default();
    if dir.starts_with('/') && std::path::Path::new(&dir).join("spec.json").exists() {
        berth_agent::shim::main(std::path::Path::new(&dir));
        std::process::exit(0);
    }
}

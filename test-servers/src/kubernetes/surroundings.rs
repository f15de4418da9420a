//! What the surroundings say about the machine: which cluster to use, whether a real node is wanted, whether this
//! is CI. The only place of this crate that reads the environment.

use std::io::Write as _;

/// The kubeconfig of the cluster that `BERTH_TEST_KUBECONFIG` names, as text.
///
/// # Panics
/// If the variable is set and the file can't be read.
pub(super) fn given_kubeconfig() -> Option<String> {
    let path = variable("BERTH_TEST_KUBECONFIG")?;
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("BERTH_TEST_KUBECONFIG={path} can't be read: {error}"));
    Some(text)
}

/// How often a test that takes long does what it does: what `BERTH_TEST_ROUNDS` says, as `make chaos` does, or once.
///
/// # Panics
/// If it is no number.
pub fn rounds() -> usize {
    crate::effort("BERTH_TEST_ROUNDS", 1)
}

/// Says on the terminal, past the test harness, that the running test was not run; fails it in CI.
///
/// # Panics
/// If `CI` is set: there everything has to run.
pub(super) fn not_run(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    assert!(variable("CI").is_none(), "`{test}` can't run: {why}");
    // Not `eprintln`: the harness keeps to itself what a passing test prints.
    if let Err(error) = writeln!(std::io::stderr(), "NOT RUN: {test}: {why}") {
        eprintln!("can't write to the terminal: {error}");
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are told by their surroundings what they may use")]
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

//! The Python environment with the stock clients, made by the project's set-up.

use std::path::PathBuf;

/// A program of the environment that `BERTH_TEST_VENV` names.
///
/// # Panics
/// If the environment or the program is missing: `make test` sets it up and names it.
pub fn stock(program: &str) -> PathBuf {
    let Some(environment) = std::env::var_os("BERTH_TEST_VENV") else {
        panic!("BERTH_TEST_VENV is not set: `make test` sets up the stock clients and names their folder in it");
    };
    let path = PathBuf::from(environment).join("bin").join(program);
    assert!(path.exists(), "{} is missing: `make test` sets it up", path.display());
    path
}

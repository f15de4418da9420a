//! The Python environment with the stock clients, made by the project's set-up.

use std::path::PathBuf;

/// A program of the environment whose `python` is named by `BERTH_PYTHON`.
///
/// # Panics
/// If the environment or the program is missing: `make test` sets it up and names it.
pub fn stock(program: &str) -> PathBuf {
    of_environment("BERTH_PYTHON", program)
}

/// The same of the environment that has Celery 5.4, named by `BERTH_PYTHON_CELERY54`.
///
/// # Panics
/// If the environment or the program is missing.
pub fn stock_celery54(program: &str) -> PathBuf {
    of_environment("BERTH_PYTHON_CELERY54", program)
}

#[expect(clippy::disallowed_methods, reason = "tests are told by the set-up where its programs are")]
fn of_environment(variable: &str, program: &str) -> PathBuf {
    let Ok(python) = std::env::var(variable) else {
        panic!("{variable} is not set: `make test` sets up the stock clients and names their python in it");
    };
    let path = PathBuf::from(python).with_file_name(program);
    assert!(path.exists(), "{} is missing: `make test` sets it up", path.display());
    path
}

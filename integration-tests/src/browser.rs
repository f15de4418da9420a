//! What a person sees: a page in a headless Chromium, as its document and as a picture.

use std::path::Path;
use std::process::Command;

/// What starts it, and keeps it off the network: without these it looks up hosts of its maker.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// Opens a page, lets its scripts work for a while of its own time, and returns the document that they made; the
/// picture of it is written to `picture`. The browser's own files go into `folder`.
///
/// # Panics
/// If `chromium` is missing, or doesn't end within a minute.
#[must_use]
pub fn look(url: &str, folder: &Path, picture: &Path) -> String {
    let window = |action: String| {
        let mut command = Command::new("timeout");
        command.args(["60", "chromium"]).args(FLAGS).args(["--window-size=1400,900", &action, url]);
        command.arg(format!("--user-data-dir={}", folder.join("browser").display()));
        command.arg("--virtual-time-budget=8000").env("HOME", folder);
        let output = command.output().unwrap_or_else(|error| panic!("`timeout` can't be started: {error}"));
        let said = || String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "chromium failed (is it installed?) at {url}:\n{}", said());
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    window(format!("--screenshot={}", picture.display()));
    window("--dump-dom".to_owned())
}

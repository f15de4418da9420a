//! A full disk under SQLite refuses clearly, and is over when there is room again.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use berth_integration_tests::{Client, berth, shell};
use berth_test_servers::port;
use berth_test_servers::process::{Reaper, spawn_group, tail};
use serde_json::json;

/// `berth up` with its data on a small file system, in a mount namespace that ends with it.
fn up_on_a_small_disk(folder: &Path, listen: &str) -> (std::process::Child, PathBuf) {
    let disk = folder.join("disk");
    let script = "mkdir -p \"$1\" && mount -t tmpfs -o size=24m none \"$1\" && exec \"$2\" up --listen \"$3\" --data-dir \"$1/data\"";
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "up"])
        .args([disk.as_os_str(), berth().as_os_str(), listen.as_ref()])
        .env("XDG_CONFIG_HOME", folder.join("config"));
    let child = spawn_group(&mut command, &folder.join("up.log"));
    let inside = PathBuf::from(format!("/proc/{}/root{}", child.id(), disk.display()));
    (child, inside)
}

/// Fills what is left, to the last block.
fn fill(file: &Path) {
    let mut zeros = Command::new("dd");
    zeros.arg("if=/dev/zero").arg(format!("of={}", file.display())).arg("bs=4k");
    let output = zeros.output().unwrap_or_else(|error| panic!("dd can't be started: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("No space left"), "the disk did not fill up: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_clearly_and_recovers_when_there_is_room() {
    let temporary = tempfile::TempDir::new().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
    let folder = temporary.path();
    let listen = format!("127.0.0.1:{}", port::free());
    let mut reaper = Reaper::start(&folder.join("reaped"));
    let (child, disk) = up_on_a_small_disk(folder, &listen);
    reaper.watch(&[child.id()]);
    let client = Client::new(vec![format!("http://{listen}")], None);
    client.get("/readyz").await;
    let first = client.submit("default", &shell("true")).await;
    client.wait_for("default", &first, "succeeded", Duration::from_secs(60)).await;

    let filler = disk.join("filler");
    fill(&filler);
    let body = json!({"content": shell("true").to_string()});
    for _ in 0..5 {
        let (status, answer) = client.send("POST", "/api/v1/default/default/runs", Some(&body)).await;
        let detail = answer["detail"].as_str().unwrap_or_default();
        assert_eq!(status, 503, "{answer}\n{}", tail(&folder.join("up.log")));
        assert!(detail.contains("the disk is full"), "{answer}");
    }
    assert_eq!(client.status("default", &first).await, "succeeded", "what was accepted can still be read");

    std::fs::remove_file(&filler).unwrap_or_else(|error| panic!("{}: {error}", filler.display()));
    let second = client.submit("default", &shell("true")).await;
    client.wait_for("default", &second, "succeeded", Duration::from_secs(60)).await;
    drop(reaper);
}

//! The stock `polyaxon` command line, unmodified, against `berth up`: each command ends with 0 and shows what
//! a user expects.

#![expect(clippy::unwrap_used, reason = "tests panic where something is not as it should be")]

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use berth_integration_tests::{Backing, Installation, stock};

/// The stock command line, with a configuration of its own.
struct Polyaxon<'a> {
    home: &'a Path,
}

impl Polyaxon<'_> {
    fn output(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(stock("polyaxon"));
        command
            .args(arguments)
            .env("HOME", self.home)
            .env("POLYAXON_CONTEXT_ROOT", self.home)
            .env("POLYAXON_NO_OP", "0")
            .env("COLUMNS", "200")
            .current_dir(self.home);
        command.output().unwrap_or_else(|error| panic!("polyaxon can't be started: {error}"))
    }

    /// Runs a command that must end with 0; returns what it printed.
    fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "polyaxon {arguments:?}: {}\n{text}", output.status);
        text
    }
}

fn shows(text: &str, what: &str) {
    assert!(text.contains(what), "`{what}` is missing in:\n{text}");
}

/// The client's own way to the files and the metrics of a run.
const READER: &str = "
import json, sys
from polyaxon.client import RunClient
client = RunClient(owner='default', project='quick', run_uuid=sys.argv[1])
client.refresh_data()
tree = client.get_artifacts_tree('outputs')
print(json.dumps({
    'files': tree.files, 'dirs': tree.dirs,
    'text': client.get_artifact('outputs/notes.txt'),
    'metrics': client.get_metrics(['loss']),
}))
";

/// What a run left is read by the stock command line and the stock client.
fn left_files(polyaxon: &Polyaxon<'_>, store: &Path, host: &str, run: &str) {
    let own = store.join(run);
    for (path, text) in [
        ("outputs/notes.txt", "it went well"),
        ("outputs/deep/model.bin", "weights"),
        ("events/metric/loss.plx", "step|timestamp|metric\n0|2026-11-23T02:27:43+00:00|0.5\n"),
    ] {
        std::fs::create_dir_all(own.join(path).parent().unwrap()).unwrap();
        std::fs::write(own.join(path), text).unwrap();
    }
    let into = polyaxon.home.join("got");
    let to = into.display().to_string();
    polyaxon.run(&[
        "ops",
        "artifacts",
        "-p",
        "quick",
        "-uid",
        run,
        "-f",
        "outputs/notes.txt",
        "-d",
        "outputs/deep",
        "--path-to",
        &to,
    ]);
    let found = |name: &str| {
        let mut command = Command::new("grep");
        let output = command.args(["-rl", name]).arg(&into).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(found("it went well").contains("notes.txt") && found("weights").contains("model.bin"));
    let mut command = Command::new(stock("python"));
    command.args(["-c", READER, run]).env("HOME", polyaxon.home).env("POLYAXON_CONTEXT_ROOT", polyaxon.home);
    let output = command.env("POLYAXON_HOST", host).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let said: serde_json::Value = serde_json::from_str(text.lines().last().unwrap_or_default())
        .unwrap_or_else(|error| panic!("{error}: {text} {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(said["files"]["notes.txt"], 12);
    assert_eq!((&said["dirs"][0], &said["text"]), (&"deep".into(), &"it went well".into()));
    assert_eq!(said["metrics"]["loss"]["data"]["metric"][0], 0.5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stock_command_line_works_as_it_is() {
    let kept = tempfile::tempdir().unwrap();
    let settings = vec![("BERTH_ARTIFACTS_STORE", kept.path().display().to_string())];
    let installation = Installation::start_set(Backing::Embedded, settings).await;
    let home = installation.folder.join("home");
    std::fs::create_dir_all(&home).unwrap();
    let polyaxon = Polyaxon { home: &home };
    let hello = home.join("hello.yaml");
    std::fs::write(
        &hello,
        "kind: component\nname: hello\nrun:\n  kind: job\n  container:\n    image: busybox\n    command: [sh, -c]\n    args: [\"echo hello from a run; sleep 0.5; echo good-bye\"]\n",
    )
    .unwrap();
    let long = home.join("long.yaml");
    std::fs::write(
        &long,
        "kind: component\nname: long\nrun:\n  kind: job\n  container: {image: busybox, command: [sleep, \"1000\"]}\n",
    )
    .unwrap();
    let (hello, long) = (hello.display().to_string(), long.display().to_string());

    polyaxon.run(&["config", "set", "--host", installation.client.base()]);
    shows(&polyaxon.run(&["project", "create", "--name", "quick"]), "quick");
    shows(&polyaxon.run(&["project", "ls"]), "quick");
    shows(&polyaxon.run(&["project", "get", "-p", "quick"]), "quick");

    let logs = polyaxon.run(&["run", "-p", "quick", "-f", &hello, "-l"]);
    shows(&logs, "hello from a run");
    shows(&logs, "good-bye");
    shows(&polyaxon.run(&["run", "-p", "quick", "-f", &hello, "-w"]), "succeeded");
    installation.client.wait_for_all("quick", 2, "succeeded", Duration::from_secs(60)).await;

    let runs = installation.client.get("/api/v1/default/quick/runs?sort=created_at").await;
    let first = runs["results"][0]["uuid"].as_str().unwrap().to_owned();
    let of = |words: &[&'static str]| -> Vec<String> {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .chain(["-p", "quick", "-uid", &first].map(str::to_owned))
            .collect()
    };
    let run_of = |words: &[&'static str]| {
        let words = of(words);
        polyaxon.run(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    shows(&polyaxon.run(&["ops", "ls", "-p", "quick"]), "hello");
    shows(&run_of(&["ops", "get"]), "succeeded");
    shows(&run_of(&["ops", "statuses"]), "succeeded");
    shows(&run_of(&["ops", "logs"]), "hello from a run");
    left_files(&polyaxon, kept.path(), installation.client.base(), &first);
    run_of(&["ops", "restart"]);
    installation.client.wait_for_all("quick", 3, "succeeded", Duration::from_secs(60)).await;

    polyaxon.run(&["run", "-p", "quick", "-f", &long]);
    installation.client.wait_for_all("quick", 1, "running", Duration::from_secs(60)).await;
    let running = installation.client.get("/api/v1/default/quick/runs?query=status:running").await;
    let running = running["results"][0]["uuid"].as_str().unwrap().to_owned();
    polyaxon.run(&["ops", "stop", "-p", "quick", "-uid", &running, "-y"]);
    installation.client.wait_for("quick", &running, "stopped", Duration::from_secs(60)).await;
    polyaxon.run(&["ops", "delete", "-p", "quick", "-uid", &running, "-y"]);
    let (status, _) =
        installation.client.send("GET", &format!("/api/v1/default/quick/runs/{running}"), None).await;
    assert_eq!(status, 404);
}

//! The stock `polyaxon` command line, unmodified, against `berth up`: each command ends with 0 and shows what
//! a user expects.

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

#[tokio::test(flavor = "multi_thread")]
async fn the_stock_command_line_works_as_it_is() {
    let installation = Installation::start(Backing::Embedded).await;
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

//! `cargo xtask test`: every test program of the workspace, some side by side, where `cargo test` runs one after the
//! other. Most of the time of the longest is waiting: for servers, for kubelets, for leases to lapse.

#![expect(clippy::disallowed_types, reason = "there is no runtime here whose time could be paused")]

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::Value;

/// Those that run at a time, by how many of their tests do: as many as there are processors, where nothing is said. With one
/// fewer, processors are idle for a third of the time, for most tests wait for something; with one more, tests wait for each
/// other's servers.
const SIDE_BY_SIDE: [Option<usize>; 3] = [None, Some(1), Some(1)];
/// Where what a test said of its failure ends.
const BACKTRACE: &str = "stack backtrace:";
/// How much of it is said again at the end.
const SAID_LINES: usize = 8;
const SAID_CHARACTERS: usize = 400;
/// Those that take longest, and so begin first.
const LONGEST: [&str; 4] = [
    "berth-integration-tests end_to_end",
    "berth-integration-tests kubernetes",
    "berth-integration-tests chart",
    "berth-agent kubernetes",
];

/// A program that holds tests, as cargo built it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The package, and the program's name in it.
    pub name: String,
    /// The package's folder, in which its tests expect to run.
    pub folder: PathBuf,
    /// The file; none for the examples in the documentation, which cargo itself runs.
    pub file: Option<PathBuf>,
}

/// How tests ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed; a program that crashed is one more.
    pub failed: u64,
    /// What only said that it can't run here, and why.
    pub unrun: BTreeSet<String>,
    /// Each test that failed, and the first lines of what it said of it.
    pub failures: Vec<String>,
}

impl Tally {
    /// Counts what one program wrote, and whether it ended well.
    pub fn add(&mut self, output: &str, ended_well: bool) {
        let mut failed = 0;
        for line in output.lines() {
            if let Some(result) = line.strip_prefix("test result: ") {
                self.passed += number_before(result, " passed");
                failed += number_before(result, " failed");
            }
            if let Some(at) = line.find("NOT RUN: ") {
                self.unrun.insert(line[at..].to_owned());
            }
        }
        self.failures.extend(failures(output));
        // One that crashed has no line for the test that it was in.
        self.failed += if ended_well { failed } else { failed.max(1) };
    }
}

/// Of each test that failed: its name, where it panicked, and what it said there.
fn failures(output: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = output.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----")) else {
            continue;
        };
        let mut failure = name.to_owned();
        let is_next = |line: &&str| line.starts_with("---- ");
        while let Some(line) = lines.next_if(|line| !is_next(line)) {
            if line.starts_with("thread '") && line.contains("panicked at ") {
                let mut said = Some(line);
                for _ in 0..=SAID_LINES {
                    let Some(line) = said else { break };
                    failure.push_str("\n    ");
                    failure.extend(line.chars().take(SAID_CHARACTERS));
                    said = lines.next_if(|line| !is_next(line) && *line != BACKTRACE);
                }
                break;
            }
        }
        found.push(failure);
    }
    found
}

fn number_before(text: &str, word: &str) -> u64 {
    let digits = text.split_once(word).map_or("", |(before, _)| before);
    digits.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Builds all tests, runs them, and shows what each program wrote when it is over.
///
/// # Errors
/// Tests that don't build, a cargo that can't be started, a closed standard output.
pub fn run(root: &Path) -> anyhow::Result<Tally> {
    let built = Command::new("cargo")
        .args([
            "test",
            "--quiet",
            "--locked",
            "--workspace",
            "--no-run",
            "--message-format=json-render-diagnostics",
        ])
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .context("cargo can't be started")?;
    if !built.status.success() {
        bail!("the tests can't be built");
    }
    let mut programs = programs(&String::from_utf8_lossy(&built.stdout))?;
    programs.push(Program {
        name: "examples in the documentation".to_owned(),
        folder: root.to_owned(),
        file: None,
    });
    let waiting = Mutex::new(VecDeque::from(programs));
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        let lanes: Vec<_> = SIDE_BY_SIDE
            .iter()
            .map(|tests| {
                let (waiting, tally) = (&waiting, &tally);
                scope.spawn(move || -> anyhow::Result<()> {
                    loop {
                        // A statement of its own: the lock is held no longer than that.
                        let next = locked(waiting).pop_front();
                        let Some(program) = next else { return Ok(()) };
                        let began = Instant::now();
                        let output =
                            command(&program, *tests).output().with_context(|| program.name.clone())?;
                        let (text, well) = (text(&output), output.status.success());
                        // Held while it is shown, so that the texts of two don't mix.
                        let mut tally = locked(tally);
                        tally.add(&text, well);
                        show(&program, &text, &output, began.elapsed())?;
                    }
                })
            })
            .collect();
        lanes.into_iter().try_for_each(|lane| match lane.join() {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    Ok(tally.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// The test programs in cargo's messages, the longest first.
///
/// # Errors
/// A line that isn't JSON.
pub fn programs(messages: &str) -> anyhow::Result<Vec<Program>> {
    let mut found = Vec::new();
    for line in messages.lines() {
        let message: Value =
            serde_json::from_str(line).with_context(|| format!("not a message of cargo: {line}"))?;
        let is_test = message["profile"]["test"] == Value::Bool(true);
        let (Some(file), true) = (message["executable"].as_str(), is_test) else { continue };
        let folder = message["manifest_path"].as_str().and_then(|path| Path::new(path).parent());
        let (Some(folder), Some(target)) = (folder, message["target"]["name"].as_str()) else {
            bail!("a test program without a name or a package: {line}");
        };
        let package = package(message["package_id"].as_str().unwrap_or_default());
        found.push(Program {
            name: format!("{package} {target}"),
            folder: folder.to_owned(),
            file: Some(PathBuf::from(file)),
        });
    }
    // Stable: the others stay in cargo's order.
    found.sort_by_key(|program| {
        LONGEST.iter().position(|name| *name == program.name).unwrap_or(LONGEST.len())
    });
    Ok(found)
}

/// `berth-domain` of `path+file:///folder/domain#berth-domain@0.1.0`; of `…/berth#0.1.0`, the folder.
fn package(id: &str) -> &str {
    let (path, version) = id.split_once('#').unwrap_or((id, ""));
    match version.split_once('@') {
        Some((name, _)) => name,
        None => path.rsplit('/').next().unwrap_or(path),
    }
}

fn command(program: &Program, tests: Option<usize>) -> Command {
    let mut command = match &program.file {
        Some(file) => Command::new(file),
        None => {
            let mut cargo = Command::new("cargo");
            cargo.args(["test", "--quiet", "--locked", "--workspace", "--doc", "--no-fail-fast"]);
            cargo
        }
    };
    command.current_dir(&program.folder).env("CARGO_MANIFEST_DIR", &program.folder).stdin(Stdio::null());
    if let Some(tests) = tests {
        command.env("RUST_TEST_THREADS", tests.to_string());
    }
    command
}

/// What it wrote: its results, then what its tests said beside them.
fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn show(program: &Program, text: &str, output: &Output, took: Duration) -> io::Result<()> {
    let mut shown = String::new();
    // To a string, it can't fail.
    let _ = writeln!(shown, "\n== {}: {:.1} s, {}", program.name, took.as_secs_f64(), output.status);
    shown.push_str(text);
    let mut out = io::stdout().lock();
    out.write_all(shown.as_bytes())?;
    out.flush()
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What is behind it is whole at any time.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

//! A process executor in a folder of its own, and what tests ask of it. All that it started is ended with it.

use std::path::PathBuf;
use std::time::Duration;

use berth_agent::executor::process::{ProcessExecutor, Settings, ShimCommand};
use berth_agent::executor::{CreateError, Executor, Object, Order};
use berth_agent::uptime::Uptime;
use berth_domain::id::RunId;
use berth_domain::lifecycle::End;
use berth_domain::protocol::logs::LogFrom;
use berth_domain::protocol::{AttemptRef, Phase};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// This test program, as the supervisor.
pub(crate) fn shim() -> ShimCommand {
    let args = ["play_the_supervisor", "--exact", "--nocapture"];
    ShimCommand {
        program: std::env::current_exe().unwrap(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
    }
}

pub(crate) struct Rig {
    pub(crate) dir: TempDir,
    pub(crate) uptime: Uptime,
    pub(crate) process: ProcessExecutor,
    pub(crate) executor: Executor,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::new(dir.path().to_owned(), shim());
        settings.grace = Duration::from_millis(300);
        change(&mut settings);
        let uptime = settings.uptime.clone();
        let process = ProcessExecutor::open(settings).unwrap();
        Self { dir, uptime, executor: Executor::Process(process.clone()), process }
    }

    /// Another agent on the same folder, as after a restart.
    pub(crate) fn reopened(&self) -> Executor {
        let mut settings = Settings::new(self.dir.path().to_owned(), shim());
        settings.grace = Duration::from_millis(300);
        Executor::Process(ProcessExecutor::open(settings).unwrap())
    }

    pub(crate) fn order(&self, operation: &Value) -> Order {
        Order {
            attempt: AttemptRef { run: RunId::new(), attempt: 0 },
            agent: "local".into(),
            replica: "r1".into(),
            queue: "default".into(),
            owner: "default".into(),
            project: "p".into(),
            spec_hash: "hash".into(),
            needs: Vec::new(),
            operation: operation.to_string(),
            create_by: self.uptime.now() + Duration::from_secs(10),
            replace: false,
            trace: None,
        }
    }

    pub(crate) fn shell(&self, script: &str) -> Order {
        self.order(&shell(script))
    }

    pub(crate) async fn create(&self, order: Order) -> Result<Object, CreateError> {
        self.executor.turn().await.unwrap().create(order).await
    }

    pub(crate) async fn start(&self, script: &str) -> AttemptRef {
        let order = self.shell(script);
        let attempt = order.attempt;
        self.create(order).await.unwrap();
        attempt
    }

    pub(crate) fn folder(&self, attempt: AttemptRef) -> PathBuf {
        let name = format!("{}-{}", attempt.run, attempt.attempt);
        let live = self.dir.path().join("runs").join(&name);
        if live.exists() { live } else { self.dir.path().join("done").join(name) }
    }

    pub(crate) fn record(&self, attempt: AttemptRef, name: &str) -> Option<Value> {
        let text = std::fs::read_to_string(self.folder(attempt).join(name)).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// The number in one of the attempt's records, once it is there.
    pub(crate) async fn pid(&self, attempt: AttemptRef, record: &str) -> u32 {
        let pid = eventually("a process", async || self.record(attempt, record)?["pid"].as_u64()).await;
        u32::try_from(pid).unwrap()
    }

    pub(crate) async fn end(&self, attempt: AttemptRef) -> End {
        end_of(&self.executor, attempt).await
    }

    pub(crate) async fn log(&self, attempt: AttemptRef) -> Vec<String> {
        let (page, _) = self.process.log(attempt, LogFrom::Start, u64::MAX).await.unwrap().unwrap();
        page.lines.into_iter().map(|line| line.text).collect()
    }

    /// Waits until the log has a line that is a number, and gives it.
    pub(crate) async fn number_in_log(&self, attempt: AttemptRef) -> u32 {
        eventually("a number in the log", async || self.log(attempt).await.first()?.parse().ok()).await
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        for entry in std::fs::read_dir(self.dir.path().join("runs")).into_iter().flatten().flatten() {
            for record in ["launched.json", "started.json"] {
                let text = std::fs::read_to_string(entry.path().join(record)).unwrap_or_default();
                let pid = serde_json::from_str::<Value>(&text).ok().and_then(|record| record["pid"].as_i64());
                if let Some(pid) = pid.filter(|_| !entry.path().join("exit.json").exists()) {
                    kill(u32::try_from(pid).unwrap());
                }
            }
        }
    }
}

pub(crate) fn shell(script: &str) -> Value {
    json!({"run": {"kind": "job", "container": {"image": "any", "command": ["sh", "-c", script]}}})
}

pub(crate) async fn end_of(executor: &Executor, attempt: AttemptRef) -> End {
    eventually("the end", async || match found(executor, attempt).await?.phase {
        Phase::Ended(end) => Some(end),
        _ => None,
    })
    .await
}

pub(crate) async fn found(executor: &Executor, attempt: AttemptRef) -> Option<Object> {
    executor.inventory().await.unwrap();
    executor.look(attempt).await.unwrap()
}

/// Asks until there is an answer.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let answer = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    answer.await.unwrap_or_else(|_| panic!("{what} did not come within {PATIENCE:?}"))
}

pub(crate) fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    // Gone already is as good.
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok();
}

/// Whether a process of that number runs, zombies not counted.
pub(crate) fn is_alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(')').unwrap().1.trim_start().starts_with(['Z', 'X']))
}

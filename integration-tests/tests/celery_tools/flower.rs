//! Flower: agents are its workers, runs its tasks, and its buttons do what they say, if they may.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use berth_integration_tests::{Backing, Installation, browser, shell, stock};
use berth_test_servers::port;
use berth_test_servers::process::{Reaper, kill_group, spawn_group, tail};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::tools::{Fleet, LONG};

super::on_both_brokers!(flower_shows_agents_and_runs_and_its_buttons_work_when_they_may);

struct Flower {
    child: Child,
    folder: PathBuf,
    log: PathBuf,
    base: String,
    http: reqwest::Client,
    _reaper: Reaper,
}

impl Flower {
    async fn start(installation: &Installation, url: &str) -> Self {
        let folder = installation.folder.join("flower");
        std::fs::create_dir_all(&folder).unwrap();
        let mut reaper = Reaper::start(&folder.join("reaper"));
        let (log, port) = (folder.join("flower.log"), port::free());
        let mut command = Command::new(stock("celery"));
        // Its rate limits are for tasks that its application knows.
        command.args([
            "-A",
            "berth_app",
            "-b",
            url,
            "flower",
            "--address=127.0.0.1",
            &format!("--port={port}"),
        ]);
        command.env("PYTHONPATH", Path::new(env!("CARGO_MANIFEST_DIR")).join("python"));
        command
            .env("FLOWER_UNAUTHENTICATED_API", "true")
            .env("PYTHONWARNINGS", "ignore")
            .current_dir(&folder);
        let child = spawn_group(&mut command, &log);
        reaper.watch(&[child.id()]);
        let flower = Self {
            child,
            folder,
            log,
            base: format!("http://127.0.0.1:{port}"),
            http: reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap(),
            _reaper: reaper,
        };
        flower
            .until("/api/workers", |workers| workers.as_object().is_some_and(|workers| workers.len() == 4))
            .await;
        flower
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let answer = self.http.get(format!("{}{path}", self.base)).send().await.ok()?;
        answer.json().await.ok()
    }

    async fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + LONG;
        loop {
            let found = self.get(path).await.unwrap_or(Value::Null);
            if is_so(&found) {
                return found;
            }
            assert!(Instant::now() < deadline, "{path}: {found:#}\n{}", tail(&self.log));
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// Looks at a page with a browser until it shows all of these; what was seen stays in the folder, as a picture.
    async fn sees(&self, page: &str, texts: &[&str]) {
        let picture = self.folder.join(format!("{page}.png"));
        let url = format!("{}/{page}", self.base);
        let deadline = Instant::now() + LONG;
        loop {
            let seen = tokio::task::block_in_place(|| browser::look(&url, &self.folder, &picture));
            if texts.iter().all(|text| seen.contains(text)) {
                break;
            }
            assert!(Instant::now() < deadline, "{page} doesn't show {texts:?}:\n{seen}");
        }
        let picture = std::fs::read(&picture).unwrap();
        // A page that is empty is smaller.
        assert!(picture.starts_with(b"\x89PNG") && picture.len() > 20_000, "{page}: {}", picture.len());
    }

    /// Presses a button: the status and what was said.
    async fn press(&self, path: &str, form: &[(&str, &str)]) -> (u16, String) {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let post = self.http.post(format!("{}{path}", self.base)).body(form);
        let post = post.header("content-type", "application/x-www-form-urlencoded");
        let answer = post.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

impl Drop for Flower {
    fn drop(&mut self) {
        kill_group(&mut self.child);
    }
}

async fn flower_shows_agents_and_runs_and_its_buttons_work_when_they_may(backing: Backing) {
    let mut fleet = Fleet::start(backing).await;
    let client = fleet.installation.client.clone();
    let flower = Flower::start(&fleet.installation, &fleet.url).await;
    let workers = flower.until("/api/workers?refresh=1", |workers| {
        workers.as_object().is_some_and(|workers| workers.values().all(|worker| worker["stats"].is_object()))
    });
    let workers = workers.await;
    let node = workers.as_object().unwrap().keys().find(|node| node.starts_with("local@")).unwrap().clone();
    let local = &workers[&node];
    assert_eq!(local["registered"], json!(["berth.run"]), "{local:#}");
    assert_eq!(local["active_queues"][0]["name"], "berth.local.run.default", "{local:#}");
    let page = flower.http.get(format!("{}/worker/{node}", flower.base)).send().await.unwrap();
    assert_eq!(page.status(), 200, "{}", tail(&flower.log));

    let task = |run: &str| uuid::Uuid::parse_str(run).unwrap().to_string();
    let state = |run: String, wanted: &'static str| {
        let (flower, path) = (&flower, format!("/api/task/info/{}", task(&run)));
        async move { flower.until(&path, |info| info["state"] == wanted).await }
    };
    // Flower asks for events of runs by itself, every few seconds.
    let deadline = Instant::now() + LONG;
    loop {
        let run = client.submit("default", &shell("true")).await;
        client.wait_for("default", &run, "succeeded", LONG).await;
        let shown = flower.get("/api/tasks").await.unwrap_or_default();
        if shown.as_object().is_some_and(|tasks| !tasks.is_empty()) {
            break;
        }
        assert!(Instant::now() < deadline, "no run is shown");
    }
    let succeeds = client.submit("default", &shell("true")).await;
    assert_eq!(state(succeeds, "SUCCESS").await["name"], "berth.run");
    let fails = client.submit("default", &shell("exit 3")).await;
    assert_eq!(state(fails, "FAILURE").await["exception"], "ExitCode('Exited with 3')");
    let long = client.submit("default", &shell("sleep 600")).await;
    let started = state(long.clone(), "STARTED").await;
    assert!(started["worker"].as_str().unwrap_or_default().starts_with("local@"), "{started:#}");
    flower.sees("workers", &[&node, "other@"]).await;
    flower.sees("tasks", &["berth.run", &task(&long), "STARTED", "local@"]).await;

    // By default nobody may change anything.
    let revoke = format!("/api/task/revoke/{}", task(&long));
    flower.press(&revoke, &[("terminate", "true")]).await;
    let (status, said) =
        flower.press("/api/task/rate-limit/berth.run", &[("workername", &node), ("ratelimit", "5/s")]).await;
    assert!(status == 403 && said.contains("not allowed"), "{status} {said}");
    flower.press(&format!("/api/worker/shutdown/{node}"), &[]).await;
    assert_eq!(client.status("default", &long).await, "running");
    assert_eq!(client.get("/api/v1/orgs/default/agents/local").await["cordoned"], false);

    fleet.restart_schedulers_with("BERTH_CELERY_CONTROL", "all").await;
    let (status, said) = flower.press(&revoke, &[("terminate", "true")]).await;
    assert_eq!(status, 200, "{said}");
    client.wait_for("default", &long, "stopped", LONG).await;
    state(long, "REVOKED").await;
    let (status, said) = flower
        .press("/api/task/rate-limit/berth.run", &[("workername", &node), ("ratelimit", "300/m")])
        .await;
    assert_eq!(status, 200, "{said}");
    let queue = client.get("/api/v1/orgs/default/agents/local/queues/default").await;
    assert_eq!(queue["rate"], "300/m", "{queue:#}");
    let (status, said) = flower.press(&format!("/api/worker/shutdown/{node}"), &[]).await;
    assert_eq!(status, 200, "{said}");
    let deadline = Instant::now() + LONG;
    while client.get("/api/v1/orgs/default/agents/local").await["cordoned"] != true {
        assert!(Instant::now() < deadline, "the agent takes new runs");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

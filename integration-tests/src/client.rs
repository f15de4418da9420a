//! A client of the REST API, as tests need it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

/// Speaks to one API replica, or to several in turn.
#[derive(Debug, Clone)]
pub struct Client {
    bases: Vec<String>,
    token: Option<String>,
    http: reqwest::Client,
}

/// A run, by its id.
pub type Run = String;

/// An operation that runs `command` in a shell.
pub fn shell(command: &str) -> Value {
    job(json!({"command": ["sh", "-c"], "args": [command]}), json!({}))
}

/// An operation with that container, and the fields of `more` beside its component.
pub fn job(container: Value, more: Value) -> Value {
    let mut container = container;
    container["image"] = json!("none");
    let mut operation = json!({
        "kind": "operation",
        "component": {"run": {"kind": "job", "container": container}},
    });
    if let (Some(operation), Value::Object(more)) = (operation.as_object_mut(), more) {
        operation.extend(more);
    }
    operation
}

impl Client {
    /// A client of the replicas at `bases`.
    ///
    /// # Panics
    /// If no TLS provider can be set up.
    pub fn new(bases: Vec<String>, token: Option<String>) -> Self {
        // A second call finds the first one's provider, which is the same.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap_or_else(|error| panic!("no HTTP client: {error}"));
        Self { bases, token, http }
    }

    /// The first replica's address.
    pub fn base(&self) -> &str {
        &self.bases[0]
    }

    /// The token, if one is needed.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Sends a request, to the next replica as long as one can't be reached, and returns status and body.
    ///
    /// # Panics
    /// If no replica answers within 60 s.
    pub async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let mut last = String::new();
            for base in &self.bases {
                let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap_or_default();
                let mut request = self.http.request(method, format!("{base}{path}"));
                if let Some(token) = &self.token {
                    request = request.header("Authorization", format!("Token {token}"));
                }
                if let Some(body) = body {
                    request = request.json(body);
                }
                match request.send().await {
                    Ok(answer) => {
                        let status = answer.status().as_u16();
                        let text = answer.text().await.unwrap_or_default();
                        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
                        return (status, body);
                    }
                    Err(error) => last = format!("{error:?}"),
                }
            }
            assert!(Instant::now() < deadline, "no API replica answers: {last}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Sends a request that must succeed; 503 (a replica without its store) is tried again.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let (status, answer) = self.send(method, path, body).await;
            if status == 503 && Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
            assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
            return answer;
        }
    }

    /// Reads a thing.
    pub async fn get(&self, path: &str) -> Value {
        self.call("GET", path, None).await
    }

    /// Submits one operation to `project`.
    pub async fn submit(&self, project: &str, operation: &Value) -> Run {
        let body = json!({"content": operation.to_string()});
        let run = self.call("POST", &format!("/api/v1/default/{project}/runs"), Some(&body)).await;
        run["uuid"].as_str().unwrap_or_else(|| panic!("no uuid in {run}")).to_owned()
    }

    /// Submits many operations to `project`, up to 1,000 in one request.
    ///
    /// # Panics
    /// If one is refused.
    pub async fn submit_all(&self, project: &str, operations: &[Value]) -> Vec<Run> {
        let mut runs = Vec::new();
        // As many as a debug build on a busy machine takes in within the time of a request.
        for chunk in operations.chunks(100) {
            let bodies: Vec<Value> =
                chunk.iter().map(|operation| json!({"content": operation.to_string()})).collect();
            let path = format!("/api/v1/default/{project}/runs/bulk");
            let answer = self.call("POST", &path, Some(&json!({"runs": bodies}))).await;
            for result in answer["results"].as_array().into_iter().flatten() {
                let run = result["uuid"].as_str();
                runs.push(run.unwrap_or_else(|| panic!("refused: {result}")).to_owned());
            }
        }
        assert_eq!(runs.len(), operations.len(), "every operation has an answer");
        runs
    }

    /// A run of `project`.
    pub async fn run(&self, project: &str, run: &str) -> Value {
        self.get(&format!("/api/v1/default/{project}/runs/{run}")).await
    }

    /// The status of a run.
    pub async fn status(&self, project: &str, run: &str) -> String {
        self.run(project, run).await["status"].as_str().unwrap_or_default().to_owned()
    }

    /// Its conditions, oldest first.
    pub async fn conditions(&self, project: &str, run: &str) -> Vec<Value> {
        let statuses = self.get(&format!("/api/v1/default/{project}/runs/{run}/statuses")).await;
        statuses["status_conditions"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until the run has that status; the final ones can't be passed by.
    ///
    /// # Panics
    /// If it has not after `limit`.
    pub async fn wait_for(&self, project: &str, run: &str, status: &str, limit: Duration) {
        let deadline = Instant::now() + limit;
        loop {
            let found = self.status(project, run).await;
            if found == status {
                return;
            }
            if Instant::now() > deadline {
                let conditions = self.conditions(project, run).await;
                let explain = self.get(&format!("/api/v1/default/{project}/runs/{run}/explain")).await;
                panic!("run {run} is {found}, not {status}, after {limit:?}: {conditions:#?} {explain:#}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// How many runs of `project` have each status.
    pub async fn census(&self, project: &str) -> BTreeMap<String, u64> {
        let mut census = BTreeMap::new();
        for status in [
            "created",
            "compiled",
            "on_schedule",
            "queued",
            "scheduled",
            "starting",
            "running",
            "processing",
            "stopping",
            "warning",
            "retrying",
            "unknown",
            "succeeded",
            "failed",
            "stopped",
            "skipped",
        ] {
            let path = format!("/api/v1/default/{project}/runs?limit=1&query=status:{status}");
            let count = self.get(&path).await["count"].as_u64().unwrap_or(0);
            if count > 0 {
                census.insert(status.to_owned(), count);
            }
        }
        census
    }

    /// Waits until `number` runs of `project` have that status.
    ///
    /// # Panics
    /// If they have not after `limit`.
    pub async fn wait_for_all(&self, project: &str, number: u64, status: &str, limit: Duration) {
        let deadline = Instant::now() + limit;
        loop {
            let path = format!("/api/v1/default/{project}/runs?limit=1&query=status:{status}");
            let count = self.get(&path).await["count"].as_u64().unwrap_or(0);
            if count >= number {
                return;
            }
            if Instant::now() > deadline {
                panic!(
                    "{count} of {number} runs are {status} after {limit:?}: {:?}",
                    self.census(project).await
                );
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

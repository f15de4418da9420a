//! Runs that are submitted all the while, whatever becomes of the pods that take them: with a key each, so that a request
//! whose answer was lost is sent again without being a second run.

use std::time::Duration;

use berth_integration_tests::{Client, Run};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::installed::LIMIT;

/// The pause between two runs.
const PAUSE: Duration = Duration::from_millis(300);

/// The api's pods, found anew for each request: there is no proxy for Services on the test's node.
#[derive(Clone)]
pub(crate) struct ApiPods {
    pub(crate) pods: Api<Pod>,
    pub(crate) token: String,
}

impl ApiPods {
    /// The addresses of those that are ready.
    async fn bases(&self) -> Vec<String> {
        let params = ListParams::default().labels("app.kubernetes.io/name=berth-api");
        let pods = self.pods.list(&params).await.map(|list| list.items).unwrap_or_default();
        let ready = pods.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
        ready
            .filter_map(|pod| {
                let status = pod.status?;
                let is_ready =
                    status.conditions?.iter().any(|one| one.type_ == "Ready" && one.status == "True");
                is_ready.then_some(format!("http://{}:8000", status.pod_ip?))
            })
            .collect()
    }

    /// A client of them as they are now.
    pub(crate) async fn client(&self) -> Client {
        Client::new(self.bases().await, Some(self.token.clone()))
    }

    /// Submits an operation once, however often it has to be sent.
    async fn submit(&self, http: &reqwest::Client, operation: &Value, key: &str) -> Run {
        let body = json!({"content": operation.to_string()});
        let deadline = Instant::now() + LIMIT;
        let mut last = String::new();
        while Instant::now() < deadline {
            for base in self.bases().await {
                let request = http
                    .post(format!("{base}/api/v1/default/default/runs"))
                    .header("Authorization", format!("Token {}", self.token))
                    .header("Idempotency-Key", key)
                    .json(&body);
                match request.send().await {
                    Ok(answer) if answer.status().is_success() => {
                        if let Ok(run) = answer.json::<Value>().await {
                            return run["uuid"].as_str().unwrap().to_owned();
                        }
                    }
                    Ok(answer) => last = format!("{}", answer.status()),
                    Err(error) => last = format!("{error:?}"),
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{key} is not taken within {LIMIT:?}: {last}");
    }
}

/// Submits runs until it is told to stop.
pub(crate) struct Load {
    stop: CancellationToken,
    task: JoinSet<Vec<Run>>,
}

impl Load {
    pub(crate) fn start(api: ApiPods, operation: Value) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
            let mut runs = Vec::new();
            while !stopped.is_cancelled() {
                runs.push(api.submit(&http, &operation, &format!("load-{}", runs.len())).await);
                tokio::time::sleep(PAUSE).await;
            }
            runs
        });
        Self { stop, task }
    }

    /// The runs that were taken.
    pub(crate) async fn end(self) -> Vec<Run> {
        self.stop.cancel();
        self.task.join_all().await.concat()
    }
}

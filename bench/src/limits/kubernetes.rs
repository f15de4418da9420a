//! Bare kube on an API server: pods, created by many at once.

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

/// Creates `count` copies of `template`, one at a time on each of `at_once` tasks; `name` gives each its name, and may
/// change more. Returns the rate per second.
///
/// # Errors
/// If one is refused.
pub async fn create(
    client: &Client,
    namespace: &str,
    template: &Pod,
    (count, at_once): (usize, usize),
    name: impl Fn(Uuid, &mut Pod) + Clone + Send + 'static,
) -> Result<f64> {
    let mut running = JoinSet::new();
    let began = Instant::now();
    for index in 0..at_once {
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
        let share = count / at_once + usize::from(index < count % at_once);
        let (template, name) = (template.clone(), name.clone());
        running.spawn(async move {
            for _ in 0..share {
                let mut pod = template.clone();
                name(Uuid::now_v7(), &mut pod);
                pods.create(&PostParams::default(), &pod).await.context("a bare pod is refused")?;
            }
            Ok::<(), anyhow::Error>(())
        });
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(count as f64 / began.elapsed().as_secs_f64())
}

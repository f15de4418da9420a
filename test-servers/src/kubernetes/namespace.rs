//! A namespace of one test's own.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace as Object;
use kube::Api;
use kube::api::DeleteParams;

use super::Cluster;

/// How long its removal may take: its pods end first, on nodes that are still there.
const REMOVAL: Duration = Duration::from_secs(15);

/// A namespace. In a cluster that is not the test's own it is removed, with all that is in it, when this is dropped:
/// drop it before the nodes that its pods are on.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    /// By what to remove it.
    kubeconfig: Option<String>,
}

impl Namespace {
    pub(super) fn new(name: String, kubeconfig: Option<String>) -> Self {
        Self { name, kubeconfig }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Deref for Namespace {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let Some(kubeconfig) = self.kubeconfig.take() else { return };
        let name = std::mem::take(&mut self.name);
        // A drop can't wait in the test's own runtime.
        let removal = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.unwrap_or_else(|error| panic!("no runtime to remove a namespace: {error}"));
            runtime.block_on(tokio::time::timeout(REMOVAL, remove(&name, &kubeconfig)))
        });
        match removal.join() {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => eprintln!("a namespace stays in the cluster: {error}"),
            Ok(Err(_)) => eprintln!("a namespace is not gone within {REMOVAL:?}"),
            Err(_) => eprintln!("the thread that removes a namespace panicked"),
        }
    }
}

async fn remove(name: &str, kubeconfig: &str) -> kube::Result<()> {
    let namespaces: Api<Object> = Api::all(Cluster::client_of(kubeconfig).await);
    namespaces.delete(name, &DeleteParams::default()).await?;
    while namespaces.get_metadata_opt(name).await?.is_some() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

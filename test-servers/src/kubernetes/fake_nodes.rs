//! Fake nodes: registered, kept ready, and their pods played, so that the real scheduler has where to place pods.
//!
//! One driver on a thread of its own plays all fake nodes of a cluster. What a container does is written in it, see
//! [`ANNOTATION`] and `script`. Nothing runs: no image, no process, no log.

mod container;
mod driver;
mod node;
mod pod;
mod script;
mod status;

use std::time::Duration;

use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::PostParams;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::{Cluster, until};
use driver::{Command, Driver};
pub use node::FakeNode;
pub use script::ANNOTATION;

/// How long a node may take until the scheduler may use it.
const READY: Duration = Duration::from_secs(60);

/// The fake nodes of one cluster. They fall silent when this is dropped, and leave a cluster that is not the test's own.
#[derive(Debug)]
pub struct FakeNodes {
    kubeconfig: String,
    is_guest: bool,
    commands: UnboundedSender<Command>,
    driver: Option<std::thread::JoinHandle<()>>,
}

impl FakeNodes {
    /// Starts the driver; there is no node yet.
    ///
    /// # Panics
    /// If its thread or runtime can't be started.
    pub fn start(cluster: &Cluster) -> Self {
        let kubeconfig = cluster.kubeconfig_of_nodes();
        let (commands, inbox) = unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap_or_else(|error| panic!("no runtime for the fake nodes: {error}"));
        let theirs = kubeconfig.clone();
        let driver = std::thread::Builder::new()
            .name("fake-nodes".to_owned())
            .spawn(move || {
                runtime.block_on(async { Driver::new(Cluster::client_of(&theirs).await).run(inbox).await });
            })
            .unwrap_or_else(|error| panic!("no thread for the fake nodes: {error}"));
        Self { kubeconfig, is_guest: !cluster.is_own(), commands, driver: Some(driver) }
    }

    /// Registers a node, and waits until the scheduler may use it.
    ///
    /// # Panics
    /// If the cluster refuses it, or doesn't find it ready.
    pub async fn add(&self, node: FakeNode) {
        let nodes: Api<Node> = Api::all(Cluster::client_of(&self.kubeconfig).await);
        let name = node.name().to_owned();
        // Played before it is there, so that no pod that is bound to it is overlooked.
        self.tell(Command::Play(name.clone()));
        let object = node.object(driver::now());
        nodes
            .create(&PostParams::default(), &object)
            .await
            .unwrap_or_else(|error| panic!("the cluster takes no node `{name}`: {error}"));
        until(&format!("the fake node `{name}` is ready"), READY, async || {
            let node = nodes.get_opt(&name).await.ok().flatten()?;
            let taints = node.spec.and_then(|spec| spec.taints).unwrap_or_default();
            let is_ready = !taints.iter().any(|taint| taint.key == "node.kubernetes.io/not-ready");
            is_ready.then_some(())
        })
        .await;
    }

    /// Removes a node, as a machine is that was switched off and given up; its pods go with it.
    ///
    /// # Panics
    /// If the cluster refuses.
    pub async fn remove(&self, name: &str) {
        self.tell(Command::Leave(name.to_owned()));
        let client = Cluster::client_of(&self.kubeconfig).await;
        driver::remove(&client, name)
            .await
            .unwrap_or_else(|error| panic!("the cluster does not remove the node `{name}`: {error}"));
    }

    /// Cuts a node off: its containers go on, but nothing is heard from it, and it hears nothing.
    pub fn silence(&self, name: &str) {
        self.tell(Command::Silence(name.to_owned(), true));
    }

    /// Connects a node again: it tells what has happened, and hears what it missed.
    pub fn reconnect(&self, name: &str) {
        self.tell(Command::Silence(name.to_owned(), false));
    }

    /// Evicts a pod, as a kubelet does that is short of memory.
    pub fn evict(&self, namespace: &str, name: &str) {
        self.tell(Command::Evict { namespace: namespace.to_owned(), name: name.to_owned() });
    }

    /// # Panics
    /// If the driver has ended.
    fn tell(&self, command: Command) {
        self.commands.send(command).unwrap_or_else(|_| panic!("the driver of the fake nodes has ended"));
    }
}

impl Drop for FakeNodes {
    fn drop(&mut self) {
        // If it has ended already, that is what is wanted.
        drop(self.commands.send(Command::End { removes: self.is_guest }));
        if let Some(driver) = self.driver.take()
            && driver.join().is_err()
        {
            eprintln!("the driver of the fake nodes panicked");
        }
    }
}

//! A real node: kubelet, containerd and runc on this machine, in namespaces of their own.
//!
//! Only as root on Linux, only where `BERTH_TEST_NODE=1` asks for it, and one at a time on a machine. A keeper (a shell
//! script that holds a pipe from this process) takes it down without a trace, however the test ends.

mod config;
mod image;

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use k8s_openapi::api::core::v1::Node;
use kube::Api;

use super::surroundings::{not_run, variable};
use super::{Cluster, programs, until};
use crate::process::{folder, is_root, tail};
pub use image::BUSYBOX;

/// The node's own address, on `lo` while it lives: a kubelet takes no loopback address. From a block for documentation.
const ADDRESS: &str = "198.51.100.2";
/// The control group that all its containers are in.
const CGROUP: &str = "berth-test-node";
/// The bridge that its pods are on.
const BRIDGE: &str = "berth-test0";
/// Where its pods find this machine: the bridge's own address, and what follows it is theirs.
const GATEWAY: &str = "198.51.100.129";
/// The addresses of the bridge.
const SUBNET: &str = "198.51.100.128/25";
/// The file by which one node at a time is had on a machine.
const LOCK: &str = "/tmp/berth-test-node.lock";
/// The node's name.
const NAME: &str = "berth-test-node";
/// How long it may take to be ready.
const READY: Duration = Duration::from_secs(120);

const KEEPER: &str = include_str!("real_node/keeper.sh");
const INSIDE: &str = include_str!("real_node/inside.sh");

/// The machine's only real node is this one's to start: another test's waits until this and the node are gone.
#[derive(Debug)]
pub struct Turn(File);

/// A real node; it is taken down when this is dropped or the test process ends.
#[derive(Debug)]
pub struct RealNode {
    keeper: Child,
    pipe: Option<ChildStdin>,
    folder: PathBuf,
}

impl RealNode {
    /// Joins a real node to `cluster` and waits until it is ready; it waits for another test's node to go.
    ///
    /// `None` where the surroundings don't ask for one (`BERTH_TEST_NODE=1`): it is said loudly; in CI the test fails.
    ///
    /// # Panics
    /// If the machine can't have one though it was asked for; the message has the ends of the logs.
    pub async fn start(cluster: &Cluster) -> Option<Self> {
        Self::start_with(cluster, &[]).await
    }

    /// Whether the surroundings ask for one; if not, it is said loudly, and in CI the test fails.
    ///
    /// # Panics
    /// In CI, if they don't.
    pub fn is_asked_for() -> bool {
        let is_asked_for = variable("BERTH_TEST_NODE").as_deref() == Some("1");
        if !is_asked_for {
            not_run("it needs a real node, and BERTH_TEST_NODE=1 does not ask for one");
        }
        is_asked_for
    }

    /// As [`Self::start`], on a node that has the images of these archives (`docker save` or OCI) too.
    ///
    /// # Panics
    /// As [`Self::start`], or if an archive can't be read.
    pub async fn start_with(cluster: &Cluster, images: &[&Path]) -> Option<Self> {
        Some(Self::start_in(&Self::turn()?, cluster, images).await)
    }

    /// Waits for another test's node to go, for tests that look at the machine before and after theirs.
    ///
    /// `None` as [`Self::start`].
    ///
    /// # Panics
    /// If the file by which tests take turns can't be had.
    pub fn turn() -> Option<Turn> {
        if !Self::is_asked_for() {
            return None;
        }
        let lock = File::create(LOCK).and_then(|file| file.lock().map(|()| file));
        Some(Turn(lock.unwrap_or_else(|error| panic!("can't lock {LOCK}: {error}"))))
    }

    /// As [`Self::start_with`], in a turn that the caller has taken and keeps.
    ///
    /// # Panics
    /// As [`Self::start_with`].
    pub async fn start_in(turn: &Turn, cluster: &Cluster, images: &[&Path]) -> Self {
        assert!(is_root(), "BERTH_TEST_NODE=1 asks for a real node, which only root can start");
        let node = Self::keep(turn, cluster, images);
        let nodes: Api<Node> = Api::all(cluster.client().await);
        until("the real node is ready", READY, async || {
            let object = nodes.get_opt(NAME).await.ok().flatten()?;
            let conditions = object.status?.conditions?;
            let is_ready =
                conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
            let taints = object.spec.and_then(|spec| spec.taints).unwrap_or_default();
            (is_ready && taints.is_empty()).then_some(())
        })
        .await;
        node
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        NAME
    }

    /// The address at which its pods reach what listens on all addresses of this machine.
    pub fn gateway(&self) -> &'static str {
        GATEWAY
    }

    fn keep(turn: &Turn, cluster: &Cluster, images: &[&Path]) -> Self {
        let folder = folder("kubernetes-node");
        let write = |name: &str, text: &str| put(&folder.join(name), text);
        for name in ["network", "images", "image"] {
            let place = folder.join(name);
            std::fs::create_dir(&place)
                .unwrap_or_else(|error| panic!("can't make {}: {error}", place.display()));
        }
        let archive = folder.join("images/busybox.tar");
        image::write(&folder.join("image"), &archive);
        for (number, image) in images.iter().enumerate() {
            let copied = std::fs::copy(image, folder.join(format!("images/{number}.tar")));
            copied.unwrap_or_else(|error| panic!("can't copy {}: {error}", image.display()));
        }
        let address = ADDRESS.parse().unwrap_or(Ipv4Addr::LOCALHOST);
        let identity = cluster.server_identity(&[NAME], &[IpAddr::V4(address)]);
        write("kubelet.crt", &identity.certificate);
        write("kubelet.key", &identity.key);
        write("kubelet.kubeconfig", &cluster.kubeconfig_of_kubelet(NAME));
        write("kubelet.json", &config::kubelet(&folder, &cluster.folder().join("ca.crt")));
        write("containerd.toml", &config::containerd(&folder));
        write("network/10-berth-test.conflist", &config::network());
        write("resolv.conf", "nameserver 127.0.0.1\n");
        write("keeper.sh", KEEPER);
        write("inside.sh", INSIDE);
        let (keeper, pipe) = start_keeper(turn, &folder);
        Self { keeper, pipe, folder }
    }
}

impl Drop for RealNode {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for log in ["node.log", "containerd.log", "kubelet.log"] {
                eprintln!("--- {log}\n{}", tail(&self.folder.join(log)));
            }
        }
        drop(self.pipe.take());
        if let Err(error) = self.keeper.wait() {
            eprintln!("the keeper of the real node can't be waited for: {error}");
        }
    }
}

/// Starts the keeper, which starts the node. The turn's file is its standard error: so it holds the lock, too, until the
/// machine is clean, also when the test process is killed.
fn start_keeper(turn: &Turn, folder: &Path) -> (Child, Option<ChildStdin>) {
    use std::os::unix::process::CommandExt as _;
    let lock = turn.0.try_clone().unwrap_or_else(|error| panic!("can't hand {LOCK} on: {error}"));
    let mut command = Command::new("sh");
    command.arg(folder.join("keeper.sh")).args([ADDRESS, CGROUP, BRIDGE]).arg(folder);
    command.arg(folder.join("inside.sh")).arg(folder).arg(programs().join("kubelet")).args([NAME, ADDRESS]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(lock).process_group(0);
    let mut keeper = command.spawn().unwrap_or_else(|error| panic!("`sh` can't be started: {error}"));
    let pipe = keeper.stdin.take();
    let mut line = String::new();
    let told = keeper.stdout.take().map(|output| BufReader::new(output).read_line(&mut line));
    assert!(line.trim() == "ready", "the keeper of the real node ended early: {told:?}");
    (keeper, pipe)
}

fn put(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap_or_else(|error| panic!("can't write {}: {error}", path.display()));
}

//! The loop that plays all fake nodes of a cluster: one watch of pods, one timer, a bounded number of writes.
//!
//! It holds a few hundred bytes for each pod that is on one of its nodes, and asks for nothing per pod.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;

use super::node::{is_well, lease};
use super::pod::{Failure, PlayedPod};
use super::status;

/// How often a node shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// How many heartbeats go by a lease alone, between two that also repair the node's conditions.
const BEATS_TO_STATUS: u32 = 4;
/// How many pods' statuses are written at a time.
const WRITES: usize = 32;
/// How long a request may take before it is made again: the API server may be frozen by the test.
const REQUEST: Duration = Duration::from_secs(10);
/// The pause after a failed request.
const PAUSE: Duration = Duration::from_millis(250);

/// What the test asks of the driver.
#[derive(Debug)]
pub(super) enum Command {
    /// Plays this node from now on.
    Play(String),
    /// No longer plays it.
    Leave(String),
    /// Cuts it off (`true`) or connects it again.
    Silence(String, bool),
    /// Evicts a pod, as a kubelet does that is short of memory.
    Evict { namespace: String, name: String },
    /// Ends the driver, with its nodes if they are in somebody's cluster (`true`).
    End { removes: bool },
}

/// One pod of ours.
struct Entry {
    namespace: String,
    name: String,
    node: String,
    address: String,
    played: PlayedPod,
    due: Option<Timestamp>,
    /// The grace of a deletion that its node has not heard of yet.
    unheard: Option<Duration>,
    is_writing: bool,
    /// The hash of the status that was written last.
    written: Option<u64>,
    is_removed: bool,
    /// Its phase is final in the cluster: nothing is told of it any more.
    is_final: bool,
}

/// What came of a request.
enum Done {
    Written { uid: String, removed: bool, outcome: Outcome },
    Beaten,
}

enum Outcome {
    Ok,
    /// The pod is gone, or another has its name.
    Gone,
    Again,
}

pub(super) struct Driver {
    client: Client,
    nodes: HashSet<String>,
    silent: HashSet<String>,
    pods: HashMap<String, Entry>,
    timers: BTreeSet<(Timestamp, String)>,
    dirty: VecDeque<String>,
    listed: HashSet<String>,
    writes: usize,
    beats: u32,
    addresses: u32,
    requests: FuturesUnordered<BoxFuture<'static, Done>>,
}

impl Driver {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            nodes: HashSet::new(),
            silent: HashSet::new(),
            pods: HashMap::new(),
            timers: BTreeSet::new(),
            dirty: VecDeque::new(),
            listed: HashSet::new(),
            writes: 0,
            beats: 0,
            addresses: 0,
            requests: FuturesUnordered::new(),
        }
    }

    /// Plays until it is told to end or nobody is left to tell it.
    pub(super) async fn run(mut self, mut commands: UnboundedReceiver<Command>) {
        let pods: Api<Pod> = Api::all(self.client.clone());
        let bound = watcher::Config::default().fields("spec.nodeName!=");
        let mut events = watcher(pods, bound)
            .then(async |event| {
                if event.is_err() {
                    // The API server may be down because the test wants it so.
                    tokio::time::sleep(PAUSE).await;
                }
                event
            })
            .boxed();
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        loop {
            let next = self.timers.first().map(|(due, _)| until(*due));
            tokio::select! {
                command = commands.recv() => match command {
                    None => return,
                    Some(Command::End { removes }) => {
                        if removes {
                            self.remove_nodes().await;
                        }
                        return;
                    }
                    Some(command) => self.obey(command),
                },
                event = events.next() => match event {
                    Some(Ok(event)) => self.see(event),
                    Some(Err(_)) => {}
                    None => return,
                },
                () = tokio::time::sleep(next.unwrap_or_default()), if next.is_some() => self.advance_due(),
                _ = heartbeat.tick() => self.beat(),
                Some(done) = self.requests.next() => self.take(done),
            }
            self.write();
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Play(node) => {
                self.beat_one(&node, true);
                self.nodes.insert(node);
            }
            Command::Leave(node) => {
                self.nodes.remove(&node);
                self.pods.retain(|_, entry| entry.node != node);
            }
            Command::Silence(node, true) => {
                self.silent.insert(node);
            }
            Command::Silence(node, false) => {
                self.silent.remove(&node);
                self.beat_one(&node, true);
                let back: Vec<String> = self
                    .pods
                    .iter()
                    .filter(|(_, entry)| entry.node == node)
                    .map(|(uid, _)| uid.clone())
                    .collect();
                back.iter().for_each(|uid| self.advance(uid));
            }
            Command::Evict { namespace, name } => {
                let found = self
                    .pods
                    .iter_mut()
                    .find(|(_, entry)| entry.name == name && entry.namespace == namespace);
                if let Some((uid, entry)) = found {
                    entry.played.fail(Failure::Evicted, now());
                    let uid = uid.clone();
                    self.advance(&uid);
                }
            }
            Command::End { .. } => {}
        }
    }

    async fn remove_nodes(&self) {
        let removals = self.nodes.iter().map(|node| remove(&self.client, node));
        let removed = tokio::time::timeout(REQUEST, futures_util::future::join_all(removals)).await;
        for error in removed.into_iter().flatten().filter_map(Result::err) {
            eprintln!("a fake node stays in the cluster: {error}");
        }
    }

    fn see(&mut self, event: Event<Pod>) {
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(pod) => {
                self.listed.extend(pod.metadata.uid.clone());
                self.apply(&pod);
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut self.listed);
                self.pods.retain(|uid, _| listed.contains(uid));
            }
            Event::Apply(pod) => self.apply(&pod),
            Event::Delete(pod) => {
                if let Some(uid) = &pod.metadata.uid {
                    self.pods.remove(uid);
                }
            }
        }
    }

    fn apply(&mut self, pod: &Pod) {
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).unwrap_or_default();
        let Some(uid) = pod.metadata.uid.clone().filter(|_| self.nodes.contains(node)) else { return };
        if !self.pods.contains_key(&uid) {
            self.addresses += 1;
            let entry = Entry::new(pod, node, self.addresses);
            self.pods.insert(uid.clone(), entry);
        }
        let Some(entry) = self.pods.get_mut(&uid) else { return };
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        if !entry.is_final && matches!(phase, Some("Succeeded" | "Failed")) {
            // By what was told from here, or by somebody else, who then is right.
            entry.is_final = true;
            entry.played.finish(now());
        }
        if pod.metadata.deletion_timestamp.is_some() {
            let seconds =
                pod.metadata.deletion_grace_period_seconds.and_then(|grace| u64::try_from(grace).ok());
            entry.unheard = Some(Duration::from_secs(seconds.unwrap_or(30)));
        } else if entry.due.is_some() || entry.is_writing || entry.written.is_some() {
            // An echo of what was written here.
            return;
        }
        self.advance(&uid);
    }

    fn advance_due(&mut self) {
        let now = now();
        while let Some((due, _)) = self.timers.first()
            && *due <= now
        {
            let Some((_, uid)) = self.timers.pop_first() else { return };
            self.advance(&uid);
        }
    }

    /// Goes on with one pod, and notes what is to be written of it.
    fn advance(&mut self, uid: &str) {
        let now = now();
        let Some(entry) = self.pods.get_mut(uid) else { return };
        let is_silent = self.silent.contains(&entry.node);
        if !is_silent && let Some(grace) = entry.unheard.take() {
            entry.played.delete(now, grace);
        }
        let due = entry.played.advance(now);
        if let Some(before) = std::mem::replace(&mut entry.due, due) {
            self.timers.remove(&(before, uid.to_owned()));
        }
        if let Some(due) = due {
            self.timers.insert((due, uid.to_owned()));
        }
        if !is_silent {
            self.dirty.push_back(uid.to_owned());
        }
    }

    /// Writes what is to be written, as far as the bound allows.
    fn write(&mut self) {
        while self.writes < WRITES
            && let Some(uid) = self.dirty.pop_front()
        {
            let Some(entry) = self.pods.get_mut(&uid) else { continue };
            if entry.is_writing || entry.is_removed || self.silent.contains(&entry.node) {
                continue;
            }
            let patch = status::patch(&entry.played, &uid, &entry.address);
            let removes = entry.played.is_removable();
            let hash = hash_of(&patch);
            let changed = (entry.written != Some(hash) && !entry.is_final).then_some(patch);
            if changed.is_none() && !removes {
                continue;
            }
            entry.is_writing = true;
            if changed.is_some() {
                entry.written = Some(hash);
            }
            self.writes += 1;
            let pods: Api<Pod> = Api::namespaced(self.client.clone(), &entry.namespace);
            let name = entry.name.clone();
            self.requests.push(
                async move {
                    let outcome = tell(&pods, &name, &uid, changed, removes).await;
                    Done::Written { uid, removed: removes, outcome }
                }
                .boxed(),
            );
        }
    }

    fn take(&mut self, done: Done) {
        let Done::Written { uid, removed, outcome } = done else { return };
        self.writes -= 1;
        let Some(entry) = self.pods.get_mut(&uid) else { return };
        entry.is_writing = false;
        match outcome {
            Outcome::Ok => entry.is_removed |= removed,
            Outcome::Gone => {
                self.pods.remove(&uid);
                return;
            }
            Outcome::Again => entry.written = None,
        }
        // It may have gone on in the meantime.
        self.dirty.push_back(uid);
    }

    fn beat(&mut self) {
        self.beats += 1;
        let repair = self.beats.is_multiple_of(BEATS_TO_STATUS);
        let speaking: Vec<String> = self.nodes.difference(&self.silent).cloned().collect();
        for node in speaking {
            self.beat_one(&node, repair);
        }
    }

    fn beat_one(&self, node: &str, repair: bool) {
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), "kube-node-lease");
        let nodes: Api<Node> = Api::all(self.client.clone());
        let node = node.to_owned();
        let beat = async move {
            let params = PatchParams::apply("fake-kubelet").force();
            let lease = lease(&node, now());
            leases.patch(&node, &params, &Patch::Apply(lease)).await?;
            if repair {
                nodes.patch_status(&node, &PatchParams::default(), &Patch::Strategic(is_well(now()))).await?;
            }
            Ok::<(), kube::Error>(())
        };
        self.requests.push(
            async move {
                // A beat that fails is followed by the next one.
                drop(tokio::time::timeout(HEARTBEAT, beat).await);
                Done::Beaten
            }
            .boxed(),
        );
    }
}

impl Entry {
    fn new(pod: &Pod, node: &str, number: u32) -> Self {
        let [_, a, b, c] = number.to_be_bytes();
        Self {
            namespace: pod.metadata.namespace.clone().unwrap_or_default(),
            name: pod.metadata.name.clone().unwrap_or_default(),
            node: node.to_owned(),
            address: format!("10.{a}.{b}.{c}"),
            played: PlayedPod::new(pod, now()),
            due: None,
            unheard: None,
            is_writing: false,
            written: None,
            is_removed: false,
            is_final: false,
        }
    }
}

/// Removes a node and its lease.
pub(super) async fn remove(client: &Client, node: &str) -> kube::Result<()> {
    let nodes: Api<Node> = Api::all(client.clone());
    let leases: Api<Lease> = Api::namespaced(client.clone(), "kube-node-lease");
    nodes.delete(node, &DeleteParams::default()).await?;
    leases.delete(node, &DeleteParams::default()).await.map(drop)
}

/// Writes a pod's status, and removes it if its end was asked for and has come.
async fn tell(pods: &Api<Pod>, name: &str, uid: &str, status: Option<Value>, removes: bool) -> Outcome {
    let all = async {
        if let Some(status) = status {
            pods.patch_status(name, &PatchParams::default(), &Patch::Strategic(status)).await?;
        }
        if removes {
            let preconditions = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
            pods.delete(name, &DeleteParams::default().grace_period(0).preconditions(preconditions)).await?;
        }
        Ok::<(), kube::Error>(())
    };
    match tokio::time::timeout(REQUEST, all).await {
        Ok(Ok(())) => Outcome::Ok,
        Ok(Err(kube::Error::Api(status))) if status.code == 404 || status.code == 409 => Outcome::Gone,
        Ok(Err(kube::Error::Api(status))) if status.code == 403 || status.code == 422 => {
            // A mistake in here, which would be made again for ever.
            eprintln!("a fake node may not say this of its pod `{name}`: {status}");
            Outcome::Gone
        }
        Ok(Err(_)) | Err(_) => {
            tokio::time::sleep(PAUSE).await;
            Outcome::Again
        }
    }
}

fn hash_of(patch: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    patch.hash(&mut hasher);
    hasher.finish()
}

fn until(time: Timestamp) -> Duration {
    Duration::try_from(time.duration_since(now())).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "a fake node lives by the machine's clock, as a real one")]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

//! Runs as pods: one pod per attempt, in the namespaces that the agent serves. The cluster holds the truth; what is
//! kept here is only what its watch said last.
//!
//! A pod keeps a finalizer until its end was taken in, and its place until no create of its claim can come any more.
//! What ends it before its time is written on it first, so that whoever comes next knows why. Needs no more than a
//! Role in each namespace. Nothing here knows of brokers or claims.

mod addresses;
mod api;
mod connection;
mod container;
mod create;
mod drain;
mod end;
mod events;
mod identity;
mod inspect;
mod lean;
mod log;
pub(crate) mod names;
mod nodes;
mod pace;
mod parts;
mod pod;
mod replicas;
mod service;
mod set;
mod settle;
mod status;
mod transfer;
mod view;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use berth_domain::feature::Feature;
use berth_domain::id::RunId;
use berth_domain::lifecycle::culling;
use berth_domain::nodes::NodeSummary;
use berth_domain::protocol::logs::LogFrom;
use berth_domain::protocol::{AttemptRef, FENCING, Identity};
use berth_domain::time::Clock;
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;

pub use api::Access;
pub use log::Reader;
pub use status::Patience;
pub use watch::Watch;

use super::{CreateError, Culled, LogName, Object, Order, Refusal, Release, Trouble};
use crate::connections::Connections;
use crate::uptime::Uptime;
use pace::Pace;
pub(crate) use pace::Turn;
use status::Reading;
use view::View;

/// How many pods are listed at a time.
const PAGE: u32 = 500;

/// For how long offers are held while the API server wants to be left alone.
const LEFT_ALONE: Duration = Duration::from_secs(5);

/// What a Kubernetes executor is made from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The agent whose pods they are.
    pub agent: String,
    /// Where the API server is.
    pub access: Access,
    /// The namespaces served; the first holds where an operation names none. None: the one that `access` is about.
    pub namespaces: Vec<String>,
    /// The image of the containers that fetch before a run and collect after it: Berth's own. None, and runs that need
    /// it are refused.
    pub helper_image: Option<String>,
    /// What runs may reach by name.
    pub connections: Arc<Connections>,
    /// How long a pod has between being asked to end and being killed.
    pub grace: Duration,
    /// How long a pod is kept after its end was taken in, where its operation has no `termination.ttl`.
    pub keep: Duration,
    /// How long the API server itself goes on with a request that nobody waits for any more: its `--request-timeout`.
    pub server_timeout: Duration,
    /// How long a pod may be in a trouble that may heal.
    pub patience: Patience,
    /// The wall clock.
    pub clock: Clock,
    /// The clock that claims are counted on.
    pub uptime: Uptime,
}

impl Settings {
    /// Defaults, around what has none.
    #[must_use]
    pub fn new(agent: String, access: Access) -> Self {
        Self {
            agent,
            access,
            namespaces: Vec::new(),
            helper_image: None,
            connections: Arc::default(),
            grace: Duration::from_secs(10),
            keep: Duration::from_secs(60 * 60),
            server_timeout: Duration::from_secs(60),
            patience: Patience::default(),
            clock: Clock::system(),
            uptime: Uptime::machine(),
        }
    }

    /// A create is one request, begun within the claim's validity; so much later it has landed or never will.
    fn create_grace(&self) -> Duration {
        api::CALL + self.server_timeout
    }
}

/// Starts runs as pods.
#[derive(Debug, Clone)]
pub struct KubernetesExecutor {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    /// What it can do.
    features: Vec<String>,
    /// Not empty.
    namespaces: Vec<String>,
    client: Client,
    view: View,
    pace: Arc<Pace>,
    replicas: replicas::Known,
    identity: OnceCell<Identity>,
    nodes: nodes::Known,
    addresses: addresses::Looked,
    /// Whether the agent is being drained: nothing is created.
    draining: AtomicBool,
}

impl std::fmt::Debug for Inner {
    /// Leaves the client out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("namespaces", &self.namespaces).finish_non_exhaustive()
    }
}

impl KubernetesExecutor {
    /// Makes ready to speak to the API server; whether it is there is seen later.
    ///
    /// # Errors
    /// If the kubeconfig or the service account's files can't be used.
    pub async fn open(settings: Settings) -> Result<Self, Trouble> {
        let connected = api::connect(&settings.access).await?;
        let mut namespaces = settings.namespaces.clone();
        if namespaces.is_empty() {
            namespaces.push(connected.namespace);
        }
        let inner = Inner {
            features: features(&settings),
            namespaces,
            client: connected.client,
            view: View::new(settings.patience),
            pace: Arc::new(Pace::new()),
            replicas: replicas::Known::default(),
            identity: OnceCell::new(),
            nodes: nodes::Known::default(),
            addresses: addresses::Looked::default(),
            draining: AtomicBool::new(false),
            settings,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The namespaces served.
    #[must_use]
    pub fn namespaces(&self) -> &[String] {
        &self.inner.namespaces
    }

    pub(crate) fn features(&self) -> Vec<String> {
        self.inner.features.clone()
    }

    pub(crate) fn connections(&self) -> &Connections {
        &self.inner.settings.connections
    }

    pub(crate) async fn identity(&self) -> Result<Identity, Trouble> {
        let inner = &self.inner;
        inner.identity.get_or_try_init(|| identity::read(&inner.client, &inner.namespaces)).await.cloned()
    }

    pub(crate) fn create_grace(&self) -> Duration {
        self.inner.settings.create_grace()
    }

    pub(crate) fn admit(&self, order: &Order) -> Result<(), Refusal> {
        pod::plan(order, &self.inner.defaults()).map(|_| ())
    }

    /// Waits for a turn to create. Whom the API server asks to leave it alone for long is told so.
    pub(crate) async fn turn(&self) -> Result<Turn, Trouble> {
        self.inner.is_welcome()?;
        Ok(self.inner.pace.turn().await)
    }

    pub(crate) async fn create(&self, order: Order, turn: Turn) -> Result<Object, CreateError> {
        create::create(&self.inner, &order, turn).await
    }

    pub(crate) async fn inventory(&self) -> Result<Vec<Object>, Trouble> {
        let mut pods = set::Sets::default();
        let (clock, patience) = (&self.inner.settings.clock, self.inner.settings.patience);
        for namespace in &self.inner.namespaces {
            let selector = names::held(&self.inner.settings.agent);
            let note = |pod: Pod| {
                if let Some(reading) = status::read(&pod, patience) {
                    pods.note(reading);
                }
            };
            self.inner.each_pod(namespace, &selector, note).await?;
        }
        Ok(pods.objects(clock.now(), patience))
    }

    /// All objects, as the watch knows them where it does.
    pub(crate) async fn survey(&self) -> Result<Vec<Object>, Trouble> {
        settle::settle(&self.inner).await;
        match self.inner.view.all(&self.inner.namespaces, self.inner.settings.clock.now()) {
            Some(objects) => Ok(objects),
            None => self.inventory().await,
        }
    }

    pub(crate) async fn look(&self, attempt: AttemptRef) -> Result<Option<Object>, Trouble> {
        Ok(self.inner.ours(attempt).await?.map(|(_, reading)| reading.object))
    }

    pub(crate) async fn stop(&self, attempt: AttemptRef, grace: Option<Duration>) -> Result<(), Trouble> {
        settle::stop(&self.inner, attempt, grace).await
    }

    pub(crate) async fn fence(&self, grace: Duration) -> Result<(), Trouble> {
        settle::fence(&self.inner, grace).await
    }

    /// How many creates may be under way, and how often the API server has pushed back.
    pub(crate) fn pace(&self) -> (u32, u64) {
        self.inner.pace.told()
    }

    /// The cluster's nodes in summary, if that is news.
    pub(crate) fn nodes(&self, everything: bool) -> Option<Box<NodeSummary>> {
        self.inner.nodes.news(everything)
    }

    pub(crate) async fn release(&self, attempt: AttemptRef) -> Result<Release, Trouble> {
        settle::release(&self.inner, attempt).await
    }

    pub(crate) async fn tidy(&self) -> Result<(), Trouble> {
        settle::tidy(&self.inner).await?;
        replicas::tidy(&self.inner).await?;
        // Last: it only explains, and what is kept too long must not wait for it.
        nodes::look(&self.inner).await
    }

    /// Ends what this agent has here and lets go of it, so that the agent can be removed. Replicas that live create
    /// nothing meanwhile, and have time to report the ends.
    ///
    /// # Errors
    /// If something is left.
    pub async fn drain(&self) -> Result<(), Trouble> {
        drain::drain(&self.inner).await
    }

    pub(crate) async fn leave(&self) {
        drain::leave(&self.inner).await;
    }

    /// Whether the API server answers, and lets this agent create pods.
    pub(crate) async fn probe(&self) -> Result<(), Trouble> {
        self.inner.may_create()?;
        self.inner.is_welcome()?;
        let api: Api<SelfSubjectAccessReview> = Api::all(self.inner.client.clone());
        for namespace in &self.inner.namespaces {
            let doing = || format!("can't create pods in the namespace {namespace}");
            let attributes = json!({"namespace": namespace, "verb": "create", "resource": "pods"});
            let review = serde_json::from_value(json!({"spec": {"resourceAttributes": attributes}}))
                .map_err(|error| api::failed(doing(), error.into()))?;
            let answer = api::call(doing, api.create(&PostParams::default(), &review)).await?;
            let status = answer.and_then(|review| review.status).unwrap_or_default();
            if !status.allowed {
                let words = status.reason.filter(|reason| !reason.is_empty());
                let words =
                    words.unwrap_or_else(|| "its service account has no Role that allows it".to_owned());
                return Err(api::failed(doing(), std::io::Error::other(words)));
            }
        }
        Ok(())
    }

    /// The services that run and may be idle for too long.
    pub(crate) fn culled(&self) -> Vec<Culled> {
        let culled = self.inner.view.culled(self.inner.settings.clock.now());
        let of = |(object, cull, addresses): (Object, service::Cull, Vec<String>)| Culled {
            object,
            limit: cull.limit(),
            urls: addresses.iter().map(|address| cull.url(address)).collect(),
        };
        culled.into_iter().map(of).collect()
    }

    pub(crate) async fn cull(&self, attempt: AttemptRef, idle: Duration) -> Result<(), Trouble> {
        settle::finish(&self.inner, attempt, &culling::end(idle), None).await
    }

    pub(crate) async fn newest(&self, run: RunId) -> Result<Option<AttemptRef>, Trouble> {
        let mut newest = None;
        let selector = names::of_run(&self.inner.settings.agent, &run.to_string());
        for namespace in &self.inner.namespaces {
            self.inner
                .each_pod(namespace, &selector, |pod| {
                    newest = newest.max(pod.metadata.name.as_deref().and_then(names::attempt_of));
                })
                .await?;
        }
        Ok(newest)
    }

    pub(crate) async fn read_log(
        &self,
        attempt: AttemptRef,
        name: &LogName,
        from: LogFrom,
        follow: bool,
    ) -> Result<Option<Reader>, Trouble> {
        let found = self.inner.find(attempt).await?.filter(|pod| self.inner.is_ours(pod));
        let Some(first) = found else { return Ok(None) };
        let pods = set::pods(&first);
        let pod = if (1..pods).contains(&name.replica) {
            self.inner.part(&first, name.replica).await?
        } else {
            // A replica that there never was is refused by whoever knows how to say it.
            Some(first)
        };
        let reader = pod.map(|pod| Reader::new(self.inner.clone(), &pod, pods, name.clone(), from, follow));
        Ok(reader.filter(|reader| !name.previous || reader.was_restarted()))
    }

    /// The run's pods with their events, for people.
    pub(crate) async fn inspect(&self, run: RunId) -> Result<Map<String, Value>, Trouble> {
        inspect::inspect(&self.inner, run).await
    }

    /// Whether it is being deleted, and lives yet.
    pub(crate) fn is_ending(object: &Object) -> bool {
        status::is_terminating(object)
    }

    pub(crate) async fn keep_alive(&self, replica: &str) {
        replicas::keep_alive(&self.inner, replica).await;
    }

    pub(crate) async fn resign(&self, replica: &str) -> Result<(), Trouble> {
        replicas::resign(&self.inner, replica).await
    }

    pub(crate) async fn replicas(&self) -> Result<Vec<String>, Trouble> {
        replicas::alive(&self.inner).await
    }

    pub(crate) fn watch(&self) -> Watch {
        Watch::new(self.inner.clone())
    }
}

/// The features that this executor has.
fn features(settings: &Settings) -> Vec<String> {
    let can = Feature::ALL.into_iter().filter(|feature| match feature {
        Feature::Service
        | Feature::Image
        | Feature::Init
        | Feature::Sidecars
        | Feature::Volumes
        | Feature::EnvFrom
        | Feature::Ports
        | Feature::Connections
        | Feature::KubernetesEnvironment => true,
        Feature::ExecProbe => false,
        Feature::Fetch => settings.helper_image.is_some(),
    });
    ["kubernetes", FENCING].into_iter().chain(can.map(Feature::as_str)).map(str::to_owned).collect()
}

impl Inner {
    fn first_namespace(&self) -> &str {
        self.namespaces.first().map_or("default", String::as_str)
    }

    fn defaults(&self) -> pod::Defaults<'_> {
        pod::Defaults {
            namespaces: &self.namespaces,
            helper: self.settings.helper_image.as_deref(),
            connections: &self.settings.connections,
            grace: self.settings.grace,
            keep: self.settings.keep,
            features: &self.features,
        }
    }

    fn may_create(&self) -> Result<(), Trouble> {
        if self.draining.load(Ordering::Relaxed) {
            let words = "it is being drained, to be removed";
            return Err(api::failed("the agent creates nothing", std::io::Error::other(words)));
        }
        Ok(())
    }

    fn is_welcome(&self) -> Result<(), Trouble> {
        let wait = self.pace.left_alone_for();
        if wait > LEFT_ALONE {
            let words = format!("it pushes back, and wants to be left alone for {} s", wait.as_secs());
            return Err(api::failed("the API server takes no creates", std::io::Error::other(words)));
        }
        Ok(())
    }

    fn is_ours(&self, pod: &Pod) -> bool {
        status::label(pod, names::AGENT) == Some(&self.settings.agent)
    }

    /// The pod of an attempt's name, whoever's it is, by a look made now.
    async fn find(&self, attempt: AttemptRef) -> Result<Option<Pod>, Trouble> {
        let name = names::pod_name(attempt);
        let seen = self.view.namespace(attempt);
        let others = self.namespaces.iter().filter(|namespace| Some(*namespace) != seen.as_ref());
        for namespace in seen.iter().chain(others) {
            let api = api::pods(&self.client, namespace);
            let doing = || format!("can't look at the pod {namespace}/{name}");
            if let Some(found) = api::call(doing, api.get(&name)).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The pod of that number beside a service's first, by a look made now.
    async fn part(&self, first: &Pod, index: u32) -> Result<Option<Pod>, Trouble> {
        let namespace = first.metadata.namespace.as_deref().unwrap_or_default();
        let name = names::part_name(first.metadata.name.as_deref().unwrap_or_default(), index);
        let doing = || format!("can't look at the pod {namespace}/{name}");
        let found = api::call(doing, api::pods(&self.client, namespace).get(&name)).await?;
        Ok(found.filter(|pod| self.is_ours(pod)))
    }

    /// An attempt, if it is this agent's, by a look made now: its first pod, and what all of its pods together mean.
    async fn ours(&self, attempt: AttemptRef) -> Result<Option<(Pod, Reading)>, Trouble> {
        let patience = self.settings.patience;
        let Some(pod) = self.find(attempt).await?.filter(|pod| self.is_ours(pod)) else { return Ok(None) };
        let Some(first) = status::read(&pod, patience) else { return Ok(None) };
        let parts = parts::read(self, &first).await?;
        let reading = set::together(&first, Some(&parts), self.settings.clock.now(), patience);
        Ok(Some((pod, reading)))
    }

    /// Goes over the pods of a namespace, a page at a time, as they were at one moment.
    async fn each_pod(
        &self,
        namespace: &str,
        selector: &str,
        mut each: impl FnMut(Pod),
    ) -> Result<(), Trouble> {
        let api = api::pods(&self.client, namespace);
        let mut params = ListParams::default().labels(selector).limit(PAGE);
        loop {
            let doing = || format!("can't list the pods in the namespace {namespace}");
            let Some(list) = api::call(doing, api.list(&params)).await? else { return Ok(()) };
            list.items.into_iter().for_each(&mut each);
            match list.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(()),
            }
        }
    }
}

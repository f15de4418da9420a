//! One cluster as a test sees it: clients, kubeconfigs, namespaces, and what can be done to its API server.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace as NamespaceObject, ServiceAccount};
use kube::api::{ObjectMeta, PostParams};
use kube::config::KubeConfigOptions;
use kube::{Api, Client, Config};

use super::audit::{self, AuditEvent};
use super::control_plane::ControlPlane;
use super::kubeconfig::{parse, with_token};
use super::namespace::Namespace;
use super::options::Options;
use super::programs;
use super::surroundings::{given_kubeconfig, not_run};
use super::waiting::until_or;
use crate::certificates::Identity;
use crate::process::run;

/// How long the parts of a control plane may take to come up, on a machine that is busy with other things.
const START: Duration = Duration::from_secs(120);

/// A Kubernetes cluster: one of its own, gone with this value, or the one that `BERTH_TEST_KUBECONFIG` names.
#[derive(Debug)]
pub struct Cluster {
    kind: Kind,
    kubeconfig: String,
}

#[derive(Debug)]
enum Kind {
    Own(Box<ControlPlane>),
    Given,
}

impl Cluster {
    /// Starts a control plane and waits until pods can be made: seconds. There is no node yet.
    ///
    /// # Panics
    /// If the programs are missing, or it doesn't come up; the message has the ends of the logs.
    pub async fn start(options: Options) -> Self {
        let mut plane = ControlPlane::start(options);
        let kubeconfig = plane.kubeconfig_of("berth-test-admin", Some("system:masters"), "default");
        ready(&kubeconfig, &plane).await;
        plane.start_controllers();
        let cluster = Self { kind: Kind::Own(Box::new(plane)), kubeconfig };
        cluster.wait_for_default_service_account("default").await;
        cluster
    }

    /// As [`Self::start`], for a test that breaks its API server or needs several: a cluster that is given by
    /// `BERTH_TEST_KUBECONFIG` can't stand in. There it says so, loudly, and the test ends; in CI it fails.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn own(options: Options) -> Option<Self> {
        if given_kubeconfig().is_some() {
            not_run("it needs a control plane of its own, and BERTH_TEST_KUBECONFIG names another cluster");
            return None;
        }
        Some(Self::start(options).await)
    }

    /// The cluster that the tests of this program share: the given one, or one of its own with default options.
    ///
    /// # Panics
    /// As [`Self::start`], or if the given kubeconfig can't be read.
    pub async fn shared() -> &'static Self {
        static SHARED: tokio::sync::OnceCell<Cluster> = tokio::sync::OnceCell::const_new();
        SHARED
            .get_or_init(|| async {
                match given_kubeconfig() {
                    Some(kubeconfig) => Self { kind: Kind::Given, kubeconfig },
                    None => Self::start(Options::default()).await,
                }
            })
            .await
    }

    /// Whether the control plane is ours, so that only our nodes are there.
    pub fn is_own(&self) -> bool {
        matches!(self.kind, Kind::Own(_))
    }

    /// The administrator's kubeconfig, as text.
    pub fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    /// A client for the administrator, of the runtime that it is made in.
    ///
    /// # Panics
    /// If the kubeconfig makes no client.
    pub async fn client(&self) -> Client {
        Self::client_of(&self.kubeconfig).await
    }

    /// A client for whoever `kubeconfig` (its text) says.
    ///
    /// # Panics
    /// If it makes no client.
    pub async fn client_of(kubeconfig: &str) -> Client {
        let parsed = parse(kubeconfig);
        let config = Config::from_custom_kubeconfig(parsed, &KubeConfigOptions::default()).await;
        let config = config.unwrap_or_else(|error| panic!("the kubeconfig says no server or user: {error}"));
        Client::try_from(config).unwrap_or_else(|error| panic!("no client for the cluster: {error}"))
    }

    /// Makes a namespace, named `prefix` and something random, in which pods can be made at once.
    ///
    /// # Panics
    /// If the cluster refuses.
    pub async fn namespace(&self, prefix: &str) -> Namespace {
        let namespaces: Api<NamespaceObject> = Api::all(self.client().await);
        let wanted = NamespaceObject {
            metadata: ObjectMeta { generate_name: Some(format!("{prefix}-")), ..ObjectMeta::default() },
            ..NamespaceObject::default()
        };
        let made = namespaces.create(&PostParams::default(), &wanted).await;
        let made =
            made.unwrap_or_else(|error| panic!("the cluster makes no namespace `{prefix}-...`: {error}"));
        let name = made.metadata.name.unwrap_or_default();
        self.wait_for_default_service_account(&name).await;
        let removed_by = (!self.is_own()).then(|| self.kubeconfig.clone());
        Namespace::new(name, removed_by)
    }

    /// A kubeconfig for an ordinary user, who may do what RBAC gives to that name. Only for clusters of one's own.
    ///
    /// # Panics
    /// If the cluster is a given one: it would not know the user.
    pub fn kubeconfig_of_user(&self, user: &str, namespace: &str) -> String {
        self.plane().kubeconfig_of(user, None, namespace)
    }

    /// A kubeconfig for a service account, which is made if it is missing. It may do what RBAC gives to it.
    ///
    /// # Panics
    /// If the cluster refuses.
    pub async fn kubeconfig_of_service_account(&self, namespace: &str, name: &str) -> String {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client().await, namespace);
        let account = ServiceAccount {
            metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
            ..ServiceAccount::default()
        };
        match accounts.create(&PostParams::default(), &account).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => panic!("the cluster makes no service account {namespace}/{name}: {error}"),
        }
        let request = TokenRequest {
            spec: TokenRequestSpec { expiration_seconds: Some(6 * 3600), ..TokenRequestSpec::default() },
            ..TokenRequest::default()
        };
        let answer = accounts.create_token_request(name, &PostParams::default(), &request).await;
        let token = answer.ok().and_then(|answer| answer.status).map(|status| status.token);
        let token = token.unwrap_or_else(|| panic!("the cluster gives no token for {namespace}/{name}"));
        with_token(&self.kubeconfig, namespace, &token)
    }

    /// The kubeconfig by which fake nodes speak, so that an audit log tells them from the test.
    pub(super) fn kubeconfig_of_nodes(&self) -> String {
        match &self.kind {
            Kind::Own(plane) => plane.kubeconfig_of("fake-kubelet", Some("system:masters"), "default"),
            Kind::Given => self.kubeconfig.clone(),
        }
    }

    /// The kubeconfig of a real node's kubelet.
    pub(super) fn kubeconfig_of_kubelet(&self, node: &str) -> String {
        self.plane().kubeconfig_of(&format!("system:node:{node}"), Some("system:nodes"), "default")
    }

    /// A certificate for a server that this cluster's API server asks.
    pub(super) fn server_identity(&self, names: &[&str], addresses: &[IpAddr]) -> Identity {
        self.plane().server_identity(names, addresses)
    }

    /// Files with a certificate for a server of that name, and its key, that [`Self::authority_in_base64`] has signed.
    ///
    /// # Panics
    /// If the cluster is a given one, or they can't be written.
    pub fn serving_files(&self, name: &str) -> (PathBuf, PathBuf) {
        let identity = self.plane().server_identity(&[name], &[]);
        let write = |kind: &str, text: &str| {
            let path = self.folder().join(format!("{name}.{kind}"));
            std::fs::write(&path, text)
                .unwrap_or_else(|error| panic!("can't write {}: {error}", path.display()));
            path
        };
        (write("crt", &identity.certificate), write("key", &identity.key))
    }

    /// The certificate of the cluster's authority, PEM in base64, as objects have it.
    ///
    /// # Panics
    /// If the cluster is a given one.
    pub fn authority_in_base64(&self) -> String {
        BASE64.encode(self.plane().authority())
    }

    /// A user's certificate and key, PEM, as the cluster's authority signs them.
    ///
    /// # Panics
    /// If the cluster is a given one.
    pub fn identity_of_user(&self, user: &str, group: Option<&str>) -> String {
        let identity = self.plane().client_identity(user, group);
        format!("{}{}", identity.certificate, identity.key)
    }

    /// The loopback port of the API server.
    ///
    /// # Panics
    /// If the cluster is a given one.
    pub fn port(&self) -> u16 {
        self.plane().port()
    }

    /// One of its kubeconfigs, for the API server behind another loopback port: a proxy's, that cuts and stalls.
    ///
    /// # Panics
    /// If the cluster is a given one.
    pub fn through(&self, kubeconfig: &str, port: u16) -> String {
        let url = |port: u16| format!("https://127.0.0.1:{port}");
        kubeconfig.replace(&url(self.port()), &url(port))
    }

    /// What was changed so far, by its audit log. [`Options::audit`] asks for one.
    ///
    /// # Panics
    /// If the cluster is a given one, or has no audit log.
    pub fn audit(&self) -> Vec<AuditEvent> {
        audit::read(&self.plane().audit_log())
    }

    /// A folder that is removed with the cluster, for files that belong to it.
    ///
    /// # Panics
    /// If the cluster is a given one.
    pub fn folder(&self) -> PathBuf {
        self.plane().folder().to_owned()
    }

    /// Writes the administrator's kubeconfig to a file that is gone with the cluster; returns its path.
    ///
    /// # Panics
    /// If the cluster is a given one, or the file can't be written.
    pub fn kubeconfig_file(&self) -> PathBuf {
        let path = self.folder().join("admin.kubeconfig");
        std::fs::write(&path, &self.kubeconfig)
            .unwrap_or_else(|error| panic!("can't write {}: {error}", path.display()));
        path
    }

    /// Runs the stock `kubectl` as the administrator; returns what it printed.
    ///
    /// # Panics
    /// If the cluster is a given one, or `kubectl` fails.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(programs().join("kubectl"));
        run(command.arg("--kubeconfig").arg(self.kubeconfig_file()).args(arguments))
    }

    /// Kills the API server by SIGKILL. What etcd has stays.
    ///
    /// # Panics
    /// If the cluster is a given one.
    pub fn kill_api_server(&mut self) {
        self.plane_mut().kill_api_server();
    }

    /// Starts the API server again on its port, killing it first if it runs, and waits until it is ready.
    ///
    /// # Panics
    /// If the cluster is a given one, or the API server doesn't come up.
    pub async fn restart_api_server(&mut self) {
        self.plane_mut().start_api_server();
        ready(&self.kubeconfig, self.plane()).await;
    }

    /// Stops the API server by SIGSTOP (`true`), so that it hangs, or lets it go on (`false`).
    ///
    /// # Panics
    /// If the cluster is a given one.
    pub fn freeze_api_server(&mut self, frozen: bool) {
        self.plane_mut().freeze_api_server(frozen);
    }

    /// Compacts etcd up to now. The API server answers from its own memory what it still has: a watch of an older
    /// version ends with 410 after [`Self::restart_api_server`].
    ///
    /// # Panics
    /// If the cluster is a given one, or etcd refuses.
    pub fn compact_etcd(&mut self) {
        self.plane_mut().compact_etcd();
    }

    fn plane(&self) -> &ControlPlane {
        match &self.kind {
            Kind::Own(plane) => plane,
            Kind::Given => panic!("{NOT_OURS}"),
        }
    }

    fn plane_mut(&mut self) -> &mut ControlPlane {
        match &mut self.kind {
            Kind::Own(plane) => plane,
            Kind::Given => panic!("{NOT_OURS}"),
        }
    }

    /// Pods are refused in a namespace until its default service account is there.
    async fn wait_for_default_service_account(&self, namespace: &str) {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client().await, namespace);
        let found = async || accounts.get_opt("default").await.ok().flatten().map(drop);
        let logs = || if let Kind::Own(plane) = &self.kind { plane.logs() } else { String::new() };
        until_or(|| format!("`{namespace}` has a default service account\n{}", logs()), START, found).await;
    }
}

const NOT_OURS: &str = "only a control plane of its own can be treated so: use Cluster::own for this test";

/// Waits until the API server says that it is ready.
async fn ready(kubeconfig: &str, plane: &ControlPlane) {
    let client = Cluster::client_of(kubeconfig).await;
    let is_ready = async || {
        let request = http::Request::get("/readyz").body(Vec::new()).ok()?;
        let answer = tokio::time::timeout(Duration::from_secs(5), client.request_text(request)).await;
        answer.is_ok_and(|answer| answer.is_ok()).then_some(())
    };
    until_or(|| format!("the API server is ready\n{}", plane.logs()), START, is_ready).await;
}

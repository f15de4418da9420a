//! The processes of one control plane: etcd, API server, controller manager, scheduler.
//!
//! All on loopback, on free ports, in one temporary folder; a reaper ends them with the test process. Says how each
//! is started, killed and started again; what is asked of the API is in `cluster`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use serde_json::json;

use super::etcd;
use super::kubeconfig::kubeconfig;
use super::options::Options;
use super::programs::server;
use crate::certificates::{Authority, Identity, token_keys};
use crate::process::{Reaper, folder, kill_group, signal_group, spawn_group, tail};
use crate::{eventually, port};

/// The API server wants to be known by an address that is not loopback. It tells others this one, from the block
/// for documentation; nobody listens there, and nobody is told.
const ADVERTISED: &str = "198.51.100.1";

/// A running control plane.
#[derive(Debug)]
pub(super) struct ControlPlane {
    folder: PathBuf,
    options: Options,
    ports: Ports,
    authority: Authority,
    etcd: Child,
    api_server: Option<Child>,
    others: Vec<Child>,
    reaper: Reaper,
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    etcd: u16,
    etcd_peers: u16,
    api_server: u16,
}

impl ControlPlane {
    /// Starts etcd and the API server, which is not ready yet.
    pub(super) fn start(options: Options) -> Self {
        let folder = folder("kubernetes");
        let reaper = Reaper::start(&folder);
        let ports = Ports { etcd: port::free(), etcd_peers: port::free(), api_server: port::free() };
        let authority = Authority::new("berth-test");
        write_keys(&folder, &authority);
        let etcd = spawn_group(&mut etcd_command(&folder, ports), &folder.join("etcd.log"));
        let mut plane =
            Self { folder, options, ports, authority, etcd, api_server: None, others: Vec::new(), reaper };
        plane.watch();
        let up = eventually(Duration::from_secs(60), || etcd::is_healthy(ports.etcd));
        assert!(up, "etcd is not healthy on port {}:\n{}", ports.etcd, tail(&plane.log("etcd")));
        plane.start_api_server();
        plane
    }

    /// Starts the controller manager and the scheduler: they want an API server that is ready.
    pub(super) fn start_controllers(&mut self) {
        for (program, user) in [
            ("kube-controller-manager", "system:kube-controller-manager"),
            ("kube-scheduler", "system:kube-scheduler"),
        ] {
            let config =
                self.write(&format!("{program}.kubeconfig"), &self.kubeconfig_of(user, None, "default"));
            let mut command = server(program);
            command.arg("--secure-port=0").arg("--leader-elect=false");
            if program == "kube-scheduler" {
                command
                    .arg(argument("config", &self.write("scheduler.json", &self.scheduler_config(&config))));
            } else {
                self.controller_manager_arguments(&mut command, &config);
            }
            self.feature_gates(&mut command);
            self.others.push(spawn_group(&mut command, &self.log(program)));
        }
        self.watch();
    }

    /// Starts the API server again on the same port, killing it first if it runs. It is not ready yet.
    pub(super) fn start_api_server(&mut self) {
        self.kill_api_server();
        let mut command = self.api_server_command();
        self.api_server = Some(spawn_group(&mut command, &self.log("kube-apiserver")));
        self.watch();
    }

    /// Kills the API server by SIGKILL.
    pub(super) fn kill_api_server(&mut self) {
        if let Some(mut child) = self.api_server.take() {
            kill_group(&mut child);
        }
    }

    /// Stops the API server by SIGSTOP (`true`) or lets it go on (`false`).
    pub(super) fn freeze_api_server(&self, frozen: bool) {
        if let Some(child) = &self.api_server {
            signal_group(child, if frozen { "STOP" } else { "CONT" });
        }
    }

    /// The URL of the API server.
    pub(super) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports.api_server)
    }

    /// The port of the API server.
    pub(super) fn port(&self) -> u16 {
        self.ports.api_server
    }

    /// Compacts etcd up to now.
    pub(super) fn compact_etcd(&self) {
        etcd::compact(self.ports.etcd);
    }

    /// A kubeconfig for a user with a fresh certificate.
    pub(super) fn kubeconfig_of(&self, user: &str, group: Option<&str>, namespace: &str) -> String {
        let identity = self.authority.client(user, group);
        kubeconfig(&self.url(), &self.authority.certificate(), namespace, &identity)
    }

    /// A user's certificate.
    pub(super) fn client_identity(&self, user: &str, group: Option<&str>) -> Identity {
        self.authority.client(user, group)
    }

    /// The certificate of its authority, PEM.
    pub(super) fn authority(&self) -> String {
        self.authority.certificate()
    }

    /// A server's certificate that the API server and the cluster's clients believe.
    pub(super) fn server_identity(&self, names: &[&str], addresses: &[IpAddr]) -> Identity {
        self.authority.server(names, addresses)
    }

    /// Where the audit log is, if there is one.
    pub(super) fn audit_log(&self) -> PathBuf {
        self.folder.join("audit.log")
    }

    /// The folder of its data, keys and logs.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The last lines of every log, for a panic's message.
    pub(super) fn logs(&self) -> String {
        let names = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];
        names.map(|name| format!("--- {name}\n{}", tail(&self.log(name)))).join("\n")
    }

    fn watch(&mut self) {
        let children = std::iter::once(&self.etcd).chain(&self.api_server).chain(&self.others);
        let groups: Vec<u32> = children.map(Child::id).collect();
        self.reaper.watch(&groups);
    }

    fn log(&self, program: &str) -> PathBuf {
        self.folder.join(format!("{program}.log"))
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        write(&self.folder, name, text)
    }

    fn api_server_command(&self) -> Command {
        let path = |name: &str| self.folder.join(name);
        let mut command = server("kube-apiserver");
        command
            .arg("--bind-address=127.0.0.1")
            .arg(format!("--secure-port={}", self.ports.api_server))
            .arg(format!("--advertise-address={ADVERTISED}"))
            .arg("--endpoint-reconciler-type=none")
            .arg(format!("--etcd-servers=http://127.0.0.1:{}", self.ports.etcd))
            .arg("--authorization-mode=Node,RBAC")
            .arg("--enable-admission-plugins=NodeRestriction")
            .arg("--allow-privileged=true")
            .arg("--service-cluster-ip-range=10.96.0.0/16")
            .arg("--service-account-issuer=https://kubernetes.default.svc")
            .arg("--requestheader-allowed-names=front-proxy")
            .arg("--requestheader-username-headers=X-Remote-User")
            .arg("--requestheader-group-headers=X-Remote-Group")
            .arg("--requestheader-extra-headers-prefix=X-Remote-Extra-")
            .arg(argument("cert-dir", &path("self-signed")))
            .arg(argument("client-ca-file", &path("ca.crt")))
            .arg(argument("tls-cert-file", &path("server.crt")))
            .arg(argument("tls-private-key-file", &path("server.key")))
            .arg(argument("kubelet-certificate-authority", &path("ca.crt")))
            .arg(argument("kubelet-client-certificate", &path("kubelet-client.crt")))
            .arg(argument("kubelet-client-key", &path("kubelet-client.key")))
            .arg("--kubelet-preferred-address-types=InternalIP,Hostname")
            .arg(argument("service-account-key-file", &path("tokens.pub")))
            .arg(argument("service-account-signing-key-file", &path("tokens.key")))
            .arg(argument("requestheader-client-ca-file", &path("front-proxy-ca.crt")))
            .arg(argument("proxy-client-cert-file", &path("front-proxy.crt")))
            .arg(argument("proxy-client-key-file", &path("front-proxy.key")));
        if self.options.audit {
            let policy = json!({
                "apiVersion": "audit.k8s.io/v1",
                "kind": "Policy",
                "omitStages": ["RequestReceived"],
                "rules": [
                    { "level": "None", "verbs": ["get", "list", "watch"] },
                    { "level": "None", "resources": [
                        { "group": "coordination.k8s.io" },
                        { "group": "events.k8s.io" },
                        { "group": "", "resources": ["events", "pods/status", "nodes/status"] },
                    ] },
                    { "level": "Metadata" },
                ],
            });
            command
                .arg(argument("audit-policy-file", &self.write("audit-policy.json", &policy.to_string())))
                .arg(argument("audit-log-path", &self.audit_log()))
                .arg("--audit-log-mode=blocking-strict");
        }
        self.feature_gates(&mut command);
        command.args(&self.options.api_server_arguments);
        command
    }

    fn controller_manager_arguments(&self, command: &mut Command, kubeconfig: &Path) {
        let path = |name: &str| self.folder.join(name);
        command
            .arg(argument("kubeconfig", kubeconfig))
            .arg(argument("root-ca-file", &path("ca.crt")))
            .arg(argument("service-account-private-key-file", &path("tokens.key")))
            .arg("--use-service-account-credentials=true")
            .arg("--kube-api-qps=1000")
            .arg("--kube-api-burst=2000")
            .arg(format!("--node-monitor-grace-period={}s", self.options.node_monitor_grace_period.as_secs()))
            .args(&self.options.controller_manager_arguments);
    }

    fn scheduler_config(&self, kubeconfig: &Path) -> String {
        let qps = self.options.scheduler_qps;
        let config = json!({
            "apiVersion": "kubescheduler.config.k8s.io/v1",
            "kind": "KubeSchedulerConfiguration",
            "clientConnection": { "kubeconfig": kubeconfig, "qps": qps, "burst": qps.saturating_mul(2) },
            "leaderElection": { "leaderElect": false },
        });
        config.to_string()
    }

    fn feature_gates(&self, command: &mut Command) {
        if !self.options.feature_gates.is_empty() {
            command.arg(format!("--feature-gates={}", self.options.feature_gates.join(",")));
        }
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        // Those that ask first, so that none of them fills a log with complaints.
        for child in &mut self.others {
            kill_group(child);
        }
        self.kill_api_server();
        kill_group(&mut self.etcd);
    }
}

fn etcd_command(folder: &Path, ports: Ports) -> Command {
    let client = format!("http://127.0.0.1:{}", ports.etcd);
    let peers = format!("http://127.0.0.1:{}", ports.etcd_peers);
    let mut command = server("etcd");
    command
        .arg(argument("data-dir", &folder.join("etcd")))
        .arg(format!("--listen-client-urls={client}"))
        .arg(format!("--advertise-client-urls={client}"))
        .arg(format!("--listen-peer-urls={peers}"))
        .arg(format!("--initial-advertise-peer-urls={peers}"))
        .arg(format!("--initial-cluster=default={peers}"))
        // The data are thrown away with the test.
        .arg("--unsafe-no-fsync")
        .arg("--log-level=warn");
    command
}

fn argument(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap_or_else(|error| panic!("can't write {}: {error}", path.display()));
    path
}

fn write_keys(folder: &Path, authority: &Authority) {
    // An aggregated API's server believes whoever this authority signed: not the users' own one.
    let front_proxy = Authority::new("berth-test-front-proxy");
    let (private, public) = token_keys();
    let identities = [
        ("server", authority.server(&["localhost", "kubernetes.default.svc"], &[])),
        ("kubelet-client", authority.client("kube-apiserver-kubelet-client", Some("system:masters"))),
        ("front-proxy", front_proxy.client("front-proxy", None)),
    ];
    for (name, identity) in identities {
        write(folder, &format!("{name}.crt"), &identity.certificate);
        write(folder, &format!("{name}.key"), &identity.key);
    }
    write(folder, "ca.crt", &authority.certificate());
    write(folder, "front-proxy-ca.crt", &front_proxy.certificate());
    write(folder, "tokens.key", &private);
    write(folder, "tokens.pub", &public);
}

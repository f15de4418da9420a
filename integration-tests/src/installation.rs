//! An installation: embedded in one process, or two replicas of each role on a real broker and PostgreSQL.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use berth_test_servers::process::run;
use berth_test_servers::{Postgres, Proxy, RabbitMq, Redis, port};
use serde_json::json;
use tokio::time::Instant;

use crate::client::Client;
use crate::role::Role;

/// What an installation stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backing {
    /// One process: SQLite and the in-process transport.
    Embedded,
    /// RabbitMQ and PostgreSQL; two replicas of each role.
    RabbitMq,
    /// Redis and PostgreSQL; two replicas of each role.
    Redis,
}

/// The servers of an installation.
#[derive(Debug)]
pub enum BrokerServer {
    /// None: the broker is in the process.
    None,
    /// RabbitMQ.
    RabbitMq(RabbitMq),
    /// Redis.
    Redis(Redis),
}

/// Proxies in front of an installation's servers.
#[derive(Debug)]
pub struct Proxies {
    /// Before the broker.
    pub broker: Proxy,
    /// Before the database.
    pub database: Proxy,
}

/// What some installations have and most have not.
#[derive(Debug, Clone, Default)]
struct Extras {
    /// Proxies before the servers.
    proxied: bool,
    /// A broker that can be told of users.
    managed: bool,
    /// How long a consumer may hold a message: RabbitMQ's consumer timeout, Redis' visibility timeout.
    held_at_most: Option<Duration>,
    /// What is set for all of its processes.
    settings: Vec<(&'static str, String)>,
}

impl BrokerServer {
    fn start(backing: Backing, extras: &Extras) -> Self {
        match (backing, extras.held_at_most) {
            (Backing::Embedded, _) => Self::None,
            (Backing::RabbitMq, Some(limit)) => Self::RabbitMq(RabbitMq::start_impatient(limit)),
            (Backing::RabbitMq, None) if extras.managed => Self::RabbitMq(RabbitMq::start_managed()),
            (Backing::RabbitMq, None) => Self::RabbitMq(RabbitMq::start()),
            (Backing::Redis, _) => Self::Redis(Redis::start()),
        }
    }

    /// Its loopback port; 0 if it is in the process.
    pub fn port(&self) -> u16 {
        match self {
            Self::None => 0,
            Self::RabbitMq(server) => server.port(),
            Self::Redis(server) => server.port(),
        }
    }

    /// Its URL through another port, a proxy's.
    pub fn url_through(&self, port: u16) -> String {
        match self {
            Self::None => "memory:".to_owned(),
            Self::RabbitMq(server) => server.url_through(port),
            Self::Redis(server) => server.url_through(port),
        }
    }
}

/// A running installation with one agent, `local`, and one project, `default`.
#[derive(Debug)]
pub struct Installation {
    /// Its client.
    pub client: Client,
    /// Its processes.
    pub roles: Vec<Role>,
    /// Its broker.
    pub broker: BrokerServer,
    /// Its database, if it is a server.
    pub postgres: Option<Postgres>,
    /// What stands between its processes and its servers, if something does.
    pub proxies: Option<Proxies>,
    /// A folder that its runs may write to, gone with it.
    pub folder: PathBuf,
    settings: Vec<(&'static str, String)>,
    _temporary: tempfile::TempDir,
}

impl Installation {
    /// Starts one and waits until a run would be taken.
    ///
    /// # Panics
    /// If something can't be started.
    pub async fn start(backing: Backing) -> Self {
        Self::start_with(backing, 2).await
    }

    /// Starts one with that many schedulers (one process has one).
    ///
    /// # Panics
    /// If something can't be started.
    pub async fn start_with(backing: Backing, schedulers: usize) -> Self {
        Self::start_as(backing, schedulers, Extras::default()).await
    }

    /// Starts one whose broker can be told of users: RabbitMQ has its management API.
    ///
    /// # Panics
    /// If something can't be started.
    pub async fn start_managed(backing: Backing) -> Self {
        Self::start_as(backing, 2, Extras { managed: true, ..Extras::default() }).await
    }

    /// Starts one whose processes reach broker and database through [`Proxies`] only.
    ///
    /// # Panics
    /// If something can't be started.
    pub async fn start_behind_proxies(backing: Backing) -> Self {
        Self::start_as(backing, 2, Extras { proxied: true, ..Extras::default() }).await
    }

    /// Starts one on whose broker messages may be held for so long only, in whole seconds: RabbitMQ takes them for stuck
    /// then, and on Redis they are delivered again if nobody has refreshed them.
    ///
    /// # Panics
    /// If something can't be started.
    pub async fn start_impatient(backing: Backing, held_at_most: Duration) -> Self {
        Self::start_as(backing, 2, Extras { held_at_most: Some(held_at_most), ..Extras::default() }).await
    }

    /// Starts one with one scheduler, whose processes have these settings, too.
    ///
    /// # Panics
    /// If something can't be started.
    pub async fn start_set(backing: Backing, settings: Vec<(&'static str, String)>) -> Self {
        Self::start_as(backing, 1, Extras { settings, ..Extras::default() }).await
    }

    async fn start_as(backing: Backing, schedulers: usize, extras: Extras) -> Self {
        let temporary =
            tempfile::TempDir::new().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let folder = temporary.path().to_owned();
        let installation = match backing {
            Backing::Embedded => embedded(folder, temporary, extras.settings),
            Backing::RabbitMq | Backing::Redis => {
                let broker = BrokerServer::start(backing, &extras);
                replicated(folder, temporary, broker, schedulers, extras)
            }
        };
        installation.prepare(backing).await;
        installation
    }

    async fn prepare(&self, backing: Backing) {
        self.until_ready().await;
        if backing != Backing::Embedded {
            let agent = json!({"name": "local", "is_default": true});
            self.client.call("POST", "/api/v1/orgs/default/agents", Some(&agent)).await;
            let (status, answer) = self
                .client
                .send("POST", "/api/v1/default/projects/create", Some(&json!({"name": "default"})))
                .await;
            assert!(status == 201 || status == 400, "{status} {answer}");
        }
    }

    /// Waits until every API replica is ready.
    ///
    /// # Panics
    /// If one is not within 60 s.
    pub async fn until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let (status, answer) = self.client.send("GET", "/readyz", None).await;
            if status == 200 {
                return;
            }
            assert!(Instant::now() < deadline, "not ready: {status} {answer}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The roles whose names begin with `kind` (`api`, `scheduler`, `agent`, `up`).
    pub fn roles_of(&mut self, kind: &str) -> impl Iterator<Item = &mut Role> {
        let kind = kind.to_owned();
        self.roles.iter_mut().filter(move |role| role.name().starts_with(&kind))
    }

    /// One role by its name.
    ///
    /// # Panics
    /// If there is none.
    pub fn role(&mut self, name: &str) -> &mut Role {
        self.roles.iter_mut().find(|role| role.name() == name).unwrap_or_else(|| panic!("no role {name}"))
    }

    /// Runs `berth` with this installation's settings, for its output.
    pub fn berth(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new(crate::berth());
        command.args(arguments).env("BERTH_HOST", self.client.base());
        if let Some(token) = self.client.token() {
            command.env("BERTH_TOKEN", token);
        }
        command.env("XDG_CONFIG_HOME", self.folder.join("config"));
        command.output().unwrap_or_else(|error| panic!("berth can't be started: {error}"))
    }

    /// The environment that its processes were started with.
    pub fn settings(&self) -> &[(&'static str, String)] {
        &self.settings
    }

    /// Makes another agent with that name, and starts a replica of it in a data folder of its own; on `proxy`'s way to
    /// the broker, if one is given.
    pub async fn start_agent(&self, name: &str, proxy: Option<&Proxy>) -> Role {
        self.client.call("POST", "/api/v1/orgs/default/agents", Some(&json!({"name": name}))).await;
        let port = proxy.map_or_else(|| self.broker.port(), Proxy::port);
        self.start_agent_at(name, name, &self.broker.url_through(port))
    }

    /// Starts a replica of an agent that has nothing but its name and a broker URL, in a data folder of its own.
    pub fn start_agent_at(&self, name: &str, replica: &str, broker_url: &str) -> Role {
        let folder = |name: &str| self.folder.join(name).display().to_string();
        let mut settings = vec![
            ("BERTH_BROKER_URL", broker_url.to_owned()),
            // Replicas of a process agent share their machine's folder.
            ("BERTH_DATA_DIR", folder(name)),
            ("XDG_CONFIG_HOME", folder("config")),
        ];
        let visibility = "BERTH_BROKER_VISIBILITY_SECONDS";
        settings.extend(self.settings.iter().filter(|(key, _)| *key == visibility).cloned());
        let arguments = ["agent", "--name", name, "--executor", "process"];
        with_metrics(&self.folder, &format!("agent-{replica}"), &arguments, &settings)
    }

    /// A proxy on the way to the broker.
    ///
    /// # Panics
    /// If the broker is no server.
    pub fn proxy(&self) -> Proxy {
        assert!(!matches!(self.broker, BrokerServer::None), "the broker is in the process");
        Proxy::start(self.broker.port())
    }

    /// Kills the broker by SIGKILL.
    pub fn kill_broker(&mut self) {
        match &mut self.broker {
            BrokerServer::None => {}
            BrokerServer::RabbitMq(server) => server.kill9(),
            BrokerServer::Redis(server) => server.kill9(),
        }
    }

    /// Starts the broker again.
    pub fn restart_broker(&mut self) {
        match &mut self.broker {
            BrokerServer::None => {}
            BrokerServer::RabbitMq(server) => server.restart(),
            BrokerServer::Redis(server) => server.restart(),
        }
    }

    /// Wipes the broker: all its queues and messages are gone, on RabbitMQ its users, too. Redis loses those when it is
    /// started again.
    pub fn wipe_broker(&mut self) {
        match &mut self.broker {
            BrokerServer::None => {}
            BrokerServer::RabbitMq(server) => server.reset(),
            BrokerServer::Redis(server) => server.flushall(),
        }
    }
}

fn embedded(
    folder: PathBuf,
    temporary: tempfile::TempDir,
    more: Vec<(&'static str, String)>,
) -> Installation {
    let port = port::free();
    let mut settings = vec![
        ("BERTH_DATA_DIR", folder.join("data").display().to_string()),
        ("BERTH_LISTEN", format!("127.0.0.1:{port}")),
        ("XDG_CONFIG_HOME", folder.join("config").display().to_string()),
    ];
    settings.extend(more);
    let up = Role::start(&folder, "up", &["up"], &settings);
    Installation {
        client: Client::new(vec![format!("http://127.0.0.1:{port}")], None),
        roles: vec![up],
        broker: BrokerServer::None,
        postgres: None,
        proxies: None,
        folder,
        settings,
        _temporary: temporary,
    }
}

fn replicated(
    folder: PathBuf,
    temporary: tempfile::TempDir,
    broker: BrokerServer,
    schedulers: usize,
    extras: Extras,
) -> Installation {
    let postgres = Postgres::start();
    let proxies = extras
        .proxied
        .then(|| Proxies { broker: Proxy::start(broker.port()), database: Proxy::start(postgres.port()) });
    let (broker_port, database_port) = match &proxies {
        Some(proxies) => (proxies.broker.port(), proxies.database.port()),
        None => (broker.port(), postgres.port()),
    };
    let mut settings = vec![
        ("BERTH_DATABASE_URL", postgres.url_through(database_port)),
        ("BERTH_BROKER_URL", broker.url_through(broker_port)),
        ("BERTH_DATA_DIR", folder.join("data").display().to_string()),
        ("XDG_CONFIG_HOME", folder.join("config").display().to_string()),
    ];
    if let (true, BrokerServer::RabbitMq(server)) = (extras.managed, &broker) {
        settings.push(("BERTH_BROKER_MANAGEMENT_URL", server.management_url()));
    }
    if let Some(limit) = extras.held_at_most {
        settings.push(("BERTH_BROKER_VISIBILITY_SECONDS", limit.as_secs().to_string()));
    }
    settings.extend(extras.settings);
    admin(&settings, &["admin", "migrate"]);
    let token = admin(&settings, &["admin", "token", "--name", "test"]);
    let (mut roles, mut bases) = (Vec::new(), Vec::new());
    for n in 1..=2 {
        let listen = format!("127.0.0.1:{}", port::free());
        bases.push(format!("http://{listen}"));
        roles.push(with_metrics(&folder, &format!("api-{n}"), &["api", "--listen", &listen], &settings));
    }
    for n in 1..=schedulers {
        roles.push(with_metrics(&folder, &format!("scheduler-{n}"), &["scheduler"], &settings));
    }
    for n in 1..=2 {
        let arguments = ["agent", "--name", "local", "--executor", "process"];
        roles.push(with_metrics(&folder, &format!("agent-{n}"), &arguments, &settings));
    }
    Installation {
        client: Client::new(bases, Some(token.trim().to_owned())),
        roles,
        broker,
        postgres: Some(postgres),
        proxies,
        folder,
        settings,
        _temporary: temporary,
    }
}

fn with_metrics(folder: &Path, name: &str, arguments: &[&str], settings: &[(&str, String)]) -> Role {
    let listen = format!("127.0.0.1:{}", port::free());
    let mut arguments = arguments.to_vec();
    arguments.extend(["--metrics-listen", &listen]);
    Role::start(folder, name, &arguments, settings)
}

fn admin(settings: &[(&str, String)], arguments: &[&str]) -> String {
    run(Command::new(crate::berth())
        .args(arguments)
        .envs(settings.iter().map(|(key, value)| (*key, value.as_str()))))
}

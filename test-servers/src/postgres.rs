//! A PostgreSQL server for tests: fsync on, trust on loopback, made by `initdb` once per process.
//!
//! PostgreSQL refuses to run as root: then it runs as the user `postgres`, through `setpriv`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::time::Duration;

use crate::process::{
    Reaper, folder, is_root, kill_group, run, run_quietly, signal_group, spawn_group, tail,
};
use crate::{eventually, port};

/// A running (or stopped) PostgreSQL server.
#[derive(Debug)]
pub struct Postgres {
    port: u16,
    folder: PathBuf,
    /// `name=value`, over those that every server gets.
    settings: Vec<String>,
    child: Option<Child>,
    reaper: Reaper,
}

/// The folder made by `initdb`, copied for each server of this process.
struct Template {
    data: PathBuf,
    _reaper: Reaper,
}

static TEMPLATE: OnceLock<Template> = OnceLock::new();

impl Postgres {
    /// Starts a server and waits until it takes connections.
    ///
    /// # Panics
    /// If PostgreSQL is missing or doesn't start.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more settings, each `name=value`.
    ///
    /// # Panics
    /// If PostgreSQL is missing or doesn't start.
    pub fn start_with(settings: &[&str]) -> Self {
        let mut server = Self::new(settings);
        server.restart();
        server
    }

    /// Starts one that speaks TLS only, to clients with a certificate of the same authority.
    ///
    /// # Panics
    /// If PostgreSQL is missing or doesn't start.
    #[cfg(feature = "tls")]
    pub fn start_tls(tls: &crate::tls::Tls) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let settings =
            ["ssl=on", "ssl_ca_file=ca.pem", "ssl_cert_file=server.pem", "ssl_key_file=server.key"];
        let mut server = Self::new(&settings);
        let data = server.folder.join("data");
        tls.write_server(&data);
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(data.join(crate::tls::KEY), mode).unwrap_or_else(|error| panic!("{error}"));
        let rule = "hostssl all all 127.0.0.1/32 trust clientcert=verify-ca\n";
        std::fs::write(data.join("pg_hba.conf"), rule).unwrap_or_else(|error| panic!("{error}"));
        own(&data.join(crate::tls::KEY));
        server.restart();
        server
    }

    fn new(settings: &[&str]) -> Self {
        let template = TEMPLATE.get_or_init(|| {
            let folder = folder("postgres-template");
            own(&folder);
            let data = folder.join("data");
            run(as_server_user(&binary("initdb"))
                .args(["--auth=trust", "--username=postgres"])
                .args(["--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions", "-D"])
                .arg(&data));
            Template { data, _reaper: Reaper::start(&folder) }
        });
        let folder = folder("postgres");
        let reaper = Reaper::start(&folder);
        run(Command::new("cp").arg("-a").arg(&template.data).arg(folder.join("data")));
        own(&folder);
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        Self { port: port::free(), folder, settings, child: None, reaper }
    }

    /// The loopback port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `postgres://postgres@127.0.0.1:port/postgres`.
    pub fn url(&self) -> String {
        self.url_through(self.port)
    }

    /// [`Self::url`] with another port, a proxy's.
    pub fn url_through(&self, port: u16) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/postgres")
    }

    /// The URL of another database of this server.
    pub fn database_url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes an empty database and returns its URL: cheaper than a server of one's own.
    ///
    /// # Panics
    /// If the server refuses, or the database exists.
    pub fn create_database(&self, name: &str) -> String {
        run(Command::new(binary("psql"))
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c"])
            .arg(format!("CREATE DATABASE \"{name}\" TEMPLATE template0"))
            .arg(self.url()));
        self.database_url(name)
    }

    /// What it answers to a query, one row a line.
    ///
    /// # Panics
    /// If it refuses.
    pub fn ask(&self, query: &str) -> String {
        run(Command::new(binary("psql")).args(["-X", "-q", "-A", "-t", "-c", query]).arg(self.url()))
    }

    /// Kills all its processes by SIGKILL, as a crash of the machine would.
    pub fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            kill_group(&mut child);
        }
    }

    /// Stops it as an administrator would (fast shutdown).
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            signal_group(&child, "INT");
            let ended = eventually(Duration::from_secs(10), || matches!(child.try_wait(), Ok(Some(_))));
            if !ended {
                kill_group(&mut child);
            }
        }
    }

    /// Keeps a copy of its data for [`Self::restore_backup`]; it is stopped meanwhile.
    ///
    /// # Panics
    /// If that is not possible.
    pub fn back_up(&mut self) {
        self.stop();
        self.copy("data", "backup");
        self.restart();
    }

    /// Puts the copy in the place of its data: all that was committed since is gone. It is stopped meanwhile.
    ///
    /// # Panics
    /// If there is no backup.
    pub fn restore_backup(&mut self) {
        self.stop();
        self.copy("backup", "data");
        self.restart();
    }

    fn copy(&self, from: &str, to: &str) {
        run(Command::new("rm").arg("-rf").arg(self.folder.join(to)));
        run(Command::new("cp").arg("-a").arg(self.folder.join(from)).arg(self.folder.join(to)));
    }

    /// Stops the processes by SIGSTOP (`true`) or lets them go on (`false`).
    pub fn freeze(&self, frozen: bool) {
        if let Some(child) = &self.child {
            signal_group(child, if frozen { "STOP" } else { "CONT" });
        }
    }

    /// Starts it again on the same port and data, killing it first if it runs.
    ///
    /// # Panics
    /// If it takes no connections within 30 seconds.
    pub fn restart(&mut self) {
        self.kill9();
        self.spawn();
        let up = eventually(Duration::from_secs(30), || {
            // Sessions of one that was killed end a moment after it, and until then it refuses to start over them.
            if self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(Some(_)))) {
                self.spawn();
            }
            run_quietly(Command::new(binary("pg_isready")).args(["-q", "-h", "127.0.0.1", "-p"]).args([
                &self.port.to_string(),
                "-U",
                "postgres",
                "-d",
                "postgres",
            ]))
        });
        let log = tail(&self.folder.join("postgres.log"));
        assert!(up, "postgres takes no connections on port {}:\n{log}", self.port);
    }

    fn spawn(&mut self) {
        let log = self.folder.join("postgres.log");
        let mut command = as_server_user(&binary("postgres"));
        command.arg("-D").arg(self.folder.join("data")).arg("-k").arg(&self.folder);
        command.args(["-p", &self.port.to_string()]);
        for setting in ["listen_addresses=127.0.0.1", "max_connections=300", "shared_buffers=64MB"] {
            command.args(["-c", setting]);
        }
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        let child = spawn_group(&mut command, &log);
        self.reaper.watch(&[child.id()]);
        self.child = Some(child);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill9();
    }
}

/// Where a PostgreSQL program is: the newest Debian-style folder, else whatever the PATH has.
fn binary(name: &str) -> PathBuf {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .collect();
    versions.sort();
    versions
        .into_iter()
        .rev()
        .map(|(_, folder)| folder.join("bin").join(name))
        .find(|path| path.exists())
        .unwrap_or_else(|| PathBuf::from(name))
}

fn as_server_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
    command.current_dir("/");
    command
}

fn own(folder: &Path) {
    if is_root() {
        run(Command::new("chown").args(["postgres:postgres"]).arg(folder));
    }
}

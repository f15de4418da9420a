//! A Redis server for tests, with a password and an append-only file.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use crate::process::{Reaper, folder, kill_group, signal_group, spawn_group, tail};
use crate::{eventually, port};

const PASSWORD: &str = "redis-test-secret";

/// A running (or killed) Redis server.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    folder: PathBuf,
    /// Whether its users are in a file.
    has_users_file: bool,
    /// The port on which it speaks TLS to clients that show a certificate, if it does.
    tls_port: Option<u16>,
    /// The port of the server that it was started as a replica of, if it was.
    master: Option<u16>,
    child: Option<Child>,
    reaper: Reaper,
}

/// The file of users in the server's folder.
const USERS: &str = "users.acl";

impl Redis {
    /// Starts a server and waits until it answers.
    ///
    /// # Panics
    /// If `redis-server` is missing or doesn't start.
    pub fn start() -> Self {
        Self::start_as(None)
    }

    /// Starts one whose users are in a file: the default one, and those of `lines`.
    ///
    /// # Panics
    /// As [`Self::start`], or if the file can't be written, or is refused.
    pub fn start_with_users(lines: &str) -> Self {
        Self::start_as(Some(lines))
    }

    /// Starts one that also speaks TLS, to clients with a certificate of the same authority.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[cfg(feature = "tls")]
    pub fn start_tls(tls: &crate::tls::Tls) -> Self {
        let mut server = Self::start();
        tls.write_server(&server.folder);
        server.tls_port = Some(port::free());
        server.restart();
        server
    }

    /// `rediss://`, on the port for TLS.
    ///
    /// # Panics
    /// If it doesn't speak TLS.
    #[cfg(feature = "tls")]
    pub fn tls_url(&self) -> String {
        let port = self.tls_port.unwrap_or_else(|| panic!("started without TLS"));
        format!("rediss://:{PASSWORD}@127.0.0.1:{port}/0")
    }

    /// Starts a replica of the one at this port, its own or that of a proxy before it; waits until it has all data.
    ///
    /// # Panics
    /// As [`Self::start`], or if the data don't come.
    pub fn start_replica(master: u16) -> Self {
        let mut server = Self::start();
        server.master = Some(master);
        server.restart();
        let synced = eventually(Duration::from_secs(30), || {
            server.info().is_some_and(|info| info.contains("master_link_status:up"))
        });
        assert!(synced, "no replication from port {master}:\n{}", tail(&server.folder.join("redis.log")));
        server
    }

    fn start_as(users: Option<&str>) -> Self {
        let folder = folder("redis");
        let reaper = Reaper::start(&folder);
        if let Some(lines) = users {
            let text = format!("user default on >{PASSWORD} ~* &* +@all\n{lines}");
            std::fs::write(folder.join(USERS), text).unwrap_or_else(|error| panic!("{USERS}: {error}"));
        }
        let has_users_file = users.is_some();
        let mut server = Self {
            port: port::free(),
            folder,
            has_users_file,
            tls_port: None,
            master: None,
            child: None,
            reaper,
        };
        server.restart();
        server
    }

    /// The loopback port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The password of the default user.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// `redis://:password@127.0.0.1:port/0`.
    pub fn url(&self) -> String {
        self.url_through(self.port)
    }

    /// The same URL with another port, a proxy's.
    pub fn url_through(&self, port: u16) -> String {
        format!("redis://:{PASSWORD}@127.0.0.1:{port}/0")
    }

    /// Kills the server by SIGKILL; what its append-only file has is kept.
    pub fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            kill_group(&mut child);
        }
    }

    /// Starts the server again on the same port and data, killing it first if it runs.
    ///
    /// # Panics
    /// If it doesn't answer within 20 seconds.
    pub fn restart(&mut self) {
        self.kill9();
        let log = self.folder.join("redis.log");
        let mut command = Command::new(program());
        if let Some(port) = self.tls_port {
            let port = port.to_string();
            command.args(["--tls-port", &port, "--tls-auth-clients", "yes", "--tls-ca-cert-file", "ca.pem"]);
            command.args(["--tls-cert-file", "server.pem", "--tls-key-file", "server.key"]);
        }
        // For when it is a replica, or becomes one.
        command.args(["--masterauth", PASSWORD, "--repl-diskless-sync-delay", "0"]);
        if let Some(master) = self.master {
            command.args(["--replicaof", "127.0.0.1", &master.to_string()]);
        }
        let child = spawn_group(
            command.current_dir(&self.folder).args([
                "--port",
                &self.port.to_string(),
                "--bind",
                "127.0.0.1",
                if self.has_users_file { "--aclfile" } else { "--requirepass" },
                if self.has_users_file { USERS } else { PASSWORD },
                "--save",
                "",
                "--appendonly",
                "yes",
                "--appendfsync",
                "everysec",
                "--dir",
                &self.folder.to_string_lossy(),
            ]),
            &log,
        );
        self.reaper.watch(&[child.id()]);
        self.child = Some(child);
        let up = eventually(Duration::from_secs(20), || self.try_command(&["PING"]).is_some());
        assert!(up, "redis-server doesn't answer on port {}:\n{}", self.port, tail(&log));
    }

    /// Stops the process by SIGSTOP (`true`) or lets it go on (`false`).
    pub fn freeze(&self, frozen: bool) {
        if let Some(child) = &self.child {
            signal_group(child, if frozen { "STOP" } else { "CONT" });
        }
    }

    /// Removes every key of every database.
    pub fn flushall(&self) {
        self.command(&["FLUSHALL"]);
    }

    /// Sends one command; returns the first line of the answer (`+OK`, `:3`, `$5`, ...).
    ///
    /// # Panics
    /// If the server doesn't answer or answers with an error.
    pub fn command(&self, words: &[&str]) -> String {
        let answer = self.try_command(words);
        answer.unwrap_or_else(|| panic!("redis refused or didn't answer {words:?}"))
    }

    /// What the server says of its replication; `None` if it doesn't answer.
    fn info(&self) -> Option<String> {
        let mut reader = self.ask(&["INFO", "replication"])?;
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut text = vec![0; line.strip_prefix('$')?.trim_end().parse().ok()?];
        reader.read_exact(&mut text).ok()?;
        String::from_utf8(text).ok()
    }

    fn try_command(&self, words: &[&str]) -> Option<String> {
        let mut line = String::new();
        self.ask(words)?.read_line(&mut line).ok()?;
        (!line.is_empty() && !line.starts_with('-')).then(|| line.trim_end().to_owned())
    }

    /// Sends one command; its answer is still to be read.
    fn ask(&self, words: &[&str]) -> Option<BufReader<TcpStream>> {
        ask(self.port, PASSWORD, words)
    }
}

/// The program; another Redis, or what speaks like it, can be named for a run by hand.
pub(crate) fn program() -> String {
    let named = std::env::var_os("BERTH_TEST_REDIS_SERVER").and_then(|name| name.into_string().ok());
    named.unwrap_or_else(|| "redis-server".to_owned())
}

/// Sends one command to what speaks like Redis at a port; its answer is still to be read.
pub(crate) fn ask(port: u16, password: &str, words: &[&str]) -> Option<BufReader<TcpStream>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut reader = BufReader::new(stream);
    send(&mut reader, &["AUTH", password])?;
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    if !line.starts_with('+') {
        return None;
    }
    send(&mut reader, words)?;
    Some(reader)
}

fn send(reader: &mut BufReader<TcpStream>, words: &[&str]) -> Option<()> {
    let mut text = format!("*{}\r\n", words.len());
    for word in words {
        text.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    reader.get_mut().write_all(text.as_bytes()).ok()
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill9();
    }
}

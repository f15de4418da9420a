//! A RabbitMQ node for tests, with its own home, cookie, data folder and port mapper.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use crate::process::{Reaper, folder, kill_group, run, signal_group, spawn_group, tail};
use crate::{eventually, port};

const USER: &str = "berth-test";
const PASSWORD: &str = "rabbit-test-secret";

/// A running (or killed) RabbitMQ node.
#[derive(Debug)]
pub struct RabbitMq {
    port: u16,
    epmd_port: u16,
    dist_port: u16,
    /// Of its management plugin, if it has it.
    management_port: Option<u16>,
    /// The port on which it speaks TLS to clients that show a certificate, if it does.
    tls_port: Option<u16>,
    /// How long a consumer may hold a message, if it is not half an hour.
    consumer_timeout: Option<Duration>,
    folder: PathBuf,
    epmd: Option<Child>,
    child: Option<Child>,
    reaper: Reaper,
}

impl RabbitMq {
    /// Starts a node and waits until it speaks AMQP (5 to 10 s: share one where tests allow it).
    ///
    /// # Panics
    /// If `rabbitmq-server` is missing or doesn't start.
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// The same with the management plugin, which costs the start a second or two.
    ///
    /// # Panics
    /// As [`Self::start`], or if the plugin does not answer.
    pub fn start_managed() -> Self {
        Self::start_with(Some(port::free()))
    }

    /// Starts one that closes the channel of whoever holds a message for that long; it looks once a second.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn start_impatient(consumer_timeout: Duration) -> Self {
        let mut server = Self::new(None);
        server.consumer_timeout = Some(consumer_timeout);
        server.configure();
        server.restart();
        server
    }

    /// Starts one that also speaks TLS, to clients with a certificate of the same authority.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[cfg(feature = "tls")]
    pub fn start_tls(tls: &crate::tls::Tls) -> Self {
        let mut server = Self::new(None);
        tls.write_server(&server.folder);
        server.tls_port = Some(port::free());
        server.configure();
        server.restart();
        server
    }

    /// `amqps://`, on the port for TLS.
    ///
    /// # Panics
    /// If it doesn't speak TLS.
    #[cfg(feature = "tls")]
    pub fn tls_url(&self) -> String {
        let port = self.tls_port.unwrap_or_else(|| panic!("started without TLS"));
        format!("amqps://{USER}:{PASSWORD}@127.0.0.1:{port}/%2f")
    }

    fn start_with(management_port: Option<u16>) -> Self {
        let mut server = Self::new(management_port);
        server.configure();
        server.restart();
        server
    }

    fn new(management_port: Option<u16>) -> Self {
        let folder = folder("rabbitmq");
        let reaper = Reaper::start(&folder);
        Self {
            port: port::free(),
            epmd_port: port::free(),
            dist_port: port::free(),
            management_port,
            tls_port: None,
            consumer_timeout: None,
            folder,
            epmd: None,
            child: None,
            reaper,
        }
    }

    /// The loopback port of AMQP.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of the management API, without credentials: the broker's are good for it.
    ///
    /// # Panics
    /// If the node was started without the plugin.
    pub fn management_url(&self) -> String {
        let port = self.management_port.unwrap_or_else(|| panic!("started without the management plugin"));
        format!("http://127.0.0.1:{port}")
    }

    fn await_management(&self) {
        if let Some(port) = self.management_port {
            let up = eventually(Duration::from_secs(60), || TcpStream::connect(("127.0.0.1", port)).is_ok());
            let log = self.folder.join("server.log");
            assert!(up, "the management plugin doesn't listen on port {port}:\n{}", tail(&log));
        }
    }

    /// Whether the node's directory of quorum queues, on disk, has this queue of the virtual host `/`. RabbitMQ
    /// 3.10 writes it seconds after it has declared the queue, and kills in between cost the queue.
    pub fn has_stored_quorum_queue(&self, queue: &str) -> bool {
        let node = format!("berth{}@localhost", self.port);
        let file = self.folder.join("mnesia").join(&node).join("quorum").join(&node).join("names.dets");
        holds(&file, &format!("%2F_{queue}"))
    }

    /// Has the node write what was declared into its tables on disk. What is only in the log that goes before them may be
    /// lost by a kill within the first second or two, although it is in that file.
    ///
    /// # Panics
    /// If the node can't be told.
    pub fn store_declarations(&self) {
        self.ctl(&["eval", "dumped = mnesia:dump_log()."]);
    }

    /// The user in [`Self::url`].
    pub fn user(&self) -> &'static str {
        USER
    }

    /// The password in [`Self::url`].
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// `amqp://user:password@127.0.0.1:port/%2f`, an administrator.
    pub fn url(&self) -> String {
        self.url_through(self.port)
    }

    /// The same URL with another port, a proxy's.
    pub fn url_through(&self, port: u16) -> String {
        self.url_of(USER, PASSWORD, port)
    }

    /// The URL of another user.
    pub fn url_of(&self, user: &str, password: &str, port: u16) -> String {
        format!("amqp://{user}:{password}@127.0.0.1:{port}/%2f")
    }

    /// Kills the node by SIGKILL; its data stay.
    pub fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            kill_group(&mut child);
        }
    }

    /// Stops the node by SIGSTOP (`true`) or lets it go on (`false`).
    pub fn freeze(&self, frozen: bool) {
        if let Some(child) = &self.child {
            signal_group(child, if frozen { "STOP" } else { "CONT" });
        }
    }

    /// Starts the node again on the same port and data, killing it first if it runs.
    ///
    /// # Panics
    /// If it doesn't speak AMQP within 180 seconds.
    pub fn restart(&mut self) {
        self.kill9();
        let log = self.folder.join("server.log");
        if let Some(mut epmd) = self.epmd.take() {
            // The port mapper would still hold the killed node's name for a moment.
            kill_group(&mut epmd);
        }
        let mut epmd = Command::new("epmd");
        epmd.args(["-address", "127.0.0.1", "-port", &self.epmd_port.to_string()]);
        let epmd = spawn_group(&mut epmd, &log);
        let epmd_up =
            eventually(Duration::from_secs(10), || TcpStream::connect(("127.0.0.1", self.epmd_port)).is_ok());
        assert!(epmd_up, "epmd doesn't listen on port {}:\n{}", self.epmd_port, tail(&log));
        let child = spawn_group(&mut self.command("rabbitmq-server"), &log);
        self.reaper.watch(&[child.id(), epmd.id()]);
        self.epmd = Some(epmd);
        self.child = Some(child);
        let up = eventually(Duration::from_secs(180), || self.speaks_amqp());
        assert!(up, "rabbitmq-server doesn't speak AMQP on port {}:\n{}", self.port, tail(&log));
        self.await_management();
    }

    /// Wipes the node: kills it, removes all its data, starts it empty on the same port.
    ///
    /// # Panics
    /// As [`Self::restart`], or if the data can't be removed.
    pub fn reset(&mut self) {
        self.kill9();
        let data = self.folder.join("mnesia");
        if data.exists() {
            std::fs::remove_dir_all(&data)
                .unwrap_or_else(|error| panic!("can't remove {}: {error}", data.display()));
        }
        self.restart();
    }

    /// Whether the node has taken the channel of a consumer away that held a message for too long.
    pub fn has_lost_patience(&self) -> bool {
        holds(&self.folder.join("server.log"), "acknowledgement. Timeout used")
    }

    /// Runs `rabbitmqctl` against the node and returns what it printed (takes seconds).
    ///
    /// # Panics
    /// If it fails.
    pub fn ctl(&self, arguments: &[&str]) -> String {
        run(self.command("rabbitmqctl").args(arguments))
    }

    fn command(&self, program: &str) -> Command {
        // The wrapper in the PATH would switch users; the program beside it does not.
        let debian = PathBuf::from("/usr/lib/rabbitmq/bin").join(program);
        let mut command = if debian.exists() { Command::new(debian) } else { Command::new(program) };
        let path = |name: &str| self.folder.join(name);
        command
            .current_dir(&self.folder)
            .env("HOME", &self.folder)
            .env("RABBITMQ_NODENAME", format!("berth{}@localhost", self.port))
            .env("RABBITMQ_MNESIA_BASE", path("mnesia"))
            .env("RABBITMQ_LOG_BASE", path("log"))
            .env("RABBITMQ_LOGS", "-")
            .env("RABBITMQ_PID_FILE", path("pid"))
            .env("RABBITMQ_CONFIG_FILE", path("rabbitmq"))
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", path("advanced.config"))
            .env("RABBITMQ_CONF_ENV_FILE", path("no-such-env.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", path("enabled_plugins"))
            .env("RABBITMQ_DIST_PORT", self.dist_port.to_string())
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env(
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
            )
            .env_remove("RABBITMQ_NODE_PORT")
            .env_remove("RABBITMQ_NODE_IP_ADDRESS");
        command
    }

    fn configure(&self) {
        let mut text = String::new();
        let port = self.port;
        let mut lines = vec![
            format!("listeners.tcp.local = 127.0.0.1:{port}"),
            format!("default_user = {USER}"),
            format!("default_pass = {PASSWORD}"),
            "disk_free_limit.absolute = 50MB".to_owned(),
            "log.console.level = warning".to_owned(),
        ];
        if let Some(port) = self.tls_port {
            let file = |name: &str| self.folder.join(name).display().to_string();
            lines.extend([
                format!("listeners.ssl.local = 127.0.0.1:{port}"),
                format!("ssl_options.cacertfile = {}", file("ca.pem")),
                format!("ssl_options.certfile = {}", file("server.pem")),
                format!("ssl_options.keyfile = {}", file("server.key")),
                "ssl_options.verify = verify_peer".to_owned(),
                "ssl_options.fail_if_no_peer_cert = true".to_owned(),
            ]);
        }
        let mut advanced = "[].\n".to_owned();
        if let Some(limit) = self.consumer_timeout {
            // How often it looks has no name in the other file.
            let limit = limit.as_millis();
            advanced =
                format!("[{{rabbit, [{{consumer_timeout, {limit}}}, {{channel_tick_interval, 1000}}]}}].\n");
        }
        let mut plugins = "[].\n";
        if let Some(port) = self.management_port {
            plugins = "[rabbitmq_management].\n";
            lines.push("management.tcp.ip = 127.0.0.1".to_owned());
            lines.push(format!("management.tcp.port = {port}"));
        }
        for line in lines {
            writeln!(text, "{line}").unwrap_or_else(|error| panic!("a String can't be written: {error}"));
        }
        for (name, text) in [
            ("rabbitmq.conf", text.as_str()),
            ("advanced.config", advanced.as_str()),
            ("enabled_plugins", plugins),
        ] {
            let path = self.folder.join(name);
            std::fs::write(&path, text)
                .unwrap_or_else(|error| panic!("can't write {}: {error}", path.display()));
        }
    }

    /// Sends the protocol header and waits for the first byte of `Connection.Start` (a method frame).
    fn speaks_amqp(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let mut first = [0_u8; 1];
        stream.set_read_timeout(Some(Duration::from_secs(5))).is_ok()
            && stream.write_all(b"AMQP\x00\x00\x09\x01").is_ok()
            && stream.read_exact(&mut first).is_ok()
            && first[0] == 1
    }
}

/// Whether a file has that text somewhere.
fn holds(file: &Path, text: &str) -> bool {
    std::fs::read(file).is_ok_and(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
}

impl Drop for RabbitMq {
    fn drop(&mut self) {
        self.kill9();
        if let Some(mut epmd) = self.epmd.take() {
            kill_group(&mut epmd);
        }
    }
}

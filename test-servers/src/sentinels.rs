//! Sentinels for tests: three of them, with a password, that watch over one Redis and fail over within a second or two.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use crate::process::{Reaper, folder, kill_group, spawn_group, tail};
use crate::redis::{Redis, ask, program};
use crate::{eventually, port};

const PASSWORD: &str = "sentinel-test-secret";

/// What they call the Redis.
const SERVICE: &str = "berth";

/// Running Sentinels.
#[derive(Debug)]
pub struct Sentinels {
    folder: PathBuf,
    ports: Vec<u16>,
    children: Vec<Child>,
    _reaper: Reaper,
}

impl Sentinels {
    /// Starts three that watch over this master, and waits until they know each other and one replica.
    ///
    /// # Panics
    /// If `redis-server` is missing, or they don't find each other or the replica.
    pub fn start(master: &Redis) -> Self {
        let folder = folder("sentinels");
        let mut reaper = Reaper::start(&folder);
        let ports: Vec<u16> = (0..3).map(|_| port::free()).collect();
        let children: Vec<Child> = ports.iter().map(|port| start(&folder, *port, master)).collect();
        reaper.watch(&children.iter().map(Child::id).collect::<Vec<_>>());
        let sentinels = Self { folder, ports, children, _reaper: reaper };
        let found = eventually(Duration::from_secs(30), || {
            let knows = |port: &u16| {
                let others = array(ask(*port, PASSWORD, &["SENTINEL", "sentinels", SERVICE]));
                let replicas = array(ask(*port, PASSWORD, &["SENTINEL", "replicas", SERVICE]));
                others == Some(2) && replicas == Some(1)
            };
            sentinels.ports.iter().all(knows)
        });
        assert!(found, "the Sentinels don't find each other:\n{}", tail(&sentinels.log(0)));
        sentinels
    }

    fn log(&self, index: usize) -> PathBuf {
        self.folder.join(format!("{}.log", self.ports[index]))
    }

    /// The URL of database `database` of what they watch over.
    pub fn url(&self, redis: &Redis, database: u16) -> String {
        let places: Vec<String> = self.ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        format!(
            "redis+sentinel://:{}@{}/{database}?service={SERVICE}&sentinel_password={PASSWORD}",
            redis.password(),
            places.join(",")
        )
    }

    /// The URL of one of them, as if it were a Redis.
    pub fn own_url(&self) -> String {
        format!("redis://:{PASSWORD}@127.0.0.1:{}/0", self.ports[0])
    }

    /// Whether every one that lives names this server the master.
    pub fn all_name(&self, server: &Redis) -> bool {
        let names = |port: &u16| {
            let mut reader = ask(*port, PASSWORD, &["SENTINEL", "get-master-addr-by-name", SERVICE])?;
            // Two texts: the address, and the port.
            let lines: Vec<String> = (0..5).map(|_| line(&mut reader)).collect::<Option<_>>()?;
            (lines[0] == "*2").then(|| lines[4].clone())
        };
        self.ports
            .iter()
            .take(self.children.len())
            .all(|port| names(port).is_some_and(|port| port == server.port().to_string()))
    }

    /// Kills the last of them by SIGKILL.
    pub fn kill_one(&mut self) {
        if let Some(mut child) = self.children.pop() {
            kill_group(&mut child);
        }
    }
}

impl Drop for Sentinels {
    fn drop(&mut self) {
        self.children.iter_mut().for_each(kill_group);
    }
}

fn start(folder: &std::path::Path, port: u16, master: &Redis) -> Child {
    let settings = format!(
        "port {port}\nbind 127.0.0.1\nrequirepass {PASSWORD}\nsentinel sentinel-pass {PASSWORD}\n\
         sentinel monitor {SERVICE} 127.0.0.1 {} 2\nsentinel auth-pass {SERVICE} {}\n\
         sentinel down-after-milliseconds {SERVICE} 1000\nsentinel failover-timeout {SERVICE} 5000\n",
        master.port(),
        master.password(),
    );
    let file = folder.join(format!("{port}.conf"));
    std::fs::write(&file, settings).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut command = Command::new(program());
    command.current_dir(folder).arg(&file).arg("--sentinel");
    spawn_group(&mut command, &folder.join(format!("{port}.log")))
}

fn line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    Some(line.trim_end().to_owned())
}

/// How many items the array has that is answered.
fn array(reader: Option<BufReader<TcpStream>>) -> Option<usize> {
    line(&mut reader?)?.strip_prefix('*')?.parse().ok()
}

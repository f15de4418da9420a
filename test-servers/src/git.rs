//! A small repository, served by git's own programs: its daemon, and its smart HTTP behind a password.

mod web;

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use crate::deadline::eventually;
use crate::port;
use crate::process::{Reaper, folder, kill_group, run, spawn_group, tail};
pub use web::Web;

/// A repository with a file `text`: it says `1`, then `2` (the tag `v2`, the end of `main`), and `3` on `next`.
#[derive(Debug)]
pub struct Repository {
    root: PathBuf,
    commits: Vec<String>,
    _reaper: Reaper,
}

impl Repository {
    /// Makes it.
    ///
    /// # Panics
    /// If there is no `git`, or it fails.
    pub fn new() -> Self {
        let root = folder("git");
        let reaper = Reaper::start(&root);
        let code = root.join("code.git");
        std::fs::create_dir(&code).unwrap_or_else(|error| panic!("can't make {}: {error}", code.display()));
        git(&code, &["init", "--quiet", "--initial-branch", "main"]);
        let mut commits = Vec::new();
        for (text, before, after) in [
            ("1", None, None),
            ("2", None, Some(["tag", "v2"].as_slice())),
            ("3", Some(["checkout", "--quiet", "-b", "next"].as_slice()), None),
        ] {
            before.map(|arguments| git(&code, arguments));
            let file = code.join("text");
            std::fs::write(&file, text)
                .unwrap_or_else(|error| panic!("can't write {}: {error}", file.display()));
            git(&code, &["add", "."]);
            git(&code, &["commit", "--quiet", "--message", text]);
            commits.push(git(&code, &["rev-parse", "HEAD"]));
            after.map(|arguments| git(&code, arguments));
        }
        git(&code, &["checkout", "--quiet", "main"]);
        Self { root, commits, _reaper: reaper }
    }

    /// Where it is.
    pub fn folder(&self) -> PathBuf {
        self.root.join("code.git")
    }

    /// The ids of its commits, in their order.
    pub fn commits(&self) -> &[String] {
        &self.commits
    }

    /// Serves it by git's own protocol, on loopback.
    ///
    /// # Panics
    /// If the daemon can't be started.
    pub fn daemon(&self) -> Daemon {
        let port = port::free();
        let program = Path::new(&git(&self.root, &["--exec-path"])).join("git-daemon");
        let mut daemon = Command::new(program);
        daemon.args(["--listen=127.0.0.1", "--export-all", "--informative-errors", "--reuseaddr"]);
        daemon.arg(format!("--port={port}")).arg(format!("--base-path={}", self.root.display()));
        let logs = folder("git-daemon");
        let mut reaper = Reaper::start(&logs);
        let child = spawn_group(&mut daemon, &logs.join("log"));
        reaper.watch(&[child.id()]);
        let daemon = Daemon { child, url: format!("git://127.0.0.1:{port}/code.git"), _reaper: reaper };
        let listens = eventually(Duration::from_secs(20), || TcpStream::connect(("127.0.0.1", port)).is_ok());
        assert!(listens, "git's daemon doesn't listen: {}", tail(&logs.join("log")));
        daemon
    }

    /// Serves it by smart HTTP and TLS to whoever says `account` (`USER:PASSWORD`), on all addresses; `host` is the
    /// name or the address by which it is asked.
    ///
    /// # Panics
    /// If it can't listen.
    pub fn https(&self, host: &str, account: &str) -> Web {
        Web::serve(host, true, &self.root, account)
    }

    /// As [`Self::https`], without TLS.
    ///
    /// # Panics
    /// If it can't listen.
    pub fn http(&self, host: &str, account: &str) -> Web {
        Web::serve(host, false, &self.root, account)
    }
}

impl Default for Repository {
    fn default() -> Self {
        Self::new()
    }
}

/// git's own daemon; gone when it is dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    url: String,
    _reaper: Reaper,
}

impl Daemon {
    /// Where the repository is.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        kill_group(&mut self.child);
    }
}

/// Runs git in a folder; gives what it says.
///
/// # Panics
/// If it fails; the message has its output.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut git = Command::new("git");
    git.current_dir(folder).args(["-c", "user.name=t", "-c", "user.email=t@t"]).args(arguments);
    run(&mut git).trim().to_owned()
}

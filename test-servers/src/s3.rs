//! An S3 server for tests: versitygw, which checks every signature and keeps each object as a file.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::time::Duration;

use crate::process::{Reaper, folder, kill_group, run, spawn_group, tail};
use crate::{eventually, port};

const KEY: &str = "berth";
const SECRET: &str = "s3-test-secret";
const BUCKET: &str = "runs";

/// A running (or killed) S3 server with one bucket.
#[derive(Debug)]
pub struct S3 {
    port: u16,
    folder: PathBuf,
    child: Option<Child>,
    reaper: Reaper,
}

impl S3 {
    /// Starts a server and waits until it answers.
    ///
    /// # Panics
    /// If it is not built, or doesn't start: the message says why.
    pub fn start() -> Self {
        let folder = folder("s3");
        for name in ["data/runs", "metadata"] {
            let path = folder.join(name);
            std::fs::create_dir_all(&path)
                .unwrap_or_else(|error| panic!("can't make {}: {error}", path.display()));
        }
        let reaper = Reaper::start(&folder);
        let mut server = Self { port: port::free(), folder, child: None, reaper };
        server.restart();
        server
    }

    /// `s3://BUCKET`.
    pub fn url(&self) -> String {
        format!("s3://{BUCKET}")
    }

    /// The variables by which the clouds' own tools find it, and who may write there.
    pub fn variables(&self) -> [(&'static str, String); 4] {
        self.variables_as(SECRET)
    }

    /// The same, of somebody who has the key and not the secret.
    pub fn variables_of_a_stranger(&self) -> [(&'static str, String); 4] {
        self.variables_as("another")
    }

    fn variables_as(&self, secret: &str) -> [(&'static str, String); 4] {
        [
            ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.port)),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_ACCESS_KEY_ID", KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", secret.to_owned()),
        ]
    }

    /// The folder whose files are the bucket's objects, by name.
    pub fn files(&self) -> PathBuf {
        self.folder.join("data").join(BUCKET)
    }

    /// Kills the server by SIGKILL; its objects are kept.
    pub fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            kill_group(&mut child);
        }
    }

    /// Starts the server again on the same port and objects, killing it first if it runs.
    ///
    /// # Panics
    /// If it doesn't answer within 20 seconds.
    pub fn restart(&mut self) {
        self.kill9();
        let log = self.folder.join("s3.log");
        // Absolute, since it goes into the folder with the data. Metadata apart: not every file system has attributes.
        let [metadata, data] = ["metadata", "data"].map(|name| self.folder.join(name));
        let address = format!("127.0.0.1:{}", self.port);
        let child = spawn_group(
            Command::new(program())
                .current_dir(&self.folder)
                .env("ROOT_ACCESS_KEY", KEY)
                .env("ROOT_SECRET_KEY", SECRET)
                .args(["--port", &address, "posix", "--sidecar"])
                .args([&metadata, &data]),
            &log,
        );
        self.reaper.watch(&[child.id()]);
        self.child = Some(child);
        let up = eventually(Duration::from_secs(20), || std::net::TcpStream::connect(&address).is_ok());
        assert!(up, "the S3 server doesn't answer on port {}:\n{}", self.port, tail(&log));
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.kill9();
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are told by their surroundings what they may use")]
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let given = std::env::var("BERTH_S3_PROGRAM").ok().filter(|path| !path.is_empty());
        let program = given.map_or_else(program_of_the_set_up, PathBuf::from);
        let name = program.display();
        assert!(program.exists(), "no S3 server in {name}: `scripts/setup.sh test` builds it, once");
        program
    })
}

fn program_of_the_set_up() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/s3.sh");
    PathBuf::from(run(Command::new(script).arg("path")).trim())
}

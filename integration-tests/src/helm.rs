//! Helm and what loads Compose files, built by `scripts/helm.sh`, and the chart of this tree. Helm keeps what it keeps in a
//! folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use berth_test_servers::process::run;

/// Where `deploy/helm` is.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/helm")
}

/// The chart.
pub fn chart() -> PathBuf {
    folder().join("berth")
}

/// What the Prometheus operator says a `PodMonitor` and a `ServiceMonitor` are.
pub fn monitors() -> [PathBuf; 2] {
    ["podmonitors.yaml", "servicemonitors.yaml"].map(|file| program().with_file_name(file))
}

/// Loads a Compose file as Docker Compose does, and prints it as JSON.
pub fn compose() -> PathBuf {
    program().with_file_name("compose")
}

/// `helm`, with a home of its own and, if there is one, a cluster.
#[derive(Debug)]
pub struct Helm {
    home: tempfile::TempDir,
    kubeconfig: Option<PathBuf>,
}

impl Helm {
    /// One that speaks to the cluster of `kubeconfig`, or to none.
    ///
    /// # Panics
    /// If there is no folder for it.
    pub fn new(kubeconfig: Option<PathBuf>) -> Self {
        let home = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        Self { home, kubeconfig }
    }

    /// Its folder, for files of the test's own.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// `helm ARGUMENTS`, to be run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut helm = Command::new(program());
        helm.args(arguments).env_clear();
        for variable in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "HOME"] {
            helm.env(variable, self.home.path());
        }
        // The cluster of whoever runs the tests is none of theirs.
        let nowhere = self.home.path().join("no-cluster");
        helm.env("KUBECONFIG", self.kubeconfig.as_deref().unwrap_or(&nowhere));
        helm
    }

    /// What it said, and whether it succeeded.
    ///
    /// # Panics
    /// If it can't be started.
    pub fn tried(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output();
        output.unwrap_or_else(|error| panic!("helm can't be started: {error}"))
    }

    /// What it printed.
    ///
    /// # Panics
    /// If it failed.
    pub fn told(&self, arguments: &[&str]) -> String {
        let output = self.tried(arguments);
        let (text, error) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "helm {arguments:?}: {text} {error}");
        text.into_owned()
    }

    /// What it complained of.
    ///
    /// # Panics
    /// If it did not.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.tried(arguments);
        assert!(!output.status.success(), "helm {arguments:?} succeeded");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

/// Where Helm is.
///
/// # Panics
/// If it is not built: the message says how to.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let program = given().unwrap_or_else(|| {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/helm.sh");
            PathBuf::from(run(Command::new(script).arg("path")).trim())
        });
        assert!(
            program.exists(),
            "no Helm at {}: `scripts/setup.sh test` builds it, once",
            program.display()
        );
        program
    })
}

fn given() -> Option<PathBuf> {
    std::env::var_os("BERTH_HELM_PROGRAM").filter(|path| !path.is_empty()).map(PathBuf::from)
}

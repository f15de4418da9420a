//! Where the programs of Kubernetes are: built or found by `scripts/kube.sh`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::surroundings::variable;
use crate::process::run;

/// The folder with `etcd`, `kube-apiserver`, `kubectl` and the others.
///
/// # Panics
/// If they are not built: the message says how to.
pub fn programs() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = variable("BERTH_KUBE_PROGRAMS").map_or_else(folder_of_the_set_up, PathBuf::from);
        let missing = !folder.join("etcd").exists();
        assert!(!missing, "no Kubernetes in {}: `scripts/setup.sh test` builds it, once", folder.display());
        folder
    })
}

/// How much the programs of Kubernetes let their memory grow before they tidy it, in percent: what a test's cluster has is
/// small, and to tidy it costs more of the processors than it saves of memory.
const GARBAGE: &str = "400";

/// One of the programs, to be started as a server.
///
/// # Panics
/// As [`programs`].
pub(super) fn server(name: &str) -> Command {
    let mut command = Command::new(programs().join(name));
    command.env("GOGC", GARBAGE);
    command
}

fn folder_of_the_set_up() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/kube.sh");
    PathBuf::from(run(Command::new(script).arg("path")).trim())
}

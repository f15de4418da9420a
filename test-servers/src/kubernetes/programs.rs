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

fn folder_of_the_set_up() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/kube.sh");
    PathBuf::from(run(Command::new(script).arg("path")).trim())
}

//! What a process agent is: its machine and its data folder. A copy of the folder on another machine, and another
//! folder on the same machine, are other agents.

use std::fs;
use std::io;
use std::path::Path;

use berth_domain::protocol::Identity;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::executor::Trouble;

/// The identity of the data folder whose id is in `id_file`; a new one gets an id.
pub(crate) fn machine(id_file: &Path) -> Result<Identity, Trouble> {
    let folder = folder_id(id_file)
        .map_err(|source| Trouble { doing: format!("can't keep an id in {}", id_file.display()), source })?;
    // machine-id(5) asks not to show the id itself to others.
    let digest = Sha256::digest(format!("berth agent {}", machine_id()).as_bytes());
    let machine: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Ok(Identity::Machine { id: format!("{machine}-{folder}") })
}

fn folder_id(id_file: &Path) -> io::Result<String> {
    let draft = id_file.with_extension(Uuid::new_v4().simple().to_string());
    if !id_file.exists() {
        fs::write(&draft, Uuid::new_v4().simple().to_string())?;
        // Fails if another replica was faster: then its id holds.
        let linked = fs::hard_link(&draft, id_file);
        fs::remove_file(&draft)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Ok(fs::read_to_string(id_file)?.trim().to_owned())
}

fn machine_id() -> String {
    ["/etc/machine-id", "/var/lib/dbus/machine-id"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .map(|text| text.trim().to_owned())
        .find(|id| !id.is_empty())
        .unwrap_or_else(node_name)
}

/// The machine's name.
pub(crate) fn node_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_share_an_identity_and_other_folders_have_another() {
        let dir = tempfile::tempdir().unwrap();
        let first = machine(&dir.path().join("agent-id")).unwrap();
        assert_eq!(machine(&dir.path().join("agent-id")).unwrap(), first);
        assert_ne!(machine(&dir.path().join("other-id")).unwrap(), first);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}

//! The data folder of a process agent: what lies where, and how a file is written so that it is whole or absent.
//!
//! ```text
//! agent-id                     the folder's own id
//! lease                        whose time of change tells of the last lease; see `lease.rs`
//! replicas/<replica>.lock      held by a replica while it lives
//! staging/                     attempts that are being made ready
//! runs/<run>-<attempt>/        attempts that live, or lie ended until their end is taken in
//! done/<run>-<attempt>/        attempts that were released, kept for a day
//! ```
//!
//! An attempt's folder appears in `runs` by one rename, with all that its supervisor needs: that rename is the
//! one check of "exists already". Nothing here decides anything.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use berth_domain::protocol::AttemptRef;
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::super::Trouble;

const LEASE: &str = "lease";

/// The lease file of the data folder that the attempt's folder `dir` is in.
pub(crate) fn lease_file_of(dir: &Path) -> Option<PathBuf> {
    Some(dir.parent()?.parent()?.join(LEASE))
}

/// The paths of a data folder.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    root: PathBuf,
}

/// The name of an attempt's folder.
pub(crate) fn key(attempt: AttemptRef) -> String {
    format!("{}-{}", attempt.run, attempt.attempt)
}

/// The attempt whose folder has this name.
pub(crate) fn attempt_of(key: &str) -> Option<AttemptRef> {
    let (run, attempt) = key.split_once('-')?;
    Some(AttemptRef { run: run.parse().ok()?, attempt: attempt.parse().ok()? })
}

impl Folder {
    /// Makes the folder where it is missing.
    pub(crate) fn open(root: &Path) -> Result<Self, Trouble> {
        for part in ["", "replicas", "staging", "runs", "done"] {
            let path = root.join(part);
            make_dir(&path).map_err(trouble("make the folder", &path))?;
        }
        // Supervisors get paths of it and work elsewhere.
        let root = root.canonicalize().map_err(trouble("find the folder", root))?;
        Ok(Self { root })
    }

    pub(crate) fn id_file(&self) -> PathBuf {
        self.root.join("agent-id")
    }

    pub(crate) fn lease_file(&self) -> PathBuf {
        self.root.join(LEASE)
    }

    pub(crate) fn replica_lock(&self, replica: &str) -> PathBuf {
        self.root.join("replicas").join(format!("{replica}.lock"))
    }

    pub(crate) fn replicas(&self) -> PathBuf {
        self.root.join("replicas")
    }

    pub(crate) fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    pub(crate) fn runs(&self) -> PathBuf {
        self.root.join("runs")
    }

    pub(crate) fn done(&self) -> PathBuf {
        self.root.join("done")
    }

    pub(crate) fn run(&self, attempt: AttemptRef) -> PathBuf {
        self.runs().join(key(attempt))
    }

    pub(crate) fn released(&self, attempt: AttemptRef) -> PathBuf {
        self.done().join(key(attempt))
    }
}

/// Makes a folder that only its owner can look into, and those above it; one that is there stays.
pub(crate) fn make_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Names what was tried and where, for the person who reads the system's words after it.
pub(crate) fn trouble(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Trouble + use<> {
    let path = path.to_owned();
    move |source| Trouble { doing: format!("can't {doing} {}", path.display()), source }
}

/// Opens a file that only its owner can read, new or there already.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)
}

/// Writes a record so that a reader finds it whole or not at all, also after a crash of the machine.
pub(crate) fn write_record(dir: &Path, name: &str, record: &impl Serialize) -> io::Result<()> {
    let mut draft = Draft::new(dir, name);
    draft.write(record)?.sync_all()?;
    draft.place()?;
    sync_dir(dir)
}

/// The same for what means nothing after a crash of the machine: it may then be missing or in pieces.
pub(crate) fn write_passing_record(dir: &Path, name: &str, record: &impl Serialize) -> io::Result<()> {
    let mut draft = Draft::new(dir, name);
    draft.write(record)?;
    draft.place()
}

/// A record that is being written. Gone again if it doesn't find its place.
struct Draft {
    path: PathBuf,
    place: PathBuf,
    is_placed: bool,
}

impl Draft {
    fn new(dir: &Path, name: &str) -> Self {
        // Replicas may write the same record at the same time.
        let path = dir.join(format!(".{name}.{}", Uuid::new_v4().simple()));
        Self { path, place: dir.join(name), is_placed: false }
    }

    fn write(&self, record: &impl Serialize) -> io::Result<File> {
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&self.path)?;
        file.write_all(&serde_json::to_vec(record)?)?;
        Ok(file)
    }

    fn place(&mut self) -> io::Result<()> {
        fs::rename(&self.path, &self.place)?;
        self.is_placed = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_placed
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::debug!(%error, path = %self.path.display(), "can't remove a draft");
        }
    }
}

/// Reads a record; none if it isn't there.
pub(crate) fn read_record<T: DeserializeOwned>(dir: &Path, name: &str) -> io::Result<Option<T>> {
    match fs::read(dir.join(name)) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads what was written by [`write_passing_record`]; in pieces it counts as missing.
pub(crate) fn read_passing_record<T: DeserializeOwned>(dir: &Path, name: &str) -> io::Result<Option<T>> {
    match read_record(dir, name) {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) => {
            Ok(None)
        }
        read => read,
    }
}

/// Makes the entries of a folder survive a crash of the machine.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Tells those who watch the folder above that something changed in `dir`.
pub(crate) fn touch_dir(dir: &Path) -> io::Result<()> {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    futimens(File::open(dir)?, &Timestamps { last_access: now, last_modification: now })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use berth_domain::id::RunId;

    use super::*;

    #[test]
    fn the_name_of_a_folder_tells_its_attempt() {
        let attempt = AttemptRef { run: RunId::new(), attempt: 3 };
        assert_eq!(attempt_of(&key(attempt)), Some(attempt));
        for other in ["", "x", "x-1", &format!("{}-x", attempt.run), ".exit.json.1"] {
            assert_eq!(attempt_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_record_is_whole_or_absent() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read_record::<u32>(dir.path(), "n.json").unwrap(), None);
        write_record(dir.path(), "n.json", &7_u32).unwrap();
        assert_eq!(read_record::<u32>(dir.path(), "n.json").unwrap(), Some(7));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}

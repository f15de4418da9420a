//! The lock that keeps a second process off a SQLite file.
//!
//! SQLite itself would let it in, and both would believe to be the only writer, admitter and sweeper.
//! The operating system drops the lock with the process, however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::Error;

/// A lock held for as long as the value lives.
#[derive(Debug)]
pub(crate) struct FileLock(#[expect(dead_code, reason = "held, not read")] File);

impl FileLock {
    /// Takes the lock of the database at `database`: the file `<database>.lock`.
    pub(crate) fn take(database: &Path) -> Result<Self, Error> {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let unavailable = |source: std::io::Error| Error::Unavailable {
            reason: format!("the lock file {} can't be opened: {source}", path.display()).into(),
            source: Some(Box::new(source)),
        };
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(unavailable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = std::fs::read_to_string(&path).unwrap_or_default();
                let holder = holder.trim();
                let by = if holder.is_empty() { String::new() } else { format!(" (process {holder})") };
                return Err(Error::conflict(format!(
                    "another process{by} uses the database {}: SQLite serves one process; stop the other, or use PostgreSQL",
                    database.display()
                )));
            }
            Err(TryLockError::Error(source)) => return Err(unavailable(source)),
        }
        // The process id is for the message above only: a disk too full for it must not keep us out.
        let noted = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        if let Err(error) = noted {
            tracing::debug!(%error, "the lock file doesn't say who holds it");
        }
        Ok(Self(file))
    }
}

//! The agent's lease, as its supervisors see it: a file whose time of modification is the moment, since the machine
//! was booted, at which the last granted lease was asked for.
//!
//! A time and not a text, because setting it needs no room on a full disk, and nobody ever reads half of it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{Timespec, Timestamps, UTIME_OMIT, futimens};

use super::folder::open_private;
use crate::uptime::Moment;

/// Notes a lease, unless a later one is noted.
pub(crate) fn note(path: &Path, asked_at: Moment, now: Moment) -> io::Result<()> {
    if read(path, now).is_some_and(|noted| noted >= asked_at) {
        return Ok(());
    }
    let since_boot = asked_at.since_boot();
    let asked_at = Timespec {
        tv_sec: i64::try_from(since_boot.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: since_boot.subsec_nanos().into(),
    };
    let untouched = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    futimens(open_private(path)?, &Timestamps { last_access: untouched, last_modification: asked_at })?;
    Ok(())
}

/// When the last lease that is noted was asked for; none if none is. What lies ahead of `now` is from before the
/// machine was booted, or from a moment ago when the file was made.
pub(crate) fn read(path: &Path, now: Moment) -> Option<Moment> {
    let metadata = fs::metadata(path).ok()?;
    let seconds = u64::try_from(metadata.mtime()).ok()?;
    let nanos = u32::try_from(metadata.mtime_nsec()).ok()?;
    let noted = Moment::after_boot(Duration::new(seconds, nanos));
    (noted <= now).then_some(noted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uptime::Uptime;

    #[test]
    fn the_latest_lease_is_read_as_it_was_noted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lease");
        let now = Uptime::machine().now();
        assert_eq!(read(&path, now), None);
        note(&path, now, now).unwrap();
        assert_eq!(read(&path, now), Some(now));
        let later = now + Duration::from_millis(4_321);
        note(&path, later, later).unwrap();
        note(&path, now, later).unwrap();
        assert_eq!(
            read(&path, later),
            Some(later),
            "a lease of another replica that is older changes nothing"
        );
        assert_eq!(read(&path, now), None, "a moment that has not come is of another boot");
        note(&path, now, now).unwrap();
        assert_eq!(read(&path, now), Some(now));
    }
}

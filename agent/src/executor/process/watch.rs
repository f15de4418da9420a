//! Hears of changes in the folder `runs`: a supervisor touches its attempt's folder after each of them.
//!
//! On Linux by inotify, which costs nothing while nothing happens; elsewhere by looking at all, often. Either way the
//! agent also looks at all now and then, so that a lost hint costs seconds at most.

use std::path::Path;

use super::super::{Hint, Trouble};
use super::folder;

/// A stream of hints from one data folder.
#[derive(Debug)]
pub struct Watch(imp::Watch);

impl Watch {
    pub(crate) fn new(runs: &Path) -> Result<Self, Trouble> {
        imp::Watch::new(runs).map(Self).map_err(folder::trouble("watch", runs))
    }

    pub(crate) async fn next(&mut self) -> Result<Hint, Trouble> {
        self.0
            .next()
            .await
            .map_err(|source| Trouble { doing: "can't watch the attempts' folder".to_owned(), source })
    }
}

#[cfg(target_os = "linux")]
mod imp {
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
    use rustix::io::Errno;
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use super::{Hint, folder};

    #[derive(Debug)]
    pub(super) struct Watch(AsyncFd<OwnedFd>);

    impl Watch {
        #[expect(
            deprecated,
            reason = "unsound for types whose descriptor may change, which an OwnedFd's can't; what replaces it is unsafe"
        )]
        pub(super) fn new(runs: &Path) -> io::Result<Self> {
            let fd = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
            inotify::add_watch(&fd, runs, WatchFlags::ATTRIB | WatchFlags::MOVED_TO | WatchFlags::ONLYDIR)?;
            AsyncFd::with_interest(fd, Interest::READABLE).map(Self)
        }

        pub(super) async fn next(&mut self) -> io::Result<Hint> {
            loop {
                let mut ready = self.0.readable_mut().await?;
                if let Ok(hint) = ready.try_io(|fd| read(fd.get_ref())) {
                    return hint;
                }
            }
        }
    }

    /// Takes all events there are.
    fn read(fd: &OwnedFd) -> io::Result<Hint> {
        let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
        let mut reader = Reader::new(fd, &mut buffer);
        let mut attempts = Vec::new();
        let mut any = false;
        loop {
            match reader.next() {
                Ok(event) if event.events().contains(ReadFlags::QUEUE_OVERFLOW) => return Ok(Hint::All),
                Ok(event) => {
                    any = true;
                    let name = event.file_name().and_then(|name| name.to_str().ok());
                    attempts.extend(name.and_then(folder::attempt_of));
                }
                Err(Errno::WOULDBLOCK) if any => {
                    attempts.sort_unstable();
                    attempts.dedup();
                    return Ok(Hint::Attempts(attempts));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use std::io;
    use std::path::Path;
    use std::time::Duration;

    use super::Hint;

    #[derive(Debug)]
    pub(super) struct Watch;

    impl Watch {
        pub(super) fn new(_runs: &Path) -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) async fn next(&mut self) -> io::Result<Hint> {
            tokio::time::sleep(Duration::from_millis(200)).await;
            Ok(Hint::All)
        }
    }
}

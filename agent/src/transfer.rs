//! What containers of our own image do in a run's pod: fetch what it needs before it begins, and collect what it left
//! when it is over.
//!
//! The executor writes a [`Task`] into the container's command; secrets come as the container's variables. Nothing
//! here knows of Kubernetes.

mod collect;
mod fetch;
mod git;
mod store;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

pub use store::StoreAt;

/// How often what has changed is collected while a run goes on, so that little is left to do at its end.
const INTERVAL: Duration = Duration::from_secs(10);
/// The longest task that fits into one argument of a program: Linux takes 128 KiB.
const MAX_ENCODED: usize = 120 * 1024;

/// What one container does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Task {
    /// Writes a file.
    Write {
        /// Where.
        path: PathBuf,
        /// What is in it.
        content: String,
        /// Its mode.
        mode: u32,
    },
    /// Copies from a store.
    Fetch {
        /// The store.
        store: StoreAt,
        /// What of it.
        wanted: Vec<Wanted>,
        /// The folder that it is put into.
        into: PathBuf,
    },
    /// Clones a repository.
    Clone {
        /// Where it is.
        url: String,
        /// A branch, a tag, a whole commit id, or a full name of a reference; the remote's own choice if none is given.
        revision: Option<String>,
        /// How many commits of its history; all if none is given.
        depth: Option<NonZeroU32>,
        /// The folder that is made.
        into: PathBuf,
    },
    /// Copies what is in a folder, now and then and when the run is over, to a store.
    Collect {
        /// The store.
        store: StoreAt,
        /// The folder.
        from: PathBuf,
        /// The name that it has in the store.
        to: String,
    },
}

/// Something in a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// What it is.
    pub kind: WantedKind,
    /// Its name in the store; empty for all.
    pub from: String,
    /// Its name in the folder that it is put into.
    pub to: String,
}

/// What something in a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WantedKind {
    /// A file.
    File,
    /// A folder, with all that is below it.
    Dir,
    /// A file if there is one of that name, else a folder.
    Either,
}

/// Why a task failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It can't be read: another release wrote it.
    #[error("the task can't be read: {0}")]
    Unreadable(String),
    /// It is too long for the arguments of a program.
    #[error("is too long: {found} bytes, encoded; allowed are {MAX_ENCODED}")]
    TooLong {
        /// Its length.
        found: usize,
    },
    /// The store can't be opened.
    #[error("the store can't be opened: {0}")]
    Open(String),
    /// Something that is wanted isn't there.
    #[error("`{name}` is not in {store}")]
    Missing {
        /// Its name.
        name: String,
        /// The store.
        store: String,
    },
    /// The store refused or failed.
    #[error("{doing}")]
    Store {
        /// What could not be done.
        doing: String,
        /// In the library's words.
        #[source]
        source: object_store::Error,
    },
    /// A repository can't be cloned.
    #[error("can't clone {url}: {problem}")]
    Git {
        /// Where it is.
        url: String,
        /// In the library's words.
        problem: String,
    },
    /// The thread that did it ended early.
    #[error("its thread ended early, and has said why")]
    Stopped,
    /// A file can't be read or written.
    #[error("{doing}")]
    File {
        /// What could not be done.
        doing: String,
        /// In the system's words.
        #[source]
        source: std::io::Error,
    },
}

impl Task {
    /// As one argument of a program. In base64, since Kubernetes puts variables into arguments.
    ///
    /// # Errors
    /// If it is too long.
    pub fn encode(&self) -> Result<String, Error> {
        let json = serde_json::to_vec(self).map_err(|error| Error::Unreadable(error.to_string()))?;
        let encoded = BASE64.encode(json);
        match encoded.len() {
            found if found > MAX_ENCODED => Err(Error::TooLong { found }),
            _ => Ok(encoded),
        }
    }

    /// What [`Task::encode`] wrote.
    ///
    /// # Errors
    /// If it is something else.
    pub fn decode(text: &str) -> Result<Self, Error> {
        let json = BASE64.decode(text).map_err(|error| Error::Unreadable(error.to_string()))?;
        serde_json::from_slice(&json).map_err(|error| Error::Unreadable(error.to_string()))
    }

    /// Does it, and says what was done. `over` comes when the run is over, or the task is no longer wanted.
    ///
    /// # Errors
    /// With what went wrong; its causes say why.
    pub async fn run(
        self,
        variable: &dyn Fn(&str) -> Option<String>,
        over: impl Future<Output = ()>,
    ) -> Result<String, Error> {
        match self {
            Self::Write { path, content, mode } => {
                fetch::write(&path, content.as_bytes(), mode).await?;
                Ok(format!("wrote {}", path.display()))
            }
            Self::Fetch { store, wanted, into } => {
                let store = store.open(variable)?;
                let count = fetch::fetch(&store, &wanted, &into).await?;
                Ok(format!("fetched {count} files from {} into {}", store.url(), into.display()))
            }
            Self::Clone { url, revision, depth, into } => {
                let credentials = variable(git::CREDENTIALS_VARIABLE).filter(|text| !text.is_empty());
                let work = move || {
                    let wanted = git::Wanted { url: &url, revision: revision.as_deref(), depth };
                    let commit = git::clone(&wanted, &into, credentials.as_deref())?;
                    Ok(format!("cloned {url} at {commit} into {}", into.display()))
                };
                let (tell, told) = tokio::sync::oneshot::channel();
                // A thread of its own: the process ends without it when the task is no longer wanted.
                std::thread::spawn(move || tell.send(work()));
                told.await.map_err(|_| Error::Stopped)?
            }
            Self::Collect { store, from, to } => {
                let store = store.open(variable)?;
                let count = collect::collect(&store, &from, &to, over).await?;
                Ok(format!("collected {count} files of {} in {}", from.display(), store.url()))
            }
        }
    }
}

/// Runs the encoded task to its end, in a process of its own: files are made so that whoever the run's own containers
/// run as may change them.
///
/// # Errors
/// With what went wrong and why, in one line.
pub async fn main(task: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let told = |error: &Error| crate::control::chain(error);
    let task = Task::decode(task).map_err(|error| told(&error))?;
    rustix::process::umask(rustix::fs::Mode::empty());
    let is_collecting = matches!(task, Task::Collect { .. });
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(|error| format!("can't wait for signals: {error}"))?;
    let over = async {
        terminated.recv().await;
    };
    if is_collecting {
        return task.run(variable, over).await.map_err(|error| told(&error));
    }
    // The first process of a container isn't ended by a signal that it doesn't handle.
    tokio::select! {
        () = over => Err("it was asked to end".to_owned()),
        done = task.run(variable, std::future::pending()) => done.map_err(|error| told(&error)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn at(folder: &Path) -> StoreAt {
        StoreAt { url: folder.display().to_string(), account: None }
    }

    fn wanted(kind: WantedKind, from: &str, to: &str) -> Wanted {
        Wanted { kind, from: from.into(), to: to.into() }
    }

    async fn done(task: Task) -> Result<String, String> {
        task.run(&|_| None, std::future::pending()).await.map_err(|error| crate::control::chain(&error))
    }

    #[tokio::test]
    async fn a_task_survives_its_way_and_another_text_is_none() {
        let task = Task::Write { path: "/a".into(), content: "$(HOME) $$ ü".into(), mode: 0o600 };
        assert_eq!(Task::decode(&task.encode().unwrap()).unwrap(), task);
        assert!(Task::decode("e30=").is_err() && Task::decode("?").is_err());
        let long = Task::Write { path: "/a".into(), content: "x".repeat(100_000), mode: 0o600 };
        assert!(long.encode().unwrap_err().to_string().starts_with("is too long: 1"));
    }

    #[tokio::test]
    async fn a_file_is_written_with_its_mode_and_folders() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/run.sh");
        done(Task::Write { path: path.clone(), content: "hi".into(), mode: 0o750 }).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"hi");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o750);
    }

    #[tokio::test]
    async fn files_and_folders_are_fetched_under_the_names_that_were_asked_for() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (path, text) in
            [("a.txt", "a"), ("deep/b.txt", "b"), ("deep/er/c.txt", "c"), ("deeper.txt", "no")]
        {
            let path = from.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let fetch = |wanted: Vec<Wanted>| {
            done(Task::Fetch { store: at(from.path()), wanted, into: to.path().join("in") })
        };
        let told = fetch(vec![
            wanted(WantedKind::File, "a.txt", "renamed/a.txt"),
            wanted(WantedKind::Dir, "deep", "deep"),
            wanted(WantedKind::Either, "deeper.txt", "deeper.txt"),
            wanted(WantedKind::Either, "/deep/er/", "er"),
        ]);
        assert!(told.await.unwrap().starts_with("fetched 5 files from"));
        let read = |path: &str| std::fs::read_to_string(to.path().join("in").join(path)).unwrap();
        assert_eq!(
            (read("renamed/a.txt"), read("deep/b.txt"), read("deep/er/c.txt")),
            ("a".into(), "b".into(), "c".into())
        );
        assert_eq!((read("deeper.txt"), read("er/c.txt")), ("no".into(), "c".into()));
        for missing in [WantedKind::File, WantedKind::Dir, WantedKind::Either] {
            let error = fetch(vec![wanted(missing, "none", "none")]).await.unwrap_err();
            assert!(error.starts_with("`none` is not in /"), "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_run_leaves_is_collected_as_it_goes_on_and_when_it_is_over() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let outputs = from.path().join("outputs");
        std::fs::create_dir_all(outputs.join("sub")).unwrap();
        std::fs::write(outputs.join("early"), "1").unwrap();
        let read = |name: &str| std::fs::read_to_string(to.path().join("run1/outputs").join(name));
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let task = Task::Collect { store: at(to.path()), from: from.path().into(), to: "run1".into() };
        let collecting = task.run(&|_| None, async { ended.await.unwrap_or(()) });
        let running = async {
            tokio::time::timeout(INTERVAL * 20, async {
                while read("early").is_err() {
                    tokio::time::sleep(INTERVAL / 4).await;
                }
            })
            .await
            .expect("what is there early is collected early");
            std::fs::write(outputs.join("early"), "changed").unwrap();
            std::fs::write(outputs.join("sub/late"), "2").unwrap();
            std::os::unix::fs::symlink("/etc/hostname", outputs.join("link")).unwrap();
            end.send(()).unwrap();
        };
        let (told, ()) = tokio::join!(collecting, running);
        assert!(told.unwrap().starts_with("collected 2 files of"));
        assert_eq!((read("early").unwrap(), read("sub/late").unwrap()), ("changed".into(), "2".into()));
        assert!(read("link").is_err(), "links are left out");
    }

    #[tokio::test]
    async fn a_run_that_leaves_nothing_is_collected_too() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let task = Task::Collect { store: at(to.path()), from: from.path().join("none"), to: "run1".into() };
        let told = task.run(&|_| None, std::future::ready(())).await.unwrap();
        assert!(told.starts_with("collected 0 files of"), "{told}");
    }
}

//! Runs as local process groups: a folder per attempt, and in each a supervisor (`berth shim`) that owns the process
//! and writes its exit down. Agents come and go; the folders are the truth.
//!
//! Several agent replicas may share a data folder. Nothing here knows of brokers or claims.

mod alive;
mod attempt;
mod folder;
mod lease;
mod log;
mod operation;
mod record;
mod watch;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use berth_domain::id::RunId;
use berth_domain::lifecycle::{End, FailureClass, Outcome};
use berth_domain::protocol::logs::LogFrom;
use berth_domain::protocol::{AttemptRef, FENCING, Identity};
use berth_domain::time::Clock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

pub(crate) use alive::boot_id;
pub use watch::Watch;

use self::attempt::{Attempt, Need};
use self::folder::{Folder, trouble};
use self::record::{EXIT, Exit, LOCK, LOG, Launch, SPEC, SUPERVISOR_LOG, Spec, Traced, WORK};
use super::environment::UID_VARIABLE;
use super::{CreateError, Object, Order, Page, Refusal, Release, Trouble};
use crate::identity;
use crate::uptime::{Moment, Uptime};

/// What the supervisor needs of the folder's layout.
pub(crate) mod supervised {
    pub(crate) use super::alive::{descendants, process, processes};
    pub(crate) use super::attempt::{lost, write_exit};
    pub(crate) use super::folder::{
        lease_file_of, open_private, read_record, touch_dir, write_passing_record,
    };
    pub(crate) use super::lease::read as read_lease;
    pub(crate) use super::log::{Lines, Writer};
    /// Kills a process, if it is still the same one.
    pub(crate) fn kill(process: &super::alive::Process) {
        super::alive::signal(process, rustix::process::Signal::KILL);
    }
    pub(crate) use super::record::{
        EXIT, Exit, LAUNCHED, LOCK, LOG, Launch, Launched, SPEC, STARTED, STOP, Spec, Started, Stop, WORK,
    };
}

/// A create is one rename, begun within the claim's validity; so much later it has landed or never will.
pub(crate) const CREATE_GRACE: Duration = Duration::from_secs(2);

/// How much must be free where the data folder is.
const MIN_FREE_BYTES: u64 = 16 * 1024 * 1024;

/// How many attempts are created at the same time.
const CREATORS: usize = 8;
/// How many are claimed or created at the same time: more than are created, since a claim takes a round trip, and not
/// more than are created within their claims on a slow disk.
const TURNS: usize = 64;

/// How the supervisor is started: `program args... <folder of the attempt>`.
#[derive(Debug, Clone)]
pub struct ShimCommand {
    /// The program.
    pub program: PathBuf,
    /// What comes before the folder.
    pub args: Vec<String>,
}

impl ShimCommand {
    /// `berth shim <folder>`, where `program` is the binary `berth`.
    #[must_use]
    pub fn berth(program: PathBuf) -> Self {
        Self { program, args: vec!["shim".to_owned()] }
    }
}

/// What a process executor is made from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it keeps everything. Replicas of one agent on one machine share it.
    pub data_dir: PathBuf,
    /// How supervisors are started.
    pub shim: ShimCommand,
    /// What every process inherits: `PATH`, `HOME`, `LANG`, and nothing that is secret.
    pub environment: BTreeMap<String, String>,
    /// How long a process has between being asked to end and being killed. Too short, and it can't tidy up; too
    /// long, and stops take as long.
    pub grace: Duration,
    /// How much of an attempt's log is kept; the oldest part goes first.
    pub log_limit_bytes: u64,
    /// How long an ended attempt's folder is kept after its end was taken in.
    pub keep: Duration,
    /// The wall clock.
    pub clock: Clock,
    /// The clock that claims are counted on.
    pub uptime: Uptime,
}

impl Settings {
    /// Defaults, around what has none.
    #[must_use]
    pub fn new(data_dir: PathBuf, shim: ShimCommand) -> Self {
        Self {
            data_dir,
            shim,
            environment: BTreeMap::from([(
                "PATH".to_owned(),
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
            )]),
            grace: Duration::from_secs(10),
            log_limit_bytes: 64 * 1024 * 1024,
            keep: Duration::from_secs(24 * 60 * 60),
            clock: Clock::system(),
            uptime: Uptime::machine(),
        }
    }
}

/// A create's place among the [`TURNS`].
pub(crate) type Turn = Option<OwnedSemaphorePermit>;

/// Starts runs as local processes.
#[derive(Debug, Clone)]
pub struct ProcessExecutor {
    inner: Arc<Inner>,
    turns: Arc<Semaphore>,
    creators: Arc<Semaphore>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    folder: Folder,
    boot: String,
    identity: Identity,
    /// Supervisors started by this process; looked at now and then so that no zombies stay.
    children: Mutex<Vec<Child>>,
}

impl ProcessExecutor {
    /// Opens the data folder, and makes it if it is missing.
    ///
    /// # Errors
    /// If the folder can't be made or read.
    pub fn open(settings: Settings) -> Result<Self, Trouble> {
        let folder = Folder::open(&settings.data_dir)?;
        let identity = identity::machine(&folder.id_file())?;
        let inner = Inner { folder, identity, boot: boot_id(), settings, children: Mutex::default() };
        let (turns, creators) = (Arc::new(Semaphore::new(TURNS)), Arc::new(Semaphore::new(CREATORS)));
        Ok(Self { inner: Arc::new(inner), turns, creators })
    }

    /// The machine and the data folder.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.inner.identity.clone()
    }

    pub(crate) fn admit(&self, order: &Order) -> Result<(), Refusal> {
        self.inner.launch(order, "").map(|_| ())
    }

    /// Waits for a turn to create.
    pub(crate) async fn turn(&self) -> Turn {
        // Never closed.
        self.turns.clone().acquire_owned().await.ok()
    }

    pub(crate) async fn create(&self, order: Order, turn: Turn) -> Result<Object, CreateError> {
        // Never closed.
        let creator = self.creators.clone().acquire_owned().await.ok();
        let attempt = order.attempt;
        self.blocking(move |inner| {
            let _places = (turn, creator);
            inner.create(&order)
        })
        .await
        .unwrap_or_else(|error| {
            let source = Trouble { doing: "the creator broke down".to_owned(), source: error };
            Err(CreateError::Trouble { attempt, source })
        })
    }

    pub(crate) async fn inventory(&self) -> Result<Vec<Object>, Trouble> {
        self.run("list the attempts", Inner::inventory).await
    }

    pub(crate) async fn look(&self, attempt: AttemptRef) -> Result<Option<Object>, Trouble> {
        self.run("look at an attempt", move |inner| inner.look(attempt)).await
    }

    pub(crate) async fn stop(&self, attempt: AttemptRef, grace: Option<Duration>) -> Result<(), Trouble> {
        self.run("stop an attempt", move |inner| inner.stop(attempt, grace)).await
    }

    pub(crate) async fn note_lease(&self, asked_at: Moment) {
        let noted = self.run("note the lease", move |inner| {
            let path = inner.folder.lease_file();
            lease::note(&path, asked_at, inner.settings.uptime.now())
                .map_err(trouble("change the time of", &path))
        });
        if let Err(error) = noted.await {
            let error = crate::control::chain(&error);
            tracing::error!(%error, "agent.lease.unnoted: supervisors may fence their attempts");
        }
    }

    pub(crate) fn leased_at(&self, own: Moment) -> Moment {
        let noted = lease::read(&self.inner.folder.lease_file(), self.inner.settings.uptime.now());
        noted.map_or(own, |noted| noted.max(own))
    }

    pub(crate) async fn fence(&self, grace: Duration) -> Result<(), Trouble> {
        self.run("fence the attempts", move |inner| inner.fence(grace)).await
    }

    pub(crate) async fn release(&self, attempt: AttemptRef) -> Result<Release, Trouble> {
        self.run("release an attempt", move |inner| inner.release(attempt)).await
    }

    pub(crate) async fn tidy(&self) -> Result<(), Trouble> {
        self.run("tidy up", Inner::tidy).await
    }

    pub(crate) async fn probe(&self) -> Result<(), Trouble> {
        self.run("try the data folder", Inner::probe).await
    }

    pub(crate) fn watch(&self) -> Result<Watch, Trouble> {
        Watch::new(&self.inner.folder.runs())
    }

    /// The newest attempt of a run that has a folder here.
    ///
    /// # Errors
    /// If the folders can't be listed.
    pub async fn newest(&self, run: RunId) -> Result<Option<AttemptRef>, Trouble> {
        self.run("look for a run", move |inner| inner.newest(run)).await
    }

    /// A part of an attempt's log, and whether the attempt had ended before it was read; none if there is no such
    /// attempt here.
    ///
    /// # Errors
    /// If the log can't be read.
    pub async fn log(
        &self,
        attempt: AttemptRef,
        from: LogFrom,
        max_bytes: u64,
    ) -> Result<Option<(Page, bool)>, Trouble> {
        self.run("read a log", move |inner| inner.log(attempt, from, max_bytes)).await
    }

    /// Says for life that this replica lives: what dead replicas created is reported by the others.
    ///
    /// # Errors
    /// If another process has the name.
    pub fn enlist(&self, replica: &str) -> Result<Enlisted, Trouble> {
        let path = self.inner.folder.replica_lock(replica);
        let lock = folder::open_private(&path).map_err(trouble("open", &path))?;
        lock.try_lock().map_err(|error| trouble("lock", &path)(error.into()))?;
        Ok(Enlisted { path, _lock: lock })
    }

    /// The replicas that live.
    ///
    /// # Errors
    /// If they can't be listed.
    pub async fn replicas(&self) -> Result<Vec<String>, Trouble> {
        self.run("list the replicas", Inner::replicas).await
    }

    async fn run<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Inner) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        self.blocking(work)
            .await
            .unwrap_or_else(|source| Err(Trouble { doing: format!("can't {doing}"), source }))
    }

    /// Runs `work` where blocking is allowed.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> T + Send + 'static,
    ) -> io::Result<T> {
        let inner = self.inner.clone();
        tokio::task::spawn_blocking(move || work(&inner)).await.map_err(io::Error::other)
    }
}

/// A replica's sign of life, until it is dropped.
#[derive(Debug)]
pub struct Enlisted {
    path: PathBuf,
    _lock: File,
}

impl Drop for Enlisted {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, path = %self.path.display(), "can't remove a replica's lock file");
        }
    }
}

impl Inner {
    fn launch(&self, order: &Order, uid: &str) -> Result<Launch, Refusal> {
        let settings = &self.settings;
        let launch = operation::launch(
            order,
            uid,
            &operation::Defaults {
                environment: &settings.environment,
                grace: settings.grace,
                log_limit_bytes: settings.log_limit_bytes,
                features: &features(),
            },
        )?;
        if let Some(dir) = &launch.working_dir
            && let Err(error) = fs::read_dir(dir)
        {
            let message = format!("`run.container.workingDir`: can't use {}: {error}", dir.display());
            return Err(Refusal { reason: "WorkingDir", message });
        }
        Ok(launch)
    }

    fn create(&self, order: &Order) -> Result<Object, CreateError> {
        if let Some(found) = self.existing(order)? {
            return Ok(found);
        }
        let attempt = order.attempt;
        let failed = |source| CreateError::Trouble { attempt, source };
        let uid = Uuid::new_v4().simple().to_string();
        let launch = self.launch(order, &uid);
        let spec = Spec {
            uid,
            attempt,
            agent: order.agent.clone(),
            replica: order.replica.clone(),
            spec_hash: order.spec_hash.clone(),
            created_at: self.settings.clock.now(),
            boot: self.boot.clone(),
            replace: order.replace,
            launch_by: order.create_by + CREATE_GRACE,
            claim_over: order.create_by + CREATE_GRACE,
            trace: order
                .trace
                .as_ref()
                .map(|trace| Traced { context: trace.kept.clone(), queue: order.queue.clone() }),
            launch: launch.as_ref().ok().cloned(),
        };
        let staged = self.folder.staging().join(format!("{}.{}", folder::key(attempt), spec.uid));
        let dir = self.folder.run(attempt);
        let refusal = launch.as_ref().err().map(Refusal::end);
        stage(&staged, &spec, refusal).map_err(trouble("write", &staged)).map_err(failed)?;
        // As close as can be to the rename, which is the create.
        if self.settings.uptime.now() >= order.create_by {
            remove(&staged);
            return Err(CreateError::Late(attempt));
        }
        if let Err(error) = fs::rename(&staged, &dir) {
            remove(&staged);
            return match self.existing(order)? {
                Some(found) => Ok(found),
                None => Err(failed(trouble("make", &dir)(error))),
            };
        }
        let runs = self.folder.runs();
        folder::sync_dir(&runs).map_err(trouble("sync", &runs)).map_err(failed)?;
        // An attempt that had ended and was released between the two looks must not run again.
        if self.folder.released(attempt).exists() {
            remove(&dir);
            return self.existing(order)?.ok_or(CreateError::Late(attempt));
        }
        let made = Attempt { dir, spec };
        if made.spec.launch.is_some() {
            self.supervise(&made).map_err(trouble("end", &made.dir)).map_err(failed)?;
        }
        made.object().map_err(trouble("look at", &made.dir)).map_err(failed)
    }

    /// The object of the same attempt that is there already.
    fn existing(&self, order: &Order) -> Result<Option<Object>, CreateError> {
        let attempt = order.attempt;
        let found = self.find(attempt).map_err(|source| CreateError::Trouble { attempt, source })?;
        let Some(found) = found else { return Ok(None) };
        let spec = &found.spec;
        if (&spec.agent, spec.attempt, &spec.spec_hash) != (&order.agent, attempt, &order.spec_hash) {
            let found = format!("agent {}, spec {}", spec.agent, spec.spec_hash);
            return Err(CreateError::Foreign { attempt, found });
        }
        found
            .object()
            .map(Some)
            .map_err(trouble("look at", &found.dir))
            .map_err(|source| CreateError::Trouble { attempt, source })
    }

    /// An attempt's folder, released or not.
    fn find(&self, attempt: AttemptRef) -> Result<Option<Attempt>, Trouble> {
        for dir in [self.folder.run(attempt), self.folder.released(attempt), self.folder.run(attempt)] {
            let found = Attempt::open(dir.clone()).map_err(trouble("look at", &dir))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Starts the supervisor. If that fails, the attempt ends with the system's words.
    fn supervise(&self, attempt: &Attempt) -> io::Result<()> {
        let Err(error) = self.spawn_supervisor(attempt) else { return Ok(()) };
        tracing::error!(run.uuid = %attempt.spec.attempt.run, %error, "can't start a supervisor");
        let lock = folder::open_private(&attempt.dir.join(LOCK))?;
        lock.lock()?;
        let end = End {
            outcome: Outcome::Failed(FailureClass::Config),
            exit_code: None,
            reason: "SupervisorNotStarted".to_owned(),
            message: format!("can't start {}: {error}", self.settings.shim.program.display()),
        };
        attempt.write_exit(end, self.settings.clock.now())
    }

    fn spawn_supervisor(&self, attempt: &Attempt) -> io::Result<()> {
        let own_log = File::options().create(true).append(true).open(attempt.dir.join(SUPERVISOR_LOG))?;
        let shim = &self.settings.shim;
        let child = Command::new(&shim.program)
            .args(&shim.args)
            .arg(&attempt.dir)
            .current_dir(&attempt.dir)
            .env_clear()
            .envs(&self.settings.environment)
            .env(UID_VARIABLE, &attempt.spec.uid)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(own_log)
            .spawn()?;
        self.children.lock().unwrap_or_else(PoisonError::into_inner).push(child);
        Ok(())
    }

    /// Takes the exit statuses of supervisors that have ended.
    fn reap(&self) {
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        children.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    }

    fn inventory(&self) -> Result<Vec<Object>, Trouble> {
        self.reap();
        let runs = self.folder.runs();
        let mut objects = Vec::new();
        for entry in fs::read_dir(&runs).map_err(trouble("list", &runs))? {
            let entry = entry.map_err(trouble("list", &runs))?;
            if entry.file_name().to_str().and_then(folder::attempt_of).is_none() {
                continue;
            }
            // One that can't be read must not hide the others.
            match self.settled(entry.path()) {
                Ok(object) => objects.extend(object),
                Err(error) => {
                    tracing::warn!(%error, path = %entry.path().display(), "can't look at an attempt");
                }
            }
        }
        Ok(objects)
    }

    fn settled(&self, dir: PathBuf) -> io::Result<Option<Object>> {
        let Some(attempt) = Attempt::open(dir)? else { return Ok(None) };
        if attempt.settle(&self.boot, &self.settings.uptime, &self.settings.clock)? == Need::Supervisor {
            self.supervise(&attempt)?;
        }
        attempt.object().map(Some)
    }

    /// Their supervisors do the same by themselves; this is for those that don't.
    fn fence(&self, grace: Duration) -> Result<(), Trouble> {
        let runs = self.folder.runs();
        for entry in fs::read_dir(&runs).map_err(trouble("list", &runs))? {
            let entry = entry.map_err(trouble("list", &runs))?;
            if entry.file_name().to_str().and_then(folder::attempt_of).is_none() {
                continue;
            }
            // One that can't be ended must not save the others.
            let fenced = Attempt::open(entry.path()).and_then(|found| match found {
                Some(found) if found.spec.replace => found.fence(grace, &self.settings.clock),
                _ => Ok(()),
            });
            if let Err(error) = fenced {
                tracing::error!(%error, path = %entry.path().display(), "can't fence an attempt");
            }
        }
        Ok(())
    }

    fn look(&self, attempt: AttemptRef) -> Result<Option<Object>, Trouble> {
        match self.find(attempt)? {
            Some(found) => found.object().map(Some).map_err(trouble("look at", &found.dir)),
            None => Ok(None),
        }
    }

    fn stop(&self, attempt: AttemptRef, grace: Option<Duration>) -> Result<(), Trouble> {
        match self.find(attempt)? {
            Some(found) => found.stop(grace, &self.settings.clock).map_err(trouble("stop", &found.dir)),
            None => Ok(()),
        }
    }

    fn release(&self, attempt: AttemptRef) -> Result<Release, Trouble> {
        let dir = self.folder.run(attempt);
        let Some(found) = Attempt::open(dir.clone()).map_err(trouble("look at", &dir))? else {
            return Ok(Release::Done);
        };
        let ended = dir.join(EXIT).exists();
        let claim_over = found.spec.boot != self.boot || self.settings.uptime.now() >= found.spec.claim_over;
        if !ended || !claim_over {
            return Ok(Release::NotYet);
        }
        folder::touch_dir(&dir).map_err(trouble("release", &dir))?;
        match fs::rename(&dir, self.folder.released(attempt)) {
            Ok(()) => Ok(Release::Done),
            // Another replica was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Release::Done),
            Err(error) => Err(trouble("release", &dir)(error)),
        }
    }

    fn tidy(&self) -> Result<(), Trouble> {
        self.remove_older(&self.folder.done(), self.settings.keep)?;
        self.remove_older(&self.folder.staging(), Duration::from_secs(60 * 60))?;
        self.remove_older(&self.folder.replicas(), Duration::from_secs(7 * 24 * 60 * 60))
    }

    fn remove_older(&self, dir: &Path, than: Duration) -> Result<(), Trouble> {
        let oldest = self.settings.clock.now().minus(than).micros() / 1_000_000;
        for entry in fs::read_dir(dir).map_err(trouble("list", dir))? {
            let entry = entry.map_err(trouble("list", dir))?;
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.mtime() >= oldest {
                continue;
            }
            if metadata.is_dir() {
                remove(&entry.path());
            } else if let Ok(lock) = File::open(entry.path())
                && lock.try_lock().is_ok()
                && let Err(error) = fs::remove_file(entry.path())
            {
                tracing::warn!(%error, path = %entry.path().display(), "can't remove what is old");
            }
        }
        Ok(())
    }

    fn probe(&self) -> Result<(), Trouble> {
        let staging = self.folder.staging();
        let free =
            rustix::fs::statvfs(&staging).map_err(io::Error::from).map_err(trouble("look at", &staging))?;
        let free_bytes = free.f_bavail.saturating_mul(free.f_frsize);
        if free_bytes < MIN_FREE_BYTES {
            let words = format!("{free_bytes} bytes are free; {MIN_FREE_BYTES} are needed");
            return Err(trouble("write to", &staging)(io::Error::new(io::ErrorKind::StorageFull, words)));
        }
        let path = staging.join(format!(".probe.{}", std::process::id()));
        fs::write(&path, [0; 4096])
            .and_then(|()| fs::remove_file(&path))
            .map_err(trouble("write to", &staging))?;
        let program = &self.settings.shim.program;
        fs::metadata(program).map(|_| ()).map_err(trouble("find the supervisor's program", program))
    }

    fn newest(&self, run: RunId) -> Result<Option<AttemptRef>, Trouble> {
        let mut newest = None;
        for dir in [self.folder.done(), self.folder.runs()] {
            for entry in fs::read_dir(&dir).map_err(trouble("list", &dir))? {
                let entry = entry.map_err(trouble("list", &dir))?;
                let attempt = entry.file_name().to_str().and_then(folder::attempt_of);
                newest = newest.max(attempt.filter(|attempt| attempt.run == run));
            }
        }
        Ok(newest)
    }

    fn log(
        &self,
        attempt: AttemptRef,
        from: LogFrom,
        max_bytes: u64,
    ) -> Result<Option<(Page, bool)>, Trouble> {
        // It may be released between the two steps, once.
        for _ in 0..2 {
            let Some(found) = self.find(attempt)? else { return Ok(None) };
            let ended = found.dir.join(EXIT).exists();
            match log::read(&found.dir.join(LOG), from, max_bytes) {
                Ok(page) => return Ok(Some((page, ended))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(trouble("read the log of", &found.dir)(error)),
            }
        }
        Ok(Some((Page::default(), true)))
    }

    fn replicas(&self) -> Result<Vec<String>, Trouble> {
        let dir = self.folder.replicas();
        let mut alive = Vec::new();
        for entry in fs::read_dir(&dir).map_err(trouble("list", &dir))? {
            let entry = entry.map_err(trouble("list", &dir))?;
            let Some(name) =
                entry.file_name().to_str().and_then(|name| name.strip_suffix(".lock")).map(str::to_owned)
            else {
                continue;
            };
            if let Ok(lock) = File::open(entry.path())
                && matches!(lock.try_lock_shared(), Err(fs::TryLockError::WouldBlock))
            {
                alive.push(name);
            }
        }
        Ok(alive)
    }
}

/// The features that this executor has.
pub(crate) fn features() -> Vec<String> {
    vec!["process".to_owned(), FENCING.to_owned()]
}

/// Makes an attempt's folder ready, to be renamed into its place.
fn stage(dir: &Path, spec: &Spec, refusal: Option<End>) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(dir)?;
    fs::DirBuilder::new().mode(0o700).create(dir.join(WORK))?;
    fs::DirBuilder::new().mode(0o700).create(dir.join(LOG))?;
    folder::open_private(&dir.join(LOCK))?;
    if let Some(end) = refusal {
        folder::write_record(dir, EXIT, &Exit { end, at: spec.created_at })?;
    }
    folder::write_record(dir, SPEC, spec)
}

fn remove(dir: &Path) {
    if let Err(error) = fs::remove_dir_all(dir)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, path = %dir.display(), "can't remove a folder");
    }
}

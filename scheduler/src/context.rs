//! What all loops of a scheduler replica share, and the one way to run a loop.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Config;
use crate::outbox::Error;

/// The replica's parts; clones share them.
#[derive(Clone)]
pub(crate) struct Context(Arc<Parts>);

pub(crate) struct Parts {
    config: Config,
    /// Something may be admissible: a run was queued, a slot or a window was freed.
    pub(crate) dispatch: Notify,
    /// A run was stopped: its agent should hear of it.
    pub(crate) nudge: Notify,
    /// Agents or queues were created or changed.
    pub(crate) agents: Notify,
    /// The broker is new or has lost something: all offers are looked after at once.
    pub(crate) sweep: Notify,
    /// Counts how often the broker was found to have lost its data.
    pub(crate) wipes: AtomicU64,
    pub(crate) shutdown: CancellationToken,
    pub(crate) tracker: TaskTracker,
}

impl Context {
    pub(crate) fn new(config: Config, shutdown: CancellationToken, tracker: TaskTracker) -> Self {
        Self(Arc::new(Parts {
            config,
            dispatch: Notify::new(),
            nudge: Notify::new(),
            agents: Notify::new(),
            sweep: Notify::new(),
            wipes: AtomicU64::new(0),
            shutdown,
            tracker,
        }))
    }

    /// Wakes every loop, because nobody knows what was missed.
    pub(crate) fn wake_all(&self) {
        for hint in [&self.dispatch, &self.nudge, &self.agents, &self.sweep] {
            hint.notify_one();
        }
    }
}

impl std::ops::Deref for Context {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl std::ops::Deref for Parts {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.config
    }
}

/// A number between 0 and 1, to spread retries by.
pub(crate) fn jitter() -> f64 {
    rand::random()
}

/// Calls `converge` until the shutdown: at once, then after each hint, and `every` so often without one.
///
/// The hint carries no data: `converge` reads all state anew. It is armed before the call, so that a hint
/// that comes meanwhile is not lost. A failure is logged once per change of its text, and tried again.
pub(crate) async fn converge_forever(
    name: &'static str,
    context: &Context,
    hint: &Notify,
    every: Duration,
    mut converge: impl AsyncFnMut() -> Result<(), Error>,
) {
    let mut last_failure = None;
    loop {
        let hinted = hint.notified();
        let done = tokio::select! {
            () = context.shutdown.cancelled() => return,
            done = converge() => done,
        };
        let failure = done.err().map(|error| error.to_string());
        if let Some(error) = failure.as_ref().filter(|error| last_failure.as_ref() != Some(*error)) {
            tracing::warn!(scheduler.task = name, %error, "{name} failed and is tried again");
        }
        let wait = if failure.is_some() { every.max(Duration::from_millis(500)) } else { every };
        last_failure = failure;
        tokio::select! {
            () = context.shutdown.cancelled() => return,
            () = hinted => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

//! The life of a service's process: logs, runtime, signals, and an end within ten seconds. Knows no service.

use std::time::Duration;

use berth_telemetry::logs;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::failed;
use crate::failure::Failure;
use crate::settings::{LogSettings, Resolved};

/// From the signal to the last thing done; then the process ends in any case.
const GRACE: Duration = Duration::from_secs(9);
/// For what blocks a thread, after that.
const THREADS: Duration = Duration::from_millis(500);

/// Sets the logs up.
pub(super) fn init_logs(resolved: &Resolved) -> Result<(), Failure> {
    let settings = LogSettings::read(resolved)?;
    let format = if settings.json { logs::Format::Json } else { logs::Format::Text };
    logs::init(format, &settings.filter).map_err(|error| Failure::usage(error.to_string()))
}

/// Runs a service until it ends, or until SIGTERM or SIGINT and then to its graceful end.
pub(super) fn run<F>(service: impl FnOnce(CancellationToken) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(format_args!("can't start: {error}")))?;
    let result = runtime.block_on(async {
        let mut signals = Signals::new()?;
        let shutdown = CancellationToken::new();
        let mut service = std::pin::pin!(service(shutdown.clone()));
        let name = tokio::select! {
            result = &mut service => return result,
            name = signals.next() => name,
        };
        tracing::info!("{name}: ending; what is under way has {} s", GRACE.as_secs());
        shutdown.cancel();
        tokio::select! {
            result = &mut service => result,
            name = signals.next() => Err(failed(format_args!("{name} again: ended at once"))),
            () = tokio::time::sleep(GRACE) => {
                tracing::warn!("not everything ended within {} s", GRACE.as_secs());
                Ok(())
            }
        }
    });
    runtime.shutdown_timeout(THREADS);
    result
}

/// The signals that ask a process to end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|error| failed(format_args!("can't hear signals: {error}")));
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

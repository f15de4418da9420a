//! The server's life: it listens, watches what it depends on, and ends within ten seconds of being asked to.

use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::Layer;
use tower_http::normalize_path::{NormalizePath, NormalizePathLayer};

use crate::app::{App, AppState, Config};
use crate::{feed, history, load, routes};

/// From the signal to the last connection closed.
const GRACE: Duration = Duration::from_secs(8);
/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// How often the store is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(2);
/// How long it may take to answer that.
const PING_TIMEOUT: Duration = Duration::from_secs(2);
/// After an accept that failed (no file descriptors left, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why the API can't run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another component registered the same numbers.
    #[error("metrics can't be registered: {0}")]
    Metrics(#[from] berth_telemetry::metrics::Error),
    /// The listener is of no use.
    #[error("the listener can't be used: {0}")]
    Listener(#[from] std::io::Error),
}

/// The routes with their layers, as one service. Trailing slashes are optional.
pub(crate) type Layered = NormalizePath<Router>;

pub(crate) fn service(app: &AppState) -> Layered {
    NormalizePathLayer::trim_trailing_slash().layer(routes::all(app))
}

/// Serves the API on `listener` until `shutdown`, then ends its streams, lets requests finish, and returns: all
/// within ten seconds.
///
/// # Errors
/// If it can't begin.
pub async fn run(config: Config, listener: TcpListener, shutdown: CancellationToken) -> Result<(), Error> {
    let address = listener.local_addr()?;
    let broker = config.broker.clone();
    let app = App::new(config, shutdown.clone())?;
    app.tasks.spawn(app.wake.clone().send(shutdown.clone()));
    app.tasks.spawn(app.wake.clone().hear(shutdown.clone()));
    app.tasks.spawn(feed::read_forever(app.clone()));
    app.tasks.spawn(watch_store(app.clone()));
    app.tasks.spawn(history::write_forever(app.clone()));
    app.tasks.spawn(load::measure_forever(app.clone()));
    app.tasks.spawn(watch_broker(app.clone(), broker));
    tracing::info!(%address, "the API listens on {address}");
    accept(&app, &listener, service(&app)).await;
    drop(listener);
    app.tasks.close();
    if tokio::time::timeout(GRACE, app.tasks.wait()).await.is_err() {
        tracing::warn!("some connections were cut: they did not end in time");
    }
    Ok(())
}

async fn accept(app: &App, listener: &TcpListener, service: Layered) {
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = app.shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => serve_connection(app, stream, service.clone(), &graceful),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    app.tasks.spawn(graceful.shutdown());
}

fn serve_connection(app: &App, stream: TcpStream, service: Layered, graceful: &GracefulShutdown) {
    // Answers are small: waiting to fill a packet would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no-delay could not be set");
    }
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEAD_TIMEOUT);
    let connection =
        builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).into_owned();
    let connection = graceful.watch(connection);
    app.tasks.spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
    });
}

async fn watch_store(app: AppState) {
    let mut ticks = tokio::time::interval(PING_EVERY);
    loop {
        tokio::select! {
            () = app.shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let reason = match tokio::time::timeout(PING_TIMEOUT, app.store.ping()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {} s", PING_TIMEOUT.as_secs())),
        };
        match reason {
            None => {
                if app.health.up("store") {
                    tracing::info!("the store answers");
                }
            }
            Some(reason) => {
                if app.health.down("store", reason.as_str()) {
                    tracing::warn!(reason, "the store does not answer: {reason}");
                }
            }
        }
    }
}

/// Accepting runs needs no broker, but starting them does: a client that asks for readiness is told.
async fn watch_broker(app: AppState, broker: berth_broker::Broker) {
    let mut connection = broker.connection();
    loop {
        let now = connection.borrow_and_update().clone();
        match now.why_down() {
            None => app.health.up("broker"),
            Some(why) => app.health.down("broker", why),
        };
        tokio::select! {
            () = app.shutdown.cancelled() => return,
            changed = connection.changed() => if changed.is_err() { return },
        }
    }
}

//! The listener: TLS, and HTTP on it, until the end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::service::Service;

/// How long a handshake, or the head of a request, may take.
const HEAD: Duration = Duration::from_secs(10);
/// From the signal to the last connection closed.
const GRACE: Duration = Duration::from_secs(3);
/// After an accept that failed (no file descriptors left, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Answers on `listener` until `shutdown`; then lets requests finish.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: TlsAcceptor,
    service: Arc<Service>,
    shutdown: &CancellationToken,
) {
    let (tasks, graceful) = (TaskTracker::new(), GracefulShutdown::new());
    while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => {
                let (tls, service, watcher) = (tls.clone(), service.clone(), graceful.watcher());
                let shutdown = shutdown.clone();
                tasks.spawn(async move {
                    let handshake = tokio::time::timeout(HEAD, accept(&tls, stream));
                    let Some(Ok(Some((stream, chain)))) = shutdown.run_until_cancelled(handshake).await
                    else {
                        return;
                    };
                    let answering = tower::service_fn(move |request: Request<_>| {
                        let (service, chain) = (service.clone(), chain.clone());
                        let (head, _) = request.into_parts();
                        async move { Ok::<_, Infallible>(service.answer(&head, &chain).await) }
                    });
                    let mut builder = Builder::new(TokioExecutor::new());
                    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
                    builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEAD);
                    let connection =
                        builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(answering));
                    if let Err(error) = watcher.watch(connection.into_owned()).await {
                        tracing::debug!(%error, "a connection for external metrics ended early");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection for external metrics could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    tasks.close();
    let end = async { tokio::join!(graceful.shutdown(), tasks.wait()) };
    if tokio::time::timeout(GRACE, end).await.is_err() {
        tracing::debug!("some connections for external metrics were cut");
    }
}

type Chain = Arc<[CertificateDer<'static>]>;

/// A connection that speaks TLS, and the certificates that the peer showed.
async fn accept(
    tls: &TlsAcceptor,
    stream: TcpStream,
) -> Option<(tokio_rustls::server::TlsStream<TcpStream>, Chain)> {
    match tls.accept(stream).await {
        Ok(stream) => {
            let chain = stream.get_ref().1.peer_certificates().unwrap_or_default().into();
            Some((stream, chain))
        }
        Err(error) => {
            tracing::debug!(%error, "a handshake for external metrics failed");
            None
        }
    }
}

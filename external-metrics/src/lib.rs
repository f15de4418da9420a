//! `external.metrics.k8s.io/v1beta1`: what waits, for the autoscalers of a cluster, behind its aggregation layer.
//!
//! Who asks is known by the API server's certificate and what it says in headers, and asked of the cluster whether that one
//! may. What waits is measured elsewhere, and comes in through a channel: nothing here knows a store or a broker.

mod answer;
mod certificate;
mod cluster;
mod front_proxy;
mod listener;
mod metric;
mod request;
mod selector;
mod service;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use berth_domain::time::Clock;
use berth_domain::waiting::Load;
use rustls::sign::CertifiedKey;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use cluster::{Cluster, Trust};
pub use metric::Server;
use service::Service;

/// How often the cluster is asked whom to believe, and files are looked at.
const REFRESH: Duration = Duration::from_secs(15);
/// How often, until the cluster has told for the first time.
const RETRY: Duration = Duration::from_secs(1);

/// What it is made from.
#[derive(Debug)]
pub struct Config {
    /// Where it listens.
    pub listener: TcpListener,
    /// The certificate that it shows, PEM. The file may be replaced at any time.
    pub certificate: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
    /// By what the API server is found; none: as the service account of the pod.
    pub kubeconfig: Option<PathBuf>,
    /// What serves it.
    pub server: Server,
    /// What waits, as it was measured last; none until it was.
    pub load: watch::Receiver<Option<Load>>,
    /// The wall clock.
    pub clock: Clock,
}

/// Why it can't be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The certificate or its key.
    #[error("can't use {} with {}: {why}", .certificate.display(), .key.display())]
    Identity {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of its key.
        key: PathBuf,
        /// Why not.
        why: String,
    },
    /// The cluster.
    #[error("{0}")]
    Cluster(String),
}

/// Ready to answer.
pub struct ExternalMetrics {
    listener: TcpListener,
    tls: TlsAcceptor,
    service: Arc<Service>,
    files: (PathBuf, PathBuf),
    show: watch::Sender<Arc<CertifiedKey>>,
    told: watch::Sender<Result<Trust, String>>,
}

impl ExternalMetrics {
    /// Makes ready to answer; nothing is asked of the cluster yet.
    ///
    /// # Errors
    /// If the certificate can't be used, or it isn't known where the API server is.
    pub async fn open(config: Config) -> Result<Self, Error> {
        let Config { listener, certificate, key, kubeconfig, server, load, clock } = config;
        let wrong = |why| Error::Identity { certificate: certificate.clone(), key: key.clone(), why };
        let (show, shown) = watch::channel(read(&certificate, &key).await.map_err(wrong)?);
        let tls = certificate::server(shown).map_err(|error| wrong(error.to_string()))?;
        let cluster = Cluster::new(kubeconfig.as_deref()).await.map_err(Error::Cluster)?;
        let (told, trust) = watch::channel(Err("the cluster was not asked yet".to_owned()));
        let service = Arc::new(Service { server, load, trust, cluster, clock });
        let tls = TlsAcceptor::from(Arc::new(tls));
        Ok(Self { listener, tls, service, files: (certificate, key), show, told })
    }

    /// Answers until `shutdown`. While the cluster is away nobody is known, and asks in vain.
    pub async fn serve(self, shutdown: CancellationToken) {
        let Self { listener, tls, service, files, show, told } = self;
        let serving = listener::serve(listener, tls, service.clone(), &shutdown);
        let refreshing = refresh(&service.cluster, &told, (&files.0, &files.1), &show);
        tokio::join!(serving, shutdown.run_until_cancelled(refreshing));
    }
}

async fn read(certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>, String> {
    let file = async |path: &Path| {
        let text = tokio::fs::read_to_string(path).await;
        text.map_err(|error| format!("{}: {error}", path.display()))
    };
    certificate::identity(&file(certificate).await?, &file(key).await?)
}

/// Keeps what is believed and what is shown as the cluster and the files have it.
async fn refresh(
    cluster: &Cluster,
    told: &watch::Sender<Result<Trust, String>>,
    (certificate, key): (&Path, &Path),
    show: &watch::Sender<Arc<CertifiedKey>>,
) {
    let mut last = String::new();
    loop {
        let trust = cluster.trust().await;
        let text = trust.as_ref().map_or_else(Clone::clone, |_| String::new());
        if text != last {
            if text.is_empty() {
                tracing::info!("external metrics: the cluster tells whom to believe again");
            } else {
                tracing::warn!(error = text, "external metrics: the cluster does not tell whom to believe");
            }
            last = text;
        }
        // What was believed holds on while the cluster is away.
        let is_known = trust.is_ok() || told.borrow().is_ok();
        if trust.is_ok() || !is_known {
            told.send_modify(|known| *known = trust);
        }
        match read(certificate, key).await {
            Ok(identity) => {
                show.send_replace(identity);
            }
            Err(error) => tracing::warn!(error, "external metrics: the certificate is not replaced"),
        }
        tokio::time::sleep(if is_known { REFRESH } else { RETRY }).await;
    }
}

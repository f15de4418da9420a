//! `external.metrics.k8s.io`, beside a role that measures what waits.

use berth_domain::time::Clock;
use berth_domain::waiting::Load;
use berth_external_metrics::{Config, Error, ExternalMetrics, Server};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::replica::{Replica, bind};
use crate::failure::Failure;
use crate::settings::ExternalMetricsSettings;

/// Serves it, if the settings say so; returns where to put what waits.
pub(super) async fn serve(
    settings: Option<ExternalMetricsSettings>,
    server: Server,
    replica: &Replica,
    shutdown: &CancellationToken,
) -> Result<Option<watch::Sender<Option<Load>>>, Failure> {
    let Some(settings) = settings else { return Ok(None) };
    let (measured, load) = watch::channel(None);
    let config = Config {
        listener: bind(settings.listen, "external_metrics_listen").await?,
        certificate: settings.certificate,
        key: settings.key,
        kubeconfig: settings.kubeconfig,
        server,
        load,
        clock: Clock::system(),
    };
    let opened = ExternalMetrics::open(config).await.map_err(|error| {
        let setting =
            if matches!(error, Error::Identity { .. }) { "external_metrics_cert_file" } else { "kubeconfig" };
        Failure::usage(format!("`{setting}`: {error}"))
    })?;
    replica.tasks.spawn(opened.serve(shutdown.clone()));
    tracing::info!(address = %settings.listen, "external metrics are served on {}", settings.listen);
    Ok(Some(measured))
}

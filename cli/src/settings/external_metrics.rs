//! `external.metrics.k8s.io`: where it is served, with which certificate, for which cluster.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::agent::kubeconfig;
use super::listen::{ALLOWED, address};
use super::resolve::{Error, Resolved};

/// How external metrics are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalMetricsSettings {
    /// The listener.
    pub listen: SocketAddr,
    /// The certificate that it shows.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The file by which the API server is found; none: as the service account of the pod.
    pub kubeconfig: Option<PathBuf>,
}

impl ExternalMetricsSettings {
    /// Reads `external_metrics_listen` and the files; none if they are not served.
    ///
    /// # Errors
    /// If the address is none, or a file is missing.
    pub fn read(
        resolved: &Resolved,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, Error> {
        let Some(listen) = resolved.read("external_metrics_listen", ALLOWED, address)? else {
            return Ok(None);
        };
        let file = |key| {
            let given = resolved.needed(key, "a file: `external_metrics_listen` is served by TLS")?;
            Ok(PathBuf::from(&given.text))
        };
        Ok(Some(Self {
            listen,
            certificate: file("external_metrics_cert_file")?,
            key: file("external_metrics_key_file")?,
            kubeconfig: kubeconfig(resolved, variable),
        }))
    }
}

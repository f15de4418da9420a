//! A process's traces: recorded from its start, and sent until everything else has ended.

use std::path::PathBuf;

use berth_telemetry::{Registry, Tracer, traces};
use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::failure::Failure;
use crate::settings::TraceSettings;

/// What records, and what has to be told that nothing comes any more.
pub(super) struct Traces {
    pub(super) tracer: Tracer,
    sending: TaskTracker,
    over: CancellationToken,
}

impl Traces {
    /// Begins to send, if there is a collector.
    pub(super) fn start(
        settings: Option<&TraceSettings>,
        replica: &str,
        registry: &Registry,
    ) -> Result<Self, Failure> {
        let (sending, over) = (TaskTracker::new(), CancellationToken::new());
        let Some(settings) = settings else {
            return Ok(Self { tracer: Tracer::off(), sending, over });
        };
        let read = |path: &PathBuf| {
            let doing =
                |error| Failure::usage(format!("`otlp_ca_file`: can't read {}: {error}", path.display()));
            std::fs::read_to_string(path).map_err(doing)
        };
        let wanted = traces::Settings {
            endpoint: settings.endpoint.clone(),
            headers: settings
                .headers
                .iter()
                .map(|(name, value)| (name.clone(), value.expose_secret().to_owned()))
                .collect(),
            authorities: settings.ca_file.as_ref().map(read).transpose()?,
            service: settings.service.clone(),
            release: env!("CARGO_PKG_VERSION").to_owned(),
            replica: replica.to_owned(),
            attributes: settings.attributes.clone(),
            ratio: settings.ratio,
        };
        let (tracer, exporter) =
            Tracer::new(&wanted, registry).map_err(|error| Failure::usage(format!("traces: {error}")))?;
        sending.spawn(exporter.run(over.clone()));
        Ok(Self { tracer, sending, over })
    }

    /// Sends what is left. To be called when everybody who records has ended.
    pub(super) async fn end(&self) {
        self.over.cancel();
        self.sending.close();
        self.sending.wait().await;
    }
}

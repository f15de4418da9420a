//! `berth api`: one replica of the API.

use berth_api::{Auth, Config, Limits};
use berth_domain::access::Scope;
use berth_domain::id::TokenId;
use berth_domain::name::DEFAULT;
use berth_domain::time::Clock;
use berth_external_metrics::Server;
use berth_store::{Audit, NewToken, Store};
use tokio_util::sync::CancellationToken;

use super::replica::{Replica, bind, connect, names};
use super::{external_metrics, failed, process, store};
use crate::command::Surroundings;
use crate::failure::Failure;
use crate::settings::{
    ApiSettings, BrokerSettings, DatabaseSettings, ExternalMetricsSettings, Given, MetricsSettings, Part,
    TraceSettings,
};

struct Settings {
    api: ApiSettings,
    metrics: MetricsSettings,
    database: DatabaseSettings,
    broker: BrokerSettings,
    bootstrap_token: Option<String>,
    traces: Option<TraceSettings>,
    external_metrics: Option<ExternalMetricsSettings>,
}

/// Runs it until it is asked to end.
///
/// # Errors
/// If a setting can't be used. A broker or a database that is away is no error.
pub fn run(surroundings: &Surroundings<'_>, given: &Given) -> Result<(), Failure> {
    let resolved = surroundings.settings(Part::Api, given)?;
    let api = ApiSettings::read(&resolved)?;
    let bootstrap_token = match &api.bootstrap_token_file {
        Some(path) => Some(bootstrap_token(path, surroundings.read)?),
        None => None,
    };
    let settings = Settings {
        api,
        metrics: MetricsSettings::read(&resolved)?,
        database: DatabaseSettings::read(&resolved, None)?,
        broker: BrokerSettings::read(&resolved)?,
        bootstrap_token,
        traces: TraceSettings::read(&resolved)?,
        external_metrics: ExternalMetricsSettings::read(&resolved, surroundings.variable)?,
    };
    process::init_logs(&resolved)?;
    process::run(|shutdown| serve(settings, shutdown))
}

fn bootstrap_token(path: &str, read: &dyn Fn(&str) -> std::io::Result<String>) -> Result<String, Failure> {
    let text = read(path).map_err(|error| Failure::usage(format!("can't read `{path}`: {error}")))?;
    let token = text.trim();
    if token.len() < 32 || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::usage(format!(
            "`bootstrap_token_file`: `{path}` holds no token: at least 32 printable letters without spaces"
        )));
    }
    Ok(token.to_owned())
}

async fn serve(settings: Settings, shutdown: CancellationToken) -> Result<(), Failure> {
    let replica = Replica::new("api", settings.traces.as_ref())?;
    let listener = bind(settings.api.listen, "listen").await?;
    replica.serve_probes(settings.metrics.listen, &shutdown).await?;
    let load = external_metrics::serve(settings.external_metrics, Server::Api, &replica, &shutdown).await?;
    let store = store::open(&settings.database).await?;
    let broker = connect(&settings.broker, "api")?;
    let requests_broker = connect(&settings.broker, "api logs")?;
    let (waiting, health, token) = (store.clone(), replica.health.clone(), settings.bootstrap_token);
    let stop = shutdown.clone();
    replica.tasks.spawn(async move {
        // The API answers meanwhile, so that /readyz can say what is missing.
        if store::ready(&waiting, &health, &stop).await
            && let Some(token) = token
        {
            keep_bootstrap_token(&waiting, &token).await;
        }
    });
    let config = Config {
        store: store.clone(),
        broker: broker.clone(),
        requests_broker: requests_broker.clone(),
        names: names(&settings.broker),
        clock: Clock::system(),
        auth: Auth::Tokens,
        limits: Limits::default(),
        spec_limits: berth_domain::spec::Limits::default(),
        registry: replica.registry.clone(),
        health: replica.health.clone(),
        release: env!("CARGO_PKG_VERSION").to_owned(),
        replica: replica.name.clone(),
        tracer: replica.traces.tracer.clone(),
        load,
    };
    let result = berth_api::run(config, listener, shutdown.clone()).await.map_err(failed);
    shutdown.cancel();
    replica.tasks.close();
    replica.tasks.wait().await;
    broker.close().await;
    requests_broker.close().await;
    store.close().await;
    replica.traces.end().await;
    result
}

/// Makes the first token, if there is none yet.
async fn keep_bootstrap_token(store: &Store, token: &str) {
    let result = async {
        if !store.tokens(DEFAULT).await?.is_empty() {
            return Ok(false);
        }
        let new = NewToken {
            id: TokenId::new(),
            name: "bootstrap".to_owned(),
            owner: DEFAULT.to_owned(),
            username: "bootstrap".to_owned(),
            scopes: vec![Scope::Admin.to_string()],
            expires_at: None,
        };
        let audit = Audit::new("bootstrap", "token.create", Clock::system().now());
        store.create_token(new, &berth_api::hash_token(token), &audit).await.map(|_| true)
    };
    match result.await {
        Ok(true) => tracing::info!("the first access token was made of the bootstrap file"),
        Ok(false) => {}
        // Another replica with the same file was faster.
        Err(berth_store::Error::Conflict { .. }) => {}
        Err(error) => tracing::error!(%error, "the first access token could not be made"),
    }
}

//! The connection: made, watched, and made again for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use berth_broker_config::versions::{Product, Support, support};
use futures_util::StreamExt;
use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};
use lapin::uri::AMQPUri;
use lapin::{ConnectionProperties, Event};
use tokio::sync::{Mutex, Notify, watch};

use super::management::Management;
use crate::backoff::Backoff;
use crate::connection::Core;
use crate::error::Error;
use crate::settings::{Settings, SettingsError};

/// How many batches can be on their way at once: each has a channel of its own, so that a message that the
/// broker returns is known to be of that batch.
const PUBLISHERS: usize = 4;

/// How often a connection's state is looked at, beside listening to its events.
const LOOK: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) core: Arc<Core>,
    live: watch::Sender<Option<Arc<Live>>>,
    /// Rung by whoever has waited in vain: the connection is then tested.
    suspect: Notify,
    uri: AmqpUri,
    /// None: it is off.
    pub(crate) management: Option<Management>,
    /// Whether the broker was too old when it was last asked.
    is_too_old: AtomicBool,
}

/// lapin's URI, which has the password in it.
struct AmqpUri(AMQPUri);

impl std::fmt::Debug for AmqpUri {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AmqpUri(***)")
    }
}

/// A connection that is, or was a moment ago, up.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) connection: lapin::Connection,
    publishers: Vec<Mutex<Option<lapin::Channel>>>,
    turn: AtomicUsize,
}

impl Live {
    /// A publisher's channel slot: a free one if there is one, else the next in turn.
    pub(crate) async fn publisher(&self) -> tokio::sync::MutexGuard<'_, Option<lapin::Channel>> {
        if let Some(free) = self.publishers.iter().find_map(|slot| slot.try_lock().ok()) {
            return free;
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.publishers.len();
        self.publishers[turn].lock().await
    }
}

impl Link {
    pub(crate) fn new(settings: Settings) -> Result<Arc<Self>, SettingsError> {
        let mut uri: AMQPUri = settings.url().parse().map_err(|problem: String| SettingsError::Part {
            part: "form",
            problem: settings.redact(&problem),
        })?;
        let heartbeat = settings.heartbeat.as_secs().clamp(1, 600) as u16;
        uri.query.heartbeat = Some(uri.query.heartbeat.unwrap_or(heartbeat));
        let management = Management::new(&settings, &uri)?;
        Ok(Arc::new(Self {
            core: Arc::new(Core::new(settings)),
            live: watch::Sender::new(None),
            suspect: Notify::new(),
            uri: AmqpUri(uri),
            management,
            is_too_old: AtomicBool::new(false),
        }))
    }

    /// The connection, if there is one now.
    pub(crate) fn live(&self) -> Result<Arc<Live>, Error> {
        self.live.borrow().clone().ok_or_else(|| self.core.not_connected())
    }

    /// Waits for a connection; `None` if this client is closed first.
    pub(crate) async fn wait_live(&self) -> Option<Arc<Live>> {
        let mut live = self.live.subscribe();
        let found = live.wait_for(Option::is_some);
        self.core.stop.run_until_cancelled(found).await?.ok()?.clone()
    }

    /// Waits until `live` is no longer the connection.
    pub(crate) async fn wait_lost(&self, live: &Arc<Live>) {
        let mut watched = self.live.subscribe();
        let lost = watched.wait_for(|now| now.as_ref().is_none_or(|now| !Arc::ptr_eq(now, live)));
        // An error means that the link itself is gone.
        drop(lost.await);
    }

    /// Says that an answer is overdue.
    pub(crate) fn suspect(&self) {
        self.suspect.notify_one();
    }

    /// Asks the management API for the broker's version, which lapin doesn't tell: why it is not to be worked with, if
    /// that is so and can be known.
    async fn refusal(&self) -> Option<String> {
        let version = self.management.as_ref()?.version().await?;
        let refusal = match support(Product::RabbitMq, &version) {
            Ok(Support::Known) => None,
            Ok(Support::Unknown) => {
                tracing::info!(version = format!("RabbitMQ {version}"), "broker.version.unknown");
                None
            }
            Err(error) => Some(error.to_string()),
        };
        self.is_too_old.store(refusal.is_some(), Ordering::Relaxed);
        refusal
    }

    async fn connect(&self) -> Result<Live, String> {
        // Nobody is let in for a moment again and again.
        if self.is_too_old.load(Ordering::Relaxed)
            && let Some(why) = self.refusal().await
        {
            return Err(why);
        }
        let name = self.core.settings.connection_name.as_str();
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let limit = self.core.settings.connect_timeout;
        let runtime = lapin::runtime::default_runtime().map_err(|error| error.to_string())?;
        let tls = &self.core.settings.tls;
        let config = OwnedTLSConfig {
            identity: tls.identity().map(|(certificate, key)| OwnedIdentity::PKCS8 {
                pem: certificate.as_bytes().to_vec(),
                key: key.as_bytes().to_vec(),
            }),
            cert_chain: tls.ca().map(str::to_owned),
        };
        let connecting =
            lapin::Connection::connect_uri_with_config(self.uri.0.clone(), properties, config, runtime);
        match tokio::time::timeout(limit, connecting).await {
            Err(_) => Err(format!("no answer within {} ms", limit.as_millis())),
            Ok(Err(error)) => Err(error.to_string()),
            Ok(Ok(connection)) => Ok(Live {
                connection,
                publishers: (0..PUBLISHERS).map(|_| Mutex::new(None)).collect(),
                turn: AtomicUsize::new(0),
            }),
        }
    }

    /// Returns, with the reason, when the connection is no good any more.
    async fn watch(&self, live: &Live) -> String {
        let mut events = std::pin::pin!(live.connection.events_listener());
        let mut look = tokio::time::interval(LOOK);
        let mut last = "connection lost".to_owned();
        let mut refusal = std::pin::pin!(self.refusal());
        let mut is_asked = false;
        loop {
            tokio::select! {
                refused = &mut refusal, if !is_asked => match refused {
                    Some(why) => return why,
                    None => is_asked = true,
                },
                event = events.next() => match event {
                    Some(Event::Error(error)) => last = error.to_string(),
                    Some(Event::ConnectionBlocked(reason)) => self.core.set_alarm(Some(&reason.to_string())),
                    Some(Event::ConnectionUnblocked) => self.core.set_alarm(None),
                    Some(_) => {}
                    None => return last,
                },
                () = self.suspect.notified() => {
                    let limit = Duration::from_secs(2);
                    let test = async {
                        let channel = live.connection.create_channel().await?;
                        channel.close(200, "OK".into()).await
                    };
                    match tokio::time::timeout(limit, test).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => return error.to_string(),
                        Err(_) => return format!("no answer within {} ms", limit.as_millis()),
                    }
                }
                _ = look.tick() => {}
            }
            if !live.connection.status().connected() {
                return last;
            }
        }
    }
}

/// Keeps a connection up until the client is closed.
pub(crate) async fn supervise(link: Arc<Link>) {
    let mut backoff = Backoff::default();
    let stop = link.core.stop.clone();
    while !stop.is_cancelled() {
        match stop.run_until_cancelled(link.connect()).await {
            None => break,
            Some(Err(why)) => link.core.set_down(&why),
            Some(Ok(live)) => {
                backoff.reset();
                let live = Arc::new(live);
                link.live.send_replace(Some(Arc::clone(&live)));
                link.core.set_up();
                let why = stop.run_until_cancelled(link.watch(&live)).await;
                link.live.send_replace(None);
                link.core.set_down(why.as_deref().unwrap_or("closed"));
                // A dead one can't be closed in good order, and need not be.
                let close = live.connection.close(200, "OK".into());
                drop(tokio::time::timeout(Duration::from_secs(1), close).await);
            }
        }
        stop.run_until_cancelled(tokio::time::sleep(backoff.next())).await;
    }
}

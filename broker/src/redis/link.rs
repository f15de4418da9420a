//! The connection: made, watched, made again for ever; and what comes in on it unasked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, Cmd, FromRedisValue, IntoConnectionInfo, ProtocolVersion,
    PushInfo, PushKind, RedisError, ScriptInvocation, TlsCertificates, Value,
};
use tokio::sync::{Notify, broadcast, mpsc, watch};

use super::greeting;
use super::scripts::Scripts;
use super::sentinel::Watchers;
use crate::backoff::Backoff;
use crate::celery::envelope;
use crate::connection::Core;
use crate::error::Error;
use crate::message::Message;
use crate::settings::{Settings, SettingsError};

/// How many broadcast messages wait for a slow subscriber; then it misses some.
const TOPIC_BACKLOG: usize = 1024;

pub(crate) struct Link {
    pub(crate) core: Arc<Core>,
    pub(crate) scripts: Scripts,
    /// The Redis; with Sentinels, how it is connected to wherever it is.
    client: Client,
    watchers: Option<Watchers>,
    live: watch::Sender<Option<MultiplexedConnection>>,
    /// Rung by whoever has waited in vain: the connection is then tested.
    suspect: Notify,
    channels: Mutex<HashMap<String, Channel>>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("settings", &self.core.settings).finish_non_exhaustive()
    }
}

/// What is listened to.
#[derive(Debug)]
enum Channel {
    /// A queue was filled: counts the hints.
    Hint(watch::Sender<u64>),
    /// A topic.
    Topic(broadcast::Sender<Message>),
}

impl Link {
    pub(crate) fn new(settings: Settings) -> Result<Arc<Self>, SettingsError> {
        let wrong = |error: &RedisError| SettingsError::Part {
            part: "form",
            problem: settings.redact(&error.to_string()),
        };
        let info = settings.url().into_connection_info().map_err(|error| wrong(&error))?;
        let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let info = info.set_redis_settings(redis);
        let tls = &settings.tls;
        let client = if tls.is_plain() {
            Client::open(info)
        } else {
            let client_tls = tls.identity().map(|(certificate, key)| ClientTlsConfig {
                client_cert: certificate.as_bytes().to_vec(),
                client_key: key.as_bytes().to_vec(),
            });
            let root_cert = tls.ca().map(|ca| ca.as_bytes().to_vec());
            Client::build_with_tls(info, TlsCertificates { client_tls, root_cert })
        };
        let client = client.map_err(|error| wrong(&error))?;
        let watchers = settings.sentinels().map(|all| Watchers::new(all, &client)).transpose();
        let watchers = watchers.map_err(|error| wrong(&error))?;
        Ok(Arc::new(Self {
            core: Arc::new(Core::new(settings)),
            scripts: Scripts::default(),
            client,
            watchers,
            live: watch::Sender::new(None),
            suspect: Notify::new(),
            channels: Mutex::default(),
        }))
    }

    fn channels(&self) -> MutexGuard<'_, HashMap<String, Channel>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connection(&self) -> Result<MultiplexedConnection, Error> {
        self.live.borrow().clone().ok_or_else(|| self.core.not_connected())
    }

    /// Asks on the connection that there is. Whoever waits for one that is gone would wait in vain until the time for an
    /// answer is up, while there is another one.
    async fn ask<T>(
        &self,
        doing: &'static str,
        query: impl AsyncFnOnce(&mut MultiplexedConnection) -> Result<T, RedisError>,
    ) -> Result<T, Error> {
        let mut live = self.live.subscribe();
        let current = live.borrow_and_update().clone();
        let mut connection = current.ok_or_else(|| self.core.not_connected())?;
        tokio::select! {
            biased;
            answer = query(&mut connection) => answer.map_err(|error| self.error(doing, &error)),
            // An error means that the link itself is gone.
            _ = live.changed() => Err(self.core.not_connected()),
        }
    }

    /// Waits until there is a connection; `None` if this client is closed first.
    pub(crate) async fn wait_live(&self) -> Option<()> {
        let mut live = self.live.subscribe();
        let found = live.wait_for(Option::is_some);
        self.core.stop.run_until_cancelled(found).await?.ok().map(|_| ())
    }

    /// Sends one command.
    pub(crate) async fn command<T: FromRedisValue>(
        &self,
        doing: &'static str,
        cmd: &Cmd,
    ) -> Result<T, Error> {
        self.ask(doing, async |connection| cmd.query_async(connection).await).await
    }

    /// Runs one script.
    pub(crate) async fn script<T: FromRedisValue>(
        &self,
        doing: &'static str,
        call: &ScriptInvocation<'_>,
    ) -> Result<T, Error> {
        self.ask(doing, async |connection| call.invoke_async(connection).await).await
    }

    /// Runs commands in one go.
    pub(crate) async fn pipeline<T: FromRedisValue>(
        &self,
        doing: &'static str,
        pipeline: &::redis::Pipeline,
    ) -> Result<T, Error> {
        self.ask(doing, async |connection| pipeline.query_async(connection).await).await
    }

    fn error(&self, doing: &'static str, error: &RedisError) -> Error {
        // Of a transaction that is refused: what the server said of the command that it would not take.
        let refused = error.clone().into_server_errors();
        let refused = refused.as_ref().and_then(|all| all.first()).map(|(_, refused)| refused);
        let text = refused.map_or_else(|| error.to_string(), ToString::to_string);
        let text = self.core.settings.redact(&text);
        let code = refused.map(|refused| refused.code());
        if error.is_timeout() {
            self.suspect.notify_one();
            let millis = self.core.settings.answer_timeout.as_millis() as u64;
            return Error::Timeout { doing, millis };
        }
        if error.is_io_error() || error.is_connection_dropped() {
            self.suspect.notify_one();
            return Error::NotConnected { last: Some(text) };
        }
        if code == Some("READONLY") {
            // It was made a replica: another is the master by now.
            self.suspect.notify_one();
            return Error::NotConnected { last: Some(text) };
        }
        if code == Some("OOM") {
            // Until it takes a message again.
            self.core.set_alarm(Some(&text));
        }
        match code {
            Some("NOPERM" | "NOAUTH" | "WRONGPASS") => Error::Forbidden { doing, text },
            _ => Error::Failed { doing, text },
        }
    }

    /// Listens for hints that a queue was filled; counts from the moment this returns.
    pub(crate) async fn hints(&self, queue: &str) -> watch::Receiver<u64> {
        let hints = {
            let mut channels = self.channels();
            let channel =
                channels.entry(queue.to_owned()).or_insert_with(|| Channel::Hint(watch::Sender::new(0)));
            match channel {
                Channel::Hint(sender) => sender.subscribe(),
                // A topic and a queue never share a name; a dead receiver is only slower.
                Channel::Topic(_) => watch::Sender::new(0).subscribe(),
            }
        };
        self.listen(queue).await;
        hints
    }

    /// Listens to a topic.
    pub(crate) async fn topic(&self, topic: &str) -> broadcast::Receiver<Message> {
        let messages = {
            let mut channels = self.channels();
            let channel = channels
                .entry(topic.to_owned())
                .or_insert_with(|| Channel::Topic(broadcast::Sender::new(TOPIC_BACKLOG)));
            match channel {
                Channel::Topic(sender) => sender.subscribe(),
                Channel::Hint(_) => broadcast::Sender::new(1).subscribe(),
            }
        };
        self.listen(topic).await;
        messages
    }

    async fn listen(&self, channel: &str) {
        if let Ok(mut connection) = self.connection()
            && let Err(error) = connection.subscribe(channel).await
        {
            // A new connection subscribes to everything again; until then polling finds what hints would tell.
            let error = self.error("subscribing", &error);
            tracing::warn!(channel, %error, "broker.subscribe.failed");
        }
    }

    fn dispatch(&self, push: PushInfo) {
        let (PushKind::Message, [Value::BulkString(channel), Value::BulkString(payload)]) =
            (push.kind, push.data.as_slice())
        else {
            return;
        };
        let Ok(name) = std::str::from_utf8(channel) else { return };
        match self.channels().get(name) {
            Some(Channel::Hint(hints)) => hints.send_modify(|count| *count = count.wrapping_add(1)),
            // An error means that nobody listens any more.
            Some(Channel::Topic(topic)) => drop(topic.send(envelope::decode(payload).0)),
            None => {}
        }
    }

    async fn connect(&self) -> Result<(MultiplexedConnection, mpsc::UnboundedReceiver<PushInfo>), String> {
        let (sender, pushes) = mpsc::unbounded_channel();
        let settings = &self.core.settings;
        let limit = settings.connect_timeout;
        let master = match &self.watchers {
            None => None,
            Some(watchers) => Some(watchers.master(&self.client, limit).await?),
        };
        let client = master.as_ref().unwrap_or(&self.client);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(settings.connect_timeout))
            .set_response_timeout(Some(settings.answer_timeout))
            .set_push_sender(sender);
        let connecting = async {
            let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
            let greeting = greeting::ask(&mut connection).await?;
            if let Some(why) = greeting.refusal() {
                return Ok(Err(why));
            }
            let names: Vec<String> = self.channels().keys().cloned().collect();
            if !names.is_empty() {
                connection.subscribe(names).await?;
            }
            Ok::<_, RedisError>(Ok((connection, greeting)))
        };
        let (connection, greeting) = match tokio::time::timeout(limit, connecting).await {
            Err(_) => return Err(format!("no answer within {} ms", limit.as_millis())),
            Ok(Err(error)) => return Err(error.to_string()),
            Ok(Ok(connected)) => {
                connected.map_err(|why| format!("{}: {why}", client.get_connection_info().addr()))?
            }
        };
        if !greeting.is_known() {
            tracing::info!(version = greeting.shown(), "broker.version.unknown");
        }
        Ok((connection, pushes))
    }

    /// Returns, with the reason, when the connection is no good any more.
    async fn watch(
        &self,
        mut connection: MultiplexedConnection,
        mut pushes: mpsc::UnboundedReceiver<PushInfo>,
    ) -> String {
        let mut beat = tokio::time::interval(self.core.settings.heartbeat);
        loop {
            tokio::select! {
                push = pushes.recv() => match push {
                    Some(PushInfo { kind: PushKind::Disconnection, .. }) | None => {
                        return "connection lost".to_owned();
                    }
                    Some(push) => {
                        self.dispatch(push);
                        continue;
                    }
                },
                () = self.suspect.notified() => {}
                _ = beat.tick() => {}
            }
            let limit = self.core.settings.heartbeat.max(Duration::from_millis(500));
            // Also tells that it is a master no more.
            match tokio::time::timeout(limit, greeting::ask(&mut connection)).await {
                Ok(Ok(greeting)) => {
                    if let Some(why) = greeting.refusal() {
                        return why;
                    }
                }
                Ok(Err(error)) => return error.to_string(),
                Err(_) => return format!("no answer within {} ms", limit.as_millis()),
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
            Some(Ok((connection, pushes))) => {
                backoff.reset();
                link.live.send_replace(Some(connection.clone()));
                link.core.set_up();
                let why = stop.run_until_cancelled(link.watch(connection, pushes)).await;
                if why.is_none() {
                    // Closed: consumers still give back what they hold.
                    break;
                }
                link.live.send_replace(None);
                link.core.set_down(why.as_deref().unwrap_or("closed"));
            }
        }
        stop.run_until_cancelled(tokio::time::sleep(backoff.next())).await;
    }
    link.core.set_down("closed");
}

//! RabbitMQ's management API over HTTP: what AMQP can't say or do. The client, and whether it can be reached.
//!
//! Nothing depends on it: it may be off, away or forbidden. Its counts come from statistics that queues emit every
//! five seconds by default, so they are as old as that. What is asked here never holds AMQP up: an API that did
//! not answer is left alone for a while.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use lapin::uri::AMQPUri;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use crate::error::Error;
use crate::settings::{ManagementUrl, Settings, SettingsError};
use crate::tls::Tls;

/// For one answer about one queue: it is asked in between, and something else waits.
const QUICK: Duration = Duration::from_secs(1);

/// For one answer that somebody waits for.
const PATIENT: Duration = Duration::from_secs(10);

/// How long an API that failed is left alone.
const LEFT_ALONE: Duration = Duration::from_secs(15);

pub(crate) struct Management {
    /// With the credentials in it.
    base: Url,
    /// Without them.
    shown: String,
    vhost: String,
    tls: Tls,
    http: OnceLock<reqwest::Client>,
    reach: Mutex<Reach>,
}

/// What is known of the API, and was said.
#[derive(Debug, Default)]
struct Reach {
    /// Whether it answered the last time, and if not why.
    last: Option<Result<(), String>>,
    not_before: Option<Instant>,
}

/// The part of a queue's description that is asked for.
#[derive(Deserialize)]
struct Counts {
    /// Missing until the queue has emitted its first statistics.
    messages_unacknowledged: Option<u64>,
}

/// The part of the broker's description that is asked for.
#[derive(Deserialize)]
struct Overview {
    rabbitmq_version: String,
}

impl std::fmt::Debug for Management {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Management").field("at", &self.shown).finish_non_exhaustive()
    }
}

impl Management {
    /// The API that the settings name, or that is beside the broker; none if it is off.
    pub(crate) fn new(settings: &Settings, uri: &AMQPUri) -> Result<Option<Self>, SettingsError> {
        let Some(mut base) = place(settings)? else { return Ok(None) };
        let wrong = |()| SettingsError::Part { part: "management URL", problem: "it has no host".to_owned() };
        if base.username().is_empty() && base.password().is_none() {
            let user = &uri.authority.userinfo;
            base.set_username(&user.username).map_err(wrong)?;
            base.set_password(Some(&user.password)).map_err(wrong)?;
        }
        let mut shown = base.clone();
        shown.set_username("").map_err(wrong)?;
        shown.set_password(None).map_err(wrong)?;
        Ok(Some(Self {
            base,
            shown: shown.as_str().trim_end_matches('/').to_owned(),
            vhost: uri.vhost.clone(),
            tls: settings.tls.clone(),
            http: OnceLock::new(),
            reach: Mutex::default(),
        }))
    }

    /// The virtual host.
    pub(crate) fn vhost(&self) -> &str {
        &self.vhost
    }

    /// How many messages of a queue were un-acked when it last said so; `None` if that can't be known now.
    pub(crate) async fn unacked(&self, queue: &str) -> Option<u64> {
        if self.reach().not_before.is_some_and(|moment| Instant::now() < moment) {
            return None;
        }
        let columns = Some(("columns", "messages_unacknowledged"));
        let request = self.request(Method::GET, &["queues", &self.vhost, queue], columns);
        let answer = self.answer::<Counts>(request.timeout(QUICK)).await;
        self.note(answer.as_ref().map(drop));
        answer.ok().flatten().and_then(|counts| counts.messages_unacknowledged)
    }

    /// The broker's version; `None` if that can't be known now.
    pub(crate) async fn version(&self) -> Option<String> {
        let request = self.request(Method::GET, &["overview"], Some(("columns", "rabbitmq_version")));
        let overview = self.answer::<Overview>(request.timeout(PATIENT)).await;
        overview.ok().flatten().map(|overview| overview.rabbitmq_version)
    }

    /// Reads something.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<Option<T>, Error> {
        let request = self.request(Method::GET, path, Some(("disable_stats", "true")));
        self.answer(request.timeout(PATIENT)).await.map_err(|text| self.error(text))
    }

    /// Reads these columns of a list, those among them that are only told with statistics.
    pub(crate) async fn get_columns<T: DeserializeOwned>(
        &self,
        path: &[&str],
        columns: &str,
    ) -> Result<Option<T>, Error> {
        let request = self.request(Method::GET, path, Some(("columns", columns)));
        self.answer(request.timeout(PATIENT)).await.map_err(|text| self.error(text))
    }

    /// Makes something be as `body` says.
    pub(crate) async fn put(&self, path: &[&str], body: &Value) -> Result<(), Error> {
        let request = self.request(Method::PUT, path, None).json(body).timeout(PATIENT);
        let sent = send(request).await;
        match sent {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(self.error(refusal(response.status()))),
            Err(text) => Err(self.error(text)),
        }
    }

    /// Takes something away; it is no error if it is not there.
    pub(crate) async fn delete(&self, path: &[&str]) -> Result<(), Error> {
        let request = self.request(Method::DELETE, path, None).timeout(PATIENT);
        match send(request).await {
            Ok(response) if response.status().is_success() || response.status() == StatusCode::NOT_FOUND => {
                Ok(())
            }
            Ok(response) => Err(self.error(refusal(response.status()))),
            Err(text) => Err(self.error(text)),
        }
    }

    /// An error of this API.
    pub(crate) fn error(&self, text: String) -> Error {
        Error::Management { at: self.shown.clone(), text }
    }

    fn request(&self, method: Method, path: &[&str], query: Option<(&str, &str)>) -> RequestBuilder {
        let mut url = self.base.clone();
        // A base is an http URL with a host, which always has a path.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("api").extend(path);
        }
        if let Some((name, value)) = query {
            url.query_pairs_mut().append_pair(name, value);
        }
        // The credentials go from the URL into a header there.
        self.http.get_or_init(|| client(&self.tls)).request(method, url)
    }

    /// The answer to a request; `None` if there is no such thing.
    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<Option<T>, String> {
        let response = send(request).await?;
        match response.status() {
            status if status.is_success() => response.json().await.map(Some).map_err(reason),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(refusal(status)),
        }
    }

    fn reach(&self) -> MutexGuard<'_, Reach> {
        self.reach.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps in mind, and says when it is news, whether the API can be used.
    fn note(&self, answer: Result<(), &String>) {
        let answer = answer.map_err(String::clone);
        let mut reach = self.reach();
        reach.not_before = answer.is_err().then(|| Instant::now() + LEFT_ALONE);
        if reach.last.as_ref() == Some(&answer) {
            return;
        }
        match &answer {
            Ok(()) => tracing::info!(at = self.shown, "broker.management.reached"),
            Err(error) => tracing::warn!(
                at = self.shown,
                %error,
                "broker.management.unusable: un-acked messages on RabbitMQ can't be counted"
            ),
        }
        reach.last = Some(answer);
    }
}

/// Where the API is.
fn place(settings: &Settings) -> Result<Option<Url>, SettingsError> {
    let wrong = |problem: String| SettingsError::Part { part: "management URL", problem };
    match &settings.management {
        ManagementUrl::Off => Ok(None),
        ManagementUrl::At(url) => Ok(Some(url.url().map_err(wrong)?)),
        ManagementUrl::Beside => {
            let broker = Url::parse(settings.url()).map_err(SettingsError::NotAUrl)?;
            let (scheme, port) = if broker.scheme() == "amqps" { ("https", 15671) } else { ("http", 15672) };
            let host = broker.host_str().unwrap_or_default();
            let url = Url::parse(&format!("{scheme}://{host}:{port}"));
            url.map(Some).map_err(|error| wrong(error.to_string()))
        }
    }
}

/// Made when it is first needed: most processes never are in need of it.
fn client(tls: &Tls) -> reqwest::Client {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else was faster, which is as good.
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    }
    // Settings of the surroundings, a proxy's among them, are not this crate's to read.
    let mut builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    // They were read before: what can't be used is not there.
    let authorities = tls.ca().and_then(|ca| reqwest::Certificate::from_pem_bundle(ca.as_bytes()).ok());
    for authority in authorities.into_iter().flatten() {
        builder = builder.add_root_certificate(authority);
    }
    let identity = tls.identity().map(|(certificate, key)| format!("{certificate}\n{key}"));
    if let Some(identity) = identity.and_then(|pem| reqwest::Identity::from_pem(pem.as_bytes()).ok()) {
        builder = builder.identity(identity);
    }
    builder.connect_timeout(QUICK).build().unwrap_or_default()
}

async fn send(request: RequestBuilder) -> Result<reqwest::Response, String> {
    request.send().await.map_err(reason)
}

/// The innermost cause, without the URL.
fn reason(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn refusal(status: StatusCode) -> String {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            format!("{status}: the user needs the tag `monitoring`, or `administrator` to make users")
        }
        status => status.to_string(),
    }
}

//! Sends spans in batches, for as long as the process lives, and what is left when it ends. Nobody waits for it.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Client, StatusCode, Url};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::span::Span;
use super::{Dropped, Error, Numbers, Settings, otlp};

/// The most spans of one request.
const BATCH: usize = 512;
/// How long a span waits for others to travel with.
const GATHER: Duration = Duration::from_millis(500);
/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// For how long a batch is tried; new spans gather meanwhile, as far as there is room.
const TRIED_FOR: Duration = Duration::from_secs(30);
/// How long to wait before a batch is tried again, at first and at most.
const AGAIN: Duration = Duration::from_millis(500);
const AGAIN_AT_MOST: Duration = Duration::from_secs(5);
/// How long what is left may take when the process ends.
const FLUSH: Duration = Duration::from_secs(2);

/// Sends what a [`super::Tracer`] records.
#[derive(Debug)]
pub struct Exporter {
    waiting: mpsc::Receiver<Span>,
    client: Client,
    endpoint: Url,
    headers: HeaderMap,
    resource: Resource,
    release: String,
    numbers: Numbers,
    /// What was wrong with the collector last, so that it is said once.
    trouble: Option<String>,
}

/// Why a batch was not taken.
enum Refused {
    /// It may be taken later; after so long, if the collector says.
    Later { why: String, after: Option<Duration> },
    /// It never will be.
    Never { why: String },
}

impl Exporter {
    pub(super) fn new(
        settings: &Settings,
        waiting: mpsc::Receiver<Span>,
        numbers: Numbers,
    ) -> Result<Self, Error> {
        let endpoint: Url = settings.endpoint.parse().map_err(|_| Error::Endpoint)?;
        if !matches!(endpoint.scheme(), "http" | "https") || endpoint.host().is_none() {
            return Err(Error::Endpoint);
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &settings.headers {
            let wrong = || Error::Header(name.clone());
            let known = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
            let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
            value.set_sensitive(true);
            headers.insert(known, value);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let mut client = Client::builder()
            .timeout(PATIENCE)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(format!("berth/{}", settings.release));
        if let Some(text) = &settings.authorities {
            for authority in authorities(text)? {
                client = client.add_root_certificate(authority);
            }
        }
        let client = client.build()?;
        let (resource, release) = (otlp::resource(settings), settings.release.clone());
        Ok(Self { waiting, client, endpoint, headers, resource, release, numbers, trouble: None })
    }

    /// Sends until `stop`, and then what is left, for 2 s at most. To be stopped when nobody records any more.
    pub async fn run(mut self, stop: CancellationToken) {
        // Kept out here, so that nothing is lost of what the end breaks off.
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            if stop.run_until_cancelled(self.gather(&mut batch)).await.is_none() {
                break;
            }
            if batch.is_empty() {
                return;
            }
            let until = Instant::now() + TRIED_FOR;
            if stop.run_until_cancelled(self.send(&batch, until)).await.is_none() {
                break;
            }
            batch.clear();
        }
        self.flush(batch).await;
    }

    /// Waits for a span, and a moment for more; none come if nobody records any more.
    async fn gather(&mut self, batch: &mut Vec<Span>) {
        self.waiting.recv_many(batch, BATCH).await;
        let leaves_at = Instant::now() + GATHER;
        while !batch.is_empty() && batch.len() < BATCH {
            let more = self.waiting.recv_many(batch, BATCH - batch.len());
            if !timeout_at(leaves_at, more).await.is_ok_and(|more| more > 0) {
                return;
            }
        }
    }

    /// Sends what is left, beginning with `batch`.
    async fn flush(&mut self, mut batch: Vec<Span>) {
        let until = Instant::now() + FLUSH;
        self.waiting.close();
        loop {
            if batch.is_empty() && self.waiting.recv_many(&mut batch, BATCH).await == 0 {
                return;
            }
            if timeout_at(until, self.send(&batch, until)).await.is_err() {
                self.numbers.dropped(Dropped::Unreachable, batch.len() + self.waiting.len());
                return;
            }
            batch.clear();
        }
    }

    /// Sends a batch, again if need be, until `until`; then it is dropped.
    async fn send(&mut self, batch: &[Span], until: Instant) {
        let body = otlp::request(&self.resource, &self.release, batch).encode_to_vec();
        let mut again = AGAIN;
        loop {
            match self.send_once(body.clone()).await {
                Ok(rejected) => {
                    let rejected = rejected.min(batch.len());
                    self.numbers.exported.inc_by((batch.len() - rejected) as u64);
                    self.numbers.dropped(Dropped::Rejected, rejected);
                    if self.trouble.take().is_some() {
                        tracing::info!("traces are exported again");
                    }
                    return;
                }
                Err(Refused::Never { why }) => {
                    self.told(why);
                    return self.numbers.dropped(Dropped::Rejected, batch.len());
                }
                Err(Refused::Later { why, after }) => {
                    self.told(why);
                    let next = Instant::now() + after.unwrap_or(again);
                    if next >= until {
                        return self.numbers.dropped(Dropped::Unreachable, batch.len());
                    }
                    sleep_until(next).await;
                    again = (again * 2).min(AGAIN_AT_MOST);
                }
            }
        }
    }

    /// Sends a batch; how many of it the collector rejected.
    async fn send_once(&self, body: Vec<u8>) -> Result<usize, Refused> {
        let request = self.client.post(self.endpoint.clone()).headers(self.headers.clone()).body(body);
        let later = |error: reqwest::Error| Refused::Later { why: words(&error), after: None };
        let answer = request.send().await.map_err(later)?;
        let status = answer.status();
        if status.is_success() {
            let body = answer.bytes().await.map_err(later)?;
            // An answer that can't be read says nothing of spans that were rejected.
            let said = ExportTraceServiceResponse::decode(body).unwrap_or_default();
            let rejected = said.partial_success.map_or(0, |partial| partial.rejected_spans);
            return Ok(usize::try_from(rejected).unwrap_or(0));
        }
        let why = format!("it answered {status}");
        let after = answer.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
        // The four that OTLP names.
        let is_passing = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        Err(if is_passing {
            Refused::Later { why, after: after.map(Duration::from_secs) }
        } else {
            Refused::Never { why }
        })
    }

    /// Logs what is wrong, once.
    fn told(&mut self, why: String) {
        if self.trouble.as_ref() != Some(&why) {
            tracing::warn!(error = why, "traces are not exported: {why}");
            self.trouble = Some(why);
        }
    }
}

fn authorities(text: &str) -> Result<Vec<Certificate>, Error> {
    let found = Certificate::from_pem_bundle(text.as_bytes()).unwrap_or_default();
    if found.is_empty() { Err(Error::Authorities) } else { Ok(found) }
}

/// An error with its causes, without the address, which may hold a password.
fn words(error: &reqwest::Error) -> String {
    let mut text =
        if error.is_timeout() { "it did not answer in time" } else { "it can't be reached" }.to_owned();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests;

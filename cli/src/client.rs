//! Speaks HTTP to a Berth server, and words what goes wrong. What is asked for is decided by the commands.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use crate::failure::{Failure, Status};

mod answer;
pub mod kept;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(60);

/// A server and whom we are there.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    host: Url,
    token: Option<SecretString>,
}

/// What is sent with a request.
#[derive(Debug, Default)]
pub struct Sent<'a> {
    /// After the `?`.
    pub query: &'a [(&'a str, String)],
    /// The body, as JSON.
    pub body: Option<Value>,
    /// Further headers.
    pub headers: &'a [(&'static str, String)],
}

impl Client {
    /// A client of `host`.
    ///
    /// # Errors
    /// If TLS can't be set up.
    pub fn new(host: Url, token: Option<SecretString>) -> Result<Self, Failure> {
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("berth/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&host) {
            // A proxy of the surroundings can't reach this machine's own addresses.
            builder = builder.no_proxy();
        }
        let http = builder
            .build()
            .map_err(|error| Failure::new(Status::Failed, format!("can't set TLS up: {error}")))?;
        Ok(Self { http, host, token })
    }

    /// The server.
    #[must_use]
    pub fn host(&self) -> &Url {
        &self.host
    }

    /// Asks for something.
    ///
    /// # Errors
    /// If the server can't be reached or refuses.
    pub async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Value, Failure> {
        self.send(Method::GET, path, Sent { query, ..Sent::default() }).await
    }

    /// Has something done.
    ///
    /// # Errors
    /// If the server can't be reached or refuses.
    pub async fn post(&self, path: &[&str], body: Value) -> Result<Value, Failure> {
        self.send(Method::POST, path, Sent { body: Some(body), ..Sent::default() }).await
    }

    /// Has something changed.
    ///
    /// # Errors
    /// If the server can't be reached or refuses.
    pub async fn patch(&self, path: &[&str], body: Value) -> Result<Value, Failure> {
        self.send(Method::PATCH, path, Sent { body: Some(body), ..Sent::default() }).await
    }

    /// Has something deleted.
    ///
    /// # Errors
    /// If the server can't be reached or refuses.
    pub async fn delete(&self, path: &[&str]) -> Result<Value, Failure> {
        self.send(Method::DELETE, path, Sent::default()).await
    }

    /// Any request. The parts of the path are escaped each.
    ///
    /// # Errors
    /// If the server can't be reached or refuses.
    pub async fn send(&self, method: Method, path: &[&str], sent: Sent<'_>) -> Result<Value, Failure> {
        let mut request = self.http.request(method, self.url(path, sent.query)?);
        if let Some(token) = &self.token {
            let mut header =
                reqwest::header::HeaderValue::from_str(&format!("Token {}", token.expose_secret()))
                    .map_err(|_| Failure::usage("`token` has letters that a header can't have"))?;
            header.set_sensitive(true);
            request = request.header(reqwest::header::AUTHORIZATION, header);
        }
        for (name, value) in sent.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = &sent.body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| answer::unreachable(&self.host, &error))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| answer::unreachable(&self.host, &error))?;
        self.read(status, &body)
    }

    fn read(&self, status: StatusCode, body: &[u8]) -> Result<Value, Failure> {
        if !status.is_success() {
            return Err(answer::refused(&self.host, status.as_u16(), body));
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(body).map_err(|_| answer::not_berth(&self.host, status.as_u16()))
    }

    fn url(&self, path: &[&str], query: &[(&str, String)]) -> Result<Url, Failure> {
        let mut url = self.host.clone();
        url.path_segments_mut()
            .map_err(|()| Failure::usage("`host` is a URL without a path"))?
            .pop_if_empty()
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }
}

fn is_loopback(host: &Url) -> bool {
    match host.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_odd_letters_stays_one_part_of_the_path() {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let client = Client::new("http://h:1/base/".parse().unwrap(), None).unwrap();
        let url = client.url(&["api", "v1", "a/b", "ü ?"], &[("q", "x&y".to_owned())]).unwrap();
        assert_eq!(url.as_str(), "http://h:1/base/api/v1/a%2Fb/%C3%BC%20%3F?q=x%26y");
    }

    #[test]
    fn only_this_machines_own_addresses_are_loopback() {
        for (host, loopback) in [
            ("http://127.0.0.1:1", true),
            ("http://[::1]:1", true),
            ("http://localhost", true),
            ("http://10.0.0.1", false),
            ("https://localhost.example", false),
        ] {
            assert_eq!(is_loopback(&host.parse().unwrap()), loopback, "{host}");
        }
    }
}

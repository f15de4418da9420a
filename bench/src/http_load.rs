//! Load over HTTP/1.1 on loopback: one request after the other on each of many connections.
//!
//! Written on plain sockets so that the client takes as little of the machine as it can, and the same for
//! both sides. It knows what these servers answer (RFC 9112: `Content-Length` or chunks), and no more.

pub mod wire;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

/// A server on loopback.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its port.
    pub port: u16,
    /// Its access token, if it wants one.
    pub token: Option<String>,
}

/// What to ask.
#[derive(Clone, Debug)]
pub struct Request {
    method: &'static str,
    path: String,
    body: String,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// 200, say.
    pub status: u16,
    /// The body as it came: nothing asks for compression.
    pub body: Vec<u8>,
}

impl Request {
    /// A GET.
    pub fn get(path: &str) -> Self {
        Self { method: "GET", path: path.to_owned(), body: String::new() }
    }

    /// A POST of JSON.
    pub fn post(path: &str, body: &serde_json::Value) -> Self {
        Self { method: "POST", path: path.to_owned(), body: body.to_string() }
    }

    /// The body.
    pub fn body_text(&self) -> String {
        self.body.clone()
    }

    fn bytes(&self, target: &Target) -> Vec<u8> {
        let token = target.token.as_ref().map_or(String::new(), |t| format!("authorization: Bearer {t}\r\n"));
        format!(
            "{} {} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n{token}content-type: application/json\r\naccept-encoding: identity\r\ncontent-length: {}\r\n\r\n{}",
            self.method,
            self.path,
            target.port,
            self.body.len(),
            self.body
        )
        .into_bytes()
    }
}

/// One open connection.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.context("can't connect")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(8192) })
    }

    async fn send(&mut self, request: &[u8]) -> Result<Answer> {
        self.buffer.clear();
        self.stream.write_all(request).await.context("can't write the request")?;
        loop {
            if let Some(answer) = wire::answer(&self.buffer)? {
                return Ok(answer);
            }
            let read = self.stream.read_buf(&mut self.buffer).await.context("can't read the answer")?;
            ensure!(read > 0, "the server closed the connection in the middle of an answer");
        }
    }
}

/// Sends one request on a connection of its own.
///
/// # Errors
/// If there is no answer within 30 seconds.
pub async fn send(target: &Target, request: &Request) -> Result<Answer> {
    let bytes = request.bytes(target);
    let exchange = async { Client::connect(target.port).await?.send(&bytes).await };
    timeout(Duration::from_secs(30), exchange).await.context("no answer within 30 s")?
}

/// Sends `count` copies of a request over `connections`, one at a time on each; returns the rate per second.
///
/// # Errors
/// If a connection fails, or an answer's status is not `status`: a rate of errors is no figure.
pub async fn rate(
    target: &Target,
    request: &Request,
    status: u16,
    count: usize,
    connections: usize,
) -> Result<f64> {
    let bytes: Arc<[u8]> = request.bytes(target).into();
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(Client::connect(target.port).await?);
    }
    let mut tasks = JoinSet::new();
    let began = Instant::now();
    for (index, mut client) in clients.into_iter().enumerate() {
        let bytes = Arc::clone(&bytes);
        let share = count / connections + usize::from(index < count % connections);
        tasks.spawn(async move {
            for _ in 0..share {
                let answer = client.send(&bytes).await?;
                ensure!(
                    answer.status == status,
                    "status {} instead of {status}: {}",
                    answer.status,
                    String::from_utf8_lossy(&answer.body)
                );
            }
            Ok(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(count as f64 / began.elapsed().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_carries_its_length_and_the_token() {
        let target = Target { port: 7, token: Some("t".to_owned()) };
        let text =
            String::from_utf8(Request::post("/p", &serde_json::json!({"a": 1})).bytes(&target)).unwrap();
        assert!(text.starts_with("POST /p HTTP/1.1\r\nhost: 127.0.0.1:7\r\n"), "{text}");
        assert!(text.contains("authorization: Bearer t\r\n"));
        assert!(text.ends_with("content-length: 7\r\n\r\n{\"a\":1}"));
    }
}

//! HTTP in front of `git http-backend`, with TLS or without: one request for each connection, and a password.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A server; it listens no more when it is dropped.
#[derive(Debug)]
pub struct Web {
    /// Where it is: scheme, host and port.
    place: String,
    port: u16,
    /// None without TLS.
    certificate: Option<String>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Where the repositories are.
    root: PathBuf,
    /// What it is to be told as `Authorization`.
    expected: String,
    /// Whether anybody said any.
    is_told: AtomicBool,
    sends_to: Mutex<Option<String>>,
    closed: AtomicBool,
}

impl Web {
    /// Listens on all addresses.
    pub(super) fn serve(host: &str, is_tls: bool, root: &Path, account: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))
            .unwrap_or_else(|error| panic!("the server of git can't listen: {error}"));
        let port = listener.local_addr().map_or(0, |address| address.port());
        let (tls, certificate) = is_tls.then(|| tls(host)).unzip();
        let shared = Arc::new(Shared {
            root: root.to_owned(),
            expected: format!("Basic {}", BASE64.encode(account)),
            is_told: AtomicBool::new(false),
            sends_to: Mutex::default(),
            closed: AtomicBool::new(false),
        });
        let served = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if served.closed.load(Ordering::SeqCst) {
                    return;
                }
                let (tls, served) = (tls.clone(), Arc::clone(&served));
                // What a client does that hangs up, or trusts nobody, is its own matter.
                thread::spawn(move || match tls.map(ServerConnection::new) {
                    None => answer(client, &served).ok(),
                    Some(connection) => {
                        let mut stream = StreamOwned::new(connection.ok()?, client);
                        answer(&mut stream, &served).ok()?;
                        stream.conn.send_close_notify();
                        stream.flush().ok()
                    }
                });
            }
        });
        let scheme = if is_tls { "https" } else { "http" };
        Self { place: format!("{scheme}://{host}:{port}"), port, certificate, shared }
    }

    /// Where the repository is.
    pub fn url(&self) -> String {
        format!("{}/code.git", self.place)
    }

    /// What is to be trusted, as PEM; empty without TLS.
    pub fn certificate(&self) -> &str {
        self.certificate.as_deref().unwrap_or_default()
    }

    /// Sends whoever asks from now on to the same path of another server, whoever they are.
    pub fn send_to(&self, other: &Self) {
        *self.shared.sends_to.lock().unwrap_or_else(PoisonError::into_inner) = Some(other.place.clone());
    }

    /// Whether anybody has told it a password, be it the right one or not.
    pub fn was_told_a_password(&self) -> bool {
        self.shared.is_told.load(Ordering::SeqCst)
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        // The listener looks at it when somebody comes.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
    }
}

/// What is asked of the server.
struct Request {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn read(from: &mut impl BufRead) -> io::Result<Self> {
        let first = line(from)?;
        let mut words = first.split(' ').map(str::to_owned);
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let mut request = Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        while let Some((name, value)) = line(from)?.split_once(':') {
            request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        if request.header("transfer-encoding").is_some() {
            loop {
                let length = u64::from_str_radix(&line(from)?, 16).map_err(io::Error::other)?;
                from.take(length).read_to_end(&mut request.body)?;
                line(from)?;
                if length == 0 {
                    break;
                }
            }
        } else if let Some(length) = request.header("content-length") {
            let length = length.parse().map_err(io::Error::other)?;
            from.take(length).read_to_end(&mut request.body)?;
        }
        Ok(request)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

/// A server's side of TLS as `host`, and its certificate, which trusts itself.
fn tls(host: &str) -> (Arc<ServerConfig>, String) {
    let made = rcgen::generate_simple_self_signed([host.to_owned()])
        .unwrap_or_else(|error| panic!("no certificate for `{host}`: {error}"));
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| {
            config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key.into())
        })
        .unwrap_or_else(|error| panic!("no TLS: {error}"));
    (Arc::new(config), made.cert.pem())
}

fn answer(stream: impl Read + Write, shared: &Shared) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let request = Request::read(&mut stream)?;
    let told = request.header("authorization").unwrap_or_default();
    if !told.is_empty() {
        shared.is_told.store(true, Ordering::SeqCst);
    }
    let elsewhere = shared.sends_to.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (head, body) = if let Some(place) = elsewhere {
        let to = format!("{place}{}?{}", request.path, request.query);
        (format!("301 Moved\r\nLocation: {to}\r\n"), Vec::new())
    } else if told == shared.expected {
        backend(&request, &shared.root)?
    } else {
        ("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"code\"\r\n".to_owned(), Vec::new())
    };
    let stream = stream.get_mut();
    write!(stream, "HTTP/1.1 {head}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(&body)?;
    stream.flush()
}

/// What git says: the status and the headers, and what follows.
fn backend(request: &Request, root: &Path) -> io::Result<(String, Vec<u8>)> {
    let mut backend = Command::new("git");
    backend.arg("http-backend").env("GIT_PROJECT_ROOT", root).env("GIT_HTTP_EXPORT_ALL", "1");
    backend.env("REQUEST_METHOD", &request.method).env("PATH_INFO", &request.path);
    backend.env("QUERY_STRING", &request.query).env("CONTENT_LENGTH", request.body.len().to_string());
    for (header, variable) in [
        ("content-type", "CONTENT_TYPE"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
        ("git-protocol", "GIT_PROTOCOL"),
    ] {
        if let Some(value) = request.header(header) {
            backend.env(variable, value);
        }
    }
    let mut child = backend.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    // It reads all of it before it answers.
    if let Some(mut input) = child.stdin.take() {
        input.write_all(&request.body)?;
    }
    let output = child.wait_with_output()?.stdout;
    let end = output.windows(4).position(|four| four == b"\r\n\r\n").map_or(output.len(), |at| at + 4);
    let (head, body) = output.split_at(end);
    let head = String::from_utf8_lossy(head);
    let head = head.trim_end();
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    Ok((format!("{status}\r\n{head}\r\n"), body.to_vec()))
}

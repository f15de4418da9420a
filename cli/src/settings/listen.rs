//! The addresses that services listen on. Opening them is the services'.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::resolve::{Error, Resolved};
use super::table::Part;

/// The API's addresses and first token.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// The API.
    pub listen: SocketAddr,
    /// A file with the first access token.
    pub bootstrap_token_file: Option<String>,
}

/// Where a role serves its metrics.
#[derive(Debug, Clone, Copy)]
pub struct MetricsSettings {
    /// The listener, if there is one.
    pub listen: Option<SocketAddr>,
}

pub(super) const ALLOWED: &str =
    "an address: use HOST:PORT with an IP address, such as 127.0.0.1:8000 or [::1]:8000";

impl ApiSettings {
    /// Reads `listen` and `bootstrap_token_file`. `berth up` has no tokens, and is refused beyond the loopback.
    ///
    /// # Errors
    /// If an address is none, or one that everybody can reach where nobody needs a token.
    pub fn read(resolved: &Resolved) -> Result<Self, Error> {
        let listen = resolved
            .read("listen", ALLOWED, address)?
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8000)));
        if resolved.part == Part::Up && !listen.ip().is_loopback() {
            let origin = resolved.get("listen").map(|value| value.origin.to_string()).unwrap_or_default();
            return Err(Error::Together(format!(
                "`listen` (from {origin}): `berth up` asks nobody for a token, so it listens on a loopback address \
                 only, and {} is none; use 127.0.0.1, or `berth api` with tokens",
                listen.ip()
            )));
        }
        let bootstrap_token_file = resolved.get("bootstrap_token_file").map(|value| value.text.clone());
        Ok(Self { listen, bootstrap_token_file })
    }
}

impl MetricsSettings {
    /// Reads `metrics_listen`.
    ///
    /// # Errors
    /// If it is no address.
    pub fn read(resolved: &Resolved) -> Result<Self, Error> {
        Ok(Self { listen: resolved.read("metrics_listen", ALLOWED, address)? })
    }
}

/// Where a role on this machine is asked whether it is ready: without a token, at an address of this machine.
///
/// # Errors
/// If its address is none.
pub fn readiness(resolved: &Resolved) -> Result<SocketAddr, Error> {
    let mut asked = match MetricsSettings::read(resolved)?.listen {
        Some(listen) => listen,
        None => ApiSettings::read(resolved)?.listen,
    };
    match asked.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => asked.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => asked.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    Ok(asked)
}

pub(super) fn address(text: &str) -> Option<SocketAddr> {
    text.parse().ok().or_else(|| {
        let port = text.strip_prefix("localhost:")?;
        port.parse().ok().map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
    })
}

//! What servers and clients of TLS need: an authority of their own, a server's identity for the loopback address, and a
//! client's. PEM, as files in a server's folder, and for whoever connects.

use std::path::Path;

use crate::certificates::Authority;

/// The names of the files in a server's folder.
pub(crate) const CA: &str = "ca.pem";
pub(crate) const CERTIFICATE: &str = "server.pem";
pub(crate) const KEY: &str = "server.key";

/// An authority, and what it signed.
#[derive(Debug)]
pub struct Tls {
    /// The authority's certificate.
    pub ca: String,
    /// A client's certificate.
    pub client_certificate: String,
    /// Its key.
    pub client_key: String,
    server_certificate: String,
    server_key: String,
}

impl Tls {
    /// Makes all of it anew.
    ///
    /// # Panics
    /// If a key can't be made.
    pub fn new() -> Self {
        let authority = Authority::new("berth-test");
        let server = authority.server(&["localhost"], &[]);
        let client = authority.client("berth", None);
        Self {
            ca: authority.certificate(),
            client_certificate: client.certificate,
            client_key: client.key,
            server_certificate: server.certificate,
            server_key: server.key,
        }
    }

    /// Writes what a server needs into its folder.
    pub(crate) fn write_server(&self, folder: &Path) {
        let files = [(CA, &self.ca), (CERTIFICATE, &self.server_certificate), (KEY, &self.server_key)];
        for (name, text) in files {
            std::fs::write(folder.join(name), text).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    /// Writes what a client needs into a folder: `ca.pem`, `client.pem` and `client.key`.
    ///
    /// # Panics
    /// If it can't be written.
    pub fn write_client(&self, folder: &Path) {
        let files =
            [(CA, &self.ca), ("client.pem", &self.client_certificate), ("client.key", &self.client_key)];
        for (name, text) in files {
            std::fs::write(folder.join(name), text).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self::new()
    }
}

//! Whom a broker's certificate is taken from, and what this client shows of itself: PEM texts, read once.

use std::fmt;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret as _, SecretString};

use crate::settings::SettingsError;

/// What is needed beside the system's own authorities. The default is nothing.
#[derive(Clone, Default)]
pub struct Tls {
    ca: Option<String>,
    identity: Option<(String, SecretString)>,
}

impl Tls {
    /// Reads certificates of authorities, and a client's certificate with its key.
    ///
    /// # Errors
    /// If a text holds no certificate, or no key.
    pub fn new(ca: Option<String>, identity: Option<(String, SecretString)>) -> Result<Self, SettingsError> {
        for (part, text) in
            [("CA", ca.as_deref()), ("client certificate", identity.as_ref().map(|(text, _)| text.as_str()))]
        {
            if let Some(text) = text {
                check(part, CertificateDer::pem_slice_iter(text.as_bytes()).map(|read| read.is_ok()))?;
            }
        }
        if let Some((_, key)) = &identity {
            let key = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes());
            check("client key", std::iter::once(key.is_ok()))?;
        }
        Ok(Self { ca, identity })
    }

    /// Whether there is anything beside the system's authorities.
    pub(crate) fn is_plain(&self) -> bool {
        self.ca.is_none() && self.identity.is_none()
    }

    pub(crate) fn ca(&self) -> Option<&str> {
        self.ca.as_deref()
    }

    /// The client's certificate, and its key.
    pub(crate) fn identity(&self) -> Option<(&str, &str)> {
        self.identity.as_ref().map(|(certificate, key)| (certificate.as_str(), key.expose_secret()))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("ca", &self.ca.is_some())
            .field("identity", &self.identity.is_some())
            .finish()
    }
}

/// All that was found has to be good, and something has to be found.
fn check(part: &'static str, found: impl Iterator<Item = bool>) -> Result<(), SettingsError> {
    let (mut count, mut good) = (0, true);
    for is_good in found {
        count += 1;
        good &= is_good;
    }
    if count > 0 && good {
        return Ok(());
    }
    Err(SettingsError::Part {
        part,
        problem: "it holds no such thing as PEM (-----BEGIN ...-----)".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_named() {
        let said = |ca: Option<&str>, identity: Option<(&str, &str)>| {
            let identity = identity.map(|(text, key)| (text.to_owned(), key.into()));
            Tls::new(ca.map(str::to_owned), identity).unwrap_err().to_string()
        };
        assert!(said(Some("x"), None).starts_with("the broker URL's CA is wrong: it holds no such thing"));
        assert!(said(None, Some(("x", "y"))).contains("client certificate"));
        assert!(Tls::new(None, None).unwrap().is_plain());
    }
}

//! Certificates: the one that is shown, and those that are looked at.
//!
//! The handshake takes any certificate whose key the peer has, and none. Whether its word counts is decided with each
//! request, by the authorities of that moment: so that it is refused in Kubernetes' own words, and authorities can change.

use std::sync::Arc;
use std::time::Duration;

use berth_domain::time::Time;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, SignatureScheme};
use tokio::sync::watch;
use x509_parser::prelude::{FromDer, X509Certificate};

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// The authorities that sign certificates of the API server.
#[derive(Debug, Clone)]
pub(crate) struct Authorities(Arc<dyn ClientCertVerifier>);

impl Authorities {
    /// Reads them from PEM.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn read(pem: &str) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let added = certificate.map_err(|error| error.to_string());
            added.and_then(|one| roots.add(one).map_err(|error| error.to_string()))?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build();
        verifier.map(Self).map_err(|error| error.to_string())
    }

    /// The common name of who showed `chain`, if these authorities have signed it and it holds at `now`.
    ///
    /// # Errors
    /// If not: then why not.
    pub(crate) fn common_name(&self, chain: &[CertificateDer<'_>], now: Time) -> Result<String, String> {
        let (own, others) = chain.split_first().ok_or("no client certificate was shown")?;
        let micros = u64::try_from(now.micros()).unwrap_or(0);
        let now = UnixTime::since_unix_epoch(Duration::from_micros(micros));
        self.0
            .verify_client_cert(own, others, now)
            .map_err(|error| format!("the client certificate is not the API server's: {error}"))?;
        let (_, parsed) = X509Certificate::from_der(own)
            .map_err(|error| format!("the client certificate can't be read: {error}"))?;
        let name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
        name.map(ToOwned::to_owned).ok_or_else(|| "the client certificate has no common name".to_owned())
    }
}

/// What a server shows, from PEM.
///
/// # Errors
/// If it can't be used: then why not.
pub(crate) fn identity(certificate: &str, key: &str) -> Result<Arc<CertifiedKey>, String> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificate.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| format!("the certificate can't be read: {error}"))?;
    if chain.is_empty() {
        return Err("the file of the certificate has none".to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|error| format!("the key can't be read: {error}"))?;
    CertifiedKey::from_der(chain, key, &provider()).map(Arc::new).map_err(|error| error.to_string())
}

/// How the listener speaks TLS, showing what is in `identity` at the moment.
///
/// # Errors
/// If the versions of TLS aren't there, which they are.
pub(crate) fn server(identity: watch::Receiver<Arc<CertifiedKey>>) -> Result<ServerConfig, Error> {
    let provider = provider();
    let mut config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(AnyClient(provider)))
        .with_cert_resolver(Arc::new(Shown(identity)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

#[derive(Debug)]
struct Shown(watch::Receiver<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.borrow().clone())
    }
}

/// Takes a certificate as it is, if the peer has its key.
#[derive(Debug)]
struct AnyClient(Arc<CryptoProvider>);

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    };

    use super::*;

    /// 2026, when certificates that `rcgen` makes hold.
    const NOW: Time = Time::from_micros(1_795_400_799_000_000);

    fn authority() -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    fn client(of: &CertifiedIssuer<'static, KeyPair>, name: &str) -> Vec<CertificateDer<'static>> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        vec![params.signed_by(&KeyPair::generate().unwrap(), of).unwrap().der().clone()]
    }

    #[test]
    fn only_a_certificate_that_the_authorities_have_signed_has_a_name() {
        let (ours, theirs) = (authority(), authority());
        let authorities = Authorities::read(&ours.pem()).unwrap();
        assert_eq!(authorities.common_name(&client(&ours, "front-proxy"), NOW).unwrap(), "front-proxy");
        let told = authorities.common_name(&client(&theirs, "front-proxy"), NOW).unwrap_err();
        assert!(told.starts_with("the client certificate is not the API server's: "), "{told}");
        assert_eq!(authorities.common_name(&[], NOW).unwrap_err(), "no client certificate was shown");
        assert!(authorities.common_name(&client(&ours, "x"), Time::from_micros(0)).is_err(), "not valid yet");
    }

    #[test]
    fn authorities_that_are_none_are_refused() {
        assert!(Authorities::read("nothing").is_err());
    }

    #[test]
    fn what_is_shown_needs_a_certificate_and_its_key() {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap().pem();
        assert!(identity(&certificate, &key.serialize_pem()).is_ok());
        assert_eq!(identity("", &key.serialize_pem()).unwrap_err(), "the file of the certificate has none");
        assert!(identity(&certificate, "").unwrap_err().starts_with("the key can't be read"));
        let other = KeyPair::generate().unwrap().serialize_pem();
        assert!(identity(&certificate, &other).is_err(), "not its key");
    }
}

//! Kubeconfig files: who one is, and where the API server is. Written as JSON, which is YAML too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use kube::config::{AuthInfo, Kubeconfig};
use serde_json::json;

use crate::certificates::Identity;

/// The kubeconfig of whom `identity` says, at `server` (a URL), whose certificate `authority` (PEM) has signed.
pub(super) fn kubeconfig(server: &str, authority: &str, namespace: &str, identity: &Identity) -> String {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": "test",
            "cluster": { "server": server, "certificate-authority-data": BASE64.encode(authority) },
        }],
        "users": [{
            "name": "user",
            "user": {
                "client-certificate-data": BASE64.encode(&identity.certificate),
                "client-key-data": BASE64.encode(&identity.key),
            },
        }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "user", "namespace": namespace } }],
        "current-context": "test",
    });
    config.to_string()
}

/// The same servers for another user, known by its token.
pub(super) fn with_token(kubeconfig: &str, namespace: &str, token: &str) -> String {
    let mut config = parse(kubeconfig);
    for user in &mut config.auth_infos {
        user.auth_info = Some(AuthInfo { token: Some(token.to_owned().into()), ..AuthInfo::default() });
    }
    for context in config.contexts.iter_mut().filter_map(|named| named.context.as_mut()) {
        context.namespace = Some(namespace.to_owned());
    }
    serde_json::to_string(&config).unwrap_or_else(|error| panic!("a kubeconfig can't be written: {error}"))
}

/// Reads a kubeconfig's text.
///
/// # Panics
/// If it is none.
pub(super) fn parse(kubeconfig: &str) -> Kubeconfig {
    Kubeconfig::from_yaml(kubeconfig).unwrap_or_else(|error| panic!("not a kubeconfig: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_replaces_a_certificate() {
        let identity = Identity { certificate: "secret".to_owned(), key: "secret".to_owned() };
        let admin = kubeconfig("https://127.0.0.1:1", "authority", "default", &identity);
        let other = with_token(&admin, "elsewhere", "token-of-another");
        assert!(other.contains("token-of-another") && other.contains("elsewhere"), "{other}");
        assert!(!other.contains(&BASE64.encode("secret")), "{other}");
    }
}

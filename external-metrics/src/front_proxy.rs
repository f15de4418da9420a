//! Who asks: an API server says it for others, by headers, and is believed by the certificate that it shows. Pure.
//!
//! What to believe is in the `ConfigMap` `extension-apiserver-authentication` of `kube-system`, as every server behind
//! Kubernetes' aggregation layer reads it. Nobody else is believed: there are no tokens here.

use std::collections::BTreeMap;

use http::HeaderMap;
use percent_encoding::percent_decode_str;

/// The group that everybody is in whom an API server knows.
const AUTHENTICATED: &str = "system:authenticated";
/// Who nobody knows.
const ANONYMOUS: &str = "system:anonymous";

/// What an API server is known by, and in which headers it says who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FrontProxy {
    /// The authorities that sign its certificate, PEM.
    pub(crate) authorities: String,
    /// The names that its certificate may have; any, if there are none.
    allowed_names: Vec<String>,
    user_headers: Vec<String>,
    uid_headers: Vec<String>,
    group_headers: Vec<String>,
    extra_prefixes: Vec<String>,
}

/// A user, as Kubernetes knows one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: Option<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) extra: BTreeMap<String, Vec<String>>,
}

impl FrontProxy {
    /// Reads the `ConfigMap`'s data.
    ///
    /// # Errors
    /// If it doesn't say whom to believe: then what is missing or malformed.
    pub(crate) fn read(data: &BTreeMap<String, String>) -> Result<Self, String> {
        let text = |key: &str| {
            data.get(key).filter(|text| !text.trim().is_empty()).ok_or_else(|| {
                format!(
                    "`{key}` is missing: the API server has no --{key}, so that its aggregation layer is off"
                )
            })
        };
        let list = |key: &str| match data.get(key) {
            None => Ok(Vec::new()),
            Some(text) => serde_json::from_str::<Vec<String>>(text)
                .map_err(|_| format!("`{key}` is `{text}`: it is a JSON list of texts")),
        };
        let or_usual = |named: Vec<String>, usual: &str| {
            if named.is_empty() { vec![usual.to_owned()] } else { named }
        };
        Ok(Self {
            authorities: text("requestheader-client-ca-file")?.clone(),
            allowed_names: list("requestheader-allowed-names")?,
            user_headers: or_usual(list("requestheader-username-headers")?, "X-Remote-User"),
            uid_headers: list("requestheader-uid-headers")?,
            group_headers: list("requestheader-group-headers")?,
            extra_prefixes: list("requestheader-extra-headers-prefix")?,
        })
    }

    /// Who asks, by a request with these headers from a peer whose certificate has that common name and was signed by the
    /// authorities.
    ///
    /// # Errors
    /// If nobody may be believed: then why not.
    pub(crate) fn user(&self, common_name: &str, headers: &HeaderMap) -> Result<User, String> {
        if !self.allowed_names.is_empty() && !self.allowed_names.iter().any(|name| name == common_name) {
            return Err(format!("the certificate of `{common_name}` is not the API server's"));
        }
        let values = |names: &[String]| -> Vec<String> {
            let all = names.iter().flat_map(|name| headers.get_all(name.as_str()));
            all.filter_map(|value| value.to_str().ok()).map(ToOwned::to_owned).collect()
        };
        let name = values(&self.user_headers).into_iter().find(|name| !name.is_empty());
        let name = name.ok_or("the API server does not say who asks")?;
        let mut groups = values(&self.group_headers);
        if name != ANONYMOUS && !groups.iter().any(|group| group == AUTHENTICATED) {
            groups.push(AUTHENTICATED.to_owned());
        }
        let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (header, value) in headers {
            let key = self
                .extra_prefixes
                .iter()
                .find_map(|prefix| header.as_str().strip_prefix(prefix.to_ascii_lowercase().as_str()));
            if let (Some(key), Ok(value)) = (key, value.to_str()) {
                let key = percent_decode_str(key).decode_utf8_lossy().into_owned();
                extra.entry(key).or_default().push(value.to_owned());
            }
        }
        Ok(User { name, uid: values(&self.uid_headers).into_iter().next(), groups, extra })
    }
}

#[cfg(test)]
mod tests {
    use http::header::{HeaderName, HeaderValue};

    use super::*;

    fn data() -> BTreeMap<String, String> {
        [
            ("requestheader-client-ca-file", "PEM"),
            ("requestheader-allowed-names", r#"["front-proxy"]"#),
            ("requestheader-username-headers", r#"["X-Remote-User"]"#),
            ("requestheader-group-headers", r#"["X-Remote-Group"]"#),
            ("requestheader-extra-headers-prefix", r#"["X-Remote-Extra-"]"#),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |&(key, value)| (HeaderName::from_static(key), HeaderValue::from_static(value));
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn an_api_server_says_who_asks() {
        let front = FrontProxy::read(&data()).unwrap();
        let said = headers(&[
            ("x-remote-user", "ada"),
            ("x-remote-group", "team"),
            ("x-remote-group", "system:authenticated"),
            ("x-remote-extra-example.com%2fscope", "a"),
            ("x-remote-extra-example.com%2fscope", "b"),
        ]);
        let user = front.user("front-proxy", &said).unwrap();
        assert_eq!((user.name.as_str(), user.groups), ("ada", vec!["team".into(), AUTHENTICATED.into()]));
        assert_eq!(user.extra["example.com/scope"], ["a", "b"]);
    }

    #[test]
    fn whom_it_knows_is_authenticated_and_whom_it_does_not_know_is_not() {
        let front = FrontProxy::read(&data()).unwrap();
        let groups = |name| front.user("front-proxy", &headers(&[("x-remote-user", name)])).unwrap().groups;
        assert_eq!(groups("system:aggregator"), [AUTHENTICATED]);
        assert_eq!(groups(ANONYMOUS), [] as [&str; 0]);
    }

    #[test]
    fn nobody_is_believed_with_another_name_or_without_a_user() {
        let front = FrontProxy::read(&data()).unwrap();
        let ada = headers(&[("x-remote-user", "ada")]);
        let told = front.user("ada", &ada).unwrap_err();
        assert_eq!(told, "the certificate of `ada` is not the API server's");
        assert!(front.user("front-proxy", &HeaderMap::new()).is_err());
        let mut any = data();
        any.insert("requestheader-allowed-names".into(), "[]".into());
        assert!(
            FrontProxy::read(&any).unwrap().user("whoever", &ada).is_ok(),
            "none named: any that is signed"
        );
    }

    #[test]
    fn a_cluster_without_aggregation_is_told_so() {
        let told = FrontProxy::read(&BTreeMap::new()).unwrap_err();
        assert!(told.starts_with("`requestheader-client-ca-file` is missing"), "{told}");
        let mut malformed = data();
        malformed.insert("requestheader-allowed-names".into(), "front-proxy".into());
        let told = FrontProxy::read(&malformed).unwrap_err();
        assert_eq!(told, "`requestheader-allowed-names` is `front-proxy`: it is a JSON list of texts");
    }
}

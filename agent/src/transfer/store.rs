//! Where a store is, and how it is opened: as the agent's own, with the variables that connections bring.

use serde::{Deserialize, Serialize};

use super::Error;
use crate::artifacts::{ArtifactsStore, VARIABLES};
use crate::connections::{Connection, Reach};

/// Names that Polyaxon's connections have for what the clouds' own tools call otherwise.
const ALIASES: &[(&str, &str)] = &[
    ("AZURE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_NAME"),
    ("AZURE_ACCOUNT_KEY", "AZURE_STORAGE_ACCOUNT_KEY"),
    ("GC_KEY_PATH", "GOOGLE_APPLICATION_CREDENTIALS"),
];

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreAt {
    /// Its URL, or a folder.
    pub url: String,
    /// The storage account of Azure, where the connection says which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

impl StoreAt {
    /// Where the connection leads to, if that is a store.
    #[must_use]
    pub fn of(connection: &Connection) -> Option<Self> {
        let plain = |url: &str| Self { url: url.to_owned(), account: None };
        match &connection.reach {
            Reach::Volume(volume) => Some(plain(&volume.mount_path)),
            Reach::Bucket(url) => Some(azure(url).unwrap_or_else(|| plain(url))),
            _ => None,
        }
    }

    /// Opens it, with the variables that are set.
    ///
    /// # Errors
    /// If they, or the place, can't be used.
    pub fn open(&self, variable: &dyn Fn(&str) -> Option<String>) -> Result<ArtifactsStore, Error> {
        let known = VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), variable(name)?)));
        let mut variables: Vec<(String, String)> = known.collect();
        let alias = |(theirs, ours): &(&str, &str)| Some(((*ours).to_owned(), variable(theirs)?));
        let account = self.account.clone().map(|account| ("AZURE_STORAGE_ACCOUNT_NAME".to_owned(), account));
        for (name, value) in ALIASES.iter().filter_map(alias).chain(account).collect::<Vec<_>>() {
            if !variables.iter().any(|(known, _)| *known == name) {
                variables.push((name, value));
            }
        }
        ArtifactsStore::open(&self.url, variables).map_err(|error| Error::Open(crate::control::chain(&error)))
    }
}

/// `wasbs://CONTAINER@ACCOUNT.blob.core.windows.net/PREFIX`, as Polyaxon has it.
fn azure(url: &str) -> Option<StoreAt> {
    let rest = url.strip_prefix("wasbs://").or_else(|| url.strip_prefix("wasb://"))?;
    let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let (container, host) = authority.split_once('@').unwrap_or((authority, ""));
    let account = host.split('.').next().filter(|account| !account.is_empty());
    let url = format!("az://{container}/{prefix}").trim_end_matches('/').to_owned();
    Some(StoreAt { url, account: account.map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connections::Connections;

    #[test]
    fn a_connection_that_is_a_store_is_found_and_azures_is_put_in_other_words() {
        let agent = Connections::read(
            "connections:
  - {name: a, kind: wasb, schema: {bucket: 'wasbs://runs@acct.blob.core.windows.net/x/y'}}
  - {name: d, kind: host_path, schema: {hostPath: /mnt, mountPath: /disk}}
  - {name: s, kind: s3, schema: {bucket: 's3://b/p'}}
  - {name: g, kind: git}
",
        )
        .unwrap();
        let at = |name: &str| StoreAt::of(agent.get(name).unwrap());
        let azure = StoreAt { url: "az://runs/x/y".into(), account: Some("acct".into()) };
        assert_eq!(at("a"), Some(azure.clone()));
        assert_eq!((at("d").unwrap().url.as_str(), at("s").unwrap().url.as_str()), ("/disk", "s3://b/p"));
        assert_eq!(at("g"), None);
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let key = |name: &str| (name == "AZURE_ACCOUNT_KEY").then(|| "c2VjcmV0".to_owned());
        assert_eq!(azure.open(&key).unwrap().url(), "az://runs/x/y");
        assert!(azure.open(&|name| (name == "AZURE_STORAGE_ACCOUNT_KEY").then(|| "?".to_owned())).is_err());
    }
}

//! What `berth login` keeps for each host: a file of its own that only its owner may read.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Status};

/// The file's name in the configuration folder.
const FILE: &str = "hosts.json";

/// What is kept for one host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The organization that commands are about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The project that commands are about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<Token>,
}

/// A token that can't be printed by accident.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Entry {
    /// What a login keeps.
    #[must_use]
    pub fn new(token: &SecretString, owner: Option<String>, project: Option<String>) -> Self {
        Self { owner, project, token: Some(Token(token.expose_secret().to_owned())) }
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> Option<SecretString> {
        self.token.as_ref().map(|token| token.0.clone().into())
    }
}

/// All that is kept.
#[derive(Debug)]
pub struct Kept {
    path: PathBuf,
    hosts: BTreeMap<String, Entry>,
}

impl Kept {
    /// Reads what is kept in `folder`; nothing, if there is no such file.
    ///
    /// # Errors
    /// If the file can't be read or is not ours.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(FILE);
        let hosts = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                Failure::usage(format!("can't read {}: {error}", path.display()))
                    .hint("delete the file and log in again")
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(Failure::usage(format!("can't read {}: {error}", path.display()))),
        };
        Ok(Self { path, hosts })
    }

    /// What is kept for a host.
    #[must_use]
    pub fn entry(&self, host: &url::Url) -> Option<&Entry> {
        self.hosts.get(&key(host))
    }

    /// Keeps something for a host, or forgets it; says where it is kept.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn keep(&mut self, host: &url::Url, entry: Option<Entry>) -> Result<&Path, Failure> {
        match entry {
            Some(entry) => self.hosts.insert(key(host), entry),
            None => self.hosts.remove(&key(host)),
        };
        self.write().map_err(|error| {
            Failure::new(Status::Failed, format!("can't write {}: {error}", self.path.display()))
        })?;
        Ok(&self.path)
    }

    /// Written beside and renamed, so that a crash leaves the old file whole, and nobody else can read it.
    fn write(&self) -> std::io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let beside = folder.join(format!(".{FILE}.{}", std::process::id()));
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        file.write_all(&serde_json::to_vec_pretty(&self.hosts)?)?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.path)
    }
}

/// A host in one spelling.
fn key(host: &url::Url) -> String {
    host.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_kept_per_host_for_its_owner_only_and_never_printed() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = ("http://one:1".parse().unwrap(), "http://other:1/".parse().unwrap());
        let mut kept = Kept::read(&folder.path().join("new")).unwrap();
        let entry = Entry::new(&"s3cret".to_owned().into(), Some("acme".into()), None);
        let path = kept.keep(&one, Some(entry)).unwrap().to_owned();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let mut again = Kept::read(&folder.path().join("new")).unwrap();
        assert_eq!(again.entry(&one).unwrap().token().unwrap().expose_secret(), "s3cret");
        assert_eq!(again.entry(&other), None);
        assert!(!format!("{again:?}").contains("s3cret"));
        again.keep(&one, None).unwrap();
        assert_eq!(Kept::read(&folder.path().join("new")).unwrap().entry(&one), None);
    }

    #[test]
    fn a_broken_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "{").unwrap();
        let failure = Kept::read(folder.path()).unwrap_err();
        assert!(failure.message.starts_with("can't read "), "{failure}");
        assert_eq!(failure.hint.as_deref(), Some("delete the file and log in again"));
    }
}

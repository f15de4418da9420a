//! The agent's artifacts store: a folder, or a bucket of S3, GCS or Azure, behind one type. What is kept in it, and
//! under which names below a run's, is its users' business.
//!
//! Opening asks nobody: a store that is away is found out when it is used, and nothing that a run needs waits for it
//! without a bound.

mod left;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use berth_domain::id::RunId;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use url::Url;

/// The variables that say who one is at a bucket, and where it is: the clouds' own.
pub const VARIABLES: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_STS",
    "AWS_ALLOW_HTTP",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_SERVER_SIDE_ENCRYPTION",
    "AWS_SSE_KMS_KEY_ID",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_BASE_URL",
    "GOOGLE_SKIP_SIGNATURE",
    "GOOGLE_ALLOW_HTTP",
    "AZURE_STORAGE_ACCOUNT_NAME",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_ENDPOINT",
    "AZURE_ALLOW_HTTP",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_TENANT_ID",
    "AZURE_AUTHORITY_HOST",
    "AZURE_FEDERATED_TOKEN_FILE",
];

/// What a store's URL may be.
pub const ALLOWED: &str = "an absolute folder, file:///FOLDER, s3://BUCKET[/PREFIX], gs://BUCKET[/PREFIX] or az://CONTAINER[/PREFIX]; \
     credentials come from the cloud's own variables";

/// How long one request to a bucket may take, its answer included.
const REQUEST: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(5);
/// How often, and for how long, a request that failed is made again.
const RETRIES: usize = 4;
const RETRY_FOR: Duration = Duration::from_secs(20);

/// Why a store can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its URL is none.
    #[error("`{shown}` is no artifacts store: use {ALLOWED}")]
    Url {
        /// The URL, without what may be secret.
        shown: String,
    },
    /// Its folder can't be made.
    #[error("the folder {folder} can't be used: {why}")]
    Folder {
        /// The folder.
        folder: String,
        /// In the system's words.
        why: std::io::Error,
    },
    /// What its variables say makes no sense.
    #[error("{shown} can't be used: {why}")]
    Settings {
        /// The URL.
        shown: String,
        /// In the library's words.
        why: object_store::Error,
    },
}

/// An artifacts store, open from its URL's folder or prefix downwards.
#[derive(Clone)]
pub struct ArtifactsStore {
    store: Arc<dyn ObjectStore>,
    shown: String,
    /// Where it is on this machine, if it is a folder.
    folder: Option<PathBuf>,
}

impl fmt::Debug for ArtifactsStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ArtifactsStore").field(&self.shown).finish()
    }
}

impl ArtifactsStore {
    /// Makes ready to use the store at `url`, with `variables` of those in [`VARIABLES`]. Nothing is sent yet.
    ///
    /// # Errors
    /// If it can't be one, by name.
    pub fn open(url: &str, variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, OpenError> {
        if url.starts_with('/') {
            return Self::folder(url.as_ref(), url.to_owned());
        }
        let unusable = || OpenError::Url { shown: shown(url) };
        let parsed = Url::parse(url).map_err(|_| unusable())?;
        let is_plain = parsed.username().is_empty()
            && parsed.password().is_none()
            && parsed.query().is_none()
            && parsed.fragment().is_none();
        if !is_plain {
            return Err(unusable());
        }
        let prefix = Path::from_url_path(parsed.path()).map_err(|_| unusable())?;
        let bucket = parsed.host_str().unwrap_or_default();
        let text = parsed.to_string();
        let store: Result<Arc<dyn ObjectStore>, _> = match parsed.scheme() {
            "file" if bucket.is_empty() => {
                let folder = parsed.to_file_path().map_err(|()| unusable())?;
                return Self::folder(&folder, text);
            }
            _ if bucket.is_empty() => return Err(unusable()),
            "s3" => {
                let builder = AmazonS3Builder::new().with_retry(retries()).with_client_options(client());
                let builder = builder.with_bucket_name(bucket);
                known(variables)
                    .fold(builder, |builder, (key, value)| match key.parse() {
                        Ok(key) => builder.with_config(key, value),
                        Err(_) => builder,
                    })
                    .build()
                    .map(|store| Arc::new(store) as _)
            }
            "gs" => {
                let builder =
                    GoogleCloudStorageBuilder::new().with_retry(retries()).with_client_options(client());
                let builder = builder.with_bucket_name(bucket);
                known(variables)
                    .fold(builder, |builder, (key, value)| match key.parse() {
                        Ok(key) => builder.with_config(key, value),
                        Err(_) => builder,
                    })
                    .build()
                    .map(|store| Arc::new(store) as _)
            }
            "az" => {
                let builder =
                    MicrosoftAzureBuilder::new().with_retry(retries()).with_client_options(client());
                let builder = builder.with_container_name(bucket);
                known(variables)
                    .fold(builder, |builder, (key, value)| match key.parse() {
                        Ok(key) => builder.with_config(key, value),
                        Err(_) => builder,
                    })
                    .build()
                    .map(|store| Arc::new(store) as _)
            }
            _ => return Err(unusable()),
        };
        let store = store.map_err(|why| OpenError::Settings { shown: text.clone(), why })?;
        Ok(Self { store: Arc::new(PrefixStore::new(store, prefix)), shown: text, folder: None })
    }

    fn folder(folder: &std::path::Path, shown: String) -> Result<Self, OpenError> {
        let made = std::fs::create_dir_all(folder);
        made.map_err(|why| OpenError::Folder { folder: folder.display().to_string(), why })?;
        let store = LocalFileSystem::new_with_prefix(folder)
            .map_err(|why| OpenError::Settings { shown: shown.clone(), why })?;
        // A bucket has no folders that could be left empty.
        let store = store.with_automatic_cleanup(true);
        Ok(Self { store: Arc::new(store), shown, folder: Some(folder.to_owned()) })
    }

    /// What is in it, by the library's own calls.
    #[must_use]
    pub fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Its URL, which holds no secret.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.shown
    }
}

pub(crate) use left::{Found, file, folder};

/// Under which name everything of a run is.
#[must_use]
pub fn run_path(run: RunId) -> Path {
    Path::from(run.to_string())
}

/// What went wrong, for people: what a bucket answered without its XML, else the library's words with what is at the
/// bottom of it.
pub(crate) fn words(error: &object_store::Error) -> String {
    let text = error.to_string();
    let told = |tag: &str| text.split_once(&format!("<{tag}>"))?.1.split('<').next();
    if let (Some(code), Some(message)) = (told("Code"), told("Message")) {
        return format!("{code}: {message}");
    }
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    match causes.last().map(ToString::to_string).filter(|cause| !text.contains(cause)) {
        Some(cause) => format!("{text}: {cause}"),
        None => text,
    }
}

fn retries() -> RetryConfig {
    RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_FOR, ..RetryConfig::default() }
}

fn client() -> ClientOptions {
    ClientOptions::new().with_timeout(REQUEST).with_connect_timeout(CONNECT)
}

/// The variables as the library names them; an empty one says nothing.
fn known(variables: impl IntoIterator<Item = (String, String)>) -> impl Iterator<Item = (String, String)> {
    let known =
        variables.into_iter().filter(|(name, value)| VARIABLES.contains(&name.as_str()) && !value.is_empty());
    known.map(|(name, value)| (name.to_ascii_lowercase(), value))
}

/// A URL as far as it can be shown: what stands before an `@` or after a `?` may be secret.
fn shown(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let url = &url[..end];
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}://***{}", &url[..scheme], &url[at..]),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;

    use super::*;

    fn open(url: &str, variables: &[(&str, &str)]) -> Result<ArtifactsStore, OpenError> {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        ArtifactsStore::open(url, variables.collect::<Vec<_>>())
    }

    #[tokio::test]
    async fn a_folder_is_made_and_kept_in() {
        let folder = tempfile::tempdir().unwrap();
        let new = folder.path().join("a/b");
        for url in [new.display().to_string(), format!("file://{}", new.display())] {
            let store = open(&url, &[]).unwrap();
            let name = run_path(RunId::new()).join("x");
            store.objects().put(&name, "kept".into()).await.unwrap();
            assert_eq!(std::fs::read(new.join(name.as_ref())).unwrap(), b"kept");
        }
    }

    #[test]
    fn buckets_are_opened_with_their_clouds_variables() {
        for (url, variables) in [
            ("s3://runs/a/b", vec![("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s")]),
            ("gs://runs", vec![("GOOGLE_SKIP_SIGNATURE", "true")]),
            (
                "az://runs/a",
                vec![("AZURE_STORAGE_ACCOUNT_NAME", "a"), ("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0")],
            ),
        ] {
            assert_eq!(open(url, &variables).unwrap().url(), url);
        }
        let error = open("az://runs", &[]).unwrap_err().to_string();
        assert!(error.contains("az://runs can't be used"), "{error}");
    }

    #[test]
    fn a_buckets_complaint_is_told_by_its_code_and_what_is_at_the_bottom_of_another_is_told_too() {
        let told = |source: Box<dyn std::error::Error + Send + Sync>| {
            words(&object_store::Error::Generic { store: "S3", source })
        };
        let xml = "403 Forbidden: <?xml?>\n<Error><Code>AccessDenied</Code><Message>No.</Message><HostId>x</HostId></Error>";
        assert_eq!(told(xml.into()), "AccessDenied: No.");
        let refused = std::io::Error::other(std::io::Error::from(std::io::ErrorKind::ConnectionRefused));
        assert_eq!(told(refused.into()), "Generic S3 error: connection refused");
    }

    #[test]
    fn what_is_no_store_is_refused_without_telling_secrets() {
        for url in [
            "folder",
            "ftp://host/x",
            "s3:///x",
            "s3://key:hidden@bucket",
            "az://c/x?sig=hidden",
            "file://host/x",
        ] {
            let error = open(url, &[]).unwrap_err().to_string();
            assert!(error.contains("s3://BUCKET"), "{url}: {error}");
            assert!(!error.contains("hidden"), "{url}: {error}");
        }
    }
}

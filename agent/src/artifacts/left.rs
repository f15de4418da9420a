//! Finds what a run left in the artifacts store: the list of a folder, the bytes of a file. Never anything outside of the
//! run's own folder, whatever name is asked for and wherever a link leads.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use berth_domain::id::RunId;
use berth_domain::protocol::left::{Left, MAX_LISTED};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{Error, GetResult, GetResultPayload, ObjectMeta, ObjectStoreExt as _};

use super::{ArtifactsStore, run_path, words};
use crate::executor::Trouble;

/// A file, or that there is none.
pub(crate) enum Found {
    /// No file of that name.
    Nothing,
    /// A file.
    File {
        /// Its size in bytes.
        bytes: u64,
        /// What is in it.
        content: BoxStream<'static, Result<Bytes, Trouble>>,
    },
}

/// What is in a folder of a run. The run's own folder is there before anything is in it.
///
/// # Errors
/// If the store can't be asked.
pub(crate) async fn folder(
    store: &ArtifactsStore,
    run: RunId,
    path: &str,
    deep: bool,
) -> Result<Left, Trouble> {
    let Some(name) = name(run, path) else { return Ok(Left::Nothing) };
    if !store.stays(&name, run).await {
        return Ok(if name == run_path(run) { empty() } else { Left::Nothing });
    }
    let left = if deep { all_below(store, run, &name).await } else { listed(store, &name).await };
    match left.map_err(|error| failed(store, &name, &error))? {
        Left::Folder { files, dirs, .. } if files.is_empty() && dirs.is_empty() && name != run_path(run) => {
            Ok(Left::Nothing)
        }
        left => Ok(left),
    }
}

/// Opens a file of a run.
///
/// # Errors
/// If the store can't be asked.
pub(crate) async fn file(store: &ArtifactsStore, run: RunId, path: &str) -> Result<Found, Trouble> {
    let Some(name) = name(run, path).filter(|name| *name != run_path(run)) else {
        return Ok(Found::Nothing);
    };
    let got = match store.objects().get(&name).await {
        Ok(got) => got,
        Err(Error::NotFound { .. }) => return Ok(Found::Nothing),
        // A folder is no object, and a file system says so in words of its own.
        Err(_) if is_folder(store, &name) => return Ok(Found::Nothing),
        Err(error) => return Err(failed(store, &name, &error)),
    };
    if !store.has_opened(&got, run) {
        return Ok(Found::Nothing);
    }
    let bytes = got.meta.size;
    let store = store.clone();
    let content = got.into_stream().map_err(move |error| failed(&store, &name, &error)).boxed();
    Ok(Found::File { bytes, content })
}

/// Where a path of a run is in the store; none if it is none: `..` leads nowhere.
fn name(run: RunId, path: &str) -> Option<Path> {
    let below = Path::parse(path.trim_matches('/')).ok()?;
    Some(run_path(run).parts().chain(below.parts()).collect())
}

fn empty() -> Left {
    Left::Folder { files: BTreeMap::new(), dirs: Vec::new(), is_cut: false }
}

async fn listed(store: &ArtifactsStore, name: &Path) -> Result<Left, Error> {
    let found = store.objects().list_with_delimiter(Some(name)).await?;
    let is_cut = found.objects.len() + found.common_prefixes.len() > MAX_LISTED;
    let mut dirs: Vec<String> =
        found.common_prefixes.iter().filter_map(|folder| Some(folder.filename()?.to_owned())).collect();
    dirs.sort_unstable();
    dirs.truncate(MAX_LISTED);
    let files =
        found.objects.iter().filter_map(|object| Some((object.location.filename()?.to_owned(), object.size)));
    let files = files.take(MAX_LISTED - dirs.len()).collect();
    Ok(Left::Folder { files, dirs, is_cut })
}

async fn all_below(store: &ArtifactsStore, run: RunId, name: &Path) -> Result<Left, Error> {
    let mut found = store.objects().list(Some(name));
    let mut files = BTreeMap::new();
    while let Some(ObjectMeta { location, size, .. }) = found.try_next().await? {
        if files.len() == MAX_LISTED {
            return Ok(Left::Folder { files, dirs: Vec::new(), is_cut: true });
        }
        let Some(parts) = location.prefix_match(name) else { continue };
        let below: Path = parts.collect();
        if store.stays(&location, run).await {
            files.insert(below.to_string(), size);
        }
    }
    Ok(Left::Folder { files, dirs: Vec::new(), is_cut: false })
}

impl ArtifactsStore {
    /// Whether something is where its name says, below the run's folder. A run that had the folder itself may have put a
    /// link there that leads elsewhere; buckets have none.
    async fn stays(&self, name: &Path, run: RunId) -> bool {
        let Some(folder) = self.folder.clone() else { return true };
        let (place, own) = (folder.join(name.as_ref()), folder.join(run_path(run).as_ref()));
        let is_own = move || Some(std::fs::canonicalize(place).ok()?.starts_with(real(&folder, own)?));
        tokio::task::spawn_blocking(is_own).await.ok().flatten().unwrap_or(false)
    }

    /// The same of a file that is open already: it is the one that is really there.
    fn has_opened(&self, got: &GetResult, run: RunId) -> bool {
        let (Some(folder), GetResultPayload::File(file, place)) = (&self.folder, &got.payload) else {
            return true;
        };
        let is_own = || {
            let own = real(folder, folder.join(run_path(run).as_ref()))?;
            let place = std::fs::canonicalize(place).ok().filter(|place| place.starts_with(own))?;
            let (there, open) = (std::fs::symlink_metadata(place).ok()?, file.metadata().ok()?);
            Some((there.dev(), there.ino()) == (open.dev(), open.ino()))
        };
        is_own().unwrap_or(false)
    }
}

/// The run's folder as it is without links, if it is none itself.
fn real(folder: &std::path::Path, own: PathBuf) -> Option<PathBuf> {
    let there = std::fs::canonicalize(folder).ok()?.join(own.file_name()?);
    (std::fs::canonicalize(own).ok()? == there).then_some(there)
}

fn is_folder(store: &ArtifactsStore, name: &Path) -> bool {
    store.folder.as_ref().is_some_and(|folder| folder.join(name.as_ref()).is_dir())
}

fn failed(store: &ArtifactsStore, name: &Path, error: &Error) -> Trouble {
    let doing = format!("can't read {name} in the artifacts store {}", store.url());
    Trouble { doing, source: io::Error::other(words(error)) }
}

//! Copies what a run leaves in a folder to a store: what has changed, now and then, and the rest when it is over.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use object_store::buffered::BufWriter;
use object_store::path::Path as Name;
use tokio::io::AsyncWriteExt as _;

use super::{Error, INTERVAL};
use crate::artifacts::ArtifactsStore;

/// What a file was like when it was copied: its length, and when it was changed.
type Known = BTreeMap<PathBuf, (u64, Option<std::time::Duration>)>;

/// Collects until `over`, and then once more; gives how many files are in the store.
pub(super) async fn collect(
    store: &ArtifactsStore,
    from: &Path,
    to: &str,
    over: impl Future<Output = ()>,
) -> Result<usize, Error> {
    let mut known = Known::new();
    tokio::pin!(over);
    loop {
        let is_over = tokio::select! {
            () = &mut over => true,
            () = tokio::time::sleep(INTERVAL) => false,
        };
        match copy_changed(store, from, to, &mut known).await {
            // What fails while the run goes on is tried again.
            Ok(()) | Err(_) if !is_over => {}
            Ok(()) => return Ok(known.len()),
            Err(error) => return Err(error),
        }
    }
}

async fn copy_changed(store: &ArtifactsStore, from: &Path, to: &str, known: &mut Known) -> Result<(), Error> {
    let mut files = Vec::new();
    let listed = list(from, &mut files);
    listed
        .map_err(|source| Error::File { doing: format!("can't look through {}", from.display()), source })?;
    for (path, state) in files {
        if known.get(&path) != Some(&state) {
            copy(store, from, &path, to).await?;
            known.insert(path, state);
        }
    }
    Ok(())
}

/// The files below a folder. Links are left out: what they lead to may be another thing here than in the run.
fn list(folder: &Path, files: &mut Vec<(PathBuf, (u64, Option<std::time::Duration>))>) -> io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let metadata = match entry.metadata() {
            // Gone while we looked.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            metadata => metadata?,
        };
        if metadata.is_dir() {
            list(&entry.path(), files)?;
        } else if metadata.is_file() {
            use std::os::unix::fs::MetadataExt as _;
            let seconds = u64::try_from(metadata.mtime()).ok();
            let nanos = u32::try_from(metadata.mtime_nsec()).unwrap_or_default();
            let changed = seconds.map(|seconds| std::time::Duration::new(seconds, nanos));
            files.push((entry.path(), (metadata.len(), changed)));
        }
    }
    Ok(())
}

async fn copy(store: &ArtifactsStore, from: &Path, path: &Path, to: &str) -> Result<(), Error> {
    let doing = || format!("can't copy {} to {}", path.display(), store.url());
    let below = path.strip_prefix(from).unwrap_or(path);
    let parts = below.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    let name = Name::from_iter(std::iter::once(to.to_owned()).chain(parts));
    let work = async {
        let mut file = tokio::fs::File::open(path).await?;
        let mut object = BufWriter::new(store.objects().clone(), name);
        tokio::io::copy(&mut file, &mut object).await?;
        object.shutdown().await
    };
    match work.await {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.exists() => Ok(()),
        result => result.map_err(|source| Error::File { doing: doing(), source }),
    }
}

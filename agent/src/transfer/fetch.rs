//! Puts files where a run finds them: from the task itself, or from a store.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use futures_util::TryStreamExt as _;
use object_store::path::Path as Name;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use tokio::io::AsyncWriteExt as _;

use super::{Error, Wanted, WantedKind};
use crate::artifacts::ArtifactsStore;

/// Writes a file, and the folders that it is in.
pub(super) async fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), Error> {
    let doing = |source| Error::File { doing: format!("can't write {}", path.display()), source };
    make_folder_of(path).await?;
    tokio::fs::write(path, content).await.map_err(doing)?;
    let mode = std::fs::Permissions::from_mode(mode);
    tokio::fs::set_permissions(path, mode).await.map_err(doing)
}

/// Copies what is wanted from `store` into `into`; gives how many files that were.
pub(super) async fn fetch(store: &ArtifactsStore, wanted: &[Wanted], into: &Path) -> Result<usize, Error> {
    let mut count = 0;
    for one in wanted {
        let name = Name::parse(one.from.trim_matches('/')).map_err(|source| Error::Store {
            doing: format!("`{}` is no name in a store", one.from),
            source: source.into(),
        })?;
        let to = into.join(&one.to);
        if one.kind != WantedKind::Dir && copy(store, &name, &to).await? {
            count += 1;
            continue;
        }
        let copied = match one.kind {
            WantedKind::File => 0,
            WantedKind::Dir | WantedKind::Either => copy_all(store, &name, &to).await?,
        };
        if copied == 0 {
            return Err(Error::Missing { name: one.from.clone(), store: store.url().to_owned() });
        }
        count += copied;
    }
    Ok(count)
}

fn failed(name: &Name, store: &ArtifactsStore, source: object_store::Error) -> Error {
    Error::Store { doing: format!("can't read `{name}` in {}", store.url()), source }
}

/// Copies one file; false if there is none of that name.
async fn copy(store: &ArtifactsStore, name: &Name, to: &Path) -> Result<bool, Error> {
    if name.as_ref().is_empty() {
        return Ok(false);
    }
    let got = match store.objects().get(name).await {
        Ok(got) => got,
        Err(object_store::Error::NotFound { .. }) => return Ok(false),
        // A folder is no object, and a file system says so in words of its own.
        Err(_) if is_folder(store, name).await => return Ok(false),
        Err(source) => return Err(failed(name, store, source)),
    };
    let doing = |source| Error::File { doing: format!("can't write {}", to.display()), source };
    make_folder_of(to).await?;
    let mut file = tokio::fs::File::create(to).await.map_err(doing)?;
    let mut chunks = got.into_stream();
    while let Some(chunk) = chunks.try_next().await.map_err(|source| failed(name, store, source))? {
        file.write_all(&chunk).await.map_err(doing)?;
    }
    file.flush().await.map_err(doing)?;
    Ok(true)
}

async fn is_folder(store: &ArtifactsStore, name: &Name) -> bool {
    matches!(store.objects().list(Some(name)).try_next().await, Ok(Some(_)))
}

/// Copies all that is below a name.
async fn copy_all(store: &ArtifactsStore, name: &Name, to: &Path) -> Result<usize, Error> {
    let mut found = store.objects().list(Some(name));
    let mut count = 0;
    while let Some(object) = found.try_next().await.map_err(|source| failed(name, store, source))? {
        let mut path = to.to_owned();
        let Some(parts) = object.location.prefix_match(name) else { continue };
        path.extend(parts.map(|part| part.as_ref().to_owned()));
        if copy(store, &object.location, &path).await? {
            count += 1;
        }
    }
    Ok(count)
}

async fn make_folder_of(path: &Path) -> Result<(), Error> {
    let Some(folder) = path.parent() else { return Ok(()) };
    tokio::fs::create_dir_all(folder).await.map_err(|source| Error::File {
        doing: format!("can't make the folder {}", folder.display()),
        source,
    })
}

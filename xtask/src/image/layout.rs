//! An image as an OCI layout: a folder of blobs by their digests, and the same as one archive to import.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, Header};

use super::contents::{self, CERTIFICATES, PROGRAM, USER};
use super::{Parts, Platform};

/// The image, file by file.
#[derive(Debug, Default)]
struct Layout {
    files: Vec<(String, Vec<u8>)>,
    /// The files of each platform's image, as `docker load` wants them named.
    loadable: Vec<Value>,
}

/// A blob that another one names.
struct Blob {
    descriptor: Value,
    bytes: u64,
}

impl Blob {
    /// Its file in the layout.
    fn path(&self) -> String {
        let digest = self.descriptor["digest"].as_str().unwrap_or_default();
        format!("blobs/sha256/{}", digest.trim_start_matches("sha256:"))
    }
}

impl Layout {
    fn blob(&mut self, media_type: &str, bytes: Vec<u8>) -> Blob {
        let digest = hex(&bytes);
        let size = bytes.len() as u64;
        let descriptor = json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": size});
        self.files.push((format!("blobs/sha256/{digest}"), bytes));
        Blob { descriptor, bytes: size }
    }

    fn image(&mut self, parts: &Parts) -> anyhow::Result<Blob> {
        let layer = contents::layer(&parts.program, &parts.sbom).context("the layer can't be written")?;
        let diff = hex(&layer);
        // No name and no time in its header.
        let mut packed = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
        packed.write_all(&layer)?;
        let layer = self.blob("application/vnd.oci.image.layer.v1.tar+gzip", packed.finish()?);
        let config = json!({
            "architecture": parts.platform.as_str(),
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {
                "User": USER,
                "Entrypoint": [PROGRAM],
                "WorkingDir": "/tmp",
                "Env": ["PATH=/", format!("SSL_CERT_FILE={CERTIFICATES}")],
                "Labels": {
                    "org.opencontainers.image.title": "berth",
                    "org.opencontainers.image.version": env!("CARGO_PKG_VERSION"),
                    "org.opencontainers.image.licenses": "Apache-2.0",
                },
            },
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{diff}")]},
            "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "cargo xtask image"}],
        });
        let config = self.blob("application/vnd.oci.image.config.v1+json", config.to_string().into_bytes());
        self.loadable.push(json!({"Config": config.path(), "Layers": [layer.path()]}));
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor,
            "layers": [layer.descriptor],
        });
        let pulled = layer.bytes + config.bytes;
        let mut manifest = self.blob(MANIFEST, manifest.to_string().into_bytes());
        manifest.bytes += pulled;
        manifest.descriptor["platform"] = json!({"architecture": parts.platform.as_str(), "os": "linux"});
        Ok(manifest)
    }
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Writes the image of `parts` into `out`: the layout itself, and beside it `image.tar`, the same in the archive's form, to be
/// imported by the name `name`, and each program's bill of materials. Gives the bytes that are pulled for each platform.
///
/// # Errors
/// If a file can't be written.
pub fn write(out: &Path, name: &str, parts: &[Parts]) -> anyhow::Result<Vec<(Platform, u64)>> {
    let mut layout = Layout::default();
    let mut manifests = Vec::new();
    let mut sizes = Vec::new();
    for parts in parts {
        let manifest = layout.image(parts)?;
        sizes.push((parts.platform, manifest.bytes));
        put(&out.join(format!("sbom-{}.cdx.json", parts.platform.as_str())), &parts.sbom)?;
        manifests.push(manifest.descriptor);
    }
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
    let mut index = layout.blob(INDEX, index.to_string().into_bytes()).descriptor;
    let tag = name.rsplit_once(':').map_or(name, |(_, tag)| tag);
    index["annotations"] = json!({
        "org.opencontainers.image.ref.name": tag,
        "io.containerd.image.name": name,
    });
    let entry = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [index]});
    layout.files.push(("index.json".to_owned(), entry.to_string().into_bytes()));
    layout
        .files
        .push(("oci-layout".to_owned(), json!({"imageLayoutVersion": "1.0.0"}).to_string().into_bytes()));

    let folder = out.join("layout");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("can't remove {}", folder.display()))?;
    }
    for (path, bytes) in &layout.files {
        put(&folder.join(path), bytes)?;
    }
    // A Docker that keeps images in its own way reads this file of an archive alone, and one image of it.
    if let Some(mut image) = layout.loadable.into_iter().next() {
        image["RepoTags"] = json!([name]);
        layout.files.push(("manifest.json".to_owned(), json!([image]).to_string().into_bytes()));
    }
    let mut archive = Builder::new(Vec::new());
    for (path, bytes) in &layout.files {
        let mut header = Header::new_ustar();
        header.set_mode(0o644);
        header.set_size(bytes.len() as u64);
        header.set_mtime(0);
        archive.append_data(&mut header, path, bytes.as_slice())?;
    }
    // Whole or not at all: somebody may import it meanwhile.
    let new = out.join(format!(".image-{}.tar", std::process::id()));
    put(&new, &archive.into_inner()?)?;
    std::fs::rename(&new, out.join("image.tar")).context("can't put the archive in its place")?;
    Ok(sizes)
}

fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let doing = || format!("can't write {}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(doing)?;
    }
    std::fs::write(path, bytes).with_context(doing)
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

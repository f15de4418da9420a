//! The image is what the OCI says an image is: every blob is named by its digest, and the same input gives the same
//! bytes.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by breaking")]

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};
use xtask::image::{Parts, Platform, write};

const NAME: &str = "localhost/berth:test";

fn made(folder: &Path) -> Vec<(Platform, u64)> {
    let parts = [(Platform::Amd64, "one"), (Platform::Arm64, "two")].map(|(platform, program)| Parts {
        platform,
        program: program.as_bytes().to_vec(),
        sbom: format!("bill of {program}").into_bytes(),
    });
    write(folder, NAME, &parts).unwrap()
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A blob that is named, with its digest and size checked.
fn blob(layout: &Path, descriptor: &Value, seen: &mut BTreeSet<String>) -> Vec<u8> {
    let named = descriptor["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
    let bytes = std::fs::read(layout.join("blobs/sha256").join(named)).unwrap();
    assert_eq!((digest(&bytes).as_str(), bytes.len() as u64), (named, descriptor["size"].as_u64().unwrap()));
    seen.insert(named.to_owned());
    bytes
}

#[test]
fn every_blob_is_named_by_its_digest_and_none_is_left_over() {
    let folder = tempfile::tempdir().unwrap();
    let sizes = made(folder.path());
    let layout = folder.path().join("layout");
    let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
    let marker = read(&std::fs::read(layout.join("oci-layout")).unwrap());
    assert_eq!(marker["imageLayoutVersion"], "1.0.0");
    let entry = read(&std::fs::read(layout.join("index.json")).unwrap());
    let index = &entry["manifests"][0];
    assert_eq!(index["annotations"]["io.containerd.image.name"], NAME);
    let mut seen = BTreeSet::new();
    let index = read(&blob(&layout, index, &mut seen));
    for (at, (platform, program)) in [("amd64", "one"), ("arm64", "two")].into_iter().enumerate() {
        let descriptor = &index["manifests"][at];
        assert_eq!(descriptor["platform"]["architecture"], platform);
        let manifest = read(&blob(&layout, descriptor, &mut seen));
        let config = read(&blob(&layout, &manifest["config"], &mut seen));
        assert_eq!(config["architecture"], platform);
        assert_eq!(config["config"]["Entrypoint"][0], "/berth");
        assert_eq!(config["config"]["User"], "65532:65532");
        let layer = blob(&layout, &manifest["layers"][0], &mut seen);
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(layer.as_slice()).read_to_end(&mut plain).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], format!("sha256:{}", digest(&plain)));
        assert!(plain.windows(program.len()).any(|window| window == program.as_bytes()));
        let bill = format!("bill of {program}");
        assert!(plain.windows(bill.len()).any(|window| window == bill.as_bytes()), "in the image");
        let beside = folder.path().join(format!("sbom-{platform}.cdx.json"));
        assert_eq!(std::fs::read_to_string(beside).unwrap(), bill);
        assert!(sizes[at].1 > layer.len() as u64);
    }
    let kept = std::fs::read_dir(layout.join("blobs/sha256")).unwrap();
    let kept: BTreeSet<String> = kept.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(kept, seen);
}

#[test]
fn docker_finds_the_first_image_in_the_archive_too() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path());
    let bytes = std::fs::read(folder.path().join("image.tar")).unwrap();
    let mut archive = tar::Archive::new(bytes.as_slice());
    let mut files = std::collections::BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        files.insert(path, bytes);
    }
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    assert_eq!(manifest[0]["RepoTags"][0], NAME);
    let config: Value = serde_json::from_slice(&files[manifest[0]["Config"].as_str().unwrap()]).unwrap();
    assert_eq!(config["architecture"], "amd64");
    assert!(files.contains_key(manifest[0]["Layers"][0].as_str().unwrap()));
}

#[test]
fn the_same_programs_give_the_same_bytes() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    made(one.path());
    made(two.path());
    // Again, over what is there.
    made(two.path());
    let archive = |folder: &Path| std::fs::read(folder.join("image.tar")).unwrap();
    assert_eq!(archive(one.path()), archive(two.path()));
}

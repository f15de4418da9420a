//! An image made on the spot, of the machine's static busybox: no registry is asked for anything.
//!
//! Written in the form of `docker save`, which containerd imports. The same image serves as the pause container.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::process::run;

/// The name by which pods ask for the image. Without a tag they would have it pulled each time.
pub const BUSYBOX: &str = "busybox:test";
/// The name by which the container runtime asks for what holds a pod together.
pub(super) const PAUSE: &str = "pause:test";

/// Writes the image to `archive`, working in `folder`.
///
/// # Panics
/// If there is no static busybox, or a file can't be written.
pub(super) fn write(folder: &Path, archive: &Path) {
    let root = folder.join("rootfs");
    let place = |name: &str| root.join(name);
    for name in ["bin", "etc", "tmp", "root", "proc", "sys", "dev"] {
        std::fs::create_dir_all(place(name)).unwrap_or_else(|error| panic!("can't make {name}: {error}"));
    }
    put(&place("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n");
    put(&place("etc/group"), "root:x:0:\nnobody:x:65534:\n");
    run(Command::new("chmod").arg("1777").arg(place("tmp")));
    run(Command::new("cp").arg(busybox()).arg(place("bin/busybox")));
    // Its applets by their names, as links to itself.
    run(Command::new(place("bin/busybox")).arg("--install").arg("-s").arg(place("bin")));
    // The links that it made name the folder: here they would lead out of the image.
    for entry in std::fs::read_dir(place("bin")).into_iter().flatten().flatten() {
        if entry.file_name() != "busybox" {
            run(Command::new("ln").arg("-sfn").arg("busybox").arg(entry.path()));
        }
    }
    put(&place("bin/pause"), "#!/bin/sh\ntrap 'exit 0' TERM INT\nsleep infinity & wait\n");
    run(Command::new("chmod").arg("755").arg(place("bin/pause")));

    let layer = folder.join("layer.tar");
    run(Command::new("tar")
        .args(["--owner=0", "--group=0", "-cf"])
        .arg(&layer)
        .arg("-C")
        .arg(&root)
        .arg("."));
    let digest = run(Command::new("sha256sum").arg(&layer));
    let digest = digest.split_whitespace().next().unwrap_or_default();
    let config = json!({
        "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
        "os": "linux",
        "config": { "Env": ["PATH=/bin"], "Cmd": ["/bin/pause"] },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{digest}")] },
    });
    put(&folder.join("config.json"), &config.to_string());
    let manifest =
        json!([{ "Config": "config.json", "RepoTags": [BUSYBOX, PAUSE], "Layers": ["layer.tar"] }]);
    put(&folder.join("manifest.json"), &manifest.to_string());
    run(Command::new("tar").arg("-cf").arg(archive).arg("-C").arg(folder).args([
        "manifest.json",
        "config.json",
        "layer.tar",
    ]));
}

fn busybox() -> &'static Path {
    let places = ["/bin/busybox", "/usr/bin/busybox", "/usr/local/bin/busybox"];
    let found = places.into_iter().map(Path::new).find(|path| path.exists());
    found.unwrap_or_else(|| {
        panic!("no busybox: `BERTH_TEST_NODE=1 scripts/setup.sh test` installs a static one")
    })
}

fn put(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap_or_else(|error| panic!("can't write {}: {error}", path.display()));
}

//! The product's own image, made before it is tested: of the profile of this test, whose libraries are there already.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The name by which pods ask for it.
pub(crate) const NAME: &str = "localhost/berth:test";

/// The archive of the image.
pub(crate) fn archive() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    // <target>/<profile>/deps/<test>
    let profile = tests.parent().and_then(Path::parent).unwrap();
    let target = profile.parent().unwrap();
    let out = target.join("image/test");
    let platform = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let mut make = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    make.args(["run", "--quiet", "--package", "xtask", "--", "image", "--platform", platform]);
    make.args(["--name", NAME, "--profile", if profile.ends_with("release") { "release" } else { "dev" }]);
    make.arg("--out").arg(&out).env("CARGO_TARGET_DIR", target);
    make.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap());
    assert!(make.status().unwrap().success(), "the image can't be made");
    out.join("image.tar")
}

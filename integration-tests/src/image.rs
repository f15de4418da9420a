//! The product's own image, made before it is tested: of the profile of this test, whose libraries are there already.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The name by which pods ask for it, without its tag.
pub const REPOSITORY: &str = "localhost/berth";
/// Its tag.
pub const TAG: &str = "chart";

/// The archive of the image.
///
/// # Panics
/// If it can't be made.
pub fn archive() -> PathBuf {
    let tests = std::env::current_exe().unwrap_or_else(|error| panic!("where am I? {error}"));
    // <target>/<profile>/deps/<test>
    let profile = tests.parent().and_then(Path::parent).unwrap_or_else(|| panic!("{}", tests.display()));
    let target = profile.parent().unwrap_or(profile);
    let out = target.join("image/chart");
    let platform = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let mut make = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    make.args(["run", "--quiet", "--package", "xtask", "--", "image", "--platform", platform]);
    make.args(["--name", &format!("{REPOSITORY}:{TAG}")]);
    make.args(["--profile", if profile.ends_with("release") { "release" } else { "dev" }]);
    make.arg("--out").arg(&out).env("CARGO_TARGET_DIR", target);
    make.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")));
    let made = make.status().unwrap_or_else(|error| panic!("cargo can't be started: {error}"));
    assert!(made.success(), "the image can't be made");
    out.join("image.tar")
}

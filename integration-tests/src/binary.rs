//! The product's own binary, built before it is tested.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The path of `berth`, built with the profile of this test.
///
/// # Panics
/// If it can't be built.
pub fn berth() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let tests = std::env::current_exe().unwrap_or_else(|error| panic!("where am I? {error}"));
        // <target>/<profile>/deps/<test>, or a program of this crate in <target>/<profile>
        let folder = tests.parent().unwrap_or_else(|| panic!("{}", tests.display()));
        let profile = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
        let mut build = Command::new(option_env!("CARGO").unwrap_or("cargo"));
        build.args(["build", "--quiet", "--package", "berth", "--bin", "berth"]);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        build.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")));
        if let Some(target) = profile.parent() {
            build.env("CARGO_TARGET_DIR", target);
        }
        let status = build.status().unwrap_or_else(|error| panic!("cargo can't be started: {error}"));
        assert!(status.success(), "berth can't be built");
        profile.join("berth")
    })
}

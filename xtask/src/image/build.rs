//! Builds the program of an image: static, by flags of its last crate alone, so that everything below it is shared
//! with ordinary builds. It has a name of its own (`berth-static`), so that the two don't undo each other.
//!
//! It is linked with glibc, whose static form resolves names by files and DNS without loading anything (since 2.34).

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use super::{Platform, elf};

/// Where builds are.
pub(super) fn target_folder(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// The bytes of the program for `platform`, built with `profile`.
pub(super) fn program(root: &Path, platform: Platform, profile: &str) -> anyhow::Result<Vec<u8>> {
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.current_dir(root).args(["rustc", "--quiet", "--locked", "--package", "berth"]);
    build.args(["--bin", "berth-static", "--features", "static", "--profile", profile]);
    build.args(["--message-format", "json-render-diagnostics"]);
    if !platform.is_ours() {
        can_cross(platform)?;
        build.args(["--target", platform.target()]);
        let of = platform.target().to_ascii_uppercase().replace('-', "_");
        build.env(format!("CARGO_TARGET_{of}_LINKER"), linker(platform));
    }
    build.args(["--", "-C", "target-feature=+crt-static", "-C", "strip=symbols"]);
    let output = build.stderr(Stdio::inherit()).output().context("cargo can't be started")?;
    ensure!(output.status.success(), "the program doesn't build: {}", output.status);
    let built = executable(&String::from_utf8_lossy(&output.stdout)).context("cargo names no program")?;
    let bytes = std::fs::read(&built).with_context(|| format!("can't read {}", built.display()))?;
    elf::check(&bytes, platform).with_context(|| built.display().to_string())?;
    Ok(bytes)
}

/// The program that cargo's messages tell of.
fn executable(messages: &str) -> Option<PathBuf> {
    let mut paths = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        Some(PathBuf::from(message.get("executable")?.as_str()?))
    });
    paths.next_back()
}

fn linker(platform: Platform) -> String {
    platform.target().replace("-unknown", "") + "-gcc"
}

/// Whether what another processor needs is here, by name.
fn can_cross(platform: Platform) -> anyhow::Result<()> {
    let target = platform.target();
    let folder = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output();
    let folder = folder.context("rustc can't be started")?;
    let folder = PathBuf::from(String::from_utf8_lossy(&folder.stdout).trim());
    if !folder.is_dir() {
        bail!("Rust's standard library for {target} is missing: `rustup target add {target}`");
    }
    let linker = linker(platform);
    let works = Command::new(&linker).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match works {
        Ok(status) if status.success() => Ok(()),
        _ => bail!(
            "`{linker}` is missing: Debian has it in gcc-{}",
            target.split('-').next().unwrap_or(target)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_the_last_that_cargo_tells_of() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\n\
                        {\"reason\":\"compiler-artifact\",\"executable\":\"/t/berth-static\"}\n\
                        {\"reason\":\"build-finished\"}\n";
        assert_eq!(executable(messages), Some("/t/berth-static".into()));
        assert_eq!(executable("not json"), None);
        assert_eq!(linker(Platform::Arm64), "aarch64-linux-gnu-gcc");
    }
}

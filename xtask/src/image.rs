//! The container image: one static program on nothing, as an OCI layout, made without a container engine.
//!
//! The same programs give the same bytes: no time, no owner and no order of this machine is in it. What is in it is
//! `contents`', what the program is made of `sbom`'s, how it is written `layout`'s.

mod build;
mod contents;
mod elf;
mod layout;
mod npm;
mod sbom;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

pub use layout::write;

/// The largest image that is allowed, in bytes as it is pulled.
pub const MAX_BYTES: u64 = 40 * 1024 * 1024;

/// A processor that images are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// 64-bit x86.
    Amd64,
    /// 64-bit Arm.
    Arm64,
}

impl Platform {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Amd64, Self::Arm64];

    /// Its name in an image.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// Its name for the compiler.
    #[must_use]
    pub const fn target(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64-unknown-linux-gnu",
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }

    /// Whether this program runs on it.
    const fn is_ours(self) -> bool {
        match self {
            Self::Amd64 => cfg!(target_arch = "x86_64"),
            Self::Arm64 => cfg!(target_arch = "aarch64"),
        }
    }
}

/// What the image of one processor is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// Which.
    pub platform: Platform,
    /// The program.
    pub program: Vec<u8>,
    /// Its bill of materials.
    pub sbom: Vec<u8>,
}

/// What `cargo xtask image` was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    profile: String,
    /// The whole name by which the image is known where its archive is imported, host and tag included.
    name: String,
    platforms: Vec<Platform>,
    out: Option<PathBuf>,
}

impl Asked {
    fn read(arguments: impl IntoIterator<Item = String>) -> anyhow::Result<Self> {
        let mut asked = Self {
            profile: "release".into(),
            name: "localhost/berth:latest".into(),
            platforms: Vec::new(),
            out: None,
        };
        let mut arguments = arguments.into_iter();
        while let Some(flag) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("{flag} needs a value"));
            match flag.as_str() {
                "--profile" => asked.profile = value()?,
                "--name" => asked.name = value()?,
                "--out" => asked.out = Some(value()?.into()),
                "--platform" => {
                    let name = value()?;
                    let known = Platform::ALL.into_iter().find(|platform| platform.as_str() == name);
                    asked.platforms.push(
                        known.with_context(|| format!("--platform {name} is none of amd64 and arm64"))?,
                    );
                }
                _ => bail!(
                    "usage: cargo xtask image [--profile release] [--name localhost/berth:latest] [--platform amd64|arm64]... \
                     [--out FOLDER] (found: {flag})"
                ),
            }
        }
        if asked.platforms.is_empty() {
            asked.platforms = Platform::ALL.to_vec();
        }
        Ok(asked)
    }
}

/// Makes the image that the arguments ask for; gives what is to be told.
///
/// # Errors
/// If the image for the processor at hand can't be made, or is too large. One that can't be made for another one is
/// told of, and left out.
pub fn make(root: &Path, arguments: impl IntoIterator<Item = String>) -> anyhow::Result<Vec<String>> {
    let asked = Asked::read(arguments)?;
    let mut told = Vec::new();
    let mut parts = Vec::new();
    for platform in asked.platforms {
        match build::program(root, platform, &asked.profile) {
            Ok(program) => parts.push(Parts { platform, program, sbom: sbom::of(root, platform)? }),
            Err(error) if platform.is_ours() => {
                return Err(error.context(format!("the image for {} can't be made", platform.as_str())));
            }
            Err(error) => told.push(format!(
                "NOT MADE: the image for {}, which this machine can't build: {error:#}",
                platform.as_str()
            )),
        }
    }
    if parts.is_empty() {
        bail!("no image was made: {}", told.join("; "));
    }
    let out = asked.out.unwrap_or_else(|| build::target_folder(root).join("image").join(&asked.profile));
    let made = write(&out, &asked.name, &parts)?;
    for (platform, bytes) in &made {
        if *bytes > MAX_BYTES && asked.profile == "release" {
            bail!("the image for {} has {bytes} bytes; allowed are {MAX_BYTES}", platform.as_str());
        }
        let size = bytes / 1024 / 1024;
        told.push(format!("{}: {size} MiB to pull, in {}", platform.as_str(), out.display()));
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_and_the_rest_refused() {
        let read = |text: &str| Asked::read(text.split_whitespace().map(str::to_owned));
        assert_eq!(read("").unwrap().platforms, Platform::ALL);
        let asked = read("--profile dev --platform arm64 --name x:1 --out /o").unwrap();
        assert_eq!((asked.profile.as_str(), asked.name.as_str()), ("dev", "x:1"));
        assert_eq!((asked.platforms, asked.out), (vec![Platform::Arm64], Some("/o".into())));
        assert!(read("--platform mips").unwrap_err().to_string().contains("amd64 and arm64"));
        assert!(read("--fast").unwrap_err().to_string().starts_with("usage"));
        assert!(read("--out").unwrap_err().to_string().contains("needs a value"));
    }
}

//! Python environments with pinned packages, made once per list of requirements and kept in the cache.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

/// An environment that has what one requirements file lists.
#[derive(Clone, Debug)]
pub struct Venv {
    folder: PathBuf,
    /// `name==version`, as the file pins them.
    pins: Vec<String>,
}

impl Venv {
    /// Makes the environment of `requirements` under `cache`, unless it is there.
    ///
    /// # Errors
    /// If Python or its `venv` is missing, or a package can't be installed.
    pub fn make(cache: &Path, requirements: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(requirements)
            .with_context(|| format!("can't read {}", requirements.display()))?;
        let name = requirements.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let folder = cache.join(format!("bench-{name}-{}", key(&text)));
        let venv = Self { folder: folder.clone(), pins: pins(&text) };
        if folder.join("complete").exists() {
            return Ok(venv);
        }
        eprintln!("making {} ({} packages)", folder.display(), venv.pins.len());
        if folder.exists() {
            std::fs::remove_dir_all(&folder).with_context(|| format!("can't remove {}", folder.display()))?;
        }
        std::fs::create_dir_all(cache).with_context(|| format!("can't make {}", cache.display()))?;
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))
            .context("is python3-venv installed?")?;
        run(Command::new(venv.program("pip"))
            .args(["install", "--quiet", "--disable-pip-version-check", "--no-input", "-r"])
            .arg(requirements))?;
        std::fs::write(folder.join("complete"), &text)?;
        Ok(venv)
    }

    /// A program of the environment.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    /// The pinned version of a package.
    pub fn version(&self, package: &str) -> String {
        let prefix = format!("{package}==");
        let pin = self.pins.iter().find_map(|pin| pin.strip_prefix(&prefix));
        pin.unwrap_or("unpinned").to_owned()
    }
}

fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("`{program}` can't be started: is it installed?"))?;
    ensure!(status.success(), "`{program}` failed: {status}");
    Ok(())
}

/// The first 12 hex digits of the text's SHA-256.
fn key(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

fn pins(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| line.contains("==")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_list_is_another_environment() {
        assert_eq!(key("celery==5.7.0\n"), key("celery==5.7.0\n"));
        assert_ne!(key("celery==5.7.0\n"), key("celery==5.7.1\n"));
        assert_eq!(key("").len(), 12);
    }

    #[test]
    fn versions_are_read_from_the_pins() {
        let venv = Venv { folder: PathBuf::new(), pins: pins("# note\ncelery==5.7.0\nkombu==5.7.1\n") };
        assert_eq!(venv.version("celery"), "5.7.0");
        assert_eq!(venv.version("redis"), "unpinned");
    }

    #[test]
    fn every_requirement_is_pinned() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in ["requirements-celery.txt", "requirements-polyaxon.txt"] {
            let text = std::fs::read_to_string(root.join(name)).unwrap();
            let wanted = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).count();
            assert_eq!(pins(&text).len(), wanted, "{name} has a line without `==`");
        }
    }
}

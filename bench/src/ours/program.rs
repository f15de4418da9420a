//! The `berth` program: found or built, and run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tokio::process::Command as AsyncCommand;

use crate::partners::group::Group;

/// The `berth` that is measured.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
}

impl Program {
    /// The program that was given; else the one beside this program, built now by the same cargo.
    ///
    /// # Errors
    /// If it can't be built, or doesn't run.
    pub fn find(given: Option<PathBuf>, workspace: &Path) -> Result<Self> {
        let path = match given {
            Some(path) => path.canonicalize().with_context(|| format!("no `berth` at {}", path.display()))?,
            None => {
                eprintln!("building berth for release");
                let status = Command::new("cargo")
                    .args(["build", "--quiet", "--locked", "--release", "--package", "berth"])
                    .current_dir(workspace)
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .status()
                    .context("`cargo` can't be started: give the program by --berth")?;
                ensure!(status.success(), "`berth` can't be built: {status}");
                std::env::current_exe()?.with_file_name("berth")
            }
        };
        ensure!(path.exists(), "there is no `berth` at {}: give it by --berth", path.display());
        Ok(Self { path })
    }

    /// What `berth --version` says.
    ///
    /// # Errors
    /// If it doesn't run.
    pub async fn version(&self) -> Result<String> {
        let said = self.run(&["--version"]).await?;
        Ok(said.trim().trim_start_matches("berth ").to_owned())
    }

    /// Runs a command to its end and returns what it printed.
    ///
    /// # Errors
    /// If it fails; its own words are in the error.
    pub async fn run(&self, arguments: &[&str]) -> Result<String> {
        let home = tempfile::tempdir()?;
        let mut command = AsyncCommand::from(self.command(home.path()));
        let output = command.args(arguments).stdin(Stdio::null()).kill_on_drop(true).output().await?;
        let shown = arguments.iter().take(2).copied().collect::<Vec<_>>().join(" ");
        ensure!(
            output.status.success(),
            "`berth {shown}` failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Starts a role in a temporary folder; `{dir}` in an argument stands for that folder.
    pub fn start(&self, role: &str, arguments: &[String]) -> Group {
        Group::start(&format!("bench-{role}"), |folder| {
            let mut command = self.command(folder);
            command.arg(role);
            let here = folder.to_string_lossy();
            command.args(arguments.iter().map(|argument| argument.replace("{dir}", &here)));
            command
        })
    }

    /// The program with a home of its own and none of the settings of whoever runs the benchmarks.
    fn command(&self, home: &Path) -> Command {
        let mut command = Command::new(&self.path);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("BERTH_") {
                command.env_remove(name);
            }
        }
        command.env("HOME", home).env_remove("XDG_DATA_HOME").env_remove("XDG_CONFIG_HOME");
        command.current_dir(home);
        command
    }
}

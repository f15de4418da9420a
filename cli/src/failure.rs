//! How a command ends badly: an exit status that scripts can rely on, a text, and a hint.

use std::process::ExitCode;

/// Why a command failed; its number is the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The run failed, or the server could not do it.
    Failed = 1,
    /// The command, a setting or a file can't be used.
    Usage = 2,
    /// There is no such thing.
    NotFound = 3,
    /// Not allowed, or no token.
    NotAllowed = 4,
    /// The server, broker or database can't be reached.
    Unreachable = 5,
}

/// A command's failure.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{message}")]
pub struct Failure {
    /// Why.
    pub status: Status,
    /// What to say; nothing, if all has been said.
    pub message: String,
    /// What may help.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure with its text.
    #[must_use]
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), hint: None }
    }

    /// The command, a setting or a file can't be used.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Status::Usage, message)
    }

    /// Adds what may help.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The exit status.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.status as u8)
    }
}

impl From<crate::settings::Error> for Failure {
    fn from(error: crate::settings::Error) -> Self {
        Self::usage(error.to_string())
    }
}

/// Writing an answer failed. A reader that closed the pipe (`berth ops ls | head`) is no failure worth a text.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::new(Status::Failed, "");
        }
        Self::new(Status::Failed, format!("can't write the answer: {error}"))
    }
}

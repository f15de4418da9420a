//! What the end of a process means, in a container or not: its class, its reason, its exit code. Pure.

use std::io;

use berth_domain::lifecycle::{End, FailureClass, Outcome};
use berth_domain::protocol::FENCE_SECONDS;

/// Why the supervisor ended the process itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It ran for longer than so many seconds.
    Timeout(u64),
    /// A stop was asked for.
    Stop,
    /// Its agent has been without a lease for too long.
    Fenced,
    /// The supervisor was told to end by somebody who had not asked for a stop: the machine goes down.
    Shutdown,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// With an exit status.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

impl Status {
    /// As a shell would say it.
    const fn code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }
}

/// The end of a process that ran.
pub(crate) fn ended(status: Status, cause: Option<Cause>) -> End {
    let (outcome, reason, message) = match (cause, status) {
        (Some(Cause::Stop), _) => {
            (Outcome::Stopped, "Stopped".to_owned(), "Ended because a stop was asked for".to_owned())
        }
        (Some(Cause::Timeout(seconds)), _) => (
            Outcome::Failed(FailureClass::Timeout),
            "Timeout".to_owned(),
            format!("Ended because it ran for longer than {seconds} s"),
        ),
        (Some(Cause::Fenced), _) => {
            let end = fenced();
            (end.outcome, end.reason, end.message)
        }
        (Some(Cause::Shutdown), _) => (
            Outcome::Failed(FailureClass::NodeLost),
            "Shutdown".to_owned(),
            "Ended because its supervisor was told to end: the machine goes down, perhaps".to_owned(),
        ),
        (None, Status::Code(0)) => (Outcome::Succeeded, "Completed".to_owned(), "Exited with 0".to_owned()),
        (None, Status::Code(127)) => users("CommandNotFound", "Exited with 127: a command was not found"),
        (None, Status::Code(126)) => {
            users("CommandNotExecutable", "Exited with 126: a command could not be executed")
        }
        (None, Status::Code(code)) => users("ExitCode", &format!("Exited with {code}")),
        (None, Status::Signal(signal)) => {
            users(&format!("Signal({signal})"), &format!("Ended by signal {signal}"))
        }
    };
    End { outcome, exit_code: Some(status.code()), reason, message }
}

fn users(reason: &str, message: &str) -> (Outcome, String, String) {
    (Outcome::Failed(FailureClass::User), reason.to_owned(), message.to_owned())
}

/// The end of a command that could not be started at all.
pub(super) fn not_started(program: &str, error: &io::Error) -> End {
    const ENOEXEC: i32 = 8;
    let users = |exit_code, reason: &str| End {
        outcome: Outcome::Failed(FailureClass::User),
        exit_code: Some(exit_code),
        reason: reason.to_owned(),
        message: format!("`{program}`: {error}"),
    };
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => users(127, "CommandNotFound"),
        io::ErrorKind::PermissionDenied => users(126, "CommandNotExecutable"),
        _ if error.raw_os_error() == Some(ENOEXEC) => users(126, "CommandNotExecutable"),
        _ => End {
            outcome: Outcome::Failed(FailureClass::Config),
            exit_code: None,
            reason: "NotStarted".to_owned(),
            message: format!("`{program}`: {error}"),
        },
    }
}

/// The end of what was ended because its agent has been without a lease for too long.
pub(crate) fn fenced() -> End {
    End {
        outcome: Outcome::Failed(FailureClass::AgentLost),
        exit_code: None,
        reason: "Fenced".to_owned(),
        message: format!("Ended because its agent had been without a lease for {FENCE_SECONDS} s"),
    }
}

/// The end of what was ended because its agent is being removed.
pub(crate) fn removed() -> End {
    End {
        outcome: Outcome::Failed(FailureClass::AgentLost),
        exit_code: None,
        reason: "AgentRemoved".to_owned(),
        message: "Ended because its agent is being removed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_is_told_as_documented() {
        let user = Outcome::Failed(FailureClass::User);
        for (status, cause, outcome, code, reason) in [
            (Status::Code(0), None, Outcome::Succeeded, 0, "Completed"),
            (Status::Code(3), None, user, 3, "ExitCode"),
            (Status::Code(127), None, user, 127, "CommandNotFound"),
            (Status::Code(126), None, user, 126, "CommandNotExecutable"),
            (Status::Signal(9), None, user, 137, "Signal(9)"),
            (Status::Signal(15), Some(Cause::Stop), Outcome::Stopped, 143, "Stopped"),
            (Status::Code(0), Some(Cause::Stop), Outcome::Stopped, 0, "Stopped"),
            (
                Status::Signal(9),
                Some(Cause::Timeout(1)),
                Outcome::Failed(FailureClass::Timeout),
                137,
                "Timeout",
            ),
            (
                Status::Signal(15),
                Some(Cause::Fenced),
                Outcome::Failed(FailureClass::AgentLost),
                143,
                "Fenced",
            ),
            (
                Status::Signal(15),
                Some(Cause::Shutdown),
                Outcome::Failed(FailureClass::NodeLost),
                143,
                "Shutdown",
            ),
        ] {
            let end = ended(status, cause);
            assert_eq!((end.outcome, end.exit_code, end.reason.as_str()), (outcome, Some(code), reason));
        }
    }

    #[test]
    fn a_command_that_can_not_be_started_says_why() {
        let missing = not_started("x", &io::Error::from_raw_os_error(2));
        assert_eq!((missing.exit_code, missing.reason.as_str()), (Some(127), "CommandNotFound"));
        assert!(missing.message.starts_with("`x`: No such file"), "{}", missing.message);
        assert_eq!(not_started("x", &io::Error::from_raw_os_error(13)).exit_code, Some(126));
        assert_eq!(not_started("x", &io::Error::from_raw_os_error(8)).exit_code, Some(126));
        let too_long = not_started("x", &io::Error::from_raw_os_error(7));
        assert_eq!(too_long.outcome, Outcome::Failed(FailureClass::Config));
    }
}

//! `berth completion`: the script that a shell completes our commands with.

use clap::CommandFactory as _;
use clap_complete::aot;

use crate::arguments::{Arguments, Shell};
use crate::failure::{Failure, Status};

/// The script.
///
/// # Errors
/// If it is no text, which it always is.
pub fn script(shell: Shell) -> Result<String, Failure> {
    let mut command = Arguments::command();
    let mut script = Vec::new();
    let shell = match shell {
        Shell::Bash => aot::Shell::Bash,
        Shell::Zsh => aot::Shell::Zsh,
        Shell::Fish => aot::Shell::Fish,
    };
    aot::generate(shell, &mut command, "berth", &mut script);
    String::from_utf8(script).map_err(|error| Failure::new(Status::Failed, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_has_a_script_that_knows_the_commands_and_not_the_hidden_one() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = script(shell).unwrap();
            for command in ["scheduler", "statuses", "cordon", "--broker-url"] {
                let word = command.trim_start_matches("--");
                assert!(script.contains(word), "{shell:?} {command}");
            }
        }
    }
}

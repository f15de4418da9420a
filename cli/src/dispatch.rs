//! From arguments to the command that they name, and from its failure to an exit status.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Arguments, Command, ConfigAction};
use crate::command::{
    Session, Surroundings, agents, completion, config, login, ops, organization, presets, projects, queues,
    ready, run, tokens,
};
use crate::failure::{Failure, Status};
use crate::output::Output;
use crate::serve;
use crate::settings::Format;

/// Runs the program: what `main` calls with what it knows of its surroundings.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    variable: &dyn Fn(&str) -> Option<String>,
    read: &dyn Fn(&str) -> std::io::Result<String>,
) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version go to standard output with 0; what can't be parsed to standard error with 2.
            let code =
                if error.use_stderr() { ExitCode::from(Status::Usage as u8) } else { ExitCode::SUCCESS };
            return if error.print().is_ok() { code } else { ExitCode::FAILURE };
        }
    };
    // A supervisor's exit status is its own.
    if let Command::Shim { dir } = &arguments.command {
        return serve::shim(dir);
    }
    let surroundings = Surroundings { variable, read, config: arguments.config.as_deref() };
    match dispatch(&surroundings, arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report(&failure);
            failure.exit_code()
        }
    }
}

fn dispatch(surroundings: &Surroundings<'_>, command: Command) -> Result<(), Failure> {
    match command {
        Command::Shim { .. } => Ok(()),
        Command::Transfer { task } => waited(serve::transfer(surroundings, &task)),
        Command::Up(flags) => serve::up::run(surroundings, &flags.given),
        Command::Api(flags) => serve::api::run(surroundings, &flags.given),
        Command::Scheduler(flags) => serve::scheduler::run(surroundings, &flags.given),
        Command::Agent { flags, drain: false } => serve::agent::run(surroundings, &flags.given),
        Command::Agent { flags, drain: true } => serve::agent::drain(surroundings, &flags.given),
        Command::Admin(group) => waited(serve::admin::act(surroundings, group)),
        Command::Broker(group) => waited(serve::broker::act(surroundings, group)),
        Command::Completion { shell } => {
            Output::standard(Format::Table).line(completion::script(shell)?.trim_end())
        }
        Command::Config(group) => match group.action {
            ConfigAction::Show { part, output } => config::print(surroundings, part, &output),
        },
        Command::Ready { role } => waited(ready::ask(surroundings, role)),
        Command::Login(group) => waited(login::act(surroundings, &group.settings.given, &group.own)),
        Command::Run(group) => {
            let session = Session::open(surroundings, &group.settings.given)?;
            waited(run::act(surroundings, session, group.own))
        }
        Command::Ops(group) => {
            waited(ops::act(Session::open(surroundings, &group.settings.given)?, group.action))
        }
        Command::Queues(group) => {
            let session = Session::open(surroundings, &group.settings.given)?;
            waited(queues::act(surroundings, session, group.action))
        }
        Command::Agents(group) => {
            let session = Session::open(surroundings, &group.settings.given)?;
            waited(agents::act(surroundings, session, group.action))
        }
        Command::Presets(group) => {
            let session = Session::open(surroundings, &group.settings.given)?;
            waited(presets::act(surroundings, session, group.action))
        }
        Command::Organization(group) => {
            let session = Session::open(surroundings, &group.settings.given)?;
            waited(organization::act(surroundings, session, group.action))
        }
        Command::Projects(group) => {
            waited(projects::act(Session::open(surroundings, &group.settings.given)?, group.action))
        }
        Command::Tokens(group) => {
            waited(tokens::act(Session::open(surroundings, &group.settings.given)?, group.action))
        }
    }
}

/// Runs a short command to its end, on this thread alone.
fn waited(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Status::Failed, format!("can't start: {error}")))?;
    runtime.block_on(work)
}

/// Says what went wrong, and what may help. If even that can't be said, the exit status says it.
fn report(failure: &Failure) {
    let mut stderr = std::io::stderr().lock();
    if !failure.message.is_empty() {
        writeln!(stderr, "berth: {}", failure.message).ok();
    }
    if let Some(hint) = &failure.hint {
        writeln!(stderr, "hint: {hint}").ok();
    }
}

//! `docs/reference/command-line.md`: every command with what it takes.

use std::fmt::Write as _;

use berth_cli::arguments::Arguments;
use clap::{Arg, Command, CommandFactory as _};

use super::{cell, is_page};

const HEAD: &str = "# Command line\n\nMade of the program itself. What every command takes is said once, at the end; a setting that a flag gives may also\n\
     come from the environment or a file: see [Configuration](../configuration.md).\n";

fn help(arg: &Arg) -> String {
    arg.get_help().or_else(|| arg.get_long_help()).map(|help| cell(&help.to_string())).unwrap_or_default()
}

fn values(arg: &Arg) -> String {
    if !arg.get_action().takes_values() {
        return String::new();
    }
    let names = arg.get_value_names().unwrap_or_default();
    let name = names.first().map_or_else(|| arg.get_id().as_str().to_uppercase(), ToString::to_string);
    format!(" {name}")
}

fn flag(arg: &Arg) -> String {
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let names: Vec<String> = short.into_iter().chain(long).collect();
    format!("| `{}{}` | {} |\n", names.join(", "), values(arg), help(arg))
}

fn describe(command: &Command, path: &str, text: &mut String) {
    let depth = "#".repeat(path.split(' ').count().min(4));
    writeln!(text, "\n{depth} `{path}`\n").unwrap();
    let about = command.get_long_about().or_else(|| command.get_about());
    writeln!(text, "{}", about.map(|about| cell(&about.to_string())).unwrap_or_default()).unwrap();
    let own = |arg: &&Arg| !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version");
    let args: Vec<&Arg> = command.get_arguments().filter(own).collect();
    if !args.is_empty() {
        text.push_str("\n| | |\n|---|---|\n");
    }
    for arg in args.iter().filter(|arg| arg.is_positional()) {
        let name = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
        let name = name.unwrap_or_else(|| arg.get_id().as_str().to_uppercase());
        writeln!(text, "| `{name}` | {} |", help(arg)).unwrap();
    }
    for arg in args.iter().filter(|arg| !arg.is_positional()) {
        text.push_str(&flag(arg));
    }
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        describe(sub, &format!("{path} {}", sub.get_name()), text);
    }
}

#[test]
fn the_reference_of_the_command_line_is_the_command_line() {
    let command = Arguments::command();
    let mut text = HEAD.to_owned();
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        describe(sub, &format!("berth {}", sub.get_name()), &mut text);
    }
    text.push_str("\n## What every command takes\n\n| | |\n|---|---|\n");
    for arg in command.get_arguments().filter(|arg| arg.is_global_set()) {
        text.push_str(&flag(arg));
    }
    is_page("reference/command-line.md", &text);
}

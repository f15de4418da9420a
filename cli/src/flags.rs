//! The flags of the settings table, as a group that a command can take. What they mean is `settings`'.

use std::marker::PhantomData;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use crate::settings::{DefaultValue, Given, Part, Setting};

/// Says which part of the table a [`Flags`] has.
pub trait Group: Clone + Send + Sync + 'static {
    /// The part.
    const PART: Part;
}

macro_rules! group {
    ($($name:ident),*) => {$(
        #[doc = concat!("The settings of the part `", stringify!($name), "`.")]
        #[derive(Debug, Clone)]
        pub enum $name {}
        impl Group for $name {
            const PART: Part = Part::$name;
        }
    )*};
}
group!(Client, Up, Api, Scheduler, Agent, Admin, Broker);

/// Every flag of a part, those that were given with their texts.
#[derive(Debug, Clone)]
pub struct Flags<G: Group> {
    /// By the setting's key.
    pub given: Given,
    group: PhantomData<fn() -> G>,
}

impl<G: Group> Args for Flags<G> {
    fn augment_args(command: Command) -> Command {
        Setting::of(G::PART).fold(command, |command, setting| {
            let command = command.arg(flag(setting, G::PART));
            match setting.secret {
                true => command.arg(secret_file(setting)),
                false => command,
            }
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<G: Group> FromArgMatches for Flags<G> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = Given::new();
        let keys = Setting::of(G::PART).flat_map(|setting| {
            [Some(setting.key.to_owned()), setting.secret.then(|| format!("{}_file", setting.key))]
        });
        for key in keys.flatten() {
            if let Some(texts) = matches.get_many::<String>(&key) {
                let texts: Vec<&str> = texts.map(String::as_str).collect();
                given.insert(key, texts.join(","));
            }
        }
        Ok(Self { given, group: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn flag(setting: &'static Setting, part: Part) -> Arg {
    let default = match (setting.default_for(part), setting.default) {
        (Some(text), _) => format!(" [default: {text}]"),
        (None, DefaultValue::Derived(how)) => format!(" [default: {how}]"),
        (None, _) => String::new(),
    };
    let help = format!("{} [{}]{default}", setting.help, setting.variable());
    let arg = Arg::new(setting.key)
        .long(setting.flag)
        .value_name(setting.value_name)
        .help(help)
        .help_heading("Settings")
        .global(true)
        .allow_hyphen_values(false)
        .action(if setting.many { ArgAction::Append } else { ArgAction::Set });
    match setting.short {
        Some(letter) => arg.short(letter),
        None => arg,
    }
}

fn secret_file(setting: &'static Setting) -> Arg {
    Arg::new(format!("{}_file", setting.key))
        .long(format!("{}-file", setting.flag))
        .value_name("FILE")
        .help(format!("A file with it, instead [{}_FILE]", setting.variable()))
        .help_heading("Settings")
        .global(true)
}

/// The part with this name if it is one that serves, for `berth ready`.
///
/// # Errors
/// If it is none; the text names those that are.
pub fn role(name: &str) -> Result<Part, String> {
    let roles = [Part::Up, Part::Api, Part::Scheduler, Part::Agent];
    let found = roles.into_iter().find(|role| role.as_str() == name);
    found.ok_or_else(|| format!("use one of: {}", roles.map(Part::as_str).join(", ")))
}

/// The part whose name this is, for `berth config show`.
///
/// # Errors
/// If there is no such part; the text names all.
pub fn part(name: &str) -> Result<Part, String> {
    Part::ALL.into_iter().find(|part| part.as_str() == name).ok_or_else(|| {
        let names: Vec<&str> = Part::ALL.iter().map(|part| part.as_str()).collect();
        format!("use one of: {}", names.join(", "))
    })
}

//! Decides which source of a setting holds, and words what is wrong with one. What values mean is not here.

use std::collections::BTreeMap;
use std::fmt;

use super::file;
use super::table::{Part, Setting};

/// What flags were given, by the setting's key (`<key>_file` for a secret's file).
pub type Given = BTreeMap<String, String>;

/// Where settings come from, besides the flags.
pub struct Sources<'a> {
    /// Looks a variable up.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a file that a flag, a variable or the YAML file names.
    pub read: &'a dyn Fn(&str) -> std::io::Result<String>,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag, as it is written.
    Flag(String),
    /// A variable, by name.
    Variable(String),
    /// A line of the YAML file.
    File {
        /// The file.
        path: String,
        /// The line, from 1.
        line: u64,
    },
    /// The default.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::Variable(name) => f.write_str(name),
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A setting's text and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// The text.
    pub text: String,
    /// Where it, or the name of the file that it is in, was given.
    pub origin: Origin,
}

/// The settings of one part of the program.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The part.
    pub part: Part,
    values: BTreeMap<&'static str, Value>,
}

/// Something is wrong with a setting.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// A setting that is needed was not given.
    #[error("`{key}` is needed: give --{flag}, {variable} or `{key}:` in the configuration file; {allowed}")]
    Missing {
        /// The setting.
        key: &'static str,
        /// Its flag.
        flag: &'static str,
        /// Its variable.
        variable: String,
        /// What may be given.
        allowed: String,
    },
    /// A value can't be used.
    #[error("`{key}` (from {origin}): {found} is not {allowed}")]
    Invalid {
        /// The setting.
        key: &'static str,
        /// Where the value came from.
        origin: Origin,
        /// What was found; for secrets, nothing of it.
        found: String,
        /// What may be given.
        allowed: String,
    },
    /// Two sources of the same rank contradict each other.
    #[error("give one of {0} and {1}, not both")]
    Both(String, String),
    /// A file can't be read.
    #[error("can't read `{path}` (from {origin}): {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// Who named it.
        origin: Origin,
        /// The system's words.
        reason: String,
    },
    /// A file that a setting names holds what can't be used.
    #[error("`{key}` (from {origin}): {path}: {problem}")]
    Content {
        /// The setting.
        key: &'static str,
        /// Who named the file.
        origin: Origin,
        /// The file.
        path: String,
        /// What is wrong in it.
        problem: String,
    },
    /// The YAML file has something that it can't have.
    #[error("{path}:{line}: {message}")]
    File {
        /// The file.
        path: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        message: String,
    },
    /// Two settings can't hold together.
    #[error("{0}")]
    Together(String),
}

/// Decides each setting of `part`: flag, then variable, then YAML file, then default.
///
/// # Errors
/// If the YAML file or a secret's file can't be read, has unknown keys, or two sources contradict each other.
pub fn load(
    part: Part,
    flags: &Given,
    config: Option<&str>,
    sources: &Sources<'_>,
) -> Result<Resolved, Error> {
    let named = match config {
        Some(path) => Some((path.to_owned(), Origin::Flag("--config".to_owned()))),
        None => (sources.variable)("BERTH_CONFIG")
            .filter(|path| !path.is_empty())
            .map(|path| (path, Origin::Variable("BERTH_CONFIG".to_owned()))),
    };
    let file = match named {
        Some((path, origin)) => {
            let text = read(sources, &path, &origin)?;
            file::parse(&path, &text)?
        }
        None => BTreeMap::new(),
    };
    let mut values = BTreeMap::new();
    for setting in Setting::of(part) {
        if let Some(value) = decide(setting, part, flags, &file, sources)? {
            values.insert(setting.key, value);
        }
    }
    Ok(Resolved { part, values })
}

fn decide(
    setting: &Setting,
    part: Part,
    flags: &Given,
    file: &BTreeMap<String, Value>,
    sources: &Sources<'_>,
) -> Result<Option<Value>, Error> {
    let file_key = format!("{}_file", setting.key);
    let flag = |key: &str, flag: String| {
        flags.get(key).map(|text| Value { text: text.clone(), origin: Origin::Flag(flag) })
    };
    let variable = |name: String| {
        // An empty variable is as good as none: shells and charts can't always unset one.
        (sources.variable)(&name)
            .filter(|text| !text.is_empty())
            .map(|text| Value { text, origin: Origin::Variable(name) })
    };
    let ranks = [
        (
            flag(setting.key, format!("--{}", setting.flag)),
            flag(&file_key, format!("--{}-file", setting.flag)),
        ),
        (variable(setting.variable()), variable(format!("{}_FILE", setting.variable()))),
        (setting.standard.iter().find_map(|name| variable((*name).to_owned())), None),
        (file.get(setting.key).cloned(), file.get(&file_key).cloned()),
    ];
    for (plain, from_file) in ranks {
        let from_file = from_file.filter(|_| setting.secret);
        match (plain, from_file) {
            (Some(plain), Some(other)) => {
                return Err(Error::Both(plain.origin.to_string(), other.origin.to_string()));
            }
            (Some(plain), None) => return Ok(Some(plain)),
            (None, Some(named)) => {
                let text = read(sources, &named.text, &named.origin)?;
                return Ok(Some(Value { text: text.trim_end().to_owned(), origin: named.origin }));
            }
            (None, None) => {}
        }
    }
    Ok(setting.default_for(part).map(|text| Value { text: text.to_owned(), origin: Origin::Default }))
}

fn read(sources: &Sources<'_>, path: &str, origin: &Origin) -> Result<String, Error> {
    (sources.read)(path).map_err(|error| Error::Unreadable {
        path: path.to_owned(),
        origin: origin.clone(),
        reason: error.to_string(),
    })
}

impl Resolved {
    /// What a setting holds, if anything.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// What a setting holds, which must have been given.
    pub(super) fn needed(&self, key: &str, allowed: &str) -> Result<&Value, Error> {
        self.get(key).ok_or_else(|| missing(key, allowed))
    }

    /// Reads a setting; `allowed` says what may be given, and secrets are not shown.
    pub(super) fn read<T>(
        &self,
        key: &str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        self.get(key).map(|value| parse(&value.text).ok_or_else(|| invalid(key, value, allowed))).transpose()
    }

    /// Reads a whole number between `low` and `high`.
    pub(super) fn number(&self, key: &str, low: u64, high: u64) -> Result<u64, Error> {
        let allowed = format!("a whole number from {low} to {high}");
        self.read(key, &allowed, |text| text.parse().ok().filter(|n| (low..=high).contains(n)))?
            .ok_or_else(|| missing(key, &allowed))
    }
}

fn missing(key: &str, allowed: &str) -> Error {
    let (key, flag) = Setting::by_key(key).map_or(("?", "?"), |setting| (setting.key, setting.flag));
    let variable = format!("BERTH_{}", key.to_ascii_uppercase());
    Error::Missing { key, flag, variable, allowed: allowed.to_owned() }
}

/// The error for a value that can't be used.
pub(super) fn invalid(key: &str, value: &Value, allowed: &str) -> Error {
    let setting = Setting::by_key(key);
    let found = match setting {
        Some(setting) if setting.secret => "what was given (hidden)".to_owned(),
        _ => format!("`{}`", value.text.chars().take(80).collect::<String>()),
    };
    Error::Invalid {
        key: setting.map_or("?", |setting| setting.key),
        origin: value.origin.clone(),
        found,
        allowed: allowed.to_owned(),
    }
}

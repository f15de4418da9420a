//! The types of inputs and outputs: which texts name them, which values they take, and what a value becomes.
//!
//! Source: Polyaxon's `types` and the typing strings and pydantic names that it accepts. Values that arrive as text
//! (`-P lr=0.1`) are turned into the declared type; anything else must already be of it.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Number, Value};

use super::input::{Io, Validation};
use super::node::{Node, shown};
use super::shape::{nearest, one_of, whole};
use crate::json;

/// What values an input takes.
#[derive(Debug, Clone, PartialEq)]
pub enum IoType {
    /// Anything.
    Any,
    /// True or false.
    Bool,
    /// A number: its name, whether it is whole, its bounds.
    Number(&'static NumberType),
    /// Text; the name says of what kind.
    Text(&'static str),
    /// A point in time, a date or a span, as text of ISO 8601.
    Time(&'static str),
    /// A UUID.
    Uuid,
    /// JSON in a text, or what such a text would hold.
    Json,
    /// Something with parts (`git`, `artifacts`, ...): a mapping, or a text that stands for one.
    Parts(&'static str),
    /// `List[T]`.
    List(Box<IoType>),
    /// `Dict[str, T]`.
    Dict(Box<IoType>),
    /// `Optional[T]`: also null.
    Optional(Box<IoType>),
    /// `Union[A, B]`: the first that fits.
    Union(Vec<IoType>),
}

/// A kind of number.
#[derive(Debug, PartialEq)]
pub struct NumberType {
    name: &'static str,
    is_whole: bool,
    least: f64,
    most: f64,
    /// Whether zero is left out.
    no_zero: bool,
}

const fn number(name: &'static str, is_whole: bool, least: f64, most: f64, no_zero: bool) -> NumberType {
    NumberType { name, is_whole, least, most, no_zero }
}

const INF: f64 = f64::INFINITY;

static NUMBERS: [NumberType; 13] = [
    number("int", true, -INF, INF, false),
    number("PositiveInt", true, 0.0, INF, true),
    number("NegativeInt", true, -INF, 0.0, true),
    number("NonNegativeInt", true, 0.0, INF, false),
    number("NonPositiveInt", true, -INF, 0.0, false),
    number("StrictInt", true, -INF, INF, false),
    number("float", false, -INF, INF, false),
    number("PositiveFloat", false, 0.0, INF, true),
    number("NegativeFloat", false, -INF, 0.0, true),
    number("NonNegativeFloat", false, 0.0, INF, false),
    number("NonPositiveFloat", false, -INF, 0.0, false),
    number("StrictFloat", false, -INF, INF, false),
    number("FiniteFloat", false, -INF, INF, false),
];

const TEXTS: &[&str] = &[
    "str",
    "StrictStr",
    "SecretStr",
    "SecretBytes",
    "bytes",
    "path",
    "Path",
    "FilePath",
    "DirectoryPath",
    "image",
    "uri",
    "AnyUrl",
    "HttpUrl",
    "email",
    "EmailStr",
    "NameEmail",
    "IPvAnyAddress",
    "IPvAnyNetwork",
    "Color",
];
const TIMES: &[&str] = &["date", "datetime", "timedelta", "PastDate", "FutureDate"];
const UUIDS: &[&str] = &["uuid", "UUID", "UUID1", "UUID3", "UUID4", "UUID5"];
const PARTS: &[&str] = &[
    "artifacts",
    "dockerfile",
    "event",
    "file",
    "gcs",
    "git",
    "metadata",
    "metric",
    "s3",
    "tensorboard",
    "wasb",
];
const GENERIC: &[&str] = &["List", "Dict", "Optional", "Union", "Set", "Tuple"];

impl FromStr for IoType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > 256 {
            return Err("the name of a type has at most 256 characters".to_owned());
        }
        parse(text.trim(), 0)
    }
}

fn parse(text: &str, depth: usize) -> Result<IoType, String> {
    if depth > 8 {
        return Err("types are nested at most 8 levels deep".to_owned());
    }
    if let Some((outer, rest)) = text.split_once('[') {
        let Some(inner) = rest.strip_suffix(']') else {
            return Err(format!("type `{}` has no closing `]`", shown(text)));
        };
        let mut args = Vec::new();
        for part in split_args(inner) {
            args.push(parse(part.trim(), depth + 1)?);
        }
        let outer = outer.trim();
        let outer = outer.strip_prefix("typing.").unwrap_or(outer);
        let last = args.pop().unwrap_or(IoType::Any);
        return match (outer, args.len()) {
            ("List" | "list" | "Set" | "set", 0) => Ok(IoType::List(Box::new(last))),
            ("Tuple" | "tuple", _) => Ok(IoType::List(Box::new(IoType::Any))),
            ("Dict" | "dict", 1) => Ok(IoType::Dict(Box::new(last))),
            ("Optional", 0) => Ok(IoType::Optional(Box::new(last))),
            ("Union", _) => {
                args.push(last);
                Ok(IoType::Union(args))
            }
            _ => Err(format!("unknown type `{}`; generic types are {}", shown(text), GENERIC.join(", "))),
        };
    }
    if let Some(kind) = NUMBERS.iter().find(|kind| kind.name == text) {
        return Ok(IoType::Number(kind));
    }
    let find = |names: &'static [&'static str]| names.iter().find(|name| **name == text);
    Ok(match text {
        "any" | "Any" | "object" => IoType::Any,
        "bool" | "StrictBool" => IoType::Bool,
        "Json" | "json" => IoType::Json,
        "list" | "List" | "set" | "Set" | "tuple" | "Tuple" => IoType::List(Box::new(IoType::Any)),
        "dict" | "Dict" => IoType::Dict(Box::new(IoType::Any)),
        "None" | "NoneType" => IoType::Optional(Box::new(IoType::Union(Vec::new()))),
        _ => {
            if let Some(name) = find(TEXTS) {
                IoType::Text(name)
            } else if let Some(name) = find(TIMES) {
                IoType::Time(name)
            } else if find(UUIDS).is_some() {
                IoType::Uuid
            } else if let Some(name) = find(PARTS) {
                IoType::Parts(name)
            } else {
                return Err(unknown(text));
            }
        }
    })
}

fn unknown(text: &str) -> String {
    let mut names: Vec<&str> = vec!["any", "bool", "dict", "list"];
    names.extend(NUMBERS.iter().map(|kind| kind.name));
    names.extend([TEXTS, TIMES, UUIDS, PARTS].concat());
    let hint = match text {
        "string" => Some("str"),
        "integer" => Some("int"),
        "boolean" => Some("bool"),
        "double" | "number" => Some("float"),
        _ => nearest(text, &names),
    };
    match hint {
        Some(name) => format!("unknown type `{}`; did you mean `{name}`?", shown(text)),
        None => format!(
            "unknown type `{}`; common types are str, int, float, bool, dict, any, List[..], Dict[..], Optional[..]",
            shown(text)
        ),
    }
}

/// Splits at the commas that are in no bracket.
fn split_args(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut open) = (Vec::new(), 0, 0_i32);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => open += 1,
            b']' => open -= 1,
            b',' if open == 0 => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

impl fmt::Display for IoType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Bool => f.write_str("bool"),
            Self::Number(kind) => f.write_str(kind.name),
            Self::Text(name) | Self::Time(name) | Self::Parts(name) => f.write_str(name),
            Self::Uuid => f.write_str("uuid"),
            Self::Json => f.write_str("Json"),
            Self::List(item) => write!(f, "List[{item}]"),
            Self::Dict(value) => write!(f, "Dict[str, {value}]"),
            Self::Optional(inner) => write!(f, "Optional[{inner}]"),
            Self::Union(kinds) => {
                let names: Vec<String> = kinds.iter().map(ToString::to_string).collect();
                write!(f, "Union[{}]", names.join(", "))
            }
        }
    }
}

impl IoType {
    /// Whether values must not be shown.
    fn is_secret(&self) -> bool {
        match self {
            Self::Text(name) => name.contains("Secret"),
            Self::List(inner) | Self::Dict(inner) | Self::Optional(inner) => inner.is_secret(),
            Self::Union(kinds) => kinds.iter().any(Self::is_secret),
            _ => false,
        }
    }

    fn mismatch(&self, value: &Value) -> String {
        if self.is_secret() {
            return format!("expected {self}, found a value of another kind");
        }
        format!("expected {self}, found {}", Node::from_value(value).describe())
    }

    /// The value as this type has it.
    ///
    /// # Errors
    /// A text that says what was expected and what was found.
    pub fn accept(&self, value: &Value) -> Result<Value, String> {
        let mismatch = || self.mismatch(value);
        let taken = match (self, value) {
            (Self::Any, _) => Some(value.clone()),
            (Self::Optional(_), Value::Null) => Some(Value::Null),
            (Self::Optional(inner), _) => return inner.accept(value),
            (Self::Union(kinds), _) => kinds.iter().find_map(|kind| kind.accept(value).ok()),
            (Self::Bool, Value::Bool(_)) => Some(value.clone()),
            (Self::Bool, Value::String(text)) => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Some(Value::Bool(true)),
                "false" | "no" | "off" | "0" => Some(Value::Bool(false)),
                _ => None,
            },
            (Self::Bool, Value::Number(number)) => match whole(number) {
                Some(0) => Some(Value::Bool(false)),
                Some(1) => Some(Value::Bool(true)),
                _ => None,
            },
            (Self::Number(kind), _) => kind.accept(value),
            (Self::Text(_), Value::String(_)) => Some(value.clone()),
            (Self::Text(_), Value::Number(number)) => Some(Value::String(number.to_string())),
            (Self::Text(_), Value::Bool(flag)) => Some(Value::String(flag.to_string())),
            (Self::Time(name), Value::String(text)) => is_time(name, text).then(|| value.clone()),
            (Self::Time("timedelta"), Value::Number(_)) => Some(value.clone()),
            (Self::Uuid, Value::String(text)) => uuid::Uuid::parse_str(text).ok().map(|_| value.clone()),
            (Self::Json, Value::String(text)) => json::from_str(text).ok(),
            (Self::Json, _) => Some(value.clone()),
            (Self::Parts("metric"), Value::Number(_)) => Some(value.clone()),
            (Self::Parts(_), Value::Object(_) | Value::String(_)) => Some(value.clone()),
            (Self::Parts("artifacts" | "event"), Value::Array(_)) => Some(value.clone()),
            (Self::List(_) | Self::Dict(_), Value::String(text)) => {
                // Clients send typed params as text; a list in it is JSON.
                let parsed: Value = json::from_str(text).map_err(|_| mismatch())?;
                if parsed.is_string() {
                    return Err(mismatch());
                }
                return self.accept(&parsed);
            }
            (Self::List(item), Value::Array(items)) => {
                let items: Result<Vec<Value>, String> = items
                    .iter()
                    .enumerate()
                    .map(|(index, value)| {
                        item.accept(value).map_err(|error| format!("item {index}: {error}"))
                    })
                    .collect();
                Some(Value::Array(items?))
            }
            (Self::Dict(of), Value::Object(entries)) => {
                let entries: Result<Map<String, Value>, String> = entries
                    .iter()
                    .map(|(key, value)| match of.accept(value) {
                        Ok(value) => Ok((key.clone(), value)),
                        Err(error) => Err(format!("`{}`: {error}", shown(key))),
                    })
                    .collect();
                Some(Value::Object(entries?))
            }
            _ => None,
        };
        taken.ok_or_else(mismatch)
    }

    /// Holds a value, already of this type, against the declaration's rules.
    ///
    /// # Errors
    /// A text that says which rule the value breaks.
    pub fn validate(&self, value: &Value, io: &Io) -> Result<(), String> {
        let shown_value =
            if self.is_secret() { "the value".to_owned() } else { Node::from_value(value).describe() };
        if let Some(options) = &io.options {
            one_of_options(value, options, &shown_value)?;
        }
        let Some(rules) = &io.validation else { return Ok(()) };
        if io.delays() || value.is_null() {
            return Ok(());
        }
        check_rules(value, rules, &shown_value)
    }
}

impl NumberType {
    fn accept(&self, value: &Value) -> Option<Value> {
        let number = match value {
            Value::Number(number) => number.clone(),
            Value::String(text) if text.len() <= 40 => {
                let text = text.trim();
                match text.parse::<i64>() {
                    Ok(number) => number.into(),
                    Err(_) if text.bytes().all(|b| b.is_ascii_digit() || b".+-eE".contains(&b)) => {
                        Number::from_f64(text.parse().ok()?)?
                    }
                    Err(_) => return None,
                }
            }
            _ => return None,
        };
        let float = number.as_f64()?;
        if float < self.least || float > self.most || (self.no_zero && float == 0.0) {
            return None;
        }
        if self.is_whole {
            return match whole(&number) {
                Some(number) => Some(Value::from(number)),
                None => number.as_u64().map(Value::from),
            };
        }
        if number.is_f64() { Some(Value::Number(number)) } else { Number::from_f64(float).map(Value::Number) }
    }
}

fn is_time(name: &str, text: &str) -> bool {
    match name {
        "timedelta" => text.parse::<jiff::SignedDuration>().is_ok() || text.parse::<jiff::Span>().is_ok(),
        "datetime" => {
            text.parse::<jiff::Timestamp>().is_ok() || text.parse::<jiff::civil::DateTime>().is_ok()
        }
        _ => text.parse::<jiff::civil::Date>().is_ok(),
    }
}

fn one_of_options(value: &Value, options: &[Value], shown_value: &str) -> Result<(), String> {
    if options.contains(value) {
        return Ok(());
    }
    let same_number = |option: &Value| option.as_f64().is_some() && option.as_f64() == value.as_f64();
    if options.iter().any(same_number) {
        return Ok(());
    }
    let names: Vec<String> = options.iter().take(20).map(|option| shown(&option.to_string())).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Err(format!("expected {}, found {shown_value}", one_of(&names)))
}

/// Compiles a regular expression of a user's: of bounded size, linear in time.
pub(crate) fn compile_regex(regex: &str) -> Result<regex::Regex, String> {
    regex::RegexBuilder::new(regex)
        .size_limit(1 << 20)
        .build()
        .map_err(|error| format!("not a regular expression: {}", shown_first_line(&error)))
}

fn shown_first_line(error: &regex::Error) -> String {
    let text = error.to_string();
    shown(text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("invalid").trim())
}

fn check_rules(value: &Value, rules: &Validation, shown_value: &str) -> Result<(), String> {
    let fail =
        |rule: &str, bound: &dyn fmt::Display| Err(format!("must be {rule} {bound}, found {shown_value}"));
    type Compare = fn(f64, f64) -> bool;
    let comparisons: [(&Option<Value>, &str, Compare); 4] = [
        (&rules.gt, "greater than", |a, b| a > b),
        (&rules.ge, "at least", |a, b| a >= b),
        (&rules.lt, "less than", |a, b| a < b),
        (&rules.le, "at most", |a, b| a <= b),
    ];
    for (bound, rule, holds) in comparisons {
        if let (Some(limit), Some(number)) = (bound.as_ref().and_then(Value::as_f64), value.as_f64())
            && !holds(number, limit)
        {
            return fail(rule, &limit);
        }
    }
    if let (Some(factor), Some(number)) = (rules.multiple_of.as_ref().and_then(Value::as_f64), value.as_f64())
    {
        let quotient = number / factor;
        if factor == 0.0 || (quotient - quotient.round()).abs() > 1e-9 * quotient.abs().max(1.0) {
            return fail("a multiple of", &factor);
        }
    }
    check_digits(value, rules, shown_value)?;
    if let Some(text) = value.as_str() {
        let length = text.chars().count() as u64;
        check_size(length, rules.min_length, rules.max_length, "characters")?;
        if let Some(regex) = &rules.regex
            && !compile_regex(regex)?.is_match(text)
        {
            return Err(format!("must match `{}`, found {shown_value}", shown(regex)));
        }
    }
    if let Some(items) = value.as_array() {
        check_size(items.len() as u64, rules.min_items, rules.max_items, "items")?;
    }
    if let Some(Value::Array(options)) = &rules.options {
        one_of_options(value, options, shown_value)?;
    }
    for wanted in each(rules.contains.as_ref()) {
        if !contains(value, wanted) {
            return Err(format!("must contain {}, found {shown_value}", shown(&wanted.to_string())));
        }
    }
    for unwanted in each(rules.excludes.as_ref()) {
        if contains(value, unwanted) {
            return Err(format!("must not contain {}, found {shown_value}", shown(&unwanted.to_string())));
        }
    }
    let Some(map) = value.as_object() else { return Ok(()) };
    let has = |key: &Value| key.as_str().is_some_and(|key| map.contains_key(key));
    if let Some(missing) =
        each(rules.keys.as_ref()).chain(each(rules.contains_keys.as_ref())).find(|key| !has(key))
    {
        return Err(format!("must have the key {}", shown(&missing.to_string())));
    }
    if let Some(Value::Array(keys)) = &rules.keys
        && let Some(extra) = map.keys().find(|key| !keys.iter().any(|known| known.as_str() == Some(key)))
    {
        return Err(format!("must not have the key \"{}\"", shown(extra)));
    }
    match each(rules.excludes_keys.as_ref()).find(|key| has(key)) {
        Some(extra) => Err(format!("must not have the key {}", shown(&extra.to_string()))),
        None => Ok(()),
    }
}

fn check_digits(value: &Value, rules: &Validation, shown_value: &str) -> Result<(), String> {
    let Value::Number(number) = value else { return Ok(()) };
    let text = number.to_string();
    let text = text.trim_start_matches('-');
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = (whole.trim_start_matches('0').len() + fraction.len()) as u64;
    check_size(digits, rules.min_digits, rules.max_digits, "digits")?;
    match rules.decimal_places {
        Some(most) if fraction.len() as u64 > most => {
            Err(format!("must have at most {most} decimal places, found {shown_value}"))
        }
        _ => Ok(()),
    }
}

fn check_size(size: u64, least: Option<u64>, most: Option<u64>, what: &str) -> Result<(), String> {
    if let Some(least) = least.filter(|least| size < *least) {
        return Err(format!("must have at least {least} {what}, found {size}"));
    }
    if let Some(most) = most.filter(|most| size > *most) {
        return Err(format!("must have at most {most} {what}, found {size}"));
    }
    Ok(())
}

/// A rule's values: a list of them, or one.
fn each(rule: Option<&Value>) -> impl Iterator<Item = &Value> {
    match rule {
        Some(Value::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
    .iter()
}

fn contains(value: &Value, wanted: &Value) -> bool {
    match value {
        Value::Array(items) => items.contains(wanted),
        Value::String(text) => wanted.as_str().is_some_and(|part| text.contains(part)),
        Value::Object(map) => map.values().any(|item| item == wanted),
        _ => false,
    }
}

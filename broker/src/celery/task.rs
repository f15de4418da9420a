//! Task messages: protocol 2 written and read, protocol 1 read.
//!
//! Reading trusts nothing: a body has bounded size and depth, headers have the types that Celery gives them,
//! and what is wrong is named. Headers that are not Celery's are kept and written again.

use berth_domain::json;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::repr::{repr, repr_tuple};
use crate::headers::{Headers, known};
use crate::message::{Message, Properties};

/// The largest body that is read: 8 MiB, as the API's own limit.
pub const LARGEST_BODY: usize = 8 * 1024 * 1024;

/// A task, as its message's headers and body say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Task {
    /// The registered name, `berth.run` say.
    pub name: String,
    /// The task's id: any text, a UUID by custom.
    pub id: String,
    /// The first task of the workflow; its own id if it has none.
    pub root_id: Option<String>,
    /// The task that sent this one.
    pub parent_id: Option<String>,
    /// The group it is a member of.
    pub group: Option<String>,
    /// Its position there.
    pub group_index: Option<i64>,
    /// 0 at the first attempt.
    pub retries: u64,
    /// Not before: ISO 8601.
    pub eta: Option<String>,
    /// Not after: ISO 8601.
    pub expires: Option<String>,
    /// Seconds until it is killed.
    pub hard_limit: Option<f64>,
    /// Seconds until it is told to end.
    pub soft_limit: Option<f64>,
    /// What tools show of the arguments; made from them if there is none.
    pub argsrepr: Option<String>,
    /// What tools show of the keyword arguments; made from them if there is none.
    pub kwargsrepr: Option<String>,
    /// Who sent it: `gen<pid>@<host>`.
    pub origin: Option<String>,
    /// Whether nobody wants the result.
    pub ignore_result: Option<bool>,
    /// A name to show instead.
    pub shadow: Option<String>,
    /// Names of the stamps.
    pub stamped_headers: Option<Vec<String>>,
    /// Stamps by name.
    pub stamps: Map<String, Value>,
    /// How often the task replaced itself.
    pub replaced_nesting: u64,
    /// Headers that are not Celery's own, kept.
    pub extra: Map<String, Value>,
    /// Where the result goes, with `rpc://`.
    pub reply_to: Option<String>,
    /// The message's priority, on the broker's own scale.
    pub priority: Option<u8>,
    /// Arguments and canvas.
    pub body: Body,
}

/// A task's arguments, and what follows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Body {
    /// Positional arguments.
    pub args: Vec<Value>,
    /// Keyword arguments.
    pub kwargs: Map<String, Value>,
    /// Callbacks, errbacks, chain and chord.
    pub embed: Embed,
}

/// What follows a task: signatures, as Celery writes them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Embed {
    /// Called with the result.
    #[serde(default)]
    pub callbacks: Option<Vec<Value>>,
    /// Called with the failed task's id.
    #[serde(default)]
    pub errbacks: Option<Vec<Value>>,
    /// The steps after this one, the next one last.
    #[serde(default)]
    pub chain: Option<Vec<Value>>,
    /// The body of the chord that this is a member of.
    #[serde(default)]
    pub chord: Option<Value>,
}

/// Why a message is not a task.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Longer than [`LARGEST_BODY`].
    #[error("the body has {found} bytes, at most {LARGEST_BODY} are allowed")]
    TooLarge {
        /// Its length.
        found: usize,
    },
    /// So long that it was not even fetched.
    #[error(
        "the message has {found} bytes, which is too long to be fetched; at most {LARGEST_BODY} are allowed"
    )]
    Cut {
        /// Its length.
        found: usize,
    },
    /// Another serializer's.
    #[error("the content type is `{found}`, only application/json is accepted")]
    ContentType {
        /// What it is.
        found: String,
    },
    /// A compressed body.
    #[error("the body is compressed (`{found}`), which is not accepted")]
    Compressed {
        /// By what.
        found: String,
    },
    /// Not JSON, or nested too deeply.
    #[error("the body is not JSON: {0}")]
    Json(String),
    /// A header or a part of the body has another type than it should.
    #[error("`{field}` is {found}, it should be {wanted}")]
    Field {
        /// Which.
        field: String,
        /// The type or value found.
        found: String,
        /// What is allowed.
        wanted: &'static str,
    },
}

/// Writes a task as a protocol 2 message.
pub fn encode(task: &Task) -> Message {
    let text = |value: &Option<String>| value.clone().map_or(Value::Null, Value::String);
    // Never an error: texts, numbers, lists and tables with texts for keys can all be written.
    let body =
        serde_json::to_vec(&(&task.body.args, &task.body.kwargs, &task.body.embed)).unwrap_or_default();
    let argsrepr = task.argsrepr.clone().unwrap_or_else(|| repr_tuple(&task.body.args));
    let kwargsrepr =
        task.kwargsrepr.clone().unwrap_or_else(|| repr(&Value::Object(task.body.kwargs.clone())));
    let root = task.root_id.clone().unwrap_or_else(|| task.id.clone());
    // In the order of their names, as headers are kept.
    let own: [(&str, Value); 19] = [
        ("argsrepr", Value::from(argsrepr)),
        ("eta", text(&task.eta)),
        ("expires", text(&task.expires)),
        ("group", text(&task.group)),
        ("group_index", task.group_index.map_or(Value::Null, Value::from)),
        ("id", Value::from(task.id.as_str())),
        ("ignore_result", task.ignore_result.map_or(Value::Null, Value::from)),
        ("kwargsrepr", Value::from(kwargsrepr)),
        ("lang", Value::from("rust")),
        ("origin", text(&task.origin)),
        ("parent_id", text(&task.parent_id)),
        ("replaced_task_nesting", Value::from(task.replaced_nesting)),
        ("retries", Value::from(task.retries)),
        ("root_id", Value::from(root)),
        ("shadow", text(&task.shadow)),
        ("stamped_headers", serde_json::json!(task.stamped_headers)),
        ("stamps", Value::Object(task.stamps.clone())),
        ("task", Value::from(task.name.as_str())),
        ("timelimit", Value::from(vec![limit(task.hard_limit), limit(task.soft_limit)])),
    ];
    let mut headers: Headers = own.into_iter().collect();
    let others = task.extra.iter().filter(|(name, _)| known(name).is_none());
    headers.extend(others.map(|(name, value)| (name.clone(), value.clone())));
    let properties = Properties {
        content_type: Some("application/json".to_owned()),
        content_encoding: Some("utf-8".to_owned()),
        correlation_id: Some(task.id.clone()),
        reply_to: Some(task.reply_to.clone().unwrap_or_default()),
        priority: Some(task.priority.unwrap_or(0)),
        expiration_ms: None,
        persistent: true,
    };
    Message { properties, headers, body: body.into(), cut_from: None }
}

/// A time limit as Celery writes it: whole seconds as a whole number.
fn limit(seconds: Option<f64>) -> Value {
    match seconds {
        None => Value::Null,
        Some(whole) if whole.fract() == 0.0 && whole.abs() < 1e15 => Value::from(whole as i64),
        Some(seconds) => Value::from(seconds),
    }
}

/// Reads a task message of protocol 2 or 1.
///
/// # Errors
/// If it is not one; the message should then be set aside, never thrown at the next consumer.
pub fn decode(message: &Message) -> Result<Task, DecodeError> {
    if let Some(found) = message.cut_from {
        return Err(DecodeError::Cut { found });
    }
    if message.body.len() > LARGEST_BODY {
        return Err(DecodeError::TooLarge { found: message.body.len() });
    }
    if let Some(found) =
        message.properties.content_type.as_deref().filter(|found| *found != "application/json")
    {
        return Err(DecodeError::ContentType { found: shorten(found) });
    }
    if let Some(found) = message.header_text("compression") {
        return Err(DecodeError::Compressed { found: shorten(found) });
    }
    // More than 128 levels of nesting are refused.
    let body: Value = json::from_slice(&message.body).map_err(|e| DecodeError::Json(e.to_string()))?;
    let mut task = if message.headers.contains_key("task") {
        from_headers(&message.headers, body)?
    } else {
        from_version_1(body)?
    };
    task.reply_to = message.properties.reply_to.clone().filter(|queue| !queue.is_empty());
    task.priority = message.properties.priority;
    Ok(task)
}

fn from_headers(headers: &Headers, body: Value) -> Result<Task, DecodeError> {
    let mut task = Task::default();
    for (name, value) in headers.iter() {
        if !read_field(&mut task, name, value)? {
            task.extra.insert(name.to_owned(), value.clone());
        }
    }
    let mut task = identified(task)?;
    let Value::Array(parts) = body else { return Err(wrong("body", &body, "a list of 3")) };
    let count = parts.len();
    let Ok([args, kwargs, embed]) = <[Value; 3]>::try_from(parts) else {
        return Err(DecodeError::Field {
            field: "body".to_owned(),
            found: format!("a list of {count}"),
            wanted: "a list of 3",
        });
    };
    task.body =
        Body { args: list("args", args)?, kwargs: object("kwargs", kwargs)?, embed: read_embed(embed)? };
    Ok(task)
}

fn from_version_1(body: Value) -> Result<Task, DecodeError> {
    let Value::Object(mut fields) = body else {
        return Err(wrong("headers.task", &Value::Null, "the task's name (or the body a version 1 dict)"));
    };
    let mut take = |name: &str| fields.remove(name).unwrap_or(Value::Null);
    let (args, kwargs) = (take("args"), take("kwargs"));
    let (callbacks, errbacks, chord) = (take("callbacks"), take("errbacks"), take("chord"));
    let mut task = Task::default();
    for (name, value) in &fields {
        // What else there is has no place in a task.
        read_field(&mut task, name, value)?;
    }
    let mut task = identified(task)?;
    let args = if args.is_null() { Vec::new() } else { list("args", args)? };
    let kwargs = if kwargs.is_null() { Map::new() } else { object("kwargs", kwargs)? };
    let signatures = |name, value: Value| {
        if value.is_null() { Ok(None) } else { list(name, value).map(Some) }
    };
    let embed = Embed {
        callbacks: signatures("callbacks", callbacks)?,
        errbacks: signatures("errbacks", errbacks)?,
        chain: None,
        chord: Some(chord).filter(|chord| !chord.is_null()),
    };
    task.body = Body { args, kwargs, embed };
    Ok(task)
}

/// Reads one of the fields that protocol 2 has as headers and protocol 1 in its body; false if it is none of these.
fn read_field(task: &mut Task, field: &str, value: &Value) -> Result<bool, DecodeError> {
    let text = || match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        other => Err(wrong(field, other, "a text or null")),
    };
    let required = || match value {
        Value::String(text) if !text.is_empty() => Ok(text.clone()),
        other => Err(wrong(field, other, "a text")),
    };
    match field {
        "task" => task.name = required()?,
        "id" => task.id = required()?,
        "root_id" => task.root_id = text()?,
        "parent_id" => task.parent_id = text()?,
        "group" => task.group = text()?,
        "group_index" => {
            let wrong = || wrong(field, value, "a whole number or null");
            task.group_index = if value.is_null() { None } else { Some(value.as_i64().ok_or_else(wrong)?) };
        }
        "retries" => task.retries = count(field, value)?,
        "eta" => task.eta = text()?,
        "expires" => task.expires = text()?,
        "timelimit" => match value {
            Value::Null => {}
            Value::Array(limits) if limits.len() == 2 => {
                (task.hard_limit, task.soft_limit) = (seconds(&limits[0])?, seconds(&limits[1])?);
            }
            other => return Err(wrong(field, other, "[hard, soft] in seconds")),
        },
        "argsrepr" => task.argsrepr = text()?,
        "kwargsrepr" => task.kwargsrepr = text()?,
        "origin" => task.origin = text()?,
        "ignore_result" => match value {
            Value::Null => {}
            Value::Bool(ignore) => task.ignore_result = Some(*ignore),
            other => return Err(wrong(field, other, "true, false or null")),
        },
        "shadow" => task.shadow = text()?,
        "stamped_headers" => match value {
            Value::Null => {}
            Value::Array(names) => {
                let texts = names.iter().map(|name| match name.as_str() {
                    Some(name) => Ok(name.to_owned()),
                    None => Err(wrong(field, name, "texts")),
                });
                task.stamped_headers = Some(texts.collect::<Result<_, _>>()?);
            }
            other => return Err(wrong(field, other, "a list or null")),
        },
        "stamps" => match value {
            Value::Null => {}
            Value::Object(stamps) => task.stamps = stamps.clone(),
            other => return Err(wrong(field, other, "a table or null")),
        },
        "replaced_task_nesting" => task.replaced_nesting = count(field, value)?,
        "lang" | "compression" => {}
        _ => return Ok(false),
    }
    Ok(true)
}

/// Refuses a task without a name or an id.
fn identified(task: Task) -> Result<Task, DecodeError> {
    let missing = |field| wrong(field, &Value::Null, "a text");
    match (task.name.as_str(), task.id.as_str()) {
        ("", _) => Err(missing("task")),
        (_, "") => Err(missing("id")),
        _ => Ok(task),
    }
}

fn read_embed(embed: Value) -> Result<Embed, DecodeError> {
    if embed.is_null() {
        return Ok(Embed::default());
    }
    let shown = kind(&embed);
    serde_json::from_value(embed).map_err(|_| DecodeError::Field {
        field: "embed".to_owned(),
        found: shown,
        wanted: "a table of callbacks, errbacks, chain (lists) and chord",
    })
}

fn seconds(value: &Value) -> Result<Option<f64>, DecodeError> {
    match value {
        Value::Null => Ok(None),
        other => other.as_f64().map(Some).ok_or_else(|| wrong("timelimit", other, "[hard, soft] in seconds")),
    }
}

/// Celery itself takes a number in a text for `retries`.
fn count(field: &str, value: &Value) -> Result<u64, DecodeError> {
    match value {
        Value::Null => Ok(0),
        Value::String(text) => text.parse().map_err(|_| wrong(field, value, "a whole number")),
        other => other.as_u64().ok_or_else(|| wrong(field, other, "a whole number")),
    }
}

fn list(field: &str, value: Value) -> Result<Vec<Value>, DecodeError> {
    match value {
        Value::Array(items) => Ok(items),
        other => Err(wrong(field, &other, "a list")),
    }
}

fn object(field: &str, value: Value) -> Result<Map<String, Value>, DecodeError> {
    match value {
        Value::Object(entries) => Ok(entries),
        other => Err(wrong(field, &other, "a table")),
    }
}

fn wrong(field: &str, found: &Value, wanted: &'static str) -> DecodeError {
    DecodeError::Field { field: field.to_owned(), found: kind(found), wanted }
}

/// A value as an error shows it: its type, and a scalar's beginning.
fn kind(value: &Value) -> String {
    match value {
        Value::Null => "missing or null".to_owned(),
        Value::Bool(_) | Value::Number(_) => shorten(&value.to_string()),
        Value::String(text) => format!("`{}`", shorten(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(64).collect()
}

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
    let body = serde_json::json!([task.body.args, task.body.kwargs, task.body.embed]);
    let argsrepr = task.argsrepr.clone().unwrap_or_else(|| repr_tuple(&task.body.args));
    let kwargsrepr =
        task.kwargsrepr.clone().unwrap_or_else(|| repr(&Value::Object(task.body.kwargs.clone())));
    let root = task.root_id.clone().unwrap_or_else(|| task.id.clone());
    let own: [(&str, Value); 19] = [
        ("lang", Value::from("rust")),
        ("task", Value::from(task.name.as_str())),
        ("id", Value::from(task.id.as_str())),
        ("shadow", text(&task.shadow)),
        ("eta", text(&task.eta)),
        ("expires", text(&task.expires)),
        ("group", text(&task.group)),
        ("group_index", task.group_index.map_or(Value::Null, Value::from)),
        ("retries", Value::from(task.retries)),
        ("timelimit", Value::from(vec![limit(task.hard_limit), limit(task.soft_limit)])),
        ("root_id", Value::from(root)),
        ("parent_id", text(&task.parent_id)),
        ("argsrepr", Value::from(argsrepr)),
        ("kwargsrepr", Value::from(kwargsrepr)),
        ("origin", text(&task.origin)),
        ("ignore_result", task.ignore_result.map_or(Value::Null, Value::from)),
        ("replaced_task_nesting", Value::from(task.replaced_nesting)),
        ("stamped_headers", serde_json::json!(task.stamped_headers)),
        ("stamps", Value::Object(task.stamps.clone())),
    ];
    let mut headers: Headers = own.into_iter().collect();
    headers.extend(
        task.extra
            .iter()
            .filter(|(name, _)| known(name).is_none())
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    let properties = Properties {
        content_type: Some("application/json".to_owned()),
        content_encoding: Some("utf-8".to_owned()),
        correlation_id: Some(task.id.clone()),
        reply_to: Some(task.reply_to.clone().unwrap_or_default()),
        priority: Some(task.priority.unwrap_or(0)),
        expiration_ms: None,
        persistent: true,
    };
    Message { properties, headers, body: body.to_string().into(), cut_from: None }
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
    let mut task = from_fields(|field| headers.get(field), "task")?;
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
    let others = headers.iter().filter(|(name, _)| known(name).is_none());
    task.extra = others.map(|(name, value)| (name.to_owned(), value.clone())).collect();
    Ok(task)
}

fn from_version_1(body: Value) -> Result<Task, DecodeError> {
    let Value::Object(mut fields) = body else {
        return Err(wrong("headers.task", &Value::Null, "the task's name (or the body a version 1 dict)"));
    };
    let mut take = |name: &str| fields.remove(name).unwrap_or(Value::Null);
    let (args, kwargs) = (take("args"), take("kwargs"));
    let (callbacks, errbacks, chord) = (take("callbacks"), take("errbacks"), take("chord"));
    let mut task = from_fields(|field| fields.get(field), "task")?;
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

/// The fields that protocol 2 has as headers and protocol 1 in its body.
fn from_fields<'a>(field: impl Fn(&str) -> Option<&'a Value>, name: &str) -> Result<Task, DecodeError> {
    let get = |name: &str| field(name).unwrap_or(&Value::Null);
    let text = |field: &str| match get(field) {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        other => Err(wrong(field, other, "a text or null")),
    };
    let required = |field: &str| match get(field) {
        Value::String(text) if !text.is_empty() => Ok(text.clone()),
        other => Err(wrong(field, other, "a text")),
    };
    let (hard_limit, soft_limit) = match get("timelimit") {
        Value::Null => (None, None),
        Value::Array(limits) if limits.len() == 2 => (seconds(&limits[0])?, seconds(&limits[1])?),
        other => return Err(wrong("timelimit", other, "[hard, soft] in seconds")),
    };
    Ok(Task {
        name: required(name)?,
        id: required("id")?,
        root_id: text("root_id")?,
        parent_id: text("parent_id")?,
        group: text("group")?,
        group_index: match get("group_index") {
            Value::Null => None,
            other => {
                Some(other.as_i64().ok_or_else(|| wrong("group_index", other, "a whole number or null"))?)
            }
        },
        retries: count("retries", get("retries"))?,
        eta: text("eta")?,
        expires: text("expires")?,
        hard_limit,
        soft_limit,
        argsrepr: text("argsrepr")?,
        kwargsrepr: text("kwargsrepr")?,
        origin: text("origin")?,
        ignore_result: match get("ignore_result") {
            Value::Null => None,
            Value::Bool(ignore) => Some(*ignore),
            other => return Err(wrong("ignore_result", other, "true, false or null")),
        },
        shadow: text("shadow")?,
        stamped_headers: match get("stamped_headers") {
            Value::Null => None,
            Value::Array(names) => Some(
                names
                    .iter()
                    .map(|name| {
                        name.as_str()
                            .map(str::to_owned)
                            .ok_or_else(|| wrong("stamped_headers", name, "texts"))
                    })
                    .collect::<Result<_, _>>()?,
            ),
            other => return Err(wrong("stamped_headers", other, "a list or null")),
        },
        stamps: match get("stamps") {
            Value::Null => Map::new(),
            Value::Object(stamps) => stamps.clone(),
            other => return Err(wrong("stamps", other, "a table or null")),
        },
        replaced_nesting: count("replaced_task_nesting", get("replaced_task_nesting"))?,
        ..Task::default()
    })
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

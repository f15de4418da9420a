//! Inputs, outputs and params: their declarations and values, as written.
//!
//! What is checked here needs no params: reserved and doubled names, types that exist, defaults that fit them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::io_type::IoType;
use super::node::{Kind, Node, shown};
use super::schema::PARAM;
use super::shape::{Checker, is_template, join};

/// Names that templates use for something else.
const RESERVED: [&str; 7] = ["globals", "params", "connections", "init", "status", "condition", "dag"];

/// A declared input or output.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Io {
    /// Its name, in params and in templates.
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What values it takes; anything if not given.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub io_type: Option<String>,
    /// Whether it may be left out; having a default makes it so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_optional: Option<bool>,
    /// Old spelling of `List[type]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_list: Option<bool>,
    /// Whether it is written `--name`, if true, or not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_flag: Option<bool>,
    /// A template for how it is written as an argument.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arg_format: Option<String>,
    /// The connection that its value is fetched over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// Whether its value is fetched before the run begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_init: Option<bool>,
    /// The environment variable that also carries its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_env: Option<String>,
    /// The default; in a compiled operation the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Rules for its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
    /// Whether its value is known only when the run has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_validation: Option<bool>,
    /// The only values allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<Value>>,
}

/// Rules for a value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(
    missing_docs,
    reason = "named as in Polyaxon and pydantic, and told apart by nothing but their names"
)]
pub struct Validation {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gt: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ge: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lt: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub le: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multiple_of: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_digits: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_digits: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal_places: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excludes: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_items: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_items: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains_keys: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excludes_keys: Option<Value>,
}

/// A value for an input, or for a name that only templates know.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Param {
    /// The value.
    pub value: Value,
    /// Whether it is for templates only, and needs no declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_only: Option<bool>,
    /// Takes the place of the input's connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// Takes the place of the input's `toInit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_init: Option<bool>,
    /// Takes the place of the input's `toEnv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_env: Option<String>,
}

impl Io {
    /// The type of its values.
    ///
    /// # Errors
    /// A text that says which part of the type is unknown.
    pub fn parsed_type(&self) -> Result<IoType, String> {
        let named = match &self.io_type {
            Some(name) => name.parse()?,
            None if self.is_flag == Some(true) => IoType::Bool,
            None => IoType::Any,
        };
        let is_list = self.is_list == Some(true) && !matches!(named, IoType::List(_));
        Ok(if is_list { IoType::List(Box::new(named)) } else { named })
    }

    /// Whether a run can do without a value for it.
    #[must_use]
    pub fn can_be_left_out(&self) -> bool {
        self.is_optional == Some(true) || self.value.is_some() || self.delays()
    }

    /// Whether its value is known only later.
    #[must_use]
    pub fn delays(&self) -> bool {
        self.delay_validation == Some(true)
            || self.validation.as_ref().is_some_and(|rules| rules.delay == Some(true))
    }

    /// Whether its value must not be shown.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.io_type.as_deref().is_some_and(|name| name.contains("Secret"))
    }
}

/// Reads `params`: explicit ones, and bare values that stand for `{value: ...}`.
pub(crate) fn read_params(checker: &mut Checker, node: &Node) -> Value {
    let Kind::Map(entries) = &node.kind else { return Value::Null };
    let mut params = Map::new();
    for entry in entries {
        let path = join("params", &entry.key);
        if RESERVED.contains(&entry.key.as_str()) {
            let message = format!("`{}` is a reserved name in templates; choose another", entry.key);
            checker.report(entry.at, &path, message);
        }
        let known = ["value", "ref", "contextOnly", "connection", "toInit", "toEnv"];
        let explicit = match &entry.value.kind {
            Kind::Map(fields) => fields.is_empty() || fields.iter().any(|f| known.contains(&f.key.as_str())),
            _ => false,
        };
        let param = if explicit {
            checker.check(&entry.value, &PARAM, &path)
        } else {
            Value::Object(Map::from_iter([("value".to_owned(), entry.value.to_value())]))
        };
        params.insert(entry.key.clone(), param);
    }
    Value::Object(params)
}

/// Checks the declarations of an operation or component.
pub(crate) fn check_inputs(checker: &mut Checker, node: &Node, path: &str) {
    let mut seen: Vec<&str> = Vec::new();
    for list in ["inputs", "outputs"] {
        let Some(Kind::List(items)) = node.get(list).map(|node| &node.kind) else { continue };
        for (index, item) in items.iter().enumerate() {
            let path = format!("{}[{index}]", join(path, list));
            let Some(name) = item.get("name").and_then(Node::text) else { continue };
            if RESERVED.contains(&name) {
                let message = format!("`{name}` is a reserved name in templates; choose another");
                checker.report(item.at, &join(&path, "name"), message);
            }
            if seen.contains(&name) {
                let message = format!("`{}` is declared twice", shown(name));
                checker.report(item.at, &join(&path, "name"), message);
            }
            seen.push(name);
            check_declaration(checker, item, &path, list == "inputs");
        }
    }
}

fn check_declaration(checker: &mut Checker, item: &Node, path: &str, is_input: bool) {
    // What isn't of the right shape was reported before.
    let Ok(io) = serde_json::from_value::<Io>(item.to_value()) else { return };
    let io_type = match io.parsed_type() {
        Ok(io_type) => io_type,
        Err(message) => {
            checker.report(item.get("type").and_then(|node| node.at), &join(path, "type"), message);
            return;
        }
    };
    if io.is_flag == Some(true) && !matches!(io_type, IoType::Bool | IoType::Any) {
        let message = format!("a flag is of type bool, not {io_type}");
        checker.report(item.at, &join(path, "isFlag"), message);
    }
    if let Some(name) = &io.to_env
        && (name.is_empty() || name.contains(['=', '\0']))
    {
        let message = "the name of an environment variable can't be empty or contain `=`".to_owned();
        checker.report(item.at, &join(path, "toEnv"), message);
    }
    if let Some(regex) = io.validation.as_ref().and_then(|rules| rules.regex.as_deref())
        && let Err(message) = super::io_type::compile_regex(regex)
    {
        checker.report(item.at, &join(path, "validation.regex"), message);
    }
    let Some(value) = &io.value else { return };
    let node = item.get("value");
    let at = node.and_then(|node| node.at);
    if io.is_optional == Some(false) && is_input {
        let message = format!("`{}` has a default, so it can't be `isOptional: false`", shown(&io.name));
        checker.report(at, &join(path, "value"), message);
    }
    if value.as_str().is_some_and(is_template) {
        return;
    }
    if let Err(message) = io_type.accept(value).and_then(|value| io_type.validate(&value, &io)) {
        checker.report(at, &join(path, "value"), message);
    }
}

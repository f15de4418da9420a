//! Masking: what must not be read by whoever may see a run, its logs, its audit or its messages.
//!
//! | where | masked |
//! |---|---|
//! | environment variables (`{name, value}`, and mappings under `env`) | the values of names that look secret |
//! | `params`, `inputs`, `outputs`, `contexts` | those of type `SecretStr`/`SecretBytes`, or whose name looks secret |
//! | any other field whose name says `password`, `token`, ... | its value, if it is text |
//! | any text | passwords in URLs; what follows `password=` and the like; every value masked above, if it is 6 or more long |
//! | `content`, `raw_content` | the same, inside the JSON that they hold |
//!
//! References to secrets (`secretKeyRef`, `secretName`, `imagePullSecrets`) are names, and stay readable. The values
//! that an agent needs travel in the compiled operation itself, to that agent's queue only; everything that is
//! answered, logged, audited or sent elsewhere goes through [`redact`] first.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::json;

/// What stands in the place of a masked value.
pub const MASK: &str = "********";

/// Values shorter than this are masked where they stand, but not hunted for in other texts.
const HUNTED_FROM: usize = 6;

static URL_PASSWORD: LazyLock<Regex> =
    LazyLock::new(|| literal(r"([A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:)[^\s/]+@"));

static ASSIGNMENT: LazyLock<Regex> = LazyLock::new(|| {
    literal(
        r#"(?i)((?:[a-z0-9_-]*(?:password|passwd|secret|token|credentials?|api_?-?key|access_?-?key|private_?-?key))\s*[=:]\s*)(?:"[^"]*"|'[^']*'|[^\s"',;&{}]+)"#,
    )
});

static BEARER: LazyLock<Regex> =
    LazyLock::new(|| literal(r"(?i)\b((?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}"));

#[expect(clippy::expect_used, reason = "the patterns are literals of this file, compiled by its tests")]
fn literal(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a literal pattern")
}

/// Masks what looks secret in a text: passwords in URLs, assignments to names that look secret, bearer tokens.
#[must_use]
pub fn mask_value(text: &str) -> Cow<'_, str> {
    let mut masked = Cow::Borrowed(text);
    for (pattern, replacement) in [
        (&*URL_PASSWORD, format!("${{1}}{MASK}@")),
        (&*ASSIGNMENT, format!("${{1}}{MASK}")),
        (&*BEARER, format!("${{1}}{MASK}")),
    ] {
        if let Cow::Owned(changed) = pattern.replace_all(&masked, replacement.as_str()) {
            masked = Cow::Owned(changed);
        }
    }
    masked
}

/// Whether the name of an environment variable, param or field looks like that of a secret.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let mut words: Vec<String> = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && after_lower) {
            words.push(String::new());
        }
        after_lower = c.is_lowercase() || c.is_ascii_digit();
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    let plain = words.concat();
    // Names of references, not of secrets.
    if ["secretname", "secretref", "secretkeyref", "imagepullsecrets", "serviceaccounttoken"]
        .contains(&plain.as_str())
        || plain == "automountserviceaccounttoken"
    {
        return false;
    }
    let secret_word = |word: &str| {
        matches!(
            word,
            "password"
                | "passwd"
                | "pwd"
                | "pass"
                | "passphrase"
                | "secret"
                | "secrets"
                | "token"
                | "credential"
                | "credentials"
                | "creds"
                | "apikey"
                | "accesskey"
                | "privatekey"
                | "auth"
                | "authorization"
                | "dsn"
        )
    };
    words.iter().any(|word| secret_word(word))
        || ["password", "secret", "token", "apikey", "credential"].iter().any(|part| plain.contains(part))
        || words.iter().rfind(|word| !word.is_empty()).is_some_and(|word| word == "key" || word == "keys")
}

/// Masks everything secret in a document: an operation, a run, an audit entry.
pub fn redact(document: &mut Value) {
    let mut found = Found::default();
    declared_secrets(document, &mut found.names);
    mask(document, Place::Anywhere, &mut found);
    let mut found = found.values;
    found.retain(|value: &String| value.len() >= HUNTED_FROM && value != MASK);
    found.sort_by_key(|value| std::cmp::Reverse(value.len()));
    found.dedup();
    clean(document, &found);
}

/// What was found secret in a document.
#[derive(Default)]
struct Found {
    /// Names of inputs whose type says so, and of the variables that carry them.
    names: Vec<String>,
    /// Values that were masked.
    values: Vec<String>,
}

/// Notes the inputs that are declared secret: their params are, whatever they are called.
fn declared_secrets(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| declared_secrets(item, names)),
        Value::Object(map) => {
            if let (Some(Value::String(name)), Some(Value::String(kind))) = (map.get("name"), map.get("type"))
                && kind.contains("Secret")
            {
                names.push(name.clone());
                names.extend(map.get("toEnv").and_then(Value::as_str).map(str::to_owned));
            }
            map.values().for_each(|item| declared_secrets(item, names));
        }
        _ => {}
    }
}

/// Which part of a document a value stands in.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Anywhere,
    /// A mapping of names of the user's own to values.
    Names,
    /// A list of `{name, value}`.
    Named,
}

fn mask(value: &mut Value, place: Place, found: &mut Found) {
    match value {
        Value::Array(items) => {
            for item in items {
                mask(item, place, found);
            }
        }
        Value::Object(map) => {
            let secret_type =
                map.get("type").and_then(Value::as_str).is_some_and(|name| name.contains("Secret"));
            let secret_name = map
                .get("name")
                .and_then(Value::as_str)
                .is_some_and(|name| is_secret_name(name) || found.names.iter().any(|known| known == name));
            if place == Place::Named && (secret_type || secret_name) && map.contains_key("name") {
                hide(map.get_mut("value"), found);
            }
            for (key, value) in map.iter_mut() {
                let next = match key.as_str() {
                    "env" | "inputs" | "outputs" | "contexts" if value.is_array() => Place::Named,
                    "env" | "params" | "inputs" | "outputs" if value.is_object() => Place::Names,
                    _ => Place::Anywhere,
                };
                let secret = match place {
                    Place::Names => is_secret_name(key) || found.names.contains(key),
                    Place::Anywhere => is_secret_name(key) && !is_plain_key(key),
                    Place::Named => false,
                };
                if secret && next == Place::Anywhere {
                    match value {
                        Value::Object(inner) if inner.contains_key("value") => {
                            hide(inner.get_mut("value"), found);
                        }
                        Value::Object(_) if place == Place::Anywhere => mask(value, next, found),
                        Value::Array(_) if place == Place::Anywhere => mask(value, next, found),
                        Value::Null | Value::Bool(_) => {}
                        other => hide(Some(other), found),
                    }
                } else {
                    mask(value, next, found);
                }
            }
        }
        _ => {}
    }
}

/// Fields that end in `key` and hold names: of labels, of entries in a secret.
fn is_plain_key(key: &str) -> bool {
    matches!(key, "key" | "keys" | "topologyKey" | "containsKeys" | "excludesKeys" | "auth")
}

fn hide(value: Option<&mut Value>, found: &mut Found) {
    let Some(value) = value else { return };
    match value {
        Value::Null => return,
        Value::String(text) => found.values.push(std::mem::take(text)),
        Value::Array(items) => {
            for item in items {
                hide(Some(item), found);
            }
            return;
        }
        Value::Object(map) => {
            for item in map.values_mut() {
                hide(Some(item), found);
            }
            return;
        }
        Value::Bool(_) | Value::Number(_) => found.values.push(value.to_string()),
    }
    *value = Value::String(MASK.to_owned());
}

fn clean(value: &mut Value, found: &[String]) {
    match value {
        Value::String(text) => clean_text(text, found),
        Value::Array(items) => items.iter_mut().for_each(|item| clean(item, found)),
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                if matches!(key.as_str(), "content" | "raw_content" | "rawContent")
                    && let Value::String(text) = value
                    && let Ok(mut inner) = json::from_str::<Value>(text)
                    && inner.is_object()
                {
                    redact(&mut inner);
                    clean(&mut inner, found);
                    *text = inner.to_string();
                } else {
                    clean(value, found);
                }
            }
        }
        _ => {}
    }
}

fn clean_text(text: &mut String, found: &[String]) {
    for secret in found {
        if text.contains(secret.as_str()) {
            *text = text.replace(secret.as_str(), MASK);
        }
    }
    if let Cow::Owned(changed) = mask_value(text) {
        *text = changed;
    }
}

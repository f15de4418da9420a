//! Labels of agents, which agent selectors match: set by an operator, and reported by the agents themselves.
//!
//! An operator's label holds over a reported one of the same key.

use std::collections::BTreeMap;

/// Labels by key.
pub type Labels = BTreeMap<String, String>;

/// The longest key or value, in bytes.
pub const MAX_LENGTH: usize = 63;
/// The most labels of one agent.
pub const MAX_LABELS: usize = 64;

const PAIR: &str = "KEY=VALUE";
const KEY: &str =
    "1 to 63 of letters, digits, `-`, `_`, `.` and `/`, beginning and ending with a letter or digit";
const VALUE: &str =
    "up to 63 of letters, digits, `-`, `_`, `.` and `/`, beginning and ending with a letter or digit";

/// Something is not a label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found} is not {allowed}")]
pub struct InvalidLabel {
    /// What was found.
    pub found: String,
    /// What is allowed.
    pub allowed: &'static str,
}

/// The label that `text` spells as `key=value`; spaces around both don't count.
///
/// # Errors
/// If it is not one.
pub fn parse(text: &str) -> Result<(String, String), InvalidLabel> {
    let Some((key, value)) = text.split_once('=') else {
        return Err(InvalidLabel { found: quoted(text), allowed: PAIR });
    };
    let (key, value) = (key.trim(), value.trim());
    check_one(key, value)?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Checks labels that come as a map.
///
/// # Errors
/// If one is not a label, or if there are too many.
pub fn check(labels: &Labels) -> Result<(), InvalidLabel> {
    if labels.len() > MAX_LABELS {
        return Err(InvalidLabel {
            found: format!("a list of {}", labels.len()),
            allowed: "one of 64 labels at most",
        });
    }
    labels.iter().try_for_each(|(key, value)| check_one(key, value))
}

fn check_one(key: &str, value: &str) -> Result<(), InvalidLabel> {
    if key.is_empty() || !fits(key) {
        return Err(InvalidLabel { found: format!("the key {}", quoted(key)), allowed: KEY });
    }
    if !fits(value) {
        let found = format!("the value {} of {}", quoted(value), quoted(key));
        return Err(InvalidLabel { found, allowed: VALUE });
    }
    Ok(())
}

/// Whether a key or value has nothing but what it may have; an empty one does.
fn fits(text: &str) -> bool {
    let is_edge = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= MAX_LENGTH
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(byte))
        && is_edge(bytes.first())
        && is_edge(bytes.last())
}

fn quoted(text: &str) -> String {
    format!("`{}`", crate::spec::shown(text))
}

/// The labels that hold: an operator's over the reported ones.
#[must_use]
pub fn over(own: &Labels, reported: &Labels) -> Labels {
    let mut labels = reported.clone();
    labels.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
    labels
}

/// Whether `labels` have everything that `selector` asks for.
#[must_use]
pub fn matches(selector: &Labels, labels: &Labels) -> bool {
    selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(text: &str) -> Labels {
        text.split_whitespace().map(|pair| parse(pair).unwrap()).collect()
    }

    #[test]
    fn what_is_not_a_label_is_refused_in_these_words() {
        let long = "x".repeat(64);
        for (text, error) in [
            ("zone", "`zone` is not KEY=VALUE".to_owned()),
            ("=eu", format!("the key `` is not {KEY}")),
            ("a b=c", format!("the key `a b` is not {KEY}")),
            ("-a=c", format!("the key `-a` is not {KEY}")),
            ("a=b!", format!("the value `b!` of `a` is not {VALUE}")),
            ("a=b=c", format!("the value `b=c` of `a` is not {VALUE}")),
            (&format!("a={long}"), format!("the value `{}...` of `a` is not {VALUE}", &long[..60])),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), error);
        }
        assert_eq!(parse(" berth.dev/gpu = a100 ").unwrap(), ("berth.dev/gpu".into(), "a100".into()));
        assert_eq!(parse("spot=").unwrap(), ("spot".into(), String::new()));
        let many = (0..65).map(|n| (format!("k{n}"), String::new())).collect();
        assert_eq!(check(&many).unwrap_err().to_string(), "a list of 65 is not one of 64 labels at most");
    }

    #[test]
    fn an_operators_label_holds_over_a_reported_one() {
        let both = over(&labels("zone=eu gpu=none"), &labels("gpu=a100 disk=ssd"));
        assert_eq!(both, labels("zone=eu gpu=none disk=ssd"));
        assert!(matches(&labels("disk=ssd zone=eu"), &both) && matches(&Labels::new(), &both));
        assert!(!matches(&labels("gpu=a100"), &both));
    }

    proptest! {
        #[test]
        fn whatever_is_parsed_passes_the_check_and_spells_itself(text in ".{0,80}") {
            if let Ok((key, value)) = parse(&text) {
                prop_assert_eq!(parse(&format!("{key}={value}")).unwrap(), (key.clone(), value.clone()));
                check(&[(key, value)].into()).unwrap();
            }
        }
    }
}

//! Reading JSON that others wrote into free values.
//!
//! `serde_json` bounds the depth of what it reads at 128 levels, but for one thing: where a map's first key is a name of
//! its own ([`MAGIC`]), it takes the text beside it for a document, and reads that with a fresh bound. Texts in texts so
//! nest without end, and a few kilobytes overflow the stack. No honest document has that key, so it is refused, before
//! anything is kept. [`from_slice`] and [`from_str`] are for whatever has a [`serde_json::Value`] somewhere in it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// The key that is refused: with it, `serde_json` marks text that is to be taken as it is.
pub const MAGIC: &str = "$serde_json::private::RawValue";

/// Reads a value.
///
/// # Errors
/// If it is not JSON, has the key [`MAGIC`] somewhere, or doesn't fit the type.
pub fn from_slice<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> serde_json::Result<T> {
    check(bytes)?;
    serde_json::from_slice(bytes)
}

/// Reads a value.
///
/// # Errors
/// As [`from_slice`].
pub fn from_str<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    from_slice(text.as_bytes())
}

/// Refuses the key [`MAGIC`] anywhere in a document. What is no JSON at all passes: reading it says so better.
///
/// # Errors
/// If the key is there.
pub fn check(bytes: &[u8]) -> serde_json::Result<()> {
    // Nearly all documents are done here: the key is spelled out in none, and escapes could hide it in few.
    let possible =
        std::str::from_utf8(bytes).is_ok_and(|text| text.contains("RawValue") || text.contains("\\u"));
    if !possible {
        return Ok(());
    }
    match serde_json::from_slice::<Honest>(bytes) {
        Err(error) if error.is_data() => Err(error),
        _ => Ok(()),
    }
}

/// A document without the key, thrown away as it is read.
struct Honest;

impl<'de> Deserialize<'de> for Honest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Honest {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        while let Some(key) = entries.next_key::<Cow<'de, str>>()? {
            if key == MAGIC {
                return Err(de::Error::custom(refusal()));
            }
            entries.next_value::<Self>()?;
        }
        Ok(self)
    }
}

/// What is said of the key.
pub(crate) fn refusal() -> String {
    format!("the key `{MAGIC}` is not allowed")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn texts_in_texts_do_not_nest_without_end() {
        let mut text = "[]".to_owned();
        for _ in 0..10 {
            let quoted = Value::from(text).to_string();
            text = format!("{}{{\"{MAGIC}\": {quoted}}}{}", "[".repeat(100), "]".repeat(100));
        }
        let error = from_str::<Value>(&text).unwrap_err().to_string();
        assert!(error.starts_with("the key `$serde_json::private::RawValue` is not allowed"), "{error}");
    }

    #[test]
    fn an_escape_hides_nothing() {
        let hidden = "{\"a\": [{\"\\u0024serde_json::private::Raw\\u0056alue\": \"[]\"}]}";
        assert!(from_str::<Value>(hidden).is_err());
    }

    #[test]
    fn everything_else_is_read_as_it_is() {
        let value = json!({"RawValue": ["\u{1f}", MAGIC, 1, -1, 0.5, true, null], "a": {"b": "ü"}});
        assert_eq!(from_str::<Value>(&value.to_string()).unwrap(), value);
        assert!(from_str::<Value>("{\"RawValue\"").unwrap_err().is_eof());
    }
}

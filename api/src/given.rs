//! Fields of a JSON body that may be missing, null, or given: in a patch the three mean different things.

use serde::{Deserialize, Deserializer};

/// For `Option<Option<T>>` with `#[serde(default)]`: missing is none, null is `Some(None)`.
///
/// # Errors
/// If what is given is no `T`.
pub(crate) fn given<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// A limit as Polyaxon writes it: -1, or null, is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Concurrency(pub Option<u32>);

impl<'de> Deserialize<'de> for Concurrency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Option::<i64>::deserialize(deserializer)? {
            None | Some(-1) => Ok(Self(None)),
            Some(number) => u32::try_from(number).map(|number| Self(Some(number))).map_err(|_| {
                serde::de::Error::custom(format!("{number} is no limit: use -1 for none, or 0 and more"))
            }),
        }
    }
}

impl Concurrency {
    /// As it is written in answers.
    #[must_use]
    pub(crate) fn shown(limit: Option<u32>) -> i64 {
        limit.map_or(-1, i64::from)
    }
}

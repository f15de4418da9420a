//! Pages of lists: what is asked for, and what comes back.

use berth_domain::time::Time;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Error;

/// The most items of one page; more are cut to it.
pub const MAX_LIMIT: u32 = 1_000;

/// Counts stop here: counting on would cost more the longer the list is.
pub const MAX_COUNTED: u64 = 10_000;

/// Which part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// At most so many items, at most [`MAX_LIMIT`].
    pub limit: u32,
    /// Items to pass over; ignored with a cursor.
    pub offset: u64,
    /// Go on where the page with this [`PageOf::next_cursor`] ended.
    pub cursor: Option<String>,
    /// Whether to count the whole list, too.
    pub count: bool,
}

impl Page {
    /// The first items.
    #[must_use]
    pub const fn first(limit: u32) -> Self {
        Self { limit, offset: 0, cursor: None, count: false }
    }

    pub(crate) fn limit(&self) -> i64 {
        i64::from(self.limit.clamp(1, MAX_LIMIT))
    }

    pub(crate) fn offset(&self) -> i64 {
        if self.cursor.is_some() { 0 } else { i64::try_from(self.offset).unwrap_or(i64::MAX) }
    }
}

impl Default for Page {
    fn default() -> Self {
        Self::first(100)
    }
}

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct PageOf<T> {
    /// The items.
    pub items: Vec<T>,
    /// How many there are in all, if that was asked for; at most [`MAX_COUNTED`], which means "or more".
    pub count: Option<u64>,
    /// Where the next page begins, if there may be one.
    pub next_cursor: Option<String>,
}

impl<T> PageOf<T> {
    /// Cuts the one item that was fetched beyond the limit, and says by it whether there is a next page.
    pub(crate) fn cut(
        mut items: Vec<T>,
        page: &Page,
        count: Option<u64>,
        key: impl FnOnce(&T) -> Key,
    ) -> Result<Self, Error> {
        let limit = usize::try_from(page.limit()).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = match items.last() {
            Some(last) if more => Some(key(last).to_cursor()?),
            _ => None,
        };
        Ok(Self { items, count, next_cursor })
    }
}

/// The place of an item in a list's order: the sort key's value, and the id for equal ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    /// The sort key of which list, so that a cursor of another one is refused.
    #[serde(rename = "s")]
    pub(crate) sort: String,
    /// Its value, as a number.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<i64>,
    /// Its value, as a text.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// The item.
    #[serde(rename = "i")]
    pub(crate) id: Uuid,
}

impl Key {
    pub(crate) fn at(sort: &str, time: Time, id: Uuid) -> Self {
        Self { sort: sort.to_owned(), number: Some(time.micros()), text: None, id }
    }

    pub(crate) fn to_cursor(&self) -> Result<String, Error> {
        let text = crate::db::json_text(self)?;
        Ok(text.bytes().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Reads a cursor of the list that is sorted by `sort`.
    pub(crate) fn from_cursor(cursor: &str, sort: &str) -> Result<Self, Error> {
        let invalid = || Error::Invalid {
            field: "cursor",
            message: "it is not one that this list gave with this sort order".to_owned(),
        };
        if !cursor.is_ascii() || !cursor.len().is_multiple_of(2) || cursor.len() > 4096 {
            return Err(invalid());
        }
        let bytes: Vec<u8> = (0..cursor.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&cursor[at..at + 2], 16))
            .collect::<Result<_, _>>()
            .map_err(|_| invalid())?;
        let key: Self = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
        if key.sort == sort { Ok(key) } else { Err(invalid()) }
    }
}

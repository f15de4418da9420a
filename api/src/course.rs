//! How far a change of many things has come. One call does as much of it as it has time for, each thing once, in the
//! order of their ids; the next goes on where it ended.

use std::time::Duration;

use berth_domain::time::Time;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::problem::Problem;

/// How long one call goes on: far below what a request may take.
const BUDGET: Duration = Duration::from_secs(10);

/// Things that were left as they were, named in an answer at the most.
const NAMED: usize = 100;

/// Things shown by a preview.
pub(crate) const SAMPLE: u32 = 10;

/// Things changed in one transaction.
pub(crate) const BATCH: u32 = 500;

/// A change of many things under way.
#[derive(Debug)]
pub(crate) struct Course {
    /// When it began: what came later is not meant.
    pub as_of: Time,
    /// The last one that was dealt with.
    pub after: Option<Uuid>,
    ends: Instant,
    done: u64,
    kept: u64,
    named: Vec<Value>,
    is_finished: bool,
}

impl Course {
    /// Begins one, or goes on where the call that gave `cursor` ended.
    ///
    /// # Errors
    /// 400 if the cursor is none.
    pub(crate) fn begin(cursor: Option<&str>, now: Time) -> Result<Self, Problem> {
        let (as_of, after) = match cursor {
            None => (now, None),
            Some(cursor) => {
                let read = || {
                    let (as_of, after) = cursor.split_once('.')?;
                    Some((Time::from_micros(as_of.parse().ok()?), Some(after.parse().ok()?)))
                };
                read().ok_or_else(|| Problem::field("cursor", "it is not one that a call like this gave"))?
            }
        };
        let ends = Instant::now() + BUDGET;
        Ok(Self { as_of, after, ends, done: 0, kept: 0, named: Vec::new(), is_finished: false })
    }

    /// Whether there is more to do, and time for it.
    pub(crate) fn goes_on(&self) -> bool {
        !self.is_finished && Instant::now() < self.ends
    }

    /// A batch of `found` things up to `last` was dealt with; fewer than there could be are the last.
    pub(crate) fn advance(&mut self, found: usize, last: Option<Uuid>) {
        self.after = last.or(self.after);
        self.is_finished = found < BATCH as usize;
    }

    /// So many were changed.
    pub(crate) fn done(&mut self, count: usize) {
        self.done += count as u64;
    }

    /// One was left as it was.
    pub(crate) fn keep(&mut self, id: Uuid, why: impl Into<String>) {
        self.kept += 1;
        if self.named.len() < NAMED {
            self.named.push(json!({ "uuid": id.simple().to_string(), "why": why.into() }));
        }
    }

    /// `{"done", "kept", "not_done", "next"}`; `next` is where the next call goes on, if something is left.
    pub(crate) fn answer(self) -> Value {
        let next = (!self.is_finished)
            .then(|| format!("{}.{}", self.as_of.micros(), self.after.unwrap_or_default().simple()));
        json!({ "done": self.done, "kept": self.kept, "not_done": self.named, "next": next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_micros(5);

    #[test]
    fn a_call_goes_on_where_the_one_before_ended() {
        let mut course = Course::begin(None, NOW).unwrap();
        let last = Uuid::from_u128(7);
        course.advance(BATCH as usize, Some(last));
        course.done(499);
        course.keep(last, "it is busy");
        assert!(course.goes_on());
        let answer = course.answer();
        assert_eq!((&answer["done"], &answer["kept"]), (&json!(499), &json!(1)));
        assert_eq!(answer["not_done"][0], json!({ "uuid": last.simple().to_string(), "why": "it is busy" }));
        let mut next = Course::begin(answer["next"].as_str(), Time::from_micros(9)).unwrap();
        assert_eq!((next.as_of, next.after), (NOW, Some(last)));
        next.advance(3, None);
        assert!(!next.goes_on());
        assert_eq!(next.answer()["next"], Value::Null);
        for bad in ["", "5", "5.", "x.00000000000000000000000000000007", "5.x"] {
            assert!(Course::begin(Some(bad), NOW).is_err(), "{bad}");
        }
    }
}

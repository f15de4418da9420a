//! Where an attempt's logs are in the artifacts store, and how they are written there. Read by other releases and by
//! people's own tools: it is added to, and never changed.
//!
//! ```text
//! <run>/plxlogs/<attempt>/end.json                        written last: the log is whole
//! <run>/plxlogs/<attempt>/<container>/<offset>-<micros>.jsonl   a part: the place and the moment of its first line
//! ```
//!
//! Beside `<container>` there are `<container>.previous`, what ran before its last restart, and of a service's further pods
//! `<container>.replica-<number>` and `<container>.replica-<number>.previous`.
//!
//! A line of a part is `{"ts", "stream", "line", "next"}`, `next` being the offset of the line after it.

use std::fmt;

use berth_domain::protocol::AttemptRef;
use berth_domain::protocol::logs::{LogFrom, LogStream};
use berth_domain::time::Time;
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use crate::artifacts::run_path;
use crate::executor::{Line, LogName};

/// The folder of all attempts' logs of a run. The name by which Polyaxon's users know it.
const LOGS: &str = "plxlogs";
pub(super) const END: &str = "end.json";
const PART: &str = ".jsonl";

/// What is told of an attempt whose logs are whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    /// The executor's own id of its object.
    pub(super) uid: String,
    /// The name of the agent that kept it; empty from the release before.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) agent: String,
    /// Its first pod, or its process.
    #[serde(flatten)]
    pub(super) first: Pod,
    /// Further pods, in the order of their numbers; one that was gone before it could be read has no containers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) replicas: Vec<Pod>,
}

/// What is told of one pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pod {
    /// The machine it was on.
    pub(super) node: String,
    /// The containers, each with a log of its own.
    pub(super) containers: Vec<String>,
    /// Those of them that have one of what ran before their last restart, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) restarted: Vec<String>,
}

impl End {
    /// The pod of that number.
    pub(super) fn pod(&self, replica: u32) -> Option<&Pod> {
        let Some(at) = replica.checked_sub(1) else { return Some(&self.first) };
        self.replicas.get(usize::try_from(at).ok()?)
    }
}

/// A line of a part.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    ts: Time,
    stream: LogStream,
    line: String,
    next: u64,
}

/// The folder of a run's logs.
pub(super) fn of_run(run: berth_domain::id::RunId) -> Path {
    run_path(run).join(LOGS)
}

/// The folder of an attempt's logs.
pub(super) fn of_attempt(attempt: AttemptRef) -> Path {
    of_run(attempt.run).join(attempt.attempt.to_string())
}

/// The folder of a log.
pub(super) fn of_log(attempt: AttemptRef, name: &LogName) -> Path {
    of_attempt(attempt).join(name.to_string())
}

/// What is written last.
pub(super) fn end(attempt: AttemptRef) -> Path {
    of_attempt(attempt).join(END)
}

/// The name of a part: its place in the log. Names sort as places do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    /// The offset of its first line.
    pub(super) start: u64,
    /// When that was written, in microseconds.
    pub(super) at: i64,
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl Part {
    pub(super) fn name(self) -> String {
        format!("{:020}-{:020}{PART}", self.start, self.at)
    }

    pub(super) fn read(name: &str) -> Option<Self> {
        let (start, at) = name.strip_suffix(PART)?.split_once('-')?;
        Some(Self { start: start.parse().ok()?, at: at.parse().ok()? })
    }

    /// The parts that a reading from some place on needs, in order. Parts may overlap, if two agents wrote them.
    pub(super) fn from(mut all: Vec<Self>, from: LogFrom) -> Vec<Self> {
        all.sort_unstable();
        let before = |part: &Self| match from {
            LogFrom::Start => false,
            LogFrom::Offset(offset) => part.start <= offset,
            LogFrom::After(at) => part.at <= at.micros(),
        };
        let first = all.iter().rposition(before).unwrap_or(0);
        all.split_off(first)
    }
}

/// Writes a line.
pub(super) fn write(into: &mut Vec<u8>, line: &Line) -> serde_json::Result<()> {
    let written = Written { ts: line.at, stream: line.stream, line: line.text.clone(), next: line.next };
    serde_json::to_writer(&mut *into, &written)?;
    into.push(b'\n');
    Ok(())
}

/// Reads a part's lines. What isn't one is left out: a log is better read with a hole than not at all.
pub(super) fn read(part: &[u8]) -> impl Iterator<Item = Line> {
    part.split(|byte| *byte == b'\n').filter_map(|text| {
        let Written { ts, stream, line, next } = serde_json::from_slice(text).ok()?;
        Some(Line { at: ts, stream, text: line, next })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn logs_of_an_attempt_are_told_apart_and_ends_of_the_release_before_are_read() {
        let attempt = AttemptRef { run: berth_domain::id::RunId::new(), attempt: 2 };
        let main = LogName::new(0, None);
        let third = LogName::new(3, Some("proxy".into()));
        for (name, folder) in [
            (&main, "polyaxon-main"),
            (&main.before_restart(), "polyaxon-main.previous"),
            (&third, "proxy.replica-3"),
            (&third.before_restart(), "proxy.replica-3.previous"),
        ] {
            assert_eq!(of_log(attempt, name).as_ref(), format!("{}/plxlogs/2/{folder}", attempt.run));
        }
        let old = json!({"uid": "u", "node": "n", "containers": ["a"]});
        let end: End = serde_json::from_value(old.clone()).unwrap();
        assert_eq!((json!(end), end.pod(1)), (old, None));
        let pod = Pod { node: "m".into(), containers: vec!["a".into()], restarted: vec!["a".into()] };
        let end = End { replicas: vec![pod.clone()], ..end };
        let read: End = serde_json::from_str(&serde_json::to_string(&end).unwrap()).unwrap();
        assert_eq!(read.pod(1), Some(&pod));
    }

    #[test]
    fn a_part_is_found_by_its_name() {
        let part = |start, at| Part { start, at };
        assert_eq!(Part::read(&part(7, 9).name()), Some(part(7, 9)));
        assert!(part(9, 0).name() < part(10, 0).name());
        assert_eq!(Part::read("end.json"), None);
        let all = vec![part(20, 300), part(0, 100), part(10, 200)];
        let from = |from| Part::from(all.clone(), from).first().map(|part| part.start);
        assert_eq!(from(LogFrom::Start), Some(0));
        assert_eq!(from(LogFrom::Offset(0)), Some(0));
        assert_eq!(from(LogFrom::Offset(19)), Some(10));
        assert_eq!(from(LogFrom::Offset(99)), Some(20));
        assert_eq!(from(LogFrom::After(Time::from_micros(50))), Some(0));
        assert_eq!(from(LogFrom::After(Time::from_micros(200))), Some(10));
        assert_eq!(Part::from(all.clone(), LogFrom::Start).len(), 3);
    }
}

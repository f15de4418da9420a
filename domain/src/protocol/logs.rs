//! What is asked of an agent replica while somebody looks, and how it answers: an attempt's log, or a run's objects. What
//! it left in the artifacts store is [`super::left`]'s.
//!
//! A [`Request`] travels as the body of a correlated request to a replica's control queue (it has a reply address,
//! by which it differs from a [`ToAgent`](super::ToAgent)). The answer is a stream of chunks of at most
//! [`MAX_CHUNK_BYTES`]; each chunk holds whole [`LogItem`]s, one JSON object a line, each line ended by `\n`; an empty
//! line means only that the agent is still there. The answer to an [`InspectRequest`] is one JSON document, cut into
//! chunks anywhere. Nothing here says how chunks and credit travel.

use serde::{Deserialize, Serialize};

use super::left::{FileRequest, FolderRequest};
use crate::id::RunId;
use crate::time::Time;

/// The largest chunk of an answer, in bytes.
pub const MAX_CHUNK_BYTES: usize = 64 * 1024;

/// The longest line of a log, in bytes; longer ones are cut into several with the same time of writing but for a
/// microsecond. Six times as much, the worst that JSON's escapes can do, still fits into a chunk.
pub const MAX_LINE_BYTES: usize = 8 * 1024;

/// How an agent begins to tell that it could not read what it was asked for: asked again, it may. Any other refusal says that
/// there is nothing. Agents of the release before don't tell the two apart.
pub const UNREADABLE: &str = "it can't be read now: ";

/// Something that is asked of an agent replica by somebody who waits for the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The version of the message, [`super::VERSION`].
    pub version: u32,
    /// What is asked.
    #[serde(flatten)]
    pub body: RequestBody,
}

/// What is asked of an agent replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum RequestBody {
    /// A run's log.
    Logs(LogRequest),
    /// A run's objects, as the executor sees them.
    Inspect(InspectRequest),
    /// What is in a folder that it left. Agents of the release before don't know it.
    Folder(FolderRequest),
    /// A file that it left. Agents of the release before don't know it.
    File(FileRequest),
}

/// Asks how a run's objects are, for people: a JSON object with one member for each, by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InspectRequest {
    /// The run.
    pub run: RunId,
}

/// Asks for the log of a run's attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRequest {
    /// The run.
    pub run: RunId,
    /// The attempt; none for the newest that the agent has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The container; none for the one that the run is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Which of a service's pods, numbered from 0. Agents of the release before read the first.
    #[serde(default, skip_serializing_if = "is_first")]
    pub replica: u32,
    /// Whether it is about what ran before: the instance of the container before its last restart or, if it was never
    /// restarted, the attempt before. Agents of the release before don't know it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub previous: bool,
    /// So many of the last lines only; none for all. Agents of the release before send all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<u32>,
    /// Where to begin.
    #[serde(default)]
    pub from: LogFrom,
    /// Whether to go on until the attempt has ended, rather than to what is written by now.
    #[serde(default)]
    pub follow: bool,
    /// About how many bytes of text to send at most; none for all there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_bytes: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_first(replica: &u32) -> bool {
    *replica == 0
}

/// Where in a log to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFrom {
    /// At its first line.
    #[default]
    Start,
    /// At an offset that an earlier answer gave as `next`.
    Offset(u64),
    /// At the first line after this moment. Every line of an attempt has a moment of its own.
    After(Time),
}

/// Where a line was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogStream {
    /// The standard output.
    Stdout,
    /// The standard error.
    Stderr,
}

/// One item of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LogItem {
    /// Where the lines that follow come from: Polyaxon's `node`, `pod` and `container`. Comes first.
    Source {
        /// The attempt.
        attempt: u32,
        /// The machine.
        node: String,
        /// The object's name: `berth-<run>-<attempt>`.
        pod: String,
        /// The container in it.
        container: String,
    },
    /// A line.
    Line {
        /// When it was written; grows from line to line.
        ts: Time,
        /// Where to.
        stream: LogStream,
        /// Its text, without the line's end; what is not UTF-8 is replaced.
        line: String,
        /// The offset of the line after it.
        next: u64,
    },
    /// A word of the agent's on the log itself: what was dropped of it, say.
    Note {
        /// For people.
        text: String,
    },
    /// The last item.
    End {
        /// Whether the attempt is over and this was the log's end.
        complete: bool,
        /// Where to go on from.
        next: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_items_survive_the_wire() {
        let request = Request {
            version: super::super::VERSION,
            body: RequestBody::Logs(LogRequest {
                run: RunId::new(),
                attempt: Some(2),
                container: None,
                replica: 3,
                previous: true,
                tail: Some(9),
                from: LogFrom::After(Time::from_micros(7)),
                follow: true,
                limit_bytes: None,
            }),
        };
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), request, "{text}");
        for item in [
            LogItem::Line {
                ts: Time::from_micros(1),
                stream: LogStream::Stderr,
                line: "a\tb".into(),
                next: 9,
            },
            LogItem::End { complete: true, next: 9 },
        ] {
            let text = serde_json::to_string(&item).unwrap();
            assert_eq!(serde_json::from_str::<LogItem>(&text).unwrap(), item, "{text}");
        }
    }

    #[test]
    fn the_longest_line_fits_into_a_chunk_however_it_is_escaped() {
        let item = LogItem::Line {
            ts: Time::from_micros(1),
            stream: LogStream::Stderr,
            line: "\u{1}".repeat(MAX_LINE_BYTES),
            next: u64::MAX,
        };
        assert!(serde_json::to_string(&item).unwrap().len() < MAX_CHUNK_BYTES);
    }
}

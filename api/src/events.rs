//! What a run tracked with Polyaxon's client: metrics and other events by step, and the use of the machine. The client
//! writes each series as a file into the run's folder; these are read from the artifacts store, and nothing is kept here.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{OriginalUri, Path, State};
use axum::http::Uri;
use berth_domain::access::Action;
use berth_store::Run;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Map, Value, json};

use crate::app::{App, AppState};
use crate::ask::Source;
use crate::authenticate::Caller;
use crate::left;
use crate::params::{Params, shown};
use crate::path::InRun;
use crate::problem::Problem;
use crate::runs::find;

/// The end of a series' file name.
const SERIES: &str = ".plx";
/// Series in one answer.
const MAX_SERIES: usize = 200;
/// The largest series, in bytes.
const MAX_BYTES: u64 = 8 * 1024 * 1024;
/// Series that are asked for at the same time.
const AT_ONCE: usize = 4;
/// The most rows that can be asked for by `sample`.
const MAX_ROWS: u64 = 100_000;

/// How the rows of a series are answered, in the stock client's words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Orient {
    /// The text as it was written.
    Csv,
    /// One list for each column.
    Dict,
}

/// `GET .../events/{kind}`.
pub(crate) async fn of_kind(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
    Path(path): Path<HashMap<String, String>>,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let run = find(&app, &at).await?;
    let asked = Asked::read(&uri, &[])?;
    let kind = path.get("kind").map(String::as_str).unwrap_or_default();
    answer(&app, &run, &format!("events/{kind}"), kind, asked).await
}

/// `GET .../resources`: what the run used of its machine.
pub(crate) async fn resources(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let run = find(&app, &at).await?;
    let asked = Asked::read(&uri, &["kind", "tail"])?;
    answer(&app, &run, "resources/metric", "metric", asked).await
}

struct Asked {
    /// None: all that there are.
    names: Option<Vec<String>>,
    orient: Orient,
    /// At most so many rows of each, spread over all of them.
    sample: Option<usize>,
}

impl Asked {
    fn read(uri: &Uri, more: &[&str]) -> Result<Self, Problem> {
        let known = ["names", "orient", "force", "sample", "connection", "status"];
        let params = Params::read(uri, &[&known[..], more].concat())?;
        let names = params.text("names").map(|text| text.split(',').map(|name| name.trim().to_owned()));
        let names = names.map(|names| names.filter(|name| !name.is_empty()).collect::<Vec<_>>());
        if names.as_ref().is_some_and(|names| names.len() > MAX_SERIES) {
            return Err(Problem::field("names", format!("are more than {MAX_SERIES}")));
        }
        let orient = match params.text("orient") {
            None | Some("dict") => Orient::Dict,
            Some("csv") => Orient::Csv,
            Some(other) => {
                return Err(Problem::field("orient", format!("`{}` is neither csv nor dict", shown(other))));
            }
        };
        let sample = params.number("sample", MAX_ROWS)?.and_then(|rows| usize::try_from(rows).ok());
        Ok(Self { names, orient, sample: sample.filter(|rows| *rows > 0) })
    }
}

async fn answer(
    app: &App,
    run: &Run,
    folder: &str,
    kind: &str,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    if !left::has_begun(run) {
        return Ok(Json(json!({ "data": [] })));
    }
    let source = Source::of(app, run).await?;
    let Asked { names, orient, sample } = asked;
    let names = match names {
        Some(names) => names,
        None => {
            let listed = left::folder(&source, run, folder, true).await?;
            let files = listed.map(|(files, ..)| files).unwrap_or_default();
            let names = files.keys().filter_map(|name| name.strip_suffix(SERIES));
            names.take(MAX_SERIES).map(str::to_owned).collect()
        }
    };
    let series = names.into_iter().map(|name| {
        let source = &source;
        async move {
            let Some(text) = read(source, run, &format!("{folder}/{name}{SERIES}")).await? else {
                return Ok::<_, Problem>(None);
            };
            let data = match orient {
                Orient::Csv => json!(text),
                Orient::Dict => columns(&text, kind, sample),
            };
            Ok(Some(json!({ "name": name, "kind": kind, "data": data })))
        }
    });
    let read: Vec<_> = stream::iter(series).buffered(AT_ONCE).try_collect().await?;
    Ok(Json(json!({ "data": read.into_iter().flatten().collect::<Vec<_>>() })))
}

/// The text of a series; none if there is none of that name.
async fn read(source: &Source<'_>, run: &Run, path: &str) -> Result<Option<String>, Problem> {
    let Some(mut file) = left::open(source, run, path).await? else { return Ok(None) };
    if file.bytes > MAX_BYTES {
        let why = format!("`{}` has more than {MAX_BYTES} bytes; download it as an artifact", shown(path));
        return Err(Problem::field("names", why));
    }
    let mut text = Vec::new();
    while let Some(part) = file.next().await {
        text.extend_from_slice(&part.map_err(|error| source.unanswered(&error))?);
    }
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}

/// The rows of a series as lists, one for each column. Rows that make no sense are left out: one that is being written may
/// be cut.
fn columns(text: &str, kind: &str, sample: Option<usize>) -> Value {
    let mut lines = text.lines().filter(|line| !line.is_empty()).peekable();
    let rows: Vec<[Value; 3]> = if lines.peek().is_some_and(|line| line.starts_with('{')) {
        lines.filter_map(|line| written(line, kind)).collect()
    } else {
        // The first says what the columns are, which are always these.
        lines.skip(1).filter_map(|line| separated(line, kind)).collect()
    };
    let mut lists = [Vec::new(), Vec::new(), Vec::new()];
    for at in spread(rows.len(), sample) {
        for (list, value) in lists.iter_mut().zip(&rows[at]) {
            list.push(value.clone());
        }
    }
    let [steps, times, values] = lists;
    let columns = [("step", steps), ("timestamp", times), (kind, values)];
    Value::Object(
        columns.into_iter().map(|(name, list)| (name.to_owned(), list.into())).collect::<Map<_, _>>(),
    )
}

/// `step|timestamp|value`.
fn separated(line: &str, kind: &str) -> Option<[Value; 3]> {
    let mut fields = line.splitn(3, '|');
    let (step, time, value) = (fields.next()?, fields.next()?, fields.next()?);
    let step = step.parse::<i64>().map_or(Value::Null, Value::from);
    let value = match kind {
        // What is no number in JSON, not-a-number and the infinities, is null.
        "metric" => value.trim().parse::<f64>().ok().map(Value::from)?,
        _ => Value::from(value),
    };
    Some([step, Value::from(time), value])
}

/// A line of JSON.
fn written(line: &str, kind: &str) -> Option<[Value; 3]> {
    let mut row: Map<String, Value> = serde_json::from_str(line).ok()?;
    let mut take = |name: &str| row.remove(name).unwrap_or(Value::Null);
    Some([take("step"), take("timestamp"), take(kind)])
}

/// Which rows of so many are answered: all, or some at even distances with the first and the last.
fn spread(rows: usize, sample: Option<usize>) -> Vec<usize> {
    match sample {
        Some(1) if rows > 1 => vec![rows - 1],
        Some(most) if rows > most => (0..most).map(|at| at * (rows - 1) / (most - 1)).collect(),
        _ => (0..rows).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_lists_and_a_row_that_is_cut_is_left_out() {
        let text = "step|timestamp|metric\n0|2026-11-23T02:27:43Z|0.5\n|2026-11-23T02:27:44Z|1e-3\n2|2026-11-23T02:27:45Z|nan\n3|2026-11";
        assert_eq!(
            columns(text, "metric", None),
            json!({
                "step": [0, null, 2],
                "timestamp": ["2026-11-23T02:27:43Z", "2026-11-23T02:27:44Z", "2026-11-23T02:27:45Z"],
                "metric": [0.5, 0.001, null],
            })
        );
        let image = "step|timestamp|image\n7|t|{\"path\": \"a|b.png\"}";
        assert_eq!(columns(image, "image", None)["image"], json!(["{\"path\": \"a|b.png\"}"]));
        let words = "{\"step\": 1, \"timestamp\": \"t\", \"text\": \"hello\"}\n{\"st";
        assert_eq!(
            columns(words, "text", None),
            json!({ "step": [1], "timestamp": ["t"], "text": ["hello"] })
        );
        assert_eq!(columns("", "metric", None), json!({ "step": [], "timestamp": [], "metric": [] }));
    }

    #[test]
    fn a_sample_has_the_first_row_and_the_last() {
        assert_eq!(spread(5, Some(3)), [0, 2, 4]);
        assert_eq!(spread(1_000, Some(4)), [0, 333, 666, 999]);
        assert_eq!(
            (spread(3, Some(3)), spread(3, None), spread(9, Some(1))),
            (vec![0, 1, 2], vec![0, 1, 2], vec![8])
        );
        assert!(spread(0, Some(5)).is_empty());
    }
}

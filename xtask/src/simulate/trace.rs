//! What is replayed: runs with the moment of their submission, how long they run, and what limits count of them.
//! Reading files is the caller's.

use std::collections::BTreeMap;
use std::time::Duration;

use berth_domain::name::{DEFAULT, Slug};
use berth_domain::quantity::Quantity;
use berth_domain::scheduling::Demand;
use berth_domain::time::Time;

/// A run as it was submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// When, from the beginning of the trace.
    pub submitted: Time,
    /// How long it runs once it has started.
    pub duration: Duration,
    /// Its project.
    pub project: String,
    /// Who submitted it.
    pub user: String,
    /// The queue that it waits in.
    pub queue: String,
    /// Its priority, 0 to 9, larger first.
    pub priority: u8,
    /// What it takes of quotas while it runs.
    pub demand: Demand,
}

/// Runs in the order of their submission.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace(Vec<Run>);

impl FromIterator<Run> for Trace {
    /// Sorts them by their submission; those of the same moment stay in their order.
    fn from_iter<I: IntoIterator<Item = Run>>(runs: I) -> Self {
        let mut runs: Vec<Run> = runs.into_iter().collect();
        runs.sort_by_key(|run| run.submitted);
        Self(runs)
    }
}

/// What is wrong with a trace, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTrace {
    /// Nothing to replay.
    #[error(
        "line {line}: there is no run; a line of names of columns comes first, and then one line for each run"
    )]
    Empty {
        /// Where one was expected.
        line: usize,
    },
    /// A column that nobody knows, or one twice.
    #[error("line 1, column {column}: `{name}` is {what}; the columns are {}", COLUMNS.join(", "))]
    Heading {
        /// Which, from 1.
        column: usize,
        /// What is written there.
        name: String,
        /// `no column`, or `there twice`.
        what: &'static str,
    },
    /// A column that must be there.
    #[error("line 1: the column `{0}` is missing; submitted and duration must be there")]
    Missing(&'static str),
    /// More or fewer values than columns.
    #[error("line {line}: {found} values, where line 1 names {expected} columns")]
    Width {
        /// Which, from 1.
        line: usize,
        /// So many values.
        found: usize,
        /// So many columns.
        expected: usize,
    },
    /// A value that can't be.
    #[error("line {line}, column {column} ({name}): found `{found}`; use {allowed}")]
    Value {
        /// Which line, from 1.
        line: usize,
        /// Which column, from 1.
        column: usize,
        /// The column's name.
        name: &'static str,
        /// What is written there.
        found: String,
        /// What may be.
        allowed: &'static str,
    },
}

/// The columns of a file; the first two must be there.
pub const COLUMNS: [&str; 9] =
    ["submitted", "duration", "project", "user", "queue", "priority", "cpu", "memory", "gpu"];
const RESOURCES: [&str; 3] = ["cpu", "memory", "gpu"];
/// Ten years: what is longer is a mistake of units.
const LONGEST: f64 = 3.2e8;

impl Trace {
    /// The runs, in the order of their submission.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.0
    }

    /// Parts them into those that `fits` and the others.
    #[must_use]
    pub fn split(self, fits: impl Fn(&Run) -> bool) -> (Self, Self) {
        let (inside, outside) = self.0.into_iter().partition(|run| fits(run));
        (Self(inside), Self(outside))
    }

    /// Reads comma separated values: a line with the names of [`COLUMNS`] that are there, in any order, and a line for
    /// each run. Empty values, and columns that are left out, are what holds where nothing else is said.
    ///
    /// # Errors
    /// With line and column, if the text is no such file.
    pub fn read(text: &str) -> Result<Self, InvalidTrace> {
        let mut lines = text
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
            .filter(|(_, line)| !line.trim().is_empty());
        let Some((_, heading)) = lines.next() else { return Err(InvalidTrace::Empty { line: 1 }) };
        let columns = columns(heading)?;
        let runs = lines.map(|(line, text)| Row::split(line, text, &columns)?.run());
        let trace: Self = runs.collect::<Result<Vec<_>, _>>()?.into_iter().collect();
        if trace.0.is_empty() { Err(InvalidTrace::Empty { line: 2 }) } else { Ok(trace) }
    }
}

/// The columns that the first line names.
fn columns(heading: &str) -> Result<Vec<&'static str>, InvalidTrace> {
    let mut found = Vec::new();
    for (at, name) in heading.trim_start_matches('\u{feff}').split(',').map(str::trim).enumerate() {
        let wrong = |what| InvalidTrace::Heading { column: at + 1, name: shown(name), what };
        let known = COLUMNS.into_iter().find(|known| *known == name).ok_or_else(|| wrong("no column"))?;
        if found.contains(&known) {
            return Err(wrong("there twice"));
        }
        found.push(known);
    }
    match COLUMNS[..2].iter().find(|needed| !found.contains(*needed)) {
        Some(missing) => Err(InvalidTrace::Missing(missing)),
        None => Ok(found),
    }
}

/// A value with its place in the line, from 1.
type Cell<'a> = (usize, &'a str);

/// The values of one line, by the names of their columns.
struct Row<'a> {
    line: usize,
    cells: BTreeMap<&'static str, Cell<'a>>,
}

impl<'a> Row<'a> {
    fn split(line: usize, text: &'a str, columns: &[&'static str]) -> Result<Self, InvalidTrace> {
        let cells: Vec<&str> = text.split(',').map(str::trim).collect();
        if cells.len() != columns.len() {
            return Err(InvalidTrace::Width { line, found: cells.len(), expected: columns.len() });
        }
        let cells = cells.into_iter().enumerate().map(|(at, cell)| (at + 1, cell));
        Ok(Self { line, cells: columns.iter().copied().zip(cells).collect() })
    }

    fn run(&self) -> Result<Run, InvalidTrace> {
        let name = "1 to 63 of a-z, 0-9 and -";
        let named = |column| {
            let slug = self.value(column, name, |text| text.parse::<Slug>().ok())?;
            Ok::<_, InvalidTrace>(slug.map_or_else(|| DEFAULT.to_owned(), |slug| slug.to_string()))
        };
        let seconds = |column| {
            let read =
                |text: &str| text.parse::<f64>().ok().filter(|seconds| (0.0..=LONGEST).contains(seconds));
            let seconds = self.value(column, "seconds from 0 to ten years, such as 90 or 0.5", read)?;
            seconds
                .map(Duration::from_secs_f64)
                .ok_or_else(|| self.wrong(column, "seconds; it may not be empty"))
        };
        let digit = |text: &str| text.parse::<u8>().ok().filter(|priority| *priority <= 9);
        let quantity = |text: &str| text.parse::<Quantity>().ok().filter(|amount| !amount.is_negative());
        let amount = |column| self.value(column, "a quantity from 0, such as 2, 500m or 16Gi", quantity);
        let mut demand = Vec::new();
        for resource in RESOURCES {
            demand.extend(amount(resource)?.map(|amount| (resource.to_owned(), amount)));
        }
        Ok(Run {
            submitted: Time::from_micros(0).plus(seconds("submitted")?),
            duration: seconds("duration")?,
            project: named("project")?,
            user: named("user")?,
            queue: named("queue")?,
            priority: self.value("priority", "0 to 9", digit)?.unwrap_or(0),
            demand: demand.into_iter().collect(),
        })
    }

    /// What a column says; nothing, if it is left out or empty.
    fn value<T>(
        &self,
        column: &'static str,
        allowed: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, InvalidTrace> {
        match self.cells.get(column) {
            None | Some((_, "")) => Ok(None),
            Some((_, text)) => read(text).map(Some).ok_or_else(|| self.wrong(column, allowed)),
        }
    }

    fn wrong(&self, name: &'static str, allowed: &'static str) -> InvalidTrace {
        let (column, found) = self.cells.get(name).copied().unwrap_or_default();
        InvalidTrace::Value { line: self.line, column, name, found: shown(found), allowed }
    }
}

fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_read_in_any_order_of_columns_and_sorted_by_submission() {
        let text = "gpu,submitted,duration,project\n2,90,1.5,vision\n\n,0,60,\n";
        let trace = Trace::read(text).unwrap();
        let [first, second] = trace.runs() else { panic!("{trace:?}") };
        assert_eq!((first.project.as_str(), first.queue.as_str(), first.priority), ("default", "default", 0));
        assert!(first.demand.is_empty());
        assert_eq!(
            (second.submitted, second.duration),
            (Time::from_micros(90_000_000), Duration::from_millis(1500))
        );
        assert_eq!((second.project.as_str(), second.demand.of("gpu")), ("vision", "2".parse().unwrap()));
    }

    #[test]
    fn what_is_wrong_is_named_with_line_and_column() {
        let rows = |rows: &str| format!("submitted,duration,project,priority,memory\n{rows}");
        for (text, error) in [
            (
                String::new(),
                "line 1: there is no run; a line of names of columns comes first, and then one line for each run",
            ),
            (
                rows(""),
                "line 2: there is no run; a line of names of columns comes first, and then one line for each run",
            ),
            (
                "submitted,start".into(),
                "line 1, column 2: `start` is no column; the columns are submitted, duration, project, user, queue, priority, cpu, memory, gpu",
            ),
            (
                "submitted,submitted".into(),
                "line 1, column 2: `submitted` is there twice; the columns are submitted, duration, project, user, queue, priority, cpu, memory, gpu",
            ),
            (
                "submitted,gpu\n1,1".into(),
                "line 1: the column `duration` is missing; submitted and duration must be there",
            ),
            (rows("1,2,a\n"), "line 2: 3 values, where line 1 names 5 columns"),
            (
                rows("1,2,a,0,1Gi\n1,-2,a,0,1Gi\n"),
                "line 3, column 2 (duration): found `-2`; use seconds from 0 to ten years, such as 90 or 0.5",
            ),
            (
                rows("1,NaN,a,0,1Gi\n"),
                "line 2, column 2 (duration): found `NaN`; use seconds from 0 to ten years, such as 90 or 0.5",
            ),
            (
                rows(",2,a,0,1Gi\n"),
                "line 2, column 1 (submitted): found ``; use seconds; it may not be empty",
            ),
            (
                rows("1,2,My Project,0,1Gi\n"),
                "line 2, column 3 (project): found `My Project`; use 1 to 63 of a-z, 0-9 and -",
            ),
            (rows("1,2,a,10,1Gi\n"), "line 2, column 4 (priority): found `10`; use 0 to 9"),
            (
                rows("1,2,a,0,1 GB\n"),
                "line 2, column 5 (memory): found `1 GB`; use a quantity from 0, such as 2, 500m or 16Gi",
            ),
            (
                rows("1,2,a,0,-1\n"),
                "line 2, column 5 (memory): found `-1`; use a quantity from 0, such as 2, 500m or 16Gi",
            ),
        ] {
            assert_eq!(Trace::read(&text).unwrap_err().to_string(), error);
        }
    }
}

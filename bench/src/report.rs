//! The whole result as JSON: machine, versions, rows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Value, json};

use crate::machine::Machine;
use crate::row::Row;
use crate::statistics::ratios;

/// Everything that a run of the benchmarks found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// When it began, ISO 8601.
    pub date: String,
    /// A first look, not to be quoted.
    pub quick: bool,
    /// Where.
    pub machine: Machine,
    /// What ran, with versions.
    pub versions: BTreeMap<String, String>,
    /// The figures.
    pub rows: Vec<Row>,
    /// What could not be measured, and why.
    pub failed: Vec<String>,
}

impl Report {
    /// As written to a file: each row with its ratios, their median and spread.
    pub fn json(&self) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(row).collect();
        json!({
            "date": self.date,
            "quick": self.quick,
            "machine": self.machine,
            "versions": self.versions,
            "rows": rows,
            "failed": self.failed,
        })
    }

    /// The file's name when none is given: `2026-01-31.json`, `2026-01-31-quick.json`.
    pub fn file_name(&self) -> String {
        let day: String = self.date.chars().take(10).collect();
        format!("{day}{}.json", if self.quick { "-quick" } else { "" })
    }

    /// Writes the file.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn write(&self, path: &Path) -> Result<PathBuf> {
        let text = serde_json::to_string_pretty(&self.json())?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, text + "\n").with_context(|| format!("can't write {}", path.display()))?;
        Ok(path.to_owned())
    }
}

fn row(row: &Row) -> Value {
    let mut value = json!(row);
    if let Some(partner) = &row.partner {
        value["ratios"] = json!(ratios(&row.ours.values, &partner.values));
    }
    value["measured"] = json!(row.measured());
    value["met"] = json!(row.met());
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{Goal, Side};

    #[test]
    fn the_file_has_every_pair_and_is_named_by_its_day() {
        let row = Row {
            figure: "B1".to_owned(),
            work: "consume".to_owned(),
            unit: "/s",
            ours: Side::new("berth", vec![10.0, 30.0]),
            partner: Some(Side::new("other", vec![5.0, 5.0])),
            goal: Some(Goal::AtLeast(15.0)),
        };
        let mut report = Report {
            date: "2026-01-31T12:00:00.000000Z".to_owned(),
            quick: true,
            machine: Machine::default(),
            versions: BTreeMap::new(),
            rows: vec![row],
            failed: vec![],
        };
        assert_eq!(report.file_name(), "2026-01-31-quick.json");
        let json = report.json();
        assert_eq!(json["quick"], true);
        assert_eq!(json["rows"][0]["ratios"], json!([2.0, 6.0]));
        assert_eq!(json["rows"][0]["measured"]["median"], 4.0);
        assert_eq!(json["rows"][0]["met"], false);
        report.quick = false;
        assert_eq!(report.file_name(), "2026-01-31.json");
    }
}

//! The result as a table for people.

use crate::report::Report;
use crate::row::{Goal, Row};
use crate::statistics::Spread;

/// The whole report as text.
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    if report.quick {
        text.push_str("QUICK: a first look with few pairs and little work; not to be quoted.\n");
    }
    let machine = &report.machine;
    text.push_str(&format!(
        "{} - {}, {} cores, {} MiB, Linux {}, load {:.2} before\n",
        report.date,
        machine.processor,
        machine.cores,
        machine.memory_mib,
        machine.kernel,
        machine.load_before
    ));
    if machine.was_busy() {
        text.push_str(
            "The machine was in use by others: rates are lower bounds; ratios are of the same minutes.\n",
        );
    }
    for (name, version) in &report.versions {
        text.push_str(&format!("  {name} {version}\n"));
    }
    text.push('\n');
    let mut lines = vec![["", "work", "ours", "other", "median (spread)", "goal", ""].map(str::to_owned)];
    lines.extend(report.rows.iter().map(cells));
    text.push_str(&aligned(&lines));
    for failed in &report.failed {
        text.push_str(&format!("NOT MEASURED: {failed}\n"));
    }
    text
}

fn cells(row: &Row) -> [String; 7] {
    let median = |values: &[f64]| Spread::of(values).map_or("-".to_owned(), |spread| number(spread.median));
    let unit = row.unit;
    let sign = if row.partner.is_some() { "x" } else { "" };
    let measured = row.measured().map_or("-".to_owned(), |found| {
        let Spread { median, low, high } = found;
        format!("{}{sign} ({}-{})", number(median), number(low), number(high))
    });
    [
        row.figure.clone(),
        row.work.clone(),
        format!("{} {unit}", median(&row.ours.values)),
        row.partner
            .as_ref()
            .map_or(String::new(), |other| format!("{} {unit}: {}", median(&other.values), other.name)),
        measured,
        row.goal.map_or(String::new(), |goal| match goal {
            Goal::AtLeast(goal) => format!(">= {}{sign}", number(goal)),
            Goal::AtMost(goal) => format!("<= {}{sign}", number(goal)),
        }),
        match row.met() {
            Some(true) => "met".to_owned(),
            Some(false) => "NOT MET".to_owned(),
            None => String::new(),
        },
    ]
}

/// About three digits: 0.83, 12.5, 160, 35000.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn aligned(lines: &[[String; 7]]) -> String {
    let mut widths = [0; 7];
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in lines {
        let mut shown = String::new();
        for (width, cell) in widths.iter().zip(line) {
            shown.push_str(&format!("{cell:width$}  "));
        }
        text.push_str(shown.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;
    use crate::row::Side;

    fn report(quick: bool) -> Report {
        let row = Row {
            figure: "B1".to_owned(),
            work: "consume, Redis".to_owned(),
            unit: "/s",
            ours: Side::new("berth", vec![1000.0, 3000.0, 2000.0]),
            partner: Some(Side::new("Celery", vec![100.0, 100.0, 100.0])),
            goal: Some(Goal::AtLeast(50.0)),
        };
        let alone = Row {
            figure: "B12".to_owned(),
            work: "start".to_owned(),
            unit: "ms",
            ours: Side::new("berth", vec![250.0]),
            partner: None,
            goal: Some(Goal::AtMost(1000.0)),
        };
        Report {
            date: "2026-01-31T12:00:00Z".to_owned(),
            quick,
            machine: Machine::default(),
            versions: [("celery (PyPI)".to_owned(), "5.7.0".to_owned())].into(),
            rows: vec![row, alone],
            failed: vec!["B3: no server".to_owned()],
        }
    }

    #[test]
    fn a_line_shows_both_sides_the_ratio_with_its_spread_and_the_goal() {
        let text = render(&report(false));
        let line = text.lines().find(|line| line.starts_with("B1 ")).unwrap();
        let words: Vec<&str> = line.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect();
        assert_eq!(
            words,
            [
                "B1",
                "consume, Redis",
                "2000 /s",
                "100 /s: Celery",
                "20.0x (10.0x-30.0x)",
                ">= 50.0x",
                "NOT MET"
            ]
            .map(|word| word.replace("0x-", "0-").replace("0x)", "0)"))
        );
        assert!(text.contains("B12"));
        assert!(text.contains("<= 1000"));
        assert!(text.contains("NOT MEASURED: B3: no server"));
        assert!(text.contains("celery (PyPI) 5.7.0"));
    }

    #[test]
    fn a_quick_look_says_so_first() {
        assert!(render(&report(true)).starts_with("QUICK"));
        assert!(!render(&report(false)).contains("QUICK"));
    }

    #[test]
    fn numbers_have_about_three_digits() {
        assert_eq!([0.834, 12.52, 159.6].map(number), ["0.83", "12.5", "160"]);
    }
}

//! What the documents say in tables is what the code does.

use berth_domain::lifecycle::{FailureClass, RetryPolicy, Status};

const STATUSES: &str = include_str!("../../docs/statuses.md");

/// The rows of a document's tables whose first cell is code.
fn rows(document: &str) -> impl Iterator<Item = Vec<&str>> {
    document
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

#[test]
fn the_statuses_page_has_every_status_with_its_edges() {
    for status in Status::ALL {
        let edges: Vec<String> = Status::ALL
            .into_iter()
            .filter(|next| status.may_become(*next))
            .map(|next| format!("`{next}`"))
            .collect();
        let row = rows(STATUSES).find(|row| row.len() == 3 && row[0] == format!("`{status}`"));
        let row = row.unwrap_or_else(|| panic!("docs/statuses.md lacks `{status}`"));
        assert_eq!(row[2], edges.join(", "), "the edges of `{status}` in docs/statuses.md");
        assert_eq!(row[1].starts_with("final:"), status.is_final(), "{status}");
    }
}

#[test]
fn the_drawing_has_no_edge_that_the_table_lacks() {
    let mut drawn = 0;
    for line in STATUSES.lines().filter(|line| line.contains("-->") && !line.contains("[*]")) {
        let line = line.split(':').next().unwrap_or(line);
        let (from, to) = line.trim().split_once(" --> ").unwrap();
        let (from, to): (Status, Status) = (from.trim().parse().unwrap(), to.trim().parse().unwrap());
        assert!(from.may_become(to), "{line}");
        drawn += 1;
    }
    assert!(drawn > 10, "the drawing is gone");
}

#[test]
fn the_statuses_page_has_the_retry_table() {
    for class in FailureClass::ALL {
        let rows: Vec<Vec<&str>> =
            rows(STATUSES).filter(|row| row[0] == format!("`{}`", class.as_str())).collect();
        assert!(rows.iter().any(|row| row.len() == 2), "docs/statuses.md does not explain `{class}`");
        let retries =
            rows.iter().find(|row| row.len() == 5).unwrap_or_else(|| panic!("no retries of `{class}`"));
        let expected = match RetryPolicy::rule(class) {
            None => ["never retried", "", "", ""].map(str::to_owned),
            Some(rule) => [
                if rule.counts_as_users { "yes" } else { "no" }.to_owned(),
                rule.own_retries.to_string(),
                format!("{} s", rule.backoff.base.as_secs()),
                format!("{} s", rule.backoff.cap.as_secs()),
            ],
        };
        assert_eq!(retries[1..], expected, "the retries of `{class}` in docs/statuses.md");
    }
}

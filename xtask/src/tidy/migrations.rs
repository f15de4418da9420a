//! Migrations say what they are by their files' names, and one that says that it only adds does.

use super::{Finding, Tree};

/// Where they lie, for both databases.
const FOLDER: &str = "store/migrations/";
/// Where they are listed.
const LIST: &str = "store/src/sql/migrations.rs";
/// What takes something away from binaries of the release before, or refuses what they write.
const TAKES_AWAY: [&str; 5] = ["DROP", "RENAME", "ALTER COLUMN", "SET NOT NULL", "TRUNCATE"];

/// Every file is named `NNNN_name.expand.sql` or `NNNN_name.contract.sql`, counted without a gap and listed;
/// an expanding one takes nothing away, and asks for nothing that older binaries would not write.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let list = tree.sources().find(|source| source.path == LIST).map_or("", |source| source.text.as_str());
    // Line breaks are rustfmt's.
    let list: String = list.split_whitespace().collect();
    let mut findings = Vec::new();
    let files = tree.sources().filter_map(|source| Some((source, source.path.strip_prefix(FOLDER)?)));
    for (index, (source, name)) in files.enumerate() {
        let Some((number, name, phase)) = parts(name) else {
            let message = "name it NNNN_name.expand.sql or NNNN_name.contract.sql, by what it does to the \
                           binaries of the release before";
            findings.push(Finding::of_file(&source.path, message));
            continue;
        };
        if number != format!("{:04}", index + 1) {
            findings.push(Finding::of_file(&source.path, format!("its number should be {:04}", index + 1)));
        }
        if !list.contains(&format!("\"{number}\",\"{name}\",{phase},")) {
            findings.push(Finding::of_file(&source.path, format!("it is not listed in {LIST}")));
        }
        if phase == "expand" {
            findings.extend(source.lines().filter_map(|(line, text)| {
                let found = taken_away(text)?;
                let message = format!("an expanding migration can't `{found}`: make it a contracting one");
                Some(Finding::at(&source.path, line, message))
            }));
        }
    }
    findings
}

fn parts(file: &str) -> Option<(&str, &str, &str)> {
    let (stem, phase) = file.strip_suffix(".sql")?.rsplit_once('.')?;
    let (number, name) = stem.split_once('_')?;
    let fits = number.len() == 4
        && number.bytes().all(|b| b.is_ascii_digit())
        && !name.is_empty()
        && ["expand", "contract"].contains(&phase);
    fits.then_some((number, name, phase))
}

fn taken_away(line: &str) -> Option<&'static str> {
    let statement = line.split("--").next().unwrap_or_default().to_ascii_uppercase();
    let is_between = |c: char| !c.is_alphanumeric() && c != '_';
    let words: Vec<&str> = statement.split(is_between).filter(|word| !word.is_empty()).collect();
    let has = |wanted: &str| {
        let wanted: Vec<&str> = wanted.split(' ').collect();
        words.windows(wanted.len()).any(|found| found == wanted)
    };
    let needs_value = has("ADD COLUMN") && has("NOT NULL") && !has("DEFAULT");
    TAKES_AWAY
        .into_iter()
        .find(|wanted| has(wanted))
        .or(needs_value.then_some("ADD COLUMN ... NOT NULL without DEFAULT"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = "migration!(\n 1, \"0001\", \"begin\", expand, \"\"),\n \
                          migration!(2, \"0002\", \"less\", contract, \"\"),";

    fn messages(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(&[files, &[(LIST, LISTED)]].concat())).into_iter().map(|f| f.message).collect()
    }

    #[test]
    fn what_says_what_it_is_and_does_it_is_right() {
        let found = messages(&[
            (
                "store/migrations/0001_begin.expand.sql",
                "CREATE TABLE t (dropped BIGINT NOT NULL); -- no DROP",
            ),
            ("store/migrations/0002_less.contract.sql", "DROP TABLE t;"),
        ]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn a_migration_that_says_nothing_is_not_listed_or_takes_away_is_found() {
        let found = messages(&[
            ("store/migrations/0001_begin.expand.sql", "CREATE TABLE t (a BIGINT);\nDROP  TABLE u;"),
            ("store/migrations/0002_second.sql", ""),
            ("store/migrations/0004_third.expand.sql", "ALTER TABLE t ADD COLUMN b TEXT NOT NULL;"),
        ]);
        assert_eq!(found.len(), 5, "{found:#?}");
        assert!(found[0].contains("can't `DROP`"), "{found:#?}");
        assert!(found[1].contains("name it"), "{found:#?}");
        assert!(found[2].contains("should be 0003") && found[3].contains("not listed"), "{found:#?}");
        assert!(found[4].contains("NOT NULL without DEFAULT"), "{found:#?}");
    }
}

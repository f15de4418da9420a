//! Migrations come in pairs: what one database gets, the other gets under the same name.

use std::collections::BTreeSet;

use super::{Finding, Tree};

/// Where the migrations of each database lie.
const FOLDERS: [&str; 2] = ["store/migrations/postgres/", "store/migrations/sqlite/"];

/// Every migration of one database has its partner; a folder that both share has nothing to pair.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let [postgres, sqlite] = FOLDERS.map(|folder| names(tree, folder));
    let mut findings = Vec::new();
    for (folder, lacking) in
        [(FOLDERS[0], sqlite.difference(&postgres)), (FOLDERS[1], postgres.difference(&sqlite))]
    {
        for name in lacking {
            let message = format!("the other database has the migration `{name}`, this one has not");
            findings.push(Finding::of_file(&format!("{folder}{name}"), message));
        }
    }
    findings
}

fn names<'a>(tree: &'a Tree, folder: &str) -> BTreeSet<&'a str> {
    tree.sources().filter_map(|source| source.path.strip_prefix(folder)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_of_one_database_only_is_found() {
        let tree = Tree::of(&[
            ("store/migrations/postgres/0001_first.sql", ""),
            ("store/migrations/sqlite/0001_first.sql", ""),
            ("store/migrations/sqlite/0002_second.sql", ""),
        ]);
        let found = check(&tree);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].file, "store/migrations/postgres/0002_second.sql");
    }
}

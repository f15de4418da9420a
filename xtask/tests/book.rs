//! The book of this tree: every page is in its list, and every link leads to what is in it.

use std::path::Path;

use xtask::tidy::{Tree, documents};

#[test]
fn every_page_is_listed_and_every_link_of_a_page_leads_within_the_book() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = tempfile::tempdir().unwrap();
    xtask::book::write(root, folder.path()).unwrap();
    let book = Tree::read(folder.path()).unwrap();
    let findings: Vec<String> = documents::check(&book).iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    let list = &book.source("SUMMARY.md").unwrap().text;
    for page in book.sources().filter(|source| source.ends(".md") && source.path != "SUMMARY.md") {
        let times = list.matches(&format!("({})", page.path)).count();
        assert_eq!(times, 1, "{} in docs/SUMMARY.md", page.path);
    }
}

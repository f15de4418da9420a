//! The sources of the book: the pages of `docs`, and what else of the tree is a page of it, with links that lead within the
//! book. What is elsewhere is named by its path, since there is no tree around a book. How they are rendered is mdBook's.

use std::path::Path;

use anyhow::Context as _;

use crate::tidy::documents::resolve;
use crate::tidy::{Source, Tree};

/// Where its pages are.
const FOLDER: &str = "docs/";
/// Pages that are elsewhere, and what they are in the book.
const ELSEWHERE: [(&str, &str); 1] = [("ARCHITECTURE.md", "architecture.md")];

/// Writes them into a folder, which is made.
///
/// # Errors
/// If a file can't be read or written.
pub fn write(root: &Path, into: &Path) -> anyhow::Result<()> {
    copy(&root.join(FOLDER), into)?;
    for page in pages(&Tree::read(root)?) {
        let path = into.join(&page.path);
        std::fs::write(&path, page.text).with_context(|| format!("can't write {}", path.display()))?;
    }
    Ok(())
}

/// Every page as it is in the book, by its path there.
#[must_use]
pub fn pages(tree: &Tree) -> Vec<Source> {
    let pages = tree.sources().filter(|source| source.ends(".md"));
    let in_book = pages.filter_map(|source| Some((source, place(&source.path)?)));
    in_book.map(|(source, path)| Source { path, text: relinked(source) }).collect()
}

/// Where a file of the tree is in the book, if it is there. Of a folder's `README.md` mdBook would make its `index.html`, and
/// change no link to it.
fn place(path: &str) -> Option<String> {
    let elsewhere = ELSEWHERE.iter().find(|(from, _)| *from == path).map(|(_, to)| *to);
    let place = elsewhere.or_else(|| path.strip_prefix(FOLDER))?;
    let index = place.strip_suffix("README.md").map(|folder| format!("{folder}index.md"));
    Some(index.unwrap_or_else(|| place.to_owned()))
}

/// Copies what is no page: pictures.
fn copy(from: &Path, into: &Path) -> anyhow::Result<()> {
    let doing = || format!("can't copy {} to {}", from.display(), into.display());
    std::fs::create_dir_all(into).with_context(doing)?;
    for entry in std::fs::read_dir(from).with_context(doing)? {
        let entry = entry.with_context(doing)?;
        let target = into.join(entry.file_name());
        if entry.file_type().with_context(doing)?.is_dir() {
            copy(&entry.path(), &target)?;
        } else if target.extension().is_none_or(|extension| extension != "md") {
            std::fs::copy(entry.path(), target).with_context(doing)?;
        }
    }
    Ok(())
}

/// A page with its links as they are in the book. What is fenced is none of them.
fn relinked(page: &Source) -> String {
    let (mut text, mut prose, mut fenced) = (String::new(), String::new(), false);
    for line in page.text.split_inclusive('\n') {
        let is_fence = line.trim_start().starts_with("```");
        if fenced || is_fence {
            text.push_str(&links(&page.path, &std::mem::take(&mut prose)));
            text.push_str(line);
            fenced ^= is_fence;
        } else {
            prose.push_str(line);
        }
    }
    text + &links(&page.path, &prose)
}

fn links(from: &str, prose: &str) -> String {
    let (mut text, mut rest) = (String::new(), prose);
    while let Some((before, after)) = rest.split_once("](") {
        let Some((target, after)) = after.split_once(')') else { break };
        text.push_str(before);
        rest = after;
        match leads(from, target.trim()) {
            Ok(link) => text.push_str(&format!("]({link})")),
            Err(path) => {
                if let Some(bracket) = text.rfind('[') {
                    text.remove(bracket);
                }
                // Whose text is the path already needs no other.
                if !text.ends_with(&format!("`{path}`")) {
                    text.push_str(&format!(" (`{path}`)"));
                }
            }
        }
    }
    text + rest
}

/// A link of the page `from` as it is in the book; or the path of what isn't there.
fn leads(from: &str, target: &str) -> Result<String, String> {
    if target.contains("://") || target.starts_with("mailto:") || target.starts_with('#') {
        return Ok(target.to_owned());
    }
    let (file, anchor) = target.split_at(target.find('#').unwrap_or(target.len()));
    let path = resolve(from, file);
    let (Some(here), Some(there)) = (place(from), place(&path)) else { return Err(path) };
    let up = "../".repeat(here.matches('/').count());
    // mdBook makes `index.html` of a folder's `README.md`, and changes no link to it.
    let there = there
        .strip_suffix("README.md")
        .map_or_else(|| there.to_owned(), |folder| format!("{folder}index.md"));
    Ok(format!("{up}{there}{anchor}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_within_the_book_and_what_is_elsewhere_is_named() {
        let tree = Tree::of(&[
            ("ARCHITECTURE.md", "[a](docs/a.md#x), [c](CHANGELOG.md), [`d/e.yml`](d/e.yml)\n"),
            (
                "docs/part/b.md",
                "[a](../a.md), [the\nchart](../../deploy/x.yaml), [it](../../ARCHITECTURE.md), [web](https://x.y)\n\
                 ```\n[no](../../no)\n```\n![p](../p.png) [here](#b)\n",
            ),
            ("docs/a.md", "# X\n[p](part/README.md#y)\n"),
            ("docs/part/README.md", "# P\n"),
            ("other.md", "[x](y)\n"),
        ]);
        let pages = pages(&tree);
        let found: Vec<(&str, &str)> =
            pages.iter().map(|page| (page.path.as_str(), page.text.as_str())).collect();
        assert_eq!(
            found,
            [
                ("architecture.md", "[a](a.md#x), c (`CHANGELOG.md`), `d/e.yml`\n"),
                ("a.md", "# X\n[p](part/index.md#y)\n"),
                ("part/index.md", "# P\n"),
                (
                    "part/b.md",
                    "[a](../a.md), the\nchart (`deploy/x.yaml`), [it](../architecture.md), [web](https://x.y)\n\
                     ```\n[no](../../no)\n```\n![p](../p.png) [here](#b)\n",
                ),
            ]
        );
    }
}

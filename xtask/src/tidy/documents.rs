//! Links between our documents lead somewhere. Links to other sites are not looked at.

use super::{Finding, Source, Tree};

/// Every relative link and picture of a Markdown file names a file, and every anchor a heading.
#[must_use]
pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources().filter(|source| source.ends(".md")).flat_map(|source| links(tree, source)).collect()
}

fn links(tree: &Tree, source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut fenced = false;
    for (number, line) in source.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for target in targets(line) {
            if let Some(message) = broken(tree, source, target) {
                findings.push(Finding::at(&source.path, number, message));
            }
        }
    }
    findings
}

/// What stands in the round brackets of `[text](target)` and `![text](target)`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](").filter_map(|(at, opening)| {
        let rest = &line[at + opening.len()..];
        rest.find(')').map(|end| rest[..end].trim())
    })
}

fn broken(tree: &Tree, source: &Source, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let path = if file.is_empty() { source.path.clone() } else { resolve(&source.path, file) };
    if !tree.has(&path) {
        return Some(format!("the link `{target}` leads to `{path}`, which is not there"));
    }
    let anchor = anchor?;
    let document = tree.source(&path)?;
    let known =
        document.lines().filter_map(|(_, line)| line.strip_prefix('#')).any(|line| slug(line) == anchor);
    (!known).then(|| format!("the link `{target}` names a heading that `{path}` doesn't have"))
}

/// The path that a link leads to which stands in the file `from`.
pub(crate) fn resolve(from: &str, link: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}

/// A heading's anchor, as the usual renderers make it.
fn slug(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_into_the_void_is_found_and_a_good_one_is_not() {
        let tree = Tree::of(&[
            ("docs/a.md", "[b](b.md) [c](../c.md#two-words) [d](d.md) [e](b.md#x)\n```\n[no](no)\n```\n"),
            ("docs/b.md", "# B\n"),
            ("c.md", "## Two words\n"),
        ]);
        let found: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "docs/a.md:1: the link `d.md` leads to `docs/d.md`, which is not there",
                "docs/a.md:1: the link `b.md#x` names a heading that `docs/b.md` doesn't have",
            ]
        );
    }
}

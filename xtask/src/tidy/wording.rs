//! Text that must not be in the tree: names of package registries' hosts, and paths of somebody's machine.

use super::{Finding, Tree};

/// Each in two halves, so that this file does not find itself.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("crates", ".io", REGISTRY),
    ("py", "pi.org", REGISTRY),
    ("python", "hosted.org", REGISTRY),
    ("npm", "js.org", REGISTRY),
    ("docker", ".io", REGISTRY),
    ("gh", "cr.io", REGISTRY),
    ("quay", ".io", REGISTRY),
    ("registry", ".k8s.io", REGISTRY),
    ("deb.deb", "ian.org", REGISTRY),
    ("proxy.gol", "ang.org", REGISTRY),
    ("/ro", "ot/", MACHINE),
    ("/ho", "me/", MACHINE),
    ("/Us", "ers/", MACHINE),
    ("/wo", "rk/", MACHINE),
];
const REGISTRY: &str = "no registry host names: the tools' own configuration says where packages come from";
const MACHINE: &str = "no absolute path of one machine";

/// Lock files name where packages come from; recorded captures are what they are.
fn is_ours(path: &str) -> bool {
    let written =
        [".rs", ".md", ".toml", ".yaml", ".yml", ".sh", ".py", ".sql", "Makefile", ".txt", ".ci/run"];
    written.iter().any(|suffix| path.ends_with(suffix)) && !path.contains("/samples/")
}

/// No forbidden text in anything that we write.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources().filter(|source| is_ours(&source.path)) {
        for (number, line) in source.lines() {
            for (head, tail, message) in FORBIDDEN {
                if occurs(line, &format!("{head}{tail}")) {
                    findings.push(Finding::at(&source.path, number, *message));
                }
            }
        }
    }
    findings
}

/// Whether `needle` is in `line` as a host or path of its own, not as the end of a longer one (`x/home/y`).
fn occurs(line: &str, needle: &str) -> bool {
    line.match_indices(needle).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !needle.starts_with('/') || !before.is_some_and(|c| c.is_alphanumeric() || "-_.}>)$*".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_and_a_machines_path_are_found_and_a_longer_path_is_not() {
        let text = format!("see crates{}\nin /ro{}x\n$DIR/wo{}x\n", ".io", "ot/", "rk/");
        let lines: Vec<usize> =
            check(&Tree::of(&[("docs/a.md", &text)])).iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [1, 2]);
    }
}

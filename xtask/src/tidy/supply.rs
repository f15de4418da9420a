//! The cheap part of the supply chain rules, read from `Cargo.lock`; `deny.toml` has the whole of them.

use super::{Finding, Tree};

/// Packages that must not be built in: a second TLS, or a C library where Rust has one.
const BANNED: &[(&str, &str)] =
    &[("openssl", "TLS is rustls"), ("openssl-sys", "TLS is rustls"), ("native-tls", "TLS is rustls")];

/// No banned package is locked, and nothing comes from anywhere but a registry.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(lock) = tree.source("Cargo.lock") else {
        return vec![Finding::of_file("Cargo.lock", "is missing: builds are pinned")];
    };
    let mut findings = Vec::new();
    for (number, line) in lock.lines() {
        if let Some(name) = line.strip_prefix("name = \"").and_then(|rest| rest.strip_suffix('"'))
            && let Some((_, reason)) = BANNED.iter().find(|(banned, _)| *banned == name)
        {
            findings.push(Finding::at(&lock.path, number, format!("`{name}` is banned: {reason}")));
        }
        if line.starts_with("source = \"git+") {
            findings.push(Finding::at(&lock.path, number, "packages come from a registry, not from git"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banned_package_and_a_git_source_are_found() {
        let found =
            check(&Tree::of(&[("Cargo.lock", "name = \"openssl-sys\"\nsource = \"git+https://x\"\n")]));
        assert_eq!(found.len(), 2);
    }
}

//! The packages that the web page is made of, as `package-lock.json` has resolved them. What only builds and tests the page
//! is not among them.

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

/// The page's packages; none where the program has no page.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// What the page itself uses.
    pub(super) uses: Vec<String>,
    /// Each as a component of a bill of materials, with what it uses.
    pub(super) packages: Vec<(Value, Vec<String>)>,
}

impl Page {
    /// Reads `package-lock.json`.
    ///
    /// # Errors
    /// If it is none, of another form, or lacks what one of its packages needs.
    pub(super) fn read(lock: &str) -> anyhow::Result<Self> {
        let lock: Value = serde_json::from_str(lock).context("package-lock.json is no JSON")?;
        ensure!(lock["lockfileVersion"] == 3, "package-lock.json is of version {}", lock["lockfileVersion"]);
        let all = lock["packages"].as_object().context("package-lock.json has no packages")?;
        let mut page = Self::default();
        for (path, package) in all {
            let uses = uses(all, path, package)?;
            if path.is_empty() {
                page.uses = uses;
            } else if is_in_the_page(package) {
                page.packages.push((component(path, package)?, uses));
            }
        }
        Ok(page)
    }
}

fn is_in_the_page(package: &Value) -> bool {
    package["dev"] != true && package["devOptional"] != true
}

/// The name of a package, which is the end of its folder's.
fn name(path: &str) -> &str {
    path.rsplit("node_modules/").next().unwrap_or(path)
}

fn reference(path: &str, package: &Value) -> anyhow::Result<String> {
    let version =
        package["version"].as_str().with_context(|| format!("package-lock.json: {path} has no version"))?;
    // In a package URL the `@` of a scope is escaped.
    Ok(format!("pkg:npm/{}@{version}", name(path).replace('@', "%40")))
}

/// What the package at `path` uses: of each, the one that is found first on the way up, as Node looks for it.
fn uses(all: &Map<String, Value>, path: &str, package: &Value) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for used in package["dependencies"].as_object().into_iter().flat_map(Map::keys) {
        let mut above = Some(path);
        let at = std::iter::from_fn(|| {
            let folder = above?;
            above = folder.rfind("node_modules/").map(|at| folder[..at].trim_end_matches('/'));
            let inside = if folder.is_empty() { String::new() } else { format!("{folder}/") };
            Some(format!("{inside}node_modules/{used}"))
        });
        let at = at.into_iter().find(|at| all.contains_key(at));
        let at =
            at.with_context(|| format!("package-lock.json: {path} uses {used}, which it doesn't have"))?;
        found.push(reference(&at, &all[&at])?);
    }
    Ok(found)
}

fn component(path: &str, package: &Value) -> anyhow::Result<Value> {
    let reference = reference(path, package)?;
    let checksum =
        package["integrity"].as_str().and_then(|text| BASE64.decode(text.strip_prefix("sha512-")?).ok());
    let checksum = checksum.with_context(|| format!("package-lock.json: {path} has no SHA-512"))?;
    let checksum: String = checksum.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut component = json!({
        "type": "library",
        "bom-ref": reference,
        "name": name(path),
        "version": package["version"],
        "purl": reference,
        "hashes": [{"alg": "SHA-512", "content": checksum}],
    });
    if let Some(license) = package["license"].as_str() {
        component["licenses"] = json!([{"expression": license}]);
    }
    Ok(component)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"{"lockfileVersion": 3, "packages": {
        "": {"version": "0.1.0", "dependencies": {"@s/a": "^1.0.0"}, "devDependencies": {"vite": "8"}},
        "node_modules/@s/a": {"version": "1.2.3", "license": "MIT", "integrity": "sha512-q80=", "dependencies": {"b": "2"}},
        "node_modules/@s/a/node_modules/b": {"version": "2.0.0", "integrity": "sha512-q80=", "dependencies": {"c": "1"}},
        "node_modules/b": {"version": "1.0.0", "dev": true, "integrity": "sha512-q80="},
        "node_modules/c": {"version": "1.0.0", "integrity": "sha512-q80="},
        "node_modules/types": {"version": "1.0.0", "devOptional": true, "integrity": "sha512-q80="}
    }}"#;

    #[test]
    fn a_package_is_named_with_what_it_uses_and_what_only_builds_the_page_is_not() {
        let page = Page::read(LOCK).unwrap();
        assert_eq!(page.uses, ["pkg:npm/%40s/a@1.2.3"]);
        let purls: Vec<&str> = page.packages.iter().map(|(one, _)| one["purl"].as_str().unwrap()).collect();
        assert_eq!(purls, ["pkg:npm/%40s/a@1.2.3", "pkg:npm/b@2.0.0", "pkg:npm/c@1.0.0"]);
        let (a, uses) = &page.packages[0];
        assert_eq!((&a["name"], &a["licenses"][0]["expression"]), (&json!("@s/a"), &json!("MIT")));
        assert_eq!(a["hashes"], json!([{"alg": "SHA-512", "content": "abcd"}]));
        assert_eq!(uses, &["pkg:npm/b@2.0.0"], "its own before the one above");
        assert_eq!(page.packages[1].1, ["pkg:npm/c@1.0.0"]);
    }

    #[test]
    fn what_is_incomplete_is_refused_by_name() {
        let refused = |from: &str, to: &str| Page::read(&LOCK.replace(from, to)).unwrap_err().to_string();
        assert!(refused("\"lockfileVersion\": 3", "\"lockfileVersion\": 1").contains("version 1"));
        assert!(refused("node_modules/c\"", "node_modules/x\"").contains("uses c, which it doesn't have"));
        assert!(refused("sha512-q80=\"}", "sha1-q80=\"}").contains("node_modules/c has no SHA-512"));
    }
}

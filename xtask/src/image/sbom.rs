//! What the program is made of, as a `CycloneDX` bill of materials: every crate that is compiled into it, by what Cargo has
//! resolved, with its license and checksum, what is linked beside them, and the packages of its web page. What only builds it
//! (macros, build scripts) is not in it. Like the image it has no time and nothing of the machine in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::Platform;
use super::npm::Page;

/// Where it is in the image.
pub(super) const PATH: &str = "/usr/share/sbom/berth.cdx.json";

/// The crate that has the web page's files.
const DASHBOARD: &str = "berth-dashboard";

/// A crate, by name and version.
type Id = (String, String);

/// What Cargo has resolved.
#[derive(Debug, Default, PartialEq, Eq)]
struct Graph {
    root: Id,
    licenses: BTreeMap<Id, String>,
    uses: BTreeMap<Id, BTreeSet<Id>>,
}

/// The bill of materials of the program for `platform`.
pub(super) fn of(root: &Path, platform: Platform) -> anyhow::Result<Vec<u8>> {
    let tree = told(
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(root)
            .args([
                "tree",
                "--locked",
                "--package",
                "berth",
                "--features",
                "static",
                "--target",
                platform.target(),
            ])
            .args(["--edges", "normal,no-proc-macro", "--prefix", "depth", "--format", "|{p}|{l}"]),
    )?;
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).context("can't read Cargo.lock")?;
    let rust = told(Command::new("rustc").current_dir(root).arg("--version"))?;
    let rust = rust.split_whitespace().nth(1).unwrap_or_default();
    // Of another processor's it is only known that it is there.
    let libc =
        platform.is_ours().then(|| told(Command::new("getconf").arg("GNU_LIBC_VERSION")).ok()).flatten();
    let libc = libc.as_deref().and_then(|text| text.split_whitespace().nth(1));
    let bill = bill(&graph(&tree)?, &checksums(&lock), &page(root)?, rust, libc);
    Ok(serde_json::to_vec_pretty(&bill)?)
}

/// The packages of the web page, if it was built: else the program has none.
fn page(root: &Path) -> anyhow::Result<Page> {
    let folder = root.join("dashboard");
    if !folder.join("dist/index.html").is_file() {
        return Ok(Page::default());
    }
    let lock =
        std::fs::read_to_string(folder.join("package-lock.json")).context("can't read package-lock.json")?;
    Page::read(&lock)
}

fn told(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("{command:?} can't be started"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// Reads `cargo tree`: lines of a depth, a crate and its license; what was shown before ends with `(*)`.
fn graph(tree: &str) -> anyhow::Result<Graph> {
    let mut graph = Graph::default();
    let mut above: Vec<Id> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let read = || {
            let mut parts = line.split('|');
            let depth: usize = parts.next()?.parse().ok()?;
            let (name, rest) = parts.next()?.split_once(" v")?;
            let version = rest.split_whitespace().next()?;
            let license = parts.next()?.trim_end_matches(" (*)");
            Some((depth, (name.to_owned(), version.to_owned()), license))
        };
        let (depth, id, license) = read().with_context(|| format!("cargo tree: {line}"))?;
        above.truncate(depth);
        match above.last() {
            Some(parent) => drop(graph.uses.entry(parent.clone()).or_default().insert(id.clone())),
            None => graph.root.clone_from(&id),
        }
        graph.licenses.insert(id.clone(), license.replace('/', " OR "));
        graph.uses.entry(id.clone()).or_default();
        above.push(id);
    }
    ensure!(!graph.root.0.is_empty(), "cargo tree names no crate");
    Ok(graph)
}

/// The checksums in `Cargo.lock`; crates of this tree have none.
fn checksums(lock: &str) -> BTreeMap<Id, String> {
    let mut found = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let field = |name: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""));
            line.map(|value| value.trim_end_matches('"').to_owned())
        };
        if let (Some(name), Some(version), Some(checksum)) =
            (field("name"), field("version"), field("checksum"))
        {
            found.insert((name, version), checksum);
        }
    }
    found
}

fn bill(
    graph: &Graph,
    checksums: &BTreeMap<Id, String>,
    page: &Page,
    rust: &str,
    libc: Option<&str>,
) -> Value {
    let crates = graph.licenses.keys().filter(|id| **id != graph.root);
    let mut components: Vec<Value> =
        crates.map(|id| component(id, "library", &graph.licenses[id], checksums.get(id))).collect();
    components.push(json!({"type": "library", "bom-ref": "rust-std", "name": "rust-std", "version": rust,
                           "licenses": [{"expression": "MIT OR Apache-2.0"}]}));
    let mut linked = json!({"type": "library", "bom-ref": "glibc", "name": "glibc",
                            "licenses": [{"expression": "LGPL-2.1-or-later"}]});
    if let Some(version) = libc {
        linked["version"] = json!(version);
    }
    components.push(linked);
    // The authorities in the image come from a crate that is not in the program.
    let authorities = checksums.keys().find(|(name, _)| name == "webpki-root-certs");
    components.extend(authorities.map(|id| component(id, "data", "CDLA-Permissive-2.0", checksums.get(id))));
    components.extend(page.packages.iter().map(|(package, _)| package.clone()));
    let mut dependencies: Vec<Value> = graph
        .uses
        .iter()
        .map(|(id, uses)| {
            let mut uses: Vec<String> = uses.iter().map(reference).collect();
            if *id == graph.root {
                uses.extend(["glibc".to_owned(), "rust-std".to_owned()]);
            }
            if id.0 == DASHBOARD {
                uses.extend(page.uses.iter().cloned());
            }
            json!({"ref": reference(id), "dependsOn": uses})
        })
        .collect();
    let of_page =
        page.packages.iter().map(|(package, uses)| json!({"ref": package["bom-ref"], "dependsOn": uses}));
    dependencies.extend(of_page);
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component(&graph.root, "application", &graph.licenses[&graph.root], None)},
        "components": components,
        "dependencies": dependencies,
    })
}

fn component(id: &Id, kind: &str, license: &str, checksum: Option<&String>) -> Value {
    let mut component = json!({"type": kind, "bom-ref": reference(id), "name": id.0, "version": id.1});
    if !license.is_empty() {
        component["licenses"] = json!([{"expression": license}]);
    }
    if let Some(checksum) = checksum {
        component["purl"] = json!(reference(id));
        component["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
    }
    component
}

fn reference((name, version): &Id) -> String {
    // In a package URL a version's `+` is escaped.
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "0|berth v0.1.0 (/tree/cli)|Apache-2.0\n1|api v0.1.0 (/tree/api)|Apache-2.0\n2|old v1.0.0|MIT/Apache-2.0\n\
                        1|old v1.0.0|MIT/Apache-2.0 (*)\n1|sys v2.0.0+3|\n";
    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"old\"\nversion = \"1.0.0\"\nchecksum = \"ab\"\n\n\
                        [[package]]\nname = \"webpki-root-certs\"\nversion = \"1.0.9\"\nchecksum = \"cd\"\n";

    #[test]
    fn a_bill_names_every_crate_once_with_what_it_uses_and_nothing_of_the_machine() {
        let bill = bill(&graph(TREE).unwrap(), &checksums(LOCK), &Page::default(), "1.90.0", Some("2.36"));
        let names: Vec<&str> =
            bill["components"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["api", "old", "sys", "rust-std", "glibc", "webpki-root-certs"]);
        assert_eq!(bill["metadata"]["component"]["name"], "berth");
        let old = &bill["components"][1];
        assert_eq!(old["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(
            (&old["purl"], &old["hashes"][0]["content"]),
            (&json!("pkg:cargo/old@1.0.0"), &json!("ab"))
        );
        assert!(bill["components"][0]["purl"].is_null(), "what is of this tree is in no registry");
        assert_eq!(bill["components"][2]["bom-ref"], "pkg:cargo/sys@2.0.0%2B3");
        let uses = |of: &str| {
            let all = bill["dependencies"].as_array().unwrap();
            all.iter().find(|one| one["ref"] == of).unwrap()["dependsOn"].clone()
        };
        assert_eq!(uses("pkg:cargo/api@0.1.0"), json!(["pkg:cargo/old@1.0.0"]));
        let of_root =
            ["pkg:cargo/api@0.1.0", "pkg:cargo/old@1.0.0", "pkg:cargo/sys@2.0.0%2B3", "glibc", "rust-std"];
        assert_eq!(uses("pkg:cargo/berth@0.1.0"), json!(of_root));
        assert!(!bill.to_string().contains("/tree/"));
    }

    #[test]
    fn the_page_and_what_it_is_made_of_are_under_the_crate_that_has_it() {
        let tree =
            "0|berth v0.1.0 (/tree/cli)|Apache-2.0\n1|berth-dashboard v0.1.0 (/tree/dashboard)|Apache-2.0\n";
        let lock = include_str!("../../../dashboard/package-lock.json");
        let page = Page::read(lock).unwrap();
        let bill = bill(&graph(tree).unwrap(), &BTreeMap::new(), &page, "1.90.0", None);
        let components = bill["components"].as_array().unwrap();
        let react = components.iter().find(|one| one["name"] == "react").unwrap();
        assert_eq!(react["licenses"][0]["expression"], "MIT");
        assert!(!components.iter().any(|one| one["name"] == "vite"), "what only builds it is not in it");
        let of_page = &bill["dependencies"].as_array().unwrap()[1];
        assert_eq!(of_page["ref"], "pkg:cargo/berth-dashboard@0.1.0");
        assert!(of_page["dependsOn"].as_array().unwrap().contains(&react["bom-ref"]));
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        assert!(graph("").unwrap_err().to_string().contains("names no crate"));
        assert!(graph("x|berth|").unwrap_err().to_string().contains("x|berth|"));
    }

    #[test]
    fn the_bill_of_this_tree_is_the_same_each_time_and_whole() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let made = of(root, Platform::Amd64).unwrap();
        assert_eq!(made, of(root, Platform::Amd64).unwrap());
        let text = String::from_utf8(made).unwrap();
        assert!(!text.contains(root.to_str().unwrap()), "a path of this machine is in it");
        let bill: Value = serde_json::from_str(&text).unwrap();
        let components = bill["components"].as_array().unwrap();
        let known: BTreeSet<&str> = components.iter().map(|one| one["bom-ref"].as_str().unwrap()).collect();
        assert_eq!(known.len(), components.len(), "one of each");
        for dependency in bill["dependencies"].as_array().unwrap() {
            for used in dependency["dependsOn"].as_array().unwrap() {
                assert!(known.contains(used.as_str().unwrap()), "{used} is used, and not listed");
            }
        }
        let has = |name: &str| components.iter().any(|one| one["name"] == name);
        assert!(has("tokio") && has("berth-domain"));
        assert!(!has("syn") && !has("proptest"), "what only builds or tests it is not in it");
        for one in components.iter().filter(|one| one["purl"].is_string()) {
            let length = if one["hashes"][0]["alg"] == "SHA-512" { 128 } else { 64 };
            assert_eq!(one["hashes"][0]["content"].as_str().unwrap().len(), length, "{one}");
        }
    }
}

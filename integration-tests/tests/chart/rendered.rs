//! What the chart makes of values, as objects.

use std::path::{Path, PathBuf};

use berth_integration_tests::helm::{self, Helm};
use serde_json::Value;

/// The namespace that it is rendered for.
pub(crate) const NAMESPACE: &str = "berth";

/// A folder with chart and examples in which the umbrella's parts are fetched, and the examples: a chart and the arguments
/// that it takes.
pub(crate) fn examples(helm: &Helm) -> Vec<(PathBuf, Vec<String>)> {
    let folder = helm.home().join("deploy");
    copy(&helm::folder(), &folder);
    let chart = folder.join("berth");
    let umbrella = folder.join("examples/umbrella");
    helm.told(&["dependency", "update", umbrella.to_str().unwrap()]);
    let mut found = vec![(umbrella, Vec::new())];
    let mut folders = vec![folder.join("examples")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.join("Chart.yaml").exists() {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                found.push((chart.clone(), vec!["--values".to_owned(), path.display().to_string()]));
            }
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// The text of a rendered chart.
pub(crate) fn text(helm: &Helm, chart: &Path, arguments: &[&str]) -> String {
    let name = ["template", "berth", chart.to_str().unwrap(), "--namespace", NAMESPACE];
    helm.told(&[&name, arguments].concat())
}

/// Its objects.
pub(crate) fn objects(helm: &Helm, arguments: &[&str]) -> Vec<Value> {
    let text = text(helm, &helm::chart(), arguments);
    let objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    objects.into_iter().filter(|object| !object.is_null()).collect()
}

/// The object of that kind and name.
pub(crate) fn object<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let of = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
    objects.iter().find(of).unwrap_or_else(|| panic!("no {kind} {name}"))
}

/// The pods that are made from objects: of Deployments and Jobs.
pub(crate) fn pods(objects: &[Value]) -> Vec<(String, &Value)> {
    let templates = objects.iter().filter(|object| object["spec"]["template"]["spec"].is_object());
    templates
        .map(|object| (object["metadata"]["name"].as_str().unwrap().to_owned(), &object["spec"]["template"]))
        .collect()
}

//! How many pods each attempt had, ever, by the API server's audit log.

use std::collections::{BTreeMap, BTreeSet};

use berth_test_servers::kubernetes::Cluster;

/// Checks that no pod of a namespace was created or bound twice; gives the names of those that were there.
///
/// An agent that is killed does not wait for the answer to its create, hence the scheduler's bindings beside it. A server
/// that is killed may not have written down what it did last, and a slow one tells that it gave up what it did all the
/// same: what was changed or deleted later was there.
///
/// # Panics
/// If there is one, or no audit log.
pub fn created_once(cluster: &Cluster, namespace: &str) -> BTreeSet<String> {
    let mut times = BTreeMap::<(String, String), u32>::new();
    let mut names = BTreeSet::new();
    for event in cluster.audit() {
        let is_of_pod = event.resource == "pods" || event.resource.starts_with("pods/");
        if event.namespace != namespace || !is_of_pod || event.name.is_empty() || event.code >= 300 {
            continue;
        }
        if event.code == 201 && matches!(event.resource.as_str(), "pods" | "pods/binding") {
            *times.entry((event.resource, event.name.clone())).or_default() += 1;
        }
        names.insert(event.name);
    }
    let more: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
    assert!(more.is_empty(), "made more than once: {more:?}");
    names
}

//! The cluster's nodes in summary: why no node can take a run is explained with it, and nothing is decided by it.
//!
//! Nodes belong to no namespace, so that a Role can't show them: an agent that may not list them says nothing of them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use berth_domain::nodes::{Node, NodeSummary, Taint};
use berth_domain::quantity::Quantity;
use k8s_openapi::api::core::v1;
use kube::Api;
use kube::api::ListParams;

use super::super::Trouble;
use super::{Inner, PAGE, api};

/// What is known of them, and whether it was said.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    summary: Option<NodeSummary>,
    is_said: bool,
}

impl Known {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The summary if it is news: it changed since it was said last, or everything is said anew.
    pub(super) fn news(&self, everything: bool) -> Option<Box<NodeSummary>> {
        let mut seen = self.seen();
        if seen.is_said && !everything {
            return None;
        }
        seen.is_said = true;
        seen.summary.clone().map(Box::new)
    }

    fn note(&self, summary: NodeSummary) {
        let mut seen = self.seen();
        if seen.summary.as_ref() != Some(&summary) {
            *seen = Seen { summary: Some(summary), is_said: false };
        }
    }
}

/// Looks at the nodes, if that is allowed.
pub(super) async fn look(inner: &Inner) -> Result<(), Trouble> {
    let api: Api<v1::Node> = Api::all(inner.client.clone());
    let mut nodes = Vec::new();
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = async {
            match api.list(&params).await {
                Err(kube::Error::Api(status)) if status.is_forbidden() => Ok(None),
                page => page.map(Some),
            }
        };
        let page = api::call(|| "can't list the nodes".to_owned(), page).await?;
        let Some(page) = page.flatten() else { return Ok(()) };
        nodes.extend(page.items.iter().map(node));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => break,
        }
    }
    inner.nodes.note(NodeSummary::of(&nodes));
    Ok(())
}

/// A node, as far as it counts for an explanation.
fn node(node: &v1::Node) -> Node {
    let spec = node.spec.as_ref();
    let taints = spec.and_then(|spec| spec.taints.as_ref()).into_iter().flatten().map(|taint| Taint {
        key: taint.key.clone(),
        value: taint.value.clone().unwrap_or_default(),
        effect: taint.effect.clone(),
    });
    let allocatable = node.status.as_ref().and_then(|status| status.allocatable.as_ref());
    let allocatable = allocatable
        .into_iter()
        .flatten()
        .filter_map(|(name, quantity)| Some((name.clone(), quantity.0.parse::<Quantity>().ok()?)));
    Node {
        labels: node.metadata.labels.clone().unwrap_or_default(),
        taints: taints.collect(),
        allocatable: allocatable.collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_summary_is_said_once_and_again_when_it_changes() {
        let read = |pool: &str| -> NodeSummary {
            let found: v1::Node = serde_json::from_value(json!({
                "metadata": {"labels": {"pool": pool}},
                "spec": {"taints": [{"key": "gpu", "effect": "NoSchedule"}]},
                "status": {"allocatable": {"cpu": "4", "nvidia.com/gpu": "2"}},
            }))
            .unwrap();
            NodeSummary::of(&[node(&found)])
        };
        let known = Known::default();
        assert_eq!(known.news(true), None, "nothing is known yet");
        known.note(read("a"));
        let said = known.news(false).unwrap();
        assert_eq!((said.nodes, said.taints.len()), (1, 1));
        assert_eq!(said.largest["nvidia.com/gpu"], "2".parse().unwrap());
        assert_eq!(known.news(false), None, "it was said");
        known.note(read("a"));
        assert_eq!(known.news(false), None, "nothing changed");
        known.note(read("b"));
        assert!(known.news(false).is_some());
        assert!(known.news(true).is_some(), "a hello says everything");
    }
}

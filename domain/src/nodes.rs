//! An agent's nodes in summary: as much as is needed to say why no node can ever take a run, in a bounded size.
//!
//! An agent sends it with its lease. What it says holds for an explanation, and never for a decision: the cluster's
//! own scheduler places pods. So this is only ever sure that nothing fits, and never that something does; where the
//! summary was cut short, it says nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::compile::{CompiledOperation, Environment, Toleration, resources_of};
use crate::labels::Labels;
use crate::quantity::Quantity;

/// The most label keys in a summary.
const MAX_KEYS: usize = 200;
/// The most values of one key.
const MAX_VALUES: usize = 32;
/// The most taints.
const MAX_TAINTS: usize = 64;
/// The most kinds of resources.
const MAX_RESOURCES: usize = 64;
/// The longest text that is kept, in bytes; a longer one is left out as if there were too many.
const MAX_TEXT: usize = 256;

/// A node, as far as it counts here.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Node {
    /// Its labels.
    pub labels: Labels,
    /// Its taints.
    pub taints: Vec<Taint>,
    /// What pods may use of it.
    pub allocatable: BTreeMap<String, Quantity>,
}

/// A taint of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}

/// The values that nodes have of a label.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Values {
    /// They.
    pub values: BTreeSet<String>,
    /// Whether there are more than are listed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
}

/// A taint, and how many nodes have it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tainted {
    /// The taint.
    #[serde(flatten)]
    pub taint: Taint,
    /// So many nodes have it.
    pub nodes: u32,
}

/// The nodes of an agent, in summary.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeSummary {
    /// How many there are.
    pub nodes: u32,
    /// Their labels: the values by key.
    pub labels: BTreeMap<String, Values>,
    /// Whether there are more keys than are listed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub more_labels: bool,
    /// Their taints.
    pub taints: Vec<Tainted>,
    /// What pods may use of all of them together, by resource.
    pub allocatable: BTreeMap<String, Quantity>,
    /// What pods may use of the node that has most of it, by resource.
    pub largest: BTreeMap<String, Quantity>,
    /// Whether there are more resources than are listed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub more_resources: bool,
}

impl NodeSummary {
    /// Of these nodes. A summary of any number of nodes stays below some hundred KiB.
    #[must_use]
    pub fn of<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> Self {
        let mut summary = Self::default();
        let mut taints: BTreeMap<&Taint, u32> = BTreeMap::new();
        for node in nodes {
            summary.nodes = summary.nodes.saturating_add(1);
            for (key, value) in &node.labels {
                summary.add_label(key, value);
            }
            for taint in node.taints.iter().collect::<BTreeSet<_>>() {
                *taints.entry(taint).or_default() += 1;
            }
            for (name, quantity) in &node.allocatable {
                summary.add_resource(name, *quantity);
            }
        }
        // Those on most nodes are those that keep pods off all of them.
        let mut tainted: Vec<Tainted> =
            taints.into_iter().map(|(taint, nodes)| Tainted { taint: taint.clone(), nodes }).collect();
        tainted.sort_by(|a, b| b.nodes.cmp(&a.nodes).then_with(|| a.taint.cmp(&b.taint)));
        tainted.truncate(MAX_TAINTS);
        summary.taints = tainted;
        summary
    }

    fn add_label(&mut self, key: &str, value: &str) {
        if key.len() > MAX_TEXT || (self.labels.len() >= MAX_KEYS && !self.labels.contains_key(key)) {
            self.more_labels = true;
            return;
        }
        let known = self.labels.entry(key.to_owned()).or_default();
        if value.len() <= MAX_TEXT && (known.values.len() < MAX_VALUES || known.values.contains(value)) {
            known.values.insert(value.to_owned());
        } else {
            known.more = true;
        }
    }

    fn add_resource(&mut self, name: &str, quantity: Quantity) {
        if name.len() > MAX_TEXT || (self.largest.len() >= MAX_RESOURCES && !self.largest.contains_key(name))
        {
            self.more_resources = true;
            return;
        }
        let sum = self.allocatable.entry(name.to_owned()).or_insert(Quantity::ZERO);
        *sum = sum.checked_add(quantity).unwrap_or(*sum);
        let most = self.largest.entry(name.to_owned()).or_insert(quantity);
        *most = quantity.max(*most);
    }

    /// Why no node of `agent` can take a pod of this operation, one sentence for each reason; none if one may.
    #[must_use]
    pub fn unfit(&self, agent: &str, operation: &CompiledOperation) -> Vec<String> {
        if self.nodes == 0 {
            return vec![format!("agent {agent} has no node")];
        }
        let mut reasons = Vec::new();
        if let Some(environment) = &operation.run.environment {
            self.unfit_environment(agent, environment, &mut reasons);
        }
        let tolerations =
            operation.run.environment.as_ref().map_or(&[][..], |env| env.tolerations.as_slice());
        for tainted in self.taints.iter().filter(|tainted| tainted.nodes == self.nodes) {
            let Taint { key, value, effect } = &tainted.taint;
            let keeps_off = matches!(effect.as_str(), "NoSchedule" | "NoExecute");
            if keeps_off && !tolerations.iter().any(|toleration| tolerates(toleration, &tainted.taint)) {
                reasons.push(format!(
                    "every node of agent {agent} has the taint {key}={value}:{effect}, which it does not tolerate"
                ));
            }
        }
        let asked = resources_of(operation).map(|sum| sum.by_name).unwrap_or_default();
        for (name, quantity) in asked {
            match self.largest.get(&name) {
                Some(largest) if quantity > *largest => reasons.push(format!(
                    "it asks for {quantity} of {name}, and the largest node of agent {agent} has {largest}"
                )),
                None if !self.more_resources && quantity > Quantity::ZERO => {
                    reasons.push(format!("no node of agent {agent} has {name}"));
                }
                _ => {}
            }
        }
        reasons
    }

    fn unfit_environment(&self, agent: &str, environment: &Environment, reasons: &mut Vec<String>) {
        for (key, value) in &environment.node_selector {
            if self.has(key, Some(value)) {
                continue;
            }
            let known =
                self.labels.get(key).map(|known| known.values.iter().take(5).cloned().collect::<Vec<_>>());
            let hint = match known {
                Some(known) => format!("; there are {}", known.join(", ")),
                None => String::new(),
            };
            reasons.push(format!("no node of agent {agent} has {key}={value}{hint}"));
        }
        let terms = environment
            .affinity
            .as_ref()
            .and_then(|affinity| {
                affinity.pointer("/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution")
            })
            .and_then(|required| required.get("nodeSelectorTerms")?.as_array());
        if let Some(terms) = terms
            && !terms.is_empty()
            && !terms.iter().any(|term| self.may_match(term))
        {
            reasons.push(format!("no node of agent {agent} has what its node affinity requires"));
        }
    }

    /// Whether a node may have a label, of that value if one is given.
    fn has(&self, key: &str, value: Option<&str>) -> bool {
        match self.labels.get(key) {
            None => self.more_labels,
            Some(known) => value.is_none_or(|value| known.more || known.values.contains(value)),
        }
    }

    /// Whether a node may fit a term of an affinity: all its expressions, each of them for itself.
    fn may_match(&self, term: &Value) -> bool {
        let expressions = term.get("matchExpressions").and_then(Value::as_array);
        expressions.into_iter().flatten().all(|expression| {
            let Some(key) = expression.get("key").and_then(Value::as_str) else { return true };
            match expression.get("operator").and_then(Value::as_str) {
                Some("Exists") => self.has(key, None),
                Some("In") => {
                    let values = expression.get("values").and_then(Value::as_array);
                    values.is_none_or(|values| {
                        values
                            .iter()
                            .any(|value| value.as_str().is_none_or(|value| self.has(key, Some(value))))
                    })
                }
                _ => true,
            }
        })
    }
}

/// Kubernetes' rule: an empty key with `Exists` tolerates all; an empty effect all effects.
fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let effect = toleration.effect.as_deref().unwrap_or_default();
    if !effect.is_empty() && effect != taint.effect {
        return false;
    }
    let key = toleration.key.as_deref().unwrap_or_default();
    match toleration.operator.as_deref() {
        Some("Exists") => key.is_empty() || key == taint.key,
        None | Some("Equal") => {
            key == taint.key && toleration.value.as_deref().unwrap_or_default() == taint.value
        }
        // Comparisons of numbers: nobody says here that they don't hold.
        Some(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(pool: &str, gpus: i64) -> Node {
        Node {
            labels: [("pool".to_owned(), pool.to_owned())].into(),
            taints: vec![Taint { key: "dedicated".into(), value: "ml".into(), effect: "NoSchedule".into() }],
            allocatable: [
                ("cpu".to_owned(), Quantity::from_units(4)),
                ("nvidia.com/gpu".to_owned(), Quantity::from_units(gpus)),
            ]
            .into(),
        }
    }

    fn operation(environment: &Value, limits: &Value) -> CompiledOperation {
        let container = json!({"image": "a", "resources": {"limits": limits}});
        let run = json!({"kind": "job", "environment": environment, "container": container});
        serde_json::from_value(json!({ "run": run })).unwrap()
    }

    #[test]
    fn what_no_node_can_take_is_said_with_its_reason_and_the_rest_is_not() {
        let nodes = [node("a", 1), node("b", 2)];
        let summary = NodeSummary::of(&nodes);
        assert_eq!(summary.allocatable["nvidia.com/gpu"], Quantity::from_units(3));
        let tolerated = json!([{"key": "dedicated", "operator": "Exists"}]);
        let unfit = |selector: &Value, limits: &Value| {
            let environment = json!({"nodeSelector": selector, "tolerations": tolerated});
            summary.unfit("k", &operation(&environment, limits))
        };
        assert!(unfit(&json!({"pool": "a"}), &json!({"nvidia.com/gpu": 2, "cpu": "4"})).is_empty());
        assert_eq!(
            unfit(&json!({"pool": "gpu"}), &json!({})),
            ["no node of agent k has pool=gpu; there are a, b"]
        );
        assert_eq!(unfit(&json!({"zone": "x"}), &json!({})), ["no node of agent k has zone=x"]);
        assert_eq!(
            unfit(&json!({}), &json!({"nvidia.com/gpu": 3, "amd.com/gpu": 1})),
            [
                "no node of agent k has amd.com/gpu",
                "it asks for 3 of nvidia.com/gpu, and the largest node of agent k has 2",
            ]
        );
        let untolerated = summary.unfit("k", &operation(&json!({}), &json!({})));
        assert_eq!(
            untolerated,
            ["every node of agent k has the taint dedicated=ml:NoSchedule, which it does not tolerate"]
        );
        assert_eq!(
            NodeSummary::default().unfit("k", &operation(&json!({}), &json!({}))),
            ["agent k has no node"]
        );
    }

    #[test]
    fn an_affinity_fits_if_one_of_its_terms_may() {
        let summary = NodeSummary::of(&[Node { taints: Vec::new(), ..node("a", 0) }]);
        let required = |terms: &Value| {
            let rule = json!({"nodeSelectorTerms": terms});
            let affinity = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": rule}});
            summary.unfit("k", &operation(&json!({"affinity": affinity}), &json!({}))).is_empty()
        };
        let is = |operator: &str, values: &Value| json!({"matchExpressions": [{"key": "pool", "operator": operator, "values": values}]});
        assert!(required(&json!([is("In", &json!(["x"])), is("In", &json!(["a"]))])));
        assert!(!required(&json!([is("In", &json!(["x"]))])));
        assert!(required(&json!([is("NotIn", &json!(["a"]))])), "nobody can be sure of that");
        assert!(required(&json!([is("Exists", &json!([]))])));
    }

    #[test]
    fn a_summary_of_many_nodes_is_bounded_and_what_was_left_out_may_fit() {
        let nodes: Vec<Node> = (0..2_000)
            .map(|n| Node {
                labels: [("host".to_owned(), n.to_string()), (format!("key-{n}"), "v".to_owned())].into(),
                taints: vec![Taint { key: n.to_string(), ..Taint::default() }],
                allocatable: [(format!("vendor.com/{n}"), Quantity::from_units(1))].into(),
            })
            .collect();
        let summary = NodeSummary::of(&nodes);
        assert!(serde_json::to_string(&summary).unwrap().len() < 40_000);
        let selector = json!({"nodeSelector": {"host": "1999", "key-1999": "v"}});
        assert!(summary.unfit("k", &operation(&selector, &json!({"vendor.com/1999": 1}))).is_empty());
        let text = serde_json::to_string(&summary).unwrap();
        assert_eq!(serde_json::from_str::<NodeSummary>(&text).unwrap(), summary);
    }
}

//! What containers of our own ask for: something of whatever the main container asks for, because a namespace with a quota
//! refuses a pod of which any container is silent; and nothing where the main one is silent, too. Pure.

use std::collections::BTreeMap;

use berth_domain::compile::ResourceRequirements;
use berth_domain::quantity::Quantity;

/// What every container has some of. Of devices and the like only the main one has any.
const COMMON: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

/// Before the main container: as much as it asks for. Kubernetes counts the greater of both, so that it costs nothing.
pub(super) fn before(main: &ResourceRequirements) -> ResourceRequirements {
    some(main, |_, quantity| quantity)
}

/// Beside the main container, where both are counted: little.
pub(super) fn beside(main: &ResourceRequirements) -> ResourceRequirements {
    some(main, |name, quantity| {
        let enough = match name {
            "cpu" => Quantity::from_f64(0.1),
            _ => Quantity::from_units(128 << 20),
        };
        quantity.min(enough)
    })
}

fn some(main: &ResourceRequirements, of: impl Fn(&str, Quantity) -> Quantity) -> ResourceRequirements {
    let some = |asked: &BTreeMap<String, Quantity>| {
        let common = asked.iter().filter(|(name, _)| COMMON.contains(&name.as_str()));
        common.map(|(name, quantity)| (name.clone(), of(name, *quantity))).collect()
    };
    ResourceRequirements { requests: some(&main.requests), limits: some(&main.limits), claims: Vec::new() }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn main() -> ResourceRequirements {
        serde_json::from_value(json!({
            "requests": {"cpu": "2", "memory": "64Mi"},
            "limits": {"cpu": "4", "memory": "8Gi", "nvidia.com/gpu": "1"},
            "claims": [{"name": "device"}],
        }))
        .unwrap()
    }

    fn written(needs: &ResourceRequirements) -> Value {
        serde_json::to_value(needs).unwrap()
    }

    #[test]
    fn what_runs_before_may_use_as_much_and_no_device() {
        let expected =
            json!({"requests": {"cpu": "2", "memory": "64Mi"}, "limits": {"cpu": "4", "memory": "8Gi"}});
        assert_eq!(written(&before(&main())), expected);
    }

    #[test]
    fn what_runs_beside_takes_little_of_the_same() {
        let expected = json!({
            "requests": {"cpu": "100m", "memory": "64Mi"},
            "limits": {"cpu": "100m", "memory": "134217728"},
        });
        assert_eq!(written(&beside(&main())), expected);
        assert_eq!(written(&beside(&ResourceRequirements::default())), json!({}));
    }
}

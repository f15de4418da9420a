//! Policies, which AMQP can't tell or change: by the management API.

use std::collections::BTreeMap;

use berth_broker_config::Topology;
use berth_broker_config::found::Properties;
use berth_broker_config::policies::{APPLY_TO, Effect, FoundPolicies, properties};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::link::Link;
use super::management::Management;
use crate::error::Error;

#[derive(Deserialize)]
struct ListedPolicy {
    name: String,
    pattern: String,
    #[serde(rename = "apply-to")]
    apply_to: String,
    priority: i64,
    definition: Map<String, Value>,
}

/// What the list of queues says of policies.
#[derive(Deserialize)]
struct ListedEffect {
    name: String,
    policy: Option<String>,
    operator_policy: Option<String>,
    /// Erlang has no empty map: it may be an empty list.
    #[serde(default)]
    effective_policy_definition: Value,
}

impl ListedEffect {
    fn effect(self) -> Option<(String, Effect)> {
        let given = |name: Option<String>| name.filter(|name| !name.is_empty());
        let Value::Object(definition) = self.effective_policy_definition else { return None };
        if definition.is_empty() {
            return None;
        }
        let definition = definition.into_iter().map(|(name, value)| (name, spelled(value))).collect();
        let (policy, operator) = (given(self.policy), given(self.operator_policy));
        Some((self.name, Effect { policy, operator, definition }))
    }
}

/// A value of an argument or a definition, as text.
pub(crate) fn spelled(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// The virtual host's policies.
pub(crate) async fn found(management: &Management) -> Result<FoundPolicies, Error> {
    let policies = list(management, "policies").await?;
    let operators = list(management, "operator-policies").await?;
    let mut effects = BTreeMap::new();
    if !(policies.is_empty() && operators.is_empty()) {
        let columns = "name,policy,operator_policy,effective_policy_definition";
        let listed: Option<Vec<ListedEffect>> =
            management.get_columns(&["queues", management.vhost()], columns).await?;
        effects.extend(listed.into_iter().flatten().filter_map(ListedEffect::effect));
    }
    Ok(FoundPolicies { policies, operators, effects })
}

async fn list(management: &Management, what: &str) -> Result<BTreeMap<String, Properties>, Error> {
    let listed: Vec<ListedPolicy> = management.get(&[what, management.vhost()]).await?.unwrap_or_default();
    let of = |policy: ListedPolicy| {
        let definition = policy.definition.into_iter().map(|(name, value)| (name, spelled(value)));
        (policy.name, properties(&policy.pattern, &policy.apply_to, policy.priority, definition))
    };
    Ok(listed.into_iter().map(of).collect())
}

/// Makes every policy of `topology` be as it says.
pub(crate) async fn apply(link: &Link, topology: &Topology) -> Result<(), Error> {
    if topology.policies.is_empty() {
        return Ok(());
    }
    let Some(management) = &link.management else {
        let text = "RabbitMQ takes policies by its management API only, which is off".to_owned();
        return Err(Error::Failed { doing: "setting a policy", text });
    };
    for (name, policy) in &topology.policies {
        let body = json!({
            "pattern": policy.pattern, "apply-to": APPLY_TO, "priority": policy.priority,
            "definition": policy.definition,
        });
        management.put(&["policies", management.vhost(), name], &body).await?;
    }
    Ok(())
}

//! What a run asks for, as numbers: quotas count them, and Polyaxon's clients show them.
//!
//! Where a container has a limit but no request, Kubernetes requests the limit; so does this.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::operation::CompiledOperation;
use crate::quantity::Quantity;
use crate::scheduling::Demand;
use crate::spec::SpecErrors;

/// The requests of all containers of a run, summed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Resources {
    /// Cores.
    pub cpu: f64,
    /// Bytes of memory.
    pub memory: f64,
    /// GPUs of any vendor.
    pub gpu: f64,
    /// All other extended resources together.
    pub custom: f64,
    /// The operation's `cost`.
    pub cost: f64,
    /// Each resource by its Kubernetes name, exactly.
    #[serde(skip)]
    pub by_name: BTreeMap<String, Quantity>,
}

impl Resources {
    /// What of it quotas count: each resource by its name, all GPUs together as `gpu`, and `cost`.
    #[must_use]
    pub fn demand(&self) -> Demand {
        let gpus = self.by_name.iter().filter(|(name, _)| is_gpu(name)).map(|(_, amount)| *amount);
        let gpus = gpus.fold(Quantity::ZERO, Quantity::saturating_add);
        let cost = Quantity::from_f64(self.cost);
        let named = self.by_name.iter().map(|(name, amount)| (name.clone(), *amount));
        named.chain([("gpu".to_owned(), gpus), ("cost".to_owned(), cost)]).collect()
    }
}

fn is_gpu(name: &str) -> bool {
    name == "gpu" || name.ends_with("/gpu") || name.starts_with("gpu.")
}

/// What an operation asks for.
///
/// # Errors
/// If a request is above its limit, or requests are too large to add.
pub fn resources_of(operation: &CompiledOperation) -> Result<Resources, SpecErrors> {
    let mut by_name: BTreeMap<String, Quantity> = BTreeMap::new();
    for container in operation.run.containers() {
        let Some(resources) = &container.resources else { continue };
        for (name, request) in &resources.requests {
            if let Some(limit) = resources.limits.get(name).filter(|limit| *limit < request) {
                let message = format!("the request of `{name}`, {request}, is above its limit, {limit}");
                return Err(SpecErrors::one("run.container.resources", message));
            }
        }
        let mut asked = resources.limits.clone();
        asked.extend(resources.requests.iter().map(|(name, quantity)| (name.clone(), *quantity)));
        for (name, quantity) in asked {
            let total = by_name.entry(name.clone()).or_insert(Quantity::ZERO);
            *total = total.checked_add(quantity).ok_or_else(|| {
                SpecErrors::one(
                    "run.container.resources",
                    format!("the requests of `{name}` are too large to add"),
                )
            })?;
        }
    }
    let mut sum = Resources { cost: operation.cost.unwrap_or_default(), ..Resources::default() };
    for (name, quantity) in &by_name {
        let amount = quantity.as_f64();
        match name.as_str() {
            "cpu" => sum.cpu += amount,
            "memory" => sum.memory += amount,
            name if is_gpu(name) => sum.gpu += amount,
            name if name.contains('/') => sum.custom += amount,
            _ => {}
        }
    }
    sum.by_name = by_name;
    Ok(sum)
}

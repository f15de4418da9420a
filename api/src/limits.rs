//! Limits as they are set on organizations, projects, agents and queues: quotas and rates, read and shown alike.

use std::collections::BTreeMap;

use berth_domain::quantity::Quantity;
use berth_domain::scheduling::{InvalidRate, LimitPatch, LimitSettings};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::params::shown;
use crate::problem::Problem;

/// The most resources that one thing has quotas of.
const MOST_QUOTAS: usize = 64;

/// A quota as it is given: of each resource, or Polyaxon's single amount, whose `resource` stands beside it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum GivenQuota {
    /// `{"gpu": "8"}`, numbers allowed.
    Each(BTreeMap<String, Value>),
    /// `"8"`.
    One(String),
}

/// What was given of limits.
#[derive(Debug, Default)]
pub(crate) struct Given<'a> {
    pub(crate) quota: Option<&'a Option<GivenQuota>>,
    pub(crate) resource: Option<&'a str>,
    pub(crate) rate: Option<&'a Option<String>>,
}

impl Given<'_> {
    /// What is to change.
    ///
    /// # Errors
    /// A quantity or a rate that is none, a negative one, too many.
    pub(crate) fn patch(&self) -> Result<LimitPatch, Problem> {
        let mut patch = LimitPatch::default();
        if let Some(quota) = self.quota {
            let amounts: BTreeMap<_, _> = match quota {
                None => BTreeMap::new(),
                Some(GivenQuota::Each(amounts)) => amounts
                    .iter()
                    .map(|(resource, amount)| one(resource, amount))
                    .collect::<Result<_, _>>()?,
                Some(GivenQuota::One(amount)) if amount.is_empty() => BTreeMap::new(),
                Some(GivenQuota::One(amount)) => {
                    let resource =
                        self.resource.filter(|resource| !resource.is_empty()).ok_or_else(|| {
                            Problem::field(
                                "resource",
                                "a quota that is one amount needs the resource that it is of",
                            )
                        })?;
                    BTreeMap::from([one(resource, &json!(amount))?])
                }
            };
            if amounts.len() > MOST_QUOTAS {
                let message = format!("{} resources have a quota; allowed are {MOST_QUOTAS}", amounts.len());
                return Err(Problem::field("quota", message));
            }
            patch.quota = Some(amounts);
        }
        if let Some(rate) = self.rate {
            let read = rate.as_deref().filter(|rate| !rate.is_empty()).map(str::parse).transpose();
            patch.rate = Some(read.map_err(|error: InvalidRate| Problem::field("rate", error.to_string()))?);
        }
        Ok(patch)
    }

    /// The limits of something new.
    ///
    /// # Errors
    /// As [`Self::patch`].
    pub(crate) fn limits(&self) -> Result<LimitSettings, Problem> {
        let mut limits = LimitSettings::default();
        self.patch()?.apply(&mut limits);
        Ok(limits)
    }
}

fn one(resource: &str, amount: &Value) -> Result<(String, Quantity), Problem> {
    let name = resource.trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if name.is_empty() || name.len() > 317 || !name.chars().all(is_name) {
        let message = format!("`{}` names no resource: use letters, digits, -, _, . and /", shown(resource));
        return Err(Problem::field("quota", message));
    }
    let text = match amount {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        other => {
            let message =
                format!("the quota of `{name}` is {other}: use a quantity, such as 8, 500m or 64Gi");
            return Err(Problem::field("quota", message));
        }
    };
    let quantity: Quantity =
        text.parse().map_err(|error| Problem::field("quota", format!("the quota of `{name}`: {error}")))?;
    if quantity.is_negative() {
        return Err(Problem::field(
            "quota",
            format!("the quota of `{name}` is {quantity}, which is below zero"),
        ));
    }
    Ok((name.to_owned(), quantity))
}

/// The limits in an answer: `quotas` of each resource and `rate`; a single one also as Polyaxon's pair.
pub(crate) fn show(limits: &LimitSettings, answer: &mut Value) {
    let mut single = limits.quota.iter();
    let pair = single.next().filter(|_| limits.quota.len() == 1);
    answer["resource"] = json!(pair.map(|(resource, _)| resource));
    answer["quota"] = json!(pair.map(|(_, amount)| amount));
    answer["quotas"] = json!(limits.quota);
    answer["rate"] = json!(limits.rate);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(quota: &Value, resource: Option<&str>) -> Result<LimitSettings, String> {
        let quota: Option<GivenQuota> = serde_json::from_value(quota.clone()).unwrap();
        let given = Given { quota: Some(&quota), resource, rate: None };
        given.limits().map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn a_quota_is_a_map_or_polyaxons_pair() {
        let each = read(&json!({"gpu": 8, "memory": "64Gi"}), None).unwrap();
        assert_eq!(json!(each), json!({"quota": {"gpu": "8", "memory": "64Gi"}}));
        let one = read(&json!("8"), Some("gpu")).unwrap();
        let mut answer = json!({});
        show(&one, &mut answer);
        assert_eq!(answer, json!({"resource": "gpu", "quota": "8", "quotas": {"gpu": "8"}, "rate": null}));
        assert_eq!(read(&json!(null), None), Ok(LimitSettings::default()));
    }

    #[test]
    fn what_is_no_quota_is_refused_by_name() {
        for (quota, resource, said) in [
            (json!("8"), None, "a quota that is one amount needs the resource that it is of"),
            (json!({"gpu": "eight"}), None, "the quota of `gpu`: `eight` is not a quantity"),
            (json!({"gpu": -1}), None, "the quota of `gpu` is -1, which is below zero"),
            (json!({"g p": 1}), None, "`g p` names no resource"),
            (json!({"gpu": [1]}), None, "the quota of `gpu` is [1]: use a quantity"),
        ] {
            let error = read(&quota, resource).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}

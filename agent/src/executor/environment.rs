//! The variables that every attempt gets, whatever it is started with: Polyaxon's, and Berth's own.

use super::Order;

/// The variable that holds the id of an attempt's own object, by which everything it starts is known.
pub(crate) const UID_VARIABLE: &str = "BERTH_ATTEMPT_UID";

/// The variables of `order`, whose run is named `name`; [`UID_VARIABLE`] is the executor's to add.
pub(super) fn own_environment(order: &Order, name: Option<&str>) -> Vec<(&'static str, String)> {
    let run = order.attempt.run.to_string();
    vec![
        ("POLYAXON_RUN_UUID", run.clone()),
        ("POLYAXON_RUN_INSTANCE", format!("{}.{}.runs.{run}", order.owner, order.project)),
        ("POLYAXON_OWNER", order.owner.clone()),
        ("POLYAXON_PROJECT", order.project.clone()),
        ("BERTH_RUN", run),
        ("BERTH_RUN_NAME", name.unwrap_or_default().to_owned()),
        ("BERTH_ATTEMPT", order.attempt.attempt.to_string()),
        ("BERTH_OWNER", order.owner.clone()),
        ("BERTH_PROJECT", order.project.clone()),
        ("BERTH_AGENT", order.agent.clone()),
        ("BERTH_QUEUE", order.queue.clone()),
    ]
}

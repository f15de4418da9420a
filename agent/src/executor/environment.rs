//! The variables that every attempt gets, whatever it is started with: Polyaxon's, and Berth's own.

use berth_domain::protocol::AttemptRef;

use super::{Order, OrderTrace};

/// The variable that holds the id of an attempt's own object, by which everything it starts is known.
pub(crate) const UID_VARIABLE: &str = "BERTH_ATTEMPT_UID";

/// How a program joins the trace that its run is in, and what it may say of itself there. One that sets them itself knows
/// better.
pub(crate) const TRACE_VARIABLES: [&str; 3] = ["TRACEPARENT", "TRACESTATE", "OTEL_RESOURCE_ATTRIBUTES"];

/// The variables of `order`, whose run is named `name`; [`UID_VARIABLE`] is the executor's to add.
pub(super) fn own_environment(order: &Order, name: Option<&str>) -> Vec<(&'static str, String)> {
    let run = order.attempt.run.to_string();
    let mut own = vec![
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
    ];
    own.extend(order.trace.iter().flat_map(|trace| trace_variables(order, trace)));
    own
}

fn trace_variables(order: &Order, trace: &OrderTrace) -> impl Iterator<Item = (&'static str, String)> {
    let [parent, state, attributes] = TRACE_VARIABLES;
    let AttemptRef { run, attempt } = order.attempt;
    let said = format!(
        "berth.run.uuid={run},berth.attempt={attempt},berth.agent={},berth.queue={}",
        order.agent, order.queue
    );
    [
        Some((parent, trace.joined.traceparent())),
        trace.joined.tracestate().map(|text| (state, text.to_owned())),
        Some((attributes, said)),
    ]
    .into_iter()
    .flatten()
}

//! A waiting run's operation as it is in another queue: compiled anew from what came, over what that queue and its agent
//! lay under their runs.

use berth_domain::compile::{Compiled, Context, Origins, compile, compile_over};
use berth_domain::lifecycle::RetryPolicy;
use berth_domain::scheduling::{Destination, LaneKey, lacking};
use berth_domain::spec::{Format, parse};
use berth_domain::time::Time;
use berth_store::{Agent, Project, Queue, Recompiled, Run};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::authenticate::Caller;
use crate::defaults;
use crate::presets;
use crate::problem::Problem;
use crate::submit::invalid;

/// What a run is in another queue.
pub(crate) struct Elsewhere {
    /// Its operation.
    pub operation: Recompiled,
    /// Its retries.
    pub policy: RetryPolicy,
}

/// Compiles a run of which `raw` came for another queue.
///
/// # Errors
/// 400 with why it can't be there.
pub(crate) async fn for_queue(
    app: &App,
    caller: &Caller,
    run: &Run,
    raw: &str,
    (agent, queue, place): (&Agent, &Queue, &Destination),
) -> Result<Elsewhere, Problem> {
    let (compiled, origins) = compiled(app, caller, run, raw, (agent, queue)).await?;
    let project = app.directory.project(&app.store, &run.owner, &run.project, app.wake.settings()).await?;
    fits(place, &project, run, &compiled, caller.now)?;
    let content = serde_json::to_string(&compiled.operation).map_err(|error| Problem::internal(&error))?;
    let termination = compiled.operation.termination.as_ref();
    let policy = RetryPolicy {
        max_retries: termination.and_then(|termination| termination.max_retries).unwrap_or(0),
        overrides: compiled.routing.retry.clone(),
    };
    let timeout = termination.and_then(|termination| termination.timeout);
    let lane = LaneKey { demand: compiled.resources.demand(), ..run.lane.clone() };
    let lane = lane.shared_by(&queue.sharing.fairness, compiled.operation.run.labels());
    let operation = Recompiled {
        spec_hash: Sha256::digest(content.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect(),
        content,
        timeout_ms: timeout.map(|seconds| seconds.saturating_mul(1_000)),
        resources: serde_json::to_value(&compiled.resources).map_err(|error| Problem::internal(&error))?,
        origins: origins.map(|origins| json!(origins)),
        needs: compiled.needs,
        lane,
    };
    Ok(Elsewhere { operation, policy })
}

async fn compiled(
    app: &App,
    caller: &Caller,
    run: &Run,
    raw: &str,
    place: (&Agent, &Queue),
) -> Result<(Compiled, Option<Origins>), Problem> {
    let operation = parse(raw, Format::Auto, &app.spec_limits).map_err(invalid)?;
    let context = Context {
        uuid: run.id.uuid(),
        name: run.name.clone(),
        owner: run.owner.clone(),
        project: run.project.clone(),
        project_uuid: run.project_id.uuid(),
        username: run.username.clone().unwrap_or_default(),
        created_at: run.created_at,
        compiled_at: caller.now,
        schedule_at: run.schedule_at,
        cloning_kind: run.cloning_kind.clone(),
        original_uuid: run.original_id.map(berth_domain::id::Id::uuid),
        ..Context::default()
    };
    if let Some((compiled, origins)) = defaults::laid_under(app, &operation, &context, place).await? {
        return Ok((compiled, Some(origins)));
    }
    let presets = presets::layers(app, &run.owner, presets::named(&operation)).await?;
    if presets.is_empty() {
        return Ok((compile(&operation, &context, &app.spec_limits).map_err(invalid)?, None));
    }
    let (compiled, origins) =
        compile_over(&presets, &operation, &context, &app.spec_limits).map_err(invalid)?;
    Ok((compiled, Some(origins)))
}

/// Refuses what the agent could not do, as far as it has said what it can, and what the run's project may not use.
fn fits(
    place: &Destination,
    project: &Project,
    run: &Run,
    compiled: &Compiled,
    now: Time,
) -> Result<(), Problem> {
    let host = &place.host;
    if !place.may_take(compiled.needs, now) {
        let missing = compiled.needs.without(host.can);
        return Err(Problem::bad_request(lacking(&host.name, host.can, missing)));
    }
    if let Some(allowed) = project.confinement.outside(&host.name, &place.name) {
        let message = format!("project {} may not use {place}: it is confined to {allowed}", project.name);
        return Err(Problem::bad_request(message));
    }
    let namespace = run.namespace.as_deref().and_then(|namespace| host.lacks_namespace(namespace));
    let connections = compiled.routing.connections.iter().map(String::as_str);
    match namespace.or_else(|| host.lacks_connection(connections)) {
        Some(reason) => Err(Problem::bad_request(reason)),
        None => Ok(()),
    }
}

//! One attempt, one pod: asked for within its claim's validity, again where trying again may help, and never taken for
//! refused while an earlier try may have landed.

use std::io;

use berth_domain::time::Time;
use k8s_openapi::api::core::v1::Pod;

use super::super::{CreateError, Object, Order, Refusal, Trouble};
use super::api::{self, Created};
use super::status::{self, annotation, label};
use super::{Inner, names, pod};

/// Creates the attempt's pod, or finds it created already.
pub(super) async fn create(inner: &Inner, order: &Order) -> Result<Object, CreateError> {
    let attempt = order.attempt;
    inner.may_create().map_err(|source| CreateError::Trouble { attempt, source })?;
    let refused = |refusal| CreateError::Refused { attempt, refusal };
    let plan = pod::plan(order, &inner.defaults()).map_err(refused)?;
    let (namespace, pod) = plan.until(claim_over(inner, order));
    let mut last = None;
    let mut may_have_landed = false;
    loop {
        let left = order.create_by.since(inner.settings.uptime.now());
        let Ok(turn) = tokio::time::timeout(left, inner.pace.turn()).await else { break };
        // As close as can be to the request.
        if inner.settings.uptime.now() >= order.create_by {
            break;
        }
        match api::create(&inner.client, &namespace, &pod).await {
            Created::Pod(pod) => {
                turn.went_well();
                return noted(inner, order, &pod);
            }
            Created::Exists => {
                turn.went_well();
                return existing(inner, order).await?.ok_or(CreateError::Late(attempt));
            }
            Created::Refused(words) if !may_have_landed => {
                turn.went_well();
                return Err(refused(Refusal { reason: "Refused", message: words }));
            }
            Created::Refused(words) | Created::Forbidden(words) => {
                last = Some(words);
                break;
            }
            Created::Busy { retry_after, words } => {
                turn.was_pushed_back(retry_after);
                last = Some(words);
            }
            Created::Unsure(words) => {
                turn.was_pushed_back(None);
                may_have_landed = true;
                last = Some(words);
            }
        }
    }
    if may_have_landed && let Ok(Some(found)) = existing(inner, order).await {
        return Ok(found);
    }
    Err(match last {
        Some(words) => trouble(order, io::Error::other(words)),
        None => CreateError::Late(attempt),
    })
}

/// Until when a create of this claim can still land, by the wall clock.
fn claim_over(inner: &Inner, order: &Order) -> Time {
    let left = order.create_by.since(inner.settings.uptime.now());
    inner.settings.clock.now().plus(left + inner.settings.create_grace())
}

fn trouble(order: &Order, source: io::Error) -> CreateError {
    let doing = format!("can't create the pod {}", names::pod_name(order.attempt));
    CreateError::Trouble { attempt: order.attempt, source: Trouble { doing, source } }
}

/// The pod of the same attempt that is there already.
async fn existing(inner: &Inner, order: &Order) -> Result<Option<Object>, CreateError> {
    let attempt = order.attempt;
    let found = inner.find(attempt).await.map_err(|source| CreateError::Trouble { attempt, source })?;
    found.map(|pod| noted(inner, order, &pod)).transpose()
}

fn noted(inner: &Inner, order: &Order, pod: &Pod) -> Result<Object, CreateError> {
    let agent = label(pod, names::AGENT).unwrap_or_default();
    let spec_hash = annotation(pod, names::SPEC_HASH).unwrap_or_default();
    let reading = status::read(pod, inner.settings.patience).filter(|reading| {
        (reading.object.attempt, agent, spec_hash) == (order.attempt, &order.agent, &order.spec_hash)
    });
    let Some(reading) = reading else {
        let found = format!("agent `{agent}`, spec `{spec_hash}`");
        return Err(CreateError::Foreign { attempt: order.attempt, found });
    };
    let object = reading.object.clone();
    // A look at all must not miss it before the watch has told of it.
    if label(pod, names::RELEASED).is_none() {
        inner.view.note(reading);
    }
    Ok(object)
}

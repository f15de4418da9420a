//! Removal: what an agent holds here is ended and let go of, so that no finalizer is left that nobody would take off.
//!
//! [`drain`] is for an agent that is removed on purpose; [`leave`] for a replica that ends because its namespace goes.

use std::time::Duration;

use berth_domain::protocol::CLAIM_VALIDITY_SECONDS;
use k8s_openapi::api::core::v1::Pod;
use tokio::time::Instant;

use super::super::Trouble;
use super::settle::{self, Place};
use super::status;
use super::{Inner, api, names, replicas};
use crate::control::chain;
use crate::shim::exit;

/// How often what is left is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// How long replicas that live have to report ends, once no create can come any more. Pods end meanwhile.
const REPORTED: Duration = Duration::from_secs(30);
/// How much longer an API server may fail until it is given up.
const TROUBLE: Duration = Duration::from_secs(60);
/// When a create has landed that was begun before its replica heard that it may not.
const HEARD: Duration = Duration::from_secs(2 * replicas::SIGN_OF_LIFE.as_secs()).saturating_add(api::CALL);
/// How long a replica that leaves waits for pods to end, so that it can report how.
const LEAVE: Duration = Duration::from_secs(4);

/// Ends all pods of the agent and lets go of them: as their replicas do once the ends are taken in, or by itself where
/// nobody does.
pub(super) async fn drain(inner: &Inner) -> Result<(), Trouble> {
    let began = Instant::now();
    let patience = inner.settings.create_grace() + Duration::from_secs(CLAIM_VALIDITY_SECONDS) + REPORTED;
    let mut said = usize::MAX;
    loop {
        let waited = began.elapsed();
        match round(inner, waited >= patience).await {
            Ok(Left { held: 0, lives }) if !lives || waited >= HEARD => break,
            Ok(Left { held, .. }) => {
                if held != said {
                    tracing::info!(held, "agent.draining: pods are left");
                    said = held;
                }
            }
            Err(error) if waited >= patience + TROUBLE => return Err(error),
            Err(error) => tracing::warn!(error = %chain(&error), "agent.drain.failed: tries again"),
        }
        tokio::time::sleep(LOOK).await;
    }
    for namespace in &inner.namespaces {
        for (_, place) in pods(inner, namespace, &names::released(&inner.settings.agent)).await? {
            place.delete(Some(Duration::ZERO)).await?;
        }
    }
    tracing::info!(agent.name = inner.settings.agent, "agent.drained");
    Ok(())
}

struct Left {
    /// Pods whose finalizer is still on.
    held: usize,
    /// Whether a replica lives, which would report their ends.
    lives: bool,
}

async fn round(inner: &Inner, is_overdue: bool) -> Result<Left, Trouble> {
    replicas::say_draining(inner).await?;
    let lives = !replicas::alive(inner).await?.is_empty();
    let now = inner.settings.clock.now();
    let mut held = 0;
    for namespace in &inner.namespaces {
        for (pod, place) in pods(inner, namespace, &names::held(&inner.settings.agent)).await? {
            held += 1;
            let has_ended =
                status::read(&pod, inner.settings.patience).is_none_or(|one| one.object.is_ended());
            if !has_ended {
                place.end(&pod, &exit::removed(), None).await?;
            }
            let is_mine = is_overdue || (has_ended && !lives && now >= settle::claim_over(&pod));
            if is_mine {
                place.let_go().await?;
            }
        }
    }
    Ok(Left { held, lives })
}

async fn pods(inner: &Inner, namespace: &str, selector: &str) -> Result<Vec<(Pod, Place)>, Trouble> {
    let mut found = Vec::new();
    inner
        .each_pod(namespace, selector, |pod| {
            if let Some(place) = Place::of(inner, &pod) {
                found.push((pod, place));
            }
        })
        .await?;
    Ok(found)
}

/// Lets go of the pods in namespaces that are being deleted: the replica ends, perhaps with them, and nobody would.
pub(super) async fn leave(inner: &Inner) {
    let began = Instant::now();
    for namespace in &inner.namespaces {
        if !settle::is_going(inner, namespace).await {
            continue;
        }
        if let Err(error) = leave_one(inner, namespace, began).await {
            tracing::warn!(namespace, error = %chain(&error), "agent.leave.failed: pods may keep their finalizers");
        }
    }
}

async fn leave_one(inner: &Inner, namespace: &str, began: Instant) -> Result<(), Trouble> {
    let selector = names::held(&inner.settings.agent);
    loop {
        let held = pods(inner, namespace, &selector).await?;
        let live = held.iter().filter(|(pod, _)| {
            status::read(pod, inner.settings.patience).is_some_and(|one| !one.object.is_ended())
        });
        if live.count() == 0 || began.elapsed() >= LEAVE {
            for (_, place) in held {
                place.let_go().await?;
            }
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

//! What users come for, end to end: a control plane without access to any cluster, and agents that start pods on real
//! API servers, under the real scheduler, with no more than a Role in their namespaces.

#![expect(clippy::unwrap_used, reason = "tests panic where something is not as it should be")]

#[path = "kubernetes/archive.rs"]
mod archive;
#[path = "kubernetes/at_once.rs"]
mod at_once;
#[path = "kubernetes/clusters.rs"]
mod clusters;
#[path = "kubernetes/ground.rs"]
mod ground;
#[path = "kubernetes/logs.rs"]
mod logs;
#[path = "kubernetes/losses.rs"]
mod losses;
#[path = "kubernetes/memory.rs"]
mod memory;
#[path = "kubernetes/outages.rs"]
mod outages;
#[path = "kubernetes/placement.rs"]
mod placement;
#[path = "kubernetes/removal.rs"]
mod removal;
#[path = "kubernetes/replicas.rs"]
mod replicas;
#[path = "kubernetes/scaled.rs"]
mod scaled;
#[path = "kubernetes/scaling.rs"]
mod scaling;
#[path = "kubernetes/services.rs"]
mod services;
#[path = "kubernetes/traces.rs"]
mod traces;

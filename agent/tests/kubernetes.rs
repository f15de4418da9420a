//! What the Kubernetes executor promises, tried on a real API server with the real scheduler, as a service account that
//! has the Role of `deploy/kubernetes` and nothing else.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test says what is wrong by breaking")]

#[path = "kubernetes/clock.rs"]
mod clock;
#[path = "kubernetes/conformance.rs"]
mod conformance;
#[path = "kubernetes/ends.rs"]
mod ends;
#[path = "kubernetes/events.rs"]
mod events;
#[path = "kubernetes/image.rs"]
mod image;
#[path = "kubernetes/node.rs"]
mod node;
#[path = "kubernetes/outage.rs"]
mod outage;
#[path = "kubernetes/rig.rs"]
mod rig;
#[path = "kubernetes/rights.rs"]
mod rights;
#[path = "kubernetes/served.rs"]
mod served;
#[path = "kubernetes/services.rs"]
mod services;
#[path = "kubernetes/transfer.rs"]
mod transfer;

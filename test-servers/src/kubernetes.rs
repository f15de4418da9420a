//! A real Kubernetes for tests: a control plane of one's own, fake nodes, and a real node where the machine allows it.
//!
//! [`Cluster`] is the way in. The programs are built once from the module in `integration-tests/kube` (see
//! `scripts/kube.sh`). Nothing here knows what is tested with it.

mod audit;
mod cluster;
mod control_plane;
mod etcd;
mod fake_nodes;
mod kubeconfig;
mod namespace;
mod options;
mod programs;
mod real_node;
mod rights;
mod surroundings;
mod waiting;

pub use audit::AuditEvent;
pub use cluster::Cluster;
pub use fake_nodes::{ANNOTATION, FakeNode, FakeNodes};
pub use namespace::Namespace;
pub use options::Options;
pub use programs::programs;
pub use real_node::{BUSYBOX, RealNode, Turn};
pub use surroundings::rounds;
pub use waiting::{until, until_or};

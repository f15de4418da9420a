//! The Helm chart: what it makes of its examples is accepted by a real API server, what it must refuse is refused by name,
//! and what it installs works on a real node, is upgraded under load and leaves nothing behind.

#![expect(clippy::unwrap_used, reason = "tests panic where something is not as it should be")]

#[path = "chart/examples.rs"]
mod examples;
#[path = "chart/installed.rs"]
mod installed;
#[path = "chart/load.rs"]
mod load;
#[path = "chart/monitors.rs"]
mod monitors;
#[path = "chart/names.rs"]
mod names;
#[path = "chart/rendered.rs"]
mod rendered;
#[path = "chart/values.rs"]
mod values;

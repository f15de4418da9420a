//! What a test may ask of its control plane, as data.

use std::time::Duration;

/// How a control plane is started. The defaults suit most tests; a field says when to change it.
#[derive(Debug, Clone)]
pub struct Options {
    /// Write an audit log: who asked for what, and when it was answered. For order across clusters.
    pub audit: bool,
    /// For how long a node may be silent before it counts as lost. Long by default: no test loses a node by accident
    /// on a busy machine. At least four of the nodes' heartbeats of 3 s where a lost node is the point.
    pub node_monitor_grace_period: Duration,
    /// Requests per second that the scheduler may make. The stock 50 is real, and slow for load.
    pub scheduler_qps: u32,
    /// Feature gates of every component, as `Name=true`.
    pub feature_gates: Vec<String>,
    /// More arguments for the API server, as `--max-requests-inflight=10`; they come last and so win.
    pub api_server_arguments: Vec<String>,
    /// More arguments for the controller manager.
    pub controller_manager_arguments: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            audit: false,
            node_monitor_grace_period: Duration::from_secs(600),
            scheduler_qps: 1000,
            feature_gates: Vec::new(),
            api_server_arguments: Vec::new(),
            controller_manager_arguments: Vec::new(),
        }
    }
}

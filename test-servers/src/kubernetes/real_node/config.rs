//! The configuration files of a real node: container runtime, network, kubelet.

use std::path::Path;

use serde_json::json;

use super::image::PAUSE;
use super::{ADDRESS, BRIDGE, CGROUP, GATEWAY, SUBNET};

/// The port of the kubelet, on the node's own address.
pub(super) const KUBELET_PORT: u16 = 10250;

/// containerd with its stock places, which the node's own file systems cover.
pub(super) fn containerd(folder: &Path) -> String {
    let network = folder.join("network");
    format!(
        r#"version = 2
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE}"
# Without CAP_SYS_RESOURCE the score can't be lowered, and a container would not start.
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{network}"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"#,
        network = network.display()
    )
}

/// A bridge with addresses for this host alone. No packet is forwarded or masked, so no rule of the machine changes.
pub(super) fn network() -> String {
    let config = json!({
        "cniVersion": "0.4.0",
        "name": "berth-test",
        "plugins": [{
            "type": "bridge",
            "bridge": BRIDGE,
            "isGateway": true,
            "ipMasq": false,
            "ipam": { "type": "host-local", "ranges": [[{ "subnet": SUBNET, "gateway": GATEWAY }]] },
        }],
    });
    config.to_string()
}

/// A kubelet that manages nothing of the machine, on control groups of version 1 or 2.
pub(super) fn kubelet(folder: &Path, authority: &Path) -> String {
    let config = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": ADDRESS,
        "port": KUBELET_PORT,
        "healthzPort": 0,
        "authentication": {
            "anonymous": { "enabled": false },
            "webhook": { "enabled": false },
            "x509": { "clientCAFile": authority },
        },
        "authorization": { "mode": "AlwaysAllow" },
        "tlsCertFile": folder.join("kubelet.crt"),
        "tlsPrivateKeyFile": folder.join("kubelet.key"),
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{CGROUP}"),
        "failCgroupV1": false,
        "failSwapOn": false,
        "enforceNodeAllocatable": [],
        "makeIPTablesUtilChains": false,
        "oomScoreAdj": 0,
        // The disk is the machine's, however full.
        "evictionHard": { "memory.available": "0%", "nodefs.available": "0%", "imagefs.available": "0%" },
        "imageGCHighThresholdPercent": 100,
        "resolvConf": folder.join("resolv.conf"),
        "volumePluginDir": "/var/lib/kubelet/plugins",
        "syncFrequency": "1s",
        "nodeStatusUpdateFrequency": "3s",
    });
    config.to_string()
}

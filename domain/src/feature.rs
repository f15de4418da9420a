//! Features: what an operation needs of the executor that runs it, and what an agent says that its can do.
//!
//! On the wire and in answers they are names. In the store they are bits, so that a database compares them: an agent
//! fits if none of the bits that a run needs is missing in its own. What an executor doesn't know the name of it can't
//! need; what an agent names and this release doesn't know changes nothing.

use std::fmt;

use crate::compile::{CompiledOperation, Environment};
use crate::lifecycle::culling;

/// Something that not every executor can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// Runs of the kind `service`.
    Service,
    /// An image's own entry point, where the operation gives no command.
    Image,
    /// `run.init`.
    Init,
    /// `run.sidecars`.
    Sidecars,
    /// `run.volumes`, and what a container mounts of them.
    Volumes,
    /// `run.connections`.
    Connections,
    /// Variables out of secrets, config maps and fields of the pod.
    EnvFrom,
    /// Ports of a container.
    Ports,
    /// What of `run.environment` decides where and as whom a pod runs.
    KubernetesEnvironment,
    /// Idle culling of a service by a command.
    ExecProbe,
    /// Steps of `run.init` that bring no container of their own.
    Fetch,
}

impl Feature {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Service,
        Self::Image,
        Self::Init,
        Self::Sidecars,
        Self::Volumes,
        Self::Connections,
        Self::EnvFrom,
        Self::Ports,
        Self::KubernetesEnvironment,
        Self::ExecProbe,
        Self::Fetch,
    ];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Image => "image",
            Self::Init => "init",
            Self::Sidecars => "sidecars",
            Self::Volumes => "volumes",
            Self::Connections => "connections",
            Self::EnvFrom => "env-from",
            Self::Ports => "ports",
            Self::KubernetesEnvironment => "kubernetes-environment",
            Self::ExecProbe => "exec-probe",
            Self::Fetch => "init-fetch",
        }
    }

    /// Where an operation asks for it.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Service => "run.kind",
            Self::Image => "run.container.command",
            Self::Init | Self::Fetch => "run.init",
            Self::Sidecars => "run.sidecars",
            Self::Volumes => "run.volumes",
            Self::Connections => "run.connections",
            Self::EnvFrom => "run.container.env",
            Self::Ports => "run.container.ports",
            Self::KubernetesEnvironment => "run.environment",
            Self::ExecProbe => "termination.probe.exec",
        }
    }

    /// Its bit, which is kept in databases: it never changes.
    const fn bit(self) -> u32 {
        match self {
            Self::Service => 1,
            Self::Image => 1 << 1,
            Self::Init => 1 << 2,
            Self::Sidecars => 1 << 3,
            Self::Volumes => 1 << 4,
            Self::Connections => 1 << 5,
            Self::EnvFrom => 1 << 6,
            Self::Ports => 1 << 7,
            Self::KubernetesEnvironment => 1 << 8,
            Self::ExecProbe => 1 << 9,
            Self::Fetch => 1 << 10,
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Some features.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Features(u32);

impl Features {
    /// The first of these names that this release doesn't know.
    pub fn unknown<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        names.into_iter().find(|name| Feature::ALL.iter().all(|feature| feature.as_str() != *name))
    }

    /// Those of these names that are known.
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        names.into_iter().filter_map(|name| Feature::ALL.into_iter().find(|f| f.as_str() == name)).collect()
    }

    /// Those of these bits that are known.
    #[must_use]
    pub fn of_bits(bits: i64) -> Self {
        Feature::ALL.into_iter().filter(|feature| bits & i64::from(feature.bit()) != 0).collect()
    }

    /// As bits, for the store.
    #[must_use]
    pub fn bits(self) -> i64 {
        i64::from(self.0)
    }

    /// Whether that one is among them.
    #[must_use]
    pub const fn has(self, feature: Feature) -> bool {
        self.0 & feature.bit() != 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        Feature::ALL.into_iter().filter(move |feature| self.has(*feature))
    }

    /// Those of them that `can` has not.
    #[must_use]
    pub const fn without(self, can: Self) -> Self {
        Self(self.0 & !can.0)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their names.
    #[must_use]
    pub fn names(self) -> Vec<String> {
        self.iter().map(|feature| feature.as_str().to_owned()).collect()
    }
}

impl FromIterator<Feature> for Features {
    fn from_iter<T: IntoIterator<Item = Feature>>(features: T) -> Self {
        Self(features.into_iter().fold(0, |bits, feature| bits | feature.bit()))
    }
}

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.iter().map(|feature| format!("`{feature}`")).collect();
        f.write_str(&names.join(", "))
    }
}

/// What an operation needs.
#[must_use]
pub fn needs(operation: &CompiledOperation) -> Features {
    let run = &operation.run;
    let main = &run.container;
    let needed = |feature: &Feature| match feature {
        Feature::Service => run.service().is_some(),
        Feature::Image => main.command.first().is_none_or(String::is_empty),
        Feature::Init => !run.init.is_empty(),
        Feature::Fetch => run.init.iter().any(|step| step.container.is_none()),
        Feature::Sidecars => !run.sidecars.is_empty(),
        Feature::Volumes => {
            !run.volumes.is_empty()
                || !main.volume_mounts.is_empty()
                || main
                    .rest
                    .get("volumeDevices")
                    .and_then(|devices| devices.as_array())
                    .is_some_and(|d| !d.is_empty())
        }
        Feature::Connections => {
            !run.connections.is_empty() || run.init.iter().any(|init| init.connection.is_some())
        }
        Feature::EnvFrom => {
            !main.env_from.is_empty() || main.env.iter().any(|variable| variable.value_from.is_some())
        }
        Feature::Ports => !main.ports.is_empty(),
        Feature::KubernetesEnvironment => run.environment.as_ref().is_some_and(decides_placement),
        Feature::ExecProbe => run.service().is_some() && is_culled_by_a_command(operation),
    };
    Feature::ALL.into_iter().filter(needed).collect()
}

fn is_culled_by_a_command(operation: &CompiledOperation) -> bool {
    let termination = operation.termination.as_ref().filter(|one| culling::limit(one).is_some());
    termination.and_then(|one| one.probe.as_ref()).is_some_and(|probe| probe.exec.is_some())
}

/// Whether an environment says where or as whom a pod runs: what would be wrong to leave out. Labels, annotations,
/// tolerations, priorities and pull secrets only allow something, or are for others to read.
fn decides_placement(environment: &Environment) -> bool {
    let Environment {
        labels: _,
        annotations: _,
        tolerations: _,
        image_pull_secrets: _,
        priority_class_name: _,
        priority: _,
        restart_policy: _,
        node_selector,
        affinity,
        node_name,
        service_account_name,
        host_aliases,
        security_context,
        host_network,
        host_pid,
        dns_policy,
        dns_config,
        scheduler_name,
        runtime_class_name,
    } = environment;
    !node_selector.is_empty()
        || !host_aliases.is_empty()
        || [affinity, security_context, dns_config].into_iter().any(Option::is_some)
        || [node_name, service_account_name, dns_policy, scheduler_name, runtime_class_name]
            .into_iter()
            .any(Option::is_some)
        || [host_network, host_pid].into_iter().any(|flag| *flag == Some(true))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_feature_is_needed_by_what_asks_for_it_and_by_nothing_else() {
        let of = |run: serde_json::Value| {
            let operation: CompiledOperation = serde_json::from_value(json!({ "run": run })).unwrap();
            needs(&operation).names()
        };
        let c = || json!({"command": ["x"]});
        assert_eq!(of(json!({"kind": "job", "container": c()})), Vec::<String>::new());
        for (run, expected) in [
            (json!({"kind": "service", "container": c()}), "service"),
            (json!({"kind": "job", "container": {"image": "a"}}), "image"),
            (json!({"kind": "job", "container": c(), "init": [{"container": {"image": "a"}}]}), "init"),
            (json!({"kind": "job", "container": c(), "sidecars": [{"name": "s"}]}), "sidecars"),
            (json!({"kind": "job", "container": c(), "volumes": [{"name": "v"}]}), "volumes"),
            (json!({"kind": "job", "container": {"command": ["x"], "volumeDevices": [1]}}), "volumes"),
            (json!({"kind": "job", "container": c(), "connections": ["s3"]}), "connections"),
            (json!({"kind": "job", "container": {"command": ["x"], "envFrom": [{}]}}), "env-from"),
            (
                json!({"kind": "job", "container": {"command": ["x"], "ports": [{"containerPort": 1}]}}),
                "ports",
            ),
            (
                json!({"kind": "job", "container": c(), "environment": {"nodeSelector": {"a": "b"}}}),
                "kubernetes-environment",
            ),
        ] {
            assert_eq!(of(run.clone()), [expected], "{run}");
        }
        let culled = json!({"run": {"kind": "service", "container": c()}, "termination": {
            "culling": {"timeout": 60}, "probe": {"exec": {"command": ["true"]}},
        }});
        let operation: CompiledOperation = serde_json::from_value(culled).unwrap();
        assert_eq!(needs(&operation).names(), ["service", "exec-probe"]);
        let fetched = json!({"kind": "job", "container": c(), "init": [{"git": {"url": "u"}}]});
        assert_eq!(of(fetched), ["init", "init-fetch"]);
        let harmless = json!({"labels": {"a": "b"}, "tolerations": [{"key": "a"}], "hostNetwork": false});
        assert!(of(json!({"kind": "job", "container": c(), "environment": harmless})).is_empty());
    }

    #[test]
    fn names_and_bits_stand_for_the_same() {
        let all: Features = Feature::ALL.into_iter().collect();
        assert_eq!(Features::of_bits(all.bits()), all);
        assert_eq!(Features::of_bits(-1), all);
        assert_eq!(Features::named(all.names().iter().map(String::as_str)), all);
        assert_eq!(Features::named(["process", "service"]).names(), ["service"]);
        assert_eq!(all.without(Features::named(["init"])).iter().count(), Feature::ALL.len() - 1);
        let bits: std::collections::BTreeSet<u32> = Feature::ALL.iter().map(|f| f.bit()).collect();
        assert_eq!(bits.len(), Feature::ALL.len());
    }
}

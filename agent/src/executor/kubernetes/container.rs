//! The containers of an attempt's pod: the main one, what runs before it, and what runs beside it.
//!
//! Sidecars become Kubernetes' own: init containers that are restarted, started in order before the main container
//! and ended by the kubelet after it. So the main container's end is the pod's end, agent or no agent. Pure.

use std::collections::BTreeMap;

use berth_domain::compile::{Container, Runtime};
use serde_json::{Value, json};

use super::super::Refusal;
use super::super::environment::{TRACE_VARIABLES, UID_VARIABLE};
use super::connection::{self, Given};
use super::names::MAIN_CONTAINER;
use super::pod::unsupported;
use super::transfer::{self, Helper, Made, Shared};
use crate::connections::Connections;

/// The volume behind `/dev/shm`.
const SHM: &str = "polyaxon-shm";

/// What runs in a pod, and what that needs of it.
#[derive(Debug, Default)]
pub(super) struct Containers {
    /// What the run is about.
    pub(super) main: Value,
    /// What runs before it, and then what runs beside it.
    pub(super) init: Vec<Value>,
    /// The volumes of what they reach.
    pub(super) volumes: Vec<Value>,
    /// What their images are pulled with, beside what the environment says.
    pub(super) pull_secrets: Vec<String>,
    /// Annotations of what they reach.
    pub(super) annotations: BTreeMap<String, String>,
}

impl Containers {
    /// Gives a container what it reaches.
    fn give(&mut self, container: &mut Value, given: &Given) {
        given.lay_under(container);
        connection::add_volumes(&mut self.volumes, &given.volumes);
        let known = &mut self.pull_secrets;
        known.extend(
            given.pull_secrets.iter().filter(|name| !known.contains(name)).cloned().collect::<Vec<_>>(),
        );
        self.annotations.extend(given.annotations.clone());
    }

    /// Adds a container of our own.
    fn add(
        &mut self,
        made: Made<'_>,
        shared: &Shared,
        own: &[(&'static str, String)],
    ) -> Result<(), Refusal> {
        let mut container = one(&made.container, "", "", own)?;
        if let Some(connection) = made.reached {
            self.give(&mut container, &connection::given(&[connection]));
        }
        if let Some(mount) = made.mount {
            connection::list(&mut container, "volumeMounts").push(mount);
        }
        shared.mount(&mut container);
        self.init.push(container);
        Ok(())
    }
}

/// The containers of `run`, which is the run `uuid`; each gets the variables `own`. What the run names of
/// `connections`, its main container and its sidecars reach; what a step before it names, that step does. What
/// fetches and what collects is made of `helper`, the name of our image.
pub(super) fn containers(
    run: &Runtime,
    uuid: &str,
    connections: &Connections,
    helper: Option<&str>,
    collects: bool,
    own: &[(&'static str, String)],
    shm: bool,
) -> Result<Containers, Refusal> {
    let named = |(index, name): (usize, &String)| {
        connection::named(connections, name, &format!("run.connections[{index}]"))
    };
    let reached: Vec<_> = run.connections.iter().enumerate().map(named).collect::<Result<_, _>>()?;
    let reached = connection::given(&reached);
    let shared = Shared::of(run, uuid);
    let helper = helper.map(|image| Helper { image, run, uuid, connections });
    let mut all = Containers { volumes: shared.volumes.clone(), ..Containers::default() };
    let mut main = one(&run.container, "run.container", MAIN_CONTAINER, own)?;
    main["name"] = json!(MAIN_CONTAINER);
    let mounts_shm = run.container.volume_mounts.iter().any(|mount| mount.mount_path == "/dev/shm");
    if shm && !mounts_shm {
        let mount = json!({"name": SHM, "mountPath": "/dev/shm"});
        match main["volumeMounts"].as_array_mut() {
            Some(mounts) => mounts.push(mount),
            None => main["volumeMounts"] = json!([mount]),
        }
    }
    all.give(&mut main, &reached);
    shared.mount(&mut main);
    let collector = match (&helper, connections.artifacts_store()) {
        (Some(helper), Some(store)) if collects => helper.collector(store)?,
        _ => None,
    };
    if let (Some(_), Some(store)) = (&collector, connections.artifacts_store()) {
        transfer::tell_of_store(&mut main, &store.name);
    }
    all.main = main;
    for (index, step) in run.init.iter().enumerate() {
        let Some(container) = &step.container else {
            let Some(helper) = &helper else {
                let why =
                    "needs a container of Berth's own, and this agent has no image for it: `--helper-image`";
                return Err(unsupported(&format!("run.init[{index}]"), why));
            };
            let made = helper.step(step, index)?;
            all.add(made, &shared, own)?;
            continue;
        };
        let name = format!("polyaxon-init-{index}");
        let mut container = one(container, &format!("run.init[{index}].container"), &name, own)?;
        if let Some(name) = &step.connection {
            let reached = connection::named(connections, name, &format!("run.init[{index}].connection"))?;
            all.give(&mut container, &connection::given(&[reached]));
        }
        shared.mount(&mut container);
        all.init.push(container);
    }
    // The first of those beside the main container: they end in the opposite order, and this one has to see what the
    // others leave.
    if let Some(made) = collector {
        all.add(made, &shared, own)?;
        if let Some(container) = all.init.last_mut() {
            container["restartPolicy"] = json!("Always");
        }
    }
    for (index, sidecar) in run.sidecars.iter().enumerate() {
        let field = format!("run.sidecars[{index}]");
        let mut container = one(sidecar, &field, &format!("polyaxon-sidecar-{index}"), own)?;
        container["restartPolicy"] = json!("Always");
        all.give(&mut container, &reached);
        shared.mount(&mut container);
        all.init.push(container);
    }
    Ok(all)
}

fn one(
    container: &Container,
    field: &str,
    name: &str,
    own: &[(&'static str, String)],
) -> Result<Value, Refusal> {
    if container.image.as_deref().is_none_or(str::is_empty) {
        return Err(unsupported(&format!("{field}.image"), "is missing; a pod's container needs one"));
    }
    if container.rest.contains_key("restartPolicy") {
        let why = "is not supported: an attempt's pod is executed once";
        return Err(unsupported(&format!("{field}.restartPolicy"), why));
    }
    let mut value = json!(container);
    if container.name.as_deref().is_none_or(str::is_empty) {
        value["name"] = json!(name);
    }
    value["env"] = json!(environment(container, own));
    Ok(value)
}

/// The container's own variables, each name once as its last holds, and then Berth's, which hold over them but for those of
/// a trace.
fn environment(container: &Container, own: &[(&'static str, String)]) -> Vec<Value> {
    let is_set = |name: &str| container.env.iter().any(|variable| variable.name == name);
    let is_left = |name: &str| TRACE_VARIABLES.contains(&name) && is_set(name);
    let own = || own.iter().filter(|(name, _)| !is_left(name));
    let is_own = |name: &str| name == UID_VARIABLE || own().any(|(taken, _)| *taken == name);
    let mut variables: Vec<Value> = Vec::new();
    for (at, variable) in container.env.iter().enumerate() {
        let later = container.env[at + 1..].iter().any(|other| other.name == variable.name);
        if !later && !is_own(&variable.name) {
            variables.push(json!(variable));
        }
    }
    variables.extend(own().map(|(name, value)| json!({"name": name, "value": value})));
    let uid = json!({"fieldRef": {"fieldPath": "metadata.uid"}});
    variables.push(json!({"name": UID_VARIABLE, "valueFrom": uid}));
    variables
}

/// The volume of [`SHM`]: memory, counted as the container's.
pub(super) fn shm_volume() -> Value {
    json!({"name": SHM, "emptyDir": {"medium": "Memory"}})
}

//! Containers of our own image in a pod: what fetches before a run begins, and what collects when it is over. Pure.
//!
//! All containers of a pod share the folder that Polyaxon calls the context, and the folders that its steps fill.

mod dockerfile;
mod git;
mod needs;

use std::path::{Path, PathBuf};

use berth_domain::compile::{Container, Init, Runtime};
use serde_json::{Value, json};

use super::super::Refusal;
use super::connection;
use super::pod::unsupported;
use crate::connections::{Connection, Connections, Reach};
use crate::transfer::{StoreAt, Task, Wanted, WantedKind};

/// The container that collects what a run leaves.
pub(super) const COLLECTOR: &str = "polyaxon-collector";
/// Where the program is in our image.
const PROGRAM: &str = "/berth";
/// The volume of the context, and where it is.
const CONTEXT: &str = "polyaxon-context";
const CONTEXT_PATH: &str = "/plx-context/artifacts";
/// Tells a container where the outputs of its run belong.
pub(super) const OUTPUTS_VARIABLE: &str = "POLYAXON_RUN_OUTPUTS_PATH";

/// What all containers of a pod share: volumes, and where they are.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) volumes: Vec<Value>,
    mounts: Vec<Value>,
}

impl Shared {
    /// The context, and the folders that steps before `run` fill where no volume of its own is.
    pub(super) fn of(run: &Runtime, uuid: &str) -> Self {
        let mut shared = Self {
            volumes: vec![json!({"name": CONTEXT, "emptyDir": {}})],
            // The second one is there so that the folder is made.
            mounts: vec![
                json!({"name": CONTEXT, "mountPath": CONTEXT_PATH}),
                json!({"name": CONTEXT, "mountPath": outputs(uuid), "subPath": format!("{uuid}/outputs")}),
            ],
        };
        for path in run.init.iter().filter_map(folder) {
            let is_shared = shared.mounts.iter().any(|mount| covers(mount["mountPath"].as_str(), path));
            if is_shared || own_mount(&run.container, path).is_some() {
                continue;
            }
            let name = format!("polyaxon-init-{}", shared.volumes.len());
            shared.volumes.push(json!({"name": name, "emptyDir": {}}));
            shared.mounts.push(json!({"name": name, "mountPath": path}));
        }
        shared
    }

    /// Mounts it in a container, but for where the container has a volume of its own.
    pub(super) fn mount(&self, container: &mut Value) {
        let taken: Vec<Value> = container["volumeMounts"].as_array().cloned().unwrap_or_default();
        let is_free = |mount: &&Value| {
            let path = mount["mountPath"].as_str().unwrap_or_default();
            !taken.iter().any(|own| covers(own["mountPath"].as_str(), path))
        };
        let mut all = taken.clone();
        all.extend(self.mounts.iter().filter(is_free).cloned());
        container["volumeMounts"] = json!(all);
    }
}

/// Where the outputs of a run belong.
pub(super) fn outputs(uuid: &str) -> String {
    format!("{CONTEXT_PATH}/{uuid}/outputs")
}

/// Tells the stock client that what its run leaves is collected, and where.
pub(super) fn tell_of_store(main: &mut Value, store: &str) {
    let variables = connection::list(main, "env");
    variables.push(json!({"name": "POLYAXON_COLLECT_ARTIFACTS", "value": "true"}));
    variables.push(json!({"name": "POLYAXON_ARTIFACTS_STORE_NAME", "value": store}));
}

/// Where a step puts things, if it says so.
fn folder(step: &Init) -> Option<&str> {
    step.path.as_deref().filter(|path| !path.is_empty())
}

/// Refuses a step that asks for what several containers would do.
pub(super) fn asks_for_one_thing(step: &Init, index: usize) -> Result<(), Refusal> {
    let asked = [
        ("file", step.file.is_some()),
        ("dockerfile", step.dockerfile.is_some()),
        ("git", step.git.is_some()),
        (
            if step.artifacts.is_some() { "artifacts" } else { "paths" },
            step.artifacts.is_some() || step.paths.is_some(),
        ),
        ("container", step.container.is_some()),
    ];
    let asked: Vec<&str> =
        asked.into_iter().filter_map(|(name, is_asked)| is_asked.then_some(name)).collect();
    if asked.len() < 2 {
        return Ok(());
    }
    let why = format!(
        "asks for {}; only one of them would be done: give each a step of its own",
        asked.join(" and ")
    );
    Err(unsupported(&format!("run.init[{index}]"), &why))
}

/// Whether `path` is at or below a mount.
fn covers(mount: Option<&str>, path: &str) -> bool {
    let mount = mount.unwrap_or_default().trim_end_matches('/');
    let path = path.trim_end_matches('/');
    path.strip_prefix(mount).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The volume of the main container in which a step's folder is.
fn own_mount(main: &Container, path: &str) -> Option<Value> {
    let mounts = main.volume_mounts.iter().filter(|mount| covers(Some(&mount.mount_path), path));
    mounts.max_by_key(|mount| mount.mount_path.len()).map(|mount| json!(mount))
}

/// What the containers of our own are made with.
pub(super) struct Helper<'a> {
    /// The image.
    pub(super) image: &'a str,
    /// The run that they are for.
    pub(super) run: &'a Runtime,
    /// Its id.
    pub(super) uuid: &'a str,
    /// What its agent has.
    pub(super) connections: &'a Connections,
}

/// A container of our own, and what it reaches.
pub(super) struct Made<'a> {
    pub(super) container: Container,
    pub(super) reached: Option<&'a Connection>,
    /// A volume of the main container that it puts things into.
    pub(super) mount: Option<Value>,
}

impl<'a> Helper<'a> {
    /// What does the step of `run.init` at `index`.
    ///
    /// # Errors
    /// If the step asks for what can't be done, by name.
    pub(super) fn step(&self, step: &Init, index: usize) -> Result<Made<'a>, Refusal> {
        let field = |name: &str| format!("run.init[{index}].{name}");
        let path = folder(step);
        if path.is_some_and(|path| !path.starts_with('/')) {
            return Err(unsupported(&field("path"), "must begin with `/`"));
        }
        let into = |or: &str| PathBuf::from(path.unwrap_or(or));
        let (what, (task, reached)) = if let Some(file) = &step.file {
            ("file", (write(file, &into(CONTEXT_PATH), &field("file"))?, None))
        } else if let Some(given) = &step.dockerfile {
            ("dockerfile", (dockerfile::write(given, &into(CONTEXT_PATH), &field("dockerfile"))?, None))
        } else if let Some((git, connection)) = self.repository(step, &field("connection"))? {
            ("git", (git::clone(git, connection, &into(CONTEXT_PATH), &field("git"))?, connection))
        } else if step.artifacts.is_some() || step.paths.is_some() {
            let what = if step.artifacts.is_some() { "artifacts" } else { "paths" };
            (what, self.fetch(step, into, &field)?)
        } else {
            let why =
                "asks for nothing: give it one of artifacts, paths, git, file, dockerfile and container";
            return Err(unsupported(&format!("run.init[{index}]"), why));
        };
        let mount = path.and_then(|path| own_mount(&self.run.container, path));
        let mut container = self.container(&format!("polyaxon-init-{index}"), &task, &field(what))?;
        container.resources = self.run.container.resources.as_ref().map(needs::before);
        Ok(Made { container, reached, mount })
    }

    /// What fetches from a store.
    fn fetch(
        &self,
        step: &Init,
        into: impl Fn(&str) -> PathBuf,
        field: &impl Fn(&str) -> String,
    ) -> Result<(Task, Option<&'a Connection>), Refusal> {
        let store = self.store(step, &field("connection"))?;
        let wanted = wanted(step, field)?;
        let is_default = self.connections.artifacts_store().is_some_and(|own| own.name == store.name);
        let below =
            if is_default { CONTEXT_PATH.to_owned() } else { format!("{CONTEXT_PATH}/{}", store.name) };
        let at = StoreAt::of(store).ok_or_else(|| {
            let why = format!(
                "is `{}`, of kind {}; what is fetched comes from s3, gcs, wasb, volume_claim or host_path",
                store.name, store.kind
            );
            unsupported(&field("connection"), &why)
        })?;
        Ok((Task::Fetch { store: at, wanted, into: into(&below) }, Some(store)))
    }

    /// What a step says of a repository, and the connection that it is cloned over; none if it asks for none.
    fn repository<'s>(
        &self,
        step: &'s Init,
        field: &str,
    ) -> Result<Option<(&'s Value, Option<&'a Connection>)>, Refusal> {
        let named = |name: &String| connection::named(self.connections, name, field);
        let connection = step.connection.as_ref().map(named).transpose()?;
        let is_git = connection.is_none_or(|connection| matches!(connection.reach, Reach::Git { .. }));
        match (&step.git, connection) {
            (Some(_), Some(connection)) if !is_git => {
                let why = format!(
                    "is `{}`, of kind {}; a repository is cloned over one of kind git",
                    connection.name, connection.kind
                );
                Err(unsupported(field, &why))
            }
            (Some(git), connection) => Ok(Some((git, connection))),
            (None, Some(_)) if is_git && step.artifacts.is_none() && step.paths.is_none() => {
                Ok(Some((&Value::Null, connection)))
            }
            (None, _) => Ok(None),
        }
    }

    /// The connection that a step names, or the artifacts store.
    fn store(&self, step: &Init, field: &str) -> Result<&'a Connection, Refusal> {
        match &step.connection {
            Some(name) => connection::named(self.connections, name, field),
            None => self.connections.artifacts_store().ok_or_else(|| {
                unsupported(field, "is missing, and this agent has no artifacts store to fetch from")
            }),
        }
    }

    /// What collects what the run leaves in `store`.
    pub(super) fn collector(&self, store: &'a Connection) -> Result<Option<Made<'a>>, Refusal> {
        let Some(at) = StoreAt::of(store) else { return Ok(None) };
        let from = PathBuf::from(format!("{CONTEXT_PATH}/{}", self.uuid));
        let task = Task::Collect { store: at, from, to: self.uuid.to_owned() };
        let mut container = self.container(COLLECTOR, &task, "run")?;
        container.resources = self.run.container.resources.as_ref().map(needs::beside);
        Ok(Some(Made { container, reached: Some(store), mount: None }))
    }

    fn container(&self, name: &str, task: &Task, field: &str) -> Result<Container, Refusal> {
        let encoded = task.encode().map_err(|error| unsupported(field, &error.to_string()))?;
        let mut security = json!({
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": true,
            "seccompProfile": {"type": "RuntimeDefault"},
        });
        // As whom the main container runs, where it says so: they change and read each other's files.
        let own = self.run.container.rest.get("securityContext");
        for who in ["runAsUser", "runAsGroup", "runAsNonRoot"] {
            if let Some(given) = own.and_then(|own| own.get(who)) {
                security[who] = given.clone();
            }
        }
        let mut container = Container {
            name: Some(name.to_owned()),
            image: Some(self.image.to_owned()),
            command: vec![PROGRAM.to_owned(), "transfer".to_owned(), encoded],
            ..Container::default()
        };
        container.rest.insert("securityContext".to_owned(), security);
        container.rest.insert("terminationMessagePolicy".to_owned(), json!("FallbackToLogsOnError"));
        Ok(container)
    }
}

/// The task of `init.file`.
fn write(file: &Value, folder: &Path, field: &str) -> Result<Task, Refusal> {
    let text = |name: &str| file.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = relative(text("filename").unwrap_or("file"), &format!("{field}.filename"))?;
    let mode = match text("chmod") {
        None => 0o666,
        Some("+x" | "a+x" | "u+x") => 0o777,
        Some(given) => crate::connections::octal(given).ok_or_else(|| {
            let why = format!("is `{given}`; use an octal mode, as `0755` is, or `+x`");
            unsupported(&format!("{field}.chmod"), &why)
        })?,
    };
    let content = text("content").unwrap_or_default().to_owned();
    Ok(Task::Write { path: folder.join(name), content, mode })
}

/// What a step wants of its store.
fn wanted(step: &Init, field: &impl Fn(&str) -> String) -> Result<Vec<Wanted>, Refusal> {
    let mut all = Vec::new();
    let mut take = |given: Option<&Value>, kind: WantedKind, field: String| -> Result<(), Refusal> {
        let items = match given {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::Array(items)) => items.as_slice(),
            Some(one) => std::slice::from_ref(one),
        };
        for (at, item) in items.iter().enumerate() {
            let field = format!("{field}[{at}]");
            let (from, to) = match item {
                Value::String(from) => (from.as_str(), from.trim_matches('/')),
                Value::Array(pair) => match pair.as_slice() {
                    [Value::String(from), Value::String(to)] => (from.as_str(), to.as_str()),
                    _ => {
                        return Err(unsupported(
                            &field,
                            "must be a name, or a pair of where from and where to",
                        ));
                    }
                },
                _ => return Err(unsupported(&field, "must be a name, or a pair of where from and where to")),
            };
            relative(from.trim_matches('/'), &field)?;
            all.push(Wanted { kind, from: from.to_owned(), to: relative(to, &field)?.to_owned() });
        }
        Ok(())
    };
    let artifacts = step.artifacts.as_ref();
    take(artifacts.and_then(|artifacts| artifacts.get("files")), WantedKind::File, field("artifacts.files"))?;
    take(artifacts.and_then(|artifacts| artifacts.get("dirs")), WantedKind::Dir, field("artifacts.dirs"))?;
    take(step.paths.as_ref(), WantedKind::Either, field("paths"))?;
    if all.is_empty() {
        let why = "names nothing: give it files or dirs";
        return Err(unsupported(&field(if artifacts.is_some() { "artifacts" } else { "paths" }), why));
    }
    Ok(all)
}

/// A name that stays in its folder.
fn relative<'t>(name: &'t str, field: &str) -> Result<&'t str, Refusal> {
    if name.starts_with('/') || name.split('/').any(|part| part == "..") {
        return Err(unsupported(field, &format!("is `{name}`, which leads out of its folder")));
    }
    Ok(name)
}

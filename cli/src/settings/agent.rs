//! The agent: its name, labels, executor and folders. What it does with them is the agent crate's.

use std::path::PathBuf;
use std::time::Duration;

use berth_domain::labels::{self, Labels};
use berth_domain::name::{AgentName, Slug};

use super::folders::data_folder;
use super::resolve::{Error, Resolved};
use super::table::Part;

/// What runs are started with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutorKind {
    /// Local processes.
    Process,
    /// Pods.
    Kubernetes,
}

/// The agent's settings.
#[derive(Debug, Clone)]
pub struct AgentSettings {
    /// The agent that this process is a replica of.
    pub name: AgentName,
    /// What runs are started with.
    pub executor: ExecutorKind,
    /// For agent selectors.
    pub labels: Labels,
    /// Where working directories are.
    pub data_dir: PathBuf,
    /// How long the end of an attempt waits for its log to be kept.
    pub artifacts_hold: Duration,
    /// After how long a log that was kept is deleted; none: never.
    pub artifacts_keep: Option<Duration>,
    /// Offers that are held un-acked for each queue.
    pub prefetch: u16,
    /// How long a process has between being asked to end and being killed.
    pub grace: Duration,
    /// How much of an attempt's log is kept, in bytes.
    pub log_limit_bytes: u64,
    /// How long a working directory is kept after its end.
    pub keep: Duration,
    /// Where pods may be; none: where the API server's access says.
    pub namespaces: Vec<String>,
    /// The file by which the API server is found; none: as the service account of the pod.
    pub kubeconfig: Option<PathBuf>,
    /// The image of containers of our own.
    pub helper_image: Option<String>,
    /// How long a pod is kept after its end.
    pub pod_keep: Duration,
    /// How long the API server goes on with a request that nobody waits for.
    pub server_timeout: Duration,
}

const NAME: &str = "a name: use 1 to 63 of a-z, 0-9 and `-`, beginning and ending with a letter or digit";

impl AgentSettings {
    /// Reads the agent's settings; the agent inside `berth up` is named `local`.
    ///
    /// # Errors
    /// If one is missing or can't be used.
    pub fn read(resolved: &Resolved, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let name = if resolved.part == Part::Up {
            "local".parse().ok()
        } else {
            resolved.needed("agent_name", "the name that `berth agents create` was given")?;
            resolved.read("agent_name", NAME, |text| text.parse().ok())?
        };
        let executor = resolved.read("executor", "process or kubernetes", |text| match text {
            "process" => Some(ExecutorKind::Process),
            "kubernetes" => Some(ExecutorKind::Kubernetes),
            _ => None,
        })?;
        let executor = executor.unwrap_or(ExecutorKind::Process);
        let given = resolved.get("namespaces").filter(|given| !given.text.is_empty());
        if let (ExecutorKind::Process, Some(given)) = (executor, given) {
            return Err(Error::Invalid {
                key: "namespaces",
                origin: given.origin.clone(),
                found: format!("`{}`", given.text),
                allowed: "served by `--executor process`: only `--executor kubernetes` serves namespaces"
                    .to_owned(),
            });
        }
        let namespaces = resolved.read("namespaces", "a list of names, by commas", namespaces)?;
        let pod_keep_minutes = resolved.number("pod_keep_minutes", 0, 60 * 24 * 365)?;
        let server_timeout = resolved.number("kubernetes_request_timeout_seconds", 1, 3600)?;
        let prefetch = resolved.number("prefetch", 1, 1000)?;
        let grace = resolved.number("grace_seconds", 0, 3600)?;
        let log_limit = resolved.number("log_limit_mib", 1, 1_048_576)?;
        let keep_hours = resolved.number("work_dir_keep_hours", 0, 24 * 365)?;
        let keep_days = resolved.number("artifacts_keep_days", 0, 36_500)?;
        Ok(Self {
            name: name.unwrap_or_else(AgentName::default_name),
            executor,
            labels: labels(resolved)?,
            artifacts_keep: (keep_days > 0).then(|| Duration::from_secs(keep_days * 24 * 3600)),
            artifacts_hold: Duration::from_secs(resolved.number("artifacts_hold_seconds", 0, 3600)?),
            data_dir: data_dir(resolved, variable)?,
            prefetch: u16::try_from(prefetch).unwrap_or(u16::MAX),
            grace: Duration::from_secs(grace),
            log_limit_bytes: log_limit * 1024 * 1024,
            keep: Duration::from_secs(keep_hours * 3600),
            namespaces: namespaces.unwrap_or_default(),
            kubeconfig: kubeconfig(resolved, variable),
            helper_image: resolved
                .get("helper_image")
                .map(|given| given.text.clone())
                .filter(|image| !image.is_empty()),
            pod_keep: Duration::from_secs(pod_keep_minutes * 60),
            server_timeout: Duration::from_secs(server_timeout),
        })
    }
}

/// The data folder: given, or the XDG one.
pub(super) fn data_dir(
    resolved: &Resolved,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<PathBuf, Error> {
    if let Some(value) = resolved.get("data_dir") {
        return Ok(PathBuf::from(&value.text));
    }
    data_folder(variable).ok_or_else(|| Error::Missing {
        key: "data_dir",
        flag: "data-dir",
        variable: "BERTH_DATA_DIR".to_owned(),
        allowed: "there is neither XDG_DATA_HOME nor HOME to make a default of".to_owned(),
    })
}

/// The labels: a list of KEY=VALUE, by commas.
fn labels(resolved: &Resolved) -> Result<Labels, Error> {
    let Some(given) = resolved.get("labels") else { return Ok(Labels::new()) };
    let pairs = given.text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let labels = pairs.map(labels::parse).collect::<Result<Labels, _>>();
    labels.and_then(|labels| labels::check(&labels).map(|()| labels)).map_err(|error| Error::Invalid {
        key: "labels",
        origin: given.origin.clone(),
        found: error.found,
        allowed: error.allowed.to_owned(),
    })
}

/// The kubeconfig: given, or the usual one where this process is no pod.
pub(super) fn kubeconfig(resolved: &Resolved, variable: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    if let Some(value) = resolved.get("kubeconfig") {
        return Some(PathBuf::from(&value.text));
    }
    if variable("KUBERNETES_SERVICE_HOST").is_some() {
        return None;
    }
    let usual = || Some(PathBuf::from(variable("HOME")?).join(".kube/config"));
    variable("KUBECONFIG").map(PathBuf::from).or_else(usual)
}

fn namespaces(text: &str) -> Option<Vec<String>> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(|name| name.parse::<Slug>().ok().map(|name| name.to_string())).collect()
}

//! Routing: where a run may go and how urgent it is, read from `queue`, `namespace` and the `berth.dev/...`
//! annotations.
//!
//! Which queue of several it gets is decided by `scheduling`, from the state at that moment.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::operation::CompiledOperation;
use crate::labels::{self, Labels};
use crate::lifecycle::FailureClass;
use crate::name::{QueueRef, Slug};
use crate::spec::{ANNOTATION_PREFIX, ON_AGENT_LOSS, SpecError, SpecErrors, nearest, shown};

/// What happens to a run whose agent is lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnAgentLoss {
    /// It waits for its agent.
    #[default]
    Wait,
    /// It is started elsewhere, as a new attempt.
    Replace,
}

/// The text is neither.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not allowed: use wait or replace")]
pub struct UnknownOnAgentLoss(String);

impl OnAgentLoss {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Replace => "replace",
        }
    }
}

impl FromStr for OnAgentLoss {
    type Err = UnknownOnAgentLoss;

    fn from_str(text: &str) -> Result<Self, UnknownOnAgentLoss> {
        [Self::Wait, Self::Replace]
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| UnknownOnAgentLoss(shown(text)))
    }
}

/// Where a run may go, and how urgent it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Routing {
    /// Queues in order of preference; none: the project's or the organization's default.
    pub queues: Vec<QueueRef>,
    /// Labels that its agent must have.
    pub agent_selector: Labels,
    /// 0 to 9, larger first.
    pub priority: u8,
    /// Takes the place of its queue's setting.
    pub on_agent_loss: Option<OnAgentLoss>,
    /// How often each class of failure is retried, where it isn't as the retry table says.
    pub retry: BTreeMap<FailureClass, u32>,
    /// The namespace that it runs in, if it isn't the agent's own.
    pub namespace: Option<Slug>,
    /// The connections that its agent must have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<String>,
}

impl Routing {
    /// Whether it may leave a choice of where the run goes.
    #[must_use]
    pub fn has_choice(&self) -> bool {
        self.queues.len() > 1 || !self.agent_selector.is_empty() && self.queues.is_empty()
    }
}

/// The annotations that mean something here.
const KNOWN: [&str; 5] = ["priority", "queues", "agent-selector", "on-agent-loss", "retry"];

pub(super) fn read(operation: &CompiledOperation, warnings: &mut Vec<String>) -> Result<Routing, SpecErrors> {
    let connections = operation.run.connection_names().into_iter().map(ToOwned::to_owned).collect();
    let mut routing = Routing { connections, ..Routing::default() };
    let mut errors = Vec::new();
    let mut note = |path: String, result: Result<(), String>| {
        if let Err(message) = result {
            errors.push(SpecError::new(path, message));
        }
    };
    let queue = operation.queue.as_deref().unwrap_or_default();
    note("queue".to_owned(), queues(queue, &mut routing));
    if let Some(namespace) = operation.namespace.as_deref().filter(|text| !text.is_empty()) {
        let parsed = namespace.parse().map(|slug| routing.namespace = Some(slug));
        note("namespace".to_owned(), parsed.map_err(|error| error.to_string()));
    }
    for (key, value) in operation.run.annotations() {
        let Some(name) = key.strip_prefix(ANNOTATION_PREFIX) else { continue };
        let result = match name {
            "priority" => priority(value, &mut routing),
            "queues" => queues(value, &mut routing),
            "agent-selector" => selector(value, &mut routing),
            "on-agent-loss" => on_agent_loss(value, &mut routing),
            "retry" => retry(value, &mut routing),
            other => {
                let hint =
                    nearest(other, &KNOWN).map(|name| format!("; did you mean `{ANNOTATION_PREFIX}{name}`?"));
                warnings.push(format!(
                    "the annotation `{}` means nothing{}",
                    shown(key),
                    hint.unwrap_or_default()
                ));
                Ok(())
            }
        };
        note(format!("run.environment.annotations.{key}"), result);
    }
    if errors.is_empty() { Ok(routing) } else { Err(SpecErrors(errors)) }
}

/// Whether a text names queues.
pub(crate) fn check_queues(text: &str) -> Result<(), String> {
    queues(text, &mut Routing::default())
}

/// Whether a text selects agents.
pub(crate) fn check_selector(text: &str) -> Result<(), String> {
    selector(text, &mut Routing::default())
}

/// Whether a text says how often each class of failure is retried.
pub(crate) fn check_retry(text: &str) -> Result<(), String> {
    retry(text, &mut Routing::default())
}

/// Whether a text names a namespace.
pub(crate) fn check_namespace(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    text.parse::<Slug>().map(|_| ()).map_err(|error| error.to_string())
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// A list of queues; one that comes later takes the place of one before.
fn queues(text: &str, routing: &mut Routing) -> Result<(), String> {
    if items(text).count() > 100 {
        return Err("at most 100 queues can be named".to_owned());
    }
    let mut found: Vec<QueueRef> = Vec::new();
    for item in items(text) {
        let queue: QueueRef = item.parse().map_err(|_| {
            format!(
                "`{}` is not a queue: write `queue` or `agent/queue`, each of a-z, 0-9 and `-`, at most 63",
                shown(item)
            )
        })?;
        if !found.contains(&queue) {
            found.push(queue);
        }
    }
    if !found.is_empty() {
        routing.queues = found;
    }
    Ok(())
}

fn priority(text: &str, routing: &mut Routing) -> Result<(), String> {
    match text.trim().parse::<u8>() {
        Ok(priority) if priority <= 9 => {
            routing.priority = priority;
            Ok(())
        }
        _ => Err(format!("expected a whole number from 0 to 9, found \"{}\"", shown(text))),
    }
}

fn selector(text: &str, routing: &mut Routing) -> Result<(), String> {
    for item in items(text) {
        match labels::parse(item) {
            Ok((key, value)) => routing.agent_selector.insert(key, value),
            Err(error) if item.contains('=') => return Err(error.to_string()),
            Err(_) => return Err(format!("expected `key=value,...`, found \"{}\"", shown(item))),
        };
    }
    Ok(())
}

fn on_agent_loss(text: &str, routing: &mut Routing) -> Result<(), String> {
    let expected = |_| format!("expected {}, found \"{}\"", ON_AGENT_LOSS.join(" or "), shown(text.trim()));
    routing.on_agent_loss = Some(text.trim().parse().map_err(expected)?);
    Ok(())
}

fn retry(text: &str, routing: &mut Routing) -> Result<(), String> {
    let classes = || FailureClass::ALL.into_iter().filter(|class| *class != FailureClass::Poison);
    for item in items(text) {
        let names = || classes().map(FailureClass::as_str).collect::<Vec<_>>().join(", ");
        let parsed = item.split_once('=').and_then(|(class, count)| {
            let class = classes().find(|known| known.as_str() == class.trim())?;
            Some((class, count.trim().parse::<u32>().ok().filter(|count| *count <= 1_000)?))
        });
        let Some((class, count)) = parsed else {
            return Err(format!(
                "expected `class=count,...` with a count of at most 1000 and a class of {}, found \"{}\"",
                names(),
                shown(item)
            ));
        };
        routing.retry.insert(class, count);
    }
    Ok(())
}

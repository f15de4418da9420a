//! Where a new run goes: the queues that it may wait in, the preferred first, or an error that says what was asked
//! and what is allowed.
//!
//! What the operation says holds over the organization's rules, these over the project's default, and that over the
//! organization's. Where nothing is said, it is the queue `default` of the default agent.

use std::fmt;

use super::confine::Confinement;
use super::limits::Demand;
use super::places::Destination;
use super::routes::{Routed, RoutingRule, first_match};
use super::rules::lacking;
use crate::compile::Routing;
use crate::feature::{Feature, Features};
use crate::labels::{self, Labels};
use crate::name::{DEFAULT, QueueRef};
use crate::time::Time;

/// The most queues that a text lists.
const SHOWN: usize = 20;

/// A run that asks for a place.
#[derive(Debug, Clone, Copy)]
pub struct Applicant<'a> {
    /// What it asks for.
    pub routing: &'a Routing,
    /// What its executor must be able to do.
    pub needs: Features,
    /// Its labels.
    pub labels: &'a Labels,
    /// Its kind: `job`, `service`.
    pub kind: &'a str,
    /// What it takes of quotas.
    pub demand: &'a Demand,
}

/// What is set about where runs go.
#[derive(Debug, Clone, Copy)]
pub struct House<'a> {
    /// The name of the run's project.
    pub project: &'a str,
    /// The queue of that project's runs that name none.
    pub project_default: Option<&'a str>,
    /// To what that project is confined.
    pub confinement: &'a Confinement,
    /// The queue of the organization's runs that name none.
    pub organization_default: Option<&'a str>,
    /// The organization's rules, the first that matches holds.
    pub rules: &'a [RoutingRule],
    /// All its queues.
    pub places: &'a [Destination],
}

/// Where a run may go.
#[derive(Debug, Clone, PartialEq)]
pub struct Route<'a> {
    /// The queues, the preferred first; at least one.
    pub candidates: Vec<&'a Destination>,
    /// The queues by name, whoever named them; none of a run that goes by a selector or has no choice.
    pub queues: Vec<QueueRef>,
}

impl<'a> Route<'a> {
    /// Whether a new run can take one of the candidates at once, or has no choice anyhow.
    #[must_use]
    pub fn is_settled(&self, now: Time) -> bool {
        self.candidates.len() == 1 || self.candidates.iter().any(|place| place.is_open(now))
    }

    /// The candidate that a new run waits in: the first that is open, can do what the run needs, and has room;
    /// without one of these the first that is open; and without that the first, until another one opens.
    #[must_use]
    pub fn first(
        &self,
        needs: Features,
        now: Time,
        has_room: impl Fn(&Destination) -> bool,
    ) -> Option<&'a Destination> {
        let open = |place: &&&Destination| place.is_open(now) && needs.without(place.host.can).is_empty();
        let mut usable = self.candidates.iter().filter(open);
        let free = usable.clone().find(|place| has_room(place));
        free.or_else(|| usable.next()).or_else(|| self.candidates.first()).copied()
    }
}

/// Who said which queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy {
    /// The operation itself.
    Operation,
    /// Its selector: it is the `default` of an agent that this matches.
    Selector,
    /// The organization's rule at this place, from 1.
    Rule(usize),
    /// The project's default.
    Project,
    /// The organization's default.
    Organization,
    /// Nobody: it is the default agent's `default`.
    Nobody,
}

impl fmt::Display for NamedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation => f.write_str("queue"),
            Self::Selector => f.write_str("its agent selector finds it; queue"),
            Self::Rule(place) => write!(f, "rule {place} of the organization chose it; queue"),
            Self::Project => f.write_str("the project's default queue"),
            Self::Organization => f.write_str("the organization's default queue"),
            Self::Nobody => f.write_str("it names no queue; the default queue"),
        }
    }
}

/// That a run has no place to go to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRoute {
    /// A queue that isn't there.
    #[error("{by} `{asked}` does not exist; there are: {there}")]
    NoSuchQueue {
        /// Who named it.
        by: NamedBy,
        /// Its name.
        asked: String,
        /// All that are there.
        there: String,
    },
    /// Nothing was said, and nothing is set.
    #[error("no queue was named, and there is no default agent; there are: {there}")]
    NoDefault {
        /// All that are there.
        there: String,
    },
    /// Its project may not use a queue.
    #[error("{by} `{asked}` is none that project `{project}` may use; it is confined to {allowed}")]
    Confined {
        /// Who named it.
        by: NamedBy,
        /// Its name.
        asked: String,
        /// The project.
        project: String,
        /// What that may use.
        allowed: String,
    },
    /// Its project may not use a namespace.
    #[error(
        "{} is none that project `{project}` may use; it is confined to {allowed}",
        asked.as_ref().map_or("no namespace, which leaves it to the agent,".to_owned(), |asked| format!("`{asked}`"))
    )]
    ConfinedNamespace {
        /// Its name, if one was asked for.
        asked: Option<String>,
        /// The project.
        project: String,
        /// What that may use.
        allowed: String,
    },
    /// No agent that it may use has the labels of its selector.
    #[error("no agent has the labels {asked}")]
    NoAgent {
        /// The selector.
        asked: String,
    },
    /// No agent that it could go to serves its namespace.
    #[error("{0}")]
    Namespace(String),
    /// No agent that it could go to can do what it needs. It is refused, and doesn't wait: they are there, and have
    /// said what they can.
    #[error("{reason}; name a queue of an agent that can")]
    Lacking {
        /// What of it they can't.
        feature: Option<Feature>,
        /// Each agent with what it lacks.
        reason: String,
    },
    /// No agent that it could go to has its connections.
    #[error("{0}")]
    Connection(String),
}

impl NoRoute {
    /// The field of the operation that it is about.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::NoSuchQueue { .. } | Self::NoDefault { .. } | Self::Confined { .. } => "queue",
            Self::NoAgent { .. } => "berth.dev/agent-selector",
            Self::ConfinedNamespace { .. } | Self::Namespace(_) => "namespace",
            Self::Lacking { feature, .. } => feature.map_or("run", Feature::field),
            Self::Connection(_) => Feature::Connections.field(),
        }
    }
}

/// Finds where a run may go.
///
/// # Errors
/// [`NoRoute`] if that is nowhere, with what was asked and what there is.
pub fn route<'a>(run: Applicant<'_>, house: House<'a>, now: Time) -> Result<Route<'a>, NoRoute> {
    let Applicant { routing, needs, .. } = run;
    let confinement = house.confinement;
    let namespace = routing.namespace.as_ref().map(|namespace| namespace.as_str());
    if !confinement.allows_namespace(namespace) {
        return Err(NoRoute::ConfinedNamespace {
            asked: namespace.map(ToOwned::to_owned),
            project: house.project.to_owned(),
            allowed: confinement.namespaces_text(),
        });
    }
    let (by, queues) = asked(run, house)?;
    let mut found = match queues.is_empty() {
        true => unnamed(routing, house)?,
        false => named(by, &queues, house)?,
    };
    let outside = |place: &&Destination| {
        let allowed = confinement.outside(&place.host.name, &place.name)?;
        Some(NoRoute::Confined { by, asked: place.to_string(), project: house.project.to_owned(), allowed })
    };
    // What an operation names itself must all be allowed; of what others name, or a selector finds, one suffices.
    if by == NamedBy::Operation
        && let Some(refused) = found.iter().find_map(outside)
    {
        return Err(refused);
    }
    found.retain(|place| labels::matches(&routing.agent_selector, &place.host.labels));
    let Some(preferred) = found.first().copied() else {
        let wanted: Vec<String> =
            routing.agent_selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
        return Err(NoRoute::NoAgent { asked: wanted.join(",") });
    };
    found.retain(|place| outside(place).is_none());
    if found.is_empty()
        && let Some(refused) = outside(&preferred)
    {
        return Err(refused);
    }
    let lacks = |place: &Destination| place.host.lacks_namespace(namespace?);
    keep(&mut found, lacks).map_err(NoRoute::Namespace)?;
    if !found.iter().any(|place| place.may_take(needs, now)) {
        return Err(unable(&found, needs));
    }
    found.retain(|place| place.may_take(needs, now));
    let connections = || routing.connections.iter().map(String::as_str);
    keep(&mut found, |place| place.host.lacks_connection(connections())).map_err(NoRoute::Connection)?;
    Ok(Route { candidates: found, queues })
}

/// Keeps the places that nothing is said against.
fn keep(found: &mut Vec<&Destination>, lacks: impl Fn(&Destination) -> Option<String>) -> Result<(), String> {
    let reason = found.first().and_then(|place| lacks(place));
    found.retain(|place| lacks(place).is_none());
    reason.filter(|_| found.is_empty()).map_or(Ok(()), Err)
}

/// The queues that somebody names for a run, and who; none for one that has a selector, or that nobody says
/// anything about.
fn asked(run: Applicant<'_>, house: House<'_>) -> Result<(NamedBy, Vec<QueueRef>), NoRoute> {
    if !run.routing.queues.is_empty() {
        return Ok((NamedBy::Operation, run.routing.queues.clone()));
    }
    if !run.routing.agent_selector.is_empty() {
        return Ok((NamedBy::Selector, Vec::new()));
    }
    let routed = Routed { project: house.project, labels: run.labels, kind: run.kind, demand: run.demand };
    if let Some((place, rule)) = first_match(house.rules, routed) {
        return Ok((NamedBy::Rule(place + 1), rule.queues.clone()));
    }
    let defaults =
        [(NamedBy::Project, house.project_default), (NamedBy::Organization, house.organization_default)];
    let Some((by, text)) = defaults.into_iter().find_map(|(by, name)| Some((by, name?))) else {
        return Ok((NamedBy::Nobody, Vec::new()));
    };
    // They were checked when they were set; a text that is no name names no queue.
    let queue = text.parse().map_err(|_| no_such_queue(by, text, house.places))?;
    Ok((by, vec![queue]))
}

/// The places of those names, in that order.
fn named<'a>(by: NamedBy, queues: &[QueueRef], house: House<'a>) -> Result<Vec<&'a Destination>, NoRoute> {
    let mut found: Vec<&Destination> = Vec::new();
    for name in queues {
        let place = house.places.iter().find(|place| place.is_called(name));
        let place = place.ok_or_else(|| no_such_queue(by, &name.to_string(), house.places))?;
        if !found.iter().any(|known| known.queue == place.queue) {
            found.push(place);
        }
    }
    Ok(found)
}

/// With a selector: the `default` queue of every agent that it matches. Without: that of the default agent.
fn unnamed<'a>(routing: &Routing, house: House<'a>) -> Result<Vec<&'a Destination>, NoRoute> {
    let is_by_selector = !routing.agent_selector.is_empty();
    let found: Vec<&Destination> = house
        .places
        .iter()
        .filter(|place| place.name == DEFAULT && (is_by_selector || place.host.is_default))
        .collect();
    if found.is_empty() && !is_by_selector {
        return Err(NoRoute::NoDefault { there: names(house.places) });
    }
    Ok(found)
}

fn no_such_queue(by: NamedBy, asked: &str, places: &[Destination]) -> NoRoute {
    NoRoute::NoSuchQueue { by, asked: asked.to_owned(), there: names(places) }
}

/// That none of the agents of these places can do what a run needs.
#[must_use]
pub fn unable(found: &[&Destination], needs: Features) -> NoRoute {
    let missing = |place: &Destination| needs.without(place.host.can);
    let feature = found.iter().find_map(|place| missing(place).iter().next());
    let mut told: Vec<String> =
        found.iter().map(|place| lacking(&place.host.name, place.host.can, missing(place))).collect();
    told.dedup();
    NoRoute::Lacking { feature, reason: told.join(", and ") }
}

/// All queues by their names, for people; not too many.
#[must_use]
pub fn names(places: &[Destination]) -> String {
    let mut names: Vec<String> = places.iter().take(SHOWN).map(ToString::to_string).collect();
    if places.len() > SHOWN {
        names.push(format!("and {} more", places.len() - SHOWN));
    }
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests;

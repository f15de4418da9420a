//! To what a project is confined, as it is given and shown: lists of queues, agents and namespaces.

use berth_domain::name::{QueueRef, Slug};
use berth_domain::reported::listed;
use berth_domain::scheduling::{Confinement, ConfinementPatch};
use serde_json::{Value, json};

use crate::app::App;
use crate::params::shown;
use crate::problem::Problem;

/// The most that one list has.
const MOST: usize = 1_000;

/// A list that may be missing, null or given.
type List = Option<Option<Vec<String>>>;

/// What was given of a confinement.
#[derive(Debug)]
pub(crate) struct Given<'a> {
    pub(crate) queues: &'a List,
    pub(crate) agents: &'a List,
    pub(crate) namespaces: &'a List,
}

impl Given<'_> {
    /// What is to change. A queue gets the name of its agent: another default agent moves no project.
    ///
    /// # Errors
    /// A name that is none, a queue or an agent that doesn't exist, too many.
    pub(crate) async fn patch(&self, app: &App, owner: &str) -> Result<ConfinementPatch, Problem> {
        if self.queues.is_none() && self.agents.is_none() && self.namespaces.is_none() {
            return Ok(ConfinementPatch::default());
        }
        let places = app.directory.places(&app.store, owner, app.wake.settings(), true).await?;
        let queue = |asked: QueueRef| {
            let found = places.queue(&asked).ok_or_else(|| {
                let message = format!("queue `{asked}` does not exist; there are: {}", places.names());
                Problem::field("queues", message)
            })?;
            Ok(QueueRef { agent: Some(found.agent.clone()), queue: found.name.clone() })
        };
        let agent = |asked: Slug| {
            let known = places.agents.iter().find(|agent| agent.name == asked);
            known.map(|agent| agent.name.clone()).ok_or_else(|| {
                let there = listed(places.agents.iter().map(|agent| agent.name.as_str()));
                Problem::field("agents", format!("agent `{asked}` does not exist; there are: {there}"))
            })
        };
        Ok(ConfinementPatch {
            queues: each("queues", self.queues, queue)?,
            agents: each("agents", self.agents, agent)?,
            namespaces: each("namespaces", self.namespaces, Ok)?,
        })
    }
}

/// Reads a list, each name once.
fn each<T, U>(
    field: &str,
    list: &List,
    known: impl Fn(T) -> Result<U, Problem>,
) -> Result<Option<Vec<U>>, Problem>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
    U: PartialEq,
{
    let Some(list) = list else { return Ok(None) };
    let names = list.as_deref().unwrap_or_default();
    if names.len() > MOST {
        return Err(Problem::field(
            field,
            format!("a list of {} is too long; allowed are {MOST}", names.len()),
        ));
    }
    let mut read = Vec::new();
    for name in names {
        let name = name.parse().map_err(|error: T::Err| Problem::field(field, shown(&error.to_string())))?;
        let name = known(name)?;
        if !read.contains(&name) {
            read.push(name);
        }
    }
    Ok(Some(read))
}

/// A confinement in an answer.
pub(crate) fn show(confinement: &Confinement, answer: &mut Value) {
    answer["queues"] = json!(confinement.queues);
    answer["agents"] = json!(confinement.agents);
    answer["namespaces"] = json!(confinement.namespaces);
}

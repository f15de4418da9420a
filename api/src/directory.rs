//! Which agents, queues and projects there are, as of a second ago at most, and never older than what was changed
//! through this process: so that accepting a run costs one
//! commit and no reads.
//!
//! What is stale here can't do harm: the store refuses a run whose project or queue is gone, and which agent is
//! alive only decides between several queues that a run would take. What is not found is looked up anew, and so
//! are the queues of a run that has a choice if none of them is open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use berth_domain::name::QueueRef;
use berth_domain::scheduling::Destination;
use berth_domain::scheduling::route::names;
use berth_store::{Agent, OrganizationSettings, Page, Project, Queue, Store};
use tokio::time::Instant;

use crate::problem::Problem;

/// How old what is known may be.
const FRESH: Duration = Duration::from_secs(1);
/// Projects kept at the most.
const MAX_PROJECTS: usize = 1_024;
/// Queues read at once.
const PAGE: u32 = 1_000;

/// What is known.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// How many changes had been made here when it was read.
    changes: u64,
    places: Option<(Instant, Arc<Places>)>,
    projects: HashMap<(String, String), (Instant, Arc<Project>)>,
}

/// The agents and queues of an organization.
#[derive(Debug)]
pub(crate) struct Places {
    pub agents: Vec<Agent>,
    pub queues: Vec<Queue>,
    /// The queues, as places where runs go.
    pub destinations: Vec<Destination>,
    /// Where runs go that name no queue.
    pub routing: OrganizationSettings,
}

impl Places {
    /// The queue of that name; of the default agent if none is named.
    pub(crate) fn queue(&self, asked: &QueueRef) -> Option<&Queue> {
        let agent = match &asked.agent {
            Some(name) => self.agents.iter().find(|agent| agent.name == *name),
            None => self.default_agent(),
        }?;
        self.queues.iter().find(|queue| queue.agent_id == agent.id && queue.name == asked.queue)
    }

    /// The agent whose queues need no agent's name: the one marked so, or the only one there is.
    pub(crate) fn default_agent(&self) -> Option<&Agent> {
        let only = (self.agents.len() == 1).then(|| self.agents.first()).flatten();
        self.agents.iter().find(|agent| agent.is_default).or(only)
    }

    /// The queue of that name with its agent, and both as a place.
    pub(crate) fn place(&self, asked: &QueueRef) -> Option<(&Agent, &Queue, &Destination)> {
        let queue = self.queue(asked)?;
        let agent = self.agents.iter().find(|agent| agent.id == queue.agent_id)?;
        let place = self.destinations.iter().find(|place| place.queue == queue.id)?;
        Some((agent, queue, place))
    }

    /// All queues by their names, for people; not too many.
    pub(crate) fn names(&self) -> String {
        names(&self.destinations)
    }
}

impl Directory {
    /// The organization's agents and queues; read anew if `fresh` or what is known is old.
    ///
    /// # Errors
    /// If the store can't be read.
    pub(crate) async fn places(
        &self,
        store: &Store,
        owner: &str,
        changes: u64,
        fresh: bool,
    ) -> Result<Arc<Places>, Problem> {
        if !fresh && let Some(places) = self.lock(changes).places() {
            return Ok(places);
        }
        let agents: Vec<Agent> =
            store.all_agents().await?.into_iter().filter(|agent| agent.owner == owner).collect();
        let mut queues = Vec::new();
        let mut page = Page::first(PAGE);
        loop {
            let part = store.queues(owner, None, None, &page).await?;
            queues.extend(part.items);
            match part.next_cursor {
                Some(cursor) => page.cursor = Some(cursor),
                None => break,
            }
        }
        let destinations = berth_store::destinations(&agents, &queues);
        let routing = store.organization_settings(owner).await?;
        let places = Arc::new(Places { agents, queues, destinations, routing });
        self.lock(changes).places = Some((Instant::now(), places.clone()));
        Ok(places)
    }

    /// A project.
    ///
    /// # Errors
    /// 404 if there is none, or if the store can't be read.
    pub(crate) async fn project(
        &self,
        store: &Store,
        owner: &str,
        name: &str,
        changes: u64,
    ) -> Result<Arc<Project>, Problem> {
        let key = (owner.to_owned(), name.to_owned());
        if let Some((at, project)) = self.lock(changes).projects.get(&key)
            && at.elapsed() < FRESH
        {
            return Ok(project.clone());
        }
        let project = Arc::new(store.project(owner, name).await?);
        let mut known = self.lock(changes);
        if known.projects.len() >= MAX_PROJECTS {
            known.projects.clear();
        }
        known.projects.insert(key, (Instant::now(), project.clone()));
        Ok(project)
    }

    /// What is known, emptied if something that it is about changed since.
    fn lock(&self, changes: u64) -> MutexGuard<'_, Known> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.changes != changes {
            *known = Known { changes, ..Known::default() };
        }
        known
    }
}

impl Known {
    fn places(&self) -> Option<Arc<Places>> {
        self.places.as_ref().filter(|(at, _)| at.elapsed() < FRESH).map(|(_, places)| places.clone())
    }
}

//! Where a new run goes: `berth_domain::scheduling::route`, asked about what the directory knows.

use std::sync::Arc;

use berth_domain::compile::Compiled;
use berth_domain::name::QueueRef;
use berth_domain::scheduling::route::unable;
use berth_domain::scheduling::{Applicant, Destination, House, NoRoute, Route, route};
use berth_domain::time::Time;
use berth_store::{Agent, Project, Queue};

use crate::app::App;
use crate::directory::Places;
use crate::problem::Problem;

/// The place of a new run.
#[derive(Debug)]
pub(crate) struct Chosen {
    places: Arc<Places>,
    /// Where in the directory its agent, its queue and both as a place are.
    at: (usize, usize, usize),
    /// The queues that it may go to instead, this one among them, if somebody named several.
    pub(crate) queues: Vec<QueueRef>,
}

impl Chosen {
    pub(crate) fn agent(&self) -> &Agent {
        &self.places.agents[self.at.0]
    }

    pub(crate) fn queue(&self) -> &Queue {
        &self.places.queues[self.at.1]
    }

    fn place(&self) -> &Destination {
        &self.places.destinations[self.at.2]
    }

    /// Checks what the defaults of agent and queue made of a run: they may ask for more than it did itself.
    ///
    /// # Errors
    /// 400 if its agent can't do that.
    pub(crate) fn check(&self, compiled: &Compiled, now: Time) -> Result<(), Problem> {
        let place = self.place();
        if !place.may_take(compiled.needs, now) {
            return Err(nowhere(&unable(&[place], compiled.needs)));
        }
        let connections = compiled.routing.connections.iter().map(String::as_str);
        let lacking = place.host.lacks_connection(connections).map(NoRoute::Connection);
        lacking.map_or(Ok(()), |lacking| Err(nowhere(&lacking)))
    }
}

/// Chooses the queue that a run waits in first.
///
/// # Errors
/// 400 if it has nowhere to go, with what it asked for and what is allowed.
pub(crate) async fn choose(
    app: &App,
    project: &Project,
    compiled: &Compiled,
    now: Time,
) -> Result<Chosen, Problem> {
    let mut places = app.directory.places(&app.store, &project.owner, app.wake.settings(), false).await?;
    if !find(&places, project, compiled, now).is_ok_and(|route| route.is_settled(now)) {
        // What is not there may have been made a moment ago, elsewhere, and what is closed may have opened.
        places = app.directory.places(&app.store, &project.owner, app.wake.settings(), true).await?;
    }
    let found = find(&places, project, compiled, now).map_err(|error| nowhere(&error))?;
    let place = match found.candidates[..] {
        [only] => Some(only),
        _ => {
            let ids: Vec<_> = found.candidates.iter().map(|place| place.queue).collect();
            let rooms = app.store.rooms(&ids, now).await?;
            found.first(compiled.needs, now, |place| rooms.get(&place.queue).is_some_and(|room| *room > 0))
        }
    };
    let at = place.and_then(|chosen| {
        let agent = places.agents.iter().position(|agent| agent.id == chosen.host.id)?;
        let queue = places.queues.iter().position(|queue| queue.id == chosen.queue)?;
        let place = places.destinations.iter().position(|place| place.queue == chosen.queue)?;
        Some((agent, queue, place))
    });
    let queues = found.queues;
    let at = at.ok_or_else(|| Problem::field("queue", "its queue is being deleted"))?;
    Ok(Chosen { places, at, queues })
}

fn find<'a>(
    places: &'a Places,
    project: &'a Project,
    compiled: &Compiled,
    now: Time,
) -> Result<Route<'a>, NoRoute> {
    let run = Applicant {
        routing: &compiled.routing,
        needs: compiled.needs,
        labels: compiled.operation.run.labels(),
        kind: compiled.operation.run.kind.as_str(),
        demand: &compiled.resources.demand(),
    };
    let house = House {
        project: &project.name,
        project_default: project.default_queue.as_deref(),
        confinement: &project.confinement,
        organization_default: places.routing.default_queue.as_deref(),
        rules: &places.routing.rules,
        places: &places.destinations,
    };
    route(run, house, now)
}

/// The answer to a run that has nowhere to go.
fn nowhere(error: &NoRoute) -> Problem {
    Problem::field(error.field(), error.to_string())
}

//! Why a run waits: what the scheduler would decide by, told by the same rules of `berth_domain::scheduling`.

use axum::Json;
use axum::extract::State;
use berth_domain::access::Action;
use berth_domain::compile::{CompiledOperation, Routing};
use berth_domain::feature::Features;
use berth_domain::id::{AgentId, ProjectId, QueueId, RunId};
use berth_domain::lifecycle::{DispatchState, Status};
use berth_domain::scheduling::{
    Ahead, Asked, Block, Candidate, Confinement, Demands, Destination, Explanation, Lane, LaneKey, Outlook,
    Place, Rule, Stay, Wait, explain, outlook, stays, waited,
};
use berth_domain::time::Time;
use berth_store::{
    AdmissionOptions, CountedLane, NewRun, Newcomer, Page, QueuePosition, Run, RunFilter, RunHead, Sort,
};
use serde_json::{Value, json};

use crate::app::{App, AppState};
use crate::authenticate::Caller;
use crate::path::InRun;
use crate::problem::Problem;
use crate::runs::{find, holding};

/// Runs named that use a limit.
const HOLDERS: u32 = 5;

/// `GET .../runs/{uuid}/explain`.
pub(crate) async fn get(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let run = find(&app, &at).await?;
    Ok(Json(of_run(&app, &run, caller.now).await?))
}

async fn of_run(app: &App, run: &Run, now: Time) -> Result<Value, Problem> {
    let Some(queue) = run.queue_id else {
        // Executed by a client: nothing here holds it back.
        return Ok(json!({
            "status": run.status(), "position": null, "of": null, "blocked_by": [], "estimate": null, "waited": [],
            "placement": [],
        }));
    };
    let place =
        if run.status() == Status::Queued { app.store.position_in_queue(run.id).await? } else { None };
    let asked = Subject {
        owner: &run.owner,
        state: &run.dispatch,
        lane: lane(
            queue,
            run.project_id,
            &run.lane,
            run.dispatch.queued_at.map(|at| (run.id, run.priority, at)),
        ),
        place,
        pending: run.pending.as_deref(),
        namespace: run.namespace.as_deref(),
        needs: run.needs,
        operation: operation(app, run).await?,
        choice: match run.status() {
            Status::Queued => Choice::of(&app.store.run_head(run.id).await?),
            _ => None,
        },
        waited: past(app, run, queue, now).await?,
    };
    told(app, asked, now).await
}

/// What a run had waited for up to `now`.
async fn past(app: &App, run: &Run, queue: QueueId, now: Time) -> Result<Vec<Wait>, Problem> {
    let stays = stays(&app.store.conditions(run.id).await?, now);
    let (Some((from, _)), Some((_, until))) = (stays.first(), stays.last()) else { return Ok(Vec::new()) };
    let spells = app.store.spells((queue, run.project_id, &run.lane), *from, *until).await?;
    Ok(waited(&stays, &spells))
}

/// The operation of a run whose place is still open.
async fn operation(app: &App, run: &Run) -> Result<Option<CompiledOperation>, Problem> {
    let is_open = run.status().is_waiting()
        || matches!(run.status(), Status::Scheduled | Status::Starting | Status::Unschedulable);
    if !is_open {
        return Ok(None);
    }
    let content = app.store.run_content(run.id).await?.content;
    Ok(content.and_then(|content| serde_json::from_str(&content).ok()))
}

/// The same for a run that isn't submitted yet.
///
/// # Errors
/// If the store can't be read.
pub(crate) async fn of_new(app: &App, run: &NewRun, now: Time) -> Result<Value, Problem> {
    let Some(queue) = run.queue_id else { return Ok(Value::Null) };
    let place = match run.dispatch.queued_at.filter(|_| run.dispatch.status == Status::Queued) {
        Some(queued_at) => {
            let newcomer = Newcomer {
                id: run.id,
                owner: &run.owner,
                project: run.project_id,
                queue,
                lane: &run.lane,
                priority: run.priority,
                queued_at,
            };
            Some(app.store.place_of(newcomer).await?)
        }
        None => None,
    };
    let asked = Subject {
        owner: &run.owner,
        state: &run.dispatch,
        lane: lane(
            queue,
            run.project_id,
            &run.lane,
            run.dispatch.queued_at.map(|at| (run.id, run.priority, at)),
        ),
        place,
        pending: run.pending.as_deref(),
        namespace: run.namespace.as_deref(),
        needs: run.needs,
        operation: run.content.as_deref().and_then(|content| serde_json::from_str(content).ok()),
        choice: run.routing.clone().map(|routing| Choice { routing, stay: Stay::begun(queue, now) }),
        waited: Vec::new(),
    };
    told(app, asked, now).await
}

/// The lane of one run, as if it were its head.
fn lane(queue: QueueId, project: ProjectId, key: &LaneKey, head: Option<(RunId, u8, Time)>) -> Lane {
    let candidate = |(run, priority, queued_at)| Candidate { run, priority, queued_at };
    Lane {
        queue,
        project,
        pipelines: key.pipelines.clone(),
        // Whose share it is decides when it is its turn, and not whether something blocks it: its place tells.
        share: String::new(),
        demand: key.demand.clone(),
        namespace: key.namespace.clone(),
        heads: head.map(candidate).into_iter().collect(),
        has_more: false,
    }
}

struct Subject<'a> {
    owner: &'a str,
    state: &'a DispatchState,
    lane: Lane,
    place: Option<QueuePosition>,
    pending: Option<&'a str>,
    namespace: Option<&'a str>,
    needs: Features,
    operation: Option<CompiledOperation>,
    choice: Option<Choice>,
    waited: Vec<Wait>,
}

/// What a waiting run leaves open of where it starts.
struct Choice {
    routing: Routing,
    stay: Stay,
}

impl Choice {
    fn of(head: &RunHead) -> Option<Self> {
        Some(Self { routing: head.routing.clone()?, stay: head.stay()? })
    }

    /// Where else the run may go, and when it does.
    async fn outlook(&self, app: &App, subject: &Subject<'_>, now: Time) -> Result<Option<Outlook>, Problem> {
        let places = app.store.destinations(subject.owner).await?;
        let confinements = app.store.confinements(subject.owner).await?;
        let unconfined = Confinement::default();
        let confinement = confinements.get(&subject.lane.project).unwrap_or(&unconfined);
        let demands = Demands { routing: &self.routing, needs: subject.needs, confinement };
        let ids: Vec<QueueId> = demands.candidates(&places).iter().map(|place| place.queue).collect();
        let rooms = app.store.rooms(&ids, now).await?;
        let has_room = |place: &Destination| rooms.get(&place.queue).is_some_and(|room| *room > 0);
        Ok(outlook(demands, &self.stay, &places, now, has_room))
    }
}

async fn told(app: &App, mut subject: Subject<'_>, now: Time) -> Result<Value, Problem> {
    let options =
        AdmissionOptions { broker_is_up: app.wake.broker_is_up(), heads: 1, ..AdmissionOptions::default() };
    let snapshot = app.store.snapshot(subject.owner, now, options).await?;
    let mut ahead: Vec<Ahead<'_>> = Vec::new();
    if let Some(place) = &subject.place
        && let Some(share) = &place.share
    {
        subject.lane.share.clone_from(share);
        ahead.extend(place.lanes.iter().map(CountedLane::ahead));
    }
    let asked = Asked {
        state: subject.state,
        lane: &subject.lane,
        place: subject.place.as_ref().map(|place| Place { position: place.position, of: place.of }),
        pending: subject.pending,
        needs: subject.needs,
        ahead: &ahead,
    };
    let mut explanation = explain(&snapshot, asked);
    name_holders(app, &subject, &snapshot, &mut explanation).await?;
    let agent = snapshot.queue(subject.lane.queue).map(|queue| queue.agent);
    explanation.blocked_by.extend(lacked(app, &subject, agent).await?);
    if let (Some(operation), Some(agent)) = (&subject.operation, agent.and_then(|id| snapshot.agent(id)))
        && let Some(nodes) = app.store.agent_nodes(agent.id).await?
    {
        explanation.placement = nodes.unfit(&agent.name, operation);
    }
    explanation.waited = std::mem::take(&mut subject.waited);
    if let Some(choice) = &subject.choice {
        explanation.overflow = choice.outlook(app, &subject, now).await?;
    }
    serde_json::to_value(explanation).map_err(|error| Problem::internal(&error))
}

/// That the run's agent does not serve its namespace or has not its connections, or no longer: it would refuse to
/// start it.
async fn lacked(app: &App, subject: &Subject<'_>, agent: Option<AgentId>) -> Result<Option<Block>, Problem> {
    let unclaimed = subject.state.status.is_waiting() || subject.state.is_offered();
    let names_any = subject.operation.as_ref().is_some_and(|asked| !asked.run.connection_names().is_empty());
    let (Some(agent), true) = (agent, unclaimed && (names_any || subject.namespace.is_some())) else {
        return Ok(None);
    };
    let agent = app.store.agent_by_id(agent).await?;
    let host = agent.host(false);
    let lacking = subject.namespace.and_then(|namespace| host.lacks_namespace(namespace));
    let asked = subject.operation.iter().flat_map(|asked| asked.run.connection_names());
    let lacking = lacking.or_else(|| host.lacks_connection(asked));
    Ok(lacking.map(|reason| {
        let message = format!("{reason}; the run fails when it is claimed, if that is so then");
        Block::plain(Rule::NoMatchingAgent, "agent", agent.name.as_str(), message)
    }))
}

/// Names some of the runs that use the limits.
async fn name_holders(
    app: &App,
    subject: &Subject<'_>,
    snapshot: &berth_domain::scheduling::Snapshot,
    explanation: &mut Explanation,
) -> Result<(), Problem> {
    for block in
        explanation.blocked_by.iter_mut().filter(|block| matches!(block.rule, Rule::Limit | Rule::Quota))
    {
        let mut filter =
            RunFilter { owner: Some(subject.owner.to_owned()), statuses: holding(), ..RunFilter::default() };
        match block.level.as_str() {
            "queue" => filter.queue_id = Some(subject.lane.queue),
            "project" => filter.project_id = Some(subject.lane.project),
            "agent" => filter.agent_id = snapshot.queue(subject.lane.queue).map(|queue| queue.agent),
            _ => {}
        }
        let runs = app.store.runs(&filter, Sort::default(), &Page::first(HOLDERS)).await?;
        block.holders = runs.items.iter().map(|run| run.id.to_string()).collect();
    }
    Ok(())
}

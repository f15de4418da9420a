//! What an operator does to all the runs that a query names: how many they are, and call after call, batch by batch,
//! until each was dealt with once.

use std::sync::Arc;

use axum::http::Uri;
use berth_domain::access::{Action, Resource};
use berth_domain::id::RunId;
use berth_domain::lifecycle::{Status, moved, reprioritized, resume};
use berth_domain::name::{InvalidName, QueueRef};
use berth_domain::time::Time;
use berth_store::{Audit, Decision, Edit, NewRun, Page, Run, RunFilter, Sort, SortKey};
use serde_json::{Value, json};
use std::collections::HashMap;

use super::verbs::{Verb, apply_audited};
use super::{content, filter, is_ours};
use crate::app::App;
use crate::authenticate::Caller;
use crate::clone;
use crate::course::{BATCH, Course, SAMPLE};
use crate::directory::Places;
use crate::params::{Params, shown};
use crate::problem::Problem;
use crate::recompile::{self, Elsewhere};
use crate::shape;
use crate::trace::{Accepting, Incoming};

/// What is done to runs.
#[derive(Debug)]
pub(crate) enum Deed {
    /// They end, or never start.
    Steer(Verb),
    /// Those that wait, wait in another queue.
    Move(Target),
    /// Those that wait, get another priority.
    Reprioritize(u8),
    /// Those that ended go on as new attempts.
    Resume,
    /// Those that ended are submitted again, as new runs.
    Restart,
}

/// A queue to move to.
#[derive(Debug)]
pub(crate) struct Target {
    name: QueueRef,
    places: Arc<Places>,
}

/// What is asked for beside the verb.
#[derive(Debug, Default)]
pub(crate) struct Asked<'a> {
    /// A query, or these runs.
    pub query: Option<&'a str>,
    pub uuids: Vec<RunId>,
    pub queue: Option<&'a str>,
    pub priority: Option<u8>,
    pub cursor: Option<&'a str>,
}

impl Deed {
    /// The deed of that name; none if it is another one.
    ///
    /// # Errors
    /// 400 if what it takes is missing or wrong.
    pub(crate) async fn read(
        app: &App,
        owner: &str,
        verb: &str,
        asked: &Asked<'_>,
        now: Time,
    ) -> Result<Option<Self>, Problem> {
        let required = |field: &str| Problem::field(field, "This field is required.");
        Ok(Some(match verb {
            "stop" => Self::Steer(Verb::Stop),
            "skip" => Self::Steer(Verb::Skip),
            "resume" => Self::Resume,
            "restart" => Self::Restart,
            "reprioritize" => {
                let priority = asked.priority.ok_or_else(|| required("priority"))?;
                if priority > 9 {
                    return Err(Problem::field(
                        "priority",
                        format!("`{priority}` is not allowed: use 0 to 9"),
                    ));
                }
                Self::Reprioritize(priority)
            }
            "move" => {
                let name = asked.queue.ok_or_else(|| required("queue"))?;
                let name: QueueRef =
                    name.parse().map_err(|error: InvalidName| Problem::field("queue", error.to_string()))?;
                let places = app.directory.places(&app.store, owner, app.wake.settings(), true).await?;
                let Some((agent, queue, _)) = places.place(&name) else {
                    let message = format!("queue `{name}` does not exist; there are: {}", places.names());
                    return Err(Problem::field("queue", message));
                };
                let closed =
                    queue.paused.as_ref().and_then(|paused| paused.refuses(&format!("queue {name}"), now));
                let agent_closed = || agent.hold.as_ref()?.refuses(&format!("agent {}", agent.name), now);
                if let Some(why) = closed.or_else(agent_closed) {
                    return Err(Problem::conflict(why));
                }
                Self::Move(Target { name, places })
            }
            _ => return Ok(None),
        }))
    }

    const fn needs(&self) -> Action {
        match self {
            Self::Steer(_) | Self::Move(_) | Self::Reprioritize(_) => Action::SteerRun,
            Self::Resume | Self::Restart => Action::SubmitRun,
        }
    }

    const fn action(&self) -> &'static str {
        match self {
            Self::Steer(verb) => verb.action(),
            Self::Move(_) => "run.move",
            Self::Reprioritize(_) => "run.reprioritize",
            Self::Resume => "run.resume",
            Self::Restart => "run.restart",
        }
    }

    /// The statuses in which it can be done to a run.
    fn can_be_done_in(&self, status: Status) -> bool {
        match self {
            Self::Steer(Verb::Stop) => !status.is_final(),
            Self::Move(_) => status.is_waiting() || status == Status::Scheduled,
            Self::Steer(_) | Self::Reprioritize(_) => status.is_waiting(),
            Self::Resume | Self::Restart => status.is_final(),
        }
    }

    /// The statuses that a query asks for, if it doesn't say: what succeeded isn't done again unasked.
    fn meant(&self, status: Status) -> bool {
        let is_again = matches!(self, Self::Resume | Self::Restart);
        self.can_be_done_in(status) && !(is_again && status == Status::Succeeded)
    }
}

/// Does it to the runs that are asked for; says what it would do, of a dry run.
///
/// # Errors
/// 400 if what is asked for makes no sense, 403 if the caller may not.
pub(crate) async fn act(
    app: &App,
    caller: &Caller,
    (owner, project): (&str, Option<&str>),
    deed: &Deed,
    asked: &Asked<'_>,
    uri: &Uri,
) -> Result<Value, Problem> {
    let resource = match project {
        Some(name) => Resource::Project { owner, name },
        None => Resource::Organization(owner),
    };
    caller.may(deed.needs(), resource)?;
    let project = match project {
        Some(name) => Some(app.directory.project(&app.store, owner, name, app.wake.settings()).await?),
        None => None,
    };
    let mut filter = filter::read(app, owner, project.as_deref(), asked.query.unwrap_or_default()).await?;
    if asked.query.is_none() {
        filter.ids = Some(asked.uuids.clone());
    }
    let audit =
        Audit { details: asked.query.map(|query| json!({ "query": query })), ..caller.audit(deed.action()) };
    through(app, caller, deed, filter, &audit, (asked.cursor, uri)).await
}

/// Does it to all runs of a filter that it can be done to.
///
/// # Errors
/// 400 if the cursor is none; if the store can't be used.
pub(crate) async fn through(
    app: &App,
    caller: &Caller,
    deed: &Deed,
    mut filter: RunFilter,
    audit: &Audit,
    (cursor, uri): (Option<&str>, &Uri),
) -> Result<Value, Problem> {
    let is_meant = |status: &Status| {
        if filter.statuses.is_empty() { deed.meant(*status) } else { filter.statuses.contains(status) }
    };
    let statuses: Vec<Status> =
        Status::ALL.into_iter().filter(is_meant).filter(|status| deed.can_be_done_in(*status)).collect();
    let can_be_any = !statuses.is_empty();
    filter.statuses = statuses;
    if Params::read(uri, &["dry_run"])?.flag("dry_run")? {
        return preview(app, &filter, can_be_any).await;
    }
    let mut course = Course::begin(cursor, caller.now)?;
    // What is made meanwhile is not meant: neither new runs, nor those that this makes itself.
    filter.created_until = Some(filter.created_until.map_or(course.as_of, |until| until.min(course.as_of)));
    while can_be_any && course.goes_on() {
        let after = course.after.map(RunId::from_uuid);
        let runs = app.store.runs_after(&filter, after, BATCH).await?;
        do_to(app, caller, deed, &runs, audit, &mut course).await?;
        course.advance(runs.len(), runs.last().map(|run| run.id.uuid()));
    }
    if !can_be_any {
        course.advance(0, None);
    }
    Ok(course.answer())
}

async fn preview(app: &App, filter: &RunFilter, can_be_any: bool) -> Result<Value, Problem> {
    if !can_be_any {
        return Ok(json!({ "count": 0, "or_more": false, "sample": [] }));
    }
    let page = Page { count: true, ..Page::first(SAMPLE) };
    let sort = Sort { key: SortKey::CreatedAt, descending: false };
    let found = app.store.runs(filter, sort, &page).await?;
    let count = found.count.unwrap_or(0);
    let sample: Vec<Value> = found
        .items
        .iter()
        .map(|run| {
            let mut shape = shape::listed(run);
            shape["project"] = json!(run.project);
            shape
        })
        .collect();
    Ok(json!({ "count": count, "or_more": count >= berth_store::page::MAX_COUNTED, "sample": sample }))
}

/// Does it to one batch.
async fn do_to(
    app: &App,
    caller: &Caller,
    deed: &Deed,
    runs: &[Run],
    audit: &Audit,
    course: &mut Course,
) -> Result<(), Problem> {
    if runs.is_empty() {
        return Ok(());
    }
    let by = caller.principal.name();
    let done: Vec<RunId> = match deed {
        Deed::Steer(verb) => apply_audited(app, caller, runs, *verb, audit).await?,
        Deed::Restart => return restart(app, caller, runs, audit, course).await,
        Deed::Move(target) => return move_to(app, caller, runs, target, audit, course).await,
        Deed::Reprioritize(priority) => {
            let message = said(format!("Priority {priority} by {by}"), caller);
            change(app, caller, runs, |run, head| {
                let step = reprioritized(&head.dispatch, &message, caller.now).ok()?;
                let edit = Edit { priority: Some(*priority), ..Edit::default() };
                is_ours(run).then(|| Decision { edit, ..Decision::audited(step, audit.clone()) })
            })
            .await?
        }
        Deed::Resume => {
            change(app, caller, runs, |run, head| {
                let step = resume(&head.dispatch, by, caller.now).ok()?;
                let can = is_ours(run) && head.queue_id.is_some() && run.queue.is_some();
                can.then(|| Decision::audited(step, audit.clone()))
            })
            .await?
        }
    };
    course.done(done.len());
    for run in runs.iter().filter(|run| !done.contains(&run.id)) {
        course.keep(run.id.uuid(), "it went on meanwhile, or is not Berth's to execute");
    }
    Ok(())
}

/// Decides about runs under their locks; returns those that changed.
async fn change(
    app: &App,
    caller: &Caller,
    runs: &[Run],
    mut decide: impl FnMut(&Run, &berth_store::RunHead) -> Option<Decision>,
) -> Result<Vec<RunId>, Problem> {
    let by_id: HashMap<RunId, &Run> = runs.iter().map(|run| (run.id, run)).collect();
    let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
    let changed = app.transition(&ids, caller.now, |head| decide(by_id.get(&head.id)?, head)).await?;
    app.wake.changed();
    Ok(changed.into_iter().map(|(id, _)| id).collect())
}

/// The sentence, with the caller's reason.
fn said(what: String, caller: &Caller) -> String {
    match &caller.reason {
        Some(reason) => format!("{what}: {reason}"),
        None => what,
    }
}

async fn move_to(
    app: &App,
    caller: &Caller,
    runs: &[Run],
    target: &Target,
    audit: &Audit,
    course: &mut Course,
) -> Result<(), Problem> {
    let Some((agent, queue, place)) = target.places.place(&target.name) else {
        return Err(Problem::field("queue", format!("queue `{}` is gone", shown(&target.name.to_string()))));
    };
    let mut elsewhere: HashMap<RunId, Elsewhere> = HashMap::new();
    for run in runs {
        let refused = match (run.queue_id, is_ours(run)) {
            (Some(id), _) if id == queue.id => Err("it is there already".to_owned()),
            (None, _) | (_, false) => Err("Berth does not execute it".to_owned()),
            (Some(_), true) => {
                let raw = content(app, run).await?.raw_content.unwrap_or_default();
                let there = recompile::for_queue(app, caller, run, &raw, (agent, queue, place)).await;
                there.map_err(|problem| problem.detail().to_owned())
            }
        };
        match refused {
            Ok(place) => drop(elsewhere.insert(run.id, place)),
            Err(why) => course.keep(run.id.uuid(), why),
        }
    }
    let ready: Vec<Run> = runs.iter().filter(|run| elsewhere.contains_key(&run.id)).cloned().collect();
    let to = format!("{}/{}", agent.name, queue.name);
    let done = change(app, caller, &ready, |run, head| {
        let from = match (&run.agent, &run.queue) {
            (Some(agent), Some(queue)) => format!("{agent}/{queue}"),
            _ => "a queue that is gone".to_owned(),
        };
        let message = said(format!("Moved from {from} to {to} by {}", caller.principal.name()), caller);
        let mut step = moved(&head.dispatch, &message, caller.now).ok()?;
        let place = elsewhere.get(&head.id)?;
        step.state.policy.clone_from(&place.policy);
        let edit = Edit { operation: Some(place.operation.clone()), ..Edit::default() };
        let audit = Some(audit.clone());
        Some(Decision { audit, edit, ..Decision::moving(step, queue.id, agent.id) })
    })
    .await?;
    course.done(done.len());
    for run in ready.iter().filter(|run| !done.contains(&run.id)) {
        course.keep(run.id.uuid(), "somebody claimed it meanwhile, or the queue is gone");
    }
    Ok(())
}

async fn restart(
    app: &App,
    caller: &Caller,
    runs: &[Run],
    audit: &Audit,
    course: &mut Course,
) -> Result<(), Problem> {
    let incoming = Incoming::by_hand(app, caller);
    let mut again: Vec<(RunId, NewRun, Option<Accepting>)> = Vec::new();
    for run in runs {
        match clone::again(app, caller, run).await {
            Ok(mut new) => {
                let accepting = incoming.accept(app, &mut new, run.trace.as_ref());
                again.push((run.id, new, accepting));
            }
            Err(problem) => course.keep(run.id.uuid(), problem.detail()),
        }
    }
    let new: Vec<NewRun> = again.iter().map(|(_, new, _)| new.clone()).collect();
    let created = app.store.create_runs(&new, audit).await?;
    for ((original, _, accepting), created) in again.into_iter().zip(created) {
        match created {
            Ok(_) => {
                accepting.into_iter().for_each(|accepting| accepting.committed(app));
                course.done(1);
            }
            Err(error) => course.keep(original.uuid(), error.to_string()),
        }
    }
    app.wake.changed();
    Ok(())
}

//! What is due: held and retrying runs enter the backlog, waiting ones expire, an agent is asked about claims that ended
//! without a report, and pauses and cordons end that were for a time.

use std::collections::BTreeMap;
use std::time::Duration;

use berth_domain::id::{AgentId, RunId};
use berth_domain::lifecycle::{DispatchState, Event, Status, due, step};
use berth_domain::protocol::Question;

use crate::context::{Context, Pace, jitter};
use crate::nudge;
use crate::outbox::Error;

/// How far ahead one look at the store sees; without anything due within it, the next look is so much later.
const HORIZON: Duration = Duration::from_secs(5);

/// The least time between two looks for what is due soon: how late a timer may fire.
const PRECISION: Duration = Duration::from_millis(50);

/// The most that one transaction moves.
const BATCH: u32 = 500;

/// Fires what is due, until the shutdown.
pub(crate) async fn fire_forever(context: Context) {
    let mut pace = Pace::new("timers", &context, &context.timers, HORIZON).at_most_every(PRECISION);
    while pace.next().await {
        let mut next = None;
        pace.round(fire(&context, &mut next)).await;
        if let Some(next) = next {
            pace.within(next);
        }
    }
}

/// Fires what is due now; `next` becomes how long it is to what is due after that, if it is soon.
async fn fire(context: &Context, next: &mut Option<Duration>) -> Result<(), Error> {
    let held_until = end_holds(context).await?;
    let run_due = fire_runs(context).await?;
    *next = [held_until, run_due].into_iter().flatten().min();
    Ok(())
}

/// Ends the pauses and cordons whose time is over; how long it is to the next end.
async fn end_holds(context: &Context) -> Result<Option<Duration>, Error> {
    let now = context.clock.now();
    let (were_over, next) = context.store.end_holds(now).await?;
    if were_over {
        context.dispatch.notify_one();
        context.agents.notify_one();
    }
    Ok(next.map(|next| next.since(now)))
}

/// Fires what of runs is due now; how long it is to what is due after that, if it is soon.
async fn fire_runs(context: &Context) -> Result<Option<Duration>, Error> {
    loop {
        let now = context.clock.now();
        let soon = context.store.due_runs(now.plus(HORIZON), BATCH).await?;
        let ids: Vec<RunId> = soon.iter().filter(|run| run.wake_at <= now).map(|run| run.id).collect();
        let next = soon.iter().map(|run| run.wake_at).find(|at| *at > now).map(|at| at.since(now));
        // What nothing can be done about now comes up again at the next look, not in this one.
        if ids.is_empty() || fire_now(context, &ids).await? == 0 || soon.len() < BATCH as usize {
            return Ok(next);
        }
    }
}

/// Fires what is due; returns how many runs changed.
async fn fire_now(context: &Context, ids: &[RunId]) -> Result<usize, Error> {
    let now = context.clock.now();
    let mut questions: BTreeMap<AgentId, Vec<Question>> = BTreeMap::new();
    let mut is_queued = false;
    let changed = context
        .transition(ids, now, |head| {
            let event = due(&head.dispatch, now)?;
            let done = step(&head.dispatch, &event, now, jitter()).ok()?;
            is_queued |= done.state.status == Status::Queued;
            if let (Event::Ask, Some(agent)) = (&event, head.agent_id) {
                questions.entry(agent).or_default().push(question(head.id, &done.state));
            }
            Some(done)
        })
        .await?;
    if is_queued {
        context.dispatch.notify_one();
    }
    for (agent, questions) in questions {
        nudge::ask(context, agent, questions).await?;
    }
    Ok(changed.len())
}

/// The question that was just asked of a run.
pub(crate) fn question(run: RunId, state: &DispatchState) -> Question {
    Question { run, attempt: state.attempt, question: state.question }
}

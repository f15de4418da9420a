//! What is due: held and retrying runs enter the backlog, waiting ones expire, and an agent is asked about
//! claims that ended without a report.

use std::collections::BTreeMap;
use std::time::Duration;

use berth_domain::id::{AgentId, RunId};
use berth_domain::lifecycle::{DispatchState, Event, Status, step};
use berth_domain::protocol::Question;
use berth_domain::time::Time;

use tokio::sync::Notify;

use crate::context::{Context, Pace, jitter};
use crate::nudge;
use crate::outbox::Error;

/// How late a timer may fire.
const TICK: Duration = Duration::from_millis(250);

/// The most that one transaction moves.
const BATCH: u32 = 500;

/// Fires what is due, until the shutdown.
pub(crate) async fn fire_forever(context: Context) {
    let hint = Notify::new();
    let mut pace = Pace::new("timers", &context, &hint, TICK);
    while pace.next().await {
        pace.round(fire(&context)).await;
    }
}

async fn fire(context: &Context) -> Result<(), Error> {
    loop {
        let now = context.clock.now();
        let due = context.store.due_runs(now, BATCH).await?;
        let due: Vec<RunId> = due.into_iter().map(|run| run.id).collect();
        if due.is_empty() {
            return Ok(());
        }
        let mut questions: BTreeMap<AgentId, Vec<Question>> = BTreeMap::new();
        let mut is_queued = false;
        context
            .store
            .transition(&due, now, |head| {
                let event = due_event(&head.dispatch, now)?;
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
        if due.len() < BATCH as usize {
            return Ok(());
        }
    }
}

/// The question that was just asked of a run.
pub(crate) fn question(run: RunId, state: &DispatchState) -> Question {
    Question { run, attempt: state.attempt, question: state.question }
}

/// What is to happen to a run whose time has come.
fn due_event(state: &DispatchState, now: Time) -> Option<Event<'static>> {
    let is_past = |time: Option<Time>| time.is_some_and(|time| time <= now);
    let waits = state.status.is_waiting() || state.is_offered();
    if waits && state.started_at.is_none() && is_past(state.expires_at) {
        return Some(Event::Expire);
    }
    match state.status {
        Status::OnSchedule | Status::Retrying if is_past(state.due_at) => Some(Event::Queue),
        status if status.is_at_agent() && state.object.is_none() => Some(Event::Ask),
        _ => None,
    }
}

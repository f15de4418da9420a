//! Reports and answers: compared with the run under its lock, taken in or ignored with a reason, committed;
//! then the receipts.

use std::collections::BTreeMap;

use berth_domain::id::{QueueId, RunId};
use berth_domain::lifecycle::{DispatchState, Event, Ignored, Step, step};
use berth_domain::protocol::{Answer, AttemptRef, EndReceipt, Notice, Phase, Report, ToAgentBody};
use berth_domain::time::Time;
use berth_domain::trace::TraceId;
use berth_store::{Agent, RunHead};

use super::refusals::{self, Refusal};
use crate::context::{Context, jitter};
use crate::outbox::{self, Error};

/// Something that an agent said of one run.
enum Said<'a> {
    Report { replica: &'a str, report: &'a Report },
    Notice(&'a Notice),
    Answer(&'a Answer),
}

impl Said<'_> {
    fn attempt(&self) -> u32 {
        match self {
            Said::Report { report, .. } => report.attempt,
            Said::Notice(notice) => notice.attempt,
            Said::Answer(answer) => answer.attempt,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Said::Report { .. } => "a report",
            Said::Notice(_) => "a notice",
            Said::Answer(_) => "an answer",
        }
    }
}

/// Takes in what an agent's replicas reported, told and answered.
pub(super) async fn take_in(
    context: &Context,
    agent: &Agent,
    reports: &[(String, Report)],
    notices: &[Notice],
    answers: &[Answer],
) -> Result<(), Error> {
    let mut by_run: BTreeMap<RunId, Vec<Said<'_>>> = BTreeMap::new();
    // What was told before an end is not hidden by it.
    for notice in notices {
        by_run.entry(notice.run).or_default().push(Said::Notice(notice));
    }
    for (replica, report) in reports {
        by_run.entry(report.run).or_default().push(Said::Report { replica, report });
    }
    for answer in answers.iter().filter(|answer| !answer.present) {
        by_run.entry(answer.run).or_default().push(Said::Answer(answer));
    }
    if by_run.is_empty() {
        return Ok(());
    }
    let now = context.clock.now();
    let ids: Vec<RunId> = by_run.keys().copied().collect();
    let mut outcome = Taken::default();
    let told = |head: &RunHead, _: &DispatchState| {
        by_run.get(&head.id)?.iter().find_map(|said| match said {
            Said::Report { report, .. } if report.attempt == head.dispatch.attempt => report.span,
            _ => None,
        })
    };
    context
        .transition_told(&ids, now, told, |head| {
            let said = by_run.get(&head.id)?;
            outcome.take(context, agent, head, said, now)
        })
        .await?;
    for (run, ignored) in &outcome.ignored {
        let trace_id = outcome.traces.get(run).map(tracing::field::display);
        tracing::debug!(run.id = %run, trace_id, reason = %ignored, "a report of run {run} changes nothing: {ignored}");
    }
    refusals::record(context, agent, &outcome.refused).await?;
    count(context, agent, &outcome.finished).await?;
    for (_, report) in reports {
        context.metrics.report_lagged(now.since(report.at));
    }
    let receipts = std::mem::take(&mut outcome.receipts);
    let receipts = receipts.into_iter().map(|(replica, receipts)| (replica, ToAgentBody::Receipts(receipts)));
    let unwanted = std::mem::take(&mut outcome.unwanted);
    let unwanted = unwanted.into_iter().map(|(replica, unwanted)| (replica, ToAgentBody::Remove(unwanted)));
    let bodies = receipts.chain(unwanted).collect();
    outbox::send(context, agent.name.as_str(), bodies).await;
    // Slots were freed; and a failed attempt's next one may be due soon.
    context.dispatch.notify_one();
    context.timers.notify_one();
    Ok(())
}

pub(crate) async fn count(context: &Context, agent: &Agent, finished: &[Finished]) -> Result<(), Error> {
    if finished.is_empty() {
        return Ok(());
    }
    let queues = context.store.queue_names(agent.id).await?;
    for end in finished {
        let name = end.queue.and_then(|queue| queues.get(&queue)).map_or("", String::as_str);
        let ran = end.started_at.map(|started| end.at.since(started));
        context.metrics.finished(agent.name.as_str(), name, end.status, ran);
    }
    Ok(())
}

/// What a batch did.
#[derive(Default)]
struct Taken {
    receipts: BTreeMap<String, Vec<EndReceipt>>,
    /// What was given up when its agent was lost, and lives all the same.
    unwanted: BTreeMap<String, Vec<AttemptRef>>,
    ignored: Vec<(RunId, Ignored)>,
    /// What was said of runs that are another's.
    refused: Vec<Refusal>,
    finished: Vec<Finished>,
    /// The traces of what was ignored, for the log.
    traces: BTreeMap<RunId, TraceId>,
}

/// A run that has ended, as metrics count it.
pub(crate) struct Finished {
    queue: Option<QueueId>,
    status: &'static str,
    started_at: Option<Time>,
    at: Time,
}

impl Finished {
    /// A run of that queue that ended by now, in this state.
    pub(crate) fn of(queue: Option<QueueId>, state: &DispatchState, now: Time) -> Self {
        Self {
            queue,
            status: state.status.as_str(),
            started_at: state.started_at,
            at: state.finished_at.unwrap_or(now),
        }
    }
}

impl Taken {
    /// Applies all that was said of one run, in the order in which it came.
    fn take(
        &mut self,
        context: &Context,
        agent: &Agent,
        head: &RunHead,
        said: &[Said<'_>],
        now: Time,
    ) -> Option<Step> {
        let mut change: Option<Step> = None;
        let is_moved = !head.dispatch.given_up.is_empty();
        let now_at =
            head.agent_id.filter(|_| is_moved).map(|agent| context.name_of(agent)).unwrap_or_default();
        for said in said {
            let state = change.as_ref().map_or(&head.dispatch, |change| &change.state);
            let event = match said {
                // It was lost, and is back: what it has of the run was given up.
                Said::Report { report, .. } if state.was_at(agent.id, report.attempt) => {
                    Event::Returned { agent: agent.id, report, now_at: &now_at }
                }
                // What an agent says of another's runs is not believed. What it still says of an attempt that was
                // given up is no surprise.
                _ if head.agent_id != Some(agent.id) => {
                    if !state.was_at(agent.id, said.attempt()) {
                        self.refused.push(Refusal { run: head.id, what: said.kind(), at: head.agent_id });
                    }
                    continue;
                }
                Said::Report { report, .. } => Event::Report(report),
                Said::Notice(notice) => Event::Notice(notice),
                Said::Answer(answer) => Event::Absent { attempt: answer.attempt, question: answer.question },
            };
            let settled = match step(state, &event, now, jitter()) {
                Ok(done) => {
                    let was_final = state.status.is_final();
                    if done.state.status.is_final() && !was_final {
                        self.finished.push(Finished::of(head.queue_id, &done.state, now));
                    }
                    change = Some(match change.take() {
                        Some(before) => before.then(done),
                        None => done,
                    });
                    true
                }
                Err(ignored) => {
                    self.ignored.push((head.id, ignored));
                    self.traces.extend(head.trace.as_ref().map(|trace| (head.id, trace.trace)));
                    ignored.settles_an_end()
                }
            };
            if let (Said::Report { replica, report }, Event::Returned { .. }) = (said, &event)
                && !matches!(report.phase, Phase::Ended(_))
            {
                let attempt = AttemptRef { run: report.run, attempt: report.attempt };
                self.unwanted.entry((*replica).to_owned()).or_default().push(attempt);
            }
            if let Said::Report { replica, report } = said
                && settled
                && matches!(report.phase, Phase::Ended(_))
            {
                let receipt =
                    EndReceipt { run: report.run, attempt: report.attempt, uid: report.uid.clone() };
                self.receipts.entry((*replica).to_owned()).or_default().push(receipt);
            }
        }
        change
    }
}

//! What of runs' traces is the scheduler's: admission, offers, grants and ends, each recorded once it is committed.

use std::collections::BTreeMap;

use berth_domain::id::{AgentId, QueueId, RunId};
use berth_domain::lifecycle::DispatchState;
use berth_domain::time::Time;
use berth_domain::trace::{Hop, SpanId, TraceContext};
use berth_store::{Decision, Error as StoreError, OfferedRun, RunHead};
use berth_telemetry::traces::{Kind, Passed, Subject};

use crate::context::Context;

/// Where the offer of a run belongs: under its own hop, if that is recorded.
pub(crate) fn offered(context: &Context, run: &OfferedRun) -> Option<TraceContext> {
    let trace = run.trace.as_ref()?;
    Some(context.tracer.under(trace, id(run, Hop::Offer)))
}

fn id(run: &OfferedRun, hop: Hop) -> SpanId {
    SpanId::of(run.id, run.attempt, run.dispatch.turn(), hop)
}

/// Records that runs had waited until `chosen`, and that a round which began then admitted them.
pub(crate) fn admitted(context: &Context, runs: &[OfferedRun], chosen: Time) {
    if runs.iter().all(|run| run.trace.is_none()) {
        return;
    }
    let committed = context.clock.now();
    for run in runs {
        let Some(trace) = &run.trace else { continue };
        tracing::debug!(run.id = %run.id, trace_id = %trace.trace, attempt = run.attempt, "run {} is admitted", run.id);
        let queued_at = run.dispatch.queued_at.unwrap_or(chosen);
        let waited = (Hop::Queued, id(run, Hop::Queued));
        context.tracer.hop(trace, waited, (queued_at, chosen), |span| {
            span.attempt(run.id, run.attempt, &run.agent, &run.queue)
        });
        let admitted = (Hop::Admit, id(run, Hop::Admit));
        context.tracer.hop(trace, admitted, (chosen, committed), |span| {
            span.under(Some(waited.1)).attempt(run.id, run.attempt, &run.agent, &run.queue)
        });
    }
}

/// An offer that is recorded when it was published. One that is published again is no other hop.
pub(crate) struct Publishing {
    trace: TraceContext,
    id: SpanId,
    parent: SpanId,
    run: RunId,
    attempt: u32,
    agent: String,
    queue: String,
}

impl Publishing {
    /// What is to be recorded of an offer; nothing if it is not the first one of its turn.
    pub(crate) fn of(context: &Context, run: &OfferedRun, is_first: bool) -> Option<Self> {
        let trace = run.trace.clone().filter(|trace| context.tracer.records(trace))?;
        (is_first || run.dispatch.offered.is_none()).then(|| Self {
            trace,
            id: id(run, Hop::Offer),
            parent: if is_first {
                id(run, Hop::Admit)
            } else {
                // The claim before was granted and lost.
                SpanId::of(run.id, run.attempt, run.dispatch.turn().saturating_sub(1), Hop::Grant)
            },
            run: run.id,
            attempt: run.attempt,
            agent: run.agent.clone(),
            queue: run.queue.clone(),
        })
    }

    /// Records it, confirmed or not.
    pub(crate) fn published(self, context: &Context, (began, over): (Time, Time), failure: Option<&str>) {
        context.tracer.hop(&self.trace, (Hop::Offer, self.id), (began, over), |span| {
            let to = context.names.offers(&self.agent, &self.queue);
            let span = span
                .kind(Kind::Producer)
                .under(Some(self.parent))
                .message(context.broker.system(), "publish", &to.queue, &self.run.uuid().to_string())
                .attempt(self.run, self.attempt, &self.agent, &self.queue);
            match failure {
                Some(why) => span.failed(why),
                None => span,
            }
        });
    }
}

impl Context {
    /// Steps runs, as [`berth_store::Store::transition`] does, and records what that is in their traces.
    ///
    /// # Errors
    /// If the store can't be used.
    pub(crate) async fn transition<D: Into<Decision>>(
        &self,
        ids: &[RunId],
        now: Time,
        decide: impl FnMut(&RunHead) -> Option<D>,
    ) -> Result<Vec<(RunId, DispatchState)>, StoreError> {
        self.transition_told(ids, now, |_, _| None, decide).await
    }

    /// The same where agents tell the spans of what they did: `told` has that of what led to a run's new state.
    ///
    /// # Errors
    /// If the store can't be used.
    pub(crate) async fn transition_told<D: Into<Decision>>(
        &self,
        ids: &[RunId],
        now: Time,
        told: impl Fn(&RunHead, &DispatchState) -> Option<SpanId>,
        mut decide: impl FnMut(&RunHead) -> Option<D>,
    ) -> Result<Vec<(RunId, DispatchState)>, StoreError> {
        let mut passed: Vec<Passed> = Vec::new();
        let changed = self
            .store
            .transition(ids, now, |head| {
                let decision: Decision = decide(head)?.into();
                if head.trace.is_some() {
                    let after = &decision.step.state;
                    passed.extend(Passed::of(subject(head), &head.dispatch, after, told(head, after)));
                }
                Some(decision)
            })
            .await?;
        if !passed.is_empty() {
            // One that moves to a queue which is gone by then is left out.
            passed.retain(|passed| changed.iter().any(|(run, _)| *run == passed.run));
            self.record(&passed, now).await;
        }
        Ok(changed)
    }

    /// Records what was committed, and says of ends in which trace they are.
    async fn record(&self, passed: &[Passed], decided: Time) {
        let times = (decided, self.clock.now());
        let mut queues: BTreeMap<AgentId, BTreeMap<QueueId, String>> = BTreeMap::new();
        for one in passed {
            if one.hop == Hop::End {
                tracing::info!(
                    run.id = %one.run, trace_id = %one.context.trace, status = one.status.as_str(),
                    "run {} is {}", one.run, one.status
                );
            } else {
                tracing::debug!(run.id = %one.run, trace_id = %one.context.trace, "run {} is claimed", one.run);
            }
            if !self.tracer.records(&one.context) {
                continue;
            }
            let Some(agent) = one.agent else {
                one.record(&self.tracer, times, "", "");
                continue;
            };
            if let std::collections::btree_map::Entry::Vacant(unknown) = queues.entry(agent) {
                // Without its name a queue is not named; that is no reason to fail what was committed.
                unknown.insert(self.store.queue_names(agent).await.unwrap_or_default());
            }
            let queue = one.queue.and_then(|queue| queues.get(&agent)?.get(&queue));
            one.record(&self.tracer, times, &self.name_of(agent), queue.map_or("", String::as_str));
        }
    }
}

fn subject(head: &RunHead) -> Subject<'_> {
    Subject { run: head.id, context: head.trace.as_ref(), agent: head.agent_id, queue: head.queue_id }
}

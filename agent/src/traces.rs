//! What of runs' traces is the agent's: that it claimed an attempt, created its object, and that this ran.

use berth_broker::offer::Offer;
use berth_domain::id::RunId;
use berth_domain::lifecycle::{End, Outcome};
use berth_domain::protocol::{AttemptRef, Phase};
use berth_domain::time::Time;
use berth_domain::trace::{Hop, SpanId, TraceContext};
use berth_telemetry::traces::{Kind, Span};

use crate::executor::{Object, ObjectTrace, OrderTrace};
use crate::service::Shared;

/// An offer that is being handed over, of a run that is in a trace.
#[derive(Debug)]
pub(crate) struct HandOver {
    attempt: AttemptRef,
    queue: String,
    /// Where the offer put it.
    offered: TraceContext,
    claim: SpanId,
    create: SpanId,
    /// When the offer came.
    arrived: Time,
}

impl HandOver {
    /// Of an offer that came at `arrived`.
    pub(crate) fn of(offer: &Offer, arrived: Time) -> Option<Self> {
        let offered = offer.trace.clone()?;
        let (run, attempt) = (RunId::from_uuid(offer.run), offer.attempt);
        Some(Self {
            attempt: AttemptRef { run, attempt },
            queue: offer.queue.clone(),
            claim: offered.span.following(run, attempt, Hop::Claim),
            create: SpanId::of(run, attempt, 0, Hop::Create),
            offered,
            arrived,
        })
    }

    /// The claim's span, if it is recorded.
    pub(crate) fn claim(&self, shared: &Shared) -> Option<SpanId> {
        shared.tracer.records(&self.offered).then_some(self.claim)
    }

    /// Records that the claim was granted, with the span `grant`; where the attempt belongs from here on.
    pub(crate) fn granted(&self, shared: &Shared, grant: Option<SpanId>) -> OrderTrace {
        let times = (self.arrived, shared.clock.now());
        shared.tracer.hop(&self.offered, (Hop::Claim, self.claim), times, |span| {
            let from = shared.names.offers(shared.name.as_str(), &self.queue);
            let message = self.attempt.run.uuid().to_string();
            let span =
                span.kind(Kind::Consumer).message(shared.broker.system(), "claim", &from.queue, &message);
            self.said(shared, span)
        });
        let granted = match grant {
            Some(grant) => self.offered.under(grant),
            None => shared.tracer.under(&self.offered, self.claim),
        };
        let kept = shared.tracer.under(&granted, self.create);
        let joined = shared.tracer.under(&kept, ObjectTrace::run(self.attempt));
        OrderTrace { kept, joined }
    }

    /// Records that the object was created from `began` on, or why it never is.
    pub(crate) fn created(
        &self,
        shared: &Shared,
        began: Time,
        grant: Option<SpanId>,
        made: Result<&Object, &End>,
    ) {
        let times = (began, shared.clock.now());
        shared.tracer.hop(&self.offered, (Hop::Create, self.create), times, |span| {
            let span = self.said(shared, span.under(Some(grant.unwrap_or(self.claim))));
            let span = span.with("berth.executor", shared.executor.kind());
            match made {
                Ok(object) => span.with("berth.object.uid", object.uid.as_str()),
                Err(end) => failed(span, end),
            }
        });
    }

    /// The span that tells why nothing was created, if it is recorded.
    pub(crate) fn refused(&self, shared: &Shared) -> Option<SpanId> {
        shared.tracer.records(&self.offered).then_some(self.create)
    }

    fn said(&self, shared: &Shared, span: Span) -> Span {
        let AttemptRef { run, attempt } = self.attempt;
        span.attempt(run, attempt, shared.name.as_str(), &self.queue)
    }
}

/// Records that an object ran, once its end was taken in.
pub(crate) fn ran(shared: &Shared, object: &Object) {
    let (Some(trace), Phase::Ended(end)) = (&object.trace, &object.phase) else { return };
    let AttemptRef { run, attempt } = object.attempt;
    // What never ran took no time.
    let began = object.ran.map(|(at, _)| at).or(trace.began).unwrap_or(object.at);
    let id = ObjectTrace::run(object.attempt);
    shared.tracer.hop(&trace.context, (Hop::Run, id), (began, object.at), |span| {
        let span = span
            .attempt(run, attempt, shared.name.as_str(), &trace.queue)
            .with("berth.executor", shared.executor.kind())
            .with("berth.object.uid", object.uid.as_str())
            .with("berth.reason", end.reason.as_str());
        let span = match end.exit_code {
            Some(code) => span.with("process.exit.code", code),
            None => span,
        };
        match end.outcome {
            Outcome::Failed(_) => failed(span, end),
            Outcome::Succeeded | Outcome::Stopped => span,
        }
    });
}

fn failed(span: Span, end: &End) -> Span {
    let span = match end.outcome {
        Outcome::Failed(class) => span.with("error.type", class.as_str()),
        Outcome::Succeeded | Outcome::Stopped => span,
    };
    span.failed(end.message.as_str())
}

/// The trace of an attempt that is looked after here, for the log.
pub(crate) fn id_of(shared: &Shared, attempt: AttemptRef) -> Option<impl tracing::Value + use<>> {
    shared.reports.object(attempt)?.trace_id()
}

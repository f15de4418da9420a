//! What of a trace is the API's: a submission comes in, with or without a trace of its caller's, and the runs that it makes
//! are put into one.
//!
//! A run is in its caller's trace. Without one it begins a trace, whose root is the request; of many runs in one request
//! each begins its own, linked to the request's. A run that is made from another begins its own too, linked to that one's.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use berth_broker::celery::task::Task;
use berth_domain::id::RunId;
use berth_domain::lifecycle::DispatchState;
use berth_domain::time::Time;
use berth_domain::trace::{Hop, SpanId, TraceContext};
use berth_store::{Decision, Error as StoreError, NewRun, RunHead};
use berth_telemetry::traces::{Kind, Passed, Span, Subject};

use crate::app::App;
use crate::authenticate::Caller;

/// The headers of the W3C.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// How a submission came in.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// Where what it makes belongs; none if nobody traces.
    context: Option<TraceContext>,
    /// The caller's span.
    parent: Option<SpanId>,
    /// Its own span, if spans are recorded.
    id: Option<SpanId>,
    began: Time,
    runs: Runs,
}

/// Where the runs of a submission belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Runs {
    /// Under it.
    Under,
    /// Each in a trace of its own, linked to it.
    Beside,
    /// Each in a trace of its own; it is not recorded itself.
    Apart,
}

/// A run on its way into the store.
#[derive(Debug)]
pub(crate) struct Accepting {
    run: RunId,
    context: TraceContext,
    id: SpanId,
    began: Time,
    links: Vec<TraceContext>,
}

impl Incoming {
    fn new(app: &App, incoming: Option<&TraceContext>, id: impl FnOnce() -> SpanId, began: Time) -> Self {
        // Drawn or derived only if it is for something: every submission comes this way.
        let id = app.tracer.is_on().then(id);
        let context = match id {
            Some(id) => app.tracer.enter(incoming, id),
            None => incoming.cloned(),
        };
        Self { context, parent: incoming.map(|incoming| incoming.span), id, began, runs: Runs::Under }
    }

    /// By a request. More than one `traceparent` is none.
    pub(crate) fn request(app: &App, headers: &HeaderMap, caller: &Caller) -> Self {
        let mut parents = headers.get_all(TRACEPARENT).iter().map(HeaderValue::to_str);
        let parent = match (parents.next(), parents.next()) {
            (Some(Ok(parent)), None) => Some(parent),
            _ => None,
        };
        let states: Vec<&str> =
            headers.get_all(TRACESTATE).iter().filter_map(|state| state.to_str().ok()).collect();
        let state = Some(states.join(",")).filter(|state| !state.is_empty());
        let incoming = parent.and_then(|parent| TraceContext::read(parent, state.as_deref()));
        let submission = Self::new(app, incoming.as_ref(), SpanId::new, caller.now);
        note(submission.context.as_ref());
        submission
    }

    /// By a request that makes many runs: those of a caller who traces stay in his trace.
    pub(crate) fn of_many(self) -> Self {
        let runs = if self.parent.is_none() { Runs::Beside } else { Runs::Under };
        Self { runs, ..self }
    }

    /// By a request that is not traced itself: each run begins a trace.
    pub(crate) fn by_hand(app: &App, caller: &Caller) -> Self {
        Self { runs: Runs::Apart, ..Self::new(app, None, SpanId::new, caller.now) }
    }

    /// By a task of Celery's, whose id is the run's.
    pub(crate) fn task(app: &App, task: &Task, run: RunId, began: Time) -> Self {
        let header = |name: &str| task.extra.get(name).and_then(serde_json::Value::as_str);
        let incoming =
            header("traceparent").and_then(|parent| TraceContext::read(parent, header("tracestate")));
        Self::new(app, incoming.as_ref(), || SpanId::of(run, 0, 0, Hop::Submit), began)
    }

    /// Puts a run that is to be stored into its trace; `original` is that of the run that it is made from.
    pub(crate) fn accept(
        &self,
        app: &App,
        run: &mut NewRun,
        original: Option<&TraceContext>,
    ) -> Option<Accepting> {
        let context = self.context.as_ref()?;
        let id = SpanId::of(run.id, 0, 0, Hop::Accept);
        let (context, request) = match self.runs {
            Runs::Under => (context.clone(), None),
            Runs::Beside => (app.tracer.enter(None, id)?, Some(context)),
            Runs::Apart => (app.tracer.enter(None, id)?, None),
        };
        run.trace = Some(app.tracer.under(&context, id));
        let links = request.into_iter().chain(original).cloned().collect();
        Some(Accepting { run: run.id, context, id, began: self.began, links })
    }

    /// Records the request, answered with `status`.
    pub(crate) fn answered(&self, app: &App, (method, route): (&'static str, &str), status: StatusCode) {
        self.over(app, |span| {
            let span = span
                .kind(Kind::Server)
                .named(format!("{method} {route}"))
                .with("http.request.method", method)
                .with("http.route", route)
                .with("http.response.status_code", u32::from(status.as_u16()));
            if status.is_server_error() {
                span.with("error.type", status.as_str()).failed(status.canonical_reason().unwrap_or_default())
            } else {
                span
            }
        });
    }

    /// Records the task, whose run was committed.
    pub(crate) fn taken(&self, app: &App, run: RunId, queue: &str, task: &str) {
        self.over(app, |span| {
            span.kind(Kind::Consumer).message(app.broker.system(), "process", queue, task).run(run)
        });
    }

    fn over(&self, app: &App, more: impl FnOnce(Span) -> Span) {
        let (Some(context), Some(id)) = (&self.context, self.id) else { return };
        let times = (self.began, app.clock.now());
        app.tracer.hop(context, (Hop::Submit, id), times, |span| more(span.under(self.parent)));
    }

    /// Tells the caller which trace it is.
    pub(crate) fn told(&self, mut response: Response) -> Response {
        let header = self.context.as_ref().and_then(|context| context.traceparent().parse().ok());
        if let Some(header) = header {
            response.headers_mut().insert(TRACEPARENT, header);
        }
        response
    }
}

impl Accepting {
    /// Records that the run was committed.
    pub(crate) fn committed(self, app: &App) {
        let times = (self.began, app.clock.now());
        app.tracer.hop(&self.context, (Hop::Accept, self.id), times, |span| {
            self.links.iter().fold(span.run(self.run), |span, other| span.linked(Some(other)))
        });
    }
}

impl App {
    /// Steps runs, as [`berth_store::Store::transition`] does, and records what of their traces ends with it.
    ///
    /// # Errors
    /// If the store can't be used.
    pub(crate) async fn transition<D: Into<Decision>>(
        &self,
        ids: &[RunId],
        now: Time,
        mut decide: impl FnMut(&RunHead) -> Option<D>,
    ) -> Result<Vec<(RunId, DispatchState)>, StoreError> {
        let mut passed: Vec<Passed> = Vec::new();
        let changed = self.store.transition(ids, now, |head| {
            let decision: Decision = decide(head)?.into();
            let subject = Subject {
                run: head.id,
                context: head.trace.as_ref(),
                agent: head.agent_id,
                queue: head.queue_id,
            };
            passed.extend(Passed::of(subject, &head.dispatch, &decision.step.state, None));
            Some(decision)
        });
        let changed = changed.await?;
        for one in passed.iter().filter(|one| self.tracer.records(&one.context)) {
            if changed.iter().any(|(run, _)| *run == one.run) {
                let (agent, queue) = self.names_of(one).await;
                one.record(&self.tracer, (now, self.clock.now()), &agent, &queue);
            }
        }
        Ok(changed)
    }

    /// The names of where a run is. What is not known is not named: that is no reason to fail what was committed.
    async fn names_of(&self, passed: &Passed) -> (String, String) {
        let Some(id) = passed.agent else { return Default::default() };
        let agent = self.store.agent_by_id(id).await.map(|agent| agent.name.to_string());
        let queues = self.store.queue_names(id).await.unwrap_or_default();
        let queue = passed.queue.and_then(|queue| queues.get(&queue).cloned());
        (agent.unwrap_or_default(), queue.unwrap_or_default())
    }
}

/// Notes the trace of the run that a request is about, for the line that is logged of it.
pub(crate) fn note(context: Option<&TraceContext>) {
    if let Some(context) = context {
        tracing::Span::current().record("trace_id", tracing::field::display(context.trace));
    }
}

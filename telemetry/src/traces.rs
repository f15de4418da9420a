//! Traces: spans of runs' hops, recorded by whoever did the hop, and sent to a collector by OTLP over HTTP.
//!
//! A span is told when its hop is over, with its times and an id that is derived from the hop, so that no span is kept open
//! across replicas and restarts, and one that is told twice is known as one. Recording never waits: what the queue has no
//! room for is dropped and counted. Which trace a run is in, and how that travels, is `berth_domain::trace`'s.

mod export;
mod otlp;
mod passed;
mod span;

use std::sync::Arc;

use berth_domain::time::Time;
use berth_domain::trace::{Hop, SpanId, TraceContext, TraceId};
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};
use tokio::sync::mpsc;

pub use export::Exporter;
pub use passed::{Passed, Subject};
pub use span::{Attribute, Kind, Span};

/// How many spans wait to be sent. One has some 500 bytes.
const WAITING: usize = 8_192;

/// Where spans go, and which are recorded.
#[derive(Clone)]
pub struct Settings {
    /// The collector's address for traces, such as `http://127.0.0.1:4318/v1/traces`.
    pub endpoint: String,
    /// Headers that the collector wants, such as its credentials.
    pub headers: Vec<(String, String)>,
    /// PEM: authorities that may sign the collector's certificate, beside the system's.
    pub authorities: Option<String>,
    /// What this process is called: `service.name`.
    pub service: String,
    /// The release that it is of.
    pub release: String,
    /// The replica that it is: `service.instance.id`.
    pub replica: String,
    /// What else is said of it.
    pub attributes: Vec<(String, String)>,
    /// The share of traces that are recorded, of those that begin here: 0 to 1.
    pub ratio: f64,
}

/// Traces can't be exported as it was wished.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is none.
    #[error("the endpoint is no http:// or https:// URL")]
    Endpoint,
    /// A header can't be sent.
    #[error("the header `{0}` can't be sent")]
    Header(String),
    /// What should be certificates of authorities is none.
    #[error("the authorities hold no certificate as PEM (-----BEGIN CERTIFICATE-----)")]
    Authorities,
    /// There is no client to send with.
    #[error("no HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    /// Another component registered the same numbers.
    #[error("metrics can't be registered: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// Why spans are not sent.
#[derive(Clone, Copy)]
enum Dropped {
    /// The queue was full.
    QueueFull,
    /// The collector was away for too long.
    Unreachable,
    /// The collector doesn't want them.
    Rejected,
}

/// What becomes of spans.
#[derive(Debug, Clone)]
struct Numbers {
    exported: IntCounter,
    dropped: IntCounterVec,
}

impl Numbers {
    fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let exported = IntCounter::new("berth_trace_spans_exported_total", "Spans that the collector took")?;
        let dropped = Opts::new("berth_trace_spans_dropped_total", "Spans that were not exported, and why");
        let numbers = Self { exported, dropped: IntCounterVec::new(dropped, &["reason"])? };
        registry.register(Box::new(numbers.exported.clone()))?;
        registry.register(Box::new(numbers.dropped.clone()))?;
        for reason in [Dropped::QueueFull, Dropped::Unreachable, Dropped::Rejected] {
            numbers.dropped(reason, 0);
        }
        Ok(numbers)
    }

    fn dropped(&self, reason: Dropped, spans: usize) {
        let reason = match reason {
            Dropped::QueueFull => "queue_full",
            Dropped::Unreachable => "unreachable",
            Dropped::Rejected => "rejected",
        };
        self.dropped.with_label_values(&[reason]).inc_by(spans as u64);
    }
}

/// Records spans, or does nothing: traces are off unless there is a collector. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Tracer(Option<Arc<Recorder>>);

#[derive(Debug)]
struct Recorder {
    spans: mpsc::Sender<Span>,
    ratio: f64,
    numbers: Numbers,
}

impl Tracer {
    /// One that records nothing, and passes contexts on.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// One that records, and what sends what it records.
    ///
    /// # Errors
    /// If a setting can't be used.
    pub fn new(settings: &Settings, registry: &Registry) -> Result<(Self, Exporter), Error> {
        let numbers = Numbers::register(registry)?;
        let (spans, waiting) = mpsc::channel(WAITING);
        let exporter = Exporter::new(settings, waiting, numbers.clone())?;
        let recorder = Recorder { spans, ratio: settings.ratio, numbers };
        Ok((Self(Some(Arc::new(recorder))), exporter))
    }

    /// One whose spans come out of the other end: for tests of those who record.
    #[must_use]
    pub fn observed() -> (Self, mpsc::Receiver<Span>) {
        let (spans, seen) = mpsc::channel(WAITING);
        let dropped = IntCounterVec::new(Opts::new("dropped", "dropped"), &["reason"]);
        let exported = IntCounter::new("exported", "exported");
        let recorder = exported.and_then(|exported| {
            Ok(Recorder { spans, ratio: 1.0, numbers: Numbers { exported, dropped: dropped? } })
        });
        (Self(recorder.ok().map(Arc::new)), seen)
    }

    /// Whether anything is recorded.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Whether spans of this trace are recorded here.
    #[must_use]
    pub fn records(&self, context: &TraceContext) -> bool {
        self.is_on() && context.is_sampled()
    }

    /// Where something belongs that comes in with `incoming` and has the span `id` itself: in that trace, or in a new one if
    /// any are recorded.
    #[must_use]
    pub fn enter(&self, incoming: Option<&TraceContext>, id: SpanId) -> Option<TraceContext> {
        match (incoming, &self.0) {
            (Some(incoming), _) => Some(self.under(incoming, id)),
            (None, Some(recorder)) => {
                let trace = TraceId::new();
                Some(TraceContext::begin(trace, id, trace.is_sampled(recorder.ratio)))
            }
            (None, None) => None,
        }
    }

    /// The context of what follows the hop `id`: under that hop if it is recorded, else where the hop itself is.
    #[must_use]
    pub fn under(&self, context: &TraceContext, id: SpanId) -> TraceContext {
        if self.is_on() { context.under(id) } else { context.clone() }
    }

    /// Records a hop of a run in `context`, which took from `start` to `end`; `more` says more of it, and is not asked if
    /// nothing is recorded.
    pub fn hop(
        &self,
        context: &TraceContext,
        (hop, id): (Hop, SpanId),
        (start, end): (Time, Time),
        more: impl FnOnce(Span) -> Span,
    ) {
        if self.records(context) {
            self.record(more(Span::of(context, hop, id, start, end)));
        }
    }

    /// Has a span sent; drops it if too many wait.
    pub fn record(&self, span: Span) {
        let Some(recorder) = &self.0 else { return };
        if span.is_sampled() && recorder.spans.try_send(span).is_err() {
            recorder.numbers.dropped(Dropped::QueueFull, 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use berth_domain::id::RunId;

    use super::*;

    const INCOMING: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn incoming() -> TraceContext {
        TraceContext::read(INCOMING, None).unwrap()
    }

    #[test]
    fn without_a_collector_contexts_are_passed_on_and_none_begins() {
        let off = Tracer::off();
        assert_eq!(off.enter(Some(&incoming()), SpanId::new()), Some(incoming()));
        assert_eq!(off.enter(None, SpanId::new()), None);
        assert_eq!(off.under(&incoming(), SpanId::new()), incoming());
    }

    #[test]
    fn what_comes_in_is_continued_and_else_a_trace_begins() {
        let (tracer, mut seen) = Tracer::observed();
        let id = SpanId::new();
        let joined = tracer.enter(Some(&incoming()), id).unwrap();
        assert_eq!((joined.trace, joined.span), (incoming().trace, id));
        let own = tracer.enter(None, id).unwrap();
        assert!(own.is_sampled() && own.trace != joined.trace && own.span == id);
        let now = Time::from_micros(1);
        tracer.hop(&joined, (Hop::Accept, SpanId::new()), (now, now), |span| span);
        let unsampled = TraceContext::begin(TraceId::new(), id, false);
        tracer.hop(&unsampled, (Hop::Accept, SpanId::new()), (now, now), |span| span);
        assert_eq!(seen.try_recv().unwrap().trace, joined.trace);
        assert!(seen.try_recv().is_err(), "what is not sampled is not recorded");
    }

    #[tokio::test]
    async fn a_full_queue_waits_for_nobody_and_is_counted() {
        let registry = Registry::new();
        let numbers = Numbers::register(&registry).unwrap();
        let (spans, _kept) = mpsc::channel(1);
        let tracer = Tracer(Some(Arc::new(Recorder { spans, ratio: 1.0, numbers })));
        let context = tracer.enter(None, SpanId::new()).unwrap();
        let now = Time::from_micros(1);
        for _ in 0..3 {
            tracer
                .hop(&context, (Hop::Run, SpanId::of(RunId::new(), 0, 0, Hop::Run)), (now, now), |span| span);
        }
        let text = crate::metrics::exposition(&registry).unwrap();
        assert!(text.contains("berth_trace_spans_dropped_total{reason=\"queue_full\"} 2\n"), "{text}");
    }
}

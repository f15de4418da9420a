//! Sending, to a collector that takes, refuses, is slow, or is not there.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap as Sent, StatusCode as Code};
use axum::routing::post;
use berth_domain::time::Time;
use berth_domain::trace::{Hop, SpanId};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest,
};
use prometheus::Registry;
use tokio_util::sync::DropGuard;
use tokio_util::task::TaskTracker;

use super::super::Tracer;
use super::*;

/// What the collector was sent, and what it answers.
#[derive(Clone)]
struct Collector {
    requests: Arc<Mutex<Vec<(Sent, ExportTraceServiceRequest)>>>,
    asked: Arc<AtomicUsize>,
    answers: Arc<dyn Fn(usize) -> (Code, Vec<u8>) + Send + Sync>,
}

async fn take(State(collector): State<Collector>, headers: Sent, body: Bytes) -> (Code, Vec<u8>) {
    let (code, answer) = (collector.answers)(collector.asked.fetch_add(1, Ordering::SeqCst));
    if code.is_success() {
        let request = ExportTraceServiceRequest::decode(body).unwrap();
        collector.requests.lock().unwrap().push((headers, request));
    }
    (code, answer)
}

/// An exporter under way, with what it sends to.
struct World {
    collector: Collector,
    registry: Registry,
    tracer: Tracer,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// Ends the collector, after everything else.
    _serving: Option<DropGuard>,
}

impl World {
    async fn start(answers: impl Fn(usize) -> (Code, Vec<u8>) + Send + Sync + 'static) -> Self {
        let collector =
            Collector { requests: Arc::default(), asked: Arc::default(), answers: Arc::new(answers) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", post(take)).with_state(collector.clone());
        let tasks = TaskTracker::new();
        let stop = CancellationToken::new();
        let over = CancellationToken::new();
        let serving = axum::serve(listener, router).with_graceful_shutdown(over.clone().cancelled_owned());
        let (served, stopped) = (TaskTracker::new(), over.drop_guard());
        served.spawn(async move { serving.await.unwrap() });
        Self { _serving: Some(stopped), ..Self::sending_to(&endpoint, collector, stop, tasks) }
    }

    fn sending_to(endpoint: &str, collector: Collector, stop: CancellationToken, tasks: TaskTracker) -> Self {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let settings = Settings {
            endpoint: endpoint.to_owned(),
            headers: vec![("authorization".to_owned(), "Basic abc".to_owned())],
            authorities: None,
            service: "berth-test".to_owned(),
            release: "1.2.3".to_owned(),
            replica: "r1".to_owned(),
            attributes: vec![
                ("team".to_owned(), "ml".to_owned()),
                ("service.name".to_owned(), "no".to_owned()),
            ],
            ratio: 1.0,
        };
        let registry = Registry::new();
        let (tracer, exporter) = Tracer::new(&settings, &registry).unwrap();
        let over = stop.clone();
        tasks.spawn(async move { exporter.run(over).await });
        Self { collector, registry, tracer, stop, tasks, _serving: None }
    }

    fn record(&self, number: usize) {
        let context = self.tracer.enter(None, SpanId::new()).unwrap();
        let times = (Time::from_micros(5), Time::from_micros(7));
        for _ in 0..number {
            self.tracer.hop(&context, (Hop::Run, SpanId::new()), times, |span| {
                span.with("process.exit.code", 3_i32)
            });
        }
    }

    fn number(&self, line: &str) -> u64 {
        let text = crate::metrics::exposition(&self.registry).unwrap();
        let found = text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok());
        found.unwrap_or_else(|| panic!("no {line} in {text}"))
    }

    fn dropped(&self, reason: &str) -> u64 {
        self.number(&format!("berth_trace_spans_dropped_total{{reason=\"{reason}\"}}"))
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !holds(self) {
            assert!(Instant::now() < deadline, "never: {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn end(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn taken() -> (Code, Vec<u8>) {
    (Code::OK, Vec::new())
}

#[tokio::test]
async fn spans_travel_together_with_who_sent_them_and_its_credentials() {
    let world = World::start(|_| taken()).await;
    world.record(700);
    world.until("all are exported", |world| world.number("berth_trace_spans_exported_total") == 700).await;
    let requests = world.collector.requests.lock().unwrap().clone();
    assert_eq!(requests.len(), 2, "512 at a time");
    let (headers, request) = &requests[0];
    assert_eq!(headers["content-type"], "application/x-protobuf");
    assert_eq!(headers["authorization"], "Basic abc");
    let resource = &request.resource_spans[0];
    let said: Vec<String> =
        resource.resource.iter().flat_map(|r| &r.attributes).map(|pair| format!("{pair:?}")).collect();
    for (name, value) in [("service.name", "berth-test"), ("service.instance.id", "r1"), ("team", "ml")] {
        assert_eq!(said.iter().filter(|one| one.contains(&format!("{name:?}"))).count(), 1, "{said:?}");
        assert!(said.iter().any(|one| one.contains(&format!("{name:?}")) && one.contains(value)), "{said:?}");
    }
    let span = &resource.scope_spans[0].spans[0];
    assert_eq!((span.start_time_unix_nano, span.end_time_unix_nano), (5_000, 7_000));
    assert_eq!((span.trace_id.len(), span.span_id.len(), span.parent_span_id.len()), (16, 8, 8));
    world.end().await;
}

#[tokio::test]
async fn a_collector_that_is_busy_is_asked_again_and_gets_each_span_once() {
    let world =
        World::start(|asked| if asked < 2 { (Code::SERVICE_UNAVAILABLE, Vec::new()) } else { taken() }).await;
    world.record(3);
    world.until("they are exported", |world| world.number("berth_trace_spans_exported_total") == 3).await;
    assert_eq!(world.collector.requests.lock().unwrap().len(), 1);
    assert_eq!(world.dropped("unreachable"), 0);
    world.end().await;
}

#[tokio::test]
async fn what_a_collector_rejects_is_counted_and_not_sent_again() {
    let partly = ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans: 2,
            error_message: "full".to_owned(),
        }),
    };
    let world = World::start(move |asked| match asked {
        0 => (Code::BAD_REQUEST, Vec::new()),
        _ => (Code::OK, partly.encode_to_vec()),
    })
    .await;
    world.record(5);
    world.until("the batch is dropped", |world| world.dropped("rejected") == 5).await;
    world.record(3);
    world.until("two more are", |world| world.dropped("rejected") == 7).await;
    assert_eq!(world.number("berth_trace_spans_exported_total"), 1);
    assert_eq!(world.collector.asked.load(Ordering::SeqCst), 2);
    world.end().await;
}

#[tokio::test]
async fn at_the_end_what_is_left_is_sent_at_once() {
    let world = World::start(|_| taken()).await;
    world.record(10);
    world.end().await;
    assert_eq!(world.number("berth_trace_spans_exported_total"), 10);
}

#[tokio::test]
async fn at_the_end_a_collector_that_is_away_is_not_waited_for_and_all_is_counted() {
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let nobody =
        Collector { requests: Arc::default(), asked: Arc::default(), answers: Arc::new(|_| taken()) };
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let world = World::sending_to(&format!("http://{closed}/v1/traces"), nobody, stop, tasks);
    world.record(1_000);
    let began = Instant::now();
    world.end().await;
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert_eq!(world.dropped("unreachable"), 1_000);
}

#[test]
fn an_address_a_header_or_an_authority_that_can_not_be_used_is_refused() {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let refused = |endpoint: &str, header: &str, authorities: Option<&str>| {
        let settings = Settings {
            endpoint: endpoint.to_owned(),
            headers: vec![(header.to_owned(), "x".to_owned())],
            authorities: authorities.map(ToOwned::to_owned),
            service: String::new(),
            release: String::new(),
            replica: String::new(),
            attributes: Vec::new(),
            ratio: 1.0,
        };
        Tracer::new(&settings, &Registry::new()).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(refused("http://c", "x-a", None), Ok(()));
    assert_eq!(refused("ftp://c", "x-a", None).unwrap_err(), "the endpoint is no http:// or https:// URL");
    assert_eq!(refused("http://c", "x a", None).unwrap_err(), "the header `x a` can't be sent");
    let nothing = refused("https://c", "x-a", Some("no PEM")).unwrap_err();
    assert!(nothing.starts_with("the authorities hold no certificate as PEM"), "{nothing}");
}

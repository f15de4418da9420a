//! Traces go to a collector whose certificate an authority of one's own has signed, and to nobody whose certificate is not
//! trusted.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::time::Duration;

use berth_domain::time::Time;
use berth_domain::trace::{Hop, SpanId};
use berth_telemetry::{Registry, Tracer, traces};
use berth_test_servers::git::Repository;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Records a span and sends it to `url`; returns when it was `taken`, or else when the exporter has given up.
async fn sent(url: &str, authorities: Option<String>, taken: impl Fn() -> bool) {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let settings = traces::Settings {
        endpoint: url.to_owned(),
        headers: vec![("authorization".to_owned(), "Basic abc".to_owned())],
        authorities,
        service: "berth-test".to_owned(),
        release: "0.1.0".to_owned(),
        replica: "r1".to_owned(),
        attributes: Vec::new(),
        ratio: 1.0,
    };
    let (tracer, exporter) = Tracer::new(&settings, &Registry::new()).unwrap();
    let (sending, over) = (TaskTracker::new(), CancellationToken::new());
    sending.spawn(exporter.run(over.clone()));
    let context = tracer.enter(None, SpanId::new()).unwrap();
    let now = Time::from_micros(1);
    tracer.hop(&context, (Hop::Run, SpanId::new()), (now, now), |span| span);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(3);
    while !taken() && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    over.cancel();
    sending.close();
    sending.wait().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_are_sent_to_a_collector_of_an_authority_that_is_named_and_to_no_other() {
    let code = Repository::new();
    // What it serves doesn't matter: that it hears the collector's credentials does.
    let collector = code.https("localhost", "u:p");
    sent(&collector.url(), None, || collector.was_told_a_password()).await;
    assert!(!collector.was_told_a_password(), "nobody has vouched for it");
    let authority = collector.certificate().to_owned();
    sent(&collector.url(), Some(authority), || collector.was_told_a_password()).await;
    assert!(collector.was_told_a_password());
}

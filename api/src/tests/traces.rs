//! Traces: which one a run is in, and what of it is the API's.

use berth_broker::Broker;
use berth_domain::trace::Hop;
use berth_telemetry::Tracer;
use berth_telemetry::traces::{Kind, Span};
use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;

use super::{Answer, Api, HOST, hello};
use crate::app::Auth;
use crate::layers::Limits;

const RUNS: &str = "/api/v1/default/p/runs";
const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async fn traced() -> (Api, Receiver<Span>) {
    let (tracer, spans) = Tracer::observed();
    let auth = Auth::OpenOnLoopback { allowed_hosts: vec![HOST.to_owned()] };
    (Api::traced_by(tracer, Broker::memory(), auth, Limits::default()).await, spans)
}

async fn submit(api: &Api, headers: &[(&str, &str)]) -> Answer {
    api.send("POST", RUNS, headers, json!({ "content": hello() }).to_string().into_bytes()).await
}

fn seen(spans: &mut Receiver<Span>) -> Vec<Span> {
    std::iter::from_fn(|| spans.try_recv().ok()).collect()
}

fn hop(span: &Span) -> Option<&str> {
    span.attributes.iter().find_map(|(name, value)| match value {
        berth_telemetry::traces::Attribute::Text(text) if *name == "berth.hop" => Some(text.as_str()),
        _ => None,
    })
}

fn hops(spans: &[Span]) -> Vec<&str> {
    spans.iter().filter_map(hop).collect()
}

#[tokio::test]
async fn a_request_is_the_root_of_its_runs_trace_and_a_callers_is_continued() {
    let (api, mut spans) = traced().await;
    let answer = submit(&api, &[]).await;
    let told = answer.headers["traceparent"].to_str().unwrap().to_owned();
    let run = answer.ok();
    let recorded = seen(&mut spans);
    assert_eq!(hops(&recorded), ["accept", "submit"]);
    let [accept, request] = &recorded[..] else { panic!("{recorded:?}") };
    assert_eq!((request.kind, request.parent, accept.parent), (Kind::Server, None, Some(request.id)));
    assert_eq!(request.name, "POST /api/v1/{owner}/{project}/runs");
    assert_eq!(run["trace_id"], request.trace.to_string());
    assert_eq!(told, format!("00-{}-{}-03", request.trace, request.id));
    let stored = api.app.store.run_by_id(run["uuid"].as_str().unwrap().parse().unwrap()).await.unwrap();
    assert_eq!(stored.trace.unwrap().span, accept.id, "what follows comes under it");

    let run =
        submit(&api, &[("traceparent", CALLER), ("tracestate", "a=1"), ("tracestate", "b=2")]).await.ok();
    let request = seen(&mut spans).pop().unwrap();
    assert_eq!(
        (run["trace_id"].as_str(), request.trace.to_string().as_str()),
        (Some(&CALLER[3..35]), &CALLER[3..35])
    );
    assert_eq!(request.parent.map(|parent| parent.to_string()).as_deref(), Some(&CALLER[36..52]));
    let stored = api.app.store.run_by_id(run["uuid"].as_str().unwrap().parse().unwrap()).await.unwrap();
    assert_eq!(stored.trace.unwrap().tracestate(), Some("a=1,b=2"));
}

#[tokio::test]
async fn a_caller_decides_what_is_recorded_and_a_header_that_is_wrong_decides_nothing() {
    let (api, mut spans) = traced().await;
    let unsampled = CALLER.replace("-01", "-00");
    let run = submit(&api, &[("traceparent", &unsampled)]).await.ok();
    assert_eq!((run["trace_id"].as_str(), seen(&mut spans)), (Some(&CALLER[3..35]), Vec::new()));
    for wrong in [&[("traceparent", "00-x")][..], &[("traceparent", CALLER), ("traceparent", CALLER)]] {
        let run = submit(&api, wrong).await.ok();
        assert_ne!(run["trace_id"].as_str(), Some(&CALLER[3..35]));
        assert_eq!(seen(&mut spans).pop().unwrap().parent, None);
    }
}

#[tokio::test]
async fn a_request_that_is_sent_again_makes_no_further_hops_and_tells_the_first_trace() {
    let (api, mut spans) = traced().await;
    let key = [("idempotency-key", "k")];
    let first = submit(&api, &key).await.ok();
    assert_eq!(hops(&seen(&mut spans)), ["accept", "submit"]);
    assert_eq!(submit(&api, &key).await.ok()["trace_id"], first["trace_id"]);
    assert_eq!(hops(&seen(&mut spans)), [] as [&str; 0]);
    let refused = api.post(RUNS, &json!({ "content": "run: 3" })).await;
    assert_eq!(refused.status, 400);
    let [request] = &seen(&mut spans)[..] else { panic!() };
    assert!(
        request.failure.is_none()
            && request.attributes.contains(&("http.response.status_code", 400_u32.into()))
    );
}

#[tokio::test]
async fn each_of_many_has_a_trace_of_its_own_unless_the_caller_has_one() {
    let (api, mut spans) = traced().await;
    let body = json!({ "runs": vec![json!({ "content": hello() }); 3] }).to_string().into_bytes();
    let bulk = format!("{RUNS}/bulk");
    assert_eq!(api.send("POST", &bulk, &[], body.clone()).await.status, 200);
    let recorded = seen(&mut spans);
    let traces: std::collections::BTreeSet<_> = recorded.iter().map(|span| span.trace).collect();
    assert_eq!((hops(&recorded), traces.len()), (vec!["accept", "accept", "accept", "submit"], 4));
    let request = recorded.last().unwrap();
    for accept in &recorded[..3] {
        assert_eq!((accept.parent, &accept.links[..]), (None, &[(request.trace, request.id)][..]));
    }
    assert_eq!(api.send("POST", &bulk, &[("traceparent", CALLER)], body).await.status, 200);
    let recorded = seen(&mut spans);
    assert_eq!(recorded.len(), 4);
    assert!(recorded.iter().all(|span| span.trace.to_string() == CALLER[3..35] && span.links.is_empty()));
}

#[tokio::test]
async fn a_run_made_from_another_has_a_trace_of_its_own_linked_to_that_ones() {
    let (api, mut spans) = traced().await;
    let run = submit(&api, &[]).await.ok();
    let original = seen(&mut spans).remove(0);
    let path = format!("{RUNS}/{}/restart", run["uuid"].as_str().unwrap());
    let again = api.post(&path, &json!({})).await.ok();
    let recorded = seen(&mut spans);
    assert_eq!(hops(&recorded), ["accept", "submit"]);
    assert_eq!(recorded[0].links, [(original.trace, original.id)]);
    assert_eq!(again["trace_id"], recorded[0].trace.to_string());
    assert_ne!(recorded[0].trace, original.trace);
}

#[tokio::test]
async fn a_run_that_is_stopped_before_it_starts_ends_in_its_trace() {
    let (api, mut spans) = traced().await;
    let run = submit(&api, &[]).await.ok();
    let accept = seen(&mut spans).remove(0);
    let path = format!("{RUNS}/{}/stop", run["uuid"].as_str().unwrap());
    for _ in 0..2 {
        api.post(&path, &Value::Null).await;
    }
    let [end] = &seen(&mut spans)[..] else { panic!("once") };
    assert_eq!((hop(end), end.parent), (Some(Hop::End.as_str()), Some(accept.id)));
    for said in [
        ("berth.status", "stopped".into()),
        ("berth.agent", "local".into()),
        ("berth.queue", "default".into()),
    ] {
        assert!(end.attributes.contains(&said), "{end:?}");
    }
}

//! One run, one trace: from the request to the end through every role, each hop once, in order, each with its parent; its
//! id in every role's log, in the API's answers and in the process' environment.

#![expect(clippy::unwrap_used, reason = "tests panic where something is not as it should be")]

use std::collections::BTreeMap;
use std::time::Duration;

use berth_broker::celery::task::{self, Task};
use berth_broker::{Broker, Message, Publish, Settings};
use berth_broker_config::{Address, Names, build};
use berth_integration_tests::{Backing, Collector, Installation, Role, Seen, on_both_brokers, shell};
use berth_test_servers::within;
use serde_json::{Value, json};
use tokio::time::Instant;

/// What may take 10 s, with a second for the process to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(11);
const LONG: Duration = Duration::from_secs(120);

/// The hops of an attempt that is executed, in order.
const HOPS: [&str; 10] =
    ["submit", "accept", "queued", "admit", "offer", "claim", "grant", "create", "run", "end"];

on_both_brokers!(
    every_hop_of_a_run_is_in_its_trace_once_in_order_under_the_one_before,
    a_run_whose_agent_is_killed_is_in_one_trace_though_every_offer_comes_several_times,
);

/// What a caller sends along.
const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn settings(endpoint: &str) -> Vec<(&'static str, String)> {
    vec![
        ("BERTH_OTLP_ENDPOINT", endpoint.to_owned()),
        ("BERTH_LOG_FORMAT", "json".to_owned()),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test".to_owned()),
    ]
}

/// Submits an operation with these headers: the answer's headers and body.
async fn submit(
    installation: &Installation,
    operation: &Value,
    headers: &[(&str, &str)],
) -> (reqwest::header::HeaderMap, Value) {
    let client = &installation.client;
    let url = format!("{}/api/v1/default/default/runs", client.base());
    let mut request = reqwest::Client::new().post(url).json(&json!({"content": operation.to_string()}));
    if let Some(token) = client.token() {
        request = request.header("Authorization", format!("Token {token}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 201);
    (answer.headers().clone(), answer.json().await.unwrap())
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}

/// The hops of an attempt, each of which must be there once.
fn by_hop(spans: &[Seen], attempt: u32) -> BTreeMap<&str, &Seen> {
    let attempt = attempt.to_string();
    let mut hops = BTreeMap::new();
    for span in spans {
        let of = span.attribute("berth.attempt");
        if (of.is_empty() || of == attempt) && hops.insert(span.hop(), span).is_some() {
            panic!("{} comes twice: {spans:#?}", span.hop());
        }
    }
    hops
}

fn has_ended(attempt: u32) -> impl Fn(&[Seen]) -> bool {
    move |spans| {
        let of_attempt = |hop: &str| {
            spans.iter().any(|s| s.hop() == hop && s.attribute("berth.attempt") == attempt.to_string())
        };
        ["run", "end", "grant", "offer"].iter().all(|hop| of_attempt(hop))
    }
}

/// Checks that the hops follow each other, each under the one before.
fn assert_chain(spans: &[Seen], attempt: u32, hops: &[&str]) {
    let found = by_hop(spans, attempt);
    for pair in hops.windows(2) {
        let missing = |hop: &str| -> ! { panic!("no {hop}: {spans:#?}") };
        let before = found.get(pair[0]).unwrap_or_else(|| missing(pair[0]));
        let after = found.get(pair[1]).unwrap_or_else(|| missing(pair[1]));
        assert_eq!(after.parent, before.id, "{} is not under {}: {spans:#?}", pair[1], pair[0]);
        // All on one machine, so on one clock.
        assert!(after.times.0 >= before.times.0, "{} began before {}: {spans:#?}", pair[1], pair[0]);
        assert!(after.times.1 >= after.times.0, "{after:?}");
    }
}

async fn every_hop_of_a_run_is_in_its_trace_once_in_order_under_the_one_before(backing: Backing) {
    let collector = Collector::start().await;
    let installation = Installation::start_set(backing, settings(collector.endpoint())).await;
    let client = &installation.client;

    // Without a trace of the caller's.
    let script =
        "echo PARENT=$TRACEPARENT STATE=$TRACESTATE SAID=$OTEL_RESOURCE_ATTRIBUTES; sleep 0.3; exit 3";
    let (headers, answer) = submit(&installation, &shell(script), &[]).await;
    let (run, trace) = (text(&answer, "uuid"), text(&answer, "trace_id"));
    assert_eq!(trace.len(), 32);
    client.wait_for("default", run, "failed", LONG).await;
    let spans = collector.wait_for(trace, LONG, has_ended(0)).await;
    assert_chain(&spans, 0, &HOPS);
    let hops = by_hop(&spans, 0);
    assert_eq!(hops.len(), HOPS.len(), "{spans:#?}");
    assert_eq!(hops["submit"].parent, "", "it is the root");
    assert_eq!(headers["traceparent"].to_str().unwrap(), format!("00-{trace}-{}-03", hops["submit"].id));

    // Who did what, by the conventions.
    let (server, internal, producer, consumer) = (2, 1, 4, 5);
    for (hop, service, kind) in [
        ("submit", "berth-api", server),
        ("accept", "berth-api", internal),
        ("queued", "berth-scheduler", internal),
        ("admit", "berth-scheduler", internal),
        ("offer", "berth-scheduler", producer),
        ("claim", "berth-agent", consumer),
        ("grant", "berth-scheduler", server),
        ("create", "berth-agent", internal),
        ("run", "berth-agent", internal),
        ("end", "berth-scheduler", consumer),
    ] {
        assert_eq!((hops[hop].service.as_str(), hops[hop].kind), (service, kind), "{hop}");
        if !matches!(hop, "submit") {
            assert_eq!(hops[hop].attribute("berth.run.uuid"), run, "{hop}");
        }
        if !matches!(hop, "submit" | "accept") {
            let said = ["berth.agent", "berth.queue", "berth.attempt"].map(|name| hops[hop].attribute(name));
            assert_eq!(said, ["local", "default", "0"], "{hop}");
        }
    }
    let route = "POST /api/v1/{owner}/{project}/runs";
    assert_eq!(
        (hops["submit"].name.as_str(), hops["submit"].attribute("http.response.status_code")),
        (route, "201")
    );
    let system = if backing == Backing::Redis { "redis" } else { "rabbitmq" };
    for (hop, verb) in [("offer", "publish"), ("claim", "claim")] {
        assert_eq!(hops[hop].attribute("messaging.system"), system);
        assert_eq!(hops[hop].name, format!("{verb} {}", hops[hop].attribute("messaging.destination.name")));
    }
    assert_eq!(hops["run"].attribute("process.exit.code"), "3");
    assert_eq!(hops["end"].attribute("berth.status"), "failed");
    assert!(hops["run"].failure.is_some() && hops["end"].failure.is_some());
    let ran = Duration::from_nanos(hops["run"].times.1 - hops["run"].times.0);
    assert!(ran >= Duration::from_millis(250) && ran < Duration::from_secs(30), "{ran:?}");

    // Its program joins under its run.
    let joined = format!("PARENT=00-{trace}-{}-03", hops["run"].id);
    let said = format!("SAID=berth.run.uuid={run},berth.attempt=0,berth.agent=local,berth.queue=default");
    let log = String::from_utf8(installation.berth(&["ops", "logs", run]).stdout).unwrap();
    assert!(log.contains(&joined) && log.contains(&said), "{log}");

    // Where its id is to be found.
    assert_eq!(text(&client.run("default", run).await, "trace_id"), trace);
    let listed = client.get("/api/v1/default/default/runs").await;
    assert_eq!(text(&listed["results"][0], "trace_id"), trace);
    let shown = String::from_utf8(installation.berth(&["ops", "get", run]).stdout).unwrap();
    assert!(shown.contains(trace), "{shown}");
    for kind in ["api", "scheduler", "agent"] {
        let logs =
            installation.roles.iter().filter(|role| role.name().starts_with(kind)).map(|role| role.log());
        let lines: Vec<String> =
            logs.flat_map(|log| log.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
        let field = format!("\"trace_id\":\"{trace}\"");
        assert!(lines.iter().any(|line| line.contains(&field)), "{kind}: {lines:#?}");
    }

    // With one, and with what other vendors keep there.
    let state = [("traceparent", CALLER), ("tracestate", "vendor=x")];
    let (_, answer) = submit(&installation, &shell(script), &state).await;
    assert_eq!(text(&answer, "trace_id"), &CALLER[3..35]);
    let run = text(&answer, "uuid");
    let spans = collector.wait_for(&CALLER[3..35], LONG, has_ended(0)).await;
    assert_chain(&spans, 0, &HOPS);
    let hops = by_hop(&spans, 0);
    assert_eq!(hops["submit"].parent, &CALLER[36..52]);
    let log = String::from_utf8(installation.berth(&["ops", "logs", run]).stdout).unwrap();
    assert!(
        log.contains(&format!("PARENT=00-{}-{}-01 STATE=vendor=x", &CALLER[3..35], hops["run"].id)),
        "{log}"
    );

    // A copy is another run in another trace, which knows where it comes from.
    let path = format!("/api/v1/default/default/runs/{run}/copy");
    let copy = client.call("POST", &path, Some(&json!({}))).await;
    let copied = text(&copy, "trace_id");
    assert_ne!(copied, &CALLER[3..35]);
    let spans = collector.wait_for(copied, LONG, has_ended(0)).await;
    assert_eq!(by_hop(&spans, 0)["accept"].links, [&CALLER[3..35]]);

    // Of many in one request each has its own.
    let runs = client.submit_all("default", &vec![shell("true"); 3]).await;
    let mut traces = std::collections::BTreeSet::new();
    for run in &runs {
        let trace = text(&client.run("default", run).await, "trace_id").to_owned();
        let spans = collector.wait_for(&trace, LONG, has_ended(0)).await;
        assert_chain(&spans, 0, &HOPS[1..]);
        traces.insert(trace);
    }
    assert_eq!(traces.len(), 3);
}

/// Takes the next offer off the agent's queue, and publishes it several times instead.
async fn repeat_offer(broker: &Broker, offers: &Address) -> Message {
    let mut consumer = broker.consume(offers, 1).await;
    let delivery = tokio::time::timeout(LONG, consumer.next()).await.unwrap().unwrap();
    let message = delivery.message.clone();
    let copies = vec![Publish { to: offers.clone(), message: message.clone() }; 3];
    broker.publish(copies).await.unwrap();
    delivery.ack().await.unwrap();
    message
}

async fn a_run_whose_agent_is_killed_is_in_one_trace_though_every_offer_comes_several_times(
    backing: Backing,
) {
    let collector = Collector::start().await;
    let mut installation = Installation::start_set(backing, settings(collector.endpoint())).await;
    let url = installation.broker.url_through(installation.broker.port());
    let broker = Broker::connect(Settings::new(&url).unwrap()).unwrap();
    let offers = Names::default().offers("local", "default");
    // Once they have taken something they hold a lease, which outlives them for long enough to be offered more.
    installation.client.submit("default", &shell("true")).await;
    installation.client.wait_for_all("default", 1, "succeeded", LONG).await;
    installation.roles_of("agent").for_each(Role::kill9);

    let marker = installation.folder.join("go");
    let script = format!("while [ ! -e {} ]; do sleep 0.05; done; [ $BERTH_ATTEMPT = 1 ]", marker.display());
    let mut operation = shell(&script);
    operation["termination"] = json!({"maxRetries": 1});
    let (_, answer) = submit(&installation, &operation, &[]).await;
    let (run, trace) = (text(&answer, "uuid").to_owned(), text(&answer, "trace_id").to_owned());
    let offer = repeat_offer(&broker, &offers).await;
    installation.roles_of("agent").for_each(Role::restart);
    installation.client.wait_for("default", &run, "running", LONG).await;
    // What a role has not sent yet when it is killed is lost with it.
    collector.wait_for(&trace, LONG, |spans| by_hop(spans, 0).contains_key("create")).await;
    for agent in installation.roles_of("agent") {
        agent.restart();
    }
    std::fs::write(&marker, "").unwrap();
    installation.client.wait_for("default", &run, "succeeded", LONG).await;
    let spans = collector.wait_for(&trace, LONG, |spans| has_ended(0)(spans) && has_ended(1)(spans)).await;
    // Once more, when it is long stale.
    broker.publish(vec![Publish { to: offers.clone(), message: offer }]).await.unwrap();
    assert_chain(&spans, 0, &HOPS);
    // The next attempt is in the same trace, with hops of its own.
    assert_chain(&spans, 1, &HOPS);
    assert_eq!(spans.len(), 2 + 2 * 8, "{spans:#?}");
    assert_eq!(by_hop(&spans, 0)["end"].attribute("berth.status"), "retrying");
    assert_eq!(by_hop(&spans, 1)["end"].attribute("berth.status"), "succeeded");
    // Spans are sent in order: what comes of a later run comes after anything that the stale offer could have led to.
    let (_, later) = submit(&installation, &shell("true"), &[]).await;
    collector.wait_for(text(&later, "trace_id"), LONG, has_ended(0)).await;
    assert_eq!(broker.depth(&offers).await.unwrap().ready, 0, "the stale one was taken");
    assert_eq!(collector.trace(&trace).len(), spans.len());
    broker.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_of_celerys_is_continued_once_though_it_comes_twice() {
    let collector = Collector::start().await;
    let mut set = settings(collector.endpoint());
    set.push(("BERTH_CELERY_SUBMITTERS", "ci".to_owned()));
    let installation = Installation::start_set(Backing::Redis, set).await;
    let names = Names::default();
    let url = installation.broker.url_through(installation.broker.port());
    let broker = Broker::connect(Settings::new(&url).unwrap()).unwrap();
    assert!(broker.connected(LONG).await);
    broker.apply(&build::control_plane(&names, ["ci"])).await.unwrap();

    let run = uuid::Uuid::now_v7();
    let mut task = Task { name: "berth.submit".to_owned(), id: run.to_string(), ..Task::default() };
    task.body.kwargs.insert("project".to_owned(), json!("default"));
    task.body.kwargs.insert("content".to_owned(), shell("true"));
    task.extra.insert("traceparent".to_owned(), json!(CALLER));
    let message = task::encode(&task);
    let twice = vec![Publish { to: names.submit("ci"), message }; 2];
    broker.publish(twice).await.unwrap();
    let trace = &CALLER[3..35];
    let spans = collector.wait_for(trace, LONG, has_ended(0)).await;
    assert_chain(&spans, 0, &HOPS);
    assert_eq!(spans.len(), HOPS.len(), "{spans:#?}");
    let taken = by_hop(&spans, 0)["submit"];
    assert_eq!((taken.parent.as_str(), taken.kind), (&CALLER[36..52], 5));
    assert_eq!((taken.service.as_str(), taken.name.as_str()), ("berth-scheduler", "process berth.submit.ci"));
    let shown = installation.client.run("default", &run.simple().to_string()).await;
    assert_eq!(text(&shown, "trace_id"), trace);
    broker.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_collector_away_nothing_waits_and_what_is_dropped_is_counted() {
    const RUNS: usize = 1_500;
    // Nobody listens there, and 8,192 spans may wait: so many have more.
    let away = format!("http://127.0.0.1:{}", berth_test_servers::port::free());
    let installation = Installation::start_set(Backing::Embedded, settings(&away)).await;
    let began = Instant::now();
    installation.client.submit_all("default", &vec![shell("true"); RUNS]).await;
    let submitted = began.elapsed();
    installation.client.wait_for_all("default", RUNS as u64, "succeeded", LONG).await;
    assert!(submitted < Duration::from_secs(60), "{submitted:?}");
    let metrics = installation.client.get("/metrics").await;
    let dropped =
        metrics.as_str().unwrap().lines().filter(|line| line.starts_with("berth_trace_spans_dropped_total"));
    let dropped: f64 = dropped.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum();
    assert!(dropped > 0.0, "{metrics}");
    let mut installation = installation;
    let up = installation.role("up");
    assert!(up.log().contains("traces are not exported"), "{}", up.last_words());
    // What is left is tried for 2 s at most.
    let asked = Instant::now();
    up.signal("TERM");
    while up.is_running() {
        assert!(asked.elapsed() < within(GONE_WITHIN), "{}", up.last_words());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_a_trace_is_passed_on_and_none_begins() {
    let installation = Installation::start(Backing::Embedded).await;
    let client = &installation.client;
    let script = "echo PARENT=${TRACEPARENT-none} STATE=${TRACESTATE-none}";
    let told = async |headers: &[(&str, &str)]| {
        let (_, answer) = submit(&installation, &shell(script), headers).await;
        let run = text(&answer, "uuid");
        client.wait_for("default", run, "succeeded", LONG).await;
        let log = String::from_utf8(installation.berth(&["ops", "logs", run]).stdout).unwrap();
        (
            answer["trace_id"].clone(),
            client.run("default", run).await["trace_id"].clone(),
            log.trim().to_owned(),
        )
    };
    let state = [("traceparent", CALLER), ("tracestate", "a=1"), ("tracestate", "b=2")];
    let id = json!(&CALLER[3..35]);
    assert_eq!(told(&state).await, (id.clone(), id, format!("PARENT={CALLER} STATE=a=1,b=2")));
    let none = (Value::Null, Value::Null, "PARENT=none STATE=none".to_owned());
    assert_eq!(told(&[]).await, none);
    assert_eq!(
        told(&[("traceparent", "00-nonsense"), ("tracestate", "a=1")]).await,
        none,
        "it fails nothing"
    );
    assert_eq!(told(&[("traceparent", CALLER), ("traceparent", CALLER)]).await, none, "two are none");
}

//! The hops of a run that is in a trace: each recorded once, whatever is lost, doubled or tried again.

use berth_broker::offer;
use berth_domain::id::RunId;
use berth_domain::lifecycle::{OFFER_PATIENCE, Outcome, RetryPolicy, Status};
use berth_domain::protocol::{AttemptRef, ClaimRequest, FromAgentBody, Phase, Report};
use berth_domain::trace::{Hop, SpanId, TraceContext};
use berth_telemetry::traces::{Kind, Span};

use super::replica::ended;
use super::world::{AGENT, World};

/// How long a claim lasts, with the time in which a create may still land.
const CLAIM_SECONDS: u64 = 11;

fn context() -> TraceContext {
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 vendor=x".parse().unwrap()
}

fn is(span: &Span, hop: Hop) -> bool {
    span.attributes.contains(&("berth.hop", hop.as_str().into()))
}

#[track_caller]
fn only(spans: &[Span], hop: Hop) -> &Span {
    let found: Vec<&Span> = spans.iter().filter(|span| is(span, hop)).collect();
    let [span] = found[..] else { panic!("{hop}: {found:#?} of {spans:#?}") };
    span
}

#[tokio::test]
async fn what_is_lost_and_doubled_on_the_way_is_one_hop_each_under_the_one_before() {
    let (mut world, mut agent) = World::with_replica().await;
    let run = world.submit_traced(RetryPolicy::default(), &context()).await;
    world.admitted(run).await;
    world.offers_lie(1).await;
    world.broker.purge(&world.names.offers(AGENT, "default")).await.unwrap();
    world.clock.advance(OFFER_PATIENCE);
    world.offers_lie(1).await;

    // The offer that came in the end says where it belongs.
    let mut offers = world.broker.consume(&world.names.offers(AGENT, "default"), 1).await;
    let delivery = offers.next().await.unwrap();
    let offered = offer::decode(&delivery.message).unwrap().trace.unwrap();
    delivery.ack().await.unwrap();

    agent.ask_for_lease(false).await.unwrap();
    let (nonce, claim) = (agent.nonce(), SpanId::new());
    let request = ClaimRequest { nonce: nonce.clone(), run, attempt: 0, span: Some(claim) };
    let mut granted = None;
    for _ in 0..2 {
        agent.say(FromAgentBody::Claims(vec![request.clone()])).await;
        granted = agent.claim_answer(&nonce).await.span;
    }
    let ran = SpanId::new();
    let at = AttemptRef { run, attempt: 0 };
    agent.report(at, 1, Phase::Created).await;
    let end = Report {
        run,
        attempt: 0,
        uid: Some(format!("{run}-0")),
        rank: 9,
        at: world.clock.now(),
        span: Some(ran),
        phase: ended(Outcome::Succeeded),
    };
    agent.say(FromAgentBody::Reports(vec![end.clone(), end])).await;
    world.becomes(run, Status::Succeeded).await;
    agent.is_taken_in().await;

    let spans = world.hops();
    let parents = [
        (Hop::Queued, context().span),
        (Hop::Admit, only(&spans, Hop::Queued).id),
        (Hop::Offer, only(&spans, Hop::Admit).id),
        (Hop::Grant, claim),
        (Hop::End, ran),
    ];
    assert_eq!(spans.len(), parents.len(), "{spans:#?}");
    for (hop, parent) in parents {
        let span = only(&spans, hop);
        assert_eq!((span.trace, span.parent), (context().trace, Some(parent)), "{hop}");
        for said in [
            ("berth.run.uuid", run.to_string().into()),
            ("berth.attempt", 0_u32.into()),
            ("berth.agent", AGENT.into()),
            ("berth.queue", "default".into()),
        ] {
            assert!(span.attributes.contains(&said), "{span:#?}");
        }
    }
    let offer = only(&spans, Hop::Offer);
    assert_eq!((offer.kind, offer.name.as_ref()), (Kind::Producer, "publish berth.local.run.default"));
    assert_eq!((offered.span, offered.tracestate()), (offer.id, Some("vendor=x")));
    assert_eq!(granted, Some(only(&spans, Hop::Grant).id));
    world.close().await;
}

#[tokio::test]
async fn an_attempt_whose_claim_was_lost_is_offered_and_granted_once_more_with_ids_of_their_own() {
    let (mut world, mut agent) = World::with_replica().await;
    let run = world.submit_traced(RetryPolicy::default(), &context()).await;
    let attempt = agent.offer().await;
    agent.go(attempt).await;
    agent.pass(&world, CLAIM_SECONDS).await;
    let question = agent.question(run).await;
    agent.answer(&question, false).await;
    world.becomes(run, Status::Scheduled).await;
    assert_eq!(agent.offer().await, attempt);
    agent.go(attempt).await;
    agent.report(attempt, 1, Phase::Created).await;
    agent.end(attempt, 9, Outcome::Succeeded).await;

    let spans = world.hops();
    let of = |turn: u32, hop: Hop| SpanId::of(run, 0, turn, hop);
    let ids = |hop: Hop| -> Vec<(SpanId, Option<SpanId>)> {
        spans.iter().filter(|span| is(span, hop)).map(|span| (span.id, span.parent)).collect()
    };
    let first = (of(0, Hop::Offer), Some(of(0, Hop::Admit)));
    assert_eq!(ids(Hop::Offer), [first, (of(1, Hop::Offer), Some(of(0, Hop::Grant)))]);
    // Agents of the release before tell no spans.
    let grants = [0, 1].map(|turn| (of(turn, Hop::Grant), Some(of(turn, Hop::Offer))));
    assert_eq!(ids(Hop::Grant), grants);
    assert_eq!(ids(Hop::End), [(of(0, Hop::End), Some(of(1, Hop::Grant)))]);
    world.close().await;
}

#[tokio::test]
async fn a_retry_has_hops_of_its_own_in_the_same_trace_and_what_is_not_sampled_has_none() {
    let (mut world, mut agent) = World::with_replica().await;
    let run = world.submit_traced(RetryPolicy::of(1), &context()).await;
    for attempt in 0..2 {
        if attempt > 0 {
            world.becomes(run, Status::Retrying).await;
            agent.pass(&world, 10).await;
        }
        let at = agent.offer().await;
        assert_eq!(at.attempt, attempt);
        agent.go(at).await;
        agent.report(at, 1, Phase::Created).await;
        agent.end(at, 9, Outcome::Failed(berth_domain::lifecycle::FailureClass::User)).await;
    }
    let spans = world.hops();
    assert_eq!(spans.len(), 2 * 5, "{spans:#?}");
    let queued: Vec<_> = spans.iter().filter(|span| is(span, Hop::Queued)).map(|span| span.parent).collect();
    assert_eq!(queued, [Some(context().span); 2]);
    let ids: std::collections::BTreeSet<SpanId> = spans.iter().map(|span| span.id).collect();
    assert_eq!(ids.len(), 10);

    let unsampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00".parse().unwrap();
    let quiet: RunId = world.submit_traced(RetryPolicy::default(), &unsampled).await;
    let at = agent.offer().await;
    agent.go(at).await;
    agent.end(at, 9, Outcome::Succeeded).await;
    world.becomes(quiet, Status::Succeeded).await;
    assert!(world.hops().is_empty());
    world.close().await;
}

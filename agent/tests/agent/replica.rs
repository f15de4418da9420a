//! What a replica promises to a scheduler.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use berth_agent::executor::Turn;
use berth_agent::uptime::Uptime;
use berth_broker::{Message, RequestOptions, offer};
use berth_domain::lifecycle::{FailureClass, Outcome};
use berth_domain::protocol::logs::{LogFrom, LogItem, LogRequest, Request, RequestBody};
use berth_domain::protocol::{FromAgentBody, Phase, Question, Report, ToAgentBody, VERSION, Verdict};
use serde_json::json;

use super::rig::{PATIENCE, Rig, eventually, is_alive, shell};
use super::script::{AGENT, Script};

/// Long enough for what must not come to have come.
const A_WHILE: Duration = Duration::from_millis(1_500);

fn outcome(report: &Report) -> Outcome {
    match &report.phase {
        Phase::Ended(end) => end.outcome,
        other => panic!("{other:?}"),
    }
}

/// All turns that the replica's executor has to give.
async fn all_turns(script: &Script) -> Vec<Turn> {
    let mut turns = Vec::new();
    while let Ok(turn) = tokio::time::timeout(Duration::from_millis(100), script.rig.executor.turn()).await {
        turns.push(turn.unwrap());
    }
    turns
}

fn is_claim(body: &FromAgentBody) -> bool {
    matches!(body, FromAgentBody::Claims(_))
}

pub(crate) fn is_end(body: &FromAgentBody) -> bool {
    let FromAgentBody::Reports(reports) = body else { return false };
    reports.iter().any(|report| matches!(report.phase, Phase::Ended(_)))
}

#[tokio::test]
async fn an_offer_becomes_a_claim_an_object_reports_and_after_the_receipt_nothing() {
    let mut script = Script::new(Rig::with(|settings| settings.uptime = Uptime::manual())).await;
    let replica = script.replica();
    let attempt = script.start(&shell("echo hello")).await;
    let mut ranks = Vec::new();
    while ranks.last() != Some(&1_000) {
        let more = script
            .hear("reports", |body| match body {
                FromAgentBody::Reports(reports) => Some(reports.clone()),
                _ => None,
            })
            .await;
        assert!(more.iter().all(|report| report.run == attempt.run && report.uid.is_some()));
        ranks.extend(more.iter().map(|report| report.rank));
    }
    assert_eq!(ranks.last_chunk::<2>(), Some(&[2, 1_000]), "{ranks:?}");
    let end = script.end(attempt).await;
    assert_eq!(outcome(&end), Outcome::Succeeded);
    script.rig.uptime.advance(Duration::from_secs(14));
    script.receipt(&end).await;
    eventually("its release", async || {
        script.rig.executor.inventory().await.unwrap().is_empty().then_some(())
    })
    .await;
    let depth = script.broker.depth(&script.names.offers(AGENT, "default")).await.unwrap();
    assert_eq!((depth.ready, depth.unacked), (0, Some(0)));
    assert!(replica.health.readiness().is_ready());
    replica.close().await;
}

#[tokio::test]
async fn a_late_offer_is_dropped_at_its_claim() {
    let mut script = Script::new(Rig::new()).await;
    let replica = script.replica();
    let attempt = script.offer(&shell("true")).await;
    let claims = script.claims().await;
    script.answer(&claims[0], Verdict::Drop { reason: "stopped".into() }).await;
    let offers = script.names.offers(AGENT, "default");
    eventually("the ack", async || {
        (script.broker.depth(&offers).await.unwrap().unacked == Some(0)).then_some(())
    })
    .await;
    assert_eq!(script.rig.executor.look(attempt).await.unwrap(), None);
    replica.close().await;
}

#[tokio::test]
async fn a_claim_whose_answer_was_lost_is_made_again_by_its_nonce() {
    let mut script = Script::new(Rig::new()).await;
    let replica = script.replica();
    let attempt = script.offer(&shell("echo once")).await;
    let first = script.claims().await;
    let second = script.claims().await;
    assert_eq!(first, second);
    for claim in first.iter().chain(&second) {
        script.answer(claim, Verdict::Go { valid_ms: 9_000 }).await;
    }
    assert_eq!(outcome(&script.end(attempt).await), Outcome::Succeeded);
    assert_eq!(script.rig.log(attempt).await, ["once"]);
    replica.close().await;
}

#[tokio::test]
async fn a_go_that_comes_too_late_creates_nothing() {
    let mut script = Script::new(Rig::new()).await;
    let replica = script.replica();
    let attempt = script.offer(&shell("true")).await;
    let claims = script.claims().await;
    script.answer(&claims[0], Verdict::Go { valid_ms: 0 }).await;
    assert!(!script.hears(A_WHILE, |body| matches!(body, FromAgentBody::Reports(_))).await);
    assert_eq!(script.rig.executor.look(attempt).await.unwrap(), None);
    replica.close().await;
}

#[tokio::test]
async fn doubled_offers_are_executed_once() {
    let mut script = Script::new(Rig::new()).await;
    let replica = script.replica();
    let operation = shell("echo once");
    let attempt = script.offer(&operation).await;
    script.offer_again(attempt, &operation).await;
    let mut claims = script.claims().await;
    while claims.len() < 2 {
        claims.extend(script.claims().await);
    }
    // Even a scheduler that grants both gets one execution.
    for claim in &claims {
        script.answer(claim, Verdict::Go { valid_ms: 9_000 }).await;
    }
    script.end(attempt).await;
    assert_eq!(script.rig.log(attempt).await, ["once"]);
    replica.close().await;
}

#[tokio::test]
async fn an_offer_waits_unclaimed_for_its_turn() {
    let mut script = Script::new(Rig::new()).await;
    let replica = script.replica();
    script.start(&shell("true")).await;
    let mut turns = all_turns(&script).await;
    let waiting = script.offer(&shell("true")).await;
    assert!(!script.hears(A_WHILE, is_claim).await);
    drop(turns.pop());
    let claims = script.claims().await;
    assert_eq!(claims[0].run, waiting.run);
    drop(turns);
    script.answer(&claims[0], Verdict::Drop { reason: "stopped".into() }).await;
    replica.close().await;
}

#[tokio::test]
async fn an_offer_whose_turn_does_not_come_is_given_to_another_replica() {
    let mut script = Script::new(Rig::new()).await;
    let replica = script.replica();
    script.start(&shell("true")).await;
    let turns = all_turns(&script).await;
    let offered = [script.offer(&shell("true")).await, script.offer(&shell("true")).await];
    let offered = BTreeSet::from(offered.map(|attempt| attempt.run.uuid()));
    let address = script.names.offers(AGENT, "default");
    eventually("that it holds both", async || {
        (script.broker.depth(&address).await.unwrap().unacked == Some(2)).then_some(())
    })
    .await;
    let mut other = script.broker.consume(&address, 2).await;
    let mut given = BTreeSet::new();
    while given != offered {
        let delivery = tokio::time::timeout(PATIENCE, other.next()).await.expect("an offer").unwrap();
        given.insert(offer::decode(&delivery.message).unwrap().run);
        delivery.ack().await.unwrap();
    }
    assert!(!script.kinds().contains(&"claims"), "{:?}", script.kinds());
    assert!(replica.health.readiness().is_ready(), "to wait for a turn is no trouble");
    drop((other, turns));
    // It consumes again by itself.
    script.start(&shell("true")).await;
    replica.close().await;
}

#[tokio::test]
async fn without_a_lease_nothing_is_claimed_and_whoever_slept_tells_what_it_holds_first() {
    let mut script = Script::new(Rig::with(|settings| settings.uptime = Uptime::manual())).await;
    let replica = script.replica();
    let running = script.start(&shell("sleep 60")).await;
    script.rig.pid(running, "started.json").await;
    // As after 40 s of SIGSTOP, with a scheduler that is away.
    script.grants.store(false, Ordering::Relaxed);
    script.rig.uptime.advance(Duration::from_secs(40));
    let late = script.offer(&shell("echo late")).await;
    assert!(!script.hears(A_WHILE, is_claim).await);
    assert_eq!(script.rig.executor.look(late).await.unwrap(), None);
    eventually("its readiness", async || (!replica.health.readiness().is_ready()).then_some(())).await;
    // It has found its lease lapsed; what it asks for next may still be on its way.
    let hello = async {
        while !script.leases.last().unwrap().hello {
            assert!(!script.hears(Duration::from_millis(50), is_claim).await);
        }
    };
    tokio::time::timeout(PATIENCE, hello).await.expect("it says hello");
    let asked = script.leases.last().unwrap();
    assert_eq!(asked.labels.as_ref().unwrap()["zone"], "eu", "and what it is");
    script.grants.store(true, Ordering::Relaxed);
    let held = script
        .hear("the inventory", |body| match body {
            FromAgentBody::Inventory(held) if !held.is_empty() => Some(held.clone()),
            _ => None,
        })
        .await;
    assert_eq!((held.len(), held[0].run), (1, running.run));
    assert!(!script.kinds().contains(&"claims"), "{:?}", script.kinds());
    script.go().await;
    assert_eq!(outcome(&script.end(late).await), Outcome::Succeeded);
    replica.close().await;
}

#[tokio::test]
async fn without_a_lease_for_twenty_seconds_what_may_be_replaced_is_ended_and_the_rest_lives() {
    let mut script = Script::new(Rig::with(|settings| settings.uptime = Uptime::manual())).await;
    let replica = script.replica();
    let waits = script.start(&shell("sleep 60")).await;
    script.replace = true;
    let replaced = script.start(&shell("sleep 60")).await;
    let (waits_pid, pid) =
        (script.rig.pid(waits, "started.json").await, script.rig.pid(replaced, "started.json").await);
    script.grants.store(false, Ordering::Relaxed);
    script.rig.uptime.advance(Duration::from_secs(16));
    assert!(!script.hears(A_WHILE, is_end).await);
    assert!(is_alive(pid), "its lease is over, but not for long");
    script.rig.uptime.advance(Duration::from_secs(4));
    eventually("its end", async || (!is_alive(pid)).then_some(())).await;
    assert!(is_alive(waits_pid));
    // It is back before anybody gave the attempt up: the end counts like any other.
    script.grants.store(true, Ordering::Relaxed);
    let report = script.end(replaced).await;
    let Phase::Ended(end) = &report.phase else { unreachable!() };
    assert_eq!((end.outcome, end.reason.as_str()), (Outcome::Failed(FailureClass::AgentLost), "Fenced"));
    replica.close().await;
}

#[tokio::test]
async fn a_lease_that_ends_between_the_claim_and_the_create_creates_nothing() {
    let mut script = Script::new(Rig::with(|settings| settings.uptime = Uptime::manual())).await;
    let replica = script.replica();
    let attempt = script.offer(&shell("true")).await;
    let claims = script.claims().await;
    script.grants.store(false, Ordering::Relaxed);
    script.rig.uptime.advance(Duration::from_secs(40));
    script.answer(&claims[0], Verdict::Go { valid_ms: 60_000 }).await;
    assert!(!script.hears(A_WHILE, |body| matches!(body, FromAgentBody::Reports(_))).await);
    assert_eq!(script.rig.executor.look(attempt).await.unwrap(), None);
    replica.close().await;
}

#[tokio::test]
async fn a_refused_agent_starts_nothing_and_goes_on_asking() {
    let mut script = Script::new(Rig::new()).await;
    script.grants.store(false, Ordering::Relaxed);
    let replica = script.replica();
    script.offer(&shell("true")).await;
    assert!(!script.hears(A_WHILE, is_claim).await);
    let nonce = script.leases.last().unwrap().nonce.clone();
    let reason = "the agent `local` is another machine".to_owned();
    script.tell(ToAgentBody::LeaseRefused { nonce, reason: reason.clone() }).await;
    eventually("the reason", async || {
        replica.health.readiness().down.iter().any(|down| down.reason == reason).then_some(())
    })
    .await;
    let asked = script.leases.len();
    while script.leases.len() == asked {
        assert!(!script.hears(A_WHILE, is_claim).await);
    }
    script.grants.store(true, Ordering::Relaxed);
    script.go().await;
    replica.close().await;
}

#[tokio::test]
async fn an_end_is_reported_until_its_receipt_has_come() {
    let mut script = Script::new(Rig::new()).await;
    let replica = script.replica();
    let attempt = script.start(&shell("exit 3")).await;
    let first = script.end(attempt).await;
    assert_eq!(outcome(&first), Outcome::Failed(FailureClass::User));
    assert_eq!(script.end(attempt).await, first);
    assert_eq!(script.end(attempt).await, first);
    script.receipt(&first).await;
    // The next would have come four seconds after the third.
    assert!(!script.hears(Duration::from_secs(5), is_end).await);
    replica.close().await;
}

#[tokio::test]
async fn what_can_not_be_decoded_is_handed_over_raw() {
    let mut script = Script::new(Rig::new()).await;
    let replica = script.replica();
    script.publish_offer(Message::json("{nonsense")).await;
    let (queue, raw) = script
        .hear("the raw message", |body| match body {
            FromAgentBody::Undecodable { queue, raw, .. } => Some((queue.clone(), raw.clone())),
            _ => None,
        })
        .await;
    assert_eq!((queue.as_str(), raw.as_str()), ("default", "e25vbnNlbnNl"));
    // What it doesn't understand on its control queue changes nothing.
    for noise in
        ["", "{}", "{\"version\":99,\"kind\":\"remove\",\"body\":[]}", "{\"version\":1,\"kind\":\"dance\"}"]
    {
        script.send(noise.into()).await;
    }
    let attempt = script.start(&shell("true")).await;
    script.end(attempt).await;
    replica.close().await;
}

#[tokio::test]
async fn of_what_is_too_long_only_the_beginning_is_handed_over() {
    let mut script = Script::new(Rig::new()).await;
    let replica = script.replica();
    let long = Message::json(vec![b' '; 9 * 1024 * 1024]);
    let mut wide = Message::json("{nonsense");
    wide.headers.insert("x".to_owned(), json!("x".repeat(1024 * 1024)));
    for (message, length, has_envelope) in [(long, 1024 * 1024, true), (wide, 12, false)] {
        script.publish_offer(message).await;
        let (raw, envelope, is_cut) = script
            .hear("the raw message", |body| match body {
                FromAgentBody::Undecodable { raw, envelope, is_cut, .. } => {
                    Some((raw.clone(), envelope.clone(), *is_cut))
                }
                _ => None,
            })
            .await;
        assert_eq!((raw.len(), envelope.is_some(), is_cut), (length, has_envelope, true));
    }
    replica.close().await;
}

#[tokio::test]
async fn what_is_refused_ends_as_config_under_a_claim() {
    let mut script = Script::new(Rig::new()).await;
    let replica = script.replica();
    let mut operation = shell("true");
    operation["run"]["sidecars"] = json!([{"name": "x"}]);
    let attempt = script.start(&operation).await;
    let report = script.end(attempt).await;
    assert_eq!(outcome(&report), Outcome::Failed(FailureClass::Config));
    replica.close().await;
}

#[tokio::test]
async fn what_should_not_live_is_ended_and_questions_are_answered_by_a_look() {
    let mut script = Script::new(Rig::new()).await;
    let replica = script.replica();
    let attempt = script.start(&shell("sleep 60")).await;
    script.rig.pid(attempt, "started.json").await;
    let other = script.rig.shell("true").attempt;
    let questions = [attempt, other]
        .map(|asked| Question { run: asked.run, attempt: asked.attempt, question: 7 })
        .to_vec();
    script.tell(ToAgentBody::Questions(questions)).await;
    let answers = script
        .hear("answers", |body| match body {
            FromAgentBody::Answers(answers) => Some(answers.clone()),
            _ => None,
        })
        .await;
    let answers: Vec<_> =
        answers.iter().map(|answer| (answer.run, answer.question, answer.present)).collect();
    assert_eq!(answers, [(attempt.run, 7, true), (other.run, 7, false)]);
    script.tell(ToAgentBody::Remove(vec![attempt, other])).await;
    assert_eq!(outcome(&script.end(attempt).await), Outcome::Stopped);
    replica.close().await;
}

#[tokio::test]
async fn runs_outlive_their_replica_and_the_next_one_reports_their_end() {
    let mut script = Script::new(Rig::new()).await;
    let replica = script.replica();
    let attempt = script.start(&shell("while [ ! -e go ]; do sleep 0.05; done; exit 9")).await;
    script.rig.pid(attempt, "started.json").await;
    let first = script.replica.clone();
    replica.close().await;
    script.hear("the good-bye", |body| matches!(body, FromAgentBody::Goodbye).then_some(())).await;
    assert!(script.broker.depth(&script.names.control(AGENT, &first)).await.is_err(), "its queue is gone");
    let waiting = script.offer(&shell("true")).await;
    std::fs::write(script.rig.folder(attempt).join("work/go"), "").unwrap();
    let next = script.replica_with(script.rig.reopened());
    let Phase::Ended(end) = script.end(attempt).await.phase else { unreachable!() };
    assert_eq!(end.exit_code, Some(9));
    assert_ne!(script.replica, first);
    assert_eq!(script.claims().await[0].run, waiting.run);
    next.close().await;
}

#[tokio::test]
async fn an_executor_in_trouble_takes_no_offers() {
    let mut script = Script::new(Rig::with(|settings| settings.shim.program = "/no/such/berth".into())).await;
    let replica = script.replica();
    script.offer(&shell("true")).await;
    assert!(!script.hears(A_WHILE, is_claim).await);
    assert!(replica.health.readiness().down.iter().any(|down| down.name == "executor"));
    let depth = script.broker.depth(&script.names.offers(AGENT, "default")).await.unwrap();
    assert_eq!((depth.ready, depth.unacked), (1, Some(0)), "not held either");
    replica.close().await;
}

#[tokio::test]
async fn a_log_is_followed_to_its_end_and_resumed() {
    let mut script = Script::new(Rig::new()).await;
    let replica = script.replica();
    let attempt = script.start(&shell("echo a; while [ ! -e go ]; do sleep 0.05; done; echo b")).await;
    script.rig.pid(attempt, "started.json").await;
    let ask = |from, follow| {
        let body = RequestBody::Logs(LogRequest {
            run: attempt.run,
            attempt: None,
            container: None,
            replica: 0,
            previous: false,
            tail: None,
            from,
            follow,
            limit_bytes: None,
        });
        Message::json(serde_json::to_vec(&Request { version: VERSION, body }).unwrap())
    };
    let (control, reply) = (script.names.control(AGENT, &script.replica), script.names.reply(AGENT, "test"));
    let request = async |from, follow| {
        script.broker.request(&control, &reply, ask(from, follow), RequestOptions::default()).await.unwrap()
    };
    let mut stream = request(LogFrom::Start, true).await;
    let mut text = String::new();
    while let Some(chunk) = stream.next().await {
        text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        if text.contains("\"a\"") {
            std::fs::write(script.rig.folder(attempt).join("work/go"), "").unwrap();
        }
    }
    let items: Vec<LogItem> = text
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [
        LogItem::Source { pod, .. },
        LogItem::Line { line: a, ts, next, .. },
        LogItem::Line { line: b, .. },
        end,
    ] = items.as_slice()
    else {
        panic!("{items:?}")
    };
    assert_eq!((a.as_str(), b.as_str()), ("a", "b"));
    assert!(matches!(end, LogItem::End { complete: true, .. }), "{end:?}");
    assert_eq!(*pod, format!("berth-{}-0", attempt.run));
    for from in [LogFrom::Offset(*next), LogFrom::After(*ts)] {
        let mut rest = request(from, false).await;
        let mut text = String::new();
        while let Some(chunk) = rest.next().await {
            text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
        assert!(text.contains("\"b\"") && !text.contains("\"a\""), "{text}");
    }
    replica.close().await;
}

#[tokio::test]
async fn a_log_that_is_not_there_is_refused_by_name() {
    let mut script = Script::new(Rig::new()).await;
    let replica = script.replica();
    script.hear("the inventory", |body| matches!(body, FromAgentBody::Inventory(_)).then_some(())).await;
    let run = script.rig.shell("true").attempt.run;
    let body = RequestBody::Logs(LogRequest {
        run,
        attempt: None,
        container: None,
        replica: 0,
        previous: false,
        tail: None,
        from: LogFrom::Start,
        follow: false,
        limit_bytes: None,
    });
    let message = Message::json(serde_json::to_vec(&Request { version: VERSION, body }).unwrap());
    let (control, reply) = (script.names.control(AGENT, &script.replica), script.names.reply(AGENT, "test"));
    let mut stream =
        script.broker.request(&control, &reply, message, RequestOptions::default()).await.unwrap();
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(error.to_string().contains(&format!("no log of run {run}")), "{error}");
    replica.close().await;
}

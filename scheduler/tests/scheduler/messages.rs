//! What agents say beside claims and reports: leases, inventories, and what nobody can read.

use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use berth_domain::dead_letter::Reason;
use berth_domain::lifecycle::{Outcome, Status};
use berth_domain::protocol::{
    Answer, Envelope, FromAgent, FromAgentBody, Notice, Phase, ToAgentBody, VERSION,
};

use super::replica::{Replica, ended};
use super::world::{AGENT, OWNER, World};

#[tokio::test]
async fn a_second_identity_is_refused_and_told_why() {
    let (world, mut first) = World::with_replica().await;
    let mut second = Replica::join(&world, AGENT, "r2").await.on("another machine");
    let refused = second.ask_for_lease(true).await.unwrap_err();
    for word in ["`local`", "machine of local", "another machine"] {
        assert!(refused.contains(word), "{refused}");
    }
    world.submit().await;
    let attempt = first.offer().await;
    first.go(attempt).await;
    world.close().await;
}

#[tokio::test]
async fn what_nobody_can_read_becomes_a_dead_letter_with_the_reason_and_holds_nothing_up() {
    let (world, mut agent) = World::with_replica().await;
    let newer =
        FromAgent { version: VERSION + 1, replica: "r1".into(), epoch: None, body: FromAgentBody::Goodbye };
    agent.send(b"\xff not json".to_vec()).await;
    agent.send(serde_json::to_vec(&newer).unwrap()).await;
    let undecodable = |reason: &str| FromAgentBody::Undecodable {
        queue: "default".to_owned(),
        raw: "eA==".to_owned(),
        reason: reason.to_owned(),
        envelope: Some(Envelope { content_type: Some("text/plain".to_owned()), ..Envelope::default() }),
        is_cut: false,
    };
    agent.say(undecodable("not a task")).await;
    let mut letters = world.dead_letters(3).await;
    letters.sort_by_key(|letter| letter.reason);
    let reasons: Vec<Reason> = letters.iter().map(|letter| letter.reason).collect();
    assert_eq!(reasons, [Reason::Undecodable, Reason::Unreadable, Reason::NewerVersion]);
    assert_eq!(letters[0].detail, "on `default`: not a task");
    assert_eq!((letters[0].raw.as_deref(), letters[0].queue.as_deref()), (Some("eA=="), Some("default")));
    assert_eq!(letters[0].envelope.as_ref().unwrap().content_type.as_deref(), Some("text/plain"));
    assert!(letters[1].detail.starts_with("on `out`: not a message of an agent: "), "{}", letters[1].detail);
    assert_eq!(letters[1].raw, Some(BASE64_STANDARD.encode(b"\xff not json")));
    let newer = format!("on `out`: message version {} is newer than {VERSION}: ", VERSION + 1);
    assert!(letters[2].detail.starts_with(&newer), "{}", letters[2].detail);
    let id = world.agent().await.id;
    assert!(letters.iter().all(|letter| letter.agent_id == Some(id)));
    agent.lease().await;
    assert!(world.agent().await.is_live(world.clock.now()), "the newer good-bye was not obeyed");
    agent.say(undecodable("still not a task")).await;
    agent.is_taken_in().await;
    let again = world.dead_letters(3).await.into_iter().find(|letter| letter.id == letters[0].id).unwrap();
    assert_eq!(
        (again.times, again.first_at),
        (2, letters[0].first_at),
        "the same message is the same letter"
    );
    assert_eq!(again.detail, "on `default`: still not a task");
    world.close().await;
}

#[tokio::test]
async fn what_is_over_is_named_for_removal_when_it_is_in_an_inventory() {
    let (world, mut agent) = World::with_replica().await;
    let (over, live) = (world.submit().await, world.submit().await);
    let attempts = [agent.offer().await, agent.offer().await];
    for attempt in attempts {
        agent.go(attempt).await;
    }
    let ended = attempts.into_iter().find(|attempt| attempt.run == over).unwrap();
    agent.end(ended, 1, Outcome::Succeeded).await;
    agent.inventory(&attempts).await;
    agent.remove(ended).await;
    agent.is_taken_in().await;
    let is_named = |body: &ToAgentBody| match body {
        ToAgentBody::Remove(attempts) => attempts.iter().any(|at| at.run == live),
        _ => false,
    };
    assert!(!agent.hears(Duration::ZERO, is_named).await);
    assert_eq!(world.status(live).await, Status::Starting);
    world.close().await;
}

#[tokio::test]
async fn what_an_inventory_lacks_is_asked_about_and_not_taken_for_gone() {
    let (world, mut agent) = World::with_replica().await;
    let run = world.submit().await;
    let attempt = agent.offer().await;
    agent.go(attempt).await;
    agent.report(attempt, 1, Phase::Running).await;
    world.becomes(run, Status::Running).await;
    agent.inventory(&[]).await;
    let question = agent.question(run).await;
    assert_eq!(world.status(run).await, Status::Running);
    agent.answer(&question, false).await;
    let lost = world.becomes(run, Status::Retrying).await;
    assert_eq!(lost.dispatch.end.unwrap().reason, "Vanished");
    world.close().await;
}

/// How often schedulers have refused what an agent said.
fn refused(world: &World, agent: &str) -> f64 {
    let families = world.registries.iter().flat_map(|registry| registry.gather());
    let counts = families.filter(|family| family.name() == "berth_reports_refused_total");
    let metrics = counts.flat_map(|mut family| family.take_metric());
    metrics
        .filter(|metric| metric.get_label().iter().any(|label| label.value() == agent))
        .map(|metric| metric.get_counter().get_value())
        .sum()
}

#[tokio::test]
async fn what_an_agent_says_of_anothers_run_changes_nothing_and_is_found_by_an_operator_once() {
    let (world, mut own) = World::with_replica().await;
    world.create_agent("evil").await;
    let mut evil = Replica::join(&world, "evil", "e1").await;
    evil.lease().await;
    let run = world.submit().await;
    let attempt = own.offer().await;
    own.go(attempt).await;
    own.report(attempt, 1, Phase::Running).await;
    world.becomes(run, Status::Running).await;

    let at = world.clock.now();
    let (uid, reason, message) = ("u".to_owned(), "Evil".to_owned(), "x".to_owned());
    let notice = Notice { run, attempt: 0, uid, at, reason, message };
    evil.report(attempt, 9, ended(Outcome::Succeeded)).await;
    evil.say(FromAgentBody::Notices(vec![notice])).await;
    evil.say(FromAgentBody::Answers(vec![Answer { run, attempt: 0, question: 1, present: false }])).await;
    for rank in 10..60 {
        evil.report(attempt, rank, ended(Outcome::Succeeded)).await;
    }
    evil.is_taken_in().await;
    let after = world.run(run).await;
    assert_eq!(after.status(), Status::Running);
    let receipts = |body: &ToAgentBody| matches!(body, ToAgentBody::Receipts(_));
    assert!(!evil.hears(Duration::ZERO, receipts).await, "it got a receipt");
    let letters = world.dead_letters(1).await;
    let id = world.store.agent(OWNER, "evil").await.unwrap().id;
    assert_eq!((letters[0].reason, letters[0].agent_id), (Reason::Foreign, Some(id)));
    let detail = format!(" of run {run}, which is at agent {AGENT}");
    assert!(letters[0].detail.ends_with(&detail), "{}", letters[0].detail);
    assert!(letters[0].times <= 53, "a batch counts once");
    assert_eq!((refused(&world, "evil"), refused(&world, AGENT)), (53.0, 0.0));
    own.end(attempt, 2, Outcome::Succeeded).await;
    world.becomes(run, Status::Succeeded).await;
    world.close().await;
}

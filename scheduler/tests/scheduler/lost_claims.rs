//! Claims that no report follows: only an agent's own look, made after it was asked, frees the attempt.

use berth_domain::dead_letter::Reason;
use berth_domain::lifecycle::{MAX_LOST_CLAIMS, Status};
use berth_domain::protocol::{AttemptRef, Question};

use super::world::World;

/// How long a claim lasts, with the time in which a create may still land.
const CLAIM_SECONDS: u64 = 11;

#[tokio::test]
async fn a_claim_without_a_report_is_asked_about_and_only_the_answer_to_that_frees_it() {
    let (world, mut agent) = World::with_replica().await;
    let run = world.submit().await;
    let attempt = agent.offer().await;
    agent.go(attempt).await;
    // Nobody has asked yet, so that these prove nothing.
    for question in [0, 1] {
        agent.answer(&Question { run, attempt: 0, question }, false).await;
    }
    agent.is_taken_in().await;
    assert_eq!(world.status(run).await, Status::Starting);
    agent.pass(&world, CLAIM_SECONDS).await;
    let question = agent.question(run).await;
    assert_eq!((question.attempt, question.question), (0, 1));
    agent.answer(&Question { question: 0, ..question.clone() }, false).await;
    agent.answer(&Question { attempt: 1, ..question.clone() }, false).await;
    agent.answer(&question, true).await;
    agent.is_taken_in().await;
    assert_eq!(world.status(run).await, Status::Starting);
    agent.answer(&question, false).await;
    let free = world.becomes(run, Status::Scheduled).await;
    assert_eq!((free.dispatch.lost_claims, free.dispatch.attempt), (1, 0));
    assert_eq!(agent.offer().await, attempt, "the same attempt again: it was never created");
    world.close().await;
}

#[tokio::test]
async fn an_unanswered_question_is_asked_again() {
    let (world, mut agent) = World::with_replica().await;
    let run = world.submit().await;
    let attempt = agent.offer().await;
    agent.go(attempt).await;
    agent.pass(&world, CLAIM_SECONDS).await;
    let first = agent.question(run).await;
    agent.pass(&world, 5).await;
    let second = agent.question(run).await;
    assert_eq!(second.question, first.question + 1);
    agent.answer(&first, false).await;
    agent.is_taken_in().await;
    assert_eq!(world.status(run).await, Status::Starting, "an answer to the old question is late");
    agent.answer(&second, false).await;
    world.becomes(run, Status::Scheduled).await;
    world.close().await;
}

#[tokio::test]
async fn the_fifth_lost_claim_is_quarantined_as_a_dead_letter() {
    let (world, mut agent) = World::with_replica().await;
    let run = world.submit().await;
    let attempt = agent.offer().await;
    for lost in 1..=MAX_LOST_CLAIMS {
        agent.go(AttemptRef { run, attempt: attempt.attempt }).await;
        agent.pass(&world, CLAIM_SECONDS).await;
        let question = agent.question(run).await;
        agent.answer(&question, false).await;
        world.until(run, "the loss", |state| state.lost_claims == lost).await;
    }
    assert_eq!(world.status(run).await, Status::Failed);
    let letters = world.dead_letters(1).await;
    assert_eq!((letters[0].run_id, letters[0].attempt), (Some(run), Some(0)));
    assert_eq!(letters[0].reason, Reason::Poison);
    assert_eq!(letters[0].detail, "Claimed 5 times without a start");
    assert_eq!(agent.dropped(attempt).await, "dropped: the run is failed", "an offer that lies around");
    world.close().await;
}

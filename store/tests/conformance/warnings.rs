//! The facts that warnings are made of, each caused by what it tells of.

use std::time::Duration;

use berth_domain::id::RunId;
use berth_domain::lifecycle::Event;
use berth_domain::scheduling::{LimitPatch, Snapshot, admit};
use berth_domain::time::Time;
use berth_domain::warning::{
    LONGEST_STARVATION, LONGEST_TRANSITION, LOST_CLAIMS, QueueFacts, Starved, Stuck,
};
use berth_store::{AdmissionOptions, BrokerFacts, NewRun, QueuePatch, Store};

use crate::dead_letters::lose_claims;
use crate::world::{NOW, World, after, audit, claim, go};

/// The facts of the one queue.
async fn facts(store: &Store, now: Time) -> QueueFacts {
    let (agents, queues) = (store.all_agents().await.unwrap(), store.queue_stats(None, now).await.unwrap());
    let facts = store.warning_facts(&agents, &queues, BrokerFacts::default(), "0.1.0", now).await.unwrap();
    let [queue] = <[QueueFacts; 1]>::try_from(facts.queues).unwrap();
    queue
}

async fn happens(store: &Store, run: RunId, event: &Event<'_>, at: Time) {
    store.transition(&[run], at, |head| Some(go(&head.dispatch, event, at))).await.unwrap();
}

pub(crate) async fn offers_that_fail_are_known_since_the_first_failure_until_they_are_made(store: &Store) {
    let world = World::new(store).await;
    let runs = world.create(store, 2).await;
    for run in &runs {
        happens(store, *run, &Event::Admit, after(1)).await;
    }
    assert_eq!(facts(store, after(60)).await.unpublished_since, None, "they are on their way");
    let outstanding = async || store.outstanding_offers().await.unwrap().remove(0);
    assert_eq!((outstanding().await.offers, outstanding().await.failing), (2, 0));
    happens(store, runs[1], &Event::OfferFailed, after(3)).await;
    happens(store, runs[0], &Event::OfferFailed, after(4)).await;
    assert_eq!(facts(store, after(60)).await.unpublished_since, Some(after(3)));
    assert_eq!((outstanding().await.offers, outstanding().await.failing), (2, 2));
    // They are the first to be offered again, however young.
    let (agent, queue) = (world.agent.id, world.queue.id);
    assert_eq!(store.offered_runs(agent, queue, NOW, 10).await.unwrap().len(), 2);
    happens(store, runs[1], &Event::Offer, after(5)).await;
    assert_eq!(facts(store, after(60)).await.unpublished_since, Some(after(4)));
    happens(store, runs[0], &claim("n"), after(6)).await;
    assert_eq!(facts(store, after(60)).await.unpublished_since, None, "an agent has it");
    assert_eq!(outstanding().await.failing, 0);
}

pub(crate) async fn runs_that_are_claimed_in_vain_are_counted(store: &Store) {
    let world = World::new(store).await;
    let runs = world.create(store, 2).await;
    lose_claims(store, runs[0], LOST_CLAIMS, NOW).await;
    let last = lose_claims(store, runs[1], LOST_CLAIMS + 1, NOW).await;
    assert_eq!(facts(store, last).await.lost_claims, 1);
}

pub(crate) async fn runs_of_which_nothing_is_heard_between_two_statuses_are_counted(store: &Store) {
    let world = World::new(store).await;
    for (run, at) in world.create(store, 3).await.into_iter().zip(1..) {
        happens(store, run, &Event::Admit, NOW).await;
        happens(store, run, &claim("n"), after(at)).await;
    }
    let now = after(2).plus(LONGEST_TRANSITION + Duration::from_micros(1));
    assert_eq!(facts(store, now).await.stuck, Some(Stuck { since: after(1), count: 2 }));
}

pub(crate) async fn what_a_limit_holds_back_is_known_and_what_waits_for_its_turn_is_not_held_back(
    store: &Store,
) {
    let world = World::new(store).await;
    let notes = AdmissionOptions { notes_waits: true, ..AdmissionOptions::default() };
    let note = async |now| {
        store.with_admission("acme", now, notes, |snapshot: &Snapshot| admit(snapshot, 0)).await.unwrap();
    };
    let late = after(1).plus(LONGEST_STARVATION + Duration::from_micros(1));
    world.create(store, 1).await;
    note(after(1)).await;
    assert_eq!(facts(store, late).await.starved, None, "nothing but its turn");
    let rate = LimitPatch { quota: None, rate: Some(Some("1/1h".parse().unwrap())) };
    let patch = QueuePatch { limits: rate, ..QueuePatch::default() };
    store.update_queue("acme", "local", "default", patch, &audit("queue.update")).await.unwrap();
    let runs: [NewRun; 1] = [world.queued(0, NOW)];
    store.create_runs(&runs, &audit("run.create")).await.unwrap();
    let first = store.with_admission("acme", after(1), notes, |snapshot: &Snapshot| admit(snapshot, 1)).await;
    first.unwrap();
    note(after(1)).await;
    let starved = facts(store, late).await.starved;
    let expected = Starved { since: after(1), rule: "a rate".into(), of: "queue `default`".into() };
    assert_eq!(starved, Some(expected));
}

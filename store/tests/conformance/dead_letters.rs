//! What is set aside: once, however often; found by what it is; replayed and dropped.

use berth_domain::dead_letter::Reason;
use berth_domain::id::RunId;
use berth_domain::lifecycle::{Event, FailureClass, MAX_LOST_CLAIMS, Outcome, Status, resume};
use berth_domain::protocol::Envelope;
use berth_domain::time::Time;
use berth_store::{
    Audit, AuditFilter, DeadLetter, DeadLetterFilter, DeadMessage, Decision, Error, NewAgent, Page, Store,
};
use serde_json::json;

use crate::world::{LIMITS, NOW, World, after, audit, go};

fn all() -> DeadLetterFilter {
    DeadLetterFilter { owner: "acme".to_owned(), ..DeadLetterFilter::default() }
}

async fn letters(store: &Store, filter: &DeadLetterFilter) -> Vec<DeadLetter> {
    store.dead_letters_after(filter, None, 100).await.unwrap()
}

fn at(action: &str, at: Time) -> Audit {
    Audit::new("tester", action, at)
}

/// Has a waiting run claimed until it is set aside, from `now` on; returns when.
async fn poison(store: &Store, id: RunId, now: Time) -> Time {
    lose_claims(store, id, MAX_LOST_CLAIMS, now).await
}

/// Has a waiting run claimed so often without a start, from `now` on; returns when the last was found lost.
pub(crate) async fn lose_claims(store: &Store, id: RunId, times: u32, mut now: Time) -> Time {
    store.transition(&[id], now, |head| Some(go(&head.dispatch, &Event::Admit, now))).await.unwrap();
    for n in 0..times {
        let nonce = format!("n{n}");
        let claimed = now.plus(LIMITS.validity + LIMITS.create_grace);
        let asked = claimed.plus(LIMITS.validity + LIMITS.create_grace);
        store
            .transition(&[id], claimed, |head| {
                let attempt = head.dispatch.attempt;
                let claim = Event::Claim { replica: "r1", nonce: &nonce, attempt, limits: LIMITS };
                Some(go(&head.dispatch, &claim, claimed))
            })
            .await
            .unwrap();
        store.transition(&[id], asked, |head| Some(go(&head.dispatch, &Event::Ask, asked))).await.unwrap();
        store
            .transition(&[id], asked, |head| {
                let (attempt, question) = (head.dispatch.attempt, head.dispatch.question);
                Some(go(&head.dispatch, &Event::Absent { attempt, question }, asked))
            })
            .await
            .unwrap();
        now = asked;
    }
    now
}

pub(crate) async fn a_poisoned_run_is_one_letter_however_often_it_fails(store: &Store) {
    let world = World::new(store).await;
    let id = world.create(store, 1).await[0];
    let first = poison(store, id, NOW).await;
    let run = store.run_by_id(id).await.unwrap();
    assert_eq!(run.status(), Status::Failed);
    assert_eq!(run.dispatch.end.unwrap().outcome, Outcome::Failed(FailureClass::Poison));
    let letter = letters(store, &all()).await.remove(0);
    assert_eq!((letter.reason, letter.run_id, letter.attempt), (Reason::Poison, Some(id), Some(0)));
    assert_eq!((letter.agent.as_deref(), letter.queue.as_deref()), (Some("local"), Some("default")));
    assert_eq!((letter.first_at, letter.last_at, letter.times), (first, first, 1));
    assert_eq!(store.queue_stats(None, NOW).await.unwrap()[0].dead_letters, 1);

    let replay = at("dead_letter.replay", first);
    let going = store
        .replay_dead_runs(std::slice::from_ref(&letter), &replay, |head| {
            resume(&head.dispatch, "t", first).ok()
        })
        .await
        .unwrap();
    assert_eq!(going, [letter.id]);
    assert_eq!(store.run_by_id(id).await.unwrap().status(), Status::Queued);
    assert_eq!(
        (letters(store, &all()).await.len(), store.queue_stats(None, NOW).await.unwrap()[0].dead_letters),
        (0, 0)
    );
    assert!(matches!(store.dead_letter("acme", letter.id).await, Err(Error::NotFound { .. })));

    let second = poison(store, id, first).await;
    let again = letters(store, &all()).await;
    assert_eq!(again.len(), 1, "the cause persists, and it is the same letter");
    assert_eq!((again[0].id, again[0].times, again[0].attempt), (letter.id, 2, Some(1)));
    assert_eq!((again[0].first_at, again[0].last_at), (first, second));
}

fn message(world: &World, reason: Reason, raw: &str) -> DeadMessage {
    DeadMessage {
        owner: "acme".to_owned(),
        agent_id: Some(world.agent.id),
        queue_id: (reason == Reason::Undecodable).then_some(world.queue.id),
        reason,
        detail: format!("{reason}: {raw}"),
        raw: raw.to_owned(),
        envelope: json!({"a": 1}).as_object().map(|headers| Envelope {
            content_type: Some("text/plain".to_owned()),
            content_encoding: None,
            headers: headers.clone(),
        }),
        is_cut: false,
    }
}

pub(crate) async fn a_message_is_kept_as_it_was_and_counted(store: &Store) {
    let world = World::new(store).await;
    for (n, reason) in [Reason::Undecodable, Reason::Unreadable, Reason::NewerVersion].into_iter().enumerate()
    {
        let message = message(&world, reason, "eA==");
        store.add_dead_message(&message, after(n as u64)).await.unwrap();
        store.add_dead_message(&message, after(10)).await.unwrap();
        let kept = letters(store, &DeadLetterFilter { reason: Some(reason), ..all() }).await;
        assert_eq!(kept.len(), 1, "{reason}");
        assert_eq!(
            (kept[0].raw.as_deref(), kept[0].envelope.as_ref()),
            (Some("eA=="), message.envelope.as_ref())
        );
        assert_eq!((kept[0].first_at, kept[0].last_at, kept[0].times), (after(n as u64), after(10), 2));
        assert_eq!(kept[0].detail, message.detail);
    }
    store.add_dead_message(&message(&world, Reason::Unreadable, "eQ=="), after(11)).await.unwrap();
    assert_eq!(letters(store, &all()).await.len(), 4, "another message is another letter");
    let groups = store.dead_letter_groups(&all()).await.unwrap();
    assert_eq!((groups[0].reason, groups[0].letters, groups[0].times), (Reason::Unreadable, 2, 3));
    assert_eq!((groups[0].first_at, groups[0].last_at), (after(1), after(11)));
    assert_eq!(groups.len(), 3);
    let listed = store.dead_letters(&all(), &Page { count: true, ..Page::first(3) }).await.unwrap();
    assert_eq!(
        (listed.count, listed.items[0].last_at, listed.items[0].raw.as_deref()),
        (Some(4), after(11), None)
    );
    let rest = Page { cursor: listed.next_cursor, ..Page::first(3) };
    assert_eq!(store.dead_letters(&all(), &rest).await.unwrap().items.len(), 1);
}

pub(crate) async fn letters_are_found_by_reason_place_and_time(store: &Store) {
    let world = World::new(store).await;
    let other = NewAgent::named("acme", "other".parse().unwrap());
    let other = store.create_agent(other, &audit("agent.create")).await.unwrap();
    let id = world.create(store, 1).await[0];
    let poisoned_at = poison(store, id, NOW).await;
    store.add_dead_message(&message(&world, Reason::Undecodable, "eA=="), NOW).await.unwrap();
    let elsewhere = DeadMessage { agent_id: Some(other.id), ..message(&world, Reason::Unreadable, "eA==") };
    store.add_dead_message(&elsewhere, after(1)).await.unwrap();
    for (filter, expected) in [
        (DeadLetterFilter { reason: Some(Reason::Poison), ..all() }, vec![Reason::Poison]),
        (DeadLetterFilter { agent_id: Some(other.id), ..all() }, vec![Reason::Unreadable]),
        (
            DeadLetterFilter { queue_id: Some(world.queue.id), ..all() },
            vec![Reason::Poison, Reason::Undecodable],
        ),
        (DeadLetterFilter { run_id: Some(id), ..all() }, vec![Reason::Poison]),
        (DeadLetterFilter { until: Some(after(1)), ..all() }, vec![Reason::Undecodable]),
        (
            DeadLetterFilter { from: Some(after(1)), until: Some(poisoned_at), ..all() },
            vec![Reason::Unreadable],
        ),
        (DeadLetterFilter { owner: "other".to_owned(), ..all() }, vec![]),
    ] {
        let mut found: Vec<Reason> =
            letters(store, &filter).await.iter().map(|letter| letter.reason).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{filter:?}");
    }
    let gone = letters(store, &all()).await;
    let dropped = store.drop_dead_letters(&gone, &at("dead_letter.drop", after(9))).await.unwrap();
    assert_eq!(dropped.len(), 3);
    assert!(store.drop_dead_letters(&gone, &audit("dead_letter.drop")).await.unwrap().is_empty());
    assert!(letters(store, &all()).await.is_empty());
    let filter = AuditFilter { action: Some("dead_letter.drop".to_owned()), ..AuditFilter::default() };
    assert_eq!(store.audit_entries(&filter, &Page::default()).await.unwrap().items.len(), 3);
    assert_eq!(store.run_by_id(id).await.unwrap().status(), Status::Failed, "the run itself stays");
}

pub(crate) async fn a_replayed_run_goes_on_with_its_letter_gone_or_neither(store: &Store) {
    let world = World::new(store).await;
    let ids = world.create(store, 2).await;
    for id in &ids {
        poison(store, *id, NOW).await;
    }
    let both = letters(store, &all()).await;
    let replay = at("dead_letter.replay", after(500));
    let one = |head: &berth_store::RunHead| {
        (head.id == ids[0]).then(|| resume(&head.dispatch, "t", after(500)).unwrap())
    };
    let going = store.replay_dead_runs(&both, &replay, one).await.unwrap();
    let left = letters(store, &all()).await;
    assert_eq!((going.len(), left.len(), left[0].run_id), (1, 1, Some(ids[1])));
    assert!(store.replay_dead_runs(&both, &replay, |_| None::<Decision>).await.unwrap().is_empty());
    let log = store.audit_entries(&AuditFilter::default(), &Page::default()).await.unwrap().items;
    assert_eq!(
        (log[0].audit.action.as_str(), log[0].object_kind.as_str()),
        ("dead_letter.replay", "dead_letter")
    );
}

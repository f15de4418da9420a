//! What is read for Celery's tools, and whose turn it is to speak to them.

use std::time::Duration;

use berth_domain::lifecycle::{Event, Status, step};
use berth_store::Store;
use serde_json::{Value, json};

use crate::world::{NOW, World, after};

const LASTS: Duration = Duration::from_secs(5);

pub(crate) async fn a_turn_is_one_replicas_until_it_lapses_or_ends(store: &Store) {
    let take = async |who: &str, note: Option<Value>, second: u64| {
        store.take_turn("speaker", who, note.as_ref(), after(second), LASTS).await.unwrap()
    };
    assert_eq!(store.turn("speaker").await.unwrap(), None);
    let tasks = tokio_util::task::TaskTracker::new();
    let racing: Vec<_> = (0..8)
        .map(|n| {
            let (store, who) = (store.clone(), format!("s{n}"));
            tasks.spawn(async move { store.take_turn("raced", &who, None, NOW, LASTS).await.unwrap() })
        })
        .collect();
    let mut winners = 0;
    for racer in racing {
        winners += usize::from(racer.await.unwrap().is_some());
    }
    assert_eq!(winners, 1);

    assert_eq!(take("a", None, 0).await, Some(Value::Null), "the first finds nothing noted");
    assert_eq!(take("b", None, 4).await, None);
    assert_eq!(
        take("a", Some(json!("early")), 1).await,
        Some(Value::Null),
        "its own, and nothing is written yet"
    );
    assert_eq!(store.turn("speaker").await.unwrap().unwrap().note, Value::Null);
    assert_eq!(take("a", Some(json!({"clock": 7})), 4).await, Some(Value::Null), "kept");
    assert_eq!(take("b", None, 8).await, None, "it was kept until then");
    assert_eq!(take("b", Some(json!("lies")), 9).await, Some(json!({"clock": 7})), "it had lapsed");
    assert_eq!(
        take("a", Some(json!({"clock": 8})), 10).await,
        None,
        "a late word of the last one changes nothing"
    );
    assert_eq!(store.turn("speaker").await.unwrap().unwrap().note, json!({"clock": 7}));
    store.end_turn("speaker", "a", &json!("late"), after(10)).await.unwrap();
    assert_eq!(take("a", None, 10).await, None, "only its holder ends it");
    store.end_turn("speaker", "b", &json!({"clock": 9}), after(10)).await.unwrap();
    assert_eq!(take("a", None, 10).await, Some(json!({"clock": 9})));

    assert!(!store.celery_events().await.unwrap());
    assert!(!store.set_celery_events(true).await.unwrap());
    assert!(store.set_celery_events(true).await.unwrap() && store.celery_events().await.unwrap());
    assert!(store.set_celery_events(false).await.unwrap() && !store.celery_events().await.unwrap());
}

pub(crate) async fn runs_are_told_of_by_agent_and_by_what_befell_them(store: &Store) {
    let world = World::new(store).await;
    let ids = world.create(store, 4).await;
    let agent = world.agent.id;
    assert_eq!(store.runs_at(agent, 10).await.unwrap(), [], "what waits is at no agent");
    store
        .transition(&ids[..2], NOW, |head| step(&head.dispatch, &Event::Admit, NOW, 0.0).ok())
        .await
        .unwrap();
    let stop = Event::Stop { by: "t" };
    store.transition(&ids[2..3], NOW, |head| step(&head.dispatch, &stop, NOW, 0.0).ok()).await.unwrap();
    let mut at: Vec<_> = store.runs_at(agent, 10).await.unwrap().into_iter().map(|run| run.id).collect();
    at.sort_unstable();
    let mut admitted = ids[..2].to_vec();
    admitted.sort_unstable();
    assert_eq!(at, admitted);
    assert_eq!(store.runs_at(agent, 1).await.unwrap().len(), 1);
    assert_eq!(store.stopped_since(NOW.minus(LASTS), 10).await.unwrap(), ids[2..3]);
    assert_eq!(store.stopped_since(NOW, 10).await.unwrap(), []);
    assert_eq!(store.runs_by_id(&ids[1..3]).await.unwrap().len(), 2);
    assert_eq!(store.count_by_agent(&ids).await.unwrap(), [(agent, 4)]);
    assert_eq!(store.runs_due_at(agent, 10).await.unwrap(), []);
    let histories = store.conditions_of(&ids[..1]).await.unwrap();
    let told: Vec<_> = histories.iter().map(|(id, _, condition)| (*id, condition.status)).collect();
    assert_eq!(told.last(), Some(&(ids[0], Status::Scheduled)));
    assert!(histories.is_sorted_by_key(|(_, number, _)| *number));
    assert_eq!(store.conditions(ids[0]).await.unwrap().len(), histories.len());
    let of_all = store.conditions_of(&ids).await.unwrap();
    let latest = of_all.iter().map(|(_, number, _)| *number).max();
    assert_eq!(Some(store.latest_condition().await.unwrap()), latest);
    let live = store.live_replicas(after(1)).await.unwrap();
    assert_eq!(
        live.iter().map(|(of, replica)| (*of, replica.name.as_str())).collect::<Vec<_>>(),
        [(agent, "r1")]
    );
    assert_eq!(store.live_replicas(after(3600)).await.unwrap(), []);
}

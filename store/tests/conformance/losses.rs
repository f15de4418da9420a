//! Lost agents, and runs that go elsewhere.

use berth_domain::compile::{OnAgentLoss, Routing};
use berth_domain::lifecycle::{Event, Status, fail_over};
use berth_store::{Decision, NewAgent, QueuePatch, Store};

use crate::world::{NOW, World, after, audit, claim, go, lease};

pub(crate) async fn a_loss_is_news_once_and_over_with_the_next_lease(store: &Store) {
    let world = World::new(store).await;
    let agent = world.agent.id;
    let grants = store.lease_grants().await.unwrap();
    assert_eq!((grants.len(), grants[0].agent, grants[0].granted_at), (1, agent, NOW));
    assert!(!store.note_loss(agent, after(1), "of another lease", after(20)).await.unwrap());
    assert!(store.note_loss(agent, NOW, "they wait", after(20)).await.unwrap());
    assert!(!store.note_loss(agent, NOW, "they wait", after(21)).await.unwrap(), "no news");
    assert!(store.note_loss(agent, NOW, "they go", after(22)).await.unwrap());
    let lost = store.agent_by_id(agent).await.unwrap();
    assert_eq!((lost.lost_at, lost.loss.as_deref()), (Some(after(20)), Some("they go")));
    store.grant_lease(agent, "r1", &lease("m1"), after(30)).await.unwrap();
    let found = store.agent_by_id(agent).await.unwrap();
    assert_eq!((found.lost_at, found.loss), (None, None));
}

pub(crate) async fn what_may_go_elsewhere_is_found_and_moved(store: &Store) {
    let world = World::new(store).await;
    let other = NewAgent::named("acme", "other".parse().unwrap());
    let other = store.create_agent(other, &audit("agent.create")).await.unwrap();
    let there = store.queue("acme", "other", "default").await.unwrap();
    let queues = ["local/default", "other/default"].map(|queue| queue.parse().unwrap()).to_vec();
    let routing = Routing { queues, ..Routing::default() };
    let table = [
        (Some(routing.clone()), Some(OnAgentLoss::Replace), true),
        (Some(routing.clone()), None, true),
        (Some(routing.clone()), Some(OnAgentLoss::Wait), false),
        (None, Some(OnAgentLoss::Replace), false),
    ];
    let runs = table.iter().map(|(routing, on_agent_loss, _)| {
        let mut run = world.queued(0, NOW);
        (run.routing, run.on_agent_loss) = (routing.clone(), *on_agent_loss);
        run
    });
    let runs: Vec<_> = runs.collect();
    for created in store.create_runs(&runs, &audit("run.create")).await.unwrap() {
        created.unwrap();
    }
    let agent = world.agent.id;
    let found = async || store.runs_to_fail_over(agent, None, 10).await.unwrap();
    assert_eq!(found().await, [runs[0].id], "its queue says that they wait");
    let patch = QueuePatch { on_agent_loss: Some(OnAgentLoss::Replace), ..QueuePatch::default() };
    store.update_queue("acme", "local", "default", patch, &audit("queue.update")).await.unwrap();
    let mut expected: Vec<_> =
        runs.iter().zip(&table).filter(|(_, (_, _, goes))| *goes).map(|(run, _)| run.id).collect();
    expected.sort();
    assert_eq!(found().await, expected);
    assert_eq!(store.runs_to_fail_over(agent, Some(expected[0]), 10).await.unwrap(), expected[1..]);

    // Claimed: what counts is what the agent was told.
    let ids: Vec<_> = runs.iter().map(|run| run.id).collect();
    store.transition(&ids, NOW, |head| Some(go(&head.dispatch, &Event::Admit, NOW))).await.unwrap();
    assert!(store.agents_with_replaceable().await.unwrap().is_empty());
    store.transition(&ids[..1], NOW, |head| Some(go(&head.dispatch, &claim("n"), NOW))).await.unwrap();
    assert_eq!(store.agents_with_replaceable().await.unwrap().into_iter().collect::<Vec<_>>(), [agent]);
    assert_eq!(found().await, expected);
    let moved = store
        .transition(&expected, after(40), |head| {
            assert_eq!(head.routing.as_ref(), Some(&routing));
            let done = fail_over(&head.dispatch, agent, "local", after(40), 0.0).ok()?;
            Some(Decision::moving(done, there.id, other.id))
        })
        .await
        .unwrap();
    assert_eq!(moved.len(), 2);
    for id in expected {
        let run = store.run_by_id(id).await.unwrap();
        assert_eq!(
            (run.status(), run.queue_id, run.agent_id),
            (Status::Queued, Some(there.id), Some(other.id))
        );
    }
    assert!(store.agents_with_replaceable().await.unwrap().is_empty());
    // A queue that is gone takes nothing.
    store.delete_agent("acme", "local", &audit("agent.delete")).await.unwrap_err();
    let nowhere = store
        .transition(&ids[2..3], after(41), |head| {
            let done = fail_over(&head.dispatch, agent, "local", after(41), 0.0).ok()?;
            Some(Decision::moving(done, berth_domain::id::QueueId::new(), other.id))
        })
        .await
        .unwrap();
    assert!(nowhere.is_empty());
    assert_eq!(store.run_by_id(ids[2]).await.unwrap().status(), Status::Scheduled);
}

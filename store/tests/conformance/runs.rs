//! Creating, reading, listing and describing runs.

use std::collections::BTreeSet;

use berth_domain::feature::Features;
use berth_domain::lifecycle::Status;
use berth_domain::time::Time;
use berth_store::{Error, Page, RunFilter, RunPatch, Sort, SortKey, Store};
use futures_util::future::join_all;
use serde_json::json;

use crate::world::{NOW, World, after, audit};

pub(crate) async fn a_run_is_read_as_it_was_written(store: &Store) {
    let world = World::new(store).await;
    let mut new = world.queued(7, NOW);
    new.name = Some("tr\0ain".into());
    new.tags = vec!["b".into(), "a".into()];
    new.inputs = Some(json!({"lr": 0.1, "text": "a\0b\\u0000", "n": 9_007_199_254_740_993_i64}));
    new.raw_content = Some("kind: operation\n".into());
    new.timeout_ms = Some(5000);
    new.schedule_at = Some(after(9));
    new.username = Some("ann".into());
    new.needs = Features::named(["service", "init"]);
    new.origins = Some(json!({"run.container": "component"}));
    let id = store.create_run(new.clone(), &audit("run.create")).await.unwrap();
    let run = store.run("acme", "p", id).await.unwrap();
    assert_eq!(run.dispatch, new.dispatch);
    assert_eq!(run.name.as_deref(), Some("tr\u{fffd}ain"));
    assert_eq!((run.tags, run.priority, run.timeout_ms), (new.tags, 7, Some(5000)));
    assert_eq!(
        run.inputs.unwrap(),
        json!({"lr": 0.1, "text": "a\u{fffd}b\\u0000", "n": 9_007_199_254_740_993_i64})
    );
    assert_eq!((run.agent.as_deref(), run.queue.as_deref()), (Some("local"), Some("default")));
    assert_eq!((run.created_at, run.schedule_at, run.version), (NOW, Some(after(9)), 1));
    assert_eq!(run.needs, new.needs);
    let content = store.run_content(id).await.unwrap();
    assert_eq!(content.origins, new.origins);
    assert_eq!((content.raw_content, content.content), (new.raw_content, new.content));
    let statuses: Vec<_> = store.conditions(id).await.unwrap().iter().map(|c| c.status).collect();
    assert_eq!(statuses, [Status::Compiled, Status::Queued]);
    assert!(matches!(store.run("acme", "other", id).await, Err(Error::NotFound { .. })));
    assert!(matches!(store.run("evil", "p", id).await, Err(Error::NotFound { .. })));
}

pub(crate) async fn two_hundred_at_once_share_few_commits(store: &Store) {
    let world = World::new(store).await;
    let before = store.create_commits();
    let creating = (0..200).map(|_| {
        let run = world.queued(0, NOW);
        async move { store.create_run(run, &audit("run.create")).await }
    });
    let ids: BTreeSet<_> = join_all(creating).await.into_iter().map(|id| id.unwrap()).collect();
    assert_eq!(ids.len(), 200);
    let commits = store.create_commits() - before;
    assert!(commits <= 20, "{commits} commits");
    let page = Page { count: true, ..Page::first(1) };
    assert_eq!(store.runs(&RunFilter::default(), Sort::default(), &page).await.unwrap().count, Some(200));
}

pub(crate) async fn one_bad_run_fails_alone(store: &Store) {
    let world = World::new(store).await;
    let taken = world.create(store, 1).await[0];
    let good = world.queued(0, NOW);
    let mut same_id = world.queued(0, NOW);
    same_id.id = taken;
    let mut nowhere = world.queued(0, NOW);
    nowhere.project_id = berth_domain::id::ProjectId::new();
    let mut no_queue = world.queued(0, NOW);
    no_queue.queue_id = Some(berth_domain::id::QueueId::new());
    let mut urgent = world.queued(0, NOW);
    urgent.priority = 10;
    let mut queueless = world.queued(0, NOW);
    queueless.queue_id = None;
    let twice = good.clone();
    let runs = [good.clone(), same_id, nowhere, no_queue, urgent, queueless, twice, world.queued(1, NOW)];
    let results = store.create_runs(&runs, &audit("run.create")).await.unwrap();
    assert_eq!(results.len(), 8);
    assert_eq!(*results[0].as_ref().unwrap(), good.id);
    assert!(matches!(results[1], Err(Error::Conflict { .. })));
    assert!(matches!(results[2], Err(Error::NotFound { .. })));
    assert!(matches!(results[3], Err(Error::NotFound { .. })));
    assert!(matches!(results[4], Err(Error::Invalid { field: "priority", .. })));
    assert!(matches!(results[5], Err(Error::Invalid { .. })), "{:?}", results[5]);
    assert!(matches!(results[6], Err(Error::Conflict { .. })));
    assert!(results[7].is_ok());
}

pub(crate) async fn keyset_pages_neither_skip_nor_repeat_while_runs_come(store: &Store) {
    let world = World::new(store).await;
    for key in [SortKey::CreatedAt, SortKey::Name, SortKey::Priority, SortKey::StartedAt] {
        let there: BTreeSet<_> = world.create(store, 25).await.into_iter().collect();
        for descending in [true, false] {
            let mut seen = Vec::new();
            let mut page = Page::first(10);
            loop {
                let sort = Sort { key, descending };
                let part = store.runs(&RunFilter::default(), sort, &page).await.unwrap();
                seen.extend(part.items.iter().map(|run| run.id));
                page.cursor = part.next_cursor;
                if page.cursor.is_none() {
                    break;
                }
                world.create(store, 2).await;
            }
            let all: BTreeSet<_> = seen.iter().copied().collect();
            assert_eq!(all.len(), seen.len(), "{key:?} repeats");
            assert!(all.is_superset(&there), "{key:?} skips");
        }
    }
}

pub(crate) async fn filters_find_what_they_say(store: &Store) {
    let world = World::new(store).await;
    let mut odd = world.queued(3, NOW);
    odd.name = Some("100%_Sure!".into());
    odd.tags = vec!["x".into(), "y".into()];
    odd.kind = "service".into();
    odd.username = Some("ann".into());
    let odd = store.create_run(odd, &audit("run.create")).await.unwrap();
    world.create(store, 3).await;
    let only: [RunFilter; 9] = [
        RunFilter { name: Some("100%_Sure!".into()), ..RunFilter::default() },
        RunFilter { text: Some("%_sURE!".into()), ..RunFilter::default() },
        RunFilter { tags: vec!["y".into(), "x".into()], ..RunFilter::default() },
        RunFilter { kinds: vec!["service".into(), "none".into()], ..RunFilter::default() },
        RunFilter { username: Some("ann".into()), ..RunFilter::default() },
        RunFilter { ids: Some(vec![odd]), ..RunFilter::default() },
        RunFilter { min_priority: Some(1), max_priority: Some(5), ..RunFilter::default() },
        RunFilter {
            owner: Some("acme".into()),
            project_id: Some(world.project.id),
            statuses: vec![Status::Queued],
            text: Some("100".into()),
            ..RunFilter::default()
        },
        RunFilter { queue_id: Some(world.queue.id), tags: vec!["x".into()], ..RunFilter::default() },
    ];
    for filter in only {
        let found =
            store.runs(&filter, Sort::default(), &Page { count: true, ..Page::default() }).await.unwrap();
        assert_eq!(found.items.iter().map(|run| run.id).collect::<Vec<_>>(), [odd], "{filter:?}");
        assert_eq!(found.count, Some(1));
    }
    for none in [
        RunFilter { tags: vec!["x".into(), "z".into()], ..RunFilter::default() },
        RunFilter { statuses: vec![Status::Running], ..RunFilter::default() },
        RunFilter { ids: Some(Vec::new()), ..RunFilter::default() },
        RunFilter { created_until: Some(Time::from_micros(5)), ..RunFilter::default() },
        RunFilter { owner: Some("' OR 1=1 --".into()), ..RunFilter::default() },
    ] {
        assert!(
            store.runs(&none, Sort::default(), &Page::default()).await.unwrap().items.is_empty(),
            "{none:?}"
        );
    }
}

pub(crate) async fn a_text_is_found_in_few_names_and_in_many(store: &Store) {
    let world = World::new(store).await;
    let named = (0..90).map(|at| {
        let mut run = world.queued(3, NOW);
        run.name = (at > 0).then(|| format!("Train-{}", at % 45));
        run
    });
    for run in named {
        store.create_run(run, &audit("run.create")).await.unwrap();
    }
    let find = async |owner: Option<&str>, text: &str| {
        let filter = RunFilter {
            owner: owner.map(str::to_owned),
            text: Some(text.to_owned()),
            ..RunFilter::default()
        };
        let page = Page { count: true, ..Page::first(5) };
        let found = store.runs(&filter, Sort::default(), &page).await.unwrap();
        (found.items.len(), found.count.unwrap())
    };
    for owner in [Some("acme"), None] {
        assert_eq!(find(owner, "train-7").await, (2, 2), "{owner:?}: one name, of two runs");
        assert_eq!(find(owner, "TRAIN-1").await, (5, 22), "{owner:?}: eleven names");
        assert_eq!(find(owner, "train-").await, (5, 89), "{owner:?}: every name");
        assert_eq!(find(owner, "nothing").await, (0, 0), "{owner:?}: none");
    }
    assert_eq!(find(Some("other"), "train-7").await, (0, 0), "another's");
    let mut described = world.queued(3, NOW);
    described.description = Some("like train-7, but better".to_owned());
    store.create_run(described, &audit("run.create")).await.unwrap();
    assert_eq!(find(Some("acme"), "train-7").await, (3, 3), "a description");
}

pub(crate) async fn a_patch_merges_or_replaces(store: &Store) {
    let world = World::new(store).await;
    let id = world.create(store, 1).await[0];
    let patch = |merge| RunPatch {
        tags: Some(vec!["a".into(), if merge { "b".into() } else { "c".into() }]),
        outputs: Some(json!({"loss": 1, "at": if merge { "m" } else { "r" }})),
        merge,
        ..RunPatch::default()
    };
    store.update_run_meta(id, patch(false), &audit("run.update")).await.unwrap();
    let more = RunPatch { name: Some("n".into()), ..patch(true) };
    let run = store.update_run_meta(id, more, &audit("run.update")).await.unwrap();
    assert_eq!(run.tags, ["a", "c", "b"]);
    assert_eq!(run.outputs, Some(json!({"loss": 1, "at": "m"})));
    assert_eq!((run.name.as_deref(), run.version), (Some("n"), 3));
    let refused = store.delete_run(id, &audit("run.delete")).await.unwrap_err();
    assert!(refused.to_string().contains("stop it first"), "{refused}");
}

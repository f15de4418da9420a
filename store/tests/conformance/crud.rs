//! Projects, agents and queues.

use berth_domain::name::AgentName;
use berth_domain::scheduling::Paused;
use berth_store::{
    AgentPatch, AuditFilter, Error, NewAgent, NewProject, NewQueue, Page, ProjectPatch, QueuePatch, Store,
};

use serde_json::json;

use crate::world::{NOW, World, after, audit, project};

pub(crate) async fn a_project_lives_and_goes(store: &Store) {
    let made = project(store, "Ünïcode \0 name").await;
    let read = store.project("acme", "Ünïcode \0 name").await.unwrap();
    assert_eq!(read.name, "Ünïcode \u{fffd} name");
    assert_eq!((read.id, read.created_at), (made.id, NOW));
    let again = NewProject { owner: "acme".into(), name: read.name.clone(), ..NewProject::default() };
    let refused = store.create_project(again, &audit("project.create")).await.unwrap_err();
    assert!(matches!(refused, Error::Conflict { .. }), "{refused}");

    let patch = ProjectPatch {
        name: Some("renamed".into()),
        concurrency: Some(Some(3)),
        tags: Some(vec!["a".into(), "b".into()]),
        ..ProjectPatch::default()
    };
    store.update_project("acme", &read.name, patch, &audit("project.update")).await.unwrap();
    let changed = store.project("acme", "renamed").await.unwrap();
    assert_eq!((changed.concurrency, changed.tags.len()), (Some(3), 2));

    store.delete_project("acme", "renamed", &audit("project.delete")).await.unwrap();
    assert!(matches!(store.project("acme", "renamed").await, Err(Error::NotFound { .. })));
    project(store, "renamed").await;

    let filter = AuditFilter { object_id: Some(made.id.uuid()), ..AuditFilter::default() };
    let log = store.audit_entries(&filter, &Page::first(10)).await.unwrap().items;
    let actions: Vec<_> = log.iter().map(|entry| entry.audit.action.as_str()).collect();
    assert_eq!(actions, ["project.delete", "project.update", "project.create"]);
}

pub(crate) async fn an_agent_comes_with_a_default_queue(store: &Store) {
    let world = World::new(store).await;
    assert_eq!(world.queue.priority, -1);
    assert_eq!(store.default_agent("acme").await.unwrap().id, world.agent.id);
    let mut second = NewAgent::named("acme", "second".parse::<AgentName>().unwrap());
    second.is_default = true;
    store.create_agent(second.clone(), &audit("agent.create")).await.unwrap();
    assert_eq!(store.default_agent("acme").await.unwrap().id, second.id);
    second.owner = "other".into();
    second.id = berth_domain::id::AgentId::new();
    let refused = store.create_agent(second, &audit("agent.create")).await.unwrap_err();
    assert!(refused.to_string().contains("agent `second` exists already"), "{refused}");

    let patch = AgentPatch { cordoned: Some(true), concurrency: Some(Some(4)), ..AgentPatch::default() };
    let agent = store.update_agent("acme", "local", patch, &audit("agent.cordon")).await.unwrap();
    assert_eq!(store.agent("acme", "local").await.unwrap(), agent);
    assert!(agent.cordoned && !agent.is_default);

    let paused = Paused { reason: "maintenance".into(), by: "me".into(), until: Some(after(5)), drain: true };
    let patch = QueuePatch { paused: Some(Some(paused.clone())), ..QueuePatch::default() };
    store.update_queue("acme", "local", "default", patch, &audit("queue.pause")).await.unwrap();
    assert_eq!(store.queue_by_id(world.queue.id).await.unwrap().paused, Some(paused));
}

pub(crate) async fn a_queue_with_unfinished_runs_stays(store: &Store) {
    let world = World::new(store).await;
    world.create(store, 1).await;
    for refused in [
        store.delete_queue("acme", "local", "default", &audit("queue.delete")).await,
        store.delete_agent("acme", "local", &audit("agent.delete")).await,
        store.delete_project("acme", "p", &audit("project.delete")).await,
    ] {
        let refused = refused.unwrap_err();
        assert!(refused.to_string().contains("have not finished"), "{refused}");
    }
    let new = NewQueue::named(world.agent.id, "gpu".parse::<AgentName>().unwrap());
    store.create_queue(new.clone(), &audit("queue.create")).await.unwrap();
    let again = NewQueue { id: berth_domain::id::QueueId::new(), ..new };
    let again = store.create_queue(again, &audit("queue.create")).await.unwrap_err();
    assert!(again.to_string().contains("queue `gpu` exists already"), "{again}");
    store.delete_queue("acme", "local", "gpu", &audit("queue.delete")).await.unwrap();
    assert!(matches!(store.queue("acme", "local", "gpu").await, Err(Error::NotFound { .. })));
}

pub(crate) async fn lists_go_on_where_they_ended(store: &Store) {
    for n in 0..5 {
        project(store, &format!("p{n}")).await;
        let name: AgentName = format!("a{n}").parse().unwrap();
        store.create_agent(NewAgent::named("acme", name), &audit("agent.create")).await.unwrap();
    }
    let (mut projects, mut agents, mut queues) = (Vec::new(), Vec::new(), Vec::new());
    let mut page = Page { count: true, ..Page::first(2) };
    loop {
        let part = store.projects("acme", None, &page).await.unwrap();
        assert_eq!(part.count, Some(5));
        projects.extend(part.items.into_iter().map(|project| project.name));
        page.cursor = part.next_cursor;
        if page.cursor.is_none() {
            break;
        }
    }
    loop {
        let part = store.agents("acme", Some("A"), &page).await.unwrap();
        agents.extend(part.items.into_iter().map(|agent| agent.name.to_string()));
        page.cursor = part.next_cursor;
        if page.cursor.is_none() {
            break;
        }
    }
    loop {
        let part = store.queues("acme", None, None, &page).await.unwrap();
        queues.extend(part.items.into_iter().map(|queue| format!("{}/{}", queue.agent, queue.name)));
        page.cursor = part.next_cursor;
        if page.cursor.is_none() {
            break;
        }
    }
    projects.sort();
    assert_eq!(projects, ["p0", "p1", "p2", "p3", "p4"]);
    assert_eq!(agents, ["a0", "a1", "a2", "a3", "a4"]);
    assert_eq!(queues.len(), 5);
    assert_eq!(store.projects("acme", Some("p_"), &Page::default()).await.unwrap().items.len(), 0);
    let foreign = Page { cursor: Some("00".into()), ..Page::default() };
    assert!(matches!(store.projects("acme", None, &foreign).await, Err(Error::Invalid { .. })));
}

pub(crate) async fn defaults_are_kept_changed_and_cleared(store: &Store) {
    let world = World::new(store).await;
    assert_eq!((world.agent.defaults, world.queue.defaults), (None, None));
    let mut agent = NewAgent::named("acme", "second".parse::<AgentName>().unwrap());
    agent.defaults = Some(json!({"termination": {"ttl": 5}}));
    let agent = store.create_agent(agent, &audit("agent.create")).await.unwrap();
    let mut queue = NewQueue::named(agent.id, "gpu".parse().unwrap());
    queue.defaults = Some(json!({"environment": {"nodeSelector": {"pool": "gpu"}}}));
    let made = store.create_queue(queue.clone(), &audit("queue.create")).await.unwrap();
    assert_eq!((made.defaults, agent.defaults), (queue.defaults, Some(json!({"termination": {"ttl": 5}}))));
    for defaults in [Some(json!({"priority": 3})), None] {
        let patch = AgentPatch { defaults: Some(defaults.clone()), ..AgentPatch::default() };
        store.update_agent("acme", "second", patch, &audit("agent.update")).await.unwrap();
        let patch = QueuePatch { defaults: Some(defaults.clone()), ..QueuePatch::default() };
        store.update_queue("acme", "second", "gpu", patch, &audit("queue.update")).await.unwrap();
        assert_eq!(store.agent("acme", "second").await.unwrap().defaults, defaults);
        assert_eq!(store.queue("acme", "second", "gpu").await.unwrap().defaults, defaults);
        // What is not named stays.
        let patch = QueuePatch { priority: Some(2), ..QueuePatch::default() };
        let queue = store.update_queue("acme", "second", "gpu", patch, &audit("queue.update")).await.unwrap();
        assert_eq!(queue.defaults, defaults);
    }
}

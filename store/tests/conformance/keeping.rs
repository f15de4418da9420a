//! Retention, idempotency keys, tokens, and the store's own notes.

use std::time::Duration;

use berth_domain::id::{RunId, TokenId};
use berth_domain::lifecycle::{Event, step};
use berth_domain::protocol::ARCHIVE;
use berth_store::{AuditFilter, Error, NewToken, Page, Removed, Reservation, RetentionSettings, Store};

use crate::world::{NOW, World, after, audit, lease};

pub(crate) async fn what_is_old_goes_in_batches(store: &Store) {
    let world = World::new(store).await;
    let ids = world.create(store, 7).await;
    let stop = Event::Stop { by: "t" };
    store.transition(&ids[..5], NOW, |head| step(&head.dispatch, &stop, NOW, 0.0).ok()).await.unwrap();
    let settings = RetentionSettings::default();
    let day = Duration::from_secs(24 * 3600);
    assert_eq!(store.retention(NOW.plus(day / 2), &settings, 3).await.unwrap(), Removed::default());
    let later = NOW.plus(91 * day);
    let first = store.retention(later, &settings, 3).await.unwrap();
    assert_eq!((first.runs, first.changes, first.audit), (3, 3, 0));
    let second = store.retention(later, &settings, 3).await.unwrap();
    assert_eq!(second.runs, 2);
    while !store.retention(later, &settings, 1000).await.unwrap().is_nothing() {}
    assert!(store.conditions(ids[0]).await.unwrap().is_empty());
    assert!(store.run_by_id(ids[6]).await.is_ok(), "what has not finished stays");
    store.transition(&ids[5..], later, |head| step(&head.dispatch, &stop, later, 0.0).ok()).await.unwrap();
    store.delete_project("acme", "p", &audit("project.delete")).await.unwrap();
    let last = store.retention(later, &settings, 1000).await.unwrap();
    assert_eq!((last.runs, last.projects), (2, 1));
    let log = store.audit_entries(&AuditFilter::default(), &Page::default()).await.unwrap().items;
    assert!(!log.is_empty());
    let end = store.retention(NOW.plus(401 * day), &settings, 1000).await.unwrap();
    assert_eq!(end.audit as usize, log.len());
}

pub(crate) async fn what_an_agent_keeps_of_gone_runs_is_noted_until_it_has_forgotten_them(store: &Store) {
    let world = World::new(store).await;
    let ids = world.create(store, 5).await;
    let stop = Event::Stop { by: "t" };
    store.transition(&ids[..4], NOW, |head| step(&head.dispatch, &stop, NOW, 0.0).ok()).await.unwrap();
    let settings = RetentionSettings::default();
    let gone = async |runs: &[RunId]| {
        for run in runs {
            store.delete_run(*run, &audit("run.delete")).await.unwrap();
        }
        store.retention(NOW.plus(2 * settings.deleted_runs), &settings, 1000).await.unwrap().runs
    };
    assert_eq!(gone(&ids[..1]).await, 1);
    assert_eq!(store.agents_with_forgotten().await.unwrap(), [], "it keeps nothing");
    let mut keeps = lease("m1");
    keeps.features.push(ARCHIVE.to_owned());
    store.grant_lease(world.agent.id, "r1", &keeps, NOW).await.unwrap();
    assert_eq!(gone(&ids[1..4]).await, 3);
    let agent = world.agent.id;
    assert_eq!(store.agents_with_forgotten().await.unwrap(), [agent]);
    assert_eq!(store.forgotten_runs(agent, 2).await.unwrap(), ids[1..3]);
    store.forgot_runs(agent, &ids[1..3]).await.unwrap();
    assert_eq!(store.forgotten_runs(agent, 2).await.unwrap(), ids[3..4]);
    store.transition(&ids[4..], NOW, |head| step(&head.dispatch, &stop, NOW, 0.0).ok()).await.unwrap();
    store.delete_agent("acme", "local", &audit("agent.delete")).await.unwrap();
    assert_eq!(store.agents_with_forgotten().await.unwrap(), []);
}

pub(crate) async fn an_idempotency_key_gets_the_first_answer_again(store: &Store) {
    let reserve = |hash: &'static str, at| store.reserve("acme", "p", "k", hash, at);
    let Reservation::Go { ticket, again: false } = reserve("h", NOW).await.unwrap() else { panic!("taken") };
    assert_eq!(reserve("h", after(1)).await.unwrap(), Reservation::InProgress);
    let other = reserve("other", after(1)).await.unwrap_err();
    assert!(matches!(other, Error::Conflict { .. }), "{other}");
    assert_eq!(reserve("h", after(61)).await.unwrap(), Reservation::Go { ticket, again: true });
    store.remember("acme", "p", "k", ticket, 201, "{\"uuid\":1}").await.unwrap();
    let done = Reservation::Done { status: 201, answer: "{\"uuid\":1}".into() };
    assert_eq!(reserve("h", after(70)).await.unwrap(), done);
    let fresh = reserve("other", after(24 * 3600)).await.unwrap();
    let Reservation::Go { ticket: second, again: false } = fresh else { panic!("{fresh:?}") };
    assert_ne!(ticket, second);
    store.forget("acme", "p", "k", second).await.unwrap();
    assert!(matches!(
        reserve("third", after(24 * 3600)).await.unwrap(),
        Reservation::Go { again: false, .. }
    ));
}

pub(crate) async fn a_token_holds_until_it_is_revoked_or_expires(store: &Store) {
    let new = NewToken {
        id: TokenId::new(),
        name: "ci".into(),
        owner: "acme".into(),
        username: "ann".into(),
        scopes: vec!["run:create".into()],
        expires_at: Some(after(100)),
    };
    let token = store.create_token(new.clone(), "hash", &audit("token.create")).await.unwrap();
    assert_eq!(store.token_by_hash("hash", NOW).await.unwrap(), Some(token.clone()));
    assert_eq!(store.token_by_hash("other", NOW).await.unwrap(), None);
    assert_eq!(store.token_by_hash("hash", after(100)).await.unwrap(), None);
    store.token_used(&token, after(5)).await.unwrap();
    let used = store.tokens("acme").await.unwrap();
    assert_eq!(used[0].last_used_at, Some(after(5)));
    let again = NewToken { id: TokenId::new(), ..new };
    let refused = store.create_token(again, "hash", &audit("token.create")).await.unwrap_err();
    assert!(!refused.to_string().contains("hash"), "{refused}");
    let foreign = store.revoke_token("other", token.id, &audit("token.revoke")).await;
    assert!(matches!(foreign, Err(Error::NotFound { .. })));
    store.revoke_token("acme", token.id, &audit("token.revoke")).await.unwrap();
    assert_eq!(store.token_by_hash("hash", NOW).await.unwrap(), None);
}

pub(crate) async fn of_two_markers_one_wins(store: &Store) {
    assert_eq!(store.broker_marker().await.unwrap(), None);
    assert!(store.set_broker_marker(None, "a").await.unwrap());
    assert!(!store.set_broker_marker(None, "b").await.unwrap());
    assert!(store.set_broker_marker(Some("a"), "b").await.unwrap());
    assert!(!store.set_broker_marker(Some("a"), "c").await.unwrap());
    assert_eq!(store.broker_marker().await.unwrap().as_deref(), Some("b"));
}

//! Services: sets of objects that are created together, run when all of them are ready, and end together.

use std::time::Duration;

use berth_agent::executor::{CreateError, Executor, Release};
use berth_domain::lifecycle::{FailureClass, Outcome};
use berth_domain::protocol::{AttemptRef, Phase};
use berth_test_servers::kubernetes::until;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;

use super::rig::{PATIENCE, Rig, pod_name, stand};

async fn all_services(rig: &Rig) -> Vec<Service> {
    services(rig).list(&ListParams::default()).await.unwrap().items
}

fn services(rig: &Rig) -> Api<Service> {
    Api::namespaced(rig.pods.clone().into_client(), &rig.namespace)
}

async fn all_pods(rig: &Rig) -> Vec<Pod> {
    rig.pods.list(&ListParams::default()).await.unwrap().items
}

fn replica(attempt: AttemptRef, index: u32) -> String {
    format!("{}-replica-{index}", pod_name(attempt))
}

/// How many pods of an attempt may still run something. Those that can't may be there for a moment longer.
async fn alive(rig: &Rig, attempt: AttemptRef) -> usize {
    let of_it = all_pods(rig).await.into_iter().filter(|pod| {
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        name.starts_with(&pod_name(attempt)) && !matches!(phase, Some("Failed" | "Succeeded"))
    });
    of_it.count()
}

/// Looks after what is there, as an agent does, while `work` goes on.
async fn tended<T>(rig: &Rig, work: impl Future<Output = T>) -> T {
    let mut watch = rig.executor.watch().unwrap();
    let watching = async {
        loop {
            watch.next().await.unwrap();
        }
    };
    let surveying = async {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            rig.executor.survey().await.unwrap();
        }
    };
    tokio::select! {
        () = watching => unreachable!(),
        () = surveying => unreachable!(),
        done = work => done,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_a_set_of_objects_that_runs_when_all_are_ready_and_leaves_nothing() {
    let rig = Rig::with("serves", |settings| {
        stand(settings);
        settings.patience.ready = Duration::from_secs(3600);
    })
    .await;
    // Long enough for all that is looked at before, also on a machine that is busy.
    let order = rig.order(&rig.service(3, "unready; sleep 12; ready; sleep infinity"));
    let attempt = order.attempt;
    let (one, two) = tokio::join!(rig.create(order.clone()), rig.create(order.clone()));
    assert_eq!(one.unwrap().uid, two.unwrap().uid, "created twice is there once");
    let mut names: Vec<_> = all_pods(&rig).await.into_iter().filter_map(|pod| pod.metadata.name).collect();
    names.sort();
    assert_eq!(names, [pod_name(attempt), replica(attempt, 1), replica(attempt, 2)]);
    let [service] = &all_services(&rig).await[..] else { panic!("one Service") };
    let ports = service.spec.as_ref().unwrap().ports.as_ref().unwrap();
    assert_eq!(ports.iter().map(|port| port.port).collect::<Vec<_>>(), [8080]);

    let early = rig.executor.look(attempt).await.unwrap().unwrap();
    assert_eq!(early.phase, Phase::Created, "no pod of it is ready yet");
    let running = tended(&rig, rig.running(attempt)).await;
    assert!(running.rank > early.rank);
    assert_eq!(rig.executor.inventory().await.unwrap(), [running], "several pods are one object");
    let again = rig.reopened().await.look(attempt).await.unwrap().unwrap();
    assert_eq!(again.phase, Phase::Running, "for another agent too");

    rig.executor.stop(attempt, None).await.unwrap();
    let end = rig.end(attempt).await;
    assert_eq!((end.outcome, end.reason.as_str()), (Outcome::Stopped, "Stopped"));
    assert!(all_services(&rig).await.is_empty());
    assert_eq!(alive(&rig, attempt).await, 0, "its end is told when none of its pods is alive any more");
    rig.settings.clock.advance(Duration::from_secs(80));
    assert_eq!(rig.executor.release(attempt).await.unwrap(), Release::Done);
    until("nothing is left", PATIENCE, async || all_pods(&rig).await.is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_ends_ends_its_service_as_it_ended_and_what_is_not_ready_says_why() {
    let rig = Rig::with("ends", |settings| settings.patience.ready = Duration::ZERO).await;
    let node = rig.namespace.name();
    let mut unready = rig.service(2, "unready; sleep infinity");
    unready["run"]["environment"]["nodeSelector"]["place"] = json!(node);
    let unready = rig.start(&unready).await;
    let dying = rig.start(&rig.service(2, "sleep infinity")).await;
    tended(&rig, async {
        let warned = |phase: &Phase| matches!(phase, Phase::Warning { reason, .. } if reason == "NotReady");
        rig.until(unready, "it says that it is not ready", warned).await;
        rig.running(dying).await;
        // Its second pod is taken away, as by an eviction.
        rig.evict_pod(&replica(dying, 1));
        let end = rig.end(dying).await;
        assert_eq!(end.outcome, Outcome::Failed(FailureClass::Evicted), "{end:?}");
        assert!(end.message.starts_with("Replica 1: "), "{end:?}");
        assert_eq!(alive(&rig, dying).await, 0, "and nothing of it is alive");

        let failing = rig.start(&rig.service(1, "sleep 0.2; exit 4")).await;
        let end = rig.end(failing).await;
        assert_eq!((end.outcome, end.exit_code), (Outcome::Failed(FailureClass::User), Some(4)));
        let gone = rig.start(&rig.service(2, "sleep infinity")).await;
        rig.running(gone).await;
        rig.pods.delete(&replica(gone, 1), &DeleteParams::default().grace_period(0)).await.unwrap();
        let end = rig.end(gone).await;
        assert_eq!(end.outcome, Outcome::Failed(FailureClass::NodeLost), "{end:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_ours_or_can_not_be_completed_ends_the_attempt() {
    let rig = Rig::new("taken").await;
    let order = rig.order(&rig.service(1, "sleep infinity"));
    let foreign = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": pod_name(order.attempt)},
        "spec": {"ports": [{"port": 1}], "selector": {"a": "b"}}});
    let foreign = serde_json::from_value(foreign).unwrap();
    services(&rig).create(&PostParams::default(), &foreign).await.unwrap();
    rig.create(order.clone()).await.unwrap();
    let end = rig.end(order.attempt).await;
    assert_eq!((end.outcome, end.reason.as_str()), (Outcome::Failed(FailureClass::Config), "NameTaken"));
    assert_eq!(all_services(&rig).await.len(), 1, "what is not ours stays");

    let other = berth_agent::executor::Order { spec_hash: "another".into(), ..order };
    let error = rig.create(other).await.unwrap_err();
    assert!(matches!(error, CreateError::Foreign { .. }), "{error}");

    // A quota that has room for the first pod and its Service, and for no second pod.
    let quota = json!({"metadata": {"name": "q"}, "spec": {"hard": {"count/pods": "2"}}});
    let quotas: Api<k8s_openapi::api::core::v1::ResourceQuota> =
        Api::namespaced(rig.pods.clone().into_client(), &rig.namespace);
    quotas.create(&PostParams::default(), &serde_json::from_value(quota).unwrap()).await.unwrap();
    until("the quota is known", PATIENCE, async || {
        let used = quotas.get("q").await.unwrap().status?.used?;
        used.contains_key("count/pods").then_some(())
    })
    .await;
    let full = rig.start(&rig.service(3, "sleep infinity")).await;
    let end = rig.end(full).await;
    assert_eq!((end.outcome, end.reason.as_str()), (Outcome::Failed(FailureClass::Config), "Refused"));
    assert!(end.message.contains("exceeded quota"), "in Kubernetes' words: {end:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_its_agent_left_half_made_is_completed_by_its_claim_or_ended_after_it() {
    let rig = Rig::with("half", stand).await;
    let order = rig.order(&rig.service(2, "sleep infinity"));
    let attempt = order.attempt;
    rig.create(order.clone()).await.unwrap();
    let take_away = async || {
        let unmark = json!({"metadata": {"annotations": {"berth.dev/whole": null}}});
        let params = PatchParams::default();
        rig.pods.patch(&pod_name(attempt), &params, &Patch::Merge(&unmark)).await.unwrap();
        rig.pods.delete(&replica(attempt, 1), &DeleteParams::default().grace_period(0)).await.unwrap();
        services(&rig).delete(&pod_name(attempt), &DeleteParams::default()).await.unwrap();
        until("it is half a set", PATIENCE, async || (all_pods(&rig).await.len() == 1).then_some(())).await;
    };
    take_away().await;
    rig.create(order.clone()).await.unwrap();
    rig.running(attempt).await;
    assert_eq!((all_pods(&rig).await.len(), all_services(&rig).await.len()), (2, 1));

    take_away().await;
    rig.settings.clock.advance(Duration::from_secs(100));
    let end = tended(&rig, rig.end(attempt)).await;
    assert_eq!((end.outcome, end.reason.as_str()), (Outcome::Failed(FailureClass::NodeLost), "Incomplete"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_lost_its_first_pod_is_removed() {
    let rig = Rig::new("orphans").await;
    let attempt = rig.start(&rig.service(3, "sleep infinity")).await;
    rig.running(attempt).await;
    // Kubernetes would remove what has lost its owner by itself: nobody owns it here.
    let disowned = json!({"metadata": {"ownerReferences": null}});
    let params = PatchParams::default();
    for index in 1..3 {
        rig.pods.patch(&replica(attempt, index), &params, &Patch::Merge(&disowned)).await.unwrap();
    }
    services(&rig).patch(&pod_name(attempt), &params, &Patch::Merge(&disowned)).await.unwrap();
    let released = json!({"metadata": {"finalizers": null}});
    rig.pods.patch(&pod_name(attempt), &params, &Patch::Merge(&released)).await.unwrap();
    rig.pods.delete(&pod_name(attempt), &DeleteParams::default().grace_period(0)).await.unwrap();
    until("the first pod is gone", PATIENCE, async || rig.pod(attempt).await.is_none().then_some(())).await;
    let other = rig.reopened().await;
    assert_eq!(other.inventory().await.unwrap(), [], "nothing stands for it");
    other.tidy().await.unwrap();
    assert!(all_services(&rig).await.is_empty());
    until("no pod is left", PATIENCE, async || all_pods(&rig).await.is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_service_is_left_when_its_agent_is_drained() {
    let rig = Rig::with("drained", stand).await;
    let attempt = rig.start(&rig.service(2, "sleep infinity")).await;
    rig.running(attempt).await;
    // Its claim is over: nobody creates anything of it any more.
    rig.settings.clock.advance(Duration::from_secs(100));
    let Executor::Kubernetes(executor) = rig.reopened().await else { unreachable!() };
    executor.drain().await.unwrap();
    until("no pod is left", PATIENCE, async || all_pods(&rig).await.is_empty().then_some(())).await;
    // Kubernetes removes it after its owner.
    until("no Service is left", PATIENCE, async || all_services(&rig).await.is_empty().then_some(())).await;
}

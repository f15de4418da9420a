//! The control plane itself: several at once, rights, a killed, frozen and forgetful API server, its audit log.

use std::time::Duration;

use berth_test_servers::Proxy;
use berth_test_servers::kubernetes::{Cluster, Options, until};
use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::Api;
use kube::api::{DeleteParams, ListParams, ObjectMeta, PostParams, WatchEvent, WatchParams};

use serde_json::json;

use super::LIMIT;

fn config_map(name: &str) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        ..ConfigMap::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clusters_run_at_once_know_nothing_of_each_other_and_leave_nothing() {
    let options = Options { audit: true, ..Options::default() };
    let (Some(one), Some(two)) = tokio::join!(Cluster::own(options.clone()), Cluster::own(options)) else {
        return;
    };
    let name = one.namespace("mine").await;
    let others: Api<Namespace> = Api::all(two.client().await);
    assert_eq!(others.get_opt(&name).await.unwrap(), None);

    let maps: [Api<ConfigMap>; 2] =
        [Api::namespaced(one.client().await, "default"), Api::namespaced(two.client().await, "default")];
    maps[0].create(&PostParams::default(), &config_map("a")).await.unwrap();
    maps[0].delete("a", &DeleteParams::default()).await.unwrap();
    maps[1].create(&PostParams::default(), &config_map("a")).await.unwrap();
    let of = |cluster: &Cluster, verb: &str| {
        let events = cluster.audit();
        events
            .into_iter()
            .find(|event| event.verb == verb && event.resource == "configmaps" && event.name == "a")
            .unwrap()
    };
    let (deleted, created) = (of(&one, "delete"), of(&two, "create"));
    assert!(deleted.answered < created.received, "{deleted:?} {created:?}");
    assert_eq!(deleted.user, "berth-test-admin");

    let folders = [one.folder(), two.folder()];
    drop((one, two));
    assert!(folders.iter().all(|folder| !folder.exists()), "{folders:?} outlived their clusters");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_may_do_what_rbac_gives_it_and_no_more() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.namespace("rights").await;
    let kubeconfig = cluster.kubeconfig_of_service_account(&namespace, "reader").await;
    let pods: Api<Pod> = Api::namespaced(Cluster::client_of(&kubeconfig).await, &namespace);
    let refused = pods.list(&ListParams::default()).await.unwrap_err().to_string();
    assert!(refused.contains("pods is forbidden"), "{refused}");
    assert!(refused.contains(&format!("system:serviceaccount:{namespace}:reader")), "{refused}");

    let bindings: Api<RoleBinding> = Api::namespaced(cluster.client().await, &namespace);
    let binding = serde_json::from_value(json!({
        "metadata": { "name": "reader" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view" },
        "subjects": [{ "kind": "ServiceAccount", "name": "reader", "namespace": namespace.name() }],
    }));
    bindings.create(&PostParams::default(), &binding.unwrap()).await.unwrap();
    until("the service account may list pods", LIMIT, async || pods.list(&ListParams::default()).await.ok())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_can_be_frozen_killed_and_made_to_forget() {
    let Some(mut cluster) = Cluster::own(Options::default()).await else { return };
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client().await, "default");
    let proxy = Proxy::start(cluster.port());
    let through = cluster.through(cluster.kubeconfig(), proxy.port());
    let far: Api<ConfigMap> = Api::namespaced(Cluster::client_of(&through).await, "default");
    let version = maps.create(&PostParams::default(), &config_map("kept")).await.unwrap();
    let version = version.metadata.resource_version.unwrap();
    maps.create(&PostParams::default(), &config_map("later")).await.unwrap();

    far.get("kept").await.unwrap();
    assert!(cluster.kubectl(&["get", "configmaps"]).contains("later"));

    cluster.freeze_api_server(true);
    let hung = tokio::time::timeout(Duration::from_millis(500), maps.get("kept")).await;
    assert!(hung.is_err(), "a frozen API server answered: {hung:?}");
    cluster.freeze_api_server(false);
    tokio::time::timeout(LIMIT, maps.get("kept")).await.unwrap().unwrap();

    cluster.kill_api_server();
    maps.get("kept").await.unwrap_err();
    cluster.compact_etcd();
    cluster.restart_api_server().await;
    maps.get("kept").await.unwrap();
    let mut watch = maps.watch(&WatchParams::default(), &version).await.unwrap().boxed();
    let first = tokio::time::timeout(LIMIT, watch.next()).await.unwrap().unwrap();
    let Ok(WatchEvent::Error(status)) = first else { panic!("an old watch went on: {first:?}") };
    assert_eq!(status.code, 410, "{status:?}");
}

//! An agent with a Role for one namespace can neither see nor touch another.

use berth_agent::executor::{CreateError, Executor, KubernetesExecutor};
use berth_domain::protocol::Identity;
use berth_test_servers::kubernetes::Cluster;

use super::rig::Rig;

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_needs_no_more_than_its_role_and_has_no_more() {
    let rig = Rig::new("rights").await;
    rig.executor.probe().await.unwrap();
    rig.executor.tidy().await.unwrap();
    let Identity::Cluster { cluster, namespaces } = rig.executor.identity().await.unwrap() else {
        panic!("a cluster")
    };
    assert_eq!([cluster], *namespaces, "kube-system is none of its business");

    let other = Cluster::shared().await.namespace("private").await;
    let mut settings = rig.settings.clone();
    settings.namespaces = vec![other.name().to_owned()];
    let foreign = Executor::Kubernetes(KubernetesExecutor::open(settings).await.unwrap());
    let error = foreign.probe().await.unwrap_err();
    assert!(error.to_string().contains(&format!("can't create pods in the namespace {other}")), "{error}");
    for trouble in [
        foreign.identity().await.err(),
        foreign.inventory().await.err(),
        foreign.look(rig.order(&rig.shell("exit 0")).attempt).await.err(),
    ] {
        let words = trouble.expect("refused").source.to_string();
        assert!(words.contains("is forbidden"), "{words}");
    }
    let error = foreign.turn().await.unwrap().create(rig.order(&rig.shell("exit 0"))).await.unwrap_err();
    assert!(matches!(error, CreateError::Trouble { .. }), "the agent's trouble, not the run's: {error}");
}

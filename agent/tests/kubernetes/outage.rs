//! An API server that is killed, forgets, or doesn't answer: nothing is lost, nothing is doubled, nothing is restarted.

use std::time::Duration;

use berth_agent::executor::{CreateError, Hint};
use berth_domain::lifecycle::Outcome;
use berth_domain::protocol::Phase;
use berth_test_servers::kubernetes::{Cluster, Options, until};
use kube::api::ListParams;

use super::rig::{PATIENCE, Rig};

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_goes_on_after_the_api_server_was_killed_and_etcd_compacted() {
    let Some(mut cluster) = Cluster::own(Options::default()).await else { return };
    let rig = Rig::on(&cluster, "killed", |_| {}).await.on_a_fake_node(&cluster).await;
    let mut watch = rig.executor.watch().unwrap();
    assert_eq!(watch.next().await.unwrap(), Hint::All);
    let before = rig.start(&rig.shell("sleep infinity")).await;
    rig.running(before).await;

    cluster.kill_api_server();
    rig.executor.probe().await.unwrap_err();
    let mut order = rig.order(&rig.shell("exit 0"));
    order.create_by = rig.settings.uptime.now() + Duration::from_secs(1);
    let error = rig.create(order).await.unwrap_err();
    assert!(matches!(error, CreateError::Trouble { .. }), "{error}");
    cluster.restart_api_server().await;
    cluster.compact_etcd();

    until("the executor is well again", PATIENCE, async || rig.executor.probe().await.ok()).await;
    let after = rig.start(&rig.shell("exit 0")).await;
    let hinted = async {
        loop {
            let hint = watch.next().await.unwrap();
            let ended = |seen: &berth_agent::executor::Object| seen.attempt == after && seen.is_ended();
            if matches!(hint, Hint::Seen(seen) if seen.iter().any(ended)) {
                break;
            }
            if rig.executor.survey().await.unwrap().iter().any(ended) {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, hinted).await.expect("the watch tells of the end");
    rig.executor.stop(before, None).await.unwrap();
    assert_eq!(rig.end(before).await.outcome, Outcome::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_nobody_waits_for_any_more_is_found_when_it_lands() {
    let Some(mut cluster) = Cluster::own(Options::default()).await else { return };
    let rig = Rig::on(&cluster, "frozen", |_| {}).await.on_a_fake_node(&cluster).await;
    let mut order = rig.order(&rig.shell("exit 0"));
    order.create_by = rig.settings.uptime.now() + Duration::from_secs(1);
    cluster.freeze_api_server(true);
    let error = rig.create(order.clone()).await.unwrap_err();
    assert!(matches!(error, CreateError::Trouble { .. }), "{error}");
    cluster.freeze_api_server(false);
    // It has landed by now, or never will: either way the next claim has one pod.
    until("the server answers", PATIENCE, async || rig.executor.probe().await.ok()).await;
    order.create_by = rig.settings.uptime.now() + Duration::from_secs(10);
    rig.create(order.clone()).await.unwrap();
    let object = rig.until(order.attempt, "it ends", |phase| matches!(phase, Phase::Ended(_))).await;
    let pods = rig.pods.list(&ListParams::default()).await.unwrap().items;
    assert_eq!(pods.len(), 1);
    assert_eq!(pods[0].metadata.uid.as_ref(), Some(&object.uid));
}

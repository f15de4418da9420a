//! What a cluster agent is: the cluster, and the namespaces that it serves in it.
//!
//! Both are told by UIDs, which no other cluster has. The cluster's is that of the namespace `kube-system`; an agent
//! whose Role doesn't show that one is told apart by its namespaces alone, the first of which stands for the cluster.

use std::io;

use berth_domain::protocol::Identity;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};

use super::super::Trouble;
use super::api;

const CLUSTER: &str = "kube-system";

/// Asks the cluster who one is. `namespaces` is not empty.
pub(super) async fn read(client: &Client, namespaces: &[String]) -> Result<Identity, Trouble> {
    let api: Api<Namespace> = Api::all(client.clone());
    let mut uids = Vec::with_capacity(namespaces.len());
    for name in namespaces {
        uids.push(uid(&api, name).await?);
    }
    uids.sort_unstable();
    let cluster = match tokio::time::timeout(api::CALL, api.get_opt(CLUSTER)).await {
        Ok(Ok(Some(found))) => found.metadata.uid,
        Ok(Ok(None)) => None,
        Ok(Err(kube::Error::Api(status))) if status.is_forbidden() => None,
        Ok(Err(error)) => return Err(failed(CLUSTER, io::Error::other(api::words(&error)))),
        Err(_) => return Err(failed(CLUSTER, io::ErrorKind::TimedOut.into())),
    };
    let cluster = cluster.or_else(|| uids.first().cloned()).unwrap_or_default();
    Ok(Identity::Cluster { cluster, namespaces: uids })
}

async fn uid(api: &Api<Namespace>, name: &str) -> Result<String, Trouble> {
    let found = api::call(|| doing(name), api.get(name)).await?;
    let uid = found.and_then(|namespace| namespace.metadata.uid);
    uid.ok_or_else(|| failed(name, io::Error::new(io::ErrorKind::NotFound, "there is no such namespace")))
}

fn doing(name: &str) -> String {
    format!("can't look at the namespace {name}")
}

fn failed(name: &str, source: io::Error) -> Trouble {
    api::failed(doing(name), source)
}

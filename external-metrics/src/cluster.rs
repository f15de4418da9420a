//! What the cluster is asked: whom to believe, and who may see what.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use tokio::time::Instant;

use crate::certificate::Authorities;
use crate::front_proxy::{FrontProxy, User};
use crate::request::{GROUP, Right, VERSION};

/// How long a call may take: an autoscaler waits for it.
const CALL: Duration = Duration::from_secs(5);
/// How long a decision holds.
const DECIDED: Duration = Duration::from_secs(10);
/// How many decisions are remembered.
const MOST: usize = 1_000;

/// Whom to believe.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    pub(crate) front_proxy: FrontProxy,
    pub(crate) authorities: Authorities,
}

/// The API server of the cluster that is served.
pub(crate) struct Cluster {
    client: Client,
    decided: Mutex<HashMap<(User, Right), (bool, Instant)>>,
}

impl Cluster {
    /// Makes ready to speak to the API server that `kubeconfig` names, or that of the cluster that this process is a pod
    /// of; nothing is sent yet.
    ///
    /// # Errors
    /// If it isn't known: then why not.
    pub(crate) async fn new(kubeconfig: Option<&Path>) -> Result<Self, String> {
        let mut config = match kubeconfig {
            None => Config::incluster()
                .map_err(|error| format!("can't find the cluster that this process is a pod of: {error}"))?,
            Some(path) => {
                let read = async {
                    let file = Kubeconfig::read_from(path)?;
                    Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await
                };
                read.await.map_err(|error: kube::config::KubeconfigError| {
                    format!("can't use the kubeconfig {}: {error}", path.display())
                })?
            }
        };
        config.connect_timeout = Some(CALL);
        let client = Client::try_from(config)
            .map_err(|error| format!("can't make a client for the API server: {error}"))?;
        Ok(Self { client, decided: Mutex::default() })
    }

    /// Reads whom to believe.
    ///
    /// # Errors
    /// If the cluster doesn't tell: then why not.
    pub(crate) async fn trust(&self) -> Result<Trust, String> {
        const NAME: &str = "extension-apiserver-authentication";
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), "kube-system");
        let told = |what: String| format!("the ConfigMap kube-system/{NAME}: {what}");
        let map = within(maps.get(NAME)).await.map_err(told)?;
        let front_proxy = FrontProxy::read(&map.data.unwrap_or_default()).map_err(told)?;
        let authorities = Authorities::read(&front_proxy.authorities)
            .map_err(|what| told(format!("`requestheader-client-ca-file`: {what}")))?;
        Ok(Trust { front_proxy, authorities })
    }

    /// Whether a user has a right, as of some seconds ago.
    ///
    /// # Errors
    /// If the cluster doesn't tell: then why not.
    pub(crate) async fn may(&self, user: &User, right: &Right) -> Result<bool, String> {
        let asked = (user.clone(), right.clone());
        let known = self.decisions().get(&asked).copied();
        if let Some((may, at)) = known
            && at.elapsed() < DECIDED
        {
            return Ok(may);
        }
        let reviews: Api<SubjectAccessReview> = Api::all(self.client.clone());
        let answer = within(reviews.create(&PostParams::default(), &review(user, right))).await;
        let may = answer?.status.is_some_and(|status| status.allowed && status.denied != Some(true));
        let mut decided = self.decisions();
        if decided.len() >= MOST {
            decided.clear();
        }
        decided.insert(asked, (may, Instant::now()));
        Ok(may)
    }

    fn decisions(&self) -> std::sync::MutexGuard<'_, HashMap<(User, Right), (bool, Instant)>> {
        self.decided.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The question whether a user has a right.
fn review(user: &User, right: &Right) -> SubjectAccessReview {
    let mut spec = SubjectAccessReviewSpec {
        user: Some(user.name.clone()),
        uid: user.uid.clone(),
        groups: Some(user.groups.clone()),
        extra: Some(user.extra.clone()).filter(|extra: &BTreeMap<_, _>| !extra.is_empty()),
        ..SubjectAccessReviewSpec::default()
    };
    match right {
        Right::Path(path) => {
            spec.non_resource_attributes =
                Some(NonResourceAttributes { path: Some(path.clone()), verb: Some("get".to_owned()) });
        }
        Right::Metric { namespace, metric } => {
            spec.resource_attributes = Some(ResourceAttributes {
                group: Some(GROUP.to_owned()),
                version: Some(VERSION.to_owned()),
                resource: Some(metric.clone()),
                namespace: Some(namespace.clone()),
                verb: Some("list".to_owned()),
                ..ResourceAttributes::default()
            });
        }
    }
    SubjectAccessReview { spec, ..SubjectAccessReview::default() }
}

async fn within<T>(call: impl Future<Output = kube::Result<T>>) -> Result<T, String> {
    match tokio::time::timeout(CALL, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(kube::Error::Api(status))) => Err(status.message.clone()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("the API server gives no answer within {} s", CALL.as_secs())),
    }
}

//! Rights for a service account: a role of its own in a namespace, bound to it.

use k8s_openapi::api::rbac::v1::{Role, RoleBinding, RoleRef, Subject};
use kube::Api;
use kube::api::{ObjectMeta, PostParams};

use super::Cluster;

impl Cluster {
    /// Makes `role` in `namespace` and binds it to the service account `account` of the namespace `of`.
    ///
    /// # Panics
    /// If the cluster refuses.
    pub async fn grant(&self, namespace: &str, role: &Role, of: &str, account: &str) {
        let name = role.metadata.name.clone().unwrap_or_default();
        let binding = RoleBinding {
            metadata: ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() },
            role_ref: RoleRef {
                api_group: "rbac.authorization.k8s.io".to_owned(),
                kind: "Role".to_owned(),
                name,
            },
            subjects: Some(vec![Subject {
                kind: "ServiceAccount".to_owned(),
                name: account.to_owned(),
                namespace: Some(of.to_owned()),
                ..Subject::default()
            }]),
        };
        let client = self.client().await;
        let params = PostParams::default();
        let made = Api::namespaced(client.clone(), namespace).create(&params, role).await;
        let bound = Api::namespaced(client, namespace).create(&params, &binding).await;
        if let Some(error) = made.err().or(bound.err()) {
            panic!("the cluster gives no rights in {namespace}: {error}");
        }
    }
}

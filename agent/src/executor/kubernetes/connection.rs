//! What connections mean for a pod: volumes, variables, pull secrets, annotations. Pure.
//!
//! As in Polyaxon: a secret or a config map with a path is mounted, without one it becomes variables; a volume is
//! mounted where its connection says; and a container finds its connections among its variables, as the stock client
//! reads them.

use std::collections::BTreeMap;

use berth_domain::name::Slug;
use serde_json::{Value, json};

use super::super::Refusal;
use crate::connections::{Connection, Connections, Reach, Resource, VolumeSource, octal};

/// The variable in which Polyaxon's client looks for the connections of its container.
const CATALOG_VARIABLE: &str = "POLYAXON_CONNECTIONS_CATALOG";

/// What a container gets of its connections.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) env: Vec<Value>,
    pub(super) env_from: Vec<Value>,
    pub(super) mounts: Vec<Value>,
    pub(super) volumes: Vec<Value>,
    pub(super) pull_secrets: Vec<String>,
    pub(super) annotations: BTreeMap<String, String>,
}

/// The connection that `field` names.
///
/// # Errors
/// If the agent has none of that name.
pub(super) fn named<'a>(
    connections: &'a Connections,
    name: &str,
    field: &str,
) -> Result<&'a Connection, Refusal> {
    connections.get(name).ok_or_else(|| Refusal {
        reason: "NoSuchConnection",
        message: format!("`{field}` is `{name}`; this agent's connections: {}", connections.names()),
    })
}

/// What `connections` mean for one container of a pod.
pub(super) fn given(connections: &[&Connection]) -> Given {
    let mut given = Given::default();
    for connection in connections {
        one(connection, &mut given);
    }
    if !connections.is_empty() {
        let entries: Vec<&Value> = connections.iter().map(|one| &one.catalog_entry).collect();
        let catalog = json!({ "connections": entries }).to_string();
        given.env.push(json!({"name": CATALOG_VARIABLE, "value": escaped(&catalog)}));
    }
    given
}

fn one(connection: &Connection, given: &mut Given) {
    let volume_name = |of: &str| Slug::standing_for(&format!("connection-{}{of}", connection.name));
    if let Reach::Volume(volume) = &connection.reach {
        let name = volume_name("");
        let source = match &volume.source {
            VolumeSource::Claim(claim) => {
                json!({"persistentVolumeClaim": {"claimName": claim, "readOnly": volume.read_only}})
            }
            VolumeSource::HostPath(path) => json!({"hostPath": {"path": path}}),
        };
        given.volumes.push(with_name(source, &name));
        given
            .mounts
            .push(json!({"name": name, "mountPath": volume.mount_path, "readOnly": volume.read_only}));
    }
    let is_registry = connection.reach == Reach::Registry;
    let resources = [
        (&connection.secret, "secret", "secretName", "secretKeyRef", "secretRef"),
        (&connection.config_map, "configMap", "name", "configMapKeyRef", "configMapRef"),
    ];
    for (resource, kind, name_field, key_ref, all_ref) in resources {
        let Some(resource) = resource else { continue };
        let is_pull_secret = is_registry && kind == "secret";
        if is_pull_secret {
            given.pull_secrets.push(resource.name.clone());
        }
        if let Some(path) = &resource.mount_path {
            let name = volume_name(&format!("-{}", kind.to_ascii_lowercase()));
            given.volumes.push(with_name(json!({kind: projected(resource, name_field)}), &name));
            given.mounts.push(json!({"name": name, "mountPath": path, "readOnly": true}));
        } else if is_pull_secret {
            // What pulls images is nothing that a program reads among its variables.
        } else if resource.items.is_empty() {
            given.env_from.push(json!({all_ref: {"name": resource.name}}));
        } else {
            given.env.extend(resource.items.iter().map(
                |key| json!({"name": key, "valueFrom": {key_ref: {"name": resource.name, "key": key}}}),
            ));
        }
    }
    let own = connection.env.iter();
    given.env.extend(own.map(|(name, value)| json!({"name": name, "value": escaped(value)})));
    let annotations = connection.annotations.iter();
    given.annotations.extend(annotations.map(|(key, value)| (key.clone(), value.clone())));
}

/// A secret or a config map as the source of a volume.
fn projected(resource: &Resource, name_field: &str) -> Value {
    let mut source = json!({name_field: resource.name});
    if !resource.items.is_empty() {
        let items: Vec<Value> = resource.items.iter().map(|key| json!({"key": key, "path": key})).collect();
        source["items"] = json!(items);
    }
    // Checked when the file was read.
    if let Some(mode) = resource.default_mode.as_deref().and_then(octal) {
        source["defaultMode"] = json!(mode);
    }
    source
}

fn with_name(mut volume: Value, name: &Slug) -> Value {
    volume["name"] = json!(name);
    volume
}

/// Text that Kubernetes leaves as it is: it would put variables in place of `$(NAME)`.
fn escaped(text: &str) -> String {
    text.replace('$', "$$")
}

impl Given {
    /// Lays it under what a container says of itself, which holds where both name a variable.
    pub(super) fn lay_under(&self, container: &mut Value) {
        let names: Vec<Value> = list(container, "env").iter().map(|one| one["name"].clone()).collect();
        let mut env: Vec<Value> =
            self.env.iter().filter(|variable| !names.contains(&variable["name"])).cloned().collect();
        env.append(list(container, "env"));
        container["env"] = json!(env);
        for (field, more) in [("envFrom", &self.env_from), ("volumeMounts", &self.mounts)] {
            if !more.is_empty() {
                let mut all = more.clone();
                all.append(list(container, field));
                container[field] = json!(all);
            }
        }
    }
}

/// A list of a container, which is made if it isn't there.
pub(super) fn list<'a>(container: &'a mut Value, field: &str) -> &'a mut Vec<Value> {
    if !container[field].is_array() {
        container[field] = json!([]);
    }
    match &mut container[field] {
        Value::Array(items) => items,
        // It was made an array just above.
        _ => unreachable!("{field} is a list"),
    }
}

/// Adds volumes of a pod that are not there yet: containers may share them.
pub(super) fn add_volumes(to: &mut Vec<Value>, more: &[Value]) {
    for volume in more {
        if !to.iter().any(|known| known["name"] == volume["name"]) {
            to.push(volume.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent() -> Connections {
        Connections::read(
            "connections:
  - {name: data, kind: s3, schema: {bucket: s3://b}, secret: {name: keys}, configMap: {name: region, items: [AWS_REGION]}}
  - {name: vol_1, kind: volume_claim, schema: {volumeClaim: claim, mountPath: /data, readOnly: true}}
  - {name: disk, kind: host_path, schema: {hostPath: /mnt, mountPath: /disk}}
  - {name: code, kind: git, secret: {name: git, mountPath: /git, items: [token], defaultMode: '0440'}}
  - {name: images, kind: registry, secret: {name: pull}, annotations: {a: b}}
  - {name: own, kind: custom, env: {PRICE: '$(USD) 5'}}
",
        )
        .unwrap()
    }

    fn given_of(names: &[&str]) -> Given {
        let agent = agent();
        let found: Vec<&Connection> = names.iter().map(|name| named(&agent, name, "f").unwrap()).collect();
        given(&found)
    }

    #[test]
    fn a_secret_is_mounted_or_becomes_variables() {
        let data = given_of(&["data"]);
        assert_eq!(json!(data.env_from), json!([{"secretRef": {"name": "keys"}}]));
        let region = json!({"name": "AWS_REGION",
            "valueFrom": {"configMapKeyRef": {"name": "region", "key": "AWS_REGION"}}});
        assert_eq!(data.env[0], region);
        let code = given_of(&["code"]);
        assert_eq!(
            json!(code.volumes),
            json!([{"name": "connection-code-secret", "secret": {"secretName": "git",
                "items": [{"key": "token", "path": "token"}], "defaultMode": 0o440}}])
        );
        assert_eq!(
            json!(code.mounts),
            json!([{"name": "connection-code-secret", "mountPath": "/git", "readOnly": true}])
        );
        assert!(code.env_from.is_empty());
    }

    #[test]
    fn volumes_are_mounted_and_a_registry_pulls() {
        let both = given_of(&["vol_1", "disk", "images"]);
        let volumes = json!(both.volumes);
        assert_eq!(volumes[0]["persistentVolumeClaim"], json!({"claimName": "claim", "readOnly": true}));
        assert_eq!(volumes[1], json!({"name": "connection-disk", "hostPath": {"path": "/mnt"}}));
        assert_eq!(both.mounts[0]["name"], volumes[0]["name"]);
        assert_eq!(
            (both.mounts[1]["mountPath"].as_str(), both.mounts[0]["readOnly"].as_bool()),
            (Some("/disk"), Some(true))
        );
        assert_eq!(both.pull_secrets, ["pull"]);
        assert_eq!(both.annotations["a"], "b");
        assert!(both.env_from.is_empty(), "a pull secret is no variable");
    }

    #[test]
    fn the_stock_client_finds_its_connections_and_texts_stay_as_they_are() {
        let own = given_of(&["own", "disk"]);
        assert_eq!(own.env[0], json!({"name": "PRICE", "value": "$$(USD) 5"}));
        let catalog = own.env[1]["value"].as_str().unwrap().replace("$$", "$");
        let catalog: Value = serde_json::from_str(&catalog).unwrap();
        assert_eq!(own.env[1]["name"], CATALOG_VARIABLE);
        assert_eq!(catalog["connections"][0]["env"], json!({"PRICE": "$(USD) 5"}));
        assert_eq!(
            catalog["connections"][1],
            json!({"name": "disk", "kind": "host_path", "schema": {"hostPath": "/mnt", "mountPath": "/disk"}})
        );
    }

    #[test]
    fn what_the_container_says_holds() {
        let mut container = json!({"env": [{"name": "PRICE", "value": "mine"}, {"name": "B", "value": "b"}]});
        given_of(&["own", "disk"]).lay_under(&mut container);
        let names: Vec<&str> =
            container["env"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, [CATALOG_VARIABLE, "PRICE", "B"]);
        assert_eq!(container["env"][1]["value"], "mine");
        assert_eq!(container["volumeMounts"][0]["mountPath"], "/disk");
        assert_eq!(container["envFrom"], Value::Null);
    }

    #[test]
    fn a_name_that_is_not_there_is_told_with_those_that_are() {
        let refusal = named(&agent(), "s3", "run.connections[0]").unwrap_err();
        assert_eq!(
            refusal.message,
            "`run.connections[0]` is `s3`; this agent's connections: code, data, disk, images, own, vol_1"
        );
    }
}

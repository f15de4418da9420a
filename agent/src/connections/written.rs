//! The file with an agent's connections, as people write it, and what of it can't be used.

use std::collections::BTreeMap;

use berth_domain::reported::{MAX_CONNECTIONS, is_connection_name};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Connection, Connections, Invalid, Reach, Resource, Volume, VolumeSource};

/// Polyaxon's kinds of connections.
const KINDS: &[&str] = &[
    "host_path",
    "volume_claim",
    "gcs",
    "s3",
    "wasb",
    "registry",
    "git",
    "aws",
    "gcp",
    "azure",
    "mysql",
    "postgres",
    "oracle",
    "vertica",
    "sqlite",
    "mssql",
    "redis",
    "presto",
    "mongo",
    "cassandra",
    "ftp",
    "grpc",
    "hdfs",
    "http",
    "pig_cli",
    "hive_cli",
    "hive_metastore",
    "hive_server2",
    "jdbc",
    "jenkins",
    "samba",
    "snowflake",
    "ssh",
    "cloudant",
    "databricks",
    "segment",
    "slack",
    "teams",
    "email",
    "discord",
    "mattermost",
    "pagerduty",
    "hipchat",
    "webhook",
    "custom",
];

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct File {
    artifacts_store: Option<Written>,
    connections: Vec<Written>,
}

/// `V1Connection`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    name: String,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    is_alias: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schema: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<Resource>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    config_map: Option<Resource>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    env: Option<Variables>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

/// Variables, in each of the forms that Polyaxon takes.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(untagged)]
enum Variables {
    Mapping(BTreeMap<String, Value>),
    Named(Vec<NamedVariable>),
    Pairs(Vec<(String, Value)>),
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NamedVariable {
    name: String,
    value: Value,
}

pub(super) fn read(text: &str) -> Result<Connections, Invalid> {
    let file: Option<File> = serde_saphyr::from_str(text).map_err(|error| {
        let words = error.to_string();
        Invalid::Form(words.lines().next().unwrap_or_default().to_owned())
    })?;
    let File { artifacts_store, connections } = file.unwrap_or_default();
    let mut read = Connections {
        artifacts_store: artifacts_store.as_ref().map(|store| store.name.clone()),
        ..Connections::default()
    };
    if let Some(store) = &artifacts_store
        && !matches!(reach(store)?, Reach::Bucket(_) | Reach::Volume(Volume { read_only: false, .. }))
    {
        let problem = format!(
            "`kind` is `{}`; an artifacts store is one of s3, gcs, wasb, volume_claim and host_path that can be \
             written to",
            store.kind
        );
        return Err(wrong(store, problem));
    }
    for one in artifacts_store.into_iter().chain(connections) {
        let connection = connection(&one)?;
        // Polyaxon lets the artifacts store stand in the list too.
        match read.by_name.insert(one.name.clone(), connection.clone()) {
            Some(other) if other != connection => return Err(Invalid::Twice(one.name)),
            _ => {}
        }
    }
    match read.by_name.len() {
        count if count > MAX_CONNECTIONS => Err(Invalid::TooMany(count)),
        _ => Ok(read),
    }
}

fn wrong(written: &Written, problem: impl Into<String>) -> Invalid {
    Invalid::Connection { name: written.name.clone(), problem: problem.into() }
}

fn connection(written: &Written) -> Result<Connection, Invalid> {
    if !is_connection_name(&written.name) {
        return Err(wrong(written, "`name` must be 1 to 63 of a-z, A-Z, 0-9, `-` and `_`"));
    }
    if !KINDS.contains(&written.kind.as_str()) {
        let kinds = KINDS.join(", ");
        return Err(wrong(written, format!("`kind` is `{}`; allowed are: {kinds}", written.kind)));
    }
    for (field, resource) in [("secret", &written.secret), ("configMap", &written.config_map)] {
        let Some(resource) = resource else { continue };
        if resource.mount_path.as_deref().is_some_and(|path| !path.starts_with('/')) {
            return Err(wrong(written, format!("`{field}.mountPath` must begin with `/`")));
        }
        if resource.default_mode.as_deref().is_some_and(|mode| octal(mode).is_none()) {
            return Err(wrong(written, format!("`{field}.defaultMode` must be octal, as `0400` is")));
        }
    }
    Ok(Connection {
        name: written.name.clone(),
        kind: written.kind.clone(),
        reach: reach(written)?,
        secret: written.secret.clone(),
        config_map: written.config_map.clone(),
        env: variables(written)?,
        annotations: written.annotations.clone(),
        catalog_entry: json!(written),
    })
}

/// The mode of a file, from its octal digits.
pub(crate) fn octal(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777)
}

fn variables(written: &Written) -> Result<Vec<(String, String)>, Invalid> {
    let pairs: Vec<(String, Value)> = match written.env.clone() {
        None => Vec::new(),
        Some(Variables::Mapping(fields)) => fields.into_iter().collect(),
        Some(Variables::Named(named)) => named.into_iter().map(|one| (one.name, one.value)).collect(),
        Some(Variables::Pairs(pairs)) => pairs,
    };
    pairs
        .into_iter()
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name, text)),
            Value::Number(_) | Value::Bool(_) => Ok((name, value.to_string())),
            _ => Err(wrong(written, format!("`env.{name}` must be a text, a number, true or false"))),
        })
        .collect()
}

fn reach(written: &Written) -> Result<Reach, Invalid> {
    let given = |field: &str| written.schema.as_ref()?.get(field).filter(|value| !value.is_null());
    let text = |field: &str| match given(field) {
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        None => Ok(None),
        Some(_) => Err(wrong(written, format!("`schema.{field}` must be a text"))),
    };
    let needed = |field: &str| {
        text(field)?.ok_or_else(|| {
            wrong(
                written,
                format!("`schema.{field}` is missing; a connection of kind {} needs it", written.kind),
            )
        })
    };
    let volume = |source: VolumeSource| -> Result<Reach, Invalid> {
        let mount_path = needed("mountPath")?;
        if !mount_path.starts_with('/') {
            return Err(wrong(written, "`schema.mountPath` must begin with `/`"));
        }
        let read_only = given("readOnly").is_some_and(|value| *value == Value::Bool(true));
        Ok(Reach::Volume(Volume { source, mount_path, read_only }))
    };
    match written.kind.as_str() {
        "s3" => bucket(written, needed("bucket")?, &["s3://"]),
        "gcs" => bucket(written, needed("bucket")?, &["gs://"]),
        "wasb" => bucket(written, needed("bucket")?, &["wasbs://", "wasb://"]),
        "volume_claim" => volume(VolumeSource::Claim(needed("volumeClaim")?)),
        "host_path" => volume(VolumeSource::HostPath(needed("hostPath")?)),
        "git" => {
            let flags = match given("flags").cloned().map(serde_json::from_value).transpose() {
                Ok(flags) => flags.unwrap_or_default(),
                Err(_) => return Err(wrong(written, "`schema.flags` must be a list of texts")),
            };
            Ok(Reach::Git { url: text("url")?, revision: text("revision")?, flags })
        }
        "registry" => Ok(Reach::Registry),
        _ => Ok(Reach::Other),
    }
}

fn bucket(written: &Written, url: String, schemes: &[&str]) -> Result<Reach, Invalid> {
    if schemes.iter().any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty())) {
        return Ok(Reach::Bucket(url));
    }
    let allowed = schemes.join(" or ");
    Err(wrong(written, format!("`schema.bucket` is `{url}`; it must begin with {allowed}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGENT: &str = "
artifactsStore:
  name: store
  kind: volume_claim
  schema: {volumeClaim: artifacts, mountPath: /store}
connections:
  - name: data
    kind: s3
    description: the images
    tags: [a]
    schema: {bucket: s3://images/train}
    secret: {name: s3-keys}
    env: [{name: AWS_REGION, value: eu-west-1}]
  - name: code
    kind: git
    schema: {url: https://git.example.com/org/code.git, revision: main}
    secret: {name: git, mountPath: /git, items: [token], defaultMode: '0400'}
  - {name: cache, kind: host_path, schema: {hostPath: /mnt/cache, mountPath: /cache, readOnly: true}}
  - {name: my_slack, kind: slack, configMap: {name: slack}, env: {CHANNEL: 7}, annotations: {a: b}}
";

    #[test]
    fn the_file_of_an_agent_is_read_as_polyaxon_has_it() {
        let read = Connections::read(AGENT).unwrap();
        assert_eq!(read.names(), "cache, code, data, my_slack, store");
        assert_eq!(read.artifacts_store().unwrap().name, "store");
        let data = read.get("data").unwrap();
        assert_eq!(data.reach, Reach::Bucket("s3://images/train".into()));
        assert_eq!(data.env, [("AWS_REGION".to_owned(), "eu-west-1".to_owned())]);
        assert_eq!(
            data.catalog_entry,
            json!({"name": "data", "kind": "s3", "description": "the images", "tags": ["a"], "schema": {"bucket": "s3://images/train"},
                   "secret": {"name": "s3-keys"}, "env": [{"name": "AWS_REGION", "value": "eu-west-1"}]})
        );
        let Reach::Volume(cache) = &read.get("cache").unwrap().reach else { panic!("a volume") };
        assert!(cache.read_only && cache.source == VolumeSource::HostPath("/mnt/cache".into()));
        let slack = read.get("my_slack").unwrap();
        assert_eq!((&slack.reach, slack.env[0].1.as_str()), (&Reach::Other, "7"));
        assert_eq!(read.told()[0].kind, "host_path");
        assert_eq!(Connections::read("").unwrap(), Connections::default());
    }

    #[test]
    fn what_can_not_be_used_is_refused_by_name() {
        for (text, expected) in [
            ("connections: [{name: a b, kind: s3}]", "connection `a b`: `name` must be"),
            ("connections: [{name: a, kind: s4}]", "connection `a`: `kind` is `s4`; allowed are: host_path"),
            ("connections: [{name: a, kind: s3}]", "connection `a`: `schema.bucket` is missing"),
            (
                "connections: [{name: a, kind: gcs, schema: {bucket: b}}]",
                "connection `a`: `schema.bucket` is `b`; it must begin with gs://",
            ),
            (
                "connections: [{name: a, kind: host_path, schema: {hostPath: /x, mountPath: data}}]",
                "connection `a`: `schema.mountPath` must begin",
            ),
            (
                "connections: [{name: a, kind: git, secret: {name: s, defaultMode: '999'}}]",
                "connection `a`: `secret.defaultMode` must be octal",
            ),
            (
                "connections: [{name: a, kind: git}, {name: a, kind: slack}]",
                "connection `a`: the name is taken",
            ),
            (
                "artifactsStore: {name: a, kind: git}",
                "connection `a`: `kind` is `git`; an artifacts store is one of",
            ),
            ("connections: [{name: a, kind: git, env: {A: [1]}}]", "connection `a`: `env.A` must be a text"),
            (
                "connections: [{name: a, kind: git, schema: {flags: --depth 1}}]",
                "connection `a`: `schema.flags` must be a list of texts",
            ),
        ] {
            let error = Connections::read(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
        let unknown = Connections::read("connections:\n  - {name: a, kind: git, secrets: x}\n").unwrap_err();
        assert!(unknown.to_string().contains("secrets"), "{unknown}");
        assert!(Connections::read("- a").is_err());
    }
}

//! Our own image on a real kubelet: files that are there before a run begins, secrets by connections, and outputs that
//! are kept after it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use berth_agent::connections::Connections;
use berth_domain::lifecycle::{End, FailureClass, Outcome};
use berth_domain::protocol::AttemptRef;
use berth_test_servers::git::{Repository, Web};
use berth_test_servers::kubernetes::{BUSYBOX, Cluster, Options, RealNode};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};

use super::image;
use super::rig::Rig;

fn job(init: &Value, connections: &Value, script: &str) -> Value {
    let container = json!({"image": BUSYBOX, "command": ["sh", "-c", script]});
    json!({"run": {"kind": "job", "connections": connections, "init": init, "container": container}})
}

/// A folder of the node that any user may write to.
fn disk() -> tempfile::TempDir {
    let disk = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(disk.path().join("in/deep")).unwrap();
    std::fs::write(disk.path().join("in/data.txt"), "data").unwrap();
    std::fs::write(disk.path().join("in/deep/more.txt"), "more").unwrap();
    std::fs::set_permissions(disk.path(), Permissions::from_mode(0o777)).unwrap();
    disk
}

/// Who may clone.
const ACCOUNT: &str = "robot:hidden-too";

fn connections(disk: &Path, code: &Web) -> Connections {
    let git = json!({"url": code.url(), "revision": "v2"});
    let trust = json!({"SSL_CERT_FILE": "/authority/certificate"});
    let authority = json!({"name": "authority", "mountPath": "/authority"});
    let file = json!({
        "artifactsStore": {"name": "store", "kind": "host_path", "schema": {"hostPath": disk, "mountPath": "/store"}},
        "connections": [
            {"name": "keys", "kind": "custom", "secret": {"name": "keys"}},
            {"name": "files", "kind": "custom", "secret": {"name": "keys", "mountPath": "/keys"}},
            {"name": "code", "kind": "git", "schema": git, "secret": {"name": "git"}, "configMap": authority, "env": trust},
            {"name": "public", "kind": "git", "schema": git, "configMap": authority, "env": trust},
        ],
    });
    Connections::read(&file.to_string()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_there_before_a_run_and_outputs_are_kept_after_it_on_a_real_node() {
    if !RealNode::is_asked_for() {
        return;
    }
    let image = image::archive();
    let Some(cluster) = Cluster::own(Options::default()).await else { return };
    let Some(node) = RealNode::start_with(&cluster, &[&image]).await else { return };
    let disk = disk();
    let repository = Repository::new();
    let code = repository.https(node.gateway(), ACCOUNT);
    let rig = Rig::on(&cluster, "helper", |settings| {
        settings.connections = Arc::new(connections(disk.path(), &code));
        settings.helper_image = Some(image::NAME.to_owned());
    })
    .await;
    let secrets: Api<Secret> = Api::namespaced(cluster.client().await, rig.namespace.name());
    for (name, data) in
        [("keys", json!({"TOKEN": "hidden"})), ("git", json!({"POLYAXON_GIT_CREDENTIALS": ACCOUNT}))]
    {
        let secret = json!({"metadata": {"name": name}, "stringData": data});
        secrets.create(&PostParams::default(), &serde_json::from_value(secret).unwrap()).await.unwrap();
    }
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client().await, rig.namespace.name());
    let authority = json!({"metadata": {"name": "authority"}, "data": {"certificate": code.certificate()}});
    maps.create(&PostParams::default(), &serde_json::from_value(authority).unwrap()).await.unwrap();
    let ended = async |operation: &Value| -> (AttemptRef, End) {
        let attempt = rig.start(operation).await;
        (attempt, rig.end(attempt).await)
    };
    let kept = |attempt: AttemptRef, name: &str| {
        std::fs::read_to_string(disk.path().join(attempt.run.to_string()).join("outputs").join(name))
    };

    let init = json!([
        {"connection": "code"},
        {"git": {"revision": "next", "flags": ["--depth 1"]}, "connection": "code", "path": "/mnt/later"},
        {"file": {"filename": "run.sh", "content": "echo '$$ $(TOKEN)'", "chmod": "0755"}, "path": "/mnt"},
        {"dockerfile": {"image": "base:1", "env": {"A": "1 \"2\""}, "run": ["make $(TOKEN)"]}, "path": "/mnt/build"},
        {"artifacts": {"files": ["in/data.txt"], "dirs": [["in/deep", "deep"]]}},
        {"paths": [["in/data.txt", "p.txt"]], "connection": "store", "path": "/mnt/sub"},
    ]);
    // Kubernetes puts variables in place of `$(NAME)` here, which is not what is tried.
    let script = "set -ex
        test \"$TOKEN\" = hidden
        test \"$(cat /keys/TOKEN)\" = hidden
        /mnt/run.sh > /mnt/said
        cd /plx-context/artifacts
        test \"$(cat in/data.txt deep/more.txt /mnt/sub/p.txt)\" = datamoredata
        test \"$(cat code/text /mnt/later/code/text)\" = 23
        test -z \"$POLYAXON_GIT_CREDENTIALS\"
        test -z \"$(grep -r -e robot -e hidden-too code)\"
        cd \"$POLYAXON_RUN_OUTPUTS_PATH\"
        cp /mnt/said said
        cat /mnt/build/Dockerfile > dockerfile
        mkdir sub && echo weights > sub/model
        echo \"$POLYAXON_CONNECTIONS_CATALOG\" > connections";
    let (attempt, end) = ended(&job(&init, &json!(["keys", "files"]), script)).await;
    assert_eq!(end.outcome, Outcome::Succeeded, "{end:?}");
    assert_eq!(kept(attempt, "said").unwrap(), "$$ $(TOKEN)\n", "a file is what was written");
    assert_eq!(kept(attempt, "sub/model").unwrap(), "weights\n");
    let dockerfile = "FROM base:1\n\nENV SHELL=\"/bin/bash\"\nENV A=\"1 \\\"2\\\"\"\n\nWORKDIR /code\n\nRUN make $(TOKEN)\n";
    assert_eq!(kept(attempt, "dockerfile").unwrap(), dockerfile);
    let catalog: Value = serde_json::from_str(&kept(attempt, "connections").unwrap()).unwrap();
    assert_eq!(catalog["connections"][1]["secret"]["mountPath"], "/keys");

    let failing = job(&json!([]), &json!([]), "echo x > $POLYAXON_RUN_OUTPUTS_PATH/x; exit 3");
    let (attempt, end) = ended(&failing).await;
    assert_eq!((end.outcome, end.exit_code), (Outcome::Failed(FailureClass::User), Some(3)), "{end:?}");
    assert_eq!(kept(attempt, "x").unwrap(), "x\n", "a failure is what one wants to look at");

    let mut unkept = job(&json!([]), &json!([]), "echo x > $POLYAXON_RUN_OUTPUTS_PATH/x");
    unkept["plugins"] = json!({"collectArtifacts": false});
    let (attempt, end) = ended(&unkept).await;
    assert_eq!(end.outcome, Outcome::Succeeded, "{end:?}");
    assert!(kept(attempt, "x").is_err());

    let (_, end) = ended(&job(&json!([{"connection": "public"}]), &json!([]), "true")).await;
    assert_eq!(end.outcome, Outcome::Failed(FailureClass::User));
    let told = format!("can't clone {}: it asks for credentials, and there are none", code.url());
    assert!(end.message.contains(&told), "{end:?}");

    let (_, end) = ended(&job(&json!([{"paths": ["in/none"]}]), &json!([]), "true")).await;
    assert_eq!(end.outcome, Outcome::Failed(FailureClass::User));
    assert!(end.message.contains("`in/none` is not in /store"), "{end:?}");
}

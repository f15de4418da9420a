//! Whole pods, compared as JSON; and every refusal, by its name.

use berth_domain::compile::{Context, compile};
use berth_domain::id::RunId;
use berth_domain::protocol::AttemptRef;
use berth_domain::spec::{Format, Limits, parse};
use serde_json::{Value, json};

use super::super::super::OrderTrace;
use super::*;
use crate::transfer::{StoreAt, Task, Wanted, WantedKind};
use crate::uptime::Uptime;

const RUN: &str = "0123456789abcdef0123456789abcdef";

fn order(operation: &Value) -> Order {
    Order {
        attempt: AttemptRef { run: RUN.parse::<RunId>().unwrap(), attempt: 2 },
        agent: "eu".into(),
        replica: "r1".into(),
        queue: "gpu".into(),
        owner: "acme".into(),
        project: "Über Projekt".into(),
        spec_hash: "h1".into(),
        needs: Vec::new(),
        operation: operation.to_string(),
        replace: false,
        trace: None,
        create_by: Uptime::manual().now(),
    }
}

fn planned(order: &Order) -> Result<Plan, Refusal> {
    planned_with("", order)
}

/// With the connections of an agent's file.
fn planned_with(connections: &str, order: &Order) -> Result<Plan, Refusal> {
    let namespaces = ["jobs".to_owned(), "ml-team-a".to_owned()];
    plan(
        order,
        &Defaults {
            namespaces: &namespaces,
            helper: (!connections.is_empty()).then_some("berth:test"),
            connections: &Connections::read(connections).unwrap(),
            grace: Duration::from_secs(30),
            keep: Duration::from_secs(3600),
            features: &[],
        },
    )
}

fn pod(operation: &Value) -> Value {
    planned(&order(operation)).unwrap().pod
}

/// Takes Berth's own variables and the context off each container, which are the same on every one.
fn without_own(mut pod: Value) -> Value {
    for list in ["containers", "initContainers"] {
        for container in pod["spec"][list].as_array_mut().into_iter().flatten() {
            let env = container["env"].as_array_mut().unwrap();
            let own = |variable: &Value| {
                let name = variable["name"].as_str().unwrap();
                (name.starts_with("BERTH_") || name.starts_with("POLYAXON_")) && !name.ends_with("_CATALOG")
            };
            assert_eq!(env.iter().filter(|variable| own(variable)).count(), 13);
            env.retain(|variable| !own(variable));
            let mounts = container["volumeMounts"].as_array_mut().unwrap();
            let all = mounts.len();
            mounts.retain(|mount| mount["name"] != "polyaxon-context");
            assert_eq!(all - mounts.len(), 2);
            if mounts.is_empty() {
                container.as_object_mut().unwrap().remove("volumeMounts");
            }
        }
    }
    let volumes = pod["spec"]["volumes"].as_array_mut().unwrap();
    let context = json!({"name": "polyaxon-context", "emptyDir": {}});
    assert!(volumes.contains(&context));
    volumes.retain(|volume| *volume != context);
    pod
}

#[test]
fn every_container_joins_the_trace_unless_it_was_told_otherwise_and_the_pod_keeps_where_its_run_belongs() {
    let (kept, joined) = (
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 vendor=x",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01",
    );
    let mut traced = order(&json!({"name": "hello", "run": {
        "kind": "job",
        "container": {"image": "busybox"},
        "sidecars": [{"image": "proxy", "env": [{"name": "TRACEPARENT", "value": "mine"}]}],
    }}));
    let untraced = planned(&traced).unwrap().pod;
    assert!(!untraced.to_string().contains("TRACEPARENT\",\"value\":\"00"), "{untraced}");
    traced.trace = Some(Box::new(OrderTrace {
        kept: kept.parse().unwrap(),
        joined: format!("{joined} vendor=x").parse().unwrap(),
    }));
    let pod = planned(&traced).unwrap().pod;
    assert_eq!(pod["metadata"]["annotations"]["berth.dev/trace"], kept);
    let values = |container: &Value, name: &str| -> Vec<Value> {
        let env = container["env"].as_array().unwrap().iter();
        env.filter(|variable| variable["name"] == name).map(|variable| variable["value"].clone()).collect()
    };
    let (main, sidecar) = (&pod["spec"]["containers"][0], &pod["spec"]["initContainers"][0]);
    assert_eq!(values(main, "TRACEPARENT"), [joined]);
    assert_eq!(values(main, "TRACESTATE"), ["vendor=x"]);
    let said = format!("berth.run.uuid={RUN},berth.attempt=2,berth.agent=eu,berth.queue=gpu");
    assert_eq!(values(main, "OTEL_RESOURCE_ATTRIBUTES"), [said.as_str()]);
    assert_eq!(values(sidecar, "TRACEPARENT"), ["mine"]);
    assert_eq!(values(sidecar, "OTEL_RESOURCE_ATTRIBUTES"), [said.as_str()]);
}

#[test]
fn the_smallest_job_is_this_pod() {
    let pod = pod(&json!({"name": "hello", "run": {"kind": "job", "container": {
        "image": "busybox", "command": ["echo"], "args": ["hi"], "env": [{"name": "A", "value": "1"}]
    }}}));
    let outputs = format!("/plx-context/artifacts/{RUN}/outputs");
    let expected = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": format!("berth-{RUN}-2"),
            "namespace": "jobs",
            "labels": {
                "app.kubernetes.io/name": "hello",
                "app.kubernetes.io/instance": RUN,
                "app.kubernetes.io/part-of": Slug::standing_for("Über Projekt"),
                "app.kubernetes.io/component": "job",
                "app.kubernetes.io/managed-by": "berth",
                "berth.dev/run": RUN,
                "berth.dev/attempt": "2",
                "berth.dev/agent": "eu",
                "berth.dev/queue": "gpu",
                "berth.dev/project": Slug::standing_for("Über Projekt"),
            },
            "annotations": {
                "berth.dev/replica": "r1",
                "berth.dev/spec-hash": "h1",
                "berth.dev/keep-seconds": "3600",
            },
            "finalizers": ["berth.dev/report"],
        },
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 30,
            "enableServiceLinks": false,
            "automountServiceAccountToken": false,
            "volumes": [
                {"name": "polyaxon-shm", "emptyDir": {"medium": "Memory"}},
                {"name": "polyaxon-context", "emptyDir": {}},
            ],
            "containers": [{
                "name": "polyaxon-main",
                "image": "busybox",
                "command": ["echo"],
                "args": ["hi"],
                "env": [
                    {"name": "A", "value": "1"},
                    {"name": "POLYAXON_RUN_UUID", "value": RUN},
                    {"name": "POLYAXON_RUN_INSTANCE", "value": format!("acme.Über Projekt.runs.{RUN}")},
                    {"name": "POLYAXON_OWNER", "value": "acme"},
                    {"name": "POLYAXON_PROJECT", "value": "Über Projekt"},
                    {"name": "BERTH_RUN", "value": RUN},
                    {"name": "BERTH_RUN_NAME", "value": "hello"},
                    {"name": "BERTH_ATTEMPT", "value": "2"},
                    {"name": "BERTH_OWNER", "value": "acme"},
                    {"name": "BERTH_PROJECT", "value": "Über Projekt"},
                    {"name": "BERTH_AGENT", "value": "eu"},
                    {"name": "BERTH_QUEUE", "value": "gpu"},
                    {"name": "POLYAXON_RUN_OUTPUTS_PATH", "value": outputs},
                    {"name": "BERTH_ATTEMPT_UID",
                     "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
                ],
                "volumeMounts": [
                    {"name": "polyaxon-shm", "mountPath": "/dev/shm"},
                    {"name": "polyaxon-context", "mountPath": "/plx-context/artifacts"},
                    {"name": "polyaxon-context", "mountPath": outputs, "subPath": format!("{RUN}/outputs")},
                ],
            }],
        },
    });
    assert_eq!(pod, expected);
}

#[test]
fn nothing_of_an_operation_is_lost_on_the_way() {
    let affinity = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchExpressions": [{"key": "gpu", "operator": "In", "values": ["h200"]}]}]
    }}});
    let environment = json!({
        "labels": {"team": "a", "app.kubernetes.io/name": "mine"},
        "annotations": {"note": "x", "berth.dev/priority": "5"},
        "nodeSelector": {"pool": "gpu"},
        "affinity": affinity,
        "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "nodeName": "n1",
        "serviceAccountName": "runner",
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["db"]}],
        "securityContext": {"runAsUser": 1000, "fsGroup": 2000},
        "imagePullSecrets": ["regcred"],
        "hostNetwork": true,
        "hostPID": false,
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["1.1.1.1"]},
        "schedulerName": "volcano",
        "runtimeClassName": "nvidia",
        "priorityClassName": "high",
        "priority": 7,
        "restartPolicy": "Never",
    });
    let pod = without_own(pod(&json!({
        "name": "train",
        "namespace": "ml-team-a",
        "termination": {"timeout": 7200, "ttl": 300},
        "plugins": {"shm": false},
        "run": {
            "kind": "job",
            "environment": environment,
            "volumes": [
                {"name": "scratch", "emptyDir": {"sizeLimit": "1Gi"}},
                {"name": "secret", "secret": {"secretName": "s", "optional": true}},
            ],
            "init": [{"container": {"name": "fetch", "image": "curl", "args": ["-f", "http://x"]}}],
            "sidecars": [{"image": "proxy", "lifecycle": {"preStop": {"sleep": {"seconds": 1}}}}],
            "container": {
                "name": "whatever",
                "image": "python:3.12",
                "imagePullPolicy": "Always",
                "workingDir": "/w",
                "env": [
                    {"name": "TWICE", "value": "old"},
                    {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                    {"name": "TWICE", "value": "new"},
                    {"name": "BERTH_RUN", "value": "forged"},
                ],
                "envFrom": [{"prefix": "P_", "secretRef": {"name": "s"}}, {"configMapRef": {"name": "c"}}],
                "ports": [{"containerPort": 80}],
                "resources": {
                    "requests": {"cpu": "500m"},
                    "limits": {"cpu": "2", "memory": "1Gi", "nvidia.com/gpu": "1"},
                },
                "volumeMounts": [{"name": "scratch", "mountPath": "/scratch", "subPath": "a"}],
                "securityContext": {"runAsNonRoot": true},
                "livenessProbe": {"exec": {"command": ["true"]}},
            },
        },
    })));
    assert_eq!(pod["metadata"]["namespace"], "ml-team-a");
    assert_eq!(pod["metadata"]["labels"]["team"], "a");
    assert_eq!(pod["metadata"]["labels"]["app.kubernetes.io/name"], "train", "Berth's own holds");
    assert_eq!(
        pod["metadata"]["annotations"],
        json!({"note": "x", "berth.dev/replica": "r1", "berth.dev/spec-hash": "h1", "berth.dev/keep-seconds": "300"})
    );
    let expected = json!({
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 30,
        "activeDeadlineSeconds": 7200,
        "enableServiceLinks": false,
        "nodeSelector": {"pool": "gpu"},
        "affinity": affinity,
        "tolerations": environment["tolerations"],
        "nodeName": "n1",
        "serviceAccountName": "runner",
        "hostAliases": environment["hostAliases"],
        "securityContext": {"runAsUser": 1000, "fsGroup": 2000},
        "imagePullSecrets": [{"name": "regcred"}],
        "hostNetwork": true,
        "hostPID": false,
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["1.1.1.1"]},
        "schedulerName": "volcano",
        "runtimeClassName": "nvidia",
        "priorityClassName": "high",
        "priority": 7,
        "volumes": [
            {"name": "scratch", "emptyDir": {"sizeLimit": "1Gi"}},
            {"name": "secret", "secret": {"secretName": "s", "optional": true}},
        ],
        "initContainers": [
            {"name": "fetch", "image": "curl", "args": ["-f", "http://x"], "env": []},
            {"name": "polyaxon-sidecar-0", "image": "proxy", "restartPolicy": "Always", "env": [],
             "lifecycle": {"preStop": {"sleep": {"seconds": 1}}}},
        ],
        "containers": [{
            "name": "polyaxon-main",
            "image": "python:3.12",
            "imagePullPolicy": "Always",
            "workingDir": "/w",
            "env": [
                {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                {"name": "TWICE", "value": "new"},
            ],
            "envFrom": [{"prefix": "P_", "secretRef": {"name": "s"}}, {"configMapRef": {"name": "c"}}],
            "ports": [{"containerPort": 80}],
            "resources": {
                "requests": {"cpu": "500m"},
                "limits": {"cpu": "2", "memory": "1Gi", "nvidia.com/gpu": "1"},
            },
            "volumeMounts": [{"name": "scratch", "mountPath": "/scratch", "subPath": "a"}],
            "securityContext": {"runAsNonRoot": true},
            "livenessProbe": {"exec": {"command": ["true"]}},
        }],
    });
    assert_eq!(pod["spec"], expected);
}

#[test]
fn the_namespace_is_the_agents_own_where_nothing_or_default_is_said() {
    for (said, expected) in
        [(json!(null), "jobs"), (json!("default"), "jobs"), (json!("ml-team-a"), "ml-team-a")]
    {
        let operation = json!({"namespace": said, "run": {"kind": "job", "container": {"image": "x"}}});
        assert_eq!(planned(&order(&operation)).unwrap().namespace, expected);
    }
}

#[test]
fn a_stock_file_becomes_a_pod() {
    let text = include_str!("../../../../../domain/tests/polyaxonfiles/short.yaml");
    let limits = Limits::default();
    let operation = parse(text, Format::Auto, &limits).unwrap();
    let compiled = compile(&operation, &Context::default(), &limits).unwrap();
    let spec = without_own(pod(&json!(compiled.operation)))["spec"].clone();
    assert_eq!(spec["nodeSelector"], json!({"pool": "gpu"}));
    let main = &spec["containers"][0];
    assert_eq!(main["image"], "busybox");
    assert_eq!(main["command"][0], "/bin/sh");
    assert_eq!(main["env"], json!([{"name": "A", "value": "1"}]));
    assert_eq!(main["resources"]["limits"]["nvidia.com/gpu"], "1");
    assert_eq!(main["resources"]["requests"]["cpu"], "500m");
}

#[test]
fn each_container_gets_what_it_names_and_the_pod_the_volumes() {
    let file = "connections:
  - {name: disk, kind: host_path, schema: {hostPath: /mnt, mountPath: /disk}, annotations: {a: connection, b: b}}
  - {name: images, kind: registry, secret: {name: pull}}
  - {name: keys, kind: aws, secret: {name: aws}}
";
    let operation = json!({"run": {
        "kind": "job",
        "connections": ["disk", "images"],
        "environment": {"imagePullSecrets": ["own", "pull"], "annotations": {"a": "mine"}},
        "init": [{"connection": "keys", "container": {"image": "x"}}, {"connection": "disk", "container": {"image": "x"}}],
        "sidecars": [{"image": "x"}],
        "container": {"image": "x"},
    }});
    let pod = without_own(planned_with(file, &order(&operation)).unwrap().pod);
    let spec = &pod["spec"];
    let disk = json!([{"name": "connection-disk", "hostPath": {"path": "/mnt"}}]);
    assert_eq!(spec["volumes"].as_array().unwrap().len(), 2, "once, and /dev/shm");
    assert!(spec["volumes"].as_array().unwrap().contains(&disk[0]));
    let mount = json!({"name": "connection-disk", "mountPath": "/disk", "readOnly": false});
    assert_eq!(spec["containers"][0]["volumeMounts"][0], mount);
    assert_eq!(spec["initContainers"][0]["envFrom"], json!([{"secretRef": {"name": "aws"}}]));
    assert_eq!(spec["initContainers"][0]["volumeMounts"], Value::Null);
    assert_eq!(spec["initContainers"][1]["volumeMounts"], json!([mount]));
    assert_eq!(spec["initContainers"][2]["volumeMounts"], json!([mount]), "sidecars too");
    assert_eq!(spec["imagePullSecrets"], json!([{"name": "own"}, {"name": "pull"}]));
    let annotations = &pod["metadata"]["annotations"];
    assert_eq!((&annotations["a"], &annotations["b"]), (&json!("mine"), &json!("b")));
}

const STORE: &str =
    "artifactsStore: {name: store, kind: host_path, schema: {hostPath: /mnt, mountPath: /store}}
connections:
  - {name: data, kind: s3, schema: {bucket: s3://b/p}, secret: {name: keys}}
  - {name: chat, kind: slack}
";

/// The tasks of the containers of our own, by the containers' names.
fn tasks(spec: &Value) -> Vec<(String, Task)> {
    let ours = spec["initContainers"].as_array().unwrap().iter().filter(|one| one["image"] == "berth:test");
    ours.map(|one| {
        assert_eq!((&one["command"][0], &one["command"][1]), (&json!("/berth"), &json!("transfer")));
        let task = Task::decode(one["command"][2].as_str().unwrap()).unwrap();
        (one["name"].as_str().unwrap().to_owned(), task)
    })
    .collect()
}

fn mounts_of(container: &Value) -> Vec<(&str, &str)> {
    let mounts = container["volumeMounts"].as_array().unwrap().iter();
    mounts.map(|one| (one["name"].as_str().unwrap(), one["mountPath"].as_str().unwrap())).collect()
}

#[test]
fn steps_without_a_container_are_done_by_our_own_and_outputs_are_collected() {
    let operation = json!({"run": {
        "kind": "job",
        "init": [
            {"file": {"content": "echo hi", "filename": "bin/run.sh", "chmod": "0750"}, "path": "/mnt"},
            {"artifacts": {"files": ["a.txt", ["b", "c"]], "dirs": ["d/"]}},
            {"paths": ["x"], "connection": "data", "path": "/scratch/in"},
        ],
        "sidecars": [{"image": "x"}],
        "volumes": [{"name": "scratch", "emptyDir": {}}],
        "container": {
            "image": "x",
            "securityContext": {"runAsUser": 1000, "privileged": true},
            "resources": {"requests": {"cpu": "2"}, "limits": {"nvidia.com/gpu": "1"}},
            "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
        },
    }});
    let pod = planned_with(STORE, &order(&operation)).unwrap().pod;
    let spec = &pod["spec"];
    let tasks = tasks(spec);
    let names: Vec<&str> = tasks.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["polyaxon-init-0", "polyaxon-init-1", "polyaxon-init-2", "polyaxon-collector"]);
    let write = Task::Write { path: "/mnt/bin/run.sh".into(), content: "echo hi".into(), mode: 0o750 };
    assert_eq!(tasks[0].1, write);
    let at = |url: &str| StoreAt { url: url.into(), account: None };
    let wanted = |kind, from: &str, to: &str| Wanted { kind, from: from.into(), to: to.into() };
    let fetch = Task::Fetch {
        store: at("/store"),
        wanted: vec![
            wanted(WantedKind::File, "a.txt", "a.txt"),
            wanted(WantedKind::File, "b", "c"),
            wanted(WantedKind::Dir, "d/", "d"),
        ],
        into: "/plx-context/artifacts".into(),
    };
    assert_eq!(tasks[1].1, fetch);
    let paths = Task::Fetch {
        store: at("s3://b/p"),
        wanted: vec![wanted(WantedKind::Either, "x", "x")],
        into: "/scratch/in".into(),
    };
    assert_eq!(tasks[2].1, paths);
    let from = format!("/plx-context/artifacts/{RUN}").into();
    assert_eq!(tasks[3].1, Task::Collect { store: at("/store"), from, to: RUN.into() });

    let init = &spec["initContainers"];
    assert!(mounts_of(&init[0]).contains(&("polyaxon-init-1", "/mnt")));
    assert!(mounts_of(&init[1]).contains(&("connection-store", "/store")));
    assert_eq!(init[2]["envFrom"], json!([{"secretRef": {"name": "keys"}}]));
    assert!(mounts_of(&init[2]).contains(&("scratch", "/scratch")), "the run's own volume is filled");
    assert_eq!(
        (&init[3]["name"], &init[3]["restartPolicy"]),
        (&json!("polyaxon-collector"), &json!("Always"))
    );
    assert_eq!(init[4]["name"], "polyaxon-sidecar-0", "what collects is there before and after the others");
    let asked = |at: usize| &init[at]["resources"]["requests"]["cpu"];
    assert_eq!((asked(0), asked(3)), (&json!("2"), &json!("100m")), "a quota may want all to say");
    let security = &init[0]["securityContext"];
    assert_eq!((&security["runAsUser"], &security["privileged"]), (&json!(1000), &Value::Null));
    let main = &spec["containers"][0];
    assert!(mounts_of(main).contains(&("polyaxon-init-1", "/mnt")));
    assert!(!mounts_of(main).iter().any(|(name, _)| *name == "connection-store"));
    assert_eq!(spec["terminationGracePeriodSeconds"], 60);

    let mut kept = operation;
    kept["plugins"] = json!({"collectArtifacts": false});
    let spec = planned_with(STORE, &order(&kept)).unwrap().pod["spec"].clone();
    assert_eq!(
        (spec["initContainers"].as_array().unwrap().len(), &spec["terminationGracePeriodSeconds"]),
        (4, &json!(30))
    );
}

#[test]
fn what_can_not_be_fetched_is_refused_by_name() {
    for (step, begins) in [
        (
            json!({"paths": ["a"], "connection": "s3"}),
            "`run.init[0].connection` is `s3`; this agent's connections: chat, data, store",
        ),
        (
            json!({"paths": ["a"], "connection": "chat"}),
            "`run.init[0].connection` is `chat`, of kind slack; what is fetched",
        ),
        (json!({"paths": ["../a"]}), "`run.init[0].paths[0]` is `../a`, which leads out of its folder"),
        (
            json!({"artifacts": {"files": [["a", "/b"]]}}),
            "`run.init[0].artifacts.files[0]` is `/b`, which leads out",
        ),
        (json!({"artifacts": {"dirs": [7]}}), "`run.init[0].artifacts.dirs[0]` must be a name"),
        (json!({"artifacts": {}}), "`run.init[0].artifacts` names nothing"),
        (
            json!({"file": {"content": "x", "chmod": "rw"}}),
            "`run.init[0].file.chmod` is `rw`; use an octal mode",
        ),
        (json!({"file": {"content": "x".repeat(100_000)}}), "`run.init[0].file` is too long: 133"),
        (json!({"file": {"content": "x"}, "path": "a"}), "`run.init[0].path` must begin with `/`"),
        (json!({"connection": "data"}), "`run.init[0]` asks for nothing"),
        (json!({"git": {"revision": "x"}}), "`run.init[0].git.url` is missing, and no connection"),
        (
            json!({"git": {"url": "git@host:code"}}),
            "`run.init[0].git.url` is `git@host:code`; repositories are cloned by",
        ),
        (json!({"git": {"url": "https://me:secret@host/code"}}), "`run.init[0].git.url` holds credentials"),
        (
            json!({"git": {"url": "ssh://me:secret@host/code"}}),
            "`run.init[0].git.url` begins with `ssh://`; repositories are cloned by",
        ),
        (json!({"git": {"url": "https://host/.."}}), "`run.init[0].git.url` is `..`, which leads out"),
        (
            json!({"git": {"url": "https://h/code"}, "connection": "data"}),
            "`run.init[0].connection` is `data`, of kind s3; a repository is cloned over one of kind git",
        ),
        (
            json!({"git": {"url": "https://h/code"}, "container": {"image": "x"}}),
            "`run.init[0]` asks for git and container; only one of them would be done",
        ),
        (json!({"file": {"content": "x"}, "paths": ["a"]}), "`run.init[0]` asks for file and paths; only"),
        (
            json!({"git": {"url": "https://h/code", "flags": ["--recurse-submodules"]}}),
            "`run.init[0].git.flags` is `--recurse-submodules`; allowed is `--depth COMMITS`",
        ),
        (json!({"dockerfile": {}}), "`run.init[0].dockerfile.image` is missing"),
        (json!({"tensorboard": {}}), "`run.init[0].tensorboard` is not supported"),
        (json!({"lineageRef": "l"}), "`run.init[0].lineageRef` is not supported"),
        (json!({"modelRef": "m"}), "`run.init[0].modelRef` is not supported"),
        (json!({"artifactRef": "a"}), "`run.init[0].artifactRef` is not supported"),
    ] {
        let operation = json!({"run": {"kind": "job", "init": [step], "container": {"image": "x"}}});
        let refusal = planned_with(STORE, &order(&operation)).unwrap_err();
        assert!(refusal.message.starts_with(begins), "{step}: {refusal}");
    }
    let operation = json!({"run": {"kind": "job", "init": [{"paths": ["a"]}], "container": {"image": "x"}}});
    let refusal = planned_with("connections: []", &order(&operation)).unwrap_err();
    assert!(
        refusal.message.starts_with("`run.init[0].connection` is missing, and this agent has no"),
        "{refusal}"
    );
}

#[test]
fn repositories_are_cloned_as_the_step_or_its_connection_says() {
    let file = "connections:
  - {name: code, kind: git, schema: {url: 'https://h/org/app.git', revision: main, flags: [--depth=5]}, secret: {name: git}}
";
    let clone = |url: &str, revision: Option<&str>, depth: Option<u32>, into: &str| Task::Clone {
        url: url.into(),
        revision: revision.map(str::to_owned),
        depth: depth.and_then(|depth| depth.try_into().ok()),
        into: into.into(),
    };
    for (step, expected) in [
        (
            json!({"git": {"url": "https://h/org/lib.git"}}),
            clone("https://h/org/lib.git", None, None, "/plx-context/artifacts/lib"),
        ),
        (
            json!({"connection": "code"}),
            clone("https://h/org/app.git", Some("main"), Some(5), "/plx-context/artifacts/code"),
        ),
        (
            json!({"connection": "code", "git": {"revision": "v2", "flags": ["--depth 1"]}, "path": "/src"}),
            clone("https://h/org/app.git", Some("v2"), Some(1), "/src/code"),
        ),
    ] {
        let operation = json!({"run": {"kind": "job", "init": [step], "container": {"image": "x"}}});
        let spec = planned_with(file, &order(&operation)).unwrap().pod["spec"].clone();
        assert_eq!(tasks(&spec)[0].1, expected);
        let from = &spec["initContainers"][0]["envFrom"];
        assert_eq!(from.is_array(), step["connection"].is_string(), "credentials come with the connection");
    }
}

#[test]
fn the_stock_job_becomes_a_pod_that_fetches() {
    let text = include_str!("../../../../../domain/tests/polyaxonfiles/job.yaml");
    let (text, _) = text.split_once("hooks:").unwrap();
    let limits = Limits::default();
    let operation = parse(text, Format::Auto, &limits).unwrap();
    let compiled = compile(&operation, &Context::default(), &limits).unwrap();
    let file = "connections: [{name: s3-data, kind: s3, schema: {bucket: s3://b}}]";
    let spec = planned_with(file, &order(&json!(compiled.operation))).unwrap().pod["spec"].clone();
    assert!(matches!(tasks(&spec)[..], [(_, Task::Fetch { .. }), (_, Task::Clone { .. })]));
}

#[test]
fn what_can_not_be_honoured_is_refused_by_name() {
    let base = json!({"run": {"kind": "job", "container": {"image": "x"}}});
    for (path, value, begins) in [
        ("/namespace", json!("other"), "`namespace` is `other`; this agent serves: jobs, ml-team-a"),
        ("/run/init", json!([{"modelRef": "x"}]), "`run.init[0].modelRef` is not supported"),
        ("/run/connections", json!(["s3"]), "`run.connections[0]` is `s3`; this agent's connections: none"),
        (
            "/run/init",
            json!([{"connection": "s3", "container": {"image": "x"}}]),
            "`run.init[0].connection` is `s3`; this agent's connections: none",
        ),
        ("/run/init", json!([{"file": {"content": "x"}}]), "`run.init[0]` needs a container of Berth's own"),
        ("/run/container", json!({"command": ["x"]}), "`run.container.image` is missing"),
        ("/run/sidecars", json!([{"name": "s"}]), "`run.sidecars[0].image` is missing"),
        ("/run/container/restartPolicy", json!("Always"), "`run.container.restartPolicy` is not supported"),
        (
            "/run/environment",
            json!({"restartPolicy": "OnFailure"}),
            "`run.environment.restartPolicy` is `OnFailure`; an attempt's pod is executed once",
        ),
        (
            "/run/environment",
            json!({"labels": {"berth.dev/released": "x"}}),
            "`run.environment.labels.berth.dev/released` is one of Berth's own",
        ),
        ("/plugins", json!({"docker": true}), "`plugins.docker` is not supported"),
    ] {
        let mut operation = base.clone();
        let (parent, field) = path.rsplit_once('/').unwrap();
        operation.pointer_mut(parent).unwrap()[field] = value;
        let refusal = planned(&order(&operation)).unwrap_err();
        assert!(refusal.message.starts_with(begins), "{path}: {refusal}");
    }
    let mut needy = order(&base);
    needy.needs = vec!["service".into()];
    assert_eq!(planned(&needy).unwrap_err().reason, "UnsupportedFeature");
}

#[test]
fn a_service_is_a_pod_that_is_ready_when_its_port_is_and_what_it_is_reached_by() {
    let plan = planned(&order(&json!({
        "name": "notebook",
        "termination": {"culling": {"timeout": 600}, "probe": {"http": {"path": "/api/status"}}},
        "run": {"kind": "service", "ports": [8888], "replicas": 2, "container": {"image": "jupyter"}},
    })));
    let plan = plan.unwrap();
    let set = plan.set.unwrap();
    assert_eq!(set.pods, 2);
    let metadata = &plan.pod["metadata"];
    assert_eq!(metadata["labels"]["app.kubernetes.io/component"], "service");
    assert_eq!(metadata["annotations"]["berth.dev/pods"], "2");
    let cull: Value =
        serde_json::from_str(metadata["annotations"]["berth.dev/cull"].as_str().unwrap()).unwrap();
    assert_eq!(cull, json!({"seconds": 600, "port": 8888, "path": "/api/status"}));
    assert_eq!(set.service["metadata"]["name"], metadata["name"]);
    assert_eq!(set.service["metadata"]["annotations"]["berth.dev/spec-hash"], "h1");
    let main = &plan.pod["spec"]["containers"][0];
    assert_eq!(main["ports"], json!([{"containerPort": 8888}]));
    assert_eq!(main["readinessProbe"]["tcpSocket"]["port"], 8888);
    let job = planned(&order(&json!({"run": {"kind": "job", "container": {"image": "x"}}}))).unwrap();
    assert_eq!(job.set, None);
}

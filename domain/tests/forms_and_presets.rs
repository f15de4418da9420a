//! The forms that an operation can be written in, and presets laid over it.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use berth_domain::compile::{Compiled, Context, compile};
use berth_domain::spec::{Format, Limits, Operation, apply_preset, parse};
use serde_json::{Value, json};

fn parsed(text: &str) -> Operation {
    parse(text, Format::Auto, &Limits::default()).unwrap_or_else(|errors| panic!("{errors}"))
}

fn compiled(op: &Operation) -> Compiled {
    compile(op, &Context::default(), &Limits::default()).unwrap_or_else(|errors| panic!("{errors}"))
}

const RUN: &str = "run: {kind: job, container: {image: busybox, command: [echo], args: [hi]}}";

#[test]
fn every_form_compiles_to_the_same_operation() {
    let forms = [
        format!("kind: operation\nname: a\ncomponent: {{{RUN}}}"),
        format!(
            "version: 1.1\nkind: operation\ncomponent: {{kind: component, version: 1.1, name: a, {RUN}}}"
        ),
        format!("kind: component\nname: a\n{RUN}"),
        format!("name: a\n{RUN}"),
        "name: a\ncontainer: {image: busybox, command: [echo], args: [hi]}".to_owned(),
        "name: a\ncontainer: {image: busybox, command: echo, args: hi}".to_owned(),
        "name: a\ncomponent: {container: {image: busybox, command: [echo], args: [hi]}}".to_owned(),
    ];
    let expected = json!({
        "kind": "compiled_operation",
        "name": "a",
        "run": {"kind": "job", "container": {"image": "busybox", "command": ["echo"], "args": ["hi"]}},
    });
    for form in forms {
        let found = serde_json::to_value(compiled(&parsed(&form)).operation).unwrap();
        assert_eq!(found, expected, "{form}");
    }
}

#[test]
fn yaml_and_json_are_the_same() {
    let yaml = parsed("name: a\nenv: {A: 1, B: x}\ncmd: [echo hi]\ntermination: {timeout: 5}");
    let json = parsed(
        r#"{"name": "a", "env": {"A": 1, "B": "x"}, "cmd": ["echo hi"], "termination": {"timeout": 5}}"#,
    );
    assert_eq!(yaml, json);
}

#[test]
fn what_the_stock_client_posts_compiles() {
    let content = r#"{"version":1.1,"kind":"operation","name":"hello","tags":["a","b"],"presets":["p1"],"queue":"agent1/q1","params":{"msg":{"value":"hi"}},"patchStrategy":"post_merge","runPatch":{"environment":{"nodeSelector":{"pool":"gpu"}}},"component":{"name":"hello","inputs":[{"name":"msg","type":"str","isOptional":true,"value":"hello"}],"run":{"kind":"job","container":{"args":["echo {{ msg }} {{ globals.run_name }} {{globals.uuid}}"],"command":["sh","-c"],"image":"busybox","resources":{"requests":{"cpu":"100m"},"limits":{"cpu":1,"memory":"1Gi","nvidia.com/gpu":1}}},"environment":{"labels":{"team":"x"},"tolerations":[{"effect":"NoSchedule","key":"gpu","operator":"Exists"}]}}}}"#;
    let context = Context { uuid: "8490e3eff75a4f3ba9d2194ecde68fcc".parse().unwrap(), ..Context::default() };
    let compiled = compile(&parsed(content), &context, &Limits::default()).unwrap();
    assert_eq!(
        serde_json::to_value(&compiled.operation).unwrap(),
        json!({
            "kind": "compiled_operation",
            "name": "hello",
            "tags": ["a", "b"],
            "presets": ["p1"],
            "queue": "agent1/q1",
            "inputs": [{"name": "msg", "type": "str", "isOptional": true, "value": "hi"}],
            "run": {
                "kind": "job",
                "container": {
                    "args": ["echo hi  8490e3eff75a4f3ba9d2194ecde68fcc"],
                    "command": ["sh", "-c"],
                    "image": "busybox",
                    "resources": {
                        "requests": {"cpu": "100m"},
                        "limits": {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "1"},
                    },
                },
                "environment": {
                    "labels": {"team": "x"},
                    "nodeSelector": {"pool": "gpu"},
                    "tolerations": [{"effect": "NoSchedule", "key": "gpu", "operator": "Exists"}],
                },
            },
        })
    );
    assert_eq!(
        serde_json::to_value(&compiled.resources).unwrap(),
        json!({"memory": 1073741824.0, "cpu": 0.1, "gpu": 1.0, "custom": 0.0, "cost": 0.0})
    );
    assert_eq!(compiled.warnings.len(), 1);
}

#[test]
fn an_operation_written_out_is_read_back() {
    for text in [
        format!(
            "kind: operation\nname: a\nparams: {{x: 1}}\nrunPatch: {{environment: {{labels: {{a: b}}}}}}\ncomponent: {{inputs: [{{name: x, type: int}}], {RUN}}}"
        ),
        "cmd: x\npriority: 3\nresources: {cpu: 1..2}\nconnections: [a]\nisApproved: false".to_owned(),
        "isPreset: true\nqueue: a\nenvironment: {labels: {a: b}}\ncmd: y".to_owned(),
    ] {
        let op = parsed(&text);
        assert_eq!(parsed(&op.to_value().to_string()), op, "{text}");
    }
}

#[test]
fn nothing_that_kubernetes_knows_is_lost() {
    let run = json!({
        "kind": "job",
        "environment": {
            "hostPID": true, "dnsPolicy": "None", "dnsConfig": {"nameservers": ["1.1.1.1"]}, "hostAliases": [{"ip": "1.2.3.4", "hostnames": ["a"]}],
            "securityContext": {"fsGroup": 5}, "priority": 10, "nodeName": "n", "affinity": {"podAffinity": {}},
        },
        "connections": ["c"],
        "volumes": [{"name": "v", "csi": {"driver": "d", "volumeAttributes": {"a": "b"}}}],
        "init": [{"file": {"content": "x", "filename": "y", "chmod": "0644"}}, {"container": {"image": "i", "command": ["a"]}}],
        "sidecars": [{"name": "s", "image": "b"}],
        "container": {
            "image": "a", "command": ["c"], "lifecycle": {"preStop": {"exec": {"command": ["x"]}}}, "livenessProbe": {"httpGet": {"port": 80}},
            "volumeMounts": [{"name": "v", "mountPath": "/v", "subPathExpr": "$(A)"}], "tty": true, "securityContext": {"privileged": false},
            "env": [{"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}], "envFrom": [{"configMapRef": {"name": "m"}}],
            "ports": [{"containerPort": 80, "hostIP": "0.0.0.0"}],
        },
    });
    let op = parsed(&json!({"component": {"run": run}, "plugins": {"shm": true, "sidecar": {"image": "x"}}, "mount": [{"from": "a", "to": "b"}], "cache": {"disable": true}, "termination": {"ttl": 5, "culling": {"timeout": 9}, "podFailurePolicy": {"rules": []}}}).to_string());
    let found = serde_json::to_value(compiled(&op).operation).unwrap();
    assert_eq!(found["run"], run);
    assert_eq!(found["plugins"], json!({"shm": true, "sidecar": {"image": "x"}}));
    assert_eq!(found["mount"], json!([{"from": "a", "to": "b"}]));
    assert_eq!(
        found["termination"],
        json!({"ttl": 5, "culling": {"timeout": 9}, "podFailurePolicy": {"rules": []}})
    );
}

#[test]
fn the_agent_reads_back_what_the_compiler_wrote() {
    let op = parsed(
        "cmd: x\nenv: {A: 1}\nresources: {cpu: 500m..1, gpu: 1}\ntermination: {maxRetries: 2}\ninputs: [{name: a, value: 1}]",
    );
    let operation = compiled(&op).operation;
    let json = serde_json::to_string(&operation).unwrap();
    assert_eq!(serde_json::from_str::<berth_domain::compile::CompiledOperation>(&json).unwrap(), operation);
}

const JOB: &str = "kind: operation\nqueue: own\ntermination: {maxRetries: 1}\ncomponent:\n  run:\n    kind: job\n    environment: {nodeSelector: {a: job}, tolerations: [{key: x}]}\n    container: {image: a, env: [{name: A, value: job}]}\n";
const PRESET: &str = "isPreset: true\nqueue: other\ntermination: {maxRetries: 5, timeout: 9}\nenvironment: {nodeSelector: {a: preset, b: preset}, tolerations: [{key: y}]}\nenv: {A: preset, B: preset}\n";

/// The job with the preset laid over it by a strategy: what a test looks at.
fn laid(strategy: &str) -> Value {
    let preset = parsed(&format!("{PRESET}patchStrategy: {strategy}"));
    let operation = compiled(&apply_preset(parsed(JOB), &preset).unwrap()).operation;
    let environment = operation.run.environment.unwrap();
    json!({
        "queue": operation.queue,
        "retries": operation.termination.as_ref().unwrap().max_retries,
        "timeout": operation.termination.unwrap().timeout,
        "selector": environment.node_selector,
        "tolerations": environment.tolerations.iter().map(|t| t.key.clone()).collect::<Vec<_>>(),
        "env": operation.run.container.env.iter().map(|v| json!([v.name, v.value])).collect::<Vec<_>>(),
    })
}

#[test]
fn each_patch_strategy_does_what_polyaxon_says() {
    assert_eq!(
        laid("post_merge"),
        json!({"queue": "other", "retries": 5, "timeout": 9, "selector": {"a": "preset", "b": "preset"}, "tolerations": ["x", "y"], "env": [["A", "preset"], ["B", "preset"]]})
    );
    assert_eq!(
        laid("pre_merge"),
        json!({"queue": "own", "retries": 1, "timeout": 9, "selector": {"a": "job", "b": "preset"}, "tolerations": ["y", "x"], "env": [["B", "preset"], ["A", "job"]]})
    );
    assert_eq!(
        laid("replace"),
        json!({"queue": "other", "retries": 5, "timeout": 9, "selector": {"a": "preset", "b": "preset"}, "tolerations": ["y"], "env": [["A", "preset"], ["B", "preset"]]})
    );
    assert_eq!(
        laid("isnull"),
        json!({"queue": "own", "retries": 1, "timeout": 9, "selector": {"a": "job"}, "tolerations": ["x"], "env": [["A", "job"]]})
    );
}

#[test]
fn a_command_of_a_preset_never_mixes_with_another() {
    let job = "container: {image: a, command: [python], args: [train.py]}";
    let laid = |strategy: &str| {
        let preset = parsed(&format!("isPreset: true\ncmd: echo hi\npatchStrategy: {strategy}"));
        let container = compiled(&apply_preset(parsed(job), &preset).unwrap()).operation.run.container;
        (container.command, container.args)
    };
    let script = (vec!["/bin/sh".to_owned(), "-c".to_owned()], vec!["set -e\necho hi".to_owned()]);
    let own = (vec!["python".to_owned()], vec!["train.py".to_owned()]);
    assert_eq!(laid("post_merge"), script);
    assert_eq!(laid("replace"), script);
    assert_eq!(laid("pre_merge"), own);
    assert_eq!(laid("isnull"), own);
}

#[test]
fn only_presets_are_laid_over_and_only_operations_are_run() {
    let job = parsed(JOB);
    let error = apply_preset(job.clone(), &job).unwrap_err();
    assert_eq!(error.to_string(), "isPreset: required to be true in a file that is laid over another");
    let with_component = parsed(&format!("isPreset: true\n{RUN}"));
    let error = apply_preset(job, &with_component).unwrap_err();
    assert_eq!(error.to_string(), "component: a preset says how to run, not what: it can't have a component");
}

#[test]
fn presets_are_laid_over_presets() {
    let one = parsed("isPreset: true\nqueue: one\nenvironment: {labels: {a: one, b: one}}");
    let two = parsed("isPreset: true\nqueue: two\nenvironment: {labels: {a: two}}");
    let both = apply_preset(one, &two).unwrap();
    let operation = compiled(&apply_preset(parsed("cmd: x"), &both).unwrap()).operation;
    assert_eq!(operation.queue.as_deref(), Some("two"));
    let labels = operation.run.environment.unwrap().labels;
    assert_eq!((labels["a"].as_str(), labels["b"].as_str()), ("two", "one"));
}

#[test]
fn the_operation_beats_its_component() {
    let op = parsed(
        "kind: operation\nname: op\nqueue: op\ntermination: {timeout: 1}\ncomponent: {name: c, queue: c, tags: [c], termination: {timeout: 2, ttl: 3}, run: {kind: job, container: {image: a}}}",
    );
    let operation = compiled(&op).operation;
    assert_eq!(operation.name.as_deref(), Some("op"));
    assert_eq!(operation.queue.as_deref(), Some("op"));
    assert_eq!(operation.tags, ["c"]);
    let termination = operation.termination.unwrap();
    assert_eq!((termination.timeout, termination.ttl), (Some(1), Some(3)));
}

#[test]
fn yaml_is_read_by_the_rules_of_1_2_with_merge_keys_and_aliases() {
    let op = parsed(
        "tags: [yes, on, no, 007, 2026-01-01]\n\
         container:\n  image: &image busybox\n  command: [*image]\n  env:\n    - &var {name: A, value: x}\n    - {<<: *var, name: B}\n\
         sidecars:\n  - {name: *image, image: \"\\u00e9\"}\n",
    );
    let operation = compiled(&op).operation;
    assert_eq!(operation.tags, ["yes", "on", "no", "007", "2026-01-01"]);
    assert_eq!(operation.run.container.command, ["busybox"]);
    let env: Vec<_> =
        operation.run.container.env.iter().map(|var| (var.name.as_str(), var.value.as_deref())).collect();
    assert_eq!(env, [("A", Some("x")), ("B", Some("x"))]);
    assert_eq!(operation.run.sidecars[0].image.as_deref(), Some("é"));
}

#[test]
fn words_for_booleans_are_taken_where_a_boolean_is_due() {
    let op = parsed("cmd: x\nisApproved: no\nplugins: {collectLogs: on, shm: \"False\"}");
    let operation = compiled(&op).operation;
    assert_eq!(operation.is_approved, Some(false));
    assert_eq!(Value::Object(operation.plugins.unwrap()), json!({"collectLogs": true, "shm": false}));
}

#[test]
fn a_timeout_of_nothing_is_none() {
    assert_eq!(
        compiled(&parsed("cmd: x\ntermination: {timeout: 0}")).operation.termination.unwrap().timeout,
        None
    );
}

//! Defaults of agents and queues: read, refused where they say too much, and laid under an operation.

use berth_domain::compile::{Compiled, Context, Layer, Origin, Origins, compile, compile_over};
use berth_domain::spec::{Format, Limits, parse, parse_defaults, parse_preset};
use serde_json::{Value, json};

fn layer(origin: Origin, text: &str) -> Layer {
    let patch = parse_defaults(text, Format::Yaml, &Limits::default()).unwrap_or_else(|e| panic!("{e}"));
    Layer { origin, patch }
}

fn compiled(layers: &[Layer], text: &str) -> (Compiled, Origins) {
    let op = parse(text, Format::Yaml, &Limits::default()).unwrap_or_else(|errors| panic!("{errors}"));
    compile_over(layers, &op, &Context::default(), &Limits::default()).unwrap_or_else(|e| panic!("{e}"))
}

const JOB: &str = "
kind: operation
params: {lr: 2}
termination: {timeout: 60}
runPatch: {environment: {nodeSelector: {zone: op}}}
component:
  name: train
  inputs: [{name: lr, type: int, toEnv: LR}]
  run:
    kind: job
    environment:
      nodeSelector: {arch: amd64}
      tolerations: [{key: component}]
    container: {image: a, args: [\"{{ lr }}\"], env: [{name: MODE, value: mine}]}
";

#[test]
fn what_nobody_says_otherwise_is_as_the_agent_and_the_queue_say_and_each_field_tells_whose_it_is() {
    let layers = [
        layer(
            Origin::Agent,
            "environment: {nodeSelector: {arch: arm64, pool: agent}, tolerations: [{key: agent}]}\n\
             env: {MODE: default, REGION: eu}\ntermination: {ttl: 5, timeout: 10}",
        ),
        layer(
            Origin::Queue,
            "runPatch: {environment: {nodeSelector: {pool: queue, zone: queue}, tolerations: [{key: queue}]}}\n\
             resources: {cpu: 1..2}",
        ),
    ];
    let (found, origins) = compiled(&layers, JOB);
    let written = serde_json::to_value(&found.operation).unwrap();
    assert_eq!(written["termination"], json!({"timeout": 60, "ttl": 5}));
    assert_eq!(
        written["run"],
        json!({
            "kind": "job",
            "environment": {
                "nodeSelector": {"arch": "amd64", "pool": "queue", "zone": "op"},
                "tolerations": [{"key": "agent"}, {"key": "queue"}, {"key": "component"}],
            },
            "container": {
                "image": "a", "args": ["2"],
                "env": [
                    {"name": "REGION", "value": "eu"}, {"name": "MODE", "value": "mine"}, {"name": "LR", "value": "2"},
                ],
                "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}},
            },
        })
    );
    assert_eq!(
        serde_json::to_value(&origins).unwrap(),
        json!({
            "name": "component",
            "termination.ttl": "agent",
            "termination.timeout": "operation",
            "run.kind": "component",
            "run.environment.nodeSelector.arch": "component",
            "run.environment.nodeSelector.pool": "queue",
            "run.environment.nodeSelector.zone": "operation",
            "run.environment.tolerations[0]": "agent",
            "run.environment.tolerations[1]": "queue",
            "run.environment.tolerations[2]": "component",
            "run.container.image": "component",
            "run.container.args": "component",
            "run.container.env[0]": "agent",
            "run.container.env[1]": "component",
            "run.container.env[2]": "param",
            "run.container.resources": "queue",
        })
    );
}

#[test]
fn without_layers_an_operation_compiles_to_the_same() {
    let op = parse(JOB, Format::Yaml, &Limits::default()).unwrap();
    let plain = compile(&op, &Context::default(), &Limits::default()).unwrap();
    let (traced, origins) = compiled(&[], JOB);
    assert_eq!(traced, plain);
    assert_eq!(origins["run.environment.nodeSelector.arch"], Origin::Component);
}

#[test]
fn a_layer_replaces_what_is_below_it_if_it_says_so() {
    let layers = [
        layer(Origin::Agent, "environment: {nodeSelector: {a: x}}\ntermination: {ttl: 5}"),
        layer(Origin::Queue, "patchStrategy: replace\nenvironment: {nodeSelector: {b: y}}"),
    ];
    let (found, _) = compiled(&layers, "container: {image: a}");
    let written: Value = serde_json::to_value(&found.operation).unwrap();
    assert_eq!(written["run"]["environment"]["nodeSelector"], json!({"b": "y"}));
    assert_eq!(written["termination"], json!({"ttl": 5}));
}

#[test]
fn defaults_that_say_what_runs_or_where_it_waits_are_refused_by_name() {
    let limits = Limits::default();
    for (text, expected) in [
        ("component: {container: {image: a}}", "component: defaults and saved presets say how"),
        ("name: a", "name: defaults and saved presets say how"),
        ("queue: a/b", "queue: defaults are laid under a run once its queue is chosen"),
        (
            "agentSelector: {gpu: a100}",
            "environment.annotations.berth.dev/agent-selector: defaults are laid under a run once",
        ),
        ("cmd: x", "cmd: defaults and saved presets say how"),
        ("container: {command: [x]}", "container.command: defaults and saved presets say how"),
        ("runPatch: {container: {args: [x]}}", "runPatch.container.args: defaults and saved presets say how"),
        ("runPatch: {replicas: 2}", "runPatch.replicas: defaults and saved presets say how"),
        ("ports: [80]", "ports: defaults and saved presets say how"),
        ("isPreset: false\ncontainer: {image: a}", "2 errors:\n  isPreset: write `isPreset: true`"),
        (
            "enviroment: {}",
            "line 1, column 1: enviroment: unknown field `enviroment`; did you mean `environment`?",
        ),
        ("termination: {ttl: soon}", "line 1, column 20: termination.ttl: expected a whole number"),
    ] {
        let refusal = parse_defaults(text, Format::Yaml, &limits).unwrap_err().to_string();
        assert!(refusal.starts_with(expected), "{text}\n  expected {expected}\n  found    {refusal}");
    }
    for fine in ["{}", "termination: {maxRetries: 2}\npriority: 3", "isPreset: true\ncontainer: {image: a}"] {
        parse_defaults(fine, Format::Yaml, &limits).unwrap_or_else(|errors| panic!("{fine}: {errors}"));
    }
}

#[test]
fn a_saved_preset_may_choose_a_queue_and_lies_between_the_queue_and_the_component() {
    let limits = Limits::default();
    let text = "isPreset: true\nname: gpu\nqueue: cluster/gpu\nenvironment: {nodeSelector: {pool: preset, zone: preset}}";
    let preset = parse_preset(text, Format::Yaml, &limits).unwrap();
    let layers = [
        layer(Origin::Queue, "environment: {nodeSelector: {pool: queue, arch: queue}}"),
        Layer { origin: Origin::Preset("gpu".to_owned()), patch: preset },
    ];
    let (found, origins) = compiled(&layers, JOB);
    assert_eq!(found.routing.queues[0].to_string(), "cluster/gpu");
    assert_eq!(found.operation.name.as_deref(), Some("train"), "a preset's name is its own");
    assert_eq!(origins["run.environment.nodeSelector.pool"].to_string(), "preset:gpu");
    assert_eq!(origins["run.environment.nodeSelector.zone"], Origin::Operation);
    assert_eq!(origins["run.environment.nodeSelector.arch"], Origin::Component);
    for (text, expected) in [
        ("presets: [a]", "presets: a saved preset can't name others"),
        ("params: {lr: 1}", "params: defaults and saved presets say how"),
        ("component: {cmd: x}", "component: defaults and saved presets say how"),
    ] {
        let refusal = parse_preset(text, Format::Yaml, &limits).unwrap_err().to_string();
        assert!(refusal.starts_with(expected), "{refusal}");
    }
}

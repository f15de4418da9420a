//! Services: parsed, checked and compiled; what makes no sense is refused by name.

use berth_domain::compile::{Compiled, CompiledOperation, Context, RuntimeKind, compile};
use berth_domain::spec::{Format, Limits, Operation, SpecErrors, apply_preset, parse};
use serde_json::{Value, json};

fn parsed(text: &str) -> Operation {
    parse(text, Format::Auto, &Limits::default()).unwrap_or_else(|errors| panic!("{errors}"))
}

fn compiled(text: &str) -> Result<Compiled, SpecErrors> {
    let context = Context { uuid: uuid::Uuid::from_u128(7), ..Context::default() };
    compile(&parsed(text), &context, &Limits::default())
}

#[test]
fn the_reference_service_compiles_and_is_written_back_without_loss() {
    let found = compiled(include_str!("polyaxonfiles/service.yaml")).unwrap();
    let url = "/services/v1/default/default/default/runs/00000000000000000000000000000007/8888";
    let written = serde_json::to_value(&found.operation).unwrap();
    assert_eq!(
        written,
        json!({
            "kind": "compiled_operation",
            "name": "notebook",
            "termination": {
                "timeout": 86400, "culling": {"timeout": 3600}, "probe": {"http": {"path": "/api/status", "port": 8888}},
            },
            "run": {
                "kind": "service", "ports": [8888], "rewritePath": false, "isExternal": false, "replicas": 1,
                "container": {
                    "image": "jupyter/base-notebook",
                    "command": ["jupyter", "lab"],
                    "args": ["--ip=0.0.0.0", "--port=8888", format!("--NotebookApp.base_url={url}")],
                },
            },
        })
    );
    let read: CompiledOperation = serde_json::from_value(written).unwrap();
    assert_eq!(read, found.operation);
    assert_eq!(read.run.service().unwrap().ports, [8888]);
    assert_eq!(found.warnings, Vec::<String>::new());
}

#[test]
fn ports_alone_make_a_service_and_may_be_templates() {
    let found = compiled(
        "inputs: [{name: p, type: int, value: 8080}]\nports: [\"{{ p }}\", 9090]\n\
         container: {image: a, args: [\"{{ globals.ports[0] }} {{ globals.base_urls[1] }}\"]}",
    )
    .unwrap();
    let RuntimeKind::Service(service) = &found.operation.run.kind else { panic!("a job") };
    assert_eq!(service.ports, [8080, 9090]);
    let args = &found.operation.run.container.args[0];
    assert!(args.starts_with("8080 /services/v1/") && args.ends_with("/9090"), "{args}");
    let preset = parsed("isPreset: true\nrunPatch: {replicas: 3}");
    let laid = apply_preset(parsed("ports: [80]\ncontainer: {image: a}"), &preset).unwrap();
    let found = compile(&laid, &Context::default(), &Limits::default()).unwrap();
    assert_eq!(found.operation.run.service().unwrap().replicas, Some(3));
}

#[test]
fn a_job_stays_what_it_was() {
    let found = compiled("termination: {culling: {timeout: 5}}\ncontainer: {image: a}").unwrap();
    assert_eq!(found.operation.run.kind, RuntimeKind::Job);
    let written: Value = serde_json::to_value(&found.operation.run).unwrap();
    assert_eq!(written, json!({"kind": "job", "container": {"image": "a"}}));
}

#[test]
fn combinations_that_make_no_sense_are_refused_by_name() {
    let service =
        |rest: &str| format!("run: {{kind: service, ports: [80], container: {{image: a}}}}\n{rest}");
    for (text, expected) in [
        ("ports: [80, 81, 80]\ncontainer: {image: a}".to_owned(), "run.ports[2]: the port 80 is named twice"),
        (
            service("termination: {culling: {timeout: 60}}"),
            "termination.culling: without `termination.probe` nobody can see whether the service is idle; give \
             `http` or `exec`, or remove `culling`",
        ),
        (
            service("termination: {probe: {http: {path: /}, exec: {command: [x]}}}"),
            "termination.probe: give either `http` or `exec`, not both",
        ),
        (
            service("termination: {probe: {exec: {}}}"),
            "termination.probe.exec.command: required, but not given",
        ),
        (
            "run: {kind: service, container: {image: a}}\ntermination: {probe: {http: {path: /}}}".to_owned(),
            "termination.probe.http.port: required, since the service names no `ports`",
        ),
        (
            "run: {kind: job, container: {image: a}}\nports: [80]".to_owned(),
            "run.ports: `ports` belongs to `kind: service`, and this is `kind: job`",
        ),
        (
            "kind: operation\nrunPatch: {kind: service}\ncomponent: {run: {kind: job, container: {image: a}}}"
                .to_owned(),
            "runPatch.kind: a run of the kind \"job\" can't be patched to be of the kind \"service\"",
        ),
        (
            "ports: [\"{{ globals.name }}\"]\nname: x\ncontainer: {image: a}".to_owned(),
            "run.ports[0]: expected a whole number from 1 to 65535, found the text \"x\"",
        ),
    ] {
        assert_eq!(compiled(&text).unwrap_err().to_string(), expected, "{text}");
    }
}

//! Bad polyaxonfiles, each with the exact error that its author reads.

use berth_domain::compile::{Context, compile};
use berth_domain::spec::{Format, Limits, parse};

/// A document, and what is said of it.
const BAD: &[(&str, &str)] = &[
    ("", "the document is empty; expected an operation or a component"),
    ("# nothing here", "the document is empty; expected an operation or a component"),
    (
        r#"- a
- b"#,
        "line 1, column 1: expected an operation or a component (a mapping), found a list",
    ),
    (
        "hello",
        r#"line 1, column 1: expected an operation or a component (a mapping), found the text "hello""#,
    ),
    (
        r#"name: a
---
name: b"#,
        "line 2, column 1: the file holds several documents; give one",
    ),
    (r#"name: "abc"#, "line 1, column 7: the document is not valid YAML: unclosed quote"),
    (
        r#"run:
	kind: job"#,
        "line 2, column 2: the document is not valid YAML: tabs disallowed within this context (block indentation)",
    ),
    (
        r#"{"kind": "operation", "name": }"#,
        "line 1, column 31: the document is not valid JSON: expected value",
    ),
    (r#"{"cmd": "echo"} x"#, "line 1, column 17: the document is not valid JSON: trailing characters"),
    (
        r#"{"cmd": "a", "cmd": "b"}"#,
        "line 1, column 18: the document is not valid JSON: the key `cmd` is given twice",
    ),
    (
        r#"name: a
cmd: echo
name: b"#,
        "line 3, column 1: the key `name` is given twice",
    ),
    ("name: *nothing", "line 1, column 7: the document is not valid YAML: alias references unknown anchor"),
    (
        r#"cost: .inf
cmd: x"#,
        "line 1, column 7: the document is not valid YAML: non-finite float `.inf` rejected by the configured policy",
    ),
    (
        r#"kind: operations
cmd: x"#,
        r#"line 1, column 7: kind: expected `operation` or `component`, found the text "operations""#,
    ),
    (
        r#"kind: compiled_operation
run: {kind: job}"#,
        r#"line 1, column 7: kind: expected `operation` or `component`, found the text "compiled_operation""#,
    ),
    ("name: a", "line 1, column 1: nothing to run: give `component`, `run`, `container` or `cmd`"),
    (
        r#"kind: operation
component: {name: x}"#,
        "line 2, column 12: component.run: required, but not given; supported: `run: {kind: job, ...}`",
    ),
    (
        "run: {container: {image: a}}",
        "line 1, column 6: run.kind: required, but not given; supported: job, service",
    ),
    (
        "run: {kind: jop, container: {image: a}}",
        r#"line 1, column 13: run.kind: expected `job` or `service`, found the text "jop""#,
    ),
    (
        "run: {kind: job, ports: [80]}",
        "line 1, column 18: run.ports: `ports` belongs to `kind: service`, and this is `kind: job`",
    ),
    (
        "run: {kind: service, ports: [0]}",
        "line 1, column 30: run.ports[0]: expected a whole number from 1 to 65535, found the number 0",
    ),
    (
        "run: {kind: service, replicas: 0}",
        "line 1, column 32: run.replicas: expected a whole number from 1 to 1000, found the number 0",
    ),
    (
        "run: {kind: service, port: 80}",
        "line 1, column 22: run.port: unknown field `port`; did you mean `ports`?",
    ),
    ("run: [a]", "line 1, column 6: run: expected a mapping, found a list"),
    (
        r#"kind: operation
hubRef: acme/train:1"#,
        "line 2, column 1: hubRef: `hubRef` is not supported yet",
    ),
    ("pathRef: ./train.yaml", "line 1, column 1: pathRef: `pathRef` is not supported yet"),
    (
        r#"matrix: {kind: grid, params: {}}
cmd: x"#,
        "line 1, column 1: matrix: `matrix` is not supported yet",
    ),
    (
        r#"events: [{kinds: [run_status_failed]}]
cmd: x"#,
        "line 1, column 1: events: `events` is not supported yet",
    ),
    (
        r#"joins: [{query: x}]
cmd: x"#,
        "line 1, column 1: joins: `joins` is not supported yet",
    ),
    (
        r#"dependencies: [a]
cmd: x"#,
        "line 1, column 1: dependencies: `dependencies` is not supported yet",
    ),
    (
        r#"build: {hubRef: kaniko}
cmd: x"#,
        "line 1, column 1: build: `build` is not supported yet",
    ),
    (
        r#"component:
  run:
    kind: job
    container:
      imagee: busybox"#,
        "line 5, column 7: component.run.container.imagee: unknown field `imagee`; did you mean `image`?",
    ),
    (
        r#"cmd: x
inputs:
  - {name: a, is_optional: true}"#,
        "line 3, column 15: inputs[0].is_optional: unknown field `is_optional`; did you mean `isOptional`?",
    ),
    (
        r#"container: {image: 3}
cmd: x"#,
        "line 1, column 20: container.image: expected text, found the number 3",
    ),
    (
        "container: {image: a, command: {a: b}}",
        "line 1, column 32: container.command: expected text or a list of texts, found a mapping",
    ),
    (
        "container: {image: a, env: {A: 1}}",
        "line 1, column 28: container.env: expected a list, found a mapping",
    ),
    (
        "container: {image: a, env: [{value: x}]}",
        "line 1, column 29: container.env[0].name: required, but not given",
    ),
    (
        "container: {image: a, env: [{name: A, valueFrom: {secretKeyRef: {name: s}}}]}",
        "line 1, column 65: container.env[0].valueFrom.secretKeyRef.key: required, but not given",
    ),
    (
        "container: {image: a, resources: {requests: {memory: 1GB}}}",
        r#"line 1, column 54: container.resources.requests.memory: expected a quantity (as 500m, 2, 1.5Gi), found the text "1GB""#,
    ),
    (
        r#"cmd: x
resources: {cpu: 1...2}"#,
        r#"line 2, column 18: resources.cpu: expected a quantity, or request..limit (as 500m..1), found the text "1...2""#,
    ),
    (
        "container: {image: a, resources: {limits: {cpu: -1}}}",
        "line 1, column 49: container.resources.limits.cpu: expected a quantity (as 500m, 2, 1.5Gi), found the number -1",
    ),
    (
        r#"termination: {timeout: soon}
cmd: x"#,
        r#"line 1, column 24: termination.timeout: expected a whole number from 0 to 3153600000, found the text "soon""#,
    ),
    (
        r#"termination: {timeout: -5}
cmd: x"#,
        "line 1, column 24: termination.timeout: expected a whole number from 0 to 3153600000, found the number -5",
    ),
    (
        r#"termination: {maxRetries: 1.5}
cmd: x"#,
        "line 1, column 27: termination.maxRetries: expected a whole number from 0 to 1000000, found the number 1.5",
    ),
    (
        r#"cache: {sections: [container]}
cmd: x"#,
        r#"line 1, column 20: cache.sections[0]: expected one of containers, init, connections, found the text "container""#,
    ),
    (
        r#"environment: {restartPolicy: Sometimes}
cmd: x"#,
        r#"line 1, column 30: environment.restartPolicy: expected one of Always, OnFailure, Never, ExitCode, found the text "Sometimes""#,
    ),
    (
        r#"environment: {tolerations: [{key: a, effect: NoExec}]}
cmd: x"#,
        r#"line 1, column 46: environment.tolerations[0].effect: expected one of NoSchedule, PreferNoSchedule, NoExecute, found the text "NoExec""#,
    ),
    (
        r#"environment: {labels: [a]}
cmd: x"#,
        "line 1, column 23: environment.labels: expected a mapping, found a list",
    ),
    (
        r#"name: my run
cmd: x"#,
        r#"line 1, column 7: name: expected 1 to 128 of a-z, A-Z, 0-9, `-`, `_`, found the text "my run""#,
    ),
    (
        r#"patchStrategy: deep
cmd: x"#,
        r#"line 1, column 16: patchStrategy: expected one of replace, isnull, post_merge, pre_merge, found the text "deep""#,
    ),
    (
        r#"kind: component
params: {a: 1}
run: {kind: job, container: {image: a}}"#,
        "line 2, column 9: params: `params` belongs to an operation, not to a component",
    ),
    (
        r#"kind: operation
run: {kind: job}
component: {run: {kind: job, container: {image: a}}}"#,
        "line 2, column 6: run: give `run` either here or in `component`, not both",
    ),
    (
        r#"priority: 10
cmd: x"#,
        "line 1, column 11: priority: expected a whole number from 0 to 9, found the number 10",
    ),
    (
        r#"onAgentLoss: restart
cmd: x"#,
        r#"line 1, column 14: onAgentLoss: expected `wait` or `replace`, found the text "restart""#,
    ),
    (
        r#"retry: {users: 3}
cmd: x"#,
        "line 1, column 9: retry.users: unknown field `users`; did you mean `user`?",
    ),
    (
        r#"environment: {annotations: {berth.dev/priority: high}}
cmd: x"#,
        r#"run.environment.annotations.berth.dev/priority: expected a whole number from 0 to 9, found "high""#,
    ),
    (
        r#"queue: Agent/Q
cmd: x"#,
        "line 1, column 8: queue: `Agent/Q` is not a queue: write `queue` or `agent/queue`, each of a-z, 0-9 and `-`, at most 63",
    ),
    (
        r#"queues: [good, "bad queue"]
cmd: x"#,
        "line 1, column 16: queues[1]: `bad queue` is not a queue: write `queue` or `agent/queue`, each of a-z, 0-9 and `-`, at most 63",
    ),
    (
        r#"agentSelector: gpu
cmd: x"#,
        r#"line 1, column 16: agentSelector: expected `key=value,...`, found "gpu""#,
    ),
    (
        r#"inputs: [{name: a, type: string}]
cmd: x"#,
        "line 1, column 26: inputs[0].type: unknown type `string`; did you mean `str`?",
    ),
    (
        r#"inputs: [{name: a, type: "List[strng]"}]
cmd: x"#,
        "line 1, column 26: inputs[0].type: unknown type `strng`; did you mean `str`?",
    ),
    (
        r#"inputs: [{name: a, type: "List[int"}]
cmd: x"#,
        "line 1, column 26: inputs[0].type: type `List[int` has no closing `]`",
    ),
    (
        r#"inputs: [{name: globals, type: int}]
cmd: x"#,
        "line 1, column 10: inputs[0].name: `globals` is a reserved name in templates; choose another",
    ),
    (
        r#"inputs: [{name: a}, {name: a}]
cmd: x"#,
        "line 1, column 21: inputs[1].name: `a` is declared twice",
    ),
    (
        r#"inputs: [{name: a, type: int, value: abc}]
cmd: x"#,
        r#"line 1, column 38: inputs[0].value: expected int, found the text "abc""#,
    ),
    (
        r#"inputs: [{name: a, type: int, value: 0, validation: {gt: 0}}]
cmd: x"#,
        "line 1, column 38: inputs[0].value: must be greater than 0, found the number 0",
    ),
    (
        r#"inputs: [{name: a, type: int, value: 1, isOptional: false}]
cmd: x"#,
        "line 1, column 38: inputs[0].value: `a` has a default, so it can't be `isOptional: false`",
    ),
    (
        r#"inputs: [{name: a, type: str, validation: {regex: "("}}]
cmd: x"#,
        "line 1, column 10: inputs[0].validation.regex: not a regular expression: error: unclosed group",
    ),
    (
        r#"inputs: [{name: lr, type: float}]
cmd: x"#,
        "params.lr: input `lr` (float) is required, and no param gives it a value",
    ),
    (
        r#"params: {lr: fast}
inputs: [{name: lr, type: float}]
cmd: x"#,
        r#"params.lr: input `lr`: expected float, found the text "fast""#,
    ),
    (
        r#"params: {o: rmsprop}
inputs: [{name: o, type: str, options: [adam, sgd]}]
cmd: x"#,
        r#"params.o: input `o`: expected `"adam"` or `"sgd"`, found the text "rmsprop""#,
    ),
    (
        r#"params: {lrr: 1}
strictParams: true
inputs: [{name: lr, type: float, value: 1}]
cmd: x"#,
        "params.lrr: unknown param `lrr`: no input or output declares it; declare one, or set `contextOnly: true` (did you mean `lr`?)",
    ),
    (
        r#"params: {x: {value: 1, contextOnly: false}}
cmd: x"#,
        "params.x: unknown param `x`: no input or output declares it, and it says `contextOnly: false`",
    ),
    (
        r#"params: {x: {ref: runs.abc, value: outputs.y}}
cmd: x"#,
        "line 1, column 14: params.x.ref: `ref` is not supported yet",
    ),
    (
        r#"params: {x: {value: 1, contextonly: true}}
cmd: x"#,
        "line 1, column 24: params.x.contextonly: unknown field `contextonly`; did you mean `contextOnly`?",
    ),
    (
        r#"cmd: "echo {{ a b }}""#,
        "run.container.args[0]: the template can't be rendered: unexpected identifier, expected end of variable block",
    ),
    (
        r#"cmd: "echo {{ a""#,
        "run.container.args[0]: the template can't be rendered: unexpected end of input, expected end of variable block",
    ),
    (
        r#"cmd: "echo {{ 'a'|indent(5) }}""#,
        "run.container.args[0]: the template can't be rendered: filter indent is unknown",
    ),
    (
        r#"cmd: "{% set a = 1 %}echo""#,
        "run.container.args[0]: `{% set %}` is not available in templates; available are if and for",
    ),
    (
        r#"cmd: "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}""#,
        "run.container.args[0]: the templates take more steps than are allowed",
    ),
    (
        r#"cmd: "{% for a in range(10000) %}{{ 'x' * 1000 }}{% endfor %}""#,
        "run.container.args[0]: the templates render to more than the 524288 bytes allowed",
    ),
    (
        r#"params: {t: soon}
termination: {timeout: "{{ t }}"}
cmd: x"#,
        r#"termination.timeout: expected a whole number from 0 to 3153600000, found the text "soon""#,
    ),
    ("run: {kind: job}", "run.container: required, but not given"),
    (
        r#"isPreset: true
queue: q"#,
        "isPreset: a preset can't be run itself; give an operation and lay it over",
    ),
    (
        r#"template: {enabled: true}
cmd: x"#,
        "template.enabled: a template can't be run: make a copy without `template.enabled: true`",
    ),
    (
        r#"env: {"A=B": x}
cmd: x"#,
        r#"run.container.env[0].name: the name of an environment variable can't be empty or contain `=`, found "A=B""#,
    ),
    (
        "container: {image: a, env: [{name: A, value: x, valueFrom: {fieldRef: {fieldPath: y}}}]}",
        "run.container.env[0]: give either `value` or `valueFrom`, not both",
    ),
    (
        "container: {image: a, ports: [{containerPort: 70000}]}",
        "line 1, column 47: container.ports[0].containerPort: expected a whole number from 1 to 65535, found the number 70000",
    ),
    (
        "container: {image: a, volumeMounts: [{name: v}]}",
        "line 1, column 38: container.volumeMounts[0].mountPath: required, but not given",
    ),
    (
        r#"init: [{file: {filename: a}}]
cmd: x"#,
        "line 1, column 15: init[0].file.content: required, but not given",
    ),
    (
        r#"nam: a
quue: b
cmd: x
cost: -1"#,
        r#"3 errors:
  line 1, column 1: nam: unknown field `nam`; did you mean `name`?
  line 2, column 1: quue: unknown field `quue`; did you mean `queue`?
  line 4, column 7: cost: expected a number that is not negative, found the number -1"#,
    ),
    (
        r#"cmd: "{% for a in [b~b] %}{% endfor %}""#,
        "run.container.args[0]: `{% for %}` takes a name or range(..), not a computed list",
    ),
    (
        "container: {image: a, resources: {requests: {cpu: 2}, limits: {cpu: 1}}}",
        "run.container.resources: the request of `cpu`, 2, is above its limit, 1",
    ),
    (
        r#"namespace: My_NS
cmd: x"#,
        "line 1, column 12: namespace: `My_NS` is not a name: use 1 to 63 of a-z, 0-9 and `-`, beginning and ending with a letter or digit",
    ),
    (
        r#"retry: "user=many"
cmd: x"#,
        r#"line 1, column 8: retry: expected `class=count,...` with a count of at most 1000 and a class of user, oom, timeout, image, config, evicted, preempted, node_lost, agent_lost, found "user=many""#,
    ),
    (
        r#"cmd: "{{ 'x' * 100000000 }}""#,
        "run.container.args[0]: the templates take more steps than are allowed",
    ),
    (
        r#"cmd: "{{ ('x' * 1000)|replace('x', 'y' * 10000) }}""#,
        "run.container.args[0]: the template can't be rendered: a text in a template gets too long",
    ),
    (
        r#"termination: {maxRetries: true}
cmd: x"#,
        "line 1, column 27: termination.maxRetries: expected a whole number from 0 to 1000000, found the boolean true",
    ),
    (
        r#"isApproved: maybe
cmd: x"#,
        r#"line 1, column 13: isApproved: expected true or false, found the text "maybe""#,
    ),
    (
        r#"cost: cheap
cmd: x"#,
        r#"line 1, column 7: cost: expected a number that is not negative, found the text "cheap""#,
    ),
    (
        r#"mount: [{to: /a}]
cmd: x"#,
        "line 1, column 9: mount[0].from: required, but not given",
    ),
    (
        r#"init: [{gitt: {url: a}}]
cmd: x"#,
        "line 1, column 9: init[0].gitt: unknown field `gitt`; did you mean `git`?",
    ),
    (
        r#"init: [{dockerfile: {run: [a]}}]
cmd: x"#,
        "line 1, column 21: init[0].dockerfile.image: required, but not given",
    ),
    (
        r#"volumes: [{emptyDir: {}}]
cmd: x"#,
        "line 1, column 11: volumes[0].name: required, but not given",
    ),
    (
        r#"inputs: [{name: a, validation: {min: 1}}]
cmd: x"#,
        "line 1, column 33: inputs[0].validation.min: unknown field `min`; did you mean `minDigits`?",
    ),
    (
        r#"params: {layers: [64, many]}
inputs: [{name: layers, type: "List[int]"}]
cmd: x"#,
        r#"params.layers: input `layers`: item 1: expected int, found the text "many""#,
    ),
    (
        r#"params: {n: 0}
inputs: [{name: n, type: PositiveInt}]
cmd: x"#,
        "params.n: input `n`: expected PositiveInt, found the number 0",
    ),
    (
        r#"params: {s: [hunter2]}
inputs: [{name: s, type: SecretStr}]
cmd: x"#,
        "params.s: input `s`: expected SecretStr, found a value of another kind",
    ),
    (
        r#"params: {d: yesterday}
inputs: [{name: d, type: date}]
cmd: x"#,
        r#"params.d: input `d`: expected date, found the text "yesterday""#,
    ),
    (
        r#"params: {d: 123}
inputs: [{name: d, type: uuid}]
cmd: x"#,
        "params.d: input `d`: expected uuid, found the number 123",
    ),
    (
        r#"params: {d: abc}
inputs: [{name: d, type: str, validation: {regex: "^[0-9]+$"}}]
cmd: x"#,
        r#"params.d: input `d`: must match `^[0-9]+$`, found the text "abc""#,
    ),
    (
        r#"params: {d: abc}
inputs: [{name: d, type: str, validation: {minLength: 5}}]
cmd: x"#,
        "params.d: input `d`: must have at least 5 characters, found 3",
    ),
    (
        r#"inputs: [{name: d, type: str, isFlag: true}]
cmd: x"#,
        "line 1, column 10: inputs[0].isFlag: a flag is of type bool, not str",
    ),
    (
        r#"inputs: [{name: d, toEnv: "A=B"}]
cmd: x"#,
        "line 1, column 10: inputs[0].toEnv: the name of an environment variable can't be empty or contain `=`",
    ),
    (
        r#"kind: operation
environment: {nodeSelector: {a: b}}
component: {environment: "{{ e }}", run: {kind: job, container: {image: a}}}
priority: 3"#,
        "line 3, column 26: component.environment: nothing can be laid over an environment that is a template; write its fields out",
    ),
    (
        r#"retry: {wat: 3}
cmd: x"#,
        "line 1, column 9: retry.wat: unknown field `wat`; allowed are user, oom, timeout, image, config, evicted, preempted, node_lost, agent_lost",
    ),
];

/// What an author reads who submits a document.
fn refusal(text: &str) -> String {
    let limits = Limits::default();
    match parse(text, Format::Auto, &limits).and_then(|op| compile(&op, &Context::default(), &limits)) {
        Ok(_) => "nothing: it compiles".to_owned(),
        Err(errors) => errors.to_string(),
    }
}

#[test]
fn every_mistake_is_told_with_its_place_and_what_is_allowed() {
    let mut wrong = String::new();
    for (text, expected) in BAD {
        let found = refusal(text);
        if found != *expected {
            wrong.push_str(&format!("{text}\n  expected {expected}\n  found    {found}\n\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn errors_are_data_for_the_api() {
    let errors = parse("cost: cheap\ncmd: x", Format::Yaml, &Limits::default()).unwrap_err();
    assert_eq!(
        serde_json::to_value(&errors).unwrap(),
        serde_json::json!([{
            "field": "cost",
            "message": "expected a number that is not negative, found the text \"cheap\"",
            "line": 1,
            "column": 7,
            "found": "the text \"cheap\"",
        }])
    );
}

#[test]
fn at_most_fifty_mistakes_are_told_at_once() {
    let text: String = (0..200).map(|index| format!("unknown{index}: 1\n")).collect();
    assert_eq!(parse(&text, Format::Yaml, &Limits::default()).unwrap_err().0.len(), 50);
}

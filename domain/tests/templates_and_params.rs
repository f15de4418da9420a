//! Params and templates: what a run gets to see of them.

use berth_domain::compile::{Compiled, Context, OnAgentLoss, compile};
use berth_domain::lifecycle::FailureClass;
use berth_domain::spec::{Format, Limits, parse};
use serde_json::{Value, json};

fn compiled_in(text: &str, context: &Context) -> Compiled {
    let op = parse(text, Format::Auto, &Limits::default()).unwrap_or_else(|errors| panic!("{errors}"));
    compile(&op, context, &Limits::default()).unwrap_or_else(|errors| panic!("{errors}"))
}

fn compiled(text: &str) -> Compiled {
    compiled_in(text, &Context::default())
}

/// What `args` become when `inputs` and `params` are given.
fn args(inputs: &str, params: &str, args: &str) -> Vec<String> {
    let text = format!("params: {params}\ninputs: {inputs}\ncontainer: {{image: a, args: {args}}}");
    compiled(&text).operation.run.container.args
}

#[test]
fn a_value_prints_as_python_prints_it() {
    let params = "{f: 0.00001, g: 1.0, h: 0.1, b: true, l: [a, 1, null], d: {k: \"it's\"}, n: null, s: text}";
    let found = args("[]", params, "[\"{{ f }} {{ g }} {{ h }} {{ b }} {{ l }} {{ d }} {{ n }} {{ s }}\"]");
    assert_eq!(found, ["1e-05 1.0 0.1 True ['a', 1, None] {'k': \"it's\"} None text"]);
}

#[test]
fn a_param_is_turned_into_the_declared_type() {
    let inputs = "[{name: lr, type: float}, {name: n, type: int}, {name: s, type: str}, {name: l, type: \"List[int]\"}]";
    let params = "{lr: \"1\", n: \"3\", s: 5, l: \"[1, 2]\"}";
    let text = format!("params: {params}\ninputs: {inputs}\ncontainer: {{image: a}}");
    assert_eq!(Value::Object(compiled(&text).inputs), json!({"lr": 1.0, "n": 3, "s": "5", "l": [1, 2]}));
}

#[test]
fn a_param_beats_a_default_and_a_default_makes_optional() {
    let inputs = "[{name: a, type: int, value: 1}, {name: b, type: int, isOptional: true}]";
    assert_eq!(args(inputs, "{}", "[\"{{ a }}\", \"{{ b }}\", \"x{{ b }}\"]"), ["1", "xNone"]);
    assert_eq!(args(inputs, "{a: 2, b: {value: 3}}", "[\"{{ a }}\", \"{{ b }}\"]"), ["2", "3"]);
}

#[test]
fn params_have_metadata_forms() {
    let inputs = "[{name: lr, type: float, value: 0.5}, {name: fast, type: bool, isFlag: true, value: true}, \
                  {name: slow, isFlag: true, isOptional: true}, {name: f, type: str, value: x, argFormat: \"-f {{ f }}\"}]";
    assert_eq!(args(inputs, "{}", "\"{{ params.as_args }}\""), ["--lr=0.5", "--fast", "-f x"]);
    assert_eq!(
        args(
            inputs,
            "{}",
            "[\"{{ params.lr.value }}\", \"{{ params.lr.type }}\", \"{{ params.lr.as_arg }}\", \
             \"{{ params.fast.as_arg }}\", \"{{ fast }}\", \"{{ params.f.as_str }}\"]"
        ),
        ["0.5", "float", "--lr=0.5", "--fast", "--fast", "x"]
    );
}

#[test]
fn a_string_that_is_one_expression_keeps_the_type_that_its_field_needs() {
    let text = "params: {t: 30, uid: 1000, yes: true, cpu: 2, sel: {pool: gpu}, img: 3}\n\
                termination: {timeout: \"{{ t }}\", maxRetries: \"{{ t + 1 }}\"}\n\
                environment: {nodeSelector: \"{{ sel }}\", hostNetwork: \"{{ yes }}\"}\n\
                container: {image: \"{{ img }}\", securityContext: {runAsUser: \"{{ uid }}\"}, \
                resources: {requests: {cpu: \"{{ cpu }}\"}}}";
    let operation = compiled(text).operation;
    let termination = operation.termination.unwrap();
    assert_eq!((termination.timeout, termination.max_retries), (Some(30), Some(31)));
    assert_eq!(operation.run.container.image.as_deref(), Some("3"));
    assert_eq!(operation.run.container.rest["securityContext"], json!({"runAsUser": 1000}));
    assert_eq!(operation.run.container.resources.unwrap().requests["cpu"].to_string(), "2");
    let environment = operation.run.environment.unwrap();
    assert_eq!(environment.node_selector["pool"], "gpu");
    assert_eq!(environment.host_network, Some(true));
}

#[test]
fn globals_tell_a_run_who_and_where_it_is() {
    let context = Context {
        uuid: "8490e3eff75a4f3ba9d2194ecde68fcc".parse().unwrap(),
        owner: "acme".to_owned(),
        project: "vision".to_owned(),
        username: "ada".to_owned(),
        ..Context::default()
    };
    let text = "name: train\ncontainer: {image: a, args: [\"{{ globals.run_info }}\", \"{{ globals.name }}\", \
                \"{{ globals.username }}\", \"{{ globals.project_unique_name }}\", \"{{ globals.run_outputs_path }}\"]}";
    let compiled = compiled_in(text, &context);
    assert_eq!(
        compiled.operation.run.container.args,
        [
            "acme.vision.runs.8490e3eff75a4f3ba9d2194ecde68fcc",
            "train",
            "ada",
            "acme.vision",
            "/plx-context/artifacts/8490e3eff75a4f3ba9d2194ecde68fcc/outputs"
        ]
    );
    assert!(compiled.warnings.is_empty());
}

#[test]
fn an_undefined_name_renders_empty_and_is_warned_of() {
    let found = compiled(
        "container: {image: a, args: [\"a{{ globals.run_name }}b\", \"{{ nope }}\"], workingDir: \"{{ connections.s3.mountPath }}\"}",
    );
    assert_eq!(found.operation.run.container.args, ["ab", ""]);
    assert_eq!(
        found.warnings,
        [
            "run.container.args[0]: `globals.run_name` is undefined and renders empty",
            "run.container.args[1]: `nope` is undefined and renders empty",
            "run.container.workingDir: `connections.s3` is not known before the run is at its agent and renders empty",
        ]
    );
}

#[test]
fn a_name_with_a_fallback_is_not_warned_of() {
    let found = compiled("cmd: \"{{ nope|default('x') }}{% if y is defined %}1{% endif %}\"");
    assert_eq!(found.operation.run.container.args, ["set -e\nx"]);
    assert!(found.warnings.is_empty());
}

#[test]
fn conditions_and_loops_work() {
    let found = args(
        "[{name: xs, type: \"List[str]\"}]",
        "{xs: [a, b]}",
        "[\"{% for x in xs %}{% if not loop.first %},{% endif %}{{ x|upper }}{% endfor %}\", \"{{ xs|join('-') }}\", \"{{ xs[1] }}\"]",
    );
    assert_eq!(found, ["A,B", "a-b", "b"]);
}

#[test]
fn an_input_may_go_to_an_environment_variable() {
    let text = "params: {lr: 1}\ninputs: [{name: lr, type: float, toEnv: LR}, {name: l, type: \"List[int]\", value: [1, 2], toEnv: L}]\n\
                container: {image: a, env: [{name: LR, value: old}]}";
    let env = compiled(text).operation.run.container.env;
    let pairs: Vec<_> = env.iter().map(|var| (var.name.as_str(), var.value.as_deref().unwrap())).collect();
    assert_eq!(pairs, [("LR", "1.0"), ("L", "[1,2]")]);
}

#[test]
fn an_input_may_be_fetched_first() {
    let text = "inputs: [{name: repo, type: git, value: {url: \"https://example.com/r.git\"}, toInit: true, connection: gh}]\n\
                container: {image: a}";
    let init = serde_json::to_value(compiled(text).operation.run.init).unwrap();
    assert_eq!(init, json!([{"git": {"url": "https://example.com/r.git"}, "connection": "gh"}]));
}

#[test]
fn what_nothing_declares_is_for_templates_only() {
    let found = compiled("params: {msg: hi}\ncontainer: {image: a, args: [\"{{ msg }}\"]}");
    assert_eq!(found.operation.run.container.args, ["hi"]);
    assert!(found.inputs.is_empty());
    assert_eq!(found.operation.contexts[0].name, "msg");
    let strict = compiled(
        "strictParams: true\nparams: {msg: {value: hi, contextOnly: true}}\ncontainer: {image: a, args: [\"{{ msg }}\"]}",
    );
    assert_eq!(strict.operation.run.container.args, ["hi"]);
}

#[test]
fn bare_values_and_explicit_params_are_the_same() {
    let bare = compiled("params: {d: {k: 1}, l: [1]}\ncontainer: {image: a, args: [\"{{ d.k }}{{ l }}\"]}");
    let explicit = compiled(
        "params: {d: {value: {k: 1}}, l: {value: [1]}}\ncontainer: {image: a, args: [\"{{ d.k }}{{ l }}\"]}",
    );
    assert_eq!(bare, explicit);
}

#[test]
fn the_names_of_types_are_those_of_polyaxon_and_pydantic() {
    for (io_type, good, bad) in [
        ("int", json!(3), json!(3.5)),
        ("float", json!("1e-3"), json!("x")),
        ("bool", json!("true"), json!("maybe")),
        ("str", json!("x"), json!(["x"])),
        ("dict", json!({"a": 1}), json!(1)),
        ("List[int]", json!([1, 2]), json!(["a"])),
        ("Dict[str, int]", json!({"a": 1}), json!({"a": "b"})),
        ("Optional[int]", json!(null), json!("x")),
        ("Union[int, List[int]]", json!([1]), json!("x")),
        ("date", json!("2026-01-31"), json!("2026-02-31")),
        ("datetime", json!("2026-01-31T10:00:00Z"), json!("noon")),
        ("timedelta", json!("PT5M"), json!("soon")),
        ("uuid", json!("8490e3eff75a4f3ba9d2194ecde68fcc"), json!("x")),
        ("PositiveInt", json!(1), json!(0)),
        ("NonNegativeFloat", json!(0), json!(-0.1)),
        ("Json", json!("{\"a\": 1}"), json!("{a")),
        ("git", json!({"url": "x"}), json!(1)),
        ("artifacts", json!({"files": ["a"]}), json!(true)),
        ("metric", json!(0.5), json!(true)),
        ("any", json!({"x": [1]}), json!(null)),
    ] {
        let file = |value: &Value| {
            json!({"inputs": [{"name": "x", "type": io_type}], "params": {"x": {"value": value}}, "container": {"image": "a"}})
                .to_string()
        };
        compiled(&file(&good));
        let op = parse(&file(&bad), Format::Json, &Limits::default()).unwrap();
        assert!(compile(&op, &Context::default(), &Limits::default()).is_err(), "{io_type} took {bad}");
    }
}

#[test]
fn rules_of_inputs_hold() {
    for (rules, good, bad) in [
        ("gt: 0, lt: 10", json!(5), json!(10)),
        ("ge: 0, le: 10", json!(10), json!(11)),
        ("multipleOf: 5", json!(10), json!(11)),
        ("maxDigits: 2", json!(99), json!(100)),
        ("decimalPlaces: 1", json!(1.5), json!(1.25)),
        ("regex: \"^a+$\"", json!("aa"), json!("ab")),
        ("minLength: 2, maxLength: 3", json!("ab"), json!("abcd")),
        ("contains: x", json!(["x", "y"]), json!(["y"])),
        ("excludes: x", json!("abc"), json!("axb")),
        ("options: [1, 2]", json!(2), json!(3)),
        ("minItems: 1, maxItems: 2", json!([1]), json!([])),
        ("keys: [a]", json!({"a": 1}), json!({"a": 1, "b": 2})),
        ("containsKeys: [a]", json!({"a": 1, "b": 2}), json!({"b": 2})),
        ("excludesKeys: [a]", json!({"b": 2}), json!({"a": 1})),
    ] {
        let file = |value: &Value| {
            format!(
                "inputs: [{{name: x, validation: {{{rules}}}}}]\nparams: {{x: {{value: {value}}}}}\ncontainer: {{image: a}}"
            )
        };
        compiled(&file(&good));
        let op = parse(&file(&bad), Format::Yaml, &Limits::default()).unwrap();
        assert!(compile(&op, &Context::default(), &Limits::default()).is_err(), "{rules} took {bad}");
    }
}

#[test]
fn root_sugar_and_annotations_say_the_same() {
    let sugar = "cmd: x\npriority: 7\nqueues: [a/b, c]\nagentSelector: {gpu: a100, zone: 1}\nonAgentLoss: replace\nretry: {image: 5, user: 1}";
    let annotations = "cmd: x\nenvironment:\n  annotations:\n    berth.dev/priority: 7\n    berth.dev/queues: a/b, c\n    \
                       berth.dev/agent-selector: gpu=a100,zone=1\n    berth.dev/on-agent-loss: replace\n    berth.dev/retry: image=5,user=1";
    let routing = compiled(sugar).routing;
    assert_eq!(routing, compiled(annotations).routing);
    assert_eq!(routing.priority, 7);
    assert_eq!(routing.queues.iter().map(ToString::to_string).collect::<Vec<_>>(), ["a/b", "c"]);
    assert_eq!(routing.agent_selector["gpu"], "a100");
    assert_eq!(routing.on_agent_loss, Some(OnAgentLoss::Replace));
    assert_eq!(routing.retry[&FailureClass::Image], 5);
}

#[test]
fn a_queue_may_be_a_list_and_a_template() {
    let found = compiled("params: {q: fast}\nqueue: \"eu/{{ q }},us/slow\"\ncmd: x").routing;
    assert_eq!(found.queues.iter().map(ToString::to_string).collect::<Vec<_>>(), ["eu/fast", "us/slow"]);
}

#[test]
fn secrets_are_named_wherever_they_are_referred_to() {
    let text = "environment: {imagePullSecrets: [reg]}\n\
                volumes: [{name: v, secret: {secretName: vol}}, {name: p, projected: {sources: [{secret: {name: proj}}]}}]\n\
                sidecars: [{name: s, image: b, envFrom: [{secretRef: {name: from}}]}]\n\
                container: {image: a, env: [{name: A, valueFrom: {secretKeyRef: {name: key, key: k}}}]}";
    let names = compiled(text).secret_names;
    assert_eq!(names.iter().collect::<Vec<_>>(), ["from", "key", "proj", "reg", "vol"]);
}

#[test]
fn requests_are_summed_over_containers_and_fall_back_to_limits() {
    let text = "container: {image: a, resources: {requests: {cpu: 100m}, limits: {cpu: 1, memory: 1Gi, nvidia.com/gpu: 2, example.com/licence: 3}}}\n\
                sidecars: [{name: s, image: b, resources: {requests: {cpu: 400m, memory: 1Gi}}}]\ncost: 2.5";
    let resources = compiled(text).resources;
    assert_eq!((resources.cpu, resources.gpu, resources.custom, resources.cost), (0.5, 2.0, 3.0, 2.5));
    assert_eq!(resources.by_name["memory"].to_string(), "2Gi");
}

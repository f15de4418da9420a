//! Laws that hold for any document: nothing panics, merging is lawful, compiling is deterministic.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use berth_domain::compile::{Context, compile};
use berth_domain::redact::{MASK, mask_value, redact};
use berth_domain::spec::{Format, Limits, Operation, apply_preset, parse, parse_bytes};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Any JSON, with the names of our fields among its keys, and templates among its texts.
fn any_json() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        Just("name"),
        Just("run"),
        Just("kind"),
        Just("component"),
        Just("container"),
        Just("env"),
        Just("cmd"),
        Just("inputs"),
        Just("type"),
        Just("value"),
        Just("params"),
        Just("environment"),
        Just("annotations"),
        Just("resources"),
        Just("cpu"),
        Just("termination"),
        Just("timeout"),
        Just("queue"),
        Just("priority"),
        Just("isPreset"),
        Just("runPatch"),
        Just("x"),
    ];
    let text = prop_oneof![
        "[a-z{}% .\"'|]{0,12}",
        Just("job".to_owned()),
        Just("operation".to_owned()),
        Just("{{ x }}".to_owned()),
        Just("{{ params.as_args }}".to_owned()),
        Just("List[int]".to_owned()),
        Just("1..2".to_owned()),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    })
}

/// Well-formed operations of some variety.
fn any_operation() -> impl Strategy<Value = Value> {
    let labels = prop::collection::btree_map("[a-c]", "[x-z]", 0..3);
    let env = prop::collection::vec(("[A-C]", "[x-z]"), 0..3);
    (labels, env, 0_u32..100, prop::option::of("[a-z]{1,5}")).prop_map(|(labels, env, timeout, queue)| {
        json!({
            "queue": queue,
            "termination": {"timeout": timeout},
            "params": {"x": timeout},
            "component": {
                "inputs": [{"name": "x", "type": "int"}],
                "run": {
                    "kind": "job",
                    "environment": {"labels": labels, "tolerations": [{"key": "a"}]},
                    "container": {
                        "image": "a",
                        "args": ["{{ x }}", "{{ params.as_args }}", "{{ globals.uuid }}"],
                        "env": env.iter().map(|(name, value)| json!({"name": name, "value": value})).collect::<Vec<_>>(),
                    },
                },
            },
        })
    })
}

fn any_preset() -> impl Strategy<Value = Value> {
    let labels = prop::collection::btree_map("[a-d]", "[u-w]", 0..3);
    let strategy = prop_oneof![Just("replace"), Just("isnull"), Just("post_merge"), Just("pre_merge")];
    (labels, strategy, 0_u32..100, any::<bool>()).prop_map(|(labels, strategy, timeout, tolerates)| {
        let tolerations: Vec<Value> = if tolerates { vec![json!({"key": "b"})] } else { Vec::new() };
        json!({
            "isPreset": true,
            "patchStrategy": strategy,
            "termination": {"timeout": timeout},
            "environment": {"labels": labels, "tolerations": tolerations},
        })
    })
}

fn operation(value: &Value) -> Operation {
    parse(&value.to_string(), Format::Json, &Limits::default()).unwrap()
}

fn labels(op: &Operation) -> Map<String, Value> {
    let run = &op.component.as_ref().unwrap().run;
    run["environment"].get("labels").and_then(Value::as_object).cloned().unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse_bytes(&bytes, Format::Auto, &Limits::default());
    }

    #[test]
    fn no_text_panics(text in "(?s)[ \n\t:\\-\\[\\]{}&*<|>'\"#!%@a-c1.,?]{0,120}") {
        for format in [Format::Yaml, Format::Json, Format::Auto] {
            let _ = parse(&text, format, &Limits::default());
        }
    }

    #[test]
    fn no_json_panics_and_what_is_taken_round_trips(mut value in any_json()) {
        if let Value::Object(map) = &mut value {
            map.entry("cmd").or_insert(json!("true"));
        }
        if let Ok(op) = parse(&value.to_string(), Format::Json, &Limits::default()) {
            let again = operation(&op.to_value());
            prop_assert_eq!(&again, &op);
            if let Ok(compiled) = compile(&op, &Context::default(), &Limits::default()) {
                prop_assert_eq!(compile(&op, &Context::default(), &Limits::default()).unwrap(), compiled);
            }
        }
    }

    #[test]
    fn no_template_panics(template in "[{}%a-c |.()\\[\\]'\"~*+0-9,=-]{0,60}") {
        let document = json!({"params": {"a": [1, {"b": "c"}], "b": "x"}, "container": {"image": "a", "args": [template]}});
        if let Ok(op) = parse(&document.to_string(), Format::Json, &Limits::default()) {
            let _ = compile(&op, &Context::default(), &Limits::default());
        }
    }

    #[test]
    fn compiling_is_deterministic_and_yaml_is_json(value in any_operation()) {
        let from_json = operation(&value);
        let from_yaml = parse(&value.to_string(), Format::Yaml, &Limits::default()).unwrap();
        prop_assert_eq!(&from_json, &from_yaml);
        let one = compile(&from_json, &Context::default(), &Limits::default()).unwrap();
        let two = compile(&from_yaml, &Context::default(), &Limits::default()).unwrap();
        prop_assert_eq!(serde_json::to_string(&one.operation).unwrap(), serde_json::to_string(&two.operation).unwrap());
        prop_assert_eq!(one, two);
    }

    #[test]
    fn a_preset_laid_twice_is_a_preset_laid_once(op in any_operation(), preset in any_preset()) {
        let (op, preset) = (operation(&op), operation(&preset));
        let once = apply_preset(op, &preset).unwrap();
        let twice = apply_preset(once.clone(), &preset).unwrap();
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn each_strategy_keeps_its_promise_for_labels(op in any_operation(), preset in any_preset()) {
        let (op, patch) = (operation(&op), operation(&preset));
        let before = labels(&op);
        let new = patch.shortcuts["environment"].get("labels").and_then(Value::as_object).cloned().unwrap_or_default();
        let after = labels(&apply_preset(op, &patch).unwrap());
        match preset["patchStrategy"].as_str().unwrap() {
            "replace" => prop_assert_eq!(after, new),
            "isnull" => prop_assert_eq!(after, before),
            "post_merge" => {
                prop_assert!(new.iter().all(|(key, value)| after.get(key) == Some(value)));
                prop_assert!(before.iter().all(|(key, value)| new.contains_key(key) || after.get(key) == Some(value)));
            }
            _ => {
                prop_assert!(before.iter().all(|(key, value)| after.get(key) == Some(value)));
                prop_assert!(new.iter().all(|(key, value)| before.contains_key(key) || after.get(key) == Some(value)));
            }
        }
    }

    #[test]
    fn an_empty_preset_changes_nothing(op in any_operation(), strategy in "(replace|isnull|post_merge|pre_merge)") {
        let op = operation(&op);
        let preset = operation(&json!({"isPreset": true, "patchStrategy": strategy}));
        prop_assert_eq!(apply_preset(op.clone(), &preset).unwrap(), op);
    }

    #[test]
    fn masking_never_panics_and_masks_once(text in ".{0,100}", value in any_json()) {
        let once = mask_value(&text).into_owned();
        prop_assert_eq!(mask_value(&once).into_owned(), once);
        let mut document = value;
        redact(&mut document);
        let masked = document.clone();
        redact(&mut document);
        prop_assert_eq!(document, masked);
    }

    #[test]
    fn a_secret_is_nowhere_in_what_was_redacted(secret in "[a-zA-Z0-9]{12,30}") {
        prop_assume!(!MASK.contains(&secret));
        let document = json!({
            "params": {"api_key": {"value": secret}},
            "component": {
                "inputs": [{"name": "pin", "type": "SecretStr", "value": secret}],
                "run": {"kind": "job", "container": {
                    "image": "a",
                    "args": [format!("--x={secret}"), format!("postgres://u:{secret}@h/d")],
                    "env": [{"name": "DB_PASSWORD", "value": secret}],
                }},
            },
        });
        let mut run = json!({"raw_content": document.to_string(), "content": document.to_string(), "op": document});
        redact(&mut run);
        prop_assert!(!run.to_string().contains(&secret), "{}", run);
    }
}

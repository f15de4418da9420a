//! Hostile documents: refused with a clear error, quickly, without growing.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fmt::Write as _;

use berth_domain::compile::{Context, compile};
use berth_domain::spec::{Format, Limits, parse, parse_bytes};

fn refusal(text: &str) -> String {
    match parse(text, Format::Auto, &Limits::default()) {
        Ok(_) => "nothing: it is read".to_owned(),
        Err(errors) => errors.to_string(),
    }
}

fn compile_refusal(text: &str) -> String {
    let op = parse(text, Format::Auto, &Limits::default()).unwrap();
    compile(&op, &Context::default(), &Limits::default()).unwrap_err().to_string()
}

#[test]
fn a_bomb_of_lists_is_refused() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = level - 1;
        let list = vec![format!("*a{below}"); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{list}]").unwrap();
    }
    assert!(refusal(&text).contains("the document expands its aliases too often"), "{}", refusal(&text));
}

#[test]
fn a_bomb_of_text_is_refused() {
    let mut text = format!("a: &a \"{}\"\n", "x".repeat(1 << 20));
    text.push_str(&format!("b: [{}]\n", vec!["*a"; 100].join(", ")));
    assert!(refusal(&text).contains("its aliases expand to more text than is allowed"), "{}", refusal(&text));
}

#[test]
fn deep_nesting_is_refused_in_both_notations() {
    let expected = "the document is nested too deeply; allowed are at most 64 levels";
    for depth in [65, 1_000, 100_000] {
        let flow = format!("a: {}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(refusal(&flow).ends_with(expected), "{}", refusal(&flow));
        let json = format!("{{\"a\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
        let found = refusal(&json);
        assert!(found.ends_with(expected), "{found}");
    }
    let mut block = String::from("a:\n");
    for depth in 1..100 {
        writeln!(block, "{}- ", " ".repeat(depth)).unwrap();
    }
    for depth in 1..2_000 {
        writeln!(block, "{}b:", " ".repeat(depth)).unwrap();
    }
    assert!(parse(&block, Format::Yaml, &Limits::default()).is_err());
    let dashes = format!("a:\n  {}x", "- ".repeat(5_000));
    assert!(refusal(&dashes).ends_with(expected), "{}", refusal(&dashes));
}

#[test]
fn depth_up_to_the_limit_is_read() {
    let depth = 60;
    let text =
        format!("environment: {{affinity: {{a: {}{}}}}}\ncmd: x", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&text, Format::Yaml, &Limits::default()).is_ok());
}

#[test]
fn a_large_document_is_refused_before_it_is_read() {
    let text = format!("cmd: \"{}\"", "x".repeat(9 << 20));
    assert_eq!(refusal(&text), "the document has 9437191 bytes; allowed are at most 8388608");
    let errors = parse_bytes(&vec![b'x'; 100 << 20], Format::Auto, &Limits::default()).unwrap_err();
    assert_eq!(errors.to_string(), "the document has 104857600 bytes; allowed are at most 8388608");
}

#[test]
fn a_document_of_very_many_values_is_refused() {
    let text = format!("tags: [{}]\ncmd: x", "1,".repeat(300_000));
    assert!(
        refusal(&text).ends_with("the document has too many values; allowed are at most 250000"),
        "{}",
        refusal(&text)
    );
    let text = format!("{{\"cmd\": \"x\", \"tags\": [{}1]}}", "1,".repeat(300_000));
    assert!(
        refusal(&text).ends_with("the document has too many values; allowed are at most 250000"),
        "{}",
        refusal(&text)
    );
}

#[test]
fn bytes_that_are_not_utf_8_are_an_error() {
    let errors = parse_bytes(b"name: \xff\ncmd: x", Format::Auto, &Limits::default()).unwrap_err();
    assert_eq!(errors.to_string(), "the document is not valid UTF-8: wrong byte at offset 6");
}

#[test]
fn ten_thousand_variables_are_allowed_and_one_more_is_not() {
    let file = |count: usize| {
        let vars: Vec<String> =
            (0..count).map(|index| format!("{{\"name\": \"V{index}\", \"value\": \"x\"}}")).collect();
        format!("{{\"container\": {{\"image\": \"a\", \"env\": [{}]}}}}", vars.join(", "))
    };
    let op = parse(&file(10_000), Format::Json, &Limits::default()).unwrap();
    let compiled = compile(&op, &Context::default(), &Limits::default()).unwrap();
    assert_eq!(compiled.operation.run.container.env.len(), 10_000);
    assert_eq!(
        compile_refusal(&file(10_001)),
        "run.container.env: the run has 10001 environment variables; allowed are at most 10000"
    );
}

#[test]
fn a_large_compiled_operation_is_refused() {
    let found = compile_refusal(&format!("cmd: \"{}\"", "x".repeat(600 << 10)));
    assert_eq!(found, "the compiled operation has 614511 bytes; allowed are at most 524288");
}

#[test]
fn templates_cannot_multiply_a_large_param() {
    let text = format!(
        "params: {{big: \"{}\"}}\ncontainer: {{image: a, args: [{}]}}",
        "x".repeat(1 << 20),
        vec!["\"{{ big }}\""; 1_000].join(", ")
    );
    let found = compile_refusal(&text);
    assert!(found.ends_with("the templates render to more than the 524288 bytes allowed"), "{found}");
}

#[test]
fn templates_take_a_bounded_number_of_steps_all_together() {
    let text = format!(
        "container: {{image: a, args: [{}]}}",
        vec!["\"{{ range(50000)|list|length }}\", \"a{% for x in range(50000) %}{% endfor %}\""; 200]
            .join(", ")
    );
    let found = compile_refusal(&text);
    assert!(found.ends_with("the templates take more steps than are allowed"), "{found}");
}

#[test]
fn no_statement_lets_a_text_grow_by_doubling() {
    for template in [
        "{% set a = 'xx' %}",
        "{% with a = 'xx' %}{% endwith %}",
        "{% macro a() %}{% endmacro %}",
        "{% filter upper %}x{% endfilter %}",
        "{% for a in ['x' ~ 'x'] %}{% endfor %}",
        "{%- set a = 'xx' -%}",
        "{% include 'x' %}",
        "{% call a() %}{% endcall %}",
        "{% autoescape true %}{% endautoescape %}",
        "{% do a() %}",
        "{% for a in ('%}', a) %}{% endfor %}",
        "{% for a in b recursive %}{{ loop(a) }}{% endfor %}",
    ] {
        let found = compile_refusal(&format!("cmd: \"{template}\""));
        assert!(
            found.contains("is not available in templates") || found.contains("not a computed list"),
            "{found}"
        );
    }
}

#[test]
fn no_template_is_too_deep_for_the_stack() {
    for (begin, middle, end) in [
        ("", "(", ""),
        ("", "[", ""),
        ("", "{1:", ""),
        ("", "not ", "a"),
        ("", "-", "1"),
        ("a", "~a", ""),
        ("a", "+a", ""),
        ("a", ".a", ""),
        ("a", "[0]", ""),
        ("a", "|list", ""),
        ("a", "()", ""),
        ("a", " and a", ""),
        ("a", " if a else a", ""),
        ("a", " is defined", ""),
        ("a", "**a", ""),
        ("a", " < a", ""),
        ("{1:{1:1}}", "~a", ""),
        ("'}}'", "~a", ""),
    ] {
        for count in [30, 60, 100, 1_000, 10_000] {
            let expression = format!("{begin}{}{end}", middle.repeat(count));
            for template in [
                format!("{{{{ {expression} }}}}"),
                format!("x{{{{ {expression} }}}}"),
                format!("{{% if {expression} %}}{{% endif %}}"),
            ] {
                let document = serde_json::json!({"cmd": template, "params": {"a": 1}});
                let op = parse(&document.to_string(), Format::Json, &Limits::default()).unwrap();
                // Whether it is taken doesn't matter, as long as the process lives.
                let _ = compile(&op, &Context::default(), &Limits::default());
            }
        }
    }
    let nested = format!("{}{}", "{% if true %}".repeat(32), "{% endif %}".repeat(32));
    let op =
        parse(&serde_json::json!({"cmd": nested}).to_string(), Format::Json, &Limits::default()).unwrap();
    let _ = compile(&op, &Context::default(), &Limits::default());
    let loops = format!("{}{}", "{% if true %}".repeat(2_000), "{% endif %}".repeat(2_000));
    let op = parse(&serde_json::json!({"cmd": loops}).to_string(), Format::Json, &Limits::default()).unwrap();
    let _ = compile(&op, &Context::default(), &Limits::default());
}

#[test]
fn a_lazy_list_larger_than_memory_is_refused() {
    for template in [
        "{{ ['x' * 100000] * 100000 }}",
        "a{{ ['x' * 100000] * 100000 }}",
        "a{{ (['x' * 100000] * 100000)|join }}",
    ] {
        let found = compile_refusal(&format!("cmd: \"{template}\""));
        assert!(
            found.contains("too long") || found.contains("too large") || found.contains("steps"),
            "{found}"
        );
    }
}

//! What others send is bounded, refused with the field's name, and never a panic.

use berth_broker::celery::task::{Body, DecodeError, Embed, Task, decode, encode};
use berth_broker::celery::{control, event, result};
use berth_broker::{Message, offer};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // Eighths: JSON's text of other fractions may differ in the last bit.
        any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            map_of(inner).prop_map(Value::from),
        ]
    })
}

fn map_of(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map("[a-z_-]{1,12}", inner, 0..4).prop_map(|map| map.into_iter().collect())
}

fn task() -> impl Strategy<Value = Task> {
    let text = || prop::option::of(".{0,30}");
    let names = ("[a-z.]{1,20}", "[a-z0-9-]{1,36}", "[a-z0-9-]{1,36}", text(), text(), text());
    let numbers = (
        any::<u32>(),
        prop::option::of(any::<i64>()),
        prop::option::of((0..1_000_000_u32).prop_map(|eighths| f64::from(eighths) / 8.0)),
        prop::option::of((0..1_000_000_u32).prop_map(|eighths| f64::from(eighths) / 8.0)),
        prop::option::of(any::<bool>()),
        prop::option::of(0..=9_u8),
    );
    let parts = (
        prop::collection::vec(value(), 0..4),
        map_of(value()),
        prop::option::of(prop::collection::vec(value(), 0..3)),
        map_of(value()),
        prop::option::of(prop::collection::vec(".{0,8}", 0..3)),
    );
    (names, numbers, parts).prop_map(|(names, numbers, parts)| Task {
        name: names.0,
        id: names.1,
        root_id: Some(names.2),
        parent_id: names.3,
        eta: names.4,
        shadow: names.5,
        retries: numbers.0.into(),
        group_index: numbers.1,
        hard_limit: numbers.2,
        soft_limit: numbers.3,
        ignore_result: numbers.4,
        priority: Some(numbers.5.unwrap_or(0)),
        argsrepr: Some("()".to_owned()),
        kwargsrepr: Some("{}".to_owned()),
        stamps: parts.3.clone(),
        extra: parts.3.into_iter().map(|(name, value)| (format!("x-{name}"), value)).collect(),
        stamped_headers: parts.4,
        body: Body { args: parts.0, kwargs: parts.1, embed: Embed { chain: parts.2, ..Embed::default() } },
        ..Task::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_again(task in task()) {
        prop_assert_eq!(decode(&encode(&task)).unwrap(), task);
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(
        body in prop::collection::vec(any::<u8>(), 0..300),
        headers in map_of(value()),
        named in any::<bool>(),
    ) {
        let mut message = Message { headers: headers.into(), body: body.into(), ..Message::default() };
        if named {
            message.headers.insert("task".to_owned(), json!("t"));
            message.headers.insert("id".to_owned(), json!("i"));
        }
        decode(&message).ok();
        offer::decode(&message).ok();
        event::decode(&message).ok();
        control::decode(&message).ok();
        control::decode_reply(&message).ok();
        result::decode(&message.body).ok();
    }

    #[test]
    fn no_json_makes_a_decoder_panic(body in value(), headers in map_of(value()), task in value()) {
        let mut message = Message::json(body.to_string());
        message.headers = headers.into();
        message.headers.insert("task".to_owned(), task);
        decode(&message).ok();
        message.headers.remove("task");
        decode(&message).ok();
        event::decode(&message).ok();
        control::decode(&message).ok();
        control::decode_reply(&message).ok();
        result::decode(&message.body).ok();
    }
}

/// A plain task with one header changed.
fn with_header(name: &str, value: Value) -> Message {
    let mut message = encode(&Task { name: "t".to_owned(), id: "i".to_owned(), ..Task::default() });
    message.headers.insert(name.to_owned(), value);
    message
}

#[test]
fn what_is_wrong_is_named() {
    let field = |message: &Message| match decode(message) {
        Err(DecodeError::Field { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    for (name, value) in [
        ("task", json!(7)),
        ("id", json!(null)),
        ("retries", json!("many")),
        ("timelimit", json!([1])),
        ("eta", json!(1_700_000_000)),
        ("expires", json!(1_700_000_000)),
        ("group_index", json!("x")),
        ("stamps", json!([])),
    ] {
        assert_eq!(field(&with_header(name, value)), name);
    }
    let mut message = with_header("lang", json!("py"));
    for (body, name) in [
        ("[[], {}]", "body"),
        ("[[], {}, {}, 1]", "body"),
        ("7", "body"),
        ("[null, {}, {}]", "args"),
        ("[[], null, {}]", "kwargs"),
        ("[[], {}, 7]", "embed"),
    ] {
        message.body = body.into();
        assert_eq!(field(&message), name, "{body}");
    }
}

#[test]
fn celerys_own_tolerance_is_kept() {
    let mut message = Message::json("[[1], {}, null]");
    message.headers = json!({"task": "t", "id": "i", "retries": "3"}).as_object().unwrap().clone().into();
    let task = decode(&message).unwrap();
    assert_eq!((task.retries, task.body.args.len()), (3, 1));
    let version_1 = Message::json(
        r#"{"task": "t", "id": "i", "args": [1], "kwargs": {"a": 2}, "retries": 0, "utc": true}"#,
    );
    let task = decode(&version_1).unwrap();
    assert_eq!((task.name.as_str(), task.body.kwargs["a"].as_i64()), ("t", Some(2)));
}

#[test]
fn size_and_depth_are_bounded() {
    let mut message = with_header("lang", json!("py"));
    message.body = vec![b' '; 9 * 1024 * 1024].into();
    assert!(matches!(decode(&message), Err(DecodeError::TooLarge { .. })));
    message.body = format!("[{}{}, {{}}, {{}}]", "[".repeat(100_000), "]".repeat(100_000)).into();
    assert!(matches!(decode(&message), Err(DecodeError::Json(_))));
    // Texts in texts: each would be read with a bound of its own.
    let mut text = "[]".to_owned();
    for _ in 0..10 {
        let quoted = Value::from(text).to_string();
        text =
            format!("{}{{\"$serde_json::private::RawValue\": {quoted}}}{}", "[".repeat(100), "]".repeat(100));
    }
    message.body = format!("[{text}, {{}}, {{}}]").into();
    assert!(matches!(decode(&message), Err(DecodeError::Json(_))));
    assert!(event::decode(&message).is_err() && control::decode(&message).is_err());
    assert!(result::decode(&message.body).is_err());
    message.properties.content_type = Some("application/x-python-serialize".to_owned());
    assert!(matches!(decode(&message), Err(DecodeError::ContentType { .. })));
}

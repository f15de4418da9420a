//! An offer is a Celery task with the operation in it, and shows no more of it than names.

use berth_broker::celery::task;
use berth_broker::offer::{self, Offer, OfferError};
use serde_json::json;
use serde_json::value::RawValue;
use uuid::Uuid;

fn an_offer() -> Offer {
    let operation = r#"{"component": {"run": {"kind": "job", "env": {"TOKEN": "s3cret"}}}, "n": 1.10}"#;
    Offer {
        run: Uuid::now_v7(),
        attempt: 2,
        agent: "a".to_owned(),
        queue: "gpu".to_owned(),
        owner: "default".to_owned(),
        project: "p".to_owned(),
        name: Some("train".to_owned()),
        operation: RawValue::from_string(operation.to_owned()).unwrap(),
        spec_hash: "abc".to_owned(),
        hard_limit: Some(60.0),
        soft_limit: Some(50.0),
        eta: None,
        expires: Some("2027-01-01T00:00:00.000000+00:00".to_owned()),
        root_id: None,
        parent_id: Some(Uuid::now_v7()),
        needs: vec!["init".to_owned()],
        trace: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 vendor=x".parse().unwrap()),
    }
}

#[test]
fn an_offer_is_read_as_it_was_written() {
    let sent = an_offer();
    let got = offer::decode(&offer::encode(&sent)).unwrap();
    // The operation is passed on byte for byte.
    assert_eq!(got.operation.get(), sent.operation.get());
    assert_eq!(format!("{got:?}"), format!("{sent:?}"));
}

#[test]
fn an_offer_carries_its_trace_in_the_headers_that_others_look_for_and_a_wrong_one_is_none() {
    let mut message = offer::encode(&an_offer());
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert_eq!(message.header_text("traceparent"), Some(parent));
    assert_eq!(message.header_text("tracestate"), Some("vendor=x"));
    let handed = berth_broker::handed::encode(&an_offer(), "out");
    assert_eq!(handed.header_text("traceparent"), Some(parent));
    for wrong in [json!("nonsense"), json!(7), json!(null)] {
        message.headers.insert("traceparent".to_owned(), wrong);
        assert_eq!(offer::decode(&message).unwrap().trace, None);
    }
    let untraced = offer::encode(&Offer { trace: None, ..an_offer() });
    assert!(!untraced.headers.contains_key("traceparent") && !untraced.headers.contains_key("tracestate"));
}

#[test]
fn an_offer_is_a_celery_task_that_shows_names_only() {
    let sent = an_offer();
    let message = offer::encode(&sent);
    let task = task::decode(&message).unwrap();
    assert_eq!(task.name, "berth.run");
    assert_eq!(task.id, sent.run.to_string());
    assert_eq!(task.retries, 2);
    assert_eq!((task.hard_limit, task.soft_limit), (Some(60.0), Some(50.0)));
    assert_eq!(task.body.kwargs["operation"]["component"]["run"]["kind"], "job");
    let shown = task.kwargsrepr.unwrap();
    assert!(shown.contains("'queue': 'gpu'") && !shown.contains("s3cret"), "{shown}");
    assert!(!json!(message.headers).to_string().contains("s3cret"));
}

#[test]
fn an_offer_of_a_newer_release_is_refused_as_such() {
    let mut message = offer::encode(&an_offer());
    message.headers.insert("berth-version".to_owned(), json!(2));
    assert_eq!(offer::decode(&message).unwrap_err(), OfferError::Version { found: 2 });
    message.headers.insert("task".to_owned(), json!("capp.add"));
    assert!(matches!(offer::decode(&message).unwrap_err(), OfferError::Name { .. }));
    let mut message = offer::encode(&an_offer());
    message.headers.insert("berth-needs".to_owned(), json!(["init", "teleport"]));
    assert_eq!(offer::decode(&message).unwrap_err(), OfferError::Need { found: "teleport".to_owned() });
}

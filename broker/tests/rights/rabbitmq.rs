//! What the user of agent a tries on RabbitMQ against b, the control plane and the server.

use std::time::Duration;

use berth_test_servers::{RabbitMq, eventually};
use lapin::options::{
    BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeBindOptions,
    ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
    QueuePurgeOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Something that is tried by AMQP.
#[derive(Debug)]
enum Attempt {
    Declare(&'static str),
    /// Declares an own queue with this argument.
    DeclareOwn(&'static str, &'static str),
    Delete(&'static str),
    Purge(&'static str),
    Consume(&'static str),
    Get(&'static str),
    /// To an exchange, with a key.
    Publish(&'static str, &'static str),
    /// A queue to an exchange.
    Bind(&'static str, &'static str),
    Unbind(&'static str, &'static str),
    DeclareExchange(&'static str),
    /// An own exchange whose unrouted messages go there.
    Alternate(&'static str),
    DeleteExchange(&'static str),
    /// What is sent to the second goes to the first.
    BindExchange(&'static str, &'static str),
}

use Attempt::*;

const ATTEMPTS: &[(&str, Attempt)] = &[
    ("declare b's queue", Declare("berth.b.run.q")),
    ("declare another queue of b's", Declare("berth.b.run.new")),
    ("declare b's control queue", Declare("berth.b.control.r2")),
    ("declare a queue of the control plane's", Declare("berth.submit.sa")),
    ("declare the marker", Declare("berth.marker.m")),
    ("declare a queue of others", Declare("celery")),
    ("declare a queue whose name the broker chooses", Declare("")),
    ("declare what only begins alike", Declare("berth.ab.run.q")),
    ("declare what a dot would stand for", Declare("berth-a-run.q")),
    ("delete b's queue", Delete("berth.b.run.q")),
    ("delete b's way out", Delete("berth.b.out")),
    ("purge b's queue", Purge("berth.b.run.q")),
    ("purge b's reports", Purge("berth.b.out")),
    ("consume b's offers", Consume("berth.b.run.q")),
    ("consume b's requests", Consume("berth.b.control.r1")),
    ("consume b's reports", Consume("berth.b.out")),
    ("take b's offer", Get("berth.b.run.q")),
    ("offer to b by the default exchange", Publish("", "berth.b.run.q")),
    ("ask b's replica by the default exchange", Publish("", "berth.b.control.r1")),
    ("offer to itself by the default exchange", Publish("", "berth.a.run.q")),
    ("submit as somebody", Publish("", "berth.submit.sa")),
    ("report as b by the default exchange", Publish("", "berth.b.out")),
    ("report as b", Publish("berth.b.out", "berth.b.out")),
    ("wake the control plane", Publish("berth.wake", "")),
    ("publish to an exchange of the broker's", Publish("amq.topic", "x")),
    ("publish to everybody's fanout", Publish("amq.fanout", "")),
    ("bind b's queue to its exchange", Bind("berth.b.run.q", "berth.a.out")),
    ("bind its queue to b's exchange", Bind("berth.a.run.q", "berth.b.out")),
    ("hear the control plane", Bind("berth.a.run.q", "berth.wake")),
    ("hear an exchange of the broker's", Bind("berth.a.run.q", "amq.topic")),
    ("trace all messages", Bind("berth.a.run.q", "amq.rabbitmq.trace")),
    ("unbind b's way out", Unbind("berth.b.out", "berth.b.out")),
    ("declare b's exchange", DeclareExchange("berth.b.new")),
    ("declare an exchange of the control plane's", DeclareExchange("berth.new")),
    ("delete b's exchange", DeleteExchange("berth.b.out")),
    ("delete the control plane's topic", DeleteExchange("berth.wake")),
    ("send to b's exchange by its own", BindExchange("berth.b.out", "berth.a.out")),
    ("hear b's exchange by its own", BindExchange("berth.a.out", "berth.b.out")),
    ("let unrouted messages go to b", Alternate("berth.b.out")),
    ("let dead messages go to b", DeclareOwn("x-dead-letter-exchange", "berth.b.out")),
    ("let dead messages go to any queue", DeclareOwn("x-dead-letter-exchange", "")),
];

/// What is tried by the management API: a method, a path, and a body.
fn by_management() -> Vec<(&'static str, Method, &'static str, Value)> {
    let everything = json!({"configure": ".*", "write": ".*", "read": ".*"});
    let policy = json!({"pattern": ".*", "definition": {"max-length": 1}, "apply-to": "queues"});
    let user = json!({"password": "x", "tags": "administrator"});
    let message = json!({"properties": {}, "routing_key": "berth.b.run.q", "payload": "x", "payload_encoding": "string"});
    let take = json!({"count": 1, "ackmode": "ack_requeue_false", "encoding": "auto"});
    vec![
        ("see the server", Method::GET, "overview", Value::Null),
        ("list users", Method::GET, "users", Value::Null),
        ("list queues", Method::GET, "queues", Value::Null),
        ("see b's queue", Method::GET, "queues/%2f/berth.b.run.q", Value::Null),
        ("list permissions", Method::GET, "permissions", Value::Null),
        ("list connections", Method::GET, "connections", Value::Null),
        ("list bindings", Method::GET, "bindings", Value::Null),
        ("export all definitions", Method::GET, "definitions", Value::Null),
        ("import definitions", Method::POST, "definitions", json!({"users": []})),
        ("make an administrator", Method::PUT, "users/evil", user),
        ("delete b's user", Method::DELETE, "users/berth-b", Value::Null),
        ("give itself rights", Method::PUT, "permissions/%2f/berth-a", everything),
        ("change policies", Method::PUT, "policies/%2f/evil", policy),
        ("delete the virtual host", Method::DELETE, "vhosts/%2f", Value::Null),
        ("make a virtual host", Method::PUT, "vhosts/evil", json!({})),
        ("delete b's queue", Method::DELETE, "queues/%2f/berth.b.run.q", Value::Null),
        ("publish to b", Method::POST, "exchanges/%2f/amq.default/publish", message),
        ("take b's offers", Method::POST, "queues/%2f/berth.b.run.q/get", take),
    ]
}

async fn attempt(channel: &Channel, attempt: &Attempt) -> Result<(), lapin::Error> {
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let durable_exchange = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let none = FieldTable::default;
    let with = |name: &str, value: &str| {
        let mut table = FieldTable::default();
        table.insert(name.into(), AMQPValue::LongString(value.into()));
        table
    };
    match *attempt {
        Declare(queue) => drop(channel.queue_declare(queue.into(), durable, none()).await?),
        DeclareOwn(name, value) => {
            drop(channel.queue_declare("berth.a.run.dead".into(), durable, with(name, value)).await?);
        }
        Delete(queue) => drop(channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await?),
        Purge(queue) => drop(channel.queue_purge(queue.into(), QueuePurgeOptions::default()).await?),
        Consume(queue) => {
            drop(
                channel
                    .basic_consume(queue.into(), "t".into(), BasicConsumeOptions::default(), none())
                    .await?,
            );
        }
        Get(queue) => drop(channel.basic_get(queue.into(), BasicGetOptions::default()).await?),
        Publish(exchange, key) => {
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            let options = BasicPublishOptions::default();
            let properties = BasicProperties::default();
            let sent = channel.basic_publish(exchange.into(), key.into(), options, b"{}", properties).await?;
            drop(sent.await?);
        }
        Bind(queue, exchange) => {
            let options = QueueBindOptions::default();
            channel.queue_bind(queue.into(), exchange.into(), "k".into(), options, none()).await?;
        }
        Unbind(queue, exchange) => {
            channel.queue_unbind(queue.into(), exchange.into(), queue.into(), none()).await?;
        }
        DeclareExchange(name) => {
            channel.exchange_declare(name.into(), ExchangeKind::Fanout, durable_exchange, none()).await?;
        }
        Alternate(to) => {
            let arguments = with("alternate-exchange", to);
            let name = "berth.a.alternate";
            channel.exchange_declare(name.into(), ExchangeKind::Fanout, durable_exchange, arguments).await?;
        }
        DeleteExchange(name) => {
            channel.exchange_delete(name.into(), ExchangeDeleteOptions::default()).await?;
        }
        BindExchange(to, from) => {
            let options = ExchangeBindOptions::default();
            channel.exchange_bind(to.into(), from.into(), "k".into(), options, none()).await?;
        }
    }
    Ok(())
}

/// Everything is refused, and has changed nothing.
pub(crate) async fn everything_else_is_refused(server: &RabbitMq, agent: &str, user: &str) {
    assert!(ATTEMPTS.len() >= 30);
    // b has a replica, which a may not ask.
    let control = Connection::connect(&server.url(), ConnectionProperties::default()).await.unwrap();
    let channel = control.create_channel().await.unwrap();
    attempt(&channel, &Declare("berth.b.control.r1")).await.unwrap();
    // RabbitMQ counts what a quorum queue holds a moment after it was confirmed.
    let list = || server.ctl(&["list_queues", "name", "messages"]);
    let mut before = String::new();
    let is_counted = eventually(Duration::from_secs(30), || {
        before = list();
        ["berth.a.out\t1", "berth.b.run.q\t1"].iter().all(|line| before.contains(line))
    });
    assert!(is_counted, "{before}");

    let connection = Connection::connect(agent, ConnectionProperties::default()).await.unwrap();
    let mut allowed = Vec::new();
    for (what, tried) in ATTEMPTS {
        // A refusal ends the channel.
        let channel = connection.create_channel().await.unwrap();
        let answer = attempt(&channel, tried).await;
        let is_refused = |error: &lapin::Error| error.to_string().contains("ACCESS_REFUSED");
        if !answer.as_ref().is_err_and(is_refused) {
            allowed.push(format!("{what}: {tried:?}: {answer:?}"));
        }
    }
    let http = http();
    for (what, method, path, body) in by_management() {
        let url = format!("{}/api/{path}", server.management_url());
        let request = http.request(method, url).basic_auth(user, Some(super::PASSWORD)).json(&body);
        let status = request.send().await.unwrap().status();
        if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            allowed.push(format!("{what}: {path}: {status}"));
        }
    }
    assert!(allowed.is_empty(), "allowed, or not for want of rights:\n{}", allowed.join("\n"));
    assert_eq!(list(), before);
    drop(control);
}

fn http() -> reqwest::Client {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another test was faster, which is as good.
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    }
    reqwest::Client::builder().no_proxy().build().unwrap()
}

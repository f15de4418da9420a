//! Remote control: a command is answered once, by whichever scheduler replica is first, on behalf of every node that it
//! is for.

use std::sync::Arc;
use std::time::Duration;

use berth_broker::Message;
use berth_broker::celery::control::{self, Command, Received, Reply, ReplyTo};
use berth_broker::celery::repr::repr;
use berth_store::Reservation;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use super::nodes::{Addressed, Node, Nodes};
use super::{Control, change, inspect};
use crate::context::Context;
use crate::outbox::Error;

/// The most commands that are answered at a time.
const AT_ONCE: usize = 16;
/// How long an answer may take: nobody waits for longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// It looks.
    Look,
    /// It changes something.
    Change,
    /// It is about a worker's own process, which there is none of.
    Process,
}

const LOOKS: [&str; 15] = [
    "ping",
    "stats",
    "active",
    "reserved",
    "scheduled",
    "revoked",
    "registered",
    "active_queues",
    "conf",
    "report",
    "query_task",
    "clock",
    "hello",
    // They change what monitors see, and nothing else.
    "enable_events",
    "disable_events",
];
const CHANGES: [&str; 11] = [
    "revoke",
    "terminate",
    "revoke_by_stamped_headers",
    "rate_limit",
    "time_limit",
    "add_consumer",
    "cancel_consumer",
    "pool_grow",
    "pool_shrink",
    "autoscale",
    "shutdown",
];
const PROCESS: [&str; 4] = ["memsample", "memdump", "objgraph", "pool_restart"];

/// Older names of commands.
fn current(method: &str) -> &str {
    match method {
        "dump_active" => "active",
        "dump_reserved" => "reserved",
        "dump_schedule" => "scheduled",
        "dump_revoked" => "revoked",
        "dump_tasks" => "registered",
        "dump_conf" => "conf",
        method => method,
    }
}

fn class(method: &str) -> Option<Class> {
    let of = |methods: &[&str], class| methods.contains(&method).then_some(class);
    let heartbeat = (method == "heartbeat").then_some(Class::Look);
    of(&LOOKS, Class::Look).or(heartbeat).or(of(&CHANGES, Class::Change)).or(of(&PROCESS, Class::Process))
}

/// Answers the commands of a namespace until the shutdown.
pub(super) async fn answer_forever(context: Context, namespace: String) {
    let mut commands = context.broker.commands(&namespace).await;
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let message = tokio::select! {
            () = context.shutdown.cancelled() => return,
            message = commands.next() => message,
        };
        let Some(message) = message else { return };
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let (context, namespace) = (context.clone(), namespace.clone());
        context.clone().tracker.spawn(async move {
            let answering = answer(&context, &namespace, &message);
            match tokio::time::timeout(PATIENCE, answering).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%error, "a command of Celery's remote control was not answered");
                }
                Err(_) => tracing::warn!("a command of Celery's remote control took too long"),
            }
            drop(place);
        });
    }
}

async fn answer(context: &Context, namespace: &str, message: &Message) -> Result<(), Error> {
    if control::is_own(message) {
        return Ok(());
    }
    let Ok(Received { command, clock, expires }) = control::decode(message) else {
        tracing::debug!("a message on {} is no command", control::commands(namespace));
        return Ok(());
    };
    context.lamport.saw(clock.unwrap_or(0));
    let now = context.clock.now();
    if expires.is_some_and(|expires| expires < super::events::seconds(now)) {
        return Ok(());
    }
    let Some(to) =
        Addressed::read(command.destination.clone(), command.pattern.as_deref(), command.matcher.as_deref())
    else {
        return Ok(());
    };
    let nodes = Nodes::load(context).await?;
    let addressed = nodes.addressed(&to);
    // Other workers on the broker are asked by their names, too; what is for all is for Berth itself.
    if addressed.is_empty() && (command.destination.is_some() || command.pattern.is_some()) {
        return Ok(());
    }
    let key = key(&command, clock, message);
    // Every replica hears every command; of those that reserve it, one does so first.
    match context.store.reserve("celery", namespace, &key, "", now).await? {
        Reservation::Go { again: false, .. } => {}
        _ => return Ok(()),
    }
    let asked = Asked { context, namespace, nodes: &nodes, addressed: &addressed, command: &command };
    for (node, answer) in asked.answers().await? {
        let Some(reply_to) = command.reply_to.as_ref().filter(|to| may_reply(to, namespace)) else {
            continue;
        };
        let clock = Some(context.lamport.tick());
        let reply = Reply { node: node.name.clone(), answer, ticket: command.ticket.clone(), clock };
        context.broker.reply(reply_to, control::encode_reply(&reply)).await?;
    }
    Ok(())
}

/// Whether a reply may go there. The sender names the place: what it may not write to itself, it must not have us write to.
fn may_reply(to: &ReplyTo, namespace: &str) -> bool {
    to.exchange == control::replies(namespace)
}

/// What a command is recognized by when another replica hears it.
fn key(command: &Command, clock: Option<u64>, message: &Message) -> String {
    command.ticket.clone().filter(|ticket| ticket.len() <= 64).unwrap_or_else(|| {
        let mut digest = Sha256::new();
        digest.update(clock.unwrap_or(0).to_be_bytes());
        digest.update(&message.body);
        digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    })
}

/// A command that is to be answered.
pub(super) struct Asked<'a> {
    pub(super) context: &'a Context,
    /// The namespace that it came in: who asks.
    pub(super) namespace: &'a str,
    /// All nodes.
    pub(super) nodes: &'a Nodes,
    /// Those that it is for.
    pub(super) addressed: &'a [&'a Node],
    command: &'a Command,
}

impl<'a> Asked<'a> {
    /// Each node's answer; none where Celery's workers give none.
    async fn answers(&self) -> Result<Vec<(&'a Node, Value)>, Error> {
        let method = current(&self.command.method);
        let all_say = |answer: Value| self.addressed.iter().map(|node| (*node, answer.clone())).collect();
        match class(method) {
            None => Ok(all_say(error("KeyError", &self.command.method))),
            Some(Class::Process) => Ok(all_say(error(
                "ValueError",
                &format!(
                    "{method} is about a worker's process: an agent of Berth has none that it could be asked of"
                ),
            ))),
            Some(Class::Look) => inspect::answers(self, method).await,
            Some(Class::Change) => match self.refusal(method) {
                Some(why) => Ok(all_say(error("PermissionError", &why))),
                None => change::answers(self, method).await,
            },
        }
    }

    /// Why it may not change anything.
    fn refusal(&self, method: &str) -> Option<String> {
        let settings = &self.context.celery;
        if settings.control != Control::All {
            return Some(format!("{method} is not allowed: celery_control is not `all`"));
        }
        let is_allowed = settings.principals.contains(self.namespace);
        (!is_allowed).then(|| {
            format!("{method} is not allowed to `{}`: celery_principals names others", self.namespace)
        })
    }

    pub(super) fn argument(&self, name: &str) -> &'a Value {
        const NONE: &Value = &Value::Null;
        self.command
            .arguments
            .as_ref()
            .and_then(|arguments: &'a Map<String, Value>| arguments.get(name))
            .unwrap_or(NONE)
    }

    /// Flags come as booleans, numbers and nulls.
    pub(super) fn flag(&self, name: &str) -> bool {
        match self.argument(name) {
            Value::Bool(flag) => *flag,
            Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
            Value::Null => false,
            Value::String(text) => !text.is_empty(),
            Value::Array(_) | Value::Object(_) => true,
        }
    }

    /// A text, or each of a list of them.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        match self.argument(name) {
            Value::String(text) => vec![text.clone()],
            Value::Array(texts) => texts.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        }
    }
}

pub(super) fn ok(text: &str) -> Value {
    json!({ "ok": text })
}

/// An error, as Celery's workers show exceptions.
pub(super) fn error(class: &str, message: &str) -> Value {
    json!({ "error": format!("{class}({})", repr(&json!(message))) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_of_celerys_own_is_known() {
        let own = [
            "active",
            "active_queues",
            "add_consumer",
            "autoscale",
            "cancel_consumer",
            "clock",
            "conf",
            "disable_events",
            "enable_events",
            "heartbeat",
            "hello",
            "memdump",
            "memsample",
            "objgraph",
            "ping",
            "pool_grow",
            "pool_restart",
            "pool_shrink",
            "query_task",
            "rate_limit",
            "registered",
            "report",
            "reserved",
            "revoke",
            "revoke_by_stamped_headers",
            "revoked",
            "scheduled",
            "shutdown",
            "stats",
            "terminate",
            "time_limit",
            "dump_active",
            "dump_conf",
            "dump_reserved",
            "dump_revoked",
            "dump_schedule",
            "dump_tasks",
        ];
        let unknown: Vec<_> = own.iter().filter(|method| class(current(method)).is_none()).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
        assert_eq!(class("no_such_cmd"), None);
    }

    #[test]
    fn what_berth_commands_workers_itself_is_known_from_what_others_command() {
        let command: Command = serde_json::from_value(json!({ "method": "revoke" })).unwrap();
        let received = Received { command, clock: None, expires: None };
        assert!(control::is_own(&control::encode_own(&received)));
        assert!(!control::is_own(&control::encode(&received)));
    }

    #[test]
    fn a_reply_goes_to_the_namespaces_own_exchange_only() {
        let to =
            |exchange: &str| ReplyTo { exchange: exchange.to_owned(), routing_key: "berth.a.out".to_owned() };
        assert!(may_reply(&to("reply.celery.pidbox"), "celery"));
        for other in ["", "berth.a.out", "berth.wake", "reply.ops.pidbox"] {
            assert!(!may_reply(&to(other), "celery"), "{other}");
        }
    }

    #[test]
    fn an_error_is_what_python_shows() {
        assert_eq!(error("KeyError", "no_such_cmd"), json!({ "error": "KeyError('no_such_cmd')" }));
    }
}

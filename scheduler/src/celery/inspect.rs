//! What Celery's tools look at, answered from the store in the shapes of a worker's answers.

use std::collections::BTreeMap;

use berth_broker::celery::repr::{repr, repr_tuple};
use berth_broker::offer::TASK;
use berth_domain::id::{AgentId, RunId};
use berth_domain::lifecycle::Status;
use berth_store::Run;
use serde_json::{Value, json};
use std::time::Duration;

use super::commands::{Asked, ok};
use super::events::{of_worker, seconds, shown_arguments};
use super::nodes::{Node, Nodes};
use super::speaker::Note;
use crate::context::Context;
use crate::outbox::Error;

/// The most runs that an answer lists for an agent: what is asked every few seconds must stay small.
const MOST: u32 = 1_000;
/// For how long a stopped run counts as revoked: as long as Celery's workers remember.
const REMEMBERED: Duration = Duration::from_secs(10_800);

/// Each node's answer.
pub(super) async fn answers<'a>(asked: &Asked<'a>, method: &str) -> Result<Vec<(&'a Node, Value)>, Error> {
    let context = asked.context;
    let all_say = |answer: Value| asked.addressed.iter().map(|node| (*node, answer.clone())).collect();
    let each =
        |answer: &dyn Fn(&Node) -> Value| asked.addressed.iter().map(|node| (*node, answer(node))).collect();
    Ok(match method {
        "ping" => all_say(ok("pong")),
        "clock" => all_say(json!({ "clock": context.lamport.tick() })),
        "registered" => all_say(json!([TASK])),
        "conf" => all_say(conf(context)),
        "report" => each(&|node| ok(&report(context, node))),
        "stats" => {
            let note = Note::last(context).await?;
            each(&|node| stats(context, &note, asked.nodes, node))
        }
        "active" | "reserved" | "scheduled" => of_runs(asked, method).await?,
        "active_queues" => active_queues(asked).await?,
        "query_task" => query(asked).await?,
        "revoked" => all_say(json!(revoked(context).await?)),
        "hello" => {
            let revoked = revoked(context).await?;
            let from = asked.argument("from_node").as_str();
            each(&|node| match from {
                Some(from) if from == node.name => Value::Null,
                _ => json!({ "revoked": revoked, "clock": context.lamport.tick() }),
            })
        }
        "enable_events" => {
            let was = context.store.set_celery_events(true).await?;
            all_say(ok(if was { "task events already enabled" } else { "task events enabled" }))
        }
        "disable_events" => {
            let was = context.store.set_celery_events(false).await?;
            all_say(ok(if was { "task events disabled" } else { "task events already disabled" }))
        }
        "heartbeat" => {
            let now = context.clock.now();
            let beats = asked.addressed.iter().map(|node| {
                let mut beat = of_worker("worker-heartbeat", &node.name, now, node.replica.live, 0);
                beat.clock = Some(context.lamport.tick());
                beat
            });
            context.broker.emit(&beats.collect::<Vec<_>>()).await?;
            all_say(Value::Null)
        }
        _ => Vec::new(),
    })
}

/// A run, as a worker's request.
fn request(context: &Context, run: &Run, node: &str, is_safe: bool) -> Value {
    let queue = match (&run.agent, &run.queue) {
        (Some(agent), Some(queue)) => context.names.offers(agent, queue).queue,
        _ => String::new(),
    };
    let kwargs = Value::Object(shown_arguments(run));
    let (args, kwargs) =
        if is_safe { (json!(repr_tuple(&[])), json!(repr(&kwargs))) } else { (json!([]), kwargs) };
    json!({
        "id": run.id.uuid().to_string(),
        "name": TASK,
        "args": args,
        "kwargs": kwargs,
        "type": TASK,
        "hostname": node,
        "time_start": run.started_at.map(seconds),
        "acknowledged": run.status() != Status::Scheduled,
        "delivery_info": { "exchange": "", "routing_key": queue, "priority": 0, "redelivered": false },
        "worker_pid": null,
    })
}

async fn of_runs<'a>(asked: &Asked<'a>, method: &str) -> Result<Vec<(&'a Node, Value)>, Error> {
    let (context, is_safe) = (asked.context, asked.flag("safe"));
    let mut by_node: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (agent, _) in agents(asked.addressed) {
        let runs = if method == "scheduled" {
            context.store.runs_due_at(agent, MOST).await?
        } else {
            context.store.runs_at(agent, MOST).await?
        };
        for run in runs {
            let is_offered = run.status() == Status::Scheduled;
            if (method == "active" && is_offered) || (method == "reserved" && !is_offered) {
                continue;
            }
            let Some(node) = asked.nodes.of(&run).map(|node| node.name.clone()) else { continue };
            let request = request(context, &run, &node, is_safe);
            let item = match (method, run.dispatch.wake_at()) {
                ("scheduled", Some(due)) => {
                    json!({ "eta": due.to_string(), "priority": 6, "request": request })
                }
                _ => request,
            };
            by_node.entry(node).or_default().push(item);
        }
    }
    let of = |node: &'a Node| (node, json!(by_node.get(&node.name).cloned().unwrap_or_default()));
    Ok(asked.addressed.iter().map(|node| of(node)).collect())
}

/// The agents of nodes, each once.
pub(super) fn agents<'a>(nodes: &[&'a Node]) -> BTreeMap<AgentId, &'a Node> {
    let mut agents = BTreeMap::new();
    for node in nodes {
        agents.entry(node.agent.id).or_insert(*node);
    }
    agents
}

async fn query<'a>(asked: &Asked<'a>) -> Result<Vec<(&'a Node, Value)>, Error> {
    let runs = asked.context.store.runs_by_id(&run_ids(&asked.texts("ids"))).await?;
    let mut by_node: BTreeMap<&str, serde_json::Map<String, Value>> = BTreeMap::new();
    for run in &runs {
        let Some(node) = asked.nodes.of(run) else { continue };
        let state = match run.status() {
            status if status.is_final() => "ready",
            Status::Scheduled => "reserved",
            status if status.is_at_agent() => "active",
            Status::OnSchedule | Status::Retrying => "scheduled",
            // It waits in the store: no worker knows of it.
            _ => continue,
        };
        let told = json!([state, request(asked.context, run, &node.name, false)]);
        by_node.entry(&node.name).or_default().insert(run.id.uuid().to_string(), told);
    }
    let of = |node: &'a Node| (node, json!(by_node.get(node.name.as_str()).cloned().unwrap_or_default()));
    Ok(asked.addressed.iter().map(|node| of(node)).collect())
}

/// Ids of tasks that can be a run's.
pub(super) fn run_ids(texts: &[String]) -> Vec<RunId> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

async fn revoked(context: &Context) -> Result<Vec<String>, Error> {
    let since = context.clock.now().minus(REMEMBERED);
    let stopped = context.store.stopped_since(since, MOST).await?;
    Ok(stopped.into_iter().map(|run| run.uuid().to_string()).collect())
}

async fn active_queues<'a>(asked: &Asked<'a>) -> Result<Vec<(&'a Node, Value)>, Error> {
    let mut answers = BTreeMap::new();
    for (agent, node) in agents(asked.addressed) {
        let queues = asked.context.store.queue_names(agent).await?;
        let queues =
            queues.values().map(|queue| asked.context.names.offers(node.agent.name.as_str(), queue).queue);
        let mut queues: Vec<String> = queues.collect();
        queues.sort_unstable();
        answers.insert(agent, json!(queues.iter().map(|queue| active_queue(queue)).collect::<Vec<_>>()));
    }
    Ok(asked
        .addressed
        .iter()
        .map(|node| (*node, answers.get(&node.agent.id).cloned().unwrap_or(json!([]))))
        .collect())
}

fn active_queue(name: &str) -> Value {
    json!({
        "name": name,
        "exchange": {
            "name": "", "type": "direct", "arguments": null, "durable": true, "passive": false,
            "auto_delete": false, "delivery_mode": null, "no_declare": true,
        },
        "routing_key": name,
        "queue_arguments": null, "binding_arguments": null, "consumer_arguments": null,
        "durable": true, "exclusive": false, "auto_delete": false, "no_ack": false, "alias": null,
        "bindings": [], "no_declare": true, "expires": null, "message_ttl": null, "max_length": null,
        "max_length_bytes": null, "max_priority": null,
    })
}

/// As a worker's, but for what only a process has: it says so where Celery does.
fn stats(context: &Context, note: &Note, nodes: &Nodes, node: &Node) -> Value {
    // Ends are counted by agent: its first node has them all.
    let is_first = nodes
        .iter()
        .find(|other| other.agent.id == node.agent.id)
        .is_some_and(|first| first.name == node.name);
    let ended = note.processed.get(node.agent.name.as_str()).filter(|_| is_first).copied().unwrap_or(0);
    let now = context.clock.now();
    let uptime = note.online.get(&node.name).map_or(0, |since| now.since(*since).as_secs());
    let total = if ended > 0 { json!({ TASK: ended }) } else { json!({}) };
    let places = node.agent.concurrency.unwrap_or(node.replica.live);
    json!({
        "total": total,
        "pid": std::process::id(),
        "clock": context.lamport.now().to_string(),
        "uptime": uptime,
        "pool": {
            "implementation": format!("berth:{}", node.replica.executor),
            "max-concurrency": places,
            "processes": (0..places).collect::<Vec<u32>>(),
            "max-tasks-per-child": "N/A",
            "put-guarded-by-semaphore": false,
            "timeouts": [0, 0],
            "writes": { "total": ended, "avg": "0.00", "all": "", "raw": "", "strategy": "fair",
                        "inqueues": { "total": 0, "active": node.replica.live } },
        },
        "broker": broker(context),
        "prefetch_count": node.replica.held_offers,
        "rusage": "N/A",
    })
}

fn broker(context: &Context) -> Value {
    let place = &context.celery.broker;
    json!({
        "hostname": place.host, "userid": place.user, "virtual_host": place.path, "port": place.port,
        "insist": false, "ssl": place.is_tls, "transport": place.transport, "connect_timeout": 4,
        "transport_options": {}, "login_method": null, "uri_prefix": null, "heartbeat": 0.0,
        "failover_strategy": "round-robin", "alternates": [], "credential_provider": null,
    })
}

fn conf(context: &Context) -> Value {
    json!({
        "broker_url": context.celery.broker.shown,
        "accept_content": ["json"], "task_serializer": "json", "result_serializer": "json",
        "enable_utc": true, "timezone": "UTC",
        "task_acks_late": true, "task_reject_on_worker_lost": true, "task_track_started": true,
        "worker_send_task_events": context.celery.events == super::EventsWhen::Always,
        "include": [], "imports": [],
    })
}

fn report(context: &Context, node: &Node) -> String {
    format!(
        "software -> berth:{} agent:{} executor:{}\nplatform -> system:{}\nbroker -> {}\nagent -> {} replica:{} live:{}",
        env!("CARGO_PKG_VERSION"),
        node.replica.release,
        node.replica.executor,
        std::env::consts::OS,
        context.celery.broker.shown,
        node.agent.name,
        node.replica.name,
        node.replica.live,
    )
}

//! What Celery's tools change: each command becomes a state in the store, which outlives every process, and an entry in
//! the audit log.

use std::collections::{BTreeMap, BTreeSet};

use berth_broker::Message;
use berth_broker::offer::TASK;
use berth_domain::id::RunId;
use berth_domain::lifecycle::{Event, step};
use berth_domain::name::QueueName;
use berth_domain::scheduling::{LimitPatch, Paused, RateLimit};
use berth_store::{Agent, AgentPatch, Audit, Decision, NewQueue, Queue, QueuePatch};
use serde_json::{Value, json};

use super::commands::{Asked, error, ok};
use super::inspect::run_ids;
use super::nodes::Node;
use crate::context::Context;
use crate::outbox::Error;

/// The most runs that one command revokes.
const MOST: usize = 1_000;

/// Each node's answer, when everything is done.
pub(super) async fn answers<'a>(asked: &Asked<'a>, method: &str) -> Result<Vec<(&'a Node, Value)>, Error> {
    let answers = match method {
        "revoke" => revoke(asked, asked.flag("terminate")).await?,
        "terminate" => revoke(asked, true).await?,
        "revoke_by_stamped_headers" => {
            let why = "revoke_by_stamped_headers is not supported: runs keep no stamps; stop them by their tags, \
                       `berth ops stop -q tags:...`";
            asked.addressed.iter().map(|node| (*node, error("ValueError", why))).collect()
        }
        _ => {
            let mut answers = Vec::new();
            for node in asked.addressed {
                if let Some(answer) = of_node(asked, method, node).await? {
                    answers.push((*node, answer));
                }
            }
            answers
        }
    };
    told(asked.context).await;
    Ok(answers)
}

/// Wakes all replicas: what waited may start now, or has to end.
async fn told(context: &Context) {
    context.wake_all();
    // A wake-up that is lost costs a moment.
    context.broker.broadcast(&context.names.wake(), Message::json("{}")).await.ok();
}

fn actor(asked: &Asked<'_>) -> String {
    format!("celery:{}", asked.namespace)
}

fn audit(asked: &Asked<'_>, action: &str, method: &str) -> Audit {
    let mut audit = Audit::new(actor(asked), action, asked.context.clock.now());
    audit.reason = Some(format!("celery control {method}"));
    audit
}

/// Stops runs; without `terminate` only those that have not started.
async fn revoke<'a>(asked: &Asked<'a>, terminate: bool) -> Result<Vec<(&'a Node, Value)>, Error> {
    let context = asked.context;
    let named = asked.texts("task_id");
    let mut ids = run_ids(&named);
    ids.truncate(MOST);
    let (now, by) = (context.clock.now(), actor(asked));
    let audit = audit(asked, "run.stop", "revoke");
    let stopped = context.transition(&ids, now, |head| {
        if !terminate && head.dispatch.status.is_at_agent() {
            return None;
        }
        let step = step(&head.dispatch, &Event::Stop { by: &by }, now, 0.0).ok()?;
        Some(Decision::audited(step, audit.clone()))
    });
    let stopped: BTreeSet<RunId> = stopped.await?.into_iter().map(|(run, _)| run).collect();
    let mut at: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let runs = context.store.runs_by_id(&ids).await?;
    for run in runs.iter().filter(|run| stopped.contains(&run.id)) {
        if let Some(node) = asked.nodes.of(run) {
            at.entry(&node.name).or_default().push(run.id.uuid().to_string());
        }
    }
    let answer = |node: &Node| {
        if !terminate {
            let shown: Vec<String> = named.iter().map(|id| format!("'{}'", id.replace('\'', ""))).collect();
            return ok(&format!("tasks {{{}}} flagged as revoked", shown.join(", ")));
        }
        let here = at.get(node.name.as_str()).map(|ids| ids.join(", "));
        ok(&format!("terminate: {}", here.unwrap_or_else(|| "tasks unknown".to_owned())))
    };
    Ok(asked.addressed.iter().map(|node| (*node, answer(node))).collect())
}

/// What a command does to one node's agent; none if it is answered by silence.
async fn of_node(asked: &Asked<'_>, method: &str, node: &Node) -> Result<Option<Value>, Error> {
    let agent = &node.agent;
    Ok(Some(match method {
        "rate_limit" => rate_limit(asked, agent).await?,
        "time_limit" => time_limit(asked, agent).await?,
        "add_consumer" => add_consumer(asked, agent).await?,
        "cancel_consumer" => cancel_consumer(asked, agent).await?,
        "pool_grow" | "pool_shrink" => resize(asked, method, agent).await?,
        "autoscale" => autoscale(asked, agent).await?,
        "shutdown" => {
            let hold = paused(asked, method);
            let patch = AgentPatch { cordoned: Some(true), hold: Some(Some(hold)), ..AgentPatch::default() };
            update_agent(asked, agent, patch, "agent.cordon", method).await?;
            // A worker that shuts down says nothing.
            return Ok(None);
        }
        _ => return Ok(None),
    }))
}

fn paused(asked: &Asked<'_>, method: &str) -> Paused {
    Paused { reason: format!("celery control {method}"), by: actor(asked), until: None, drain: false }
}

async fn update_agent(
    asked: &Asked<'_>,
    agent: &Agent,
    patch: AgentPatch,
    action: &str,
    method: &str,
) -> Result<(), Error> {
    let audit = audit(asked, action, method);
    asked.context.store.update_agent(&agent.owner, agent.name.as_str(), patch, &audit).await?;
    Ok(())
}

async fn update_queue(
    asked: &Asked<'_>,
    agent: &Agent,
    queue: &Queue,
    patch: QueuePatch,
    method: &str,
) -> Result<(), Error> {
    let audit = audit(asked, "queue.update", method);
    let (owner, name) = (agent.owner.as_str(), agent.name.as_str());
    asked.context.store.update_queue(owner, name, queue.name.as_str(), patch, &audit).await?;
    Ok(())
}

async fn queues(asked: &Asked<'_>, agent: &Agent) -> Result<Vec<Queue>, Error> {
    let all = asked.context.store.all_queues().await?;
    Ok(all.into_iter().filter(|queue| queue.agent_id == agent.id).collect())
}

/// Limits how often each of the agent's queues starts a run.
async fn rate_limit(asked: &Asked<'_>, agent: &Agent) -> Result<Value, Error> {
    if asked.argument("task_name").as_str() != Some(TASK) {
        return Ok(json!({ "error": "unknown task" }));
    }
    let rate = match rate(asked.argument("rate_limit")) {
        Ok(rate) => rate,
        Err(why) => return Ok(json!({ "error": format!("Invalid rate limit string: ValueError('{why}')") })),
    };
    for queue in queues(asked, agent).await? {
        let limits = LimitPatch { rate: Some(rate), ..LimitPatch::default() };
        update_queue(asked, agent, &queue, QueuePatch { limits, ..QueuePatch::default() }, "rate_limit")
            .await?;
    }
    Ok(ok(if rate.is_some() {
        "new rate limit set successfully"
    } else {
        "rate limit disabled successfully"
    }))
}

/// Celery's rate: so many per second, minute or hour; 0 or null for none.
fn rate(given: &Value) -> Result<Option<RateLimit>, String> {
    let (count, period) = match given {
        Value::Null => return Ok(None),
        Value::Number(count) => (count.as_f64().unwrap_or(0.0), 1.0),
        Value::String(text) if text.is_empty() => return Ok(None),
        Value::String(text) => {
            let (count, unit) = text.split_once('/').unwrap_or((text, "s"));
            let seconds = match unit {
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3_600.0,
                _ => return Err(format!("the unit of {text} is none of s, m and h")),
            };
            (count.trim().parse::<f64>().map_err(|_| format!("{text} has no number"))?, seconds)
        }
        _ => return Err("it is neither a text nor a number".to_owned()),
    };
    if count == 0.0 {
        return Ok(None);
    }
    if !count.is_finite() || count < 0.0 {
        return Err("it is negative".to_owned());
    }
    // Less than one start in a period is one start in a longer one.
    let (starts, period) = if count < 1.0 { (1.0, period / count) } else { (count.floor(), period) };
    let rate: Result<RateLimit, _> = format!("{starts:.0}/{:.0}s", period.round()).parse();
    rate.map(Some).map_err(|why| why.to_string())
}

/// Limits how long runs of the agent's queues run, from the next submitted one on.
async fn time_limit(asked: &Asked<'_>, agent: &Agent) -> Result<Value, Error> {
    if asked.argument("task_name").as_str() != Some(TASK) {
        return Ok(json!({ "error": "unknown task" }));
    }
    let (soft, hard) = (asked.argument("soft").as_f64(), asked.argument("hard").as_f64());
    let mut defaults = agent.defaults.clone().unwrap_or_else(|| json!({}));
    let Some(fields) = defaults.as_object_mut() else {
        return Ok(error("ValueError", "the defaults of the agent are no mapping"));
    };
    let termination = fields.entry("termination").or_insert_with(|| json!({}));
    match hard.or(soft).filter(|seconds| *seconds >= 1.0) {
        Some(seconds) => termination["timeout"] = json!(seconds.ceil() as u64),
        None => drop(termination.as_object_mut().and_then(|termination| termination.remove("timeout"))),
    }
    let patch = AgentPatch { defaults: Some(Some(defaults)), ..AgentPatch::default() };
    update_agent(asked, agent, patch, "agent.update", "time_limit").await?;
    Ok(ok("time limits set successfully"))
}

/// The queue that a command names, by its own name or by the one that it has on the broker.
fn queue_named<'a>(asked: &'a Asked<'_>, agent: &Agent) -> &'a str {
    let given = asked.argument("queue").as_str().unwrap_or_default();
    let prefix = asked.context.names.offers(agent.name.as_str(), "").queue;
    given.strip_prefix(&prefix).unwrap_or(given)
}

/// Lets a queue start runs again; makes it if there is none.
async fn add_consumer(asked: &Asked<'_>, agent: &Agent) -> Result<Value, Error> {
    let name = queue_named(asked, agent);
    match queues(asked, agent).await?.iter().find(|queue| queue.name.as_str() == name) {
        Some(queue) => {
            let patch = QueuePatch { paused: Some(None), ..QueuePatch::default() };
            update_queue(asked, agent, queue, patch, "add_consumer").await?;
        }
        None => {
            let name: QueueName = match name.parse() {
                Ok(name) => name,
                Err(why) => return Ok(error("ValueError", &format!("queue: {why}"))),
            };
            let audit = audit(asked, "queue.create", "add_consumer");
            asked.context.store.create_queue(NewQueue::named(agent.id, name), &audit).await?;
        }
    }
    Ok(ok(&format!("add consumer {}", asked.argument("queue").as_str().unwrap_or_default())))
}

/// Pauses a queue.
async fn cancel_consumer(asked: &Asked<'_>, agent: &Agent) -> Result<Value, Error> {
    let name = queue_named(asked, agent);
    if let Some(queue) = queues(asked, agent).await?.iter().find(|queue| queue.name.as_str() == name) {
        let patch =
            QueuePatch { paused: Some(Some(paused(asked, "cancel_consumer"))), ..QueuePatch::default() };
        update_queue(asked, agent, queue, patch, "cancel_consumer").await?;
    }
    Ok(ok(&format!("no longer consuming from {}", asked.argument("queue").as_str().unwrap_or_default())))
}

/// Changes the agent's concurrency by so many.
async fn resize(asked: &Asked<'_>, method: &str, agent: &Agent) -> Result<Value, Error> {
    let by = asked.argument("n").as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
    // Read anew: another node of the agent may have been asked in the same command.
    let agent = asked.context.store.agent_by_id(agent.id).await?;
    let Some(known) = agent.concurrency else {
        let why = format!("agent {} has no concurrency limit that could be changed by {by}", agent.name);
        return Ok(error("ValueError", &why));
    };
    let is_growing = method == "pool_grow";
    let concurrency = if is_growing { known.saturating_add(by) } else { known.saturating_sub(by) };
    set_concurrency(asked, &agent, concurrency, method).await?;
    Ok(ok(if is_growing { "pool will grow" } else { "pool will shrink" }))
}

/// Sets the agent's concurrency to the most that is asked for: what starts is admission's word, not a pool's.
async fn autoscale(asked: &Asked<'_>, agent: &Agent) -> Result<Value, Error> {
    let number = |name: &str| asked.argument(name).as_u64().and_then(|n| u32::try_from(n).ok());
    let Some(most) = number("max") else { return Ok(error("ValueError", "max: a number is needed")) };
    set_concurrency(asked, agent, most, "autoscale").await?;
    Ok(ok(&format!("autoscale now max={most} min={}", number("min").unwrap_or(0))))
}

async fn set_concurrency(asked: &Asked<'_>, agent: &Agent, to: u32, method: &str) -> Result<(), Error> {
    let patch = AgentPatch { concurrency: Some(Some(to)), ..AgentPatch::default() };
    update_agent(asked, agent, patch, "agent.update", method).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read_as_celery_reads_it() {
        let read =
            |given: Value| rate(&given).map(|rate| rate.map(|rate| (rate.starts, rate.period.as_secs())));
        assert_eq!(read(json!("100/m")), Ok(Some((100, 60))));
        assert_eq!(read(json!("5")), Ok(Some((5, 1))));
        assert_eq!(read(json!(10)), Ok(Some((10, 1))));
        assert_eq!(read(json!(0.5)), Ok(Some((1, 2))));
        assert_eq!(read(json!("1/h")), Ok(Some((1, 3_600))));
        for none in [json!(null), json!(0), json!("0"), json!("")] {
            assert_eq!(read(none), Ok(None));
        }
        for bad in [json!("x/s"), json!("5/d"), json!(-1), json!([]), json!("0.00001/s"), json!(1e300)] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }
}

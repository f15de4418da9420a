//! Polyaxon's query language over what we know of runs: `status:running|queued, queue:eu/gpu, created_at:>2026-01-01`.

use berth_domain::id::{AgentId, QueueId};
use berth_domain::lifecycle::Status;
use berth_domain::name::QueueRef;
use berth_domain::query::{self, Clause, Condition};
use berth_domain::time::Time;
use berth_store::{Project, RunFilter, Sort, SortKey};

use super::LIVE;
use crate::app::App;
use crate::params::shown;
use crate::problem::Problem;

const FIELDS: &str = "agent, created_at, finished_at, id, kind, live_state, name, original, pending, priority, queue, reason, status, tags, updated_at, user, uuid";

/// Reads a query about the runs of a project.
///
/// # Errors
/// 400, if it makes no sense, or asks for what is not known.
pub(crate) async fn read(
    app: &App,
    owner: &str,
    project: Option<&Project>,
    query: &str,
) -> Result<RunFilter, Problem> {
    let mut filter = RunFilter {
        owner: Some(owner.to_owned()),
        project_id: project.map(|project| project.id),
        live_state: Some(LIVE),
        ..RunFilter::default()
    };
    for clause in query::parse(query).map_err(|error| Problem::query(&error))? {
        apply(app, owner, &mut filter, clause).await?;
    }
    Ok(filter)
}

async fn apply(app: &App, owner: &str, filter: &mut RunFilter, clause: Clause) -> Result<(), Problem> {
    let Clause { field, negated, condition } = clause;
    let refuse = |message: String| Err(Problem::field("query", message));
    if negated && field != "status" {
        return refuse(format!("`{field}` can't be negated; only `status` can"));
    }
    match field.as_str() {
        "status" => filter.statuses = statuses(&field, condition, negated)?,
        "kind" | "runtime" => filter.kinds = values(&field, condition)?,
        "id" | "uuid" => {
            let ids = values(&field, condition)?;
            let ids = ids.iter().map(|id| id.parse());
            filter.ids = Some(ids.collect::<Result<_, _>>().map_err(|e: berth_domain::id::InvalidId| {
                Problem::field("query", format!("{field}: {e}"))
            })?);
        }
        "name" => match condition {
            Condition::Contains(text) => filter.text = Some(text),
            other => filter.name = Some(one(&field, other)?),
        },
        "tags" => filter.tags = values(&field, condition)?,
        "created_at" => {
            let (from, until) = times(&field, condition)?;
            (filter.created_from, filter.created_until) = (from, until);
        }
        "finished_at" => {
            let (from, until) = times(&field, condition)?;
            (filter.finished_from, filter.finished_until) = (from, until);
        }
        "updated_at" => match times(&field, condition)? {
            (from, None) => filter.updated_from = from,
            _ => return refuse("`updated_at` takes `>` or `>=` only".to_owned()),
        },
        "priority" => {
            let (min, max) = priorities(&field, condition)?;
            (filter.min_priority, filter.max_priority) = (min, max);
        }
        "user" => filter.username = Some(one(&field, condition)?),
        "reason" => filter.reason = Some(one(&field, condition)?),
        "pending" => filter.pending = Some(one(&field, condition)?),
        "live_state" => {
            let text = one(&field, condition)?;
            let Ok(state @ 0..=1) = text.parse::<i32>() else {
                return refuse(format!("live_state: `{}` is neither 0 nor 1", shown(&text)));
            };
            filter.live_state = Some(state);
        }
        "original" => {
            let id = one(&field, condition)?;
            let id = id
                .parse()
                .map_err(|e: berth_domain::id::InvalidId| Problem::field("query", format!("{field}: {e}")))?;
            filter.original_id = Some(id);
        }
        "queue" => {
            let (queue, agent) = queue_at(app, owner, &one(&field, condition)?).await?;
            filter.queue_id = Some(queue);
            // It follows; both together are found at once.
            filter.agent_id.get_or_insert(agent);
        }
        "agent" => filter.agent_id = Some(agent(app, owner, &one(&field, condition)?).await?),
        other => return refuse(format!("unknown field `{}`; allowed: {FIELDS}", shown(other))),
    }
    Ok(())
}

/// The queue that a query names.
///
/// # Errors
/// 400 if there is none of that name.
pub(crate) async fn queue(app: &App, owner: &str, name: &str) -> Result<QueueId, Problem> {
    queue_at(app, owner, name).await.map(|(queue, _)| queue)
}

async fn queue_at(app: &App, owner: &str, name: &str) -> Result<(QueueId, AgentId), Problem> {
    let asked: QueueRef = name.parse().map_err(|error: berth_domain::name::InvalidName| {
        Problem::field("query", format!("queue: {error}"))
    })?;
    let places = app.directory.places(&app.store, owner, app.wake.settings(), false).await?;
    places.queue(&asked).map(|queue| (queue.id, queue.agent_id)).ok_or_else(|| {
        let message = format!("queue `{name}` does not exist; there are: {}", places.names());
        Problem::field("query", message)
    })
}

/// The agent that a query names.
///
/// # Errors
/// 400 if there is none of that name.
pub(crate) async fn agent(app: &App, owner: &str, name: &str) -> Result<AgentId, Problem> {
    let places = app.directory.places(&app.store, owner, app.wake.settings(), false).await?;
    let agent = places.agents.iter().find(|agent| agent.name.as_str() == name);
    agent
        .map(|agent| agent.id)
        .ok_or_else(|| Problem::field("query", format!("agent `{}` does not exist", shown(name))))
}

fn values(field: &str, condition: Condition) -> Result<Vec<String>, Problem> {
    match condition {
        Condition::In(values) => Ok(values),
        _ => Err(Problem::field("query", format!("`{field}` takes values, such as `{field}:a|b`"))),
    }
}

/// The one value that a condition names.
///
/// # Errors
/// 400 if it names none or several.
pub(crate) fn one(field: &str, condition: Condition) -> Result<String, Problem> {
    match condition {
        Condition::In(values) if values.len() == 1 => Ok(values.into_iter().next().unwrap_or_default()),
        _ => Err(Problem::field("query", format!("`{field}` takes one value"))),
    }
}

fn statuses(field: &str, condition: Condition, negated: bool) -> Result<Vec<Status>, Problem> {
    let mut found = Vec::new();
    for value in values(field, condition)? {
        let status = value.parse::<Status>().map_err(|_| {
            let all: Vec<&str> = Status::ALL.iter().map(|status| status.as_str()).collect();
            let message = format!("`{}` is not a status; there are: {}", shown(&value), all.join(", "));
            Problem::field("query", message)
        })?;
        found.push(status);
    }
    if negated {
        found = Status::ALL.into_iter().filter(|status| !found.contains(status)).collect();
    }
    Ok(found)
}

/// A span of time: from, and until (exclusive). A day stands for its midnight, UTC.
///
/// # Errors
/// 400 if the condition is no span of times.
pub(crate) fn times(field: &str, condition: Condition) -> Result<(Option<Time>, Option<Time>), Problem> {
    let Condition::Range { from, to } = condition else {
        return Err(Problem::field(
            "query",
            format!("`{field}` takes a span, such as `{field}:>2026-01-31`"),
        ));
    };
    let micro = std::time::Duration::from_micros(1);
    let moment = |bound: &query::Bound, later: bool| {
        time(field, &bound.value).map(|time| if later { time.plus(micro) } else { time })
    };
    let from = from.map(|bound| moment(&bound, !bound.included)).transpose()?;
    let to = to.map(|bound| moment(&bound, bound.included)).transpose()?;
    Ok((from, to))
}

fn time(field: &str, text: &str) -> Result<Time, Problem> {
    let full = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.replace(' ', "T") };
    let zoned = if full.len() == 19 { format!("{full}Z") } else { full };
    Time::parse(&zoned).map_err(|error| Problem::field("query", format!("{field}: {error}")))
}

fn priorities(field: &str, condition: Condition) -> Result<(Option<u8>, Option<u8>), Problem> {
    let number = |text: &str| match text.parse::<u8>() {
        Ok(number @ 0..=9) => Ok(number),
        _ => Err(Problem::field("query", format!("{field}: `{}` is not a number from 0 to 9", shown(text)))),
    };
    match condition {
        Condition::Range { from, to } => {
            let from = from.map(|bound| number(&bound.value).map(|n| if bound.included { n } else { n + 1 }));
            let to = to.map(|bound| {
                number(&bound.value).map(|n| if bound.included { n } else { n.saturating_sub(1) })
            });
            Ok((from.transpose()?, to.transpose()?))
        }
        other => {
            let only = number(&one(field, other)?)?;
            Ok((Some(only), Some(only)))
        }
    }
}

/// Reads `sort`: one field, `-` before it for the largest first.
///
/// # Errors
/// 400, if runs can't be sorted so.
pub(crate) fn sort(text: Option<&str>) -> Result<Sort, Problem> {
    let Some(text) = text else { return Ok(Sort::default()) };
    // The stock client can send a comma list: equal ones are sorted by id anyway, so the first field decides.
    let first = text.split(',').next().unwrap_or_default().trim();
    let (name, descending) = first.strip_prefix('-').map_or((first, false), |name| (name, true));
    let key = match name {
        "created_at" => SortKey::CreatedAt,
        "updated_at" => SortKey::UpdatedAt,
        "started_at" => SortKey::StartedAt,
        "finished_at" => SortKey::FinishedAt,
        "name" => SortKey::Name,
        "priority" => SortKey::Priority,
        other => {
            let allowed = "created_at, finished_at, name, priority, started_at, updated_at";
            return Err(Problem::field(
                "sort",
                format!("runs can't be sorted by `{}`; allowed: {allowed}", shown(other)),
            ));
        }
    };
    Ok(Sort { key, descending })
}

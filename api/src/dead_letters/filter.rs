//! Polyaxon's query language over dead letters: `reason:poison, queue:eu/gpu, last_at:>2026-01-01`.

use berth_domain::dead_letter::UnknownReason;
use berth_domain::query;
use berth_store::DeadLetterFilter;

use crate::app::App;
use crate::params::shown;
use crate::problem::Problem;
use crate::runs::filter::{agent, one, queue, times};

/// Reads a query about an organization's dead letters.
///
/// # Errors
/// 400, if it makes no sense, or asks for what is not known.
pub(super) async fn read(app: &App, owner: &str, query: &str) -> Result<DeadLetterFilter, Problem> {
    let mut filter = DeadLetterFilter { owner: owner.to_owned(), ..DeadLetterFilter::default() };
    for clause in query::parse(query).map_err(|error| Problem::query(&error))? {
        let field = clause.field.as_str();
        if clause.negated {
            return Err(Problem::field("query", format!("`{}` can't be negated here", shown(field))));
        }
        match field {
            "reason" => {
                let reason = one(field, clause.condition)?;
                let reason = reason
                    .parse()
                    .map_err(|error: UnknownReason| Problem::field("query", format!("{field}: {error}")))?;
                filter.reason = Some(reason);
            }
            "agent" => filter.agent_id = Some(agent(app, owner, &one(field, clause.condition)?).await?),
            "queue" => filter.queue_id = Some(queue(app, owner, &one(field, clause.condition)?).await?),
            "run" => {
                let run = one(field, clause.condition)?;
                let run = run.parse().map_err(|error: berth_domain::id::InvalidId| {
                    Problem::field("query", format!("{field}: {error}"))
                })?;
                filter.run_id = Some(run);
            }
            "last_at" => (filter.from, filter.until) = times(field, clause.condition)?,
            other => {
                let message =
                    format!("unknown field `{}`; allowed: agent, last_at, queue, reason, run", shown(other));
                return Err(Problem::field("query", message));
            }
        }
    }
    Ok(filter)
}

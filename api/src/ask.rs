//! Asks an agent, through the broker, for what it alone can see: the logs and objects of its runs, and what they left.

use axum::http::StatusCode;
use berth_broker::{Error as BrokerError, Message, ReplyError, ReplyStream, RequestOptions};
use berth_domain::protocol::VERSION;
use berth_domain::protocol::logs::{Request, RequestBody};
use berth_store::Run;

use crate::app::App;
use crate::problem::Problem;

/// A replica of a run's agent that can be asked.
pub(crate) struct Source<'a> {
    app: &'a App,
    agent: String,
    replica: String,
}

impl<'a> Source<'a> {
    /// A live replica of the agent that the run is at.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) async fn of(app: &'a App, run: &Run) -> Result<Self, Problem> {
        let (Some(agent), Some(id)) = (run.agent.clone(), run.agent_id) else {
            return Err(Problem::new(
                StatusCode::NOT_FOUND,
                "the run's agent was deleted, and what it had of the run with it",
            ));
        };
        let now = app.clock.now();
        let replicas = app.store.replicas(id).await?;
        let claimed_by = run.dispatch.claim.as_ref().map(|claim| claim.replica.as_str());
        let mut alive: Vec<_> = replicas.into_iter().filter(|replica| replica.lease_until > now).collect();
        // The one that claimed it first: replicas of other executors may not see each other's files.
        alive.sort_by_key(|replica| Some(replica.name.as_str()) != claimed_by);
        let Some(replica) = alive.into_iter().next() else { return Err(away(&agent)) };
        Ok(Self { app, agent, replica: replica.name })
    }

    /// The agent's name.
    pub(crate) fn agent(&self) -> &str {
        &self.agent
    }

    /// Asks; the answer comes while it is read.
    ///
    /// # Errors
    /// If it can't be asked.
    pub(crate) async fn ask(&self, body: RequestBody) -> Result<ReplyStream, Problem> {
        let text = serde_json::to_vec(&Request { version: VERSION, body })
            .map_err(|error| Problem::internal(&error))?;
        let control = self.app.names.control(&self.agent, &self.replica);
        let reply = self.app.names.reply(&self.agent, &self.app.replica);
        let options = RequestOptions { ttl: self.app.limits.agent_timeout, ..RequestOptions::default() };
        let asked = self.app.requests_broker.request(&control, &reply, Message::json(text), options).await;
        asked.map_err(|error| match error {
            BrokerError::NoSuchQueue { .. } => away(&self.agent),
            other => Problem::unavailable(format!("the agent can't be asked: {other}")),
        })
    }

    /// Why an answer did not come to its end, in the agent's words if it said why.
    pub(crate) fn unanswered(&self, error: &ReplyError) -> Problem {
        let agent = &self.agent;
        match error {
            ReplyError::Failed(text) => Problem::unavailable(format!("agent `{agent}` says: {text}")),
            ReplyError::Timeout { .. } => away(agent),
            other => Problem::unavailable(format!("agent `{agent}` did not answer in full: {other}")),
        }
    }
}

fn away(agent: &str) -> Problem {
    Problem::unavailable(format!(
        "agent `{agent}` is away; what it has of the run can be read when it is back"
    ))
}

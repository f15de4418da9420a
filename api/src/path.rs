//! What a path names: an organization, an agent or a project of it, a queue or a run of these.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use berth_domain::access::Resource;
use berth_domain::id::RunId;
use berth_domain::name::DEFAULT;

use crate::problem::Problem;

/// `{owner}`.
#[derive(Debug, Clone)]
pub(crate) struct InOwner {
    pub owner: String,
}

/// `{owner}/agents/{agent}`, by uuid or by name. Whether there is such an agent is found out by whoever looks.
#[derive(Debug, Clone)]
pub(crate) struct InAgent {
    pub owner: String,
    pub agent: String,
}

/// `{owner}/agents/{agent}/queues/{queue}`, each by uuid or by name.
#[derive(Debug, Clone)]
pub(crate) struct InQueue {
    pub owner: String,
    pub agent: String,
    pub queue: String,
}

/// `{owner}/{project}`. Whether there is such a project is found out by whoever looks.
#[derive(Debug, Clone)]
pub(crate) struct InProject {
    pub owner: String,
    pub project: String,
}

/// `{owner}/{project}/runs/{uuid}`.
#[derive(Debug, Clone)]
pub(crate) struct InRun {
    pub owner: String,
    pub project: String,
    pub run: RunId,
}

impl InOwner {
    pub(crate) fn resource(&self) -> Resource<'_> {
        Resource::Organization(&self.owner)
    }
}

impl InAgent {
    pub(crate) fn resource(&self) -> Resource<'_> {
        Resource::Organization(&self.owner)
    }
}

impl InQueue {
    pub(crate) fn resource(&self) -> Resource<'_> {
        Resource::Organization(&self.owner)
    }
}

impl InProject {
    pub(crate) fn resource(&self) -> Resource<'_> {
        Resource::Project { owner: &self.owner, name: &self.project }
    }
}

impl InRun {
    pub(crate) fn resource(&self) -> Resource<'_> {
        Resource::Project { owner: &self.owner, name: &self.project }
    }
}

async fn named<S: Send + Sync>(parts: &mut Parts, state: &S, names: &[&str]) -> Result<Vec<String>, Problem> {
    let params = RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| Problem::bad_request("the path is not valid percent-encoded UTF-8"))?;
    let value = |name: &&str| {
        params.iter().find(|(found, _)| found == name).map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    let values: Vec<String> = names.iter().map(value).collect();
    if let Some(owner) = values.first()
        && owner != DEFAULT
    {
        return Err(Problem::not_found("organization", crate::params::shown(owner)));
    }
    Ok(values)
}

impl<S: Send + Sync> FromRequestParts<S> for InOwner {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let mut values = named(parts, state, &["owner"]).await?.into_iter();
        Ok(Self { owner: values.next().unwrap_or_default() })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for InAgent {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let mut values = named(parts, state, &["owner", "agent"]).await?.into_iter();
        Ok(Self { owner: values.next().unwrap_or_default(), agent: values.next().unwrap_or_default() })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for InQueue {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let mut values = named(parts, state, &["owner", "agent", "queue"]).await?.into_iter();
        let (owner, agent) = (values.next().unwrap_or_default(), values.next().unwrap_or_default());
        Ok(Self { owner, agent, queue: values.next().unwrap_or_default() })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for InProject {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let mut values = named(parts, state, &["owner", "project"]).await?.into_iter();
        Ok(Self { owner: values.next().unwrap_or_default(), project: values.next().unwrap_or_default() })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for InRun {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let mut values = named(parts, state, &["owner", "project", "uuid"]).await?.into_iter();
        let (owner, project) = (values.next().unwrap_or_default(), values.next().unwrap_or_default());
        let text = values.next().unwrap_or_default();
        let run = text.parse().map_err(|_| Problem::not_found("run", crate::params::shown(&text)))?;
        Ok(Self { owner, project, run })
    }
}

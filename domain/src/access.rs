//! Who may do what: one total function beside the data. A new [`Action`] does not compile until somebody decides
//! who may do it.
//!
//! Roles and teams of people come later; what is here are access tokens and their scopes, and the one open
//! installation there is: `berth up` on a loopback address.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::TokenId;

/// What a token is good for. Each includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Look at everything but tokens.
    Read,
    /// Submit and change runs, and projects.
    Write,
    /// Agents, queues, tokens, and what goes against the rules.
    Admin,
}

/// The text is not a scope.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a scope: use read, write or admin")]
pub struct UnknownScope(String);

impl Scope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| UnknownScope(text.chars().take(64).collect()))
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// Whoever sits at the machine of an open installation.
    Open,
    /// The bearer of a token.
    Token {
        /// Which.
        id: TokenId,
        /// Its name.
        name: String,
        /// What it is good for: the largest of its scopes.
        scope: Scope,
    },
}

impl Principal {
    /// The name that runs, conditions and the audit log show.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Open => "local",
            Self::Token { name, .. } => name,
        }
    }

    const fn scope(&self) -> Scope {
        match self {
            Self::Open => Scope::Admin,
            Self::Token { scope, .. } => *scope,
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// See a project, a run, its statuses, logs and explanation, an agent, a queue, or events.
    View,
    /// See numbers of the installation.
    ViewMetrics,
    /// Create or change a project.
    ChangeProject,
    /// Delete a project with all that is in it.
    DeleteProject,
    /// Submit a run, or clone one.
    SubmitRun,
    /// Change a run's name, tags, outputs and the like, or report a status of a run that Berth doesn't manage.
    ChangeRun,
    /// Stop, skip or approve a run.
    SteerRun,
    /// Delete a run.
    DeleteRun,
    /// Set a status against the edge table.
    ForceStatus,
    /// Create, change or delete an agent.
    ManageAgents,
    /// Create, change, pause or delete a queue.
    ManageQueues,
    /// Create, change or delete a saved preset.
    ManagePresets,
    /// See, create or revoke tokens.
    ManageTokens,
    /// See, replay or drop dead letters.
    ManageDeadLetters,
    /// See the audit log.
    ViewAudit,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::View,
        Self::ViewMetrics,
        Self::ChangeProject,
        Self::DeleteProject,
        Self::SubmitRun,
        Self::ChangeRun,
        Self::SteerRun,
        Self::DeleteRun,
        Self::ForceStatus,
        Self::ManageAgents,
        Self::ManageQueues,
        Self::ManagePresets,
        Self::ManageTokens,
        Self::ManageDeadLetters,
        Self::ViewAudit,
    ];

    /// What a token needs for it.
    #[must_use]
    pub const fn needs(self) -> Scope {
        match self {
            Self::View | Self::ViewMetrics => Scope::Read,
            Self::ChangeProject | Self::SubmitRun | Self::ChangeRun | Self::SteerRun | Self::DeleteRun => {
                Scope::Write
            }
            Self::DeleteProject
            | Self::ForceStatus
            | Self::ManageAgents
            | Self::ManageQueues
            | Self::ManagePresets
            | Self::ManageTokens
            | Self::ManageDeadLetters
            | Self::ViewAudit => Scope::Admin,
        }
    }
}

/// What it is asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource<'a> {
    /// The installation as a whole.
    Installation,
    /// An organization, with its agents and queues.
    Organization(&'a str),
    /// A project, with its runs.
    Project {
        /// Its organization.
        owner: &'a str,
        /// Its name.
        name: &'a str,
    },
}

/// The principal may not do that.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("token `{name}` has the scope `{has}`, and this needs `{needs}`")]
pub struct Forbidden {
    /// The token's name.
    pub name: String,
    /// The scope that it has.
    pub has: Scope,
    /// The scope that is needed.
    pub needs: Scope,
}

/// Decides whether `principal` may do `action` to `resource`.
///
/// Tokens are good for the whole installation so far, so the resource makes no difference yet; callers name it
/// all the same, so that roles can.
///
/// # Errors
/// If it may not.
pub fn may(principal: &Principal, action: Action, resource: Resource<'_>) -> Result<(), Forbidden> {
    match resource {
        Resource::Installation | Resource::Organization(_) | Resource::Project { .. } => {}
    }
    let (has, needs) = (principal.scope(), action.needs());
    if has >= needs { Ok(()) } else { Err(Forbidden { name: principal.name().to_owned(), has, needs }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(scope: Scope) -> Principal {
        Principal::Token { id: TokenId::new(), name: "ci".into(), scope }
    }

    #[test]
    fn a_scope_includes_the_smaller_ones_and_nothing_more() {
        let resource = Resource::Project { owner: "default", name: "p" };
        for scope in Scope::ALL {
            for action in Action::ALL {
                assert_eq!(
                    may(&token(scope), action, resource).is_ok(),
                    scope >= action.needs(),
                    "{action:?}"
                );
            }
        }
        assert!(Action::ALL.into_iter().all(|action| may(&Principal::Open, action, resource).is_ok()));
    }

    #[test]
    fn a_refusal_says_what_is_there_and_what_is_needed() {
        let refusal = may(&token(Scope::Read), Action::SubmitRun, Resource::Installation).unwrap_err();
        assert_eq!(refusal.to_string(), "token `ci` has the scope `read`, and this needs `write`");
    }

    #[test]
    fn scopes_are_read_as_they_are_written() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        assert_eq!(
            "root".parse::<Scope>().unwrap_err().to_string(),
            "`root` is not a scope: use read, write or admin"
        );
    }
}

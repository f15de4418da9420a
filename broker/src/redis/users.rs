//! Agents' users with their rights, by Redis' ACL.

use berth_broker_config::Topology;
use berth_broker_config::password::PasswordHashes;
use berth_broker_config::rights::{self, AgentUser};
use berth_broker_config::users::{Categories, FoundUsers, Kind, categories, on_redis};

use super::link::Link;
use crate::error::Error;
use crate::users::{Edit, edits, may_remove};

/// Users that could be agents'.
pub(crate) async fn found(link: &Link) -> Result<FoundUsers, Error> {
    let names = &link.core.settings.names;
    let lines: Vec<String> = link.command("listing users", ::redis::cmd("ACL").arg("LIST")).await?;
    let ours: Vec<(&str, &str)> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("user ")?.split_once(' '))
        .filter(|(name, _)| rights::agent_of_user(names, name).is_some())
        .collect();
    let mut known = Categories::new();
    for category in ours.iter().flat_map(|(_, rule)| categories(rule)) {
        if !known.contains_key(category) {
            let commands = ::redis::cmd("ACL").arg("CAT").arg(category).to_owned();
            known.insert(category.to_owned(), link.command("listing commands", &commands).await?);
        }
    }
    let users = ours.into_iter().map(|(name, rule)| (name.to_owned(), on_redis(rule, &known)));
    let kind = Kind::Redis { database: link.core.settings.database() };
    Ok(FoundUsers { kind, users: users.collect() })
}

/// Makes every user of `topology` be as it says. Whoever had come in with another password is put out.
pub(crate) async fn apply(link: &Link, topology: &Topology) -> Result<(), Error> {
    let Some((first, _)) = topology.users.first_key_value() else { return Ok(()) };
    let settings = &link.core.settings;
    let refused = |user: &str, error: Error| match error {
        error @ Error::NotConnected { .. } => error,
        error => Error::User { user: user.to_owned(), why: error.to_string() },
    };
    let found = found(link).await.map_err(|error| refused(first, error))?;
    let mut failure = None;
    for (name, edit) in edits(&settings.names, &topology.users, &found, settings.user()) {
        // One user in trouble keeps none of the others out.
        let done = match edit {
            Ok(edit) => {
                set(link, (name, &topology.users[name]), edit).await.map_err(|error| refused(name, error))
            }
            Err(error) => Err(error),
        };
        failure = failure.or(done.err());
    }
    failure.map_or(Ok(()), Err)
}

async fn set(link: &Link, (name, user): (&str, &AgentUser), edit: Edit) -> Result<(), Error> {
    let settings = &link.core.settings;
    if edit == Edit::Replace {
        delete(link, name).await?;
    }
    let rule = rights::redis_acl(&settings.names, &user.agent, &user.password.redis, settings.database());
    let mut set = ::redis::cmd("ACL");
    set.arg("SETUSER").arg(name);
    for word in rule.split(' ') {
        set.arg(word);
    }
    link.command("setting a user", &set).await
}

/// Takes a user away, with its connections; says whether there was one.
pub(crate) async fn remove(link: &Link, name: &str, only: Option<&PasswordHashes>) -> Result<bool, Error> {
    let is_there = may_remove(name, only, &found(link).await?, link.core.settings.user())?;
    if is_there {
        delete(link, name).await?;
    }
    Ok(is_there)
}

async fn delete(link: &Link, name: &str) -> Result<(), Error> {
    link.command("deleting a user", ::redis::cmd("ACL").arg("DELUSER").arg(name)).await
}

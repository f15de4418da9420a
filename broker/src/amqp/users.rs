//! Agents' users with their rights, which AMQP can't tell or change: by the management API.

use std::collections::BTreeMap;

use berth_broker_config::found::Properties;
use berth_broker_config::password::PasswordHashes;
use berth_broker_config::rights::{self, AgentUser, RabbitMqPermissions};
use berth_broker_config::users::{FoundUsers, Kind, on_rabbitmq};
use berth_broker_config::{Names, Topology};
use serde::Deserialize;
use serde_json::{Value, json};

use super::link::Link;
use super::management::Management;
use crate::error::Error;
use crate::users::{Edit, edits, may_remove};

/// Why users can't be seen or made.
pub(crate) const OFF: &str = "RabbitMQ takes users by its management API only, which is off";

#[derive(Deserialize)]
struct ListedUser {
    name: String,
    #[serde(default)]
    password_hash: String,
    /// A list since 3.9, words by commas before.
    #[serde(default)]
    tags: Value,
}

#[derive(Deserialize)]
struct ListedPermission {
    user: String,
    #[serde(flatten)]
    rights: RabbitMqPermissions,
}

/// Users that could be agents', with what they may do in the virtual host.
pub(crate) async fn found(management: &Management, names: &Names) -> Result<FoundUsers, Error> {
    let users: Vec<ListedUser> = management.get(&["users"]).await?.unwrap_or_default();
    let rights: Option<Vec<ListedPermission>> =
        management.get(&["vhosts", management.vhost(), "permissions"]).await?;
    let rights: BTreeMap<String, RabbitMqPermissions> =
        rights.into_iter().flatten().map(|listed| (listed.user, listed.rights)).collect();
    let of = |user: ListedUser| -> (String, Properties) {
        let tags = match &user.tags {
            Value::Array(tags) => tags.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
            other => other.as_str().unwrap_or_default().to_owned(),
        };
        let properties = on_rabbitmq(&user.password_hash, &tags, rights.get(&user.name));
        (user.name, properties)
    };
    let ours = |user: &ListedUser| rights::agent_of_user(names, &user.name).is_some();
    Ok(FoundUsers { kind: Kind::RabbitMq, users: users.into_iter().filter(ours).map(of).collect() })
}

/// Makes every user of `topology` be as it says. Whoever had come in with another password is put out.
pub(crate) async fn apply(link: &Link, topology: &Topology) -> Result<(), Error> {
    let Some((first, _)) = topology.users.first_key_value() else { return Ok(()) };
    let Some(management) = &link.management else {
        return Err(Error::User { user: first.clone(), why: OFF.to_owned() });
    };
    let names = &link.core.settings.names;
    let refused = |user: &str, error: &Error| Error::User { user: user.to_owned(), why: error.to_string() };
    let found = found(management, names).await.map_err(|error| refused(first, &error))?;
    let mut failure = None;
    for (name, edit) in edits(names, &topology.users, &found, link.core.settings.user()) {
        // One user in trouble keeps none of the others out.
        let done = match edit {
            Ok(edit) => set(management, names, (name, &topology.users[name]), edit)
                .await
                .map_err(|error| refused(name, &error)),
            Err(error) => Err(error),
        };
        failure = failure.or(done.err());
    }
    failure.map_or(Ok(()), Err)
}

async fn set(
    management: &Management,
    names: &Names,
    (name, user): (&str, &AgentUser),
    edit: Edit,
) -> Result<(), Error> {
    if edit == Edit::Replace {
        management.delete(&["users", name]).await?;
    }
    let rights = rights::rabbitmq(names, &user.agent);
    let hash = &user.password.rabbitmq;
    let body = json!({"password_hash": hash, "hashing_algorithm": rights::RABBITMQ_HASHING, "tags": ""});
    management.put(&["users", name], &body).await?;
    management.put(&["permissions", management.vhost(), name], &json!(rights)).await
}

/// Takes a user away, with its connections; says whether there was one.
pub(crate) async fn remove(link: &Link, name: &str, only: Option<&PasswordHashes>) -> Result<bool, Error> {
    let refused = |why: String| Error::User { user: name.to_owned(), why };
    let Some(management) = &link.management else { return Err(refused(OFF.to_owned())) };
    let found = found(management, &link.core.settings.names).await?;
    let is_there = may_remove(name, only, &found, link.core.settings.user())?;
    if is_there {
        management.delete(&["users", name]).await?;
    }
    Ok(is_there)
}

//! Makes users with their rights, which AMQP can't: by the management API.

use berth_broker_config::rights::{self, AgentUser};
use berth_broker_config::{Names, Topology};
use serde_json::json;

use super::link::Link;
use super::management::Management;
use crate::error::Error;

/// Makes every user of `topology` be as it says. A user is known by its name, and set anew each time.
pub(crate) async fn apply(link: &Link, topology: &Topology) -> Result<(), Error> {
    for (name, user) in &topology.users {
        let refused = |why: String| Error::User { user: name.clone(), why };
        let Some(management) = &link.management else {
            return Err(refused("RabbitMQ takes users by its management API only, which is off".to_owned()));
        };
        let Some(hash) = &user.rabbitmq_password_hash else {
            return Err(refused("the hash of its password for RabbitMQ is not known".to_owned()));
        };
        set(management, &link.core.settings.names, name, user, hash)
            .await
            .map_err(|error| refused(error.to_string()))?;
    }
    Ok(())
}

async fn set(
    management: &Management,
    names: &Names,
    name: &str,
    user: &AgentUser,
    hash: &str,
) -> Result<(), Error> {
    let rights = rights::rabbitmq(names, &user.agent);
    let body = json!({"password_hash": hash, "hashing_algorithm": rights::RABBITMQ_HASHING, "tags": ""});
    management.put(&["users", name], &body).await?;
    management.put(&["permissions", management.vhost(), name], &json!(rights)).await
}

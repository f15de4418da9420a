//! `berth ready`: whether a role on this machine can do its work, for whoever looks after containers without a shell.

use url::Url;

use super::Surroundings;
use crate::client::Client;
use crate::failure::{Failure, Status};
use crate::settings::{Given, Part, readiness};

/// Asks `/readyz` where the role's settings say that it listens.
///
/// # Errors
/// If it is not ready, or can't be reached.
pub async fn ask(surroundings: &Surroundings<'_>, role: Part) -> Result<(), Failure> {
    let address = readiness(&surroundings.settings(role, &Given::new())?)?;
    let host = Url::parse(&format!("http://{address}"))
        .map_err(|error| Failure::new(Status::Failed, format!("{address}: {error}")))?;
    Client::new(host, None)?.get(&["readyz"], &[]).await.map(drop)
}

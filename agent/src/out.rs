//! The agent's voice: all that a replica says goes to its agent's `out`, confirmed by the broker.

use berth_broker::{Broker, Message, Publish, PublishError};
use berth_broker_config::Address;
use berth_domain::protocol::{FromAgent, FromAgentBody, VERSION};
use uuid::Uuid;

/// Sends to the control plane.
#[derive(Debug, Clone)]
pub(crate) struct Out {
    broker: Broker,
    address: Address,
    replica: String,
}

/// Why something was not said.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("can't write the message: {0}")]
    Encode(#[from] serde_json::Error),
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl Out {
    pub(crate) fn new(broker: Broker, address: Address, replica: String) -> Self {
        Self { broker, address, replica }
    }

    /// Returns when the broker has confirmed it.
    pub(crate) async fn say(&self, body: FromAgentBody) -> Result<(), Error> {
        self.say_of(None, body).await
    }

    /// The same, of what was seen in an epoch of the store.
    pub(crate) async fn say_of(&self, epoch: Option<Uuid>, body: FromAgentBody) -> Result<(), Error> {
        let said = FromAgent { version: VERSION, replica: self.replica.clone(), epoch, body };
        let message = Message::json(serde_json::to_vec(&said)?);
        self.broker.publish(vec![Publish { to: self.address.clone(), message }]).await?;
        Ok(())
    }
}

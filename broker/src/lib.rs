//! How to talk to a broker: one [`Broker`] over three transports, and the Celery protocol on top.
//!
//! lapin and redis types stay inside [`amqp`] and [`redis`]. What must exist on a broker is described by
//! `berth-broker-config`; what a run means is `berth-domain`'s. The broker holds no truth: whatever it loses
//! is published again by whoever knows better, so nothing here retries a publish by itself.

mod amqp;
mod backoff;
pub mod broker;
pub mod celery;
pub mod connection;
pub mod consumer;
pub mod delivery;
pub mod error;
pub mod handed;
pub mod headers;
mod memory;
pub mod message;
pub mod offer;
mod redis;
pub mod request;
pub mod respond;
mod sentinels;
pub mod settings;
pub mod tls;
pub mod users;

pub use broker::{Broker, Depth, Survey};
pub use connection::Connection;
pub use consumer::{Consumer, Subscription};
pub use delivery::{AckError, Delivery, ack_many};
pub use error::{Error, PublishError};
pub use headers::Headers;
pub use message::{Message, Properties, Publish};
pub use request::{ReplyError, ReplyStream, RequestOptions};
pub use respond::{Incoming, Requests, RespondError, Responder};
pub use settings::{ManagementUrl, Scheme, Settings, SettingsError};
pub use tls::Tls;
pub use users::UserSupport;

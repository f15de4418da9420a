//! What travels: a body, a table of headers, and the properties that brokers act on.

use std::fmt;

use berth_broker_config::Address;
use bytes::Bytes;

use crate::headers::Headers;

/// One message, as any transport carries it.
#[derive(Clone, Default, PartialEq)]
pub struct Message {
    /// What brokers and clients act on.
    pub properties: Properties,
    /// The header table; numbers, texts, lists and tables pass every transport unchanged.
    pub headers: Headers,
    /// The body, opaque to transports.
    pub body: Bytes,
    /// The length of all of it, if it is so long that only its beginning was fetched, as the body. It can be reported, and
    /// not read.
    pub cut_from: Option<usize>,
}

/// AMQP's basic properties, as far as Berth and Celery use them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    /// `application/json` for everything that Berth sends.
    pub content_type: Option<String>,
    /// `utf-8` for JSON.
    pub content_encoding: Option<String>,
    /// A task's id, or a request's.
    pub correlation_id: Option<String>,
    /// The queue for the answer.
    pub reply_to: Option<String>,
    /// The broker's own scale: on RabbitMQ larger is sooner, on Redis smaller.
    pub priority: Option<u8>,
    /// RabbitMQ drops the message after this many milliseconds; Redis carries it only.
    pub expiration_ms: Option<u64>,
    /// Whether it should survive a restart of the broker.
    pub persistent: bool,
}

impl Message {
    /// A persistent JSON message with no headers.
    pub fn json(body: impl Into<Bytes>) -> Self {
        let properties = Properties {
            content_type: Some("application/json".to_owned()),
            content_encoding: Some("utf-8".to_owned()),
            persistent: true,
            ..Properties::default()
        };
        Self { properties, body: body.into(), ..Self::default() }
    }

    /// A header that is a text.
    pub fn header_text(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.as_str()
    }
}

impl fmt::Debug for Message {
    /// Shows neither the body nor headers' values: they are users' data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("properties", &self.properties)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// A message and where it goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Publish {
    /// The queue, and the exchange to reach it through.
    pub to: Address,
    /// What to send.
    pub message: Message,
}

//! What must exist: exchanges, queues and bindings, keyed by name so that two of them can be compared.
//!
//! Built by [`crate::build`], compared by [`crate::plan`], applied by `berth-broker`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::arguments::{Arguments, QueueKind};
use crate::names::Names;
use crate::policies::Policy;
use crate::rights::{self, AgentUser};

/// A set of exchanges, queues, bindings, users and policies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topology {
    /// Exchanges by name.
    pub exchanges: BTreeMap<String, Exchange>,
    /// Queues by name.
    pub queues: BTreeMap<String, Queue>,
    /// Which queue gets what an exchange is sent.
    pub bindings: BTreeSet<Binding>,
    /// Users by name; what they may do follows from whose they are ([`crate::rights`]).
    pub users: BTreeMap<String, AgentUser>,
    /// RabbitMQ's policies by name.
    pub policies: BTreeMap<String, Policy>,
}

/// How an exchange routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExchangeKind {
    /// By equal routing key.
    Direct,
    /// To every bound queue.
    Fanout,
    /// By pattern.
    Topic,
}

impl ExchangeKind {
    /// RabbitMQ's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Fanout => "fanout",
            Self::Topic => "topic",
        }
    }
}

/// A durable exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// How it routes.
    pub kind: ExchangeKind,
}

/// A durable queue that any connection with rights may use.
///
/// Berth declares no transient and no exclusive queues: RabbitMQ 4.3 refuses the first, and the second stay
/// locked to a half-open connection when their owner reconnects. Short-lived queues have `expires_ms`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Its type on RabbitMQ.
    pub kind: QueueKind,
    /// Its optional arguments.
    pub arguments: Arguments,
    /// kombu's key prefix on Redis.
    pub redis_prefix: String,
}

/// One binding; the routing key is the queue's name unless said otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Binding {
    /// From this exchange
    pub exchange: String,
    /// to this queue
    pub queue: String,
    /// for messages with this key.
    pub routing_key: String,
}

impl Topology {
    /// Adds everything of `other`; on equal names `other` holds.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.exchanges.extend(other.exchanges);
        self.queues.extend(other.queues);
        self.bindings.extend(other.bindings);
        self.users.extend(other.users);
        self.policies.extend(other.policies);
        self
    }

    /// Adds a policy.
    #[must_use]
    pub fn with_policy(mut self, (name, policy): (String, Policy)) -> Self {
        self.policies.insert(name, policy);
        self
    }

    /// Adds an agent's user.
    #[must_use]
    pub fn with_user(mut self, names: &Names, user: AgentUser) -> Self {
        self.users.insert(rights::agent_user(names, &user.agent, user.slot), user);
        self
    }

    /// Adds the queue of `address`, and, where it has an exchange, that exchange and the binding.
    #[must_use]
    pub fn with_queue(mut self, address: &Address, kind: QueueKind) -> Self {
        let arguments = Arguments { expires_ms: address.idle_expiry_ms, ..Arguments::default() };
        let queue = Queue { kind, arguments, redis_prefix: address.redis_prefix.clone() };
        self.queues.insert(address.queue.clone(), queue);
        if let Some(exchange) = &address.exchange {
            self.exchanges.insert(exchange.clone(), Exchange { kind: ExchangeKind::Direct });
            self.bindings.insert(Binding {
                exchange: exchange.clone(),
                queue: address.queue.clone(),
                routing_key: address.queue.clone(),
            });
        }
        self
    }

    /// The part that concerns one queue: itself, its bindings and their exchanges.
    #[must_use]
    pub fn of_queue(&self, queue: &str) -> Self {
        let bindings: BTreeSet<_> = self.bindings.iter().filter(|b| b.queue == queue).cloned().collect();
        let pick = |name: &String| Some((name.clone(), self.exchanges.get(name)?.clone()));
        Self {
            exchanges: bindings.iter().filter_map(|binding| pick(&binding.exchange)).collect(),
            queues: self
                .queues
                .get_key_value(queue)
                .map(|(k, v)| (k.clone(), v.clone()))
                .into_iter()
                .collect(),
            bindings,
            users: BTreeMap::new(),
            policies: BTreeMap::new(),
        }
    }
}

//! The names on a broker: one function per kind of queue, exchange and topic.
//!
//! The table in the book's chapter on the broker lists them; other people's rights and dashboards rely on
//! them, so they are added to and never renamed.

use serde::{Deserialize, Serialize};

use crate::address::Address;

/// Agent names that would collide with the control plane's own names under the prefix.
pub const RESERVED_AGENT_NAMES: [&str; 3] = ["marker", "submit", "wake"];

/// How long a replica's control queue, and a requester's reply queue, outlive their consumer.
const IDLE_EXPIRY_MS: u32 = 60_000;

/// Makes every name from one prefix (default `berth`).
///
/// Agent, queue, replica and account names contain no dot (`berth_domain::name` validates them), so no two
/// kinds of name can be the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Names {
    /// What every name begins with, without a final dot.
    pub prefix: String,
}

/// Whose a name on the broker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder<'a> {
    /// The control plane's.
    ControlPlane,
    /// An agent's, as long as there is the agent.
    Agent(&'a str),
    /// A running process's, which makes it and which it goes with; and the marker, which is made by whoever
    /// finds none.
    Replica,
}

impl Default for Names {
    fn default() -> Self {
        Self { prefix: "berth".to_owned() }
    }
}

impl Names {
    /// `<prefix>.<agent>.`: what an agent's rights are limited to, and its key prefix on Redis.
    pub fn agent_prefix(&self, agent: &str) -> String {
        format!("{}.{agent}.", self.prefix)
    }

    /// Offers of runs to an agent's queue: `<prefix>.<agent>.run.<queue>`.
    pub fn offers(&self, agent: &str, queue: &str) -> Address {
        self.of_agent(agent, &format!("run.{queue}"), None, None)
    }

    /// Receipts, desired state and requests to one replica of an agent.
    pub fn control(&self, agent: &str, replica: &str) -> Address {
        self.of_agent(agent, &format!("control.{replica}"), None, Some(IDLE_EXPIRY_MS))
    }

    /// Claims, leases and reports from an agent: an exchange and a queue of one name.
    pub fn out(&self, agent: &str) -> Address {
        self.of_agent(agent, "out", Some("out"), None)
    }

    /// Replies from an agent to one requester of the control plane, through the agent's exchange.
    pub fn reply(&self, agent: &str, requester: &str) -> Address {
        self.of_agent(agent, &format!("reply.{requester}"), Some("out"), Some(IDLE_EXPIRY_MS))
    }

    /// Wake-ups and changes between replicas of the control plane: a broadcast topic.
    pub fn wake(&self) -> Address {
        self.own("wake", Some("wake"))
    }

    /// Submissions by the Celery producers of one service account: the queue is the identity.
    pub fn submit(&self, service_account: &str) -> Address {
        self.own(&format!("submit.{service_account}"), None)
    }

    /// The durable thing whose absence shows that a broker lost its data since `token` was put there.
    pub fn marker(&self, token: &str) -> Address {
        self.own(&format!("marker.{token}"), None)
    }

    /// Whose a name is; `None` if it is not ours.
    pub fn holder<'a>(&self, name: &'a str) -> Option<Holder<'a>> {
        let rest = name.strip_prefix(self.prefix.as_str())?.strip_prefix('.')?;
        Some(match rest.split_once('.') {
            Some(("marker", _)) => Holder::Replica,
            Some(("submit", _)) | None => Holder::ControlPlane,
            Some((_, own)) if own.starts_with("control.") || own.starts_with("reply.") => Holder::Replica,
            Some((agent, _)) => Holder::Agent(agent),
        })
    }

    fn own(&self, rest: &str, exchange: Option<&str>) -> Address {
        let name = |rest: &str| format!("{}.{rest}", self.prefix);
        Address {
            queue: name(rest),
            exchange: exchange.map(name),
            redis_prefix: format!("{}.", self.prefix),
            idle_expiry_ms: None,
        }
    }

    fn of_agent(&self, agent: &str, rest: &str, exchange: Option<&str>, expiry: Option<u32>) -> Address {
        let prefix = self.agent_prefix(agent);
        Address {
            queue: format!("{prefix}{rest}"),
            exchange: exchange.map(|rest| format!("{prefix}{rest}")),
            redis_prefix: prefix,
            idle_expiry_ms: expiry,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_the_contract_says() {
        let names = Names::default();
        assert_eq!(names.offers("a", "gpu").queue, "berth.a.run.gpu");
        assert_eq!(names.control("a", "r1").queue, "berth.a.control.r1");
        assert_eq!(names.out("a").queue, "berth.a.out");
        assert_eq!(names.out("a").exchange.as_deref(), Some("berth.a.out"));
        assert_eq!(names.reply("a", "x").queue, "berth.a.reply.x");
        assert_eq!(names.reply("a", "x").exchange.as_deref(), Some("berth.a.out"));
        assert_eq!(names.wake().queue, "berth.wake");
        assert_eq!(names.submit("sa").queue, "berth.submit.sa");
    }

    #[test]
    fn every_name_tells_whose_it_is() {
        let names = Names::default();
        for (name, holder) in [
            (names.offers("a", "q").queue, Some(Holder::Agent("a"))),
            (names.out("a").queue, Some(Holder::Agent("a"))),
            (names.control("a", "r").queue, Some(Holder::Replica)),
            (names.reply("a", "x").queue, Some(Holder::Replica)),
            (names.marker("m").queue, Some(Holder::Replica)),
            (names.wake().queue, Some(Holder::ControlPlane)),
            (names.submit("sa").queue, Some(Holder::ControlPlane)),
            ("berthold.a.out".to_owned(), None),
            ("berth".to_owned(), None),
            ("celery".to_owned(), None),
        ] {
            assert_eq!(names.holder(&name), holder, "{name}");
        }
    }

    #[test]
    fn the_prefix_is_an_option() {
        let names = Names { prefix: "b2".to_owned() };
        assert_eq!(names.offers("a", "q").queue, "b2.a.run.q");
        assert_eq!(names.out("a").exchange.as_deref(), Some("b2.a.out"));
    }

    #[test]
    fn the_control_plane_publishes_offers_through_the_default_exchange() {
        assert_eq!(Names::default().offers("a", "q").exchange, None);
        assert_eq!(Names::default().control("a", "r").exchange, None);
    }
}

//! The queues of an organization as places where runs may go, and which of them fit what a run asks for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::confine::Confinement;
use super::protocol::QueueProtocol;
use super::snapshot::Paused;
use crate::compile::Routing;
use crate::feature::{Feature, Features};
use crate::id::{AgentId, QueueId};
use crate::labels::{self, Labels};
use crate::name::{DEFAULT, QueueRef};
use crate::reported::Reported;
use crate::time::Time;

/// An agent, as far as it matters for where runs go.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    /// Which.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// Whether queues that are named without an agent are its.
    pub is_default: bool,
    /// What selectors match.
    pub labels: Labels,
    /// Until when its lease holds.
    pub lease_until: Option<Time>,
    /// Whether it is known to be lost, or was never there.
    pub is_away: bool,
    /// Whether it takes nothing new.
    pub is_closed: bool,
    /// What of operations it can do; all, until it has said.
    pub can: Features,
    /// What it says of itself, once it did.
    pub reported: Option<Reported>,
}

impl Host {
    /// Whether its lease holds at `now`.
    #[must_use]
    pub fn is_live(&self, now: Time) -> bool {
        self.lease_until.is_some_and(|until| until > now)
    }

    /// Why it does not serve a namespace, as far as it has said which it serves; none if it may.
    #[must_use]
    pub fn lacks_namespace(&self, namespace: &str) -> Option<String> {
        self.reported.as_ref()?.lacks(&self.name, namespace)
    }

    /// Why it can't give a run one of these connections, as far as it has said which it has; none if it may.
    #[must_use]
    pub fn lacks_connection<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
        // What can't do connections at all says so by its features, and may come back as another release.
        let reported = self.reported.as_ref().filter(|_| self.can.has(Feature::Connections))?;
        names.into_iter().find_map(|name| reported.lacks_connection(&self.name, name))
    }
}

/// A queue as a place to go to.
#[derive(Debug, Clone, PartialEq)]
pub struct Destination {
    /// The queue.
    pub queue: QueueId,
    /// Its name in its agent.
    pub name: String,
    /// Its agent.
    pub host: Arc<Host>,
    /// By which protocol it is served.
    pub protocol: QueueProtocol,
    /// That it starts nothing for now.
    pub paused: Option<Paused>,
    /// How long a run that may go elsewhere waits here before it does; none: for ever.
    pub overflow_after: Option<Duration>,
}

impl Destination {
    /// Why nothing starts here for now, for people; none if it is open.
    #[must_use]
    pub fn closed(&self, now: Time) -> Option<String> {
        let agent = &self.host.name;
        if let Some(paused) = self.paused.as_ref().filter(|paused| paused.holds(now)) {
            return Some(format!("queue {self} is paused: {}", paused.reason));
        }
        if self.host.is_closed {
            return Some(format!("agent {agent} takes nothing new"));
        }
        self.waits_for_agent().then(|| format!("agent {agent} is away"))
    }

    /// Whether its agent is away, and nothing starts without it.
    #[must_use]
    pub fn waits_for_agent(&self) -> bool {
        self.host.is_away && self.protocol.needs_agent()
    }

    /// Whether it takes and starts runs: its agent too is live, unless it needs none.
    #[must_use]
    pub fn is_open(&self, now: Time) -> bool {
        (self.host.is_live(now) || !self.protocol.needs_agent()) && self.closed(now).is_none()
    }

    /// Whether it may be able to do what a run needs: it can, or it is away and may come back upgraded.
    #[must_use]
    pub fn may_take(&self, needs: Features, now: Time) -> bool {
        !self.host.is_live(now) || needs.without(self.host.can).is_empty()
    }

    /// Whether it is meant by that name.
    #[must_use]
    pub fn is_called(&self, name: &QueueRef) -> bool {
        let is_agent = match &name.agent {
            Some(agent) => self.host.name == agent.as_str(),
            None => self.host.is_default,
        };
        is_agent && self.name == name.queue.as_str()
    }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.host.name, self.name)
    }
}

/// What of a run decides which places fit it.
#[derive(Debug, Clone, Copy)]
pub struct Demands<'a> {
    /// What it asks for.
    pub routing: &'a Routing,
    /// What its executor must be able to do.
    pub needs: Features,
    /// What its project may use.
    pub confinement: &'a Confinement,
}

impl Demands<'_> {
    /// Whether a place that it names fits all else that it asks for.
    #[must_use]
    pub fn fit(&self, place: &Destination) -> bool {
        let Routing { agent_selector, namespace, connections, .. } = self.routing;
        let host = &place.host;
        labels::matches(agent_selector, &host.labels)
            && self.needs.without(host.can).is_empty()
            && namespace.as_ref().is_none_or(|namespace| host.lacks_namespace(namespace.as_str()).is_none())
            && host.lacks_connection(connections.iter().map(String::as_str)).is_none()
            && self.confinement.allows(&host.name, &place.name)
    }

    /// The places that it may have, the preferred first: those of `all` that it names, or the `default` queues where
    /// it names none, as far as they fit.
    ///
    /// Nothing, for a run that leaves no choice: it is where it is.
    #[must_use]
    pub fn candidates<'a>(&self, all: &'a [Destination]) -> Vec<&'a Destination> {
        let mut seen = BTreeSet::new();
        named(self.routing, all).filter(|place| self.fit(place) && seen.insert(place.queue)).collect()
    }

    /// Where it goes if it can't stay with `agent`: its first open candidate elsewhere.
    #[must_use]
    pub fn elsewhere<'a>(
        &self,
        agent: AgentId,
        all: &'a [Destination],
        now: Time,
    ) -> Option<&'a Destination> {
        self.candidates(all).into_iter().find(|place| place.is_open(now) && place.host.id != agent)
    }
}

/// The places that a run names by a list of queues, or else by a selector, in its order; fitting or not.
pub(super) fn named<'a>(routing: &Routing, all: &'a [Destination]) -> impl Iterator<Item = &'a Destination> {
    let by_name = routing.queues.iter().filter_map(|name| all.iter().find(|place| place.is_called(name)));
    let is_selected = routing.queues.is_empty() && !routing.agent_selector.is_empty();
    let by_labels = all.iter().filter(move |place| is_selected && place.name == DEFAULT);
    by_name.collect::<Vec<_>>().into_iter().chain(by_labels)
}

#[cfg(test)]
pub(super) mod tests {
    use uuid::Uuid;

    use super::*;

    pub(crate) const NOW: Time = Time::from_micros(1_000_000_000);

    /// The queue `queue` of the agent `a{agent}`, with a lease.
    pub(crate) fn place(agent: u128, queue: &str, labels: &[(&str, &str)]) -> Destination {
        let host = Host {
            id: AgentId::from_uuid(Uuid::from_u128(agent)),
            name: format!("a{agent}"),
            is_default: agent == 1,
            labels: labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            lease_until: Some(NOW.plus(Duration::from_secs(15))),
            is_away: false,
            is_closed: false,
            can: Features::of_bits(-1),
            reported: None,
        };
        Destination {
            queue: QueueId::new(),
            name: queue.into(),
            host: Arc::new(host),
            protocol: QueueProtocol::Berth,
            paused: None,
            overflow_after: Some(Duration::from_secs(60)),
        }
    }

    pub(crate) fn paused(place: Destination) -> Destination {
        let paused = Paused { reason: "upgrade".into(), by: "eve".into(), until: None, drain: false };
        Destination { paused: Some(paused), ..place }
    }

    pub(crate) fn on(place: Destination, change: impl FnOnce(&mut Host)) -> Destination {
        let mut host = Host::clone(&place.host);
        change(&mut host);
        Destination { host: Arc::new(host), ..place }
    }

    pub(crate) fn routing(queues: &[&str], selector: &[(&str, &str)]) -> Routing {
        Routing {
            queues: queues.iter().map(|queue| queue.parse().unwrap()).collect(),
            agent_selector: selector.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            ..Routing::default()
        }
    }

    #[test]
    fn a_run_goes_to_the_first_open_queue_of_those_it_asks_for_that_is_elsewhere() {
        let eu: &[(&str, &str)] = &[("region", "eu")];
        let all = [
            place(1, "default", eu),
            place(1, "fast", eu),
            place(2, "default", &[]),
            place(3, "default", eu),
            paused(place(3, "fast", eu)),
            place(4, "default", eu),
        ];
        let from = all[0].host.id;
        for (asked, found) in [
            (routing(&["default", "a2/default", "a3/default"], &[]), Some("a2/default")),
            (routing(&["default", "fast"], &[]), None),
            (routing(&["a3/fast", "a4/default"], &[]), Some("a4/default")),
            (routing(&["a9/default", "a4/slow"], &[]), None),
            (routing(&["default", "a2/default", "a3/default"], eu), Some("a3/default")),
            (routing(&[], eu), Some("a3/default")),
            (routing(&[], &[("region", "us")]), None),
            (routing(&[], &[]), None),
        ] {
            let demands =
                Demands { routing: &asked, needs: Features::default(), confinement: &Confinement::default() };
            let to = demands.elsewhere(from, &all, NOW);
            assert_eq!(to.map(ToString::to_string).as_deref(), found, "{asked:?}");
        }
    }

    #[test]
    fn a_place_that_cant_do_what_a_run_asks_for_is_no_candidate() {
        let says = |namespaces: &[&str], connections: &[&str]| Reported {
            namespaces: namespaces.iter().map(ToString::to_string).collect(),
            connections: connections
                .iter()
                .map(|name| crate::reported::ConnectionName { name: (*name).into(), kind: "s3".into() })
                .collect(),
            ..Reported::default()
        };
        let all = [
            on(place(1, "default", &[]), |host| host.can = Features::default()),
            on(place(2, "default", &[]), |host| host.reported = Some(says(&["other"], &["data"]))),
            on(place(3, "default", &[]), |host| host.reported = Some(says(&["team"], &[]))),
            on(place(4, "default", &[]), |host| host.reported = Some(says(&["team"], &["data"]))),
            place(5, "default", &[]),
        ];
        let mut asked = routing(&["a1/default", "a2/default", "a3/default", "a4/default", "a5/default"], &[]);
        asked.namespace = Some("team".parse().unwrap());
        asked.connections = vec!["data".into()];
        let needs = [Feature::Connections].into_iter().collect();
        let confinement = Confinement {
            agents: ["a1", "a2", "a3", "a4"].map(|agent| agent.parse().unwrap()).to_vec(),
            ..Confinement::default()
        };
        let demands = Demands { routing: &asked, needs, confinement: &confinement };
        let found: Vec<String> = demands.candidates(&all).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["a4/default"]);
    }
}

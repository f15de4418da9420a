//! Builds the topology that an agent, or the control plane itself, needs.

use crate::arguments::QueueKind;
use crate::names::Names;
use crate::topology::{Exchange, ExchangeKind, Topology};

/// What an agent with these queues needs: its run queues, and its way out. Replicas' control queues are
/// declared by the replicas ([`control_queue`]), reply queues by whoever asks ([`reply_queue`]).
pub fn agent<'a>(
    names: &Names,
    agent: &str,
    queues: impl IntoIterator<Item = &'a str>,
    offers: QueueKind,
) -> Topology {
    let out = Topology::default().with_queue(&names.out(agent), QueueKind::Quorum);
    queues.into_iter().fold(out, |topology, queue| topology.with_queue(&names.offers(agent, queue), offers))
}

/// Those of an agent's queues that Celery workers serve: classic, since stock workers set a prefetch for a whole channel,
/// which quorum queues refuse, and declare their queues so. Laid over [`agent`]'s.
pub fn workers<'a>(names: &Names, agent: &str, queues: impl IntoIterator<Item = &'a str>) -> Topology {
    let add =
        |topology: Topology, queue| topology.with_queue(&names.offers(agent, queue), QueueKind::Classic);
    queues.into_iter().fold(Topology::default(), add)
}

/// What one replica of an agent declares for itself.
pub fn control_queue(names: &Names, agent: &str, replica: &str) -> Topology {
    Topology::default().with_queue(&names.control(agent, replica), QueueKind::Classic)
}

/// What one requester of the control plane declares to get an agent's replies.
pub fn reply_queue(names: &Names, agent: &str, requester: &str) -> Topology {
    Topology::default().with_queue(&names.reply(agent, requester), QueueKind::Classic)
}

/// What the control plane needs for itself: the topic of wake-ups, and a queue for each service account's
/// submissions (classic: stock Celery producers declare it so, if they do).
pub fn control_plane<'a>(names: &Names, service_accounts: impl IntoIterator<Item = &'a str>) -> Topology {
    let mut topology = Topology::default();
    topology.exchanges.insert(names.wake().queue, Exchange { kind: ExchangeKind::Fanout });
    service_accounts
        .into_iter()
        .fold(topology, |topology, account| topology.with_queue(&names.submit(account), QueueKind::Classic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agents_topology_lies_wholly_under_its_prefix() {
        let topology = agent(&Names::default(), "a", ["default", "gpu"], QueueKind::Quorum);
        let names = topology.queues.keys().chain(topology.exchanges.keys());
        assert!(names.clone().all(|name| name.starts_with("berth.a.")));
        assert_eq!(topology.queues.len(), 3);
        assert_eq!(topology.bindings.len(), 1);
    }

    #[test]
    fn queues_of_celery_workers_are_classic_whatever_offers_are() {
        let names = Names::default();
        let both = agent(&names, "a", ["q", "w"], QueueKind::Quorum).with(workers(&names, "a", ["w"]));
        let kind = |queue: &str| both.queues[&names.offers("a", queue).queue].kind;
        assert_eq!((kind("q"), kind("w")), (QueueKind::Quorum, QueueKind::Classic));
    }

    #[test]
    fn reply_queues_hang_on_the_agents_own_exchange() {
        let topology = reply_queue(&Names::default(), "a", "api-1");
        let binding = topology.bindings.first().unwrap();
        assert_eq!(binding.exchange, "berth.a.out");
        assert_eq!(binding.routing_key, "berth.a.reply.api-1");
    }
}

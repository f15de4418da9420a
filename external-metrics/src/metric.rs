//! The metrics: a closed set, with the names that `/metrics` has for the same. Pure.

use berth_domain::waiting::{Load, Waiting};

/// Something that replicas are scaled by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metric {
    /// Runs that wait for nothing but their agent's hand-over.
    Admissible,
    /// Age of the oldest of them.
    AdmissibleOldest,
    /// Waiting runs, whatever holds them back.
    Backlog,
    /// Age of the oldest of them.
    Oldest,
    /// Requests that all replicas of the API answer just now.
    Requests,
}

/// Who serves the metrics, by which it is known what it can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// The API: all queues, and its own requests.
    Api,
    /// An agent: its own queues.
    Agent,
}

/// One value of a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sample<'a> {
    pub(crate) labels: Vec<(&'static str, &'a str)>,
    /// In thousandths.
    pub(crate) milli: u64,
}

impl Metric {
    /// Those that `server` can tell.
    pub(crate) fn of(server: Server) -> &'static [Self] {
        const OF_QUEUES: [Metric; 4] =
            [Metric::Admissible, Metric::AdmissibleOldest, Metric::Backlog, Metric::Oldest];
        const ALL: [Metric; 5] = {
            let [a, b, c, d] = OF_QUEUES;
            [a, b, c, d, Metric::Requests]
        };
        match server {
            Server::Api => &ALL,
            Server::Agent => &OF_QUEUES,
        }
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Admissible => "berth_queue_admissible",
            Self::AdmissibleOldest => "berth_queue_admissible_oldest_seconds",
            Self::Backlog => "berth_queue_backlog",
            Self::Oldest => "berth_queue_oldest_seconds",
            Self::Requests => "berth_http_requests_in_flight",
        }
    }

    /// The names of its labels.
    pub(crate) fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Requests => &[],
            Self::Admissible | Self::AdmissibleOldest | Self::Backlog | Self::Oldest => &["agent", "queue"],
        }
    }

    /// Whether it is an age. Autoscalers add up what they are told, which is of no use with ages.
    pub(crate) fn is_age(self) -> bool {
        match self {
            Self::AdmissibleOldest | Self::Oldest => true,
            Self::Admissible | Self::Backlog | Self::Requests => false,
        }
    }

    /// Its values in `load`.
    pub(crate) fn samples(self, load: &Load) -> Vec<Sample<'_>> {
        let of: fn(&Waiting) -> u64 = match self {
            Self::Admissible => |queue| queue.admissible.saturating_mul(1_000),
            Self::AdmissibleOldest => |queue| queue.admissible_oldest_ms,
            Self::Backlog => |queue| queue.backlog.saturating_mul(1_000),
            Self::Oldest => |queue| queue.oldest_ms,
            Self::Requests => {
                let one =
                    |requests: u64| Sample { labels: Vec::new(), milli: requests.saturating_mul(1_000) };
                return load.requests.map(one).into_iter().collect();
            }
        };
        load.queues
            .iter()
            .map(|(agent, queue)| Sample {
                labels: vec![("agent", agent.as_str()), ("queue", queue.queue.as_str())],
                milli: of(queue),
            })
            .collect()
    }
}

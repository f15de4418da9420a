//! Berth's rules: [`admit`] over a snapshot like the one that the store reads. Nothing is decided here.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use berth_domain::feature::Features;
use berth_domain::id::{Id, ProjectId, QueueId, RunId};
use berth_domain::scheduling::{
    AgentView, Candidate, Choice, Confinement, Fairness, Lane, LaneKey, Limit, Limits, ProjectView,
    QueueView, Share, Snapshot, admit,
};
use berth_domain::time::Time;
use uuid::Uuid;

use super::cluster::{Cluster, Room};
use super::trace::Run;

/// How many runs of a lane a round sees; a round after it sees the next.
const HEADS: usize = 32;

/// A lane with all that waits in it.
#[derive(Debug)]
struct Waiting {
    lane: Lane,
    runs: BTreeSet<(Reverse<u8>, Time, RunId)>,
}

/// The waiting runs.
#[derive(Debug)]
pub struct Ours {
    snapshot: Snapshot,
    lanes: Vec<Waiting>,
    /// The lane of each run of the trace; none of what waits in no queue of the cluster.
    lane_of: Vec<Option<usize>>,
}

/// An id that stands for a place in a list.
fn id<T>(place: usize) -> Id<T> {
    Id::from_uuid(Uuid::from_u128(place as u128))
}

/// The place that an id stands for.
fn place<T>(id: Id<T>) -> Option<usize> {
    usize::try_from(id.uuid().as_u128()).ok()
}

impl Ours {
    /// The rules with nothing waiting.
    #[must_use]
    pub fn new(runs: &[Run], cluster: &Cluster) -> Self {
        let mut projects: BTreeMap<&str, ProjectId> = BTreeMap::new();
        let mut known: BTreeMap<(QueueId, ProjectId, LaneKey), usize> = BTreeMap::new();
        let mut lanes = Vec::new();
        let mut lane_of = Vec::new();
        for run in runs {
            let next = id(projects.len());
            let project = *projects.entry(&run.project).or_insert(next);
            lane_of.push(cluster.queue(&run.queue).map(|queue| {
                let key =
                    LaneKey { user: run.user.clone(), demand: run.demand.clone(), ..LaneKey::default() };
                *known.entry((id(queue), project, key.clone())).or_insert_with(|| {
                    lanes.push(Waiting {
                        lane: lane(id(queue), project, key, run, cluster),
                        runs: BTreeSet::new(),
                    });
                    lanes.len() - 1
                })
            }));
        }
        Self { snapshot: nothing_waits(cluster, &projects), lanes, lane_of }
    }

    /// Lines up a run.
    pub fn submit(&mut self, run: usize, of: &Run) {
        if let Some(lane) = self.lane_of[run] {
            self.lanes[lane].runs.insert((Reverse(of.priority), of.submitted, id(run)));
        }
    }

    /// What the next round admits, with `room` used; empty, if nothing may start. The runs have left the line.
    pub fn choose(&mut self, now: Time, room: &Room) -> Vec<usize> {
        self.look(now, room);
        let Choice { starts, fairness } = admit(&self.snapshot, usize::MAX);
        for (queue, fairness) in fairness {
            if let Some(queue) = self.snapshot.queues.iter_mut().find(|other| other.id == queue) {
                queue.fairness = fairness;
            }
        }
        let chosen: BTreeSet<RunId> = starts.iter().map(|start| start.run).collect();
        for waiting in &mut self.lanes {
            while waiting.runs.first().is_some_and(|(_, _, run)| chosen.contains(run)) {
                waiting.runs.pop_first();
            }
        }
        starts.into_iter().filter_map(|start| place(start.run)).collect()
    }

    /// Takes the snapshot of this moment.
    fn look(&mut self, now: Time, room: &Room) {
        self.snapshot.now = now;
        for agent in &mut self.snapshot.agents {
            agent.limits = room.agent.clone();
        }
        for (queue, limits) in self.snapshot.queues.iter_mut().zip(&room.queues) {
            queue.limits = limits.clone();
        }
        self.snapshot.lanes =
            self.lanes.iter().filter(|waiting| !waiting.runs.is_empty()).map(Waiting::heads).collect();
    }
}

impl Waiting {
    fn heads(&self) -> Lane {
        let candidate = |(Reverse(priority), queued_at, run): &(Reverse<u8>, Time, RunId)| Candidate {
            run: *run,
            priority: *priority,
            queued_at: *queued_at,
        };
        Lane {
            heads: self.runs.iter().take(HEADS).map(candidate).collect(),
            has_more: self.runs.len() > HEADS,
            ..self.lane.clone()
        }
    }
}

fn lane(queue: QueueId, project: ProjectId, key: LaneKey, run: &Run, cluster: &Cluster) -> Lane {
    Lane {
        queue,
        project,
        pipelines: Vec::new(),
        share: key.share(&cluster.sharing.fairness, &run.project),
        demand: key.demand,
        namespace: key.namespace,
        heads: Vec::new(),
        has_more: false,
    }
}

fn nothing_waits(cluster: &Cluster, projects: &BTreeMap<&str, ProjectId>) -> Snapshot {
    let agent = AgentView {
        id: id(0),
        name: "agent".to_owned(),
        limits: Limits::default(),
        is_live: true,
        loss: None,
        is_cordoned: false,
        hold: None,
        can: Features::of_bits(-1),
    };
    let weights = &cluster.sharing.weights;
    let shares: BTreeMap<String, Share> =
        weights.iter().map(|(key, weight)| (key.clone(), Share { weight: *weight, due: 0 })).collect();
    let queue = |(at, queue): (usize, &super::cluster::Queue)| QueueView {
        id: id(at),
        name: queue.name.clone(),
        agent: id(0),
        priority: queue.priority,
        limits: Limits::default(),
        fairness: Fairness { virtual_time: 0, shares: shares.clone() },
        reserve_after: cluster.sharing.reserve_after(),
        // What is admitted is claimed at once.
        window: Limit::default(),
        paused: None,
    };
    let project = |(name, id): (&&str, &ProjectId)| ProjectView {
        id: *id,
        name: (*name).to_owned(),
        limits: Limits::default(),
        confinement: Confinement::default(),
    };
    Snapshot {
        now: Time::from_micros(0),
        broker_is_up: true,
        organization: Limits::default(),
        agents: vec![agent],
        queues: cluster.queues.iter().enumerate().map(queue).collect(),
        projects: projects.iter().map(project).collect(),
        pipelines: Vec::new(),
        lanes: Vec::new(),
    }
}

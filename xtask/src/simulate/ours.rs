//! Berth's rules: [`admit`] and [`preempt`] over a snapshot like the one that the store reads. Nothing is decided here.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use berth_domain::feature::Features;
use berth_domain::id::{Id, ProjectId, QueueId, RunId};
use berth_domain::scheduling::{
    AgentView, Ahead, Candidate, Choice, Confinement, Estimate, Fairness, Holder, Lane, LaneKey, Limit,
    Limits, Pace, Preemption, ProjectView, QueueProtocol, QueueView, Share, Snapshot, Stands, admit,
    estimate, preempt,
};
use berth_domain::time::Time;
use uuid::Uuid;

use super::cluster::{Cluster, Room};
use super::trace::Run;

/// How many runs of a lane a round sees; a round after it sees the next.
const HEADS: usize = 32;

/// A waiting run, by its place in its lane.
type Place = (Reverse<u8>, Time, RunId);

/// A lane with all that waits in it.
#[derive(Debug)]
struct Waiting {
    lane: Lane,
    runs: BTreeSet<Place>,
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
    pub fn submit(&mut self, run: usize, of: &Run, at: Time) {
        if let Some(lane) = self.lane_of[run] {
            self.lanes[lane].runs.insert((Reverse(of.priority), at, id(run)));
        }
    }

    /// Which of the runs that are `running`, since then, make room for those that wait, with `room` used.
    pub fn make_room(
        &mut self,
        now: Time,
        room: &Room,
        running: &BTreeMap<usize, Time>,
        runs: &[Run],
    ) -> Vec<usize> {
        if self.snapshot.queues.iter().all(|queue| queue.preemption == Preemption::Never) {
            return Vec::new();
        }
        self.look(now, room);
        let holder = |(run, since): (&usize, &Time)| {
            let lane = self.lanes[self.lane_of[*run]?].lane.clone();
            let stands = Stands::Live { since: *since };
            Some(Holder { run: id(*run), lane, priority: runs[*run].priority, stands })
        };
        self.snapshot.holders = running.iter().filter_map(holder).collect();
        let victims = preempt(&self.snapshot);
        self.snapshot.holders.clear();
        victims.into_iter().filter_map(|victim| place(victim.run)).collect()
    }

    /// What the next round admits, with `room` used; empty, if nothing may start. The runs have left the line.
    pub fn choose(&mut self, now: Time, room: &Room) -> Vec<usize> {
        self.look(now, room);
        let Choice { starts, mut fairness, mut paces, .. } = admit(&self.snapshot, usize::MAX);
        for queue in &mut self.snapshot.queues {
            queue.fairness =
                fairness.remove(&queue.id).unwrap_or_else(|| std::mem::take(&mut queue.fairness));
            queue.pace = paces.remove(&queue.id).unwrap_or_else(|| std::mem::take(&mut queue.pace));
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

impl Ours {
    /// The runs that wait in one of the cluster's queues, by their turn if there were no shares.
    #[must_use]
    pub fn waiting(&self, queue: usize) -> Vec<usize> {
        let lanes = self.lanes.iter().filter(|waiting| waiting.lane.queue == id(queue));
        let mut runs: Vec<_> = lanes.flat_map(|waiting| &waiting.runs).collect();
        runs.sort_unstable();
        runs.into_iter().filter_map(|(_, _, run)| place(*run)).collect()
    }

    /// When a waiting run may start, by what the last round saw: what a service would say at this moment.
    #[must_use]
    pub fn estimate(&self, run: usize, of: &Run) -> Option<Estimate> {
        let asked = (Reverse(of.priority), of.submitted, id(run));
        let own = &self.lanes[self.lane_of[run]?].lane;
        let candidate = Candidate { run: id(run), priority: of.priority, queued_at: of.submitted };
        let lane = Lane { heads: vec![candidate], ..own.clone() };
        let of_queue = self.lanes.iter().filter(|waiting| waiting.lane.queue == lane.queue);
        let ahead: Vec<Ahead<'_>> = of_queue.map(|waiting| waiting.ahead_of(asked)).collect();
        estimate(&self.snapshot, &lane, &ahead)
    }
}

impl Waiting {
    fn ahead_of(&self, asked: Place) -> Ahead<'_> {
        let count =
            |counts: &dyn Fn(&Place) -> bool| self.runs.iter().filter(|run| counts(run)).count() as u64;
        Ahead {
            lane: &self.lane,
            higher: count(&|run| run.0 < asked.0),
            equal: count(&|run| run.0 == asked.0 && *run != asked),
            older: count(&|run| run.0 == asked.0 && *run < asked),
        }
    }

    fn heads(&self) -> Lane {
        let candidate = |(Reverse(priority), queued_at, run): &Place| Candidate {
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
        protocol: QueueProtocol::Berth,
        priority: queue.priority,
        limits: Limits::default(),
        fairness: Fairness { virtual_time: 0, shares: shares.clone() },
        pace: Pace::default(),
        reserve_after: cluster.sharing.reserve_after(),
        // What is admitted is claimed at once.
        window: Limit::default(),
        paused: None,
        preemption: cluster.sharing.preemption,
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
        holders: Vec::new(),
    }
}

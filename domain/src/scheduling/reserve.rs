//! What is kept for a run that has waited for a quota for long: runs that come after it, and would take from the same
//! quota what becomes free, wait until it has started. So large runs are not starved by small ones that pass them.

use std::collections::BTreeMap;

use super::limits::Demand;
use super::rules::{Block, Rule, own_blocks};
use super::snapshot::{Candidate, Lane, Level, Snapshot, Turn};

/// What is kept for whom.
#[derive(Debug, Clone, Default)]
pub(super) struct Reservations(BTreeMap<(Level, String), Turn>);

/// That something is kept for another run.
pub(super) struct Kept<'a> {
    level: Level,
    resource: &'a str,
    by: &'a Turn,
}

impl Reservations {
    /// Those of all lanes whose head has waited for long enough, and for nothing but limits, of which one is a quota.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let mut found = Self::default();
        for lane in &snapshot.lanes {
            if let Some(head) = lane.heads.first().filter(|head| has_waited(snapshot, lane, head)) {
                let only_limits = own_blocks(snapshot, lane)
                    .iter()
                    .all(|block| matches!(block.rule, Rule::Limit | Rule::Quota | Rule::Rate | Rule::Window));
                if only_limits {
                    for level in snapshot.levels(lane) {
                        found.keep(
                            snapshot,
                            lane,
                            head,
                            level,
                            snapshot.level(level).map(|view| view.limits),
                        );
                    }
                }
            }
        }
        found
    }

    /// Keeps for the head of `lane` what quotas of `level` have too little of now, and could have.
    pub(super) fn keep(
        &mut self,
        snapshot: &Snapshot,
        lane: &Lane,
        head: &Candidate,
        level: Level,
        limits: Option<&super::Limits>,
    ) {
        let turn = snapshot.turn(lane, head);
        for quota in limits.into_iter().flat_map(|limits| &limits.quotas) {
            let asked = lane.demand.of(&quota.resource);
            if quota.could_hold(asked) && !quota.holds(asked) {
                let first = self.0.entry((level, quota.resource.clone())).or_insert(turn);
                *first = (*first).min(turn);
            }
        }
    }

    /// Whether something is kept of what `lane` asks for, be it for a run of its own.
    pub(super) fn keeps_of(&self, snapshot: &Snapshot, lane: &Lane) -> bool {
        let asked = |level| {
            Demand::iter(&lane.demand).any(|(resource, _)| self.0.contains_key(&(level, resource.to_owned())))
        };
        !self.0.is_empty() && snapshot.levels(lane).any(asked)
    }

    /// What `head` would take from another one that comes before it.
    pub(super) fn against<'a>(
        &'a self,
        snapshot: &'a Snapshot,
        lane: &'a Lane,
        head: &Candidate,
    ) -> Option<Kept<'a>> {
        if self.0.is_empty() {
            return None;
        }
        let turn = snapshot.turn(lane, head);
        snapshot.levels(lane).find_map(|level| {
            let asked = Demand::iter(&lane.demand);
            asked.into_iter().find_map(|(resource, _)| {
                let by = self.0.get(&(level, resource.to_owned()))?;
                (*by < turn).then_some(Kept { level, resource, by })
            })
        })
    }
}

/// Whether it has waited for as long as its queue says.
pub(super) fn has_waited(snapshot: &Snapshot, lane: &Lane, head: &Candidate) -> bool {
    let after = snapshot.queue(lane.queue).and_then(|queue| queue.reserve_after);
    after.is_some_and(|after| head.queued_at.plus(after) <= snapshot.now)
}

impl Kept<'_> {
    pub(super) fn block(&self, snapshot: &Snapshot) -> Block {
        let (kind, name) = snapshot.level(self.level).map_or(("", ""), |view| (view.kind, view.name));
        let message = format!(
            "what becomes free of {} in {kind} {name} is kept for run {}, which has waited for it since {}",
            self.resource, self.by.run, self.by.queued_at
        );
        let mut block = Block::plain(Rule::Reserved, kind, name, message);
        block.holders = vec![self.by.run.to_string()];
        block
    }
}

//! Agents that are lost: seen, noted for whoever looks, and what may be replaced of theirs sent elsewhere.
//!
//! Each replica counts for itself, on its own steady clock (`berth_domain::scheduling::loss`); whichever of them
//! decides first writes under the runs' locks, and the others find nothing left to do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use berth_domain::id::AgentId;
use berth_domain::lifecycle::fail_over;
use berth_domain::scheduling::loss::{HeldBack, Look, Losses, Roll, Sighting};
use berth_domain::scheduling::{Confinement, Demands};
use berth_domain::time::Time;
use berth_store::{Decision, LeaseGrant, RunHead};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::context::{Context, Pace, jitter};
use crate::outbox::Error;

/// How often agents are looked at: how much later than it was granted a lease may be seen.
const EVERY: Duration = Duration::from_millis(1_500);
/// The same while one is silent for longer than it should be.
const OFTEN: Duration = Duration::from_millis(250);
/// How long the broker may take to say what waits there. Longer, and this replica may be deaf.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the runs of an agent that is gone are looked for: some become replaceable later.
const AGAIN: Duration = Duration::from_secs(2);
/// The most runs that one transaction moves.
const BATCH: u32 = 500;

/// Looks after agents, until the shutdown.
pub(crate) async fn watch_forever(context: Context) {
    let hint = Notify::new();
    let mut pace = Pace::new("looking after agents", &context, &hint, EVERY);
    let mut watch = Watch::new();
    while pace.next().await {
        pace.round(watch.look(&context)).await;
        if watch.is_unsettled {
            pace.within(OFTEN);
        }
    }
}

struct Watch {
    began: Instant,
    roll: Roll,
    /// The connection to the broker that the last look heard by.
    heard_by: Option<u64>,
    /// Whether the last look came to nothing.
    was_deaf: bool,
    /// Whether some agent is silent for longer than it should be.
    is_unsettled: bool,
    /// What was noted of which agent, and for which lease.
    noted: BTreeMap<AgentId, (Time, String)>,
    sent_elsewhere_at: BTreeMap<AgentId, Instant>,
}

impl Watch {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            roll: Roll::default(),
            heard_by: None,
            was_deaf: true,
            is_unsettled: false,
            noted: BTreeMap::new(),
            sent_elsewhere_at: BTreeMap::new(),
        }
    }

    async fn look(&mut self, context: &Context) -> Result<(), Error> {
        let connection = context.broker.connection().borrow().clone();
        let hears_by = connection.up.then_some(connection.generation);
        let mut was_deaf = self.was_deaf || hears_by.is_none() || hears_by != self.heard_by;
        self.heard_by = hears_by;
        // Until this look has come to its end.
        self.was_deaf = true;
        let grants = context.store.lease_grants().await?;
        let at = self.began.elapsed();
        let overdue: Vec<&LeaseGrant> =
            grants.iter().filter(|grant| self.roll.is_overdue(grant.agent, grant.granted_at, at)).collect();
        self.is_unsettled = !overdue.is_empty();
        let mut unheard = BTreeSet::new();
        for grant in overdue {
            match has_unheard(context, &grant.name).await {
                Some(true) => drop(unheard.insert(grant.agent)),
                Some(false) => {}
                None => {
                    was_deaf = true;
                    break;
                }
            }
        }
        let replaceable = if self.is_unsettled || !self.noted.is_empty() {
            context.store.agents_with_replaceable().await?
        } else {
            BTreeSet::new()
        };
        let agents = grants
            .iter()
            .map(|grant| Sighting {
                agent: grant.agent,
                granted_at: grant.granted_at,
                is_unheard: unheard.contains(&grant.agent),
                has_replaceable: replaceable.contains(&grant.agent),
            })
            .collect();
        let losses = self.roll.look(&Look { at, was_deaf, agents });
        self.note(context, &grants, &losses).await?;
        // A restored store doesn't know yet what it has to give up.
        let may_replace = !losses.gone.is_empty() && context.store.restored().await?.is_none();
        for grant in grants.iter().filter(|grant| may_replace && losses.gone.contains(&grant.agent)) {
            let last = self.sent_elsewhere_at.get(&grant.agent);
            if last.is_none_or(|last| last.elapsed() >= AGAIN) {
                send_elsewhere(context, grant, &losses.lost).await?;
                self.sent_elsewhere_at.insert(grant.agent, Instant::now());
            }
        }
        self.sent_elsewhere_at.retain(|agent, _| losses.gone.contains(agent));
        self.was_deaf = false;
        Ok(())
    }

    /// Notes who is lost, and what becomes of its runs, where others can read it.
    async fn note(&mut self, context: &Context, grants: &[LeaseGrant], losses: &Losses) -> Result<(), Error> {
        self.noted.retain(|agent, _| losses.lost.contains(agent));
        let what = said(losses.held_back);
        for grant in grants.iter().filter(|grant| losses.lost.contains(&grant.agent)) {
            let note = (grant.granted_at, what.clone());
            if self.noted.get(&grant.agent) == Some(&note) {
                continue;
            }
            let now = context.clock.now();
            if context.store.note_loss(grant.agent, grant.granted_at, &what, now).await? {
                tracing::warn!(agent.name = %grant.name, "agent {} is lost: {what}", grant.name);
            }
            self.noted.insert(grant.agent, note);
        }
        Ok(())
    }
}

/// Whether something that the agent said waits to be taken in; none if the broker doesn't say.
async fn has_unheard(context: &Context, agent: &str) -> Option<bool> {
    let out = context.names.out(agent);
    match tokio::time::timeout(PATIENCE, context.broker.depth(&out)).await {
        Ok(Ok(depth)) => Some(depth.ready > 0),
        // A broker that was wiped: the agent could not have said anything.
        Ok(Err(berth_broker::Error::NoSuchQueue { .. })) => Some(true),
        Ok(Err(_)) | Err(_) => None,
    }
}

fn said(held_back: Option<HeldBack>) -> String {
    match held_back {
        None => {
            "its runs wait for it, but for those that may be replaced and have a choice of queues".to_owned()
        }
        Some(HeldBack { lost, of }) => {
            format!("nothing is replaced, since {lost} of {of} agents seem lost at once")
        }
    }
}

/// Sends the runs of an agent elsewhere that have a choice and don't wait for it.
async fn send_elsewhere(context: &Context, from: &LeaseGrant, lost: &BTreeSet<AgentId>) -> Result<(), Error> {
    let mut after = None;
    let (mut destinations, mut confinements) = (Vec::new(), BTreeMap::new());
    let unconfined = Confinement::default();
    loop {
        let ids = context.store.runs_to_fail_over(from.agent, after, BATCH).await?;
        let Some(last) = ids.last() else { return Ok(()) };
        if after.is_none() {
            destinations = context.store.destinations(&from.owner).await?;
            destinations.retain(|place| !lost.contains(&place.host.id));
            confinements = context.store.confinements(&from.owner).await?;
        }
        after = Some(*last);
        let now = context.clock.now();
        let decide = |head: &RunHead| {
            let confinement = confinements.get(&head.project_id).unwrap_or(&unconfined);
            let demands = Demands { routing: head.routing.as_ref()?, needs: head.needs, confinement };
            let to = demands.elsewhere(from.agent, &destinations, now)?;
            if head.agent_id != Some(from.agent) {
                return None;
            }
            let done = fail_over(&head.dispatch, from.agent, &from.name, now, jitter()).ok()?;
            Some(if done.state.status.is_final() {
                Decision::from(done)
            } else {
                Decision::moving(done, to.queue, to.host.id)
            })
        };
        let moved = context.transition(&ids, now, decide).await?;
        if !moved.is_empty() {
            tracing::warn!(
                agent.name = %from.name, runs = moved.len(),
                "agent {} is gone: {} runs go elsewhere", from.name, moved.len()
            );
            context.dispatch.notify_one();
        }
        if ids.len() < BATCH as usize {
            return Ok(());
        }
    }
}

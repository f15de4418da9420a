//! Who may start next, and why not yet.
//!
//! [`admit`] chooses from a [`Snapshot`]; [`explain`] tells, by the very same rules over the very same
//! snapshot, what holds a run back. Waiting runs come in *lanes* (one per queue, project, pipeline, share and demand): every limit
//! that counts a run counts its lane alike, so a blocked lane is passed over whole, whatever its length.
//! [`Claimant::rule`] asks some of these rules once more when an agent claims what it was offered.

mod admissible;
mod admit;
mod claim;
mod confine;
mod estimate;
mod explain;
mod fairness;
mod lane;
mod limits;
pub mod loss;
mod overflow;
mod places;
mod preempt;
mod protocol;
mod reserve;
pub mod route;
pub mod routes;
mod rules;
mod settings;
mod snapshot;
mod waits;

pub use admissible::{Admissible, admissible};
pub use admit::{Admission, Choice, admit, choose};
pub use claim::{Claimant, Claimed, PausedQueue, Ruling};
pub use confine::{Confinement, ConfinementPatch};
pub use estimate::{Ahead, Estimate, Pace, Starts, estimate};
pub use explain::{Asked, Explanation, Place, explain};
pub use fairness::{Fairness, Share, WHOLE, dominant_part};
pub use lane::LaneKey;
pub use limits::{Demand, Limit, Limits, Quota, Rate};
pub use overflow::{LONGEST_PATIENCE, Next, OVERFLOW_AFTER, Outlook, Stay, next_place, outlook, room};
pub use places::{Demands, Destination, Host};
pub use preempt::{Victim, preempt};
pub use protocol::{ANSWER_WITHIN, LONGEST_ANSWER, QueueProtocol, UnknownProtocol};
pub use route::{Applicant, House, NoRoute, Route, route};
pub use rules::{Amount, Block, Rule, blocks, lacking, lacks};
pub use settings::{
    FairnessBy, InvalidFairness, InvalidPreemption, InvalidRate, LimitPatch, LimitSettings, PipelineSettings,
    Preemption, RESERVE_AFTER, RateLimit, Sharing, SharingPatch,
};
pub use snapshot::{
    AgentView, Candidate, Holder, Lane, Level, LevelView, Paused, PipelineView, ProjectView, QueueView,
    Snapshot, Stands, Turn, rank,
};
pub use waits::{Hold, Spell, Wait, holds, stays, waited};

/// Attempts that may be on the broker per queue, at the least.
pub const MIN_WINDOW: u32 = 32;
/// Attempts that may be on the broker per queue, at the most.
pub const MAX_WINDOW: u32 = 2_000;

/// How many attempts of a queue may be admitted and not yet claimed: about two seconds of the agent's
/// hand-over rate (per second), within [`MIN_WINDOW`] and [`MAX_WINDOW`].
#[must_use]
pub fn window(handover_rate: f64) -> u32 {
    // A rate that is no number counts as none; the clamp makes the cast exact.
    let wanted = if handover_rate.is_finite() { (handover_rate * 2.0).ceil() } else { 0.0 };
    let clamped = wanted.clamp(f64::from(MIN_WINDOW), f64::from(MAX_WINDOW));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped just above")]
    {
        clamped as u32
    }
}

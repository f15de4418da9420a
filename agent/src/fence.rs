//! Fencing: an agent that has been without a lease for too long ends what may be replaced, since the scheduler starts
//! it elsewhere soon after. Counted from when the last granted lease was asked for, on the clock that goes on while
//! the process is stopped.
//!
//! [`due`] is the one rule. The supervisors of local processes go by it too, so that an agent that is stopped or
//! killed is fenced all the same.

use std::time::Duration;

use berth_domain::protocol::{FENCE_SECONDS, FENCED_SECONDS};

use crate::control::chain;
use crate::service::Shared;
use crate::uptime::Moment;

const FENCE: Duration = Duration::from_secs(FENCE_SECONDS);
/// When what was asked to end is killed: a second before it must be gone.
const KILL: Duration = Duration::from_secs(FENCED_SECONDS - 1);
/// How often it is fenced again, for what was created at the last moment.
const AGAIN: Duration = Duration::from_secs(2);
/// How often the lease is looked at. Longer, and a machine that slept notices later.
pub(crate) const LOOK: Duration = Duration::from_millis(500);

/// What is to be done about attempts that may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fence {
    /// Nothing, as long as no other lease is asked for, for so long.
    NotYet(Duration),
    /// They are to be ended, and killed after so long.
    End(Duration),
}

/// What is to be done at `now`, if the last granted lease was asked for at `asked_at`.
pub(crate) fn due(asked_at: Moment, now: Moment) -> Fence {
    let silence = now.since(asked_at);
    match FENCE.checked_sub(silence) {
        Some(left) if !left.is_zero() => Fence::NotYet(left),
        _ => Fence::End(KILL.saturating_sub(silence)),
    }
}

/// Looks at the lease, and fences, for as long as the replica lives.
pub(crate) async fn keep(shared: &Shared) {
    let mut is_fenced = false;
    loop {
        let own = shared.lease.asked_at();
        let mut fence = due(own, shared.lease.now());
        if matches!(fence, Fence::End(_)) {
            // The lease is the agent's: another replica may have it.
            fence = due(shared.executor.leased_at(own), shared.lease.now());
        }
        match fence {
            Fence::NotYet(_) => is_fenced = false,
            Fence::End(grace) => {
                if !is_fenced {
                    is_fenced = true;
                    tracing::error!(
                        agent.name = %shared.name, agent.replica = %shared.replica,
                        "agent.fenced: without a lease for {FENCE_SECONDS} s, ends what may be replaced"
                    );
                }
                if let Err(error) = shared.executor.fence(grace).await {
                    tracing::error!(error = %chain(&error), "agent.fence.failed: tries again");
                }
            }
        }
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(if is_fenced { AGAIN } else { LOOK }) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uptime::Uptime;

    #[test]
    fn what_may_be_replaced_is_ended_after_twenty_seconds_and_gone_after_twenty_five() {
        let uptime = Uptime::manual();
        let asked_at = uptime.now();
        let seconds = Duration::from_secs;
        for (silence, expected) in [
            (0, Fence::NotYet(seconds(20))),
            (15, Fence::NotYet(seconds(5))),
            (19, Fence::NotYet(seconds(1))),
            (20, Fence::End(seconds(4))),
            (23, Fence::End(seconds(1))),
            (24, Fence::End(seconds(0))),
            (90, Fence::End(seconds(0))),
        ] {
            assert_eq!(due(asked_at, asked_at + seconds(silence)), expected, "{silence} s");
        }
        assert_eq!(
            due(asked_at + seconds(1), asked_at),
            Fence::NotYet(seconds(20)),
            "a clock that went back"
        );
    }
}

//! The holds of queues and agents that end by themselves.

use berth_domain::time::Time;

use crate::agents::{self, Agent};
use crate::audit::Audit;
use crate::db::args;
use crate::queues::{self, Queue};
use crate::{Error, Store, sql};

impl Store {
    /// Ends the pauses, cordons and drains whose time is over; whether there were any, and when the next one is over.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn end_holds(&self, now: Time) -> Result<(bool, Option<Time>), Error> {
        let mut ends = Vec::new();
        for row in self.db.all(sql::queues::HOLDS, args![]).await? {
            ends.extend(queues::hold(&row, "hold")?.and_then(|hold| hold.until));
        }
        let next = ends.iter().copied().filter(|until| *until > now).min();
        let are_over = ends.iter().any(|until| *until <= now);
        if are_over {
            self.let_go(now).await?;
        }
        Ok((are_over, next))
    }

    async fn let_go(&self, now: Time) -> Result<(), Error> {
        let audit = |action: &str| Audit {
            reason: Some("its time is over".to_owned()),
            ..Audit::new("scheduler", action, now)
        };
        let mut tx = self.db.begin().await?;
        for row in tx.all(sql::agents::HELD_LOCKED, args![]).await? {
            let agent = agents::agent(&row)?;
            if agent.hold.as_ref().is_some_and(|hold| !hold.holds(now)) {
                let open = Agent { cordoned: false, draining: false, hold: None, updated_at: now, ..agent };
                agents::write(&mut tx, &open).await?;
                agents::record(&mut tx, &open, &audit("agent.uncordon")).await?;
            }
        }
        for row in tx.all(sql::queues::PAUSED_LOCKED, args![]).await? {
            let queue = queues::queue(&row)?;
            if queue.paused.as_ref().is_some_and(|paused| !paused.holds(now)) {
                let open = Queue { paused: None, updated_at: now, ..queue };
                queues::write(&mut tx, &open).await?;
                queues::record(&mut tx, &open, &audit("queue.resume")).await?;
            }
        }
        tx.commit().await
    }
}

//! Claims: asks the scheduler for attempts, many at a time, and hands each its answer.
//!
//! The answer to a claim may be lost, so the same claim, by its nonce, is sent again every second until its validity
//! is over. It is counted from the first sending: the scheduler, which counts from its commit, always counts longer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use berth_domain::protocol::{
    AttemptRef, CLAIM_VALIDITY_SECONDS, ClaimAnswer, ClaimRequest, FromAgentBody, Verdict,
};
use berth_domain::trace::SpanId;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::gather::Gather;
use crate::out::Out;
use crate::uptime::{Moment, Uptime};

const VALIDITY: Duration = Duration::from_secs(CLAIM_VALIDITY_SECONDS);
/// How long to wait for an answer before the claim is sent again.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// How many claims travel together at most.
const BATCH: usize = 64;

/// What became of a claim.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The attempt may be created, until then.
    Go {
        /// That moment.
        until: Moment,
        /// Whether it is ended here when there is no lease for too long.
        replace: bool,
        /// The span of the grant, if that is recorded.
        span: Option<SpanId>,
    },
    /// The offer is to be forgotten.
    Drop(String),
    /// No answer came while it would have been valid.
    Unanswered,
}

/// Where claims are made.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    uptime: Uptime,
    queue: mpsc::Sender<ClaimRequest>,
    waiting: Waiting,
}

type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<ClaimAnswer>>>>;

fn lock(waiting: &Waiting) -> MutexGuard<'_, HashMap<String, oneshot::Sender<ClaimAnswer>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes a claim off the list when whoever made it no longer waits.
struct Listed<'a> {
    nonce: &'a str,
    waiting: &'a Waiting,
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        lock(self.waiting).remove(self.nonce);
    }
}

impl Desk {
    /// A desk, and what [`send`] sends.
    pub(crate) fn new(uptime: Uptime) -> (Self, Gather<ClaimRequest>) {
        let (queue, outgoing) = mpsc::channel(4 * BATCH);
        (Self { uptime, queue, waiting: Waiting::default() }, Gather::new(outgoing, BATCH))
    }

    /// Claims an attempt. The claim's own span is `span`, if it is recorded.
    pub(crate) async fn claim(&self, attempt: AttemptRef, span: Option<SpanId>) -> Outcome {
        let nonce = Uuid::new_v4().simple().to_string();
        let (answer, mut verdict) = oneshot::channel();
        lock(&self.waiting).insert(nonce.clone(), answer);
        let _listed = Listed { nonce: &nonce, waiting: &self.waiting };
        let over = self.uptime.now() + VALIDITY;
        let patience = tokio::time::Instant::now() + VALIDITY;
        loop {
            let sent = self.uptime.now();
            let request =
                ClaimRequest { nonce: nonce.clone(), run: attempt.run, attempt: attempt.attempt, span };
            if self.queue.send(request).await.is_err() {
                return Outcome::Unanswered;
            }
            match tokio::time::timeout(ASK_AGAIN, &mut verdict).await {
                Ok(Ok(ClaimAnswer { verdict: Verdict::Go { valid_ms }, replace, span, .. })) => {
                    let until = over.min(sent + Duration::from_millis(valid_ms));
                    return Outcome::Go { until, replace, span };
                }
                Ok(Ok(ClaimAnswer { verdict: Verdict::Drop { reason }, .. })) => {
                    return Outcome::Drop(reason);
                }
                Ok(Err(_)) => return Outcome::Unanswered,
                Err(_) if self.uptime.now() >= over || tokio::time::Instant::now() >= patience => {
                    return Outcome::Unanswered;
                }
                Err(_) => {}
            }
        }
    }

    /// Takes answers in. Those that nobody waits for are late or doubled.
    pub(crate) fn answer(&self, answers: Vec<ClaimAnswer>) {
        for answer in answers {
            let (waiting, run) = (lock(&self.waiting).remove(&answer.nonce), answer.run);
            if let Some(waiting) = waiting
                && waiting.send(answer).is_err()
            {
                tracing::debug!(run.uuid = %run, "agent.claim.answer_unwanted");
            }
        }
    }
}

/// Sends claims in batches, until the desk is closed. What can't be sent is claimed again by its maker.
pub(crate) async fn send(mut outgoing: Gather<ClaimRequest>, out: Out) {
    while let Some(batch) = outgoing.next().await {
        if let Err(error) = out.say(FromAgentBody::Claims(batch)).await {
            tracing::warn!(%error, "agent.claims.unsent");
        }
    }
}

#[cfg(test)]
mod tests {
    use berth_broker::Broker;
    use berth_broker_config::arguments::QueueKind;
    use berth_broker_config::{Names, build};
    use berth_domain::id::RunId;
    use berth_domain::protocol::FromAgent;

    use super::*;

    fn attempt() -> AttemptRef {
        AttemptRef { run: RunId::new(), attempt: 0 }
    }

    fn answer(request: &ClaimRequest, verdict: Verdict) -> Vec<ClaimAnswer> {
        let ClaimRequest { nonce, run, attempt, .. } = request.clone();
        vec![ClaimAnswer { nonce, run, attempt, replace: true, span: None, verdict }]
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_whose_answer_was_lost_is_made_again_by_its_nonce() {
        let uptime = Uptime::manual();
        let (desk, mut outgoing) = Desk::new(uptime.clone());
        let (outcome, ()) = tokio::join!(desk.claim(attempt(), None), async {
            let first = outgoing.next().await.unwrap();
            uptime.advance(Duration::from_secs(1));
            let second = outgoing.next().await.unwrap();
            assert_eq!(first, second);
            desk.answer(answer(&second[0], Verdict::Go { valid_ms: 20_000 }));
        });
        let Outcome::Go { until, replace: true, span: None } = outcome else { panic!("{outcome:?}") };
        assert_eq!(until.since(uptime.now()), Duration::from_secs(9), "counted from the first sending");
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_without_an_answer_ends_with_its_validity() {
        let (desk, mut outgoing) = Desk::new(Uptime::manual());
        let mut sent = 0;
        let outcome = tokio::join!(desk.claim(attempt(), None), async {
            while tokio::time::timeout(Duration::from_secs(3), outgoing.next()).await.is_ok() {
                sent += 1;
            }
        })
        .0;
        assert_eq!((outcome, sent), (Outcome::Unanswered, 10));
        assert!(lock(&desk.waiting).is_empty());
    }

    #[tokio::test]
    async fn a_drop_says_why() {
        let (desk, mut outgoing) = Desk::new(Uptime::manual());
        let (outcome, ()) = tokio::join!(desk.claim(attempt(), None), async {
            let request = outgoing.next().await.unwrap().remove(0);
            let mut stranger = answer(&request, Verdict::Go { valid_ms: 1 });
            stranger[0].nonce = "another".into();
            desk.answer(stranger);
            desk.answer(answer(&request, Verdict::Drop { reason: "stopped".into() }));
        });
        assert_eq!(outcome, Outcome::Drop("stopped".into()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_that_comes_alone_goes_at_once_and_those_behind_it_travel_together() {
        let (broker, names) = (Broker::memory(), Names::default());
        broker.apply(&build::agent(&names, "a", ["q"], QueueKind::Quorum)).await.unwrap();
        let (desk, outgoing) = Desk::new(Uptime::manual());
        let out = Out::new(broker.clone(), names.out("a"), "r".into());
        let mut heard = broker.consume(&names.out("a"), 10).await;
        let began = tokio::time::Instant::now();
        let telling = async {
            let request = || ClaimRequest { nonce: "n".into(), run: RunId::new(), attempt: 0, span: None };
            desk.queue.send(request()).await.unwrap();
            let mut batches = vec![(heard.next().await.unwrap(), began.elapsed())];
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_millis(1)).await;
                desk.queue.send(request()).await.unwrap();
            }
            batches.push((heard.next().await.unwrap(), began.elapsed()));
            batches
        };
        let batches = tokio::select! {
            batches = telling => batches,
            () = send(outgoing, out) => unreachable!("the desk is open"),
        };
        let sizes = batches.into_iter().map(|(delivery, at)| {
            let said: FromAgent = serde_json::from_slice(&delivery.message.body).unwrap();
            let FromAgentBody::Claims(claims) = said.body else { panic!("{said:?}") };
            (claims.len(), at.as_millis())
        });
        assert_eq!(sizes.collect::<Vec<_>>(), [(1, 0), (3, 5)]);
    }
}

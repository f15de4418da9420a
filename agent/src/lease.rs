//! The lease: without one, an agent claims nothing and creates nothing.
//!
//! It is counted from the sending of the request that was granted, on a clock that goes on while the process is
//! stopped. A replica that had none says hello: it tells what it holds before it claims anything. Pure, but for the
//! loop at the end.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use berth_broker::Connection;
use berth_domain::protocol::{
    ARCHIVE, FromAgentBody, LEASE_RENEWAL_SECONDS, LEASE_SECONDS, LeaseRequest, Vitals, WAITING,
};
use berth_domain::restore::Seen;
use tokio::sync::watch;
use uuid::Uuid;

use crate::service::Shared;
use crate::uptime::{Moment, Uptime};

const LEASE: Duration = Duration::from_secs(LEASE_SECONDS);
/// How often one asks who has none.
const ASK_AGAIN: Duration = Duration::from_secs(2);
/// How soon the first time: whoever starts together with the scheduler is a moment too early.
const ASK_AGAIN_FIRST: Duration = Duration::from_millis(100);

/// What the last answer said, and until when it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    until: Option<Moment>,
    /// When the last request that was granted was sent; kept when the lease is lost.
    asked_at: Option<Moment>,
    /// The queues to consume.
    pub(crate) queues: Vec<String>,
    /// Whether the agent is cordoned.
    pub(crate) cordoned: bool,
    /// Whether what is held was told since the lease was lost.
    reconciled: bool,
}

impl Terms {
    /// Until when objects may be created; none if not at all.
    pub(crate) fn create_until(&self, now: Moment) -> Option<Moment> {
        self.until.filter(|until| self.reconciled && *until > now)
    }
}

/// The lease of this replica.
#[derive(Debug)]
pub(crate) struct Lease {
    uptime: Uptime,
    began_at: Moment,
    asked: Mutex<HashMap<String, Moment>>,
    refused: Mutex<Option<String>>,
    /// How far the store was seen to go.
    seen: Mutex<Option<Seen>>,
    terms: watch::Sender<Terms>,
}

/// What a grant means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Granted {
    /// The lease goes on.
    Renewed,
    /// There was none: what is held must be told before anything is claimed.
    Anew,
    /// It answers nothing that was asked lately.
    Unknown,
}

impl Lease {
    pub(crate) fn new(uptime: Uptime) -> Self {
        let began_at = uptime.now();
        let terms = watch::Sender::default();
        Self {
            uptime,
            began_at,
            asked: Mutex::default(),
            refused: Mutex::default(),
            seen: Mutex::default(),
            terms,
        }
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<String, Moment>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Terms> {
        self.terms.subscribe()
    }

    /// Until when objects may be created; none if there is no lease.
    pub(crate) fn create_until(&self) -> Option<Moment> {
        self.terms.borrow().create_until(self.uptime.now())
    }

    /// The current moment, by the clock that leases are counted on.
    pub(crate) fn now(&self) -> Moment {
        self.uptime.now()
    }

    /// When the last request that was granted was sent; when the replica began, if none was yet.
    pub(crate) fn asked_at(&self) -> Moment {
        self.terms.borrow().asked_at.unwrap_or(self.began_at)
    }

    fn is_held(&self) -> bool {
        let now = self.uptime.now();
        self.terms.borrow().until.is_some_and(|until| until > now)
    }

    /// Why there is none, for people.
    fn why_not(&self) -> String {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.clone().unwrap_or_else(|| "the scheduler has granted no lease".to_owned())
    }

    /// Notes that a request is being sent now.
    pub(crate) fn ask(&self, nonce: &str) {
        let now = self.uptime.now();
        let mut asked = self.asked();
        asked.retain(|_, sent| now.since(*sent) < LEASE);
        asked.insert(nonce.to_owned(), now);
    }

    /// How far the store was seen to go, as far as anything was.
    pub(crate) fn seen(&self) -> Option<Seen> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how far the store has gone. True if its epoch is another one than was known: it was restored.
    fn note(&self, news: Option<Seen>) -> bool {
        let Some(news) = news else { return false };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let later = seen.map_or(news, |known| known.or_later(news));
        let is_restored = seen.is_some_and(|known| known.epoch != later.epoch);
        *seen = Some(later);
        is_restored
    }

    /// Takes a grant in.
    pub(crate) fn grant(
        &self,
        nonce: &str,
        queues: Vec<String>,
        cordoned: bool,
        seen: Option<Seen>,
    ) -> Granted {
        let Some(sent) = self.asked().remove(nonce) else { return Granted::Unknown };
        let now = self.uptime.now();
        let until = sent + LEASE;
        if until <= now {
            return Granted::Unknown;
        }
        if self.refused.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            tracing::info!("agent.lease.granted after it had been refused");
        }
        let is_restored = self.note(seen);
        let mut granted = Granted::Renewed;
        self.terms.send_modify(|terms| {
            if is_restored || !terms.reconciled || terms.until.is_none_or(|until| until <= now) {
                granted = Granted::Anew;
                terms.reconciled = false;
            }
            terms.until = terms.until.max(Some(until));
            terms.asked_at = terms.asked_at.max(Some(sent));
            terms.queues = queues;
            terms.cordoned = cordoned;
        });
        granted
    }

    /// Says that what is held was told: claims may begin.
    pub(crate) fn reconciled(&self) {
        self.terms.send_modify(|terms| terms.reconciled = true);
    }

    /// Takes a refusal in. True if its reason is news.
    pub(crate) fn refuse(&self, nonce: &str, reason: &str) -> bool {
        if self.asked().remove(nonce).is_none() {
            return false;
        }
        self.terms.send_modify(|terms| *terms = Terms { asked_at: terms.asked_at, ..Terms::default() });
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = refused.as_deref() != Some(reason);
        *refused = Some(reason.to_owned());
        is_news
    }
}

/// Asks for the lease, for as long as the replica lives.
pub(crate) async fn keep(shared: &Shared) {
    let mut failing = false;
    let mut unknown: Option<String> = None;
    let mut ask_again = ASK_AGAIN_FIRST;
    let mut connection = shared.broker.connection();
    loop {
        let held = shared.lease.is_held();
        if held {
            shared.health.up("lease");
        } else {
            shared.health.down("lease", shared.lease.why_not());
        }
        let nonce = Uuid::new_v4().simple().to_string();
        let identity = match shared.executor.identity().await {
            Ok(identity) => identity,
            Err(error) => {
                let why = crate::control::chain(&error);
                shared.health.down("lease", why.clone());
                if unknown.as_ref() != Some(&why) {
                    tracing::warn!(
                        error = why,
                        "agent.identity.unknown: no lease is asked for until it is known"
                    );
                    unknown = Some(why);
                }
                match shared.stop.run_until_cancelled(tokio::time::sleep(ASK_AGAIN)).await {
                    Some(()) => continue,
                    None => return,
                }
            }
        };
        let pace = shared.executor.pace();
        let request = LeaseRequest {
            nonce: nonce.clone(),
            hello: !held,
            identity,
            release: shared.release.clone(),
            features: features(shared),
            executor: shared.executor.kind().to_owned(),
            create_grace_ms: u64::try_from(shared.executor.create_grace().as_millis()).unwrap_or(u64::MAX),
            handover_rate: shared.load.rate(),
            live: shared.load.live(),
            held_offers: shared.load.held_offers(),
            queues: shared.load.queues(),
            seen: shared.lease.seen(),
            labels: Some(shared.labels.clone()),
            namespaces: shared.executor.namespaces(),
            connections: shared.executor.connections(),
            nodes: shared.executor.nodes(!held),
            vitals: Some(Box::new(Vitals {
                sent_at: shared.clock.now(),
                creates_at_once: pace.map(|(at_once, _)| at_once),
                pushbacks: pace.map(|(_, pushbacks)| pushbacks),
            })),
        };
        let asked_on = connection.borrow().generation;
        shared.lease.ask(&nonce);
        let said = shared.out.say(FromAgentBody::Lease(request)).await;
        let is_said = said.is_ok();
        match said {
            Ok(()) if failing => {
                failing = false;
                tracing::info!("agent.lease.asked again");
            }
            Ok(()) => {}
            // Whoever starts together with the scheduler finds no queue for a moment: that is nobody's trouble.
            Err(error) if !failing && ask_again >= ASK_AGAIN => {
                failing = true;
                tracing::warn!(%error, "agent.lease.unasked: can't ask for the lease");
            }
            Err(_) => {}
        }
        let pause = if held && is_said {
            ask_again = ASK_AGAIN_FIRST;
            Duration::from_secs(LEASE_RENEWAL_SECONDS)
        } else {
            let pause = ask_again;
            ask_again = (ask_again * 2).min(ASK_AGAIN);
            pause
        };
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
            // What was asked, or the answer, may have been lost with the connection: three times, and so is the lease.
            () = connected_after(&mut connection, asked_on) => {}
        }
    }
}

/// Waits for a newer connection than that one.
async fn connected_after(connection: &mut watch::Receiver<Connection>, known: u64) {
    if connection.wait_for(|now| now.up && now.generation > known).await.is_err() {
        // The broker was closed: there will be none.
        std::future::pending::<()>().await;
    }
}

/// What the replica can do: what its executor can, and more where it keeps logs or tells how much waits.
fn features(shared: &Shared) -> Vec<String> {
    let keeps = shared.archive.as_ref().map(|_| ARCHIVE.to_owned());
    let tells = shared.waiting.as_ref().map(|_| WAITING.to_owned());
    shared.executor.features().into_iter().chain(keeps).chain(tells).collect()
}

#[cfg(test)]
mod tests {
    use berth_domain::id::AgentId;
    use berth_domain::time::Time;

    use super::*;

    fn lease() -> (Lease, Uptime) {
        let uptime = Uptime::manual();
        (Lease::new(uptime.clone()), uptime)
    }

    #[test]
    fn a_lease_is_counted_from_the_sending_of_its_request() {
        let (lease, uptime) = lease();
        lease.ask("a");
        uptime.advance(Duration::from_secs(10));
        assert_eq!(lease.grant("a", vec!["q".into()], false, None), Granted::Anew);
        assert_eq!(lease.create_until(), None, "what is held was not told yet");
        lease.reconciled();
        assert!(lease.create_until().is_some());
        uptime.advance(Duration::from_secs(5));
        assert_eq!(lease.create_until(), None);
    }

    #[test]
    fn whoever_slept_must_tell_what_it_holds_again() {
        let (lease, uptime) = lease();
        lease.ask("a");
        lease.grant("a", Vec::new(), false, None);
        lease.reconciled();
        lease.ask("b");
        assert_eq!(lease.grant("b", Vec::new(), false, None), Granted::Renewed);
        uptime.advance(Duration::from_secs(40));
        assert!(!lease.is_held());
        lease.ask("c");
        assert_eq!(lease.grant("c", Vec::new(), false, None), Granted::Anew);
        assert_eq!(lease.create_until(), None);
    }

    #[test]
    fn a_store_that_was_restored_is_told_what_is_held_anew() {
        let (lease, _) = lease();
        let seen = |epoch: u128, micros: i64| Seen {
            epoch: Uuid::from_u128(epoch),
            agent: AgentId::from_uuid(Uuid::nil()),
            granted_at: Time::from_micros(micros),
        };
        for (nonce, said, expected) in [
            ("a", seen(1, 10), Granted::Anew),
            ("b", seen(1, 20), Granted::Renewed),
            ("late", seen(1, 15), Granted::Renewed),
            ("c", seen(2, 5), Granted::Anew),
            ("d", seen(2, 6), Granted::Renewed),
        ] {
            lease.ask(nonce);
            assert_eq!(lease.grant(nonce, Vec::new(), false, Some(said)), expected, "{nonce}");
            lease.reconciled();
        }
        assert_eq!(lease.seen(), Some(seen(2, 6)));
    }

    #[test]
    fn a_grant_that_slept_itself_grants_nothing() {
        let (lease, uptime) = lease();
        lease.ask("a");
        uptime.advance(Duration::from_secs(15));
        assert_eq!(lease.grant("a", Vec::new(), false, None), Granted::Unknown);
        assert_eq!(lease.grant("never asked", Vec::new(), false, None), Granted::Unknown);
    }

    #[test]
    fn fencing_counts_from_the_last_granted_request_whatever_came_after_it() {
        let (lease, uptime) = lease();
        assert_eq!(lease.asked_at(), uptime.now(), "nothing was granted yet");
        uptime.advance(Duration::from_secs(3));
        lease.ask("a");
        let asked_at = uptime.now();
        uptime.advance(Duration::from_secs(2));
        lease.ask("b");
        lease.grant("a", Vec::new(), false, None);
        assert_eq!(lease.asked_at(), asked_at);
        lease.refuse("b", "another machine");
        uptime.advance(Duration::from_secs(40));
        assert_eq!(lease.asked_at(), asked_at);
    }

    #[test]
    fn a_refusal_ends_the_lease_and_is_news_once() {
        let (lease, _) = lease();
        for (nonce, is_news) in [("a", true), ("b", false)] {
            lease.ask(nonce);
            assert_eq!(lease.refuse(nonce, "another machine"), is_news);
            assert!(!lease.is_held());
        }
        lease.ask("c");
        assert!(lease.refuse("c", "another reason"));
        assert!(!lease.refuse("never asked", "x"));
    }
}

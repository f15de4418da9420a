//! What agents and the scheduler tell each other, as plain data. How it travels is the broker crate's business.
//!
//! An agent writes to `berth.<agent>.out` only ([`FromAgent`]), and reads its replicas' control queues
//! ([`ToAgent`]). Every message carries [`VERSION`]; a reader takes messages of its own version and of the one
//! before, and refuses newer ones by name.

pub mod left;
pub mod logs;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::id::RunId;
use crate::labels::Labels;
use crate::lifecycle::End;
use crate::nodes::NodeSummary;
use crate::reported::{ConnectionName, Reported};
use crate::restore::Seen;
use crate::time::Time;
use crate::trace::SpanId;
use crate::waiting::Waiting;

/// The version of these messages.
pub const VERSION: u32 = 1;

/// How long a lease lasts, in seconds: an agent counts from sending, the scheduler from its commit.
pub const LEASE_SECONDS: u64 = 15;
/// How often a replica asks for a new lease, in seconds.
pub const LEASE_RENEWAL_SECONDS: u64 = 4;
/// After how many seconds without a lease an agent ends the attempts that may be replaced. Counted from when it asked
/// for the last lease that was granted.
pub const FENCE_SECONDS: u64 = 20;
/// After how many seconds, counted likewise, the last of them is gone.
pub const FENCED_SECONDS: u64 = 25;
/// The feature of agents that do so. The attempts of others are never replaced.
pub const FENCING: &str = "fencing";
/// The feature of agents that keep logs, and forget them when they are told to.
pub const ARCHIVE: &str = "archive";
/// The feature of agents that want to be told how much waits in their queues, since somebody scales them by it.
pub const WAITING: &str = "waiting";
/// How long a claim is valid, in seconds: the agent counts from sending it, the scheduler from its commit.
pub const CLAIM_VALIDITY_SECONDS: u64 = 10;

/// What an agent is, so that a second one under the same name is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Identity {
    /// A machine and the data folder on it.
    Machine {
        /// The machine's id, with the data folder's own.
        id: String,
    },
    /// A cluster and the namespaces served in it.
    Cluster {
        /// The UID of the namespace `kube-system`.
        cluster: String,
        /// The UIDs of the namespaces served.
        namespaces: Vec<String>,
    },
}

/// An agent replica asks for its agent's lease, and says how it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeaseRequest {
    /// The replica's own name for this request; the answer repeats it.
    pub nonce: String,
    /// Whether the replica has just begun, or had let its lease lapse.
    pub hello: bool,
    /// What it is.
    pub identity: Identity,
    /// The version of its binary.
    pub release: String,
    /// The features of messages and operations that it can honour.
    pub features: Vec<String>,
    /// `process` or `kubernetes`.
    pub executor: String,
    /// How long after a claim's validity a create can still land, in milliseconds.
    pub create_grace_ms: u64,
    /// Hand-overs per second lately.
    pub handover_rate: f64,
    /// Live objects.
    pub live: u32,
    /// Offers received and not yet acked.
    pub held_offers: u32,
    /// The queues that it consumes.
    pub queues: Vec<String>,
    /// How far the replica has seen the store go, since it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    /// The agent's labels; none from agents of the release before, which say nothing of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
    /// The namespaces that it serves; none if its executor has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// Its connections, by name and kind; none from agents of the release before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<ConnectionName>,
    /// Its nodes, where its executor has some: with a hello, and when they changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Box<NodeSummary>>,
    /// How it works; none from agents of the release before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vitals: Option<Box<Vitals>>,
}

/// How an agent replica works: shown to people, and decided on by nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vitals {
    /// When it asked, by its own clock.
    pub sent_at: Time,
    /// How many creates may be under way, where that adapts itself to what the API server takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creates_at_once: Option<u32>,
    /// How often the API server has pushed back since the replica began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushbacks: Option<u64>,
}

impl LeaseRequest {
    /// What `replica` says of its agent with this request, if it says anything.
    #[must_use]
    pub fn reported(&self, replica: &str) -> Option<Reported> {
        let labels = self.labels.clone()?;
        Some(Reported {
            replica: replica.to_owned(),
            labels,
            namespaces: self.namespaces.clone(),
            connections: self.connections.clone(),
        })
    }
}

/// An agent replica asks to be the one that creates an attempt's objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRequest {
    /// The replica's own name for this claim.
    pub nonce: String,
    /// The run.
    pub run: RunId,
    /// The attempt that was offered.
    pub attempt: u32,
    /// The claim's own span, if the agent records it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<SpanId>,
}

/// What is to be done with a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Create the objects, within so many milliseconds of having sent the claim.
    Go {
        /// What is left of the claim's validity.
        valid_ms: u64,
    },
    /// Forget the offer.
    Drop {
        /// Why.
        reason: String,
    },
}

/// The answer to one claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimAnswer {
    /// The claim's nonce.
    pub nonce: String,
    /// The run.
    pub run: RunId,
    /// The attempt.
    pub attempt: u32,
    /// Whether the agent ends the attempt when it has been without a lease for too long, so that it may be replaced.
    #[serde(default)]
    pub replace: bool,
    /// The span of the grant, if the scheduler records it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<SpanId>,
    /// The answer.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Where an attempt's objects stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// They exist.
    Created,
    /// The main process runs.
    Running,
    /// Something is wrong that may heal by itself.
    Warning {
        /// A word for programs.
        reason: String,
        /// A sentence for people, in the executor's own words.
        message: String,
    },
    /// No node fits.
    Unschedulable {
        /// The cluster's own words.
        message: String,
    },
    /// It is over.
    Ended(End),
}

/// A change of an attempt's objects. The end is reported until its [`EndReceipt`] comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The run.
    pub run: RunId,
    /// The attempt.
    pub attempt: u32,
    /// The executor's own id of the objects; none if none could be created.
    pub uid: Option<String>,
    /// Grows with each change of the same objects.
    pub rank: u32,
    /// When it happened, by the agent's clock.
    pub at: Time,
    /// With an end: the span of what has ended, if the agent records it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<SpanId>,
    /// What they became.
    #[serde(flatten)]
    pub phase: Phase,
}

/// Something that befell an attempt's objects and changes nothing about where they stand: why its start takes long, say.
/// It may be lost or doubled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The run.
    pub run: RunId,
    /// The attempt.
    pub attempt: u32,
    /// The executor's own id of the objects.
    pub uid: String,
    /// When, by the agent's clock.
    pub at: Time,
    /// A word for programs.
    pub reason: String,
    /// A sentence for people, in the executor's own words.
    pub message: String,
}

/// Something that lives, or lies ended, at an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The run.
    pub run: RunId,
    /// The attempt.
    pub attempt: u32,
    /// The executor's own id of it.
    pub uid: String,
}

/// A question about an attempt's objects. The answer must rest on a look made after the question came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The run.
    pub run: RunId,
    /// The attempt.
    pub attempt: u32,
    /// The question's number in the run.
    pub question: u32,
}

/// The answer to a [`Question`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The run.
    pub run: RunId,
    /// The attempt.
    pub attempt: u32,
    /// The question's number.
    pub question: u32,
    /// Whether objects of the attempt are there, alive or ended.
    pub present: bool,
}

/// Says that an end was committed: the objects may be released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndReceipt {
    /// The run.
    pub run: RunId,
    /// The attempt.
    pub attempt: u32,
    /// The objects' id, as reported.
    pub uid: Option<String>,
}

/// Names an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AttemptRef {
    /// The run.
    pub run: RunId,
    /// The attempt.
    pub attempt: u32,
}

/// What an agent replica sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FromAgent {
    /// The version of the message.
    pub version: u32,
    /// The replica, unique among its agent's.
    pub replica: String,
    /// With an inventory: the store's epoch that the replica had seen when it began to look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Uuid>,
    /// What it says.
    #[serde(flatten)]
    pub body: FromAgentBody,
}

/// What a message has beside its body, so that it can be sent again as it was.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Envelope {
    /// Of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    /// The table of headers.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub headers: Map<String, Value>,
}

/// What an agent replica says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum FromAgentBody {
    /// Asks for the lease.
    Lease(LeaseRequest),
    /// Asks for attempts.
    Claims(Vec<ClaimRequest>),
    /// Reports changes.
    Reports(Vec<Report>),
    /// Tells what befell objects.
    Notices(Vec<Notice>),
    /// Answers questions.
    Answers(Vec<Answer>),
    /// Lists all that it holds; sent with a hello and now and then.
    Inventory(Vec<Held>),
    /// Hands over what it can't decode, raw, in base64.
    Undecodable {
        /// The queue it came on.
        queue: String,
        /// The raw message, or its beginning.
        raw: String,
        /// Why it can't be decoded.
        reason: String,
        /// What it had beside its body; agents of the release before don't say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        envelope: Option<Envelope>,
        /// Whether something of it was left out, because it is too long to be kept.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_cut: bool,
    },
    /// Says of which runs it keeps nothing any more, as [`ToAgentBody::Forget`] asks.
    Forgotten(Vec<RunId>),
    /// Says good-bye: the replica ends in good order and its offers go back.
    Goodbye,
}

/// What the control plane sends to one agent replica.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToAgent {
    /// The version of the message.
    pub version: u32,
    /// What it says.
    #[serde(flatten)]
    pub body: ToAgentBody,
}

/// What the control plane says to an agent replica.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum ToAgentBody {
    /// The lease is granted, for [`LEASE_SECONDS`] from when the request was sent.
    LeaseGranted {
        /// The request's nonce.
        nonce: String,
        /// The queues to consume, all that the agent has.
        queues: Vec<String>,
        /// Whether the agent is cordoned: claims would be dropped, so it need not consume.
        cordoned: bool,
        /// How far the store has gone with this grant: to be shown with the next request. A new epoch in it asks
        /// for the inventory.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<Seen>,
    },
    /// The lease is refused.
    LeaseRefused {
        /// The request's nonce.
        nonce: String,
        /// Why, for people.
        reason: String,
    },
    /// Answers claims.
    ClaimAnswers(Vec<ClaimAnswer>),
    /// Receipts of ends.
    Receipts(Vec<EndReceipt>),
    /// Desired state: what should not be alive. What was ended by it is reported as any end is.
    Remove(Vec<AttemptRef>),
    /// Questions.
    Questions(Vec<Question>),
    /// How much waits in the agent's queues, as it was measured last: with each grant, to agents with the feature [`WAITING`].
    Waiting(Vec<Waiting>),
    /// Runs that were deleted: what is kept of their logs is to go. Said again until [`FromAgentBody::Forgotten`].
    Forget(Vec<RunId>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::{FailureClass, Outcome};

    #[test]
    fn a_lease_request_of_the_release_before_is_read_and_says_nothing_of_labels() {
        let before = r#"{"nonce":"n","hello":true,"identity":{"kind":"machine","id":"m"},"release":"0.1.0",
            "features":[],"executor":"process","create_grace_ms":500,"handover_rate":0.0,"live":0,
            "held_offers":0,"queues":[]}"#;
        let mut request: LeaseRequest = serde_json::from_str(before).unwrap();
        assert_eq!(request.reported("r1"), None);
        assert!(!serde_json::to_string(&request).unwrap().contains("labels"));
        request.labels = Some(Labels::new());
        assert_eq!(request.reported("r1").unwrap().replica, "r1");
    }

    #[test]
    fn spans_are_left_out_where_nothing_is_recorded_as_the_release_before_leaves_them_out() {
        let run = RunId::new();
        let claim = format!(r#"{{"nonce":"n","run":"{run}","attempt":0}}"#);
        let answer = format!(
            r#"{{"nonce":"n","run":"{run}","attempt":0,"replace":false,"verdict":"drop","reason":"r"}}"#
        );
        let report = format!(
            r#"{{"run":"{run}","attempt":0,"uid":null,"rank":0,"at":"1970-01-01T00:00:00.000001Z","phase":"created"}}"#
        );
        let request: ClaimRequest = serde_json::from_str(&claim).unwrap();
        assert_eq!((request.span, serde_json::to_string(&request).unwrap()), (None, claim));
        let dropped: ClaimAnswer = serde_json::from_str(&answer).unwrap();
        assert_eq!((dropped.span, serde_json::to_string(&dropped).unwrap()), (None, answer));
        let created: Report = serde_json::from_str(&report).unwrap();
        assert_eq!((created.span, serde_json::to_string(&created).unwrap()), (None, report));
        let told = ClaimRequest { span: Some("00f067aa0ba902b7".parse().unwrap()), ..request };
        assert!(serde_json::to_string(&told).unwrap().ends_with(r#""span":"00f067aa0ba902b7"}"#));
    }

    #[test]
    fn messages_survive_the_wire() {
        let run = RunId::new();
        let from = FromAgent {
            version: VERSION,
            replica: "r1".into(),
            epoch: None,
            body: FromAgentBody::Reports(vec![Report {
                run,
                attempt: 1,
                uid: Some("u".into()),
                rank: 9,
                at: Time::from_micros(1),
                span: None,
                phase: Phase::Ended(End {
                    outcome: Outcome::Failed(FailureClass::User),
                    exit_code: Some(3),
                    reason: "ExitCode".into(),
                    message: "exited with 3".into(),
                }),
            }]),
        };
        let text = serde_json::to_string(&from).unwrap();
        assert_eq!(serde_json::from_str::<FromAgent>(&text).unwrap(), from, "{text}");
        for body in [
            ToAgentBody::ClaimAnswers(vec![ClaimAnswer {
                nonce: "n".into(),
                run,
                attempt: 0,
                replace: true,
                span: None,
                verdict: Verdict::Go { valid_ms: 5 },
            }]),
            ToAgentBody::LeaseRefused { nonce: "n".into(), reason: "r".into() },
        ] {
            let to = ToAgent { version: VERSION, body };
            let text = serde_json::to_string(&to).unwrap();
            assert_eq!(serde_json::from_str::<ToAgent>(&text).unwrap(), to, "{text}");
        }
    }
}

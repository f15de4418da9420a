//! The files in an attempt's folder, as the agent and the supervisor write and read them. They outlive both, and a
//! newer binary must read what an older one wrote: fields are only ever added, with a default.
//!
//! | file | written by | says |
//! |---|---|---|
//! | `spec.json` | the creator | what to run, and for whom |
//! | `lock` | | held for life by the supervisor; whoever holds it may write the exit |
//! | `launched.json` | the supervisor | that the command may run from now on |
//! | `started.json` | the supervisor | that the command runs |
//! | `stop.json` | any agent replica | that it should end |
//! | `exit.json` | who holds the lock | how it ended |

use std::path::PathBuf;

use berth_domain::lifecycle::End;
use berth_domain::protocol::AttemptRef;
use berth_domain::time::Time;
use berth_domain::trace::TraceContext;
use serde::{Deserialize, Serialize};

use crate::uptime::Moment;

pub(crate) const SPEC: &str = "spec.json";
pub(crate) const LOCK: &str = "lock";
pub(crate) const LAUNCHED: &str = "launched.json";
pub(crate) const STARTED: &str = "started.json";
pub(crate) const STOP: &str = "stop.json";
pub(crate) const EXIT: &str = "exit.json";
pub(crate) const WORK: &str = "work";
pub(crate) const LOG: &str = "log";
/// What the supervisor itself had to say.
pub(crate) const SUPERVISOR_LOG: &str = "supervisor.log";

/// What an attempt is. Holds environment values: never print it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// This object's own id.
    pub(crate) uid: String,
    pub(crate) attempt: AttemptRef,
    pub(crate) agent: String,
    pub(crate) replica: String,
    pub(crate) spec_hash: String,
    pub(crate) created_at: Time,
    /// The boot in which the two moments below mean something.
    pub(crate) boot: String,
    /// Whether it ends when its agent has been without a lease for too long.
    #[serde(default)]
    pub(crate) replace: bool,
    /// The command must have been launched by then, or never is.
    pub(crate) launch_by: Moment,
    /// Until then a create of the same attempt may still come.
    pub(crate) claim_over: Moment,
    /// Where it belongs in a trace, if it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trace: Option<Traced>,
    /// None if it was refused.
    pub(crate) launch: Option<Launch>,
}

/// Where an attempt belongs in a trace, and what is said of it there.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Traced {
    pub(crate) context: TraceContext,
    pub(crate) queue: String,
}

/// How to run the command.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Launch {
    /// The program and its arguments.
    pub(crate) command: Vec<String>,
    /// Its whole environment.
    pub(crate) environment: Vec<(String, String)>,
    /// Where it runs, if not in the attempt's own `work`.
    pub(crate) working_dir: Option<PathBuf>,
    /// After so many seconds it is ended.
    pub(crate) timeout_seconds: Option<u64>,
    /// How long it has between being asked to end and being killed.
    pub(crate) grace_ms: u64,
    /// How much of its log is kept.
    pub(crate) log_limit_bytes: u64,
}

/// The supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Launched {
    /// Its process; also its session.
    pub(crate) pid: u32,
    /// When that process started, in the kernel's own count; tells it from a later one with its number.
    pub(crate) start_time: Option<u64>,
    /// The boot it belongs to.
    pub(crate) boot: String,
    pub(crate) at: Time,
}

/// The command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Started {
    /// Its process; also its process group.
    pub(crate) pid: u32,
    pub(crate) start_time: Option<u64>,
    pub(crate) at: Time,
}

/// A stop that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stop {
    /// None for the grace that the attempt has.
    pub(crate) grace_ms: Option<u64>,
    pub(crate) at: Time,
    /// Whether it is because the agent has been without a lease for too long.
    #[serde(default)]
    pub(crate) fenced: bool,
}

/// The end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exit {
    pub(crate) end: End,
    pub(crate) at: Time,
}

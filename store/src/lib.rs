//! The state of record: PostgreSQL or SQLite behind one type, one schema, the same statements but for a few.
//!
//! Nothing is decided here: what may happen to a run is [`berth_domain::lifecycle::step`]'s word, who may start is
//! [`berth_domain::scheduling`]'s. The store locks, writes and reads, in few round trips, and writes with every
//! change who made it ([`Audit`]) and that it happened (the change feed). No clock is read: times come in.

mod admission;
mod agents;
mod audit;
mod calls;
mod celery;
mod changes;
mod claimant;
mod credentials;
mod db;
mod dead_letters;
mod destinations;
mod epoch;
mod error;
mod forgotten;
mod history;
mod holds;
mod idempotency;
mod leases;
mod losses;
mod migrate;
mod organizations;
pub mod page;
mod presets;
mod projects;
mod queues;
mod requests;
mod retention;
mod runs;
mod sql;
mod store;
mod tags;
mod things;
mod tokens;
mod turns;
mod warnings;

pub use admission::{AdmissionOptions, Admitted};
pub use agents::{Agent, AgentPatch, NewAgent};
pub use audit::{Audit, AuditEntry, AuditFilter};
pub use calls::Call;
pub use changes::{Change, ChangeKind, Changes, Cursor};
pub use credentials::{Credentials, NewCredentials};
pub use db::Options;
pub use dead_letters::{DeadLetter, DeadLetterFilter, DeadLetterGroup, DeadMessage};
pub use destinations::{ChoosingQueue, destinations};
pub use error::Error;
pub use history::{Backlogs, Recent};
pub use idempotency::Reservation;
pub use leases::{Lease, Replica};
pub use losses::LeaseGrant;
pub use migrate::PendingMigration;
pub use organizations::{OrganizationPatch, OrganizationSettings};
pub use page::{Page, PageOf};
pub use presets::{Preset, PresetPatch};
pub use projects::{NewProject, Project, ProjectPatch};
pub use queues::{NewQueue, Queue, QueuePatch};
pub use retention::{Removed, RetentionSettings};
pub use runs::{
    CountedLane, Decision, DueRun, Edit, Grouped, LiveAttempt, MAX_COUNTED, NewRun, Newcomer, OfferedRun,
    OutstandingOffers, QueuePosition, QueueStats, Recompiled, Run, RunContent, RunFilter, RunHead, RunPatch,
    Sort, SortKey, StoppingAttempt, page_statement,
};
pub use sql::listing::{GroupBy, samples as listing_samples};
pub use sql::migrations::Phase;
pub use sql::{Statement, registry as statements};
pub use store::Store;
pub use tokens::{NewToken, Token};
pub use turns::Turn;
pub use warnings::BrokerFacts;

//! Reads an attempt's log from some place on, whatever the attempt was started with.

use berth_domain::protocol::AttemptRef;
use berth_domain::protocol::logs::LogFrom;

use super::kubernetes::names::MAIN_CONTAINER;
use super::process::ProcessExecutor;
use super::{LogName, Page, Trouble, kubernetes};
use crate::archive;
use crate::identity::node_name;

/// A place in a log, and the way to what comes after it.
#[derive(Debug)]
pub enum LogReader {
    /// In files.
    Process {
        /// The executor.
        executor: ProcessExecutor,
        /// The attempt.
        attempt: AttemptRef,
        /// Where it goes on.
        from: LogFrom,
        /// Whether the attempt had ended when this was made.
        ended: bool,
    },
    /// Through the API server.
    Kubernetes(kubernetes::Reader),
    /// From the artifacts store, where it lies whole.
    Kept(archive::Reader),
}

impl LogReader {
    pub(super) async fn of_process(
        executor: &ProcessExecutor,
        attempt: AttemptRef,
        name: &LogName,
        from: LogFrom,
    ) -> Result<Option<Self>, Trouble> {
        // A process is never restarted within its attempt.
        let is_there = name.container == MAIN_CONTAINER && !name.previous;
        let found = if is_there { executor.look(attempt).await? } else { None };
        let reader = |ended| Self::Process { executor: executor.clone(), attempt, from, ended };
        Ok(found.map(|object| reader(object.is_ended())))
    }

    /// Whether the attempt had ended when this was made: then it may lie in the artifacts store too.
    #[must_use]
    pub fn had_ended(&self) -> bool {
        match self {
            Self::Process { ended, .. } => *ended,
            Self::Kubernetes(reader) => reader.had_ended(),
            Self::Kept(_) => true,
        }
    }

    /// The containers that have logs.
    #[must_use]
    pub fn containers(&self) -> Vec<String> {
        match self {
            Self::Process { .. } => vec![MAIN_CONTAINER.to_owned()],
            Self::Kubernetes(reader) => reader.containers().to_vec(),
            Self::Kept(reader) => reader.containers().to_vec(),
        }
    }

    /// How many pods the attempt has, or processes in their place.
    #[must_use]
    pub fn replicas(&self) -> u32 {
        match self {
            Self::Process { .. } => 1,
            Self::Kubernetes(reader) => reader.pods(),
            Self::Kept(reader) => reader.replicas(),
        }
    }

    /// Whether something of the container ran before its last restart, as far as is known by now.
    #[must_use]
    pub fn was_restarted(&self) -> bool {
        match self {
            Self::Process { .. } | Self::Kept(_) => false,
            Self::Kubernetes(reader) => reader.was_restarted(),
        }
    }

    /// The machine that it comes from.
    #[must_use]
    pub fn node(&self) -> String {
        match self {
            Self::Process { .. } => node_name(),
            Self::Kubernetes(reader) => reader.node().to_owned(),
            Self::Kept(reader) => reader.node().to_owned(),
        }
    }

    /// About `max_bytes` more, and whether what it comes from had ended before it was read; an empty page if there is
    /// nothing more just now. None if it isn't there any more.
    ///
    /// # Errors
    /// If the log can't be read.
    pub async fn page(&mut self, max_bytes: u64) -> Result<Option<(Page, bool)>, Trouble> {
        match self {
            Self::Process { executor, attempt, from, .. } => {
                let read = executor.log(*attempt, *from, max_bytes).await?;
                if let Some((page, _)) = &read
                    && (!page.lines.is_empty() || !matches!(from, LogFrom::After(_)))
                {
                    // By time only until something was found: an offset names the place exactly, and costs no search.
                    *from = LogFrom::Offset(page.next);
                }
                Ok(read)
            }
            Self::Kubernetes(reader) => reader.page(max_bytes).await.map(Some),
            // Only what is whole is read there: its end is the log's.
            Self::Kept(reader) => reader.page(max_bytes).await.map(|page| Some((page, true))),
        }
    }
}

//! Reads an attempt's log from some place on, whatever the attempt was started with.

use berth_domain::protocol::AttemptRef;
use berth_domain::protocol::logs::LogFrom;

use super::kubernetes::names::MAIN_CONTAINER;
use super::process::ProcessExecutor;
use super::{Page, Trouble, kubernetes};
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
    },
    /// Through the API server.
    Kubernetes(kubernetes::Reader),
}

impl LogReader {
    pub(super) async fn of_process(
        executor: &ProcessExecutor,
        attempt: AttemptRef,
        container: Option<String>,
        from: LogFrom,
    ) -> Result<Option<Self>, Trouble> {
        let is_main = container.is_none_or(|name| name == MAIN_CONTAINER);
        let is_there = is_main && executor.look(attempt).await?.is_some();
        Ok(is_there.then(|| Self::Process { executor: executor.clone(), attempt, from }))
    }

    /// The machine that it comes from.
    #[must_use]
    pub fn node(&self) -> String {
        match self {
            Self::Process { .. } => node_name(),
            Self::Kubernetes(reader) => reader.node().to_owned(),
        }
    }

    /// The container that it comes from.
    #[must_use]
    pub fn container(&self) -> &str {
        match self {
            Self::Process { .. } => MAIN_CONTAINER,
            Self::Kubernetes(reader) => reader.container(),
        }
    }

    /// About `max_bytes` more, and whether what it comes from had ended before it was read; an empty page if there is
    /// nothing more just now. None if it isn't there any more.
    ///
    /// # Errors
    /// If the log can't be read.
    pub async fn page(&mut self, max_bytes: u64) -> Result<Option<(Page, bool)>, Trouble> {
        match self {
            Self::Process { executor, attempt, from } => {
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
        }
    }
}

//! Which of an attempt's logs one is.

use std::fmt;

use super::kubernetes::names::MAIN_CONTAINER;

/// One of an attempt's logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogName {
    /// Which of the attempt's pods, from 0: the first stands for the attempt.
    pub replica: u32,
    /// The container.
    pub container: String,
    /// Whether it is that of the instance before the container's last restart.
    pub previous: bool,
}

impl LogName {
    /// The last instance of the container, in that pod; of the one that the run is about, if none is named.
    #[must_use]
    pub fn new(replica: u32, container: Option<String>) -> Self {
        let container = container.unwrap_or_else(|| MAIN_CONTAINER.to_owned());
        Self { replica, container, previous: false }
    }

    /// The log of the instance before the last restart.
    #[must_use]
    pub fn before_restart(&self) -> Self {
        Self { previous: true, ..self.clone() }
    }
}

/// As a name of a folder. No two logs of an attempt have the same: the name of a container has no dot.
impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.container)?;
        if self.replica > 0 {
            write!(f, ".replica-{}", self.replica)?;
        }
        if self.previous {
            f.write_str(".previous")?;
        }
        Ok(())
    }
}

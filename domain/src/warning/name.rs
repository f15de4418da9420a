//! The names of warnings. They are also those of alerts, and of pages of the book.

use std::fmt;

use serde::{Serialize, Serializer};

/// How bad it is. The worst is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Runs don't start, or may be lost to their users: somebody should be woken.
    Critical,
    /// It can wait until morning.
    Warning,
}

impl Severity {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
        }
    }
}

macro_rules! names {
    ($($(#[$meta:meta])* $name:ident = $severity:ident,)*) => {
        /// Which warning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Name {
            $($(#[$meta])* $name,)*
        }

        impl Name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name, by which its page in the book is found.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }

            /// The name of its alert.
            #[must_use]
            pub const fn alert(self) -> &'static str {
                match self { $(Self::$name => concat!("Berth", stringify!($name))),* }
            }

            /// How bad it is.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity),* }
            }
        }
    };
}

names! {
    /// No scheduler works.
    NoScheduler = Critical,
    /// The broker can't be reached.
    BrokerDown = Critical,
    /// The broker is short of memory or disk, and takes no messages.
    BrokerAlarm = Critical,
    /// Runs wait where nobody serves them.
    BacklogWithoutConsumers = Critical,
    /// An agent with runs has had no lease for a while.
    AgentLost = Critical,
    /// The broker does not take admitted attempts.
    OutboxLags = Critical,
    /// Runs that should go on by themselves don't.
    RunsStuckBetweenStates = Critical,
    /// Nothing but its turn holds a run back, for too long.
    OldestRunWaitsTooLong = Warning,
    /// A limit or a quota has held runs back for too long.
    QuotaStarvation = Warning,
    /// Runs or messages become dead letters.
    DeadLettersGrow = Warning,
    /// Attempts are claimed again and again.
    RedeliveriesGrow = Warning,
    /// An agent's clock is off.
    ClockSkew = Warning,
    /// An agent is of a release that the control plane may not go with.
    VersionSkew = Warning,
}

impl Name {
    /// Its page, as the book's address of it begins.
    #[must_use]
    pub fn runbook(self) -> String {
        format!("runbooks/{self}.html")
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

//! An installation as its operators and users have it: by `berth` on a command line, and by a look into its broker.

use std::time::Duration;

use berth_broker::{Broker, Error, Settings};
use berth_broker_config::Names;
use serde_json::Value;

use crate::installation::{BrokerServer, Installation};

/// How long the broker may take to answer.
const ANSWER: Duration = Duration::from_secs(60);

impl Installation {
    /// What `berth ARGUMENTS` wrote.
    ///
    /// # Panics
    /// If it failed.
    pub fn told(&self, arguments: &[&str]) -> String {
        let output = self.berth(arguments);
        let (text, error) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "berth {arguments:?}: {text} {error}");
        text.into_owned()
    }

    /// What `berth ARGUMENTS -o json` answered.
    ///
    /// # Panics
    /// If it failed, or wrote no JSON.
    pub fn answered(&self, arguments: &[&str]) -> Value {
        let text = self.told(&[arguments, &["-o", "json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("berth {arguments:?}: {error}: {text}"))
    }

    /// What `berth ARGUMENTS` said when it was refused.
    ///
    /// # Panics
    /// If it was not.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.berth(arguments);
        assert!(!output.status.success(), "berth {arguments:?} succeeded");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Submits an operation from a file of that name by `berth run`, with more arguments; the run's UUID.
    ///
    /// # Panics
    /// If it is refused, or the file can't be written.
    pub fn run_file(&self, name: &str, operation: &Value, more: &[&str]) -> String {
        let path = self.folder.join(name);
        std::fs::write(&path, operation.to_string())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let path = path.display().to_string();
        self.told(&[&["run", "-o", "name", "-f", &path], more].concat()).trim().to_owned()
    }

    /// How many offers wait in an agent's queue on the broker, asked past everything of ours.
    ///
    /// # Panics
    /// If the broker is in the process, or can't be asked.
    pub async fn offers_on_broker(&self, agent: &str, queue: &str) -> u64 {
        assert!(!matches!(self.broker, BrokerServer::None), "the broker is in the process");
        let settings = Settings::new(&self.broker.url_through(self.broker.port()))
            .unwrap_or_else(|error| panic!("{error}"));
        let broker = Broker::connect(settings).unwrap_or_else(|error| panic!("{error}"));
        assert!(broker.connected(ANSWER).await, "the broker is not there");
        let depth = broker.depth(&Names::default().offers(agent, queue)).await;
        broker.close().await;
        match depth {
            Ok(depth) => depth.ready,
            // It was made a moment ago: nothing can be in it.
            Err(Error::NoSuchQueue { .. }) => 0,
            Err(error) => panic!("offers of {agent}/{queue}: {error}"),
        }
    }
}

//! The file with an agent's connections: found by its setting, and read by the agent crate.

use berth_agent::connections::Connections;

use super::agent::ExecutorKind;
use super::resolve::{Error, Resolved};

const KEY: &str = "connections";

/// What the runs of an agent with this executor may reach; none if no file is named.
///
/// # Errors
/// If the file can't be read or used, or the executor has no connections.
pub fn connections(
    resolved: &Resolved,
    executor: ExecutorKind,
    read: &dyn Fn(&str) -> std::io::Result<String>,
) -> Result<Connections, Error> {
    let Some(given) = resolved.get(KEY).filter(|given| !given.text.is_empty()) else {
        return Ok(Connections::default());
    };
    let (origin, path) = (given.origin.clone(), given.text.clone());
    if executor == ExecutorKind::Process {
        return Err(Error::Invalid {
            key: KEY,
            origin,
            found: format!("`{path}`"),
            allowed: "used by `--executor process`: only `--executor kubernetes` has connections".to_owned(),
        });
    }
    let text = read(&path).map_err(|error| Error::Unreadable {
        path: path.clone(),
        origin: origin.clone(),
        reason: error.to_string(),
    })?;
    Connections::read(&text).map_err(|error| {
        let problem = error.to_string();
        Error::Content { key: KEY, origin, path, problem }
    })
}

//! What is on Redis under our prefix.

use berth_broker_config::Topology;
use berth_broker_config::found::{Found, Seen};

use super::keys::{REGISTRY, queue_of_list};
use super::link::Link;
use super::users;
use crate::broker::Survey;
use crate::error::Error;

/// A queue is there if it is registered. A list that is not registered is shown if nothing wants it either: it may
/// hold messages that nobody will ever read.
pub(crate) async fn survey(link: &Link, wanted: &Topology) -> Result<Survey, Error> {
    const DOING: &str = "looking at what there is";
    let mut found = Found::default();
    for registry in scan(link, "set").await?.iter().filter(|key| key.ends_with(REGISTRY)) {
        let members: Vec<String> = link.command(DOING, ::redis::cmd("SMEMBERS").arg(registry)).await?;
        found.queues.extend(members.into_iter().map(|name| (name, Seen::Name)));
    }
    for list in scan(link, "list").await? {
        let queue = queue_of_list(&list);
        if !wanted.queues.contains_key(queue) {
            found.queues.insert(queue.to_owned(), Seen::Name);
        }
    }
    found.users = Some(users::found(link).await?);
    Ok(Survey { found, unseen: None })
}

/// The keys of one type under our prefix.
async fn scan(link: &Link, kind: &str) -> Result<Vec<String>, Error> {
    let pattern = format!("{}.*", link.core.settings.names.prefix);
    let (mut keys, mut cursor) = (Vec::new(), 0_u64);
    loop {
        let mut scan = ::redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(1000).arg("TYPE").arg(kind);
        let (next, some): (u64, Vec<String>) = link.command("listing keys", &scan).await?;
        keys.extend(some);
        if next == 0 {
            return Ok(keys);
        }
        cursor = next;
    }
}

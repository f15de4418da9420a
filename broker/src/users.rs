//! What is to be done to users, decided from what is there: as little as possible, and nothing to whom is not ours.

use std::collections::BTreeMap;

use berth_broker_config::Names;
use berth_broker_config::password::PasswordHashes;
use berth_broker_config::rights::AgentUser;
use berth_broker_config::users::{self, FoundUsers, PASSWORD};

use crate::error::Error;

/// Whether a broker takes agents' users from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserSupport {
    /// It does, if its user may make users.
    Taken,
    /// It has users, but can't be told of them from here; the text says why.
    Untold(&'static str),
    /// It has none: whoever is in the process is in.
    None,
}

/// What is to be done to one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    /// Make it, or set its rights.
    Set,
    /// Take it away and make it again: its password is another, and who came in with the old one is to be out.
    Replace,
}

/// What is to be done so that every user is as it should be; an error for each that is not ours to touch.
pub(crate) fn edits<'a>(
    names: &Names,
    wanted: &'a BTreeMap<String, AgentUser>,
    found: &FoundUsers,
    own: &str,
) -> Vec<(&'a String, Result<Edit, Error>)> {
    let mut edits = Vec::new();
    for (name, user) in wanted {
        let should = users::wanted(found.kind, names, user);
        let there = found.users.get(name);
        if there == Some(&should) {
            continue;
        }
        let is_old = there.is_some_and(|is| is.get(PASSWORD) != should.get(PASSWORD));
        let edit = if is_old { Edit::Replace } else { Edit::Set };
        edits.push((name, touchable(name, found, own).map(|()| edit)));
    }
    edits
}

/// Whether there is a user of that name, and with that password if one is given, to take away.
pub(crate) fn may_remove(
    name: &str,
    only: Option<&PasswordHashes>,
    found: &FoundUsers,
    own: &str,
) -> Result<bool, Error> {
    let Some(there) = found.users.get(name) else { return Ok(false) };
    let is = |password| there.get(PASSWORD).is_some_and(|hash| hash == users::hash_of(found.kind, password));
    if !only.is_none_or(is) {
        return Ok(false);
    }
    touchable(name, found, own).map(|()| true)
}

/// Refuses what only has the name of an agent's user.
fn touchable(name: &str, found: &FoundUsers, own: &str) -> Result<(), Error> {
    let refused = |why: &str| {
        let difference = format!("{why}; rename it, or use another broker_prefix");
        Err(Error::Conflict { name: name.to_owned(), difference })
    };
    if name == own {
        return refused("it is the control plane's own");
    }
    match found.users.get(name).and_then(users::is_untouchable) {
        Some(why) => refused(why),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use berth_broker_config::rights::{Slot, agent_user};
    use berth_broker_config::users::{Kind, on_rabbitmq, wanted};

    use super::*;

    fn user(password: &str) -> AgentUser {
        let password = PasswordHashes::of(password, [0; 4]);
        AgentUser { agent: "a".to_owned(), slot: Slot::First, password }
    }

    fn found(user: Option<&AgentUser>) -> FoundUsers {
        let names = Names::default();
        let named = |user: &AgentUser| ("berth-a".to_owned(), wanted(Kind::RabbitMq, &names, user));
        FoundUsers { kind: Kind::RabbitMq, users: user.map(named).into_iter().collect() }
    }

    #[test]
    fn only_what_differs_is_touched() {
        let names = Names::default();
        let should = BTreeMap::from([(agent_user(&names, "a", Slot::First), user("new"))]);
        let done = |found: &FoundUsers| {
            let edits = edits(&names, &should, found, "me");
            edits.into_iter().map(|(_, edit)| edit.unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(done(&found(Some(&user("new")))), []);
        assert_eq!(done(&found(None)), [Edit::Set]);
        assert_eq!(done(&found(Some(&user("old")))), [Edit::Replace]);
        let mut wide = found(Some(&user("new")));
        wide.users.get_mut("berth-a").unwrap().insert("write".to_owned(), ".*".to_owned());
        assert_eq!(done(&wide), [Edit::Set]);
    }

    #[test]
    fn an_administrator_with_an_agents_name_is_never_touched_nor_is_whoever_asks() {
        let names = Names::default();
        let should = BTreeMap::from([("berth-a".to_owned(), user("new"))]);
        let mut there = found(None);
        there.users.insert("berth-a".to_owned(), on_rabbitmq("h", "administrator", None));
        let refused = |found: &FoundUsers, own: &str| {
            edits(&names, &should, found, own).remove(0).1.unwrap_err().to_string()
        };
        let error = refused(&there, "me");
        assert!(
            error.starts_with("`berth-a` exists on the broker with other properties: it has tags"),
            "{error}"
        );
        let removed = may_remove("berth-a", None, &there, "me");
        assert_eq!(removed.map_err(|error| error.to_string()), Err(error));
        let own = refused(&found(None), "berth-a");
        assert!(own.contains("the control plane's own"), "{own}");
        assert_eq!(may_remove("berth-b", None, &there, "me"), Ok(false));
    }

    #[test]
    fn a_user_that_has_another_password_by_now_is_not_taken_away() {
        let there = found(Some(&user("new")));
        let removed = |password: &str| {
            may_remove("berth-a", Some(&PasswordHashes::of(password, [0; 4])), &there, "me").unwrap()
        };
        assert!(removed("new") && !removed("old"));
    }
}

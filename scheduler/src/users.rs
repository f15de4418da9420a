//! Agents' users on the broker, kept as the store has them: made again when the broker has lost them, changed and
//! taken away when the API could not tell the broker itself.

use std::collections::BTreeMap;

use berth_broker::UserSupport;
use berth_broker_config::password::PasswordHashes;
use berth_broker_config::rights::{AgentUser, Slot, agent_user};
use berth_broker_config::{Names, Topology};
use berth_store::Credentials;

use crate::context::Context;
use crate::outbox::Error;

type ByName = BTreeMap<String, AgentUser>;

/// The users that this replica has told the broker of. The broker is asked what it has only when that is in doubt, or
/// the store has others.
#[derive(Default)]
pub(crate) struct Users {
    told: ByName,
    is_doubtful: bool,
    was_warned: bool,
}

impl Users {
    /// The broker may have lost them.
    pub(crate) fn doubt(&mut self) {
        self.is_doubtful = true;
    }

    /// Tells the broker what is news.
    pub(crate) async fn converge(&mut self, context: &Context) -> Result<(), Error> {
        let support = context.broker.user_support();
        if support == UserSupport::None {
            return Ok(());
        }
        let wanted = wanted(&context.names, context.store.all_credentials().await?);
        if let UserSupport::Untold(why) = support {
            if !wanted.is_empty() && !self.was_warned {
                tracing::warn!("agents' users are not looked after on the broker: {why}");
                self.was_warned = true;
            }
            return Ok(());
        }
        let (news, gone) = changes(&self.told, &wanted, self.is_doubtful);
        for (name, user) in gone {
            // One that has another password is a newer one, which another replica or the API has told of.
            if context.broker.remove_user(&name, Some(&user.password)).await? {
                tracing::info!(user = name, "a user was taken from the broker");
            }
            self.told.remove(&name);
        }
        if !news.is_empty() {
            let users = news.clone();
            context.broker.apply(&Topology { users, ..Topology::default() }).await?;
            self.told.extend(news);
        }
        self.is_doubtful = false;
        Ok(())
    }
}

fn wanted(names: &Names, credentials: Vec<Credentials>) -> ByName {
    let user = |it: Credentials| {
        let slot = Slot::of_number(it.slot)?;
        let password = PasswordHashes { rabbitmq: it.rabbitmq_hash, redis: it.redis_hash };
        Some((agent_user(names, &it.agent, slot), AgentUser { agent: it.agent, slot, password }))
    };
    credentials.into_iter().filter_map(user).collect()
}

/// What the broker is to be told: users that are to be so, and users that are to be no more.
fn changes(told: &ByName, wanted: &ByName, is_doubtful: bool) -> (ByName, ByName) {
    let news = wanted.iter().filter(|(name, user)| is_doubtful || told.get(*name) != Some(*user));
    let gone = told.iter().filter(|(name, _)| !wanted.contains_key(*name));
    let owned = |(name, user): (&String, &AgentUser)| (name.clone(), user.clone());
    (news.map(owned).collect(), gone.map(owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(of: &[(&str, &str)]) -> ByName {
        let user = |&(agent, password): &(&str, &str)| {
            let password = PasswordHashes::of(password, [0; 4]);
            (format!("berth-{agent}"), AgentUser { agent: agent.to_owned(), slot: Slot::First, password })
        };
        of.iter().map(user).collect()
    }

    #[test]
    fn the_broker_is_told_what_is_news_and_everything_when_in_doubt() {
        let told = users(&[("a", "x"), ("b", "x"), ("c", "x")]);
        let wanted = users(&[("a", "x"), ("b", "y"), ("d", "x")]);
        let gone = users(&[("c", "x")]);
        assert_eq!(changes(&told, &wanted, false), (users(&[("b", "y"), ("d", "x")]), gone.clone()));
        assert_eq!(changes(&told, &wanted, true), (wanted.clone(), gone));
        assert_eq!(changes(&wanted, &wanted, false), (ByName::new(), ByName::new()));
    }
}

//! Who the master is: what most of the Sentinels say.
//!
//! All are asked at once, and the answer is believed as soon as more than half of those that the URL names agree, so that
//! one that is cut off, with the old master beside it, decides nothing, and one that is away costs no time. Where there
//! is no such answer in time, the most frequent one is tried: the master itself is asked for its role anyway.

use std::time::Duration;

use ::redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, RedisConnectionInfo, RedisResult,
};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use secrecy::ExposeSecret as _;

use crate::sentinels::Sentinels;

/// A host and a port.
type Place = (String, u16);

/// The Sentinels, each with the means to ask it.
pub(crate) struct Watchers {
    service: String,
    clients: Vec<(String, Client)>,
}

impl Watchers {
    /// `template` is a client of the Redis: its TLS is theirs too.
    pub(crate) fn new(sentinels: &Sentinels, template: &Client) -> RedisResult<Self> {
        let mut own = RedisConnectionInfo::default();
        if let Some(user) = &sentinels.user {
            own = own.set_username(user);
        }
        if let Some(password) = &sentinels.password {
            own = own.set_password(password.expose_secret());
        }
        let client = |(host, port): &Place| {
            let info = at(template, host, *port).set_redis_settings(own.clone());
            Ok((format!("{host}:{port}"), Client::open(info)?))
        };
        let clients = sentinels.places.iter().map(client).collect::<RedisResult<_>>()?;
        Ok(Self { service: sentinels.service.clone(), clients })
    }

    /// A client of the master; or why there is none.
    pub(crate) async fn master(&self, template: &Client, limit: Duration) -> Result<Client, String> {
        let mut asking: FuturesUnordered<_> = self
            .clients
            .iter()
            .map(|(shown, client)| async move {
                let asked = tokio::time::timeout(limit, ask(client, &self.service)).await;
                let asked =
                    asked.unwrap_or_else(|_| Err(format!("no answer within {} ms", limit.as_millis())));
                asked.map_err(|why| format!("{shown}: {why}"))
            })
            .collect();
        let (mut said, mut failures) = (Vec::new(), Vec::new());
        while agreed(&said, self.clients.len()).is_none()
            && let Some(answer) = asking.next().await
        {
            match answer {
                Ok(place) => said.push(place),
                Err(why) => failures.push(why),
            }
        }
        let Some((host, port)) = most_frequent(&said) else {
            return Err(format!("no Sentinel names a master ({})", failures.join("; ")));
        };
        Client::open(at(template, host, *port)).map_err(|error| error.to_string())
    }
}

async fn ask(client: &Client, service: &str) -> Result<Place, String> {
    let config = AsyncConnectionConfig::new();
    let asking = async {
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        let mut question = ::redis::cmd("SENTINEL");
        question.arg("get-master-addr-by-name").arg(service);
        question.query_async::<Option<Place>>(&mut connection).await
    };
    match asking.await {
        Ok(Some(place)) => Ok(place),
        Ok(None) => Err(format!("it knows no service `{service}`")),
        Err(error) => Err(error.to_string()),
    }
}

/// How the template connects, to another place.
fn at(template: &Client, host: &str, port: u16) -> ConnectionInfo {
    let info = template.get_connection_info().clone();
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let addr = match info.addr() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
        }
        _ => ConnectionAddr::Tcp(host, port),
    };
    info.set_addr(addr)
}

/// What more than half of all have said.
fn agreed(said: &[Place], all: usize) -> Option<&Place> {
    most_frequent(said).filter(|place| 2 * count(said, place) > all)
}

/// What most have said; of several the one that was said first.
fn most_frequent(said: &[Place]) -> Option<&Place> {
    // The last of the greatest is taken, so the first comes last.
    said.iter().rev().max_by_key(|place| count(said, place))
}

fn count(said: &[Place], place: &Place) -> usize {
    said.iter().filter(|it| *it == place).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_half_of_all_sentinels_are_believed_at_once() {
        let [old, new] = [("old".to_owned(), 1), ("new".to_owned(), 1)];
        for (said, all, wanted) in [
            (vec![&old], 1, Some(&old)),
            (vec![&old], 3, None),
            (vec![&old, &new], 3, None),
            (vec![&old, &new, &new], 3, Some(&new)),
            (vec![&new, &new], 3, Some(&new)),
            (vec![&new, &new], 4, None),
            (vec![], 1, None),
        ] {
            let said: Vec<Place> = said.into_iter().cloned().collect();
            assert_eq!(agreed(&said, all), wanted, "{said:?} of {all}");
        }
    }

    #[test]
    fn where_no_half_agrees_the_most_frequent_is_tried_and_then_the_first() {
        let [a, b] = [("a".to_owned(), 1), ("b".to_owned(), 1)];
        assert_eq!(most_frequent(&[a.clone(), b.clone(), b.clone()]), Some(&b));
        assert_eq!(most_frequent(&[a.clone(), b]), Some(&a));
        assert_eq!(most_frequent(&[]), None);
    }
}

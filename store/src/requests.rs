//! How many requests the replicas of the API answer together: each notes its own number beside the others'.

use std::collections::BTreeMap;
use std::time::Duration;

use berth_domain::time::Time;
use serde::{Deserialize, Serialize};

use crate::db::{args, json_text};
use crate::{Error, Store, sql};

/// Where it is noted.
const KEY: &str = "api_requests";
/// A replica that has noted nothing for so long is gone.
const GONE: Duration = Duration::from_secs(30);
/// How often one tries where others write at the same time.
const TRIES: u32 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Noted {
    requests: u64,
    at: Time,
}

impl Store {
    /// Notes how many requests a replica of the API answers, and returns how many all of them do.
    ///
    /// # Errors
    /// If the database can't be used. Where others always write at the same time the number is not noted, which is no error.
    pub async fn note_requests(&self, replica: &str, requests: u64, now: Time) -> Result<u64, Error> {
        let mut sum = requests;
        for _ in 0..TRIES {
            let known = self.meta(KEY).await?;
            // What can't be read is of another release, and written anew.
            let mut all: BTreeMap<String, Noted> =
                known.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
            all.retain(|_, noted| now.since(noted.at) < GONE);
            all.insert(replica.to_owned(), Noted { requests, at: now });
            sum = all.values().map(|noted| noted.requests).sum();
            let text = json_text(&all)?;
            let mut tx = self.db.begin().await?;
            let written = match known {
                None => tx.run(sql::meta::INIT, args![KEY, text]).await?,
                Some(known) => tx.run(sql::meta::SET_IF, args![KEY, known, text]).await?,
            };
            tx.commit().await?;
            if written > 0 {
                break;
            }
        }
        Ok(sum)
    }
}

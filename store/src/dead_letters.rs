//! Dead letters: runs that were claimed too often without a start, and messages that nobody can read. Each has a key,
//! so that what is set aside again is the same letter once more, not another one.

use std::collections::BTreeSet;

use berth_domain::dead_letter::Reason;
use berth_domain::id::{AgentId, DeadLetterId, QueueId, RunId};
use berth_domain::protocol::Envelope;
use berth_domain::time::Time;
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::audit::{self, About, Audit};
use crate::db::{Arg, Args, Row, Tx, args, batches, json_text};
use crate::page::{Key, Page, PageOf};
use crate::runs::model::RunHead;
use crate::runs::transition::{self, Decision};
use crate::things::{count, found};
use crate::{Error, Store, sql};

/// Something that was set aside.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Its id.
    pub id: DeadLetterId,
    /// The organization.
    pub owner: String,
    /// The agent it was for, or came from.
    pub agent_id: Option<AgentId>,
    /// The name of that; none if the agent was deleted since.
    pub agent: Option<String>,
    /// The queue it was in.
    pub queue_id: Option<QueueId>,
    /// The name of that in its agent; none if the queue was deleted since.
    pub queue: Option<String>,
    /// The run, if it is known.
    pub run_id: Option<RunId>,
    /// The attempt.
    pub attempt: Option<u32>,
    /// Why it was set aside.
    pub reason: Reason,
    /// The same for people.
    pub detail: String,
    /// A message's body, in base64. Lists leave it out.
    pub raw: Option<String>,
    /// What a message had beside its body. Lists leave it out.
    pub envelope: Option<Envelope>,
    /// Whether the body was longer than what is kept.
    pub is_cut: bool,
    /// When it was set aside first.
    pub first_at: Time,
    /// When it was set aside last.
    pub last_at: Time,
    /// How often.
    pub times: u32,
}

/// A message that nobody can read.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadMessage {
    /// The organization.
    pub owner: String,
    /// The agent it was for, or came from; none of what was submitted.
    pub agent_id: Option<AgentId>,
    /// The queue of the agent that it was in; none for what the agent itself sent.
    pub queue_id: Option<QueueId>,
    /// Why it is set aside.
    pub reason: Reason,
    /// The same for people.
    pub detail: String,
    /// Its body, in base64.
    pub raw: String,
    /// What it had beside its body, if that is known.
    pub envelope: Option<Envelope>,
    /// Whether `raw` is only its beginning.
    pub is_cut: bool,
}

impl DeadMessage {
    /// The same message on the same way has the same key.
    fn key(&self) -> String {
        let queue = self.queue_id.map(|queue| queue.to_string()).unwrap_or_default();
        // A table of texts: writing it can't fail.
        let envelope = serde_json::to_string(&self.envelope).unwrap_or_default();
        let digest = Sha256::new().chain_update(&self.raw).chain_update(envelope).finalize();
        let digest: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let agent = self.agent_id.map(|agent| agent.to_string()).unwrap_or_default();
        format!("message/{agent}/{queue}/{}/{digest}", self.reason)
    }
}

/// Which letters; what is none is not asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    /// Of this organization.
    pub owner: String,
    /// Set aside for this reason.
    pub reason: Option<Reason>,
    /// For this agent, or from it.
    pub agent_id: Option<AgentId>,
    /// In this queue.
    pub queue_id: Option<QueueId>,
    /// Of this run.
    pub run_id: Option<RunId>,
    /// Set aside, the last time, then or later.
    pub from: Option<Time>,
    /// Set aside, the last time, before then.
    pub until: Option<Time>,
}

impl DeadLetterFilter {
    fn args(&self) -> Args {
        args![
            &self.owner,
            self.reason.map(Reason::as_str),
            self.agent_id,
            self.queue_id,
            self.run_id,
            self.from,
            self.until,
        ]
    }
}

/// The letters of one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterGroup {
    /// The reason.
    pub reason: Reason,
    /// How many letters.
    pub letters: u64,
    /// How often they were set aside, all together.
    pub times: u64,
    /// When the first of them was set aside first.
    pub first_at: Time,
    /// When the last of them was set aside last.
    pub last_at: Time,
}

#[derive(Debug, Serialize)]
pub(crate) struct DeadLetterRow<'a> {
    id: DeadLetterId,
    key: String,
    owner: &'a str,
    kind: &'static str,
    agent_id: Option<AgentId>,
    queue_id: Option<QueueId>,
    run_id: Option<RunId>,
    attempt: Option<u32>,
    reason: &'a str,
    raw: Option<&'a str>,
    envelope: Option<&'a Envelope>,
    cut: bool,
    first_at: i64,
    at: i64,
}

impl<'a> DeadLetterRow<'a> {
    /// Of a run that was claimed too often.
    pub(crate) fn poison(head: &'a RunHead, detail: &'a str, now: Time) -> Self {
        Self {
            id: DeadLetterId::new(),
            key: format!("run/{}", head.id),
            owner: &head.owner,
            kind: Reason::Poison.as_str(),
            agent_id: head.agent_id,
            queue_id: head.queue_id,
            run_id: Some(head.id),
            attempt: Some(head.dispatch.attempt),
            reason: detail,
            raw: None,
            envelope: None,
            cut: false,
            first_at: now.micros(),
            at: now.micros(),
        }
    }

    fn message(message: &'a DeadMessage, now: Time) -> Self {
        Self {
            id: DeadLetterId::new(),
            key: message.key(),
            owner: &message.owner,
            kind: message.reason.as_str(),
            agent_id: message.agent_id,
            queue_id: message.queue_id,
            run_id: None,
            attempt: None,
            reason: &message.detail,
            raw: Some(&message.raw),
            envelope: message.envelope.as_ref(),
            cut: message.is_cut,
            first_at: now.micros(),
            at: now.micros(),
        }
    }
}

/// Writes dead letters, no two of them with one key, in the transaction that makes them.
pub(crate) async fn write(tx: &mut Tx, letters: &[DeadLetterRow<'_>]) -> Result<(), Error> {
    for batch in batches(letters)? {
        tx.run(sql::dead_letters::INSERT, args![batch]).await?;
    }
    Ok(())
}

impl Store {
    /// Sets a message aside, or once more.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn add_dead_message(&self, message: &DeadMessage, now: Time) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        write(&mut tx, &[DeadLetterRow::message(message, now)]).await?;
        tx.commit().await
    }

    /// A page of the letters that fit, the latest first.
    ///
    /// # Errors
    /// If the cursor is not one of this list, or the database can't be used.
    pub async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        page: &Page,
    ) -> Result<PageOf<DeadLetter>, Error> {
        let after = page.cursor.as_ref().map(|cursor| Key::from_cursor(cursor, "dead")).transpose()?;
        let args = filter
            .args()
            .with(after.as_ref().and_then(|key| key.number))
            .with(after.as_ref().map_or(Arg::Uuid(None), |key| key.id.into()))
            .with(page.limit() + 1)
            .with(page.offset());
        let rows = self.db.all(sql::dead_letters::LIST, args).await?;
        let count = count(&self.db, page, sql::dead_letters::COUNT, filter.args()).await?;
        let items = rows.iter().map(letter).collect::<Result<Vec<_>, _>>()?;
        PageOf::cut(items, page, count, |last| Key::at("dead", last.last_at, last.id.uuid()))
    }

    /// The first `limit` letters that fit after `after`, by id, with their messages.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn dead_letters_after(
        &self,
        filter: &DeadLetterFilter,
        after: Option<DeadLetterId>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, Error> {
        let after = after.unwrap_or_else(|| DeadLetterId::from_uuid(Uuid::nil()));
        let rows = self.db.all(sql::dead_letters::AFTER, filter.args().with(after).with(limit)).await?;
        rows.iter().map(letter).collect()
    }

    /// The letters that fit, counted by their reason; the most first.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn dead_letter_groups(&self, filter: &DeadLetterFilter) -> Result<Vec<DeadLetterGroup>, Error> {
        let rows = self.db.all(sql::dead_letters::BY_KIND, filter.args()).await?;
        rows.iter()
            .map(|row| {
                Ok(DeadLetterGroup {
                    reason: row.parse("kind")?,
                    letters: row.count("n")?,
                    times: row.count("times")?,
                    first_at: row.time("first_at")?,
                    last_at: row.time("at")?,
                })
            })
            .collect()
    }

    /// The dead letter of that id.
    ///
    /// # Errors
    /// `NotFound` if the organization has none.
    pub async fn dead_letter(&self, owner: &str, id: DeadLetterId) -> Result<DeadLetter, Error> {
        let row = self.db.one(sql::dead_letters::BY_ID, args![owner, id]).await?;
        found(row, letter, "dead letter", id)
    }

    /// Lets runs that were set aside go on as `decide` says, and takes their letters out of the dead letters, in one
    /// transaction. Returns the letters whose run goes on; the others stay.
    ///
    /// # Errors
    /// If the database can't be used: then nothing has changed.
    pub async fn replay_dead_runs<D: Into<Decision>>(
        &self,
        letters: &[DeadLetter],
        audit: &Audit,
        mut decide: impl FnMut(&RunHead) -> Option<D>,
    ) -> Result<Vec<DeadLetterId>, Error> {
        let runs: Vec<RunId> = letters.iter().filter_map(|letter| letter.run_id).collect();
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.db.begin().await?;
        let decided: Vec<(RunHead, Decision)> = transition::lock(&mut tx, &runs)
            .await?
            .into_iter()
            .filter_map(|head| decide(&head).map(|decision| (head, decision.into())))
            .collect();
        transition::apply(&mut tx, &decided, audit.at).await?;
        let going: BTreeSet<RunId> = decided.iter().map(|(head, _)| head.id).collect();
        let going = letters.iter().filter(|letter| letter.run_id.is_some_and(|run| going.contains(&run)));
        let replayed = settle(&mut tx, Settle::Replayed, going, audit).await?;
        tx.commit().await?;
        Ok(replayed)
    }

    /// Takes letters whose messages were sent again out of the dead letters. Returns those that were there.
    ///
    /// # Errors
    /// If the database can't be used: then nothing has changed.
    pub async fn dead_messages_replayed(
        &self,
        letters: &[DeadLetter],
        audit: &Audit,
    ) -> Result<Vec<DeadLetterId>, Error> {
        let mut tx = self.db.begin().await?;
        let replayed = settle(&mut tx, Settle::Replayed, letters.iter(), audit).await?;
        tx.commit().await?;
        Ok(replayed)
    }

    /// Drops letters for good. Returns those that were there.
    ///
    /// # Errors
    /// If the database can't be used: then nothing has changed.
    pub async fn drop_dead_letters(
        &self,
        letters: &[DeadLetter],
        audit: &Audit,
    ) -> Result<Vec<DeadLetterId>, Error> {
        let mut tx = self.db.begin().await?;
        let dropped = settle(&mut tx, Settle::Dropped, letters.iter(), audit).await?;
        tx.commit().await?;
        Ok(dropped)
    }
}

/// Takes letters away, with an entry for each in the audit log; those that are there.
async fn settle(
    tx: &mut Tx,
    how: Settle,
    letters: impl Iterator<Item = &DeadLetter>,
    audit: &Audit,
) -> Result<Vec<DeadLetterId>, Error> {
    let letters: Vec<&DeadLetter> = letters.collect();
    if letters.is_empty() {
        return Ok(Vec::new());
    }
    let seen: Vec<Seen> = letters.iter().map(|letter| Seen { id: letter.id, times: letter.times }).collect();
    let seen = json_text(&seen)?;
    let rows = match how {
        Settle::Replayed => tx.all(sql::dead_letters::REPLAYED, args![seen, audit.at]).await?,
        Settle::Dropped => tx.all(sql::dead_letters::DROP, args![seen]).await?,
    };
    let settled: BTreeSet<DeadLetterId> = rows.iter().map(|row| row.id("id")).collect::<Result<_, _>>()?;
    let entries: Vec<(&Audit, About<'_>)> = letters
        .iter()
        .filter(|letter| settled.contains(&letter.id))
        .map(|letter| {
            let (owner, id) = (letter.owner.as_str(), Some(letter.id.uuid()));
            (audit, About { owner, kind: "dead_letter", id, name: Some(letter.reason.as_str()) })
        })
        .collect();
    audit::write(tx, &entries).await?;
    Ok(settled.into_iter().collect())
}

/// A letter as it was read.
#[derive(Serialize)]
struct Seen {
    id: DeadLetterId,
    times: u32,
}

/// What became of letters.
#[derive(Debug, Clone, Copy)]
enum Settle {
    Replayed,
    Dropped,
}

fn letter(row: &Row) -> Result<DeadLetter, Error> {
    Ok(DeadLetter {
        id: row.id("id")?,
        owner: row.text("owner")?,
        agent_id: row.opt_id("agent_id")?,
        agent: row.opt_text("agent_name")?,
        queue_id: row.opt_id("queue_id")?,
        queue: row.opt_text("queue_name")?,
        run_id: row.opt_id("run_id")?,
        attempt: row.opt_u32("attempt")?,
        reason: row.parse("kind")?,
        detail: row.text("reason")?,
        raw: row.opt_text("raw")?,
        envelope: row.opt_json("envelope")?,
        is_cut: row.bool("cut")?,
        first_at: row.time("first_at")?,
        last_at: row.time("at")?,
        times: row.u32("times")?,
    })
}

//! Listing runs: filters, sort orders, keyset pages.

use berth_domain::id::{AgentId, ProjectId, QueueId, RunId};
use berth_domain::lifecycle::Status;
use berth_domain::time::Time;
use serde::Serialize;

use super::create::id_rows;
use super::model::{Run, run};
use crate::db::{Args, args, json_text};
use crate::page::{Key, MAX_COUNTED, Page, PageOf};
use crate::sql::listing::{Composer, Order, Part, like};
use crate::{Error, Store, sql};

/// How many names are asked for one by one: a tenth of a second's worth.
const MOST_NAMES_ASKED: i64 = 10_000;
/// How many names are looked up in the index of names.
const MOST_NAMES_FOUND: usize = 32;

/// Which runs; what is none or empty is not asked about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunFilter {
    /// Of this organization.
    pub owner: Option<String>,
    /// Of this project.
    pub project_id: Option<ProjectId>,
    /// In one of these statuses.
    pub statuses: Vec<Status>,
    /// Of one of these kinds.
    pub kinds: Vec<String>,
    /// One of these; an empty list asks for none at all.
    pub ids: Option<Vec<RunId>>,
    /// Of exactly this name.
    pub name: Option<String>,
    /// With all of these tags.
    pub tags: Vec<String>,
    /// Created then or later.
    pub created_from: Option<Time>,
    /// Created before then.
    pub created_until: Option<Time>,
    /// Changed then or later.
    pub updated_from: Option<Time>,
    /// Finished then or later.
    pub finished_from: Option<Time>,
    /// Finished before then.
    pub finished_until: Option<Time>,
    /// In this queue.
    pub queue_id: Option<QueueId>,
    /// At this agent.
    pub agent_id: Option<AgentId>,
    /// In this live state.
    pub live_state: Option<i32>,
    /// Made by this user.
    pub username: Option<String>,
    /// Whose last attempt ended for this reason, in the word that programs rely on.
    pub reason: Option<String>,
    /// That waits for this before it may be queued.
    pub pending: Option<String>,
    /// Made from this run.
    pub original_id: Option<RunId>,
    /// Of this priority or a larger one.
    pub min_priority: Option<u8>,
    /// Of this priority or a smaller one.
    pub max_priority: Option<u8>,
    /// With this in the name or the description, whatever its case.
    pub text: Option<String>,
}

/// What runs are sorted by; equal ones by their id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortKey {
    /// When they were accepted.
    CreatedAt,
    /// When they were changed last.
    #[default]
    UpdatedAt,
    /// When they started; those that have not come first.
    StartedAt,
    /// When they finished; those that have not come first.
    FinishedAt,
    /// Their name.
    Name,
    /// Their priority.
    Priority,
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub key: SortKey,
    /// Largest or latest first.
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self { key: SortKey::UpdatedAt, descending: true }
    }
}

impl Sort {
    const fn order(self) -> Order {
        match self.key {
            SortKey::CreatedAt => Order::Created,
            SortKey::UpdatedAt => Order::Updated,
            SortKey::StartedAt => Order::Started,
            SortKey::FinishedAt => Order::Finished,
            SortKey::Name => Order::Name,
            SortKey::Priority => Order::Priority,
        }
    }

    fn label(self) -> String {
        format!("{:?}{}", self.key, if self.descending { "-" } else { "+" })
    }

    fn key_of(self, run: &Run) -> Key {
        let time = |time: Option<Time>| (Some(time.map_or(0, Time::micros)), None);
        let (number, text) = match self.key {
            SortKey::CreatedAt => time(Some(run.created_at)),
            SortKey::UpdatedAt => time(Some(run.updated_at)),
            SortKey::StartedAt => time(run.started_at),
            SortKey::FinishedAt => time(run.finished_at),
            SortKey::Name => (None, Some(run.name.clone().unwrap_or_default())),
            SortKey::Priority => (Some(i64::from(run.priority)), None),
        };
        Key { sort: self.label(), number, text, id: run.id.uuid() }
    }
}

#[derive(Serialize)]
struct Word<'a> {
    v: &'a str,
}

fn words<'a>(words: impl Iterator<Item = &'a str>) -> Result<String, Error> {
    json_text(&words.map(|v| Word { v }).collect::<Vec<_>>())
}

/// Where a text that is looked for may be.
#[derive(Debug, PartialEq, Eq)]
enum Whereabouts {
    /// None is looked for.
    Nowhere,
    /// In descriptions, and in names.
    Descriptions,
    /// In names: each run's is looked at.
    AnyName,
    /// These are all the names that have it.
    Names(Vec<String>),
}

/// Where it may be, by the names that have it: the last of them is none if all names were asked for.
fn within_names(mut names: Vec<Option<String>>) -> Whereabouts {
    let were_all = names.pop_if(|last| last.is_none()).is_some();
    if !were_all || names.len() > MOST_NAMES_FOUND {
        // Where many names have it, many runs do: a page of them is soon found.
        return Whereabouts::AnyName;
    }
    Whereabouts::Names(names.into_iter().flatten().collect())
}

impl RunFilter {
    /// The conditions with their arguments.
    fn conditions(&self, postgres: bool, whereabouts: Whereabouts) -> Result<(Composer, Args), Error> {
        let mut composer = Composer::new(postgres);
        let mut args = Args::default();
        macro_rules! part {
            ($part:ident, $value:expr) => {
                if let Some(value) = $value {
                    composer.part(Part::$part);
                    args.push(value);
                }
            };
        }
        part!(Owner, &self.owner);
        part!(Project, self.project_id);
        part!(Queue, self.queue_id);
        part!(Agent, self.agent_id);
        if !self.statuses.is_empty() {
            composer.statuses(&self.statuses);
        }
        if let Some(state) = self.live_state {
            composer.live_state(state);
        }
        if !self.kinds.is_empty() {
            part!(Kinds, Some(words(self.kinds.iter().map(String::as_str))?));
        }
        if let Some(ids) = &self.ids {
            part!(Ids, Some(id_rows(ids.iter().map(|id| id.uuid()))?));
        }
        part!(Name, &self.name);
        if !self.tags.is_empty() {
            part!(Tags, Some(words(self.tags.iter().map(String::as_str))?));
        }
        part!(CreatedFrom, self.created_from);
        part!(CreatedUntil, self.created_until);
        part!(UpdatedFrom, self.updated_from);
        part!(FinishedFrom, self.finished_from);
        part!(FinishedUntil, self.finished_until);
        part!(Username, &self.username);
        part!(Pending, &self.pending);
        part!(Original, self.original_id);
        part!(Reason, &self.reason);
        part!(MinPriority, self.min_priority.map(u32::from));
        part!(MaxPriority, self.max_priority.map(u32::from));
        let text = self.text.as_deref().map(like);
        match whereabouts {
            Whereabouts::Nowhere => {}
            Whereabouts::Descriptions => part!(TextLike, text),
            Whereabouts::AnyName => part!(NameLike, text),
            Whereabouts::Names(names) => {
                composer.names(names.len());
                for name in names {
                    args.push(name);
                }
            }
        }
        Ok((composer, args))
    }
}

/// The text of a page of the runs that fit, for whoever looks at what it costs. Its last two arguments are limit and offset.
///
/// # Errors
/// If the filter can't be written.
pub fn page_statement(filter: &RunFilter, sort: Sort, postgres: bool) -> Result<String, Error> {
    let whereabouts = if filter.text.is_some() { Whereabouts::AnyName } else { Whereabouts::Nowhere };
    let (composer, _) = filter.conditions(postgres, whereabouts)?;
    Ok(composer.page(sort.order(), sort.descending, false).as_str().to_owned())
}

impl Store {
    /// The conditions with their arguments.
    pub(super) async fn compose(&self, filter: &RunFilter) -> Result<(Composer, Args), Error> {
        filter.conditions(self.db.is_postgres(), self.whereabouts(filter).await?)
    }

    /// Where the text that is looked for may be.
    ///
    /// With the descriptions left out where none has it, a planner knows how few runs fit: PostgreSQL then looks through the names
    /// with several processes. Where names are few, as of runs that are made again and again, an index tells those that have it.
    async fn whereabouts(&self, filter: &RunFilter) -> Result<Whereabouts, Error> {
        let Some(text) = filter.text.as_deref().map(like) else { return Ok(Whereabouts::Nowhere) };
        let described = args![text.clone(), filter.owner.as_deref()];
        if self.db.one(sql::runs::ANY_DESCRIBED, described).await?.is_some() {
            return Ok(Whereabouts::Descriptions);
        }
        let Some(owner) = &filter.owner else { return Ok(Whereabouts::AnyName) };
        let rows = self.db.all(sql::runs::NAMES_LIKE, args![owner, text, MOST_NAMES_ASKED]).await?;
        let names = rows.iter().map(|row| row.opt_text("name")).collect::<Result<_, _>>()?;
        Ok(within_names(names))
    }

    /// A page of the runs that fit. With `count`, how many there are.
    ///
    /// Keyset pages (`cursor`) neither skip nor repeat a run that stays where it is, whatever is inserted
    /// meanwhile; a list sorted by what changes shows what changed again.
    ///
    /// # Errors
    /// If the cursor is not one of this list with this sort order, or the database can't be used.
    pub async fn runs(&self, filter: &RunFilter, sort: Sort, page: &Page) -> Result<PageOf<Run>, Error> {
        let (composer, mut args) = self.compose(filter).await?;
        let counted = page.count.then(|| (composer.clone(), args.clone()));
        let after = page.cursor.as_ref().map(|cursor| Key::from_cursor(cursor, &sort.label())).transpose()?;
        if let Some(key) = &after {
            match (key.number, &key.text) {
                (Some(number), _) => args.push(number),
                (None, text) => args.push(text.clone().unwrap_or_default()),
            };
            args.push(key.id);
        }
        args.push(page.limit() + 1);
        args.push(page.offset());
        let sql = composer.page(sort.order(), sort.descending, after.is_some());
        let rows = self.db.all_composed(&sql, args).await?;
        let items = rows.iter().map(run).collect::<Result<Vec<_>, _>>()?;
        let count = match counted {
            Some((composer, args)) => Some(self.count(composer, args, page, items.len()).await?),
            None => None,
        };
        PageOf::cut(items, page, count, |last| sort.key_of(last))
    }

    /// How many runs fit, at most [`crate::page::MAX_COUNTED`]; `read` of them were read for the page, and one more if there is one.
    async fn count(&self, composer: Composer, args: Args, page: &Page, read: usize) -> Result<u64, Error> {
        let (read, before) = (i64::try_from(read).unwrap_or(i64::MAX), page.offset());
        let is_last = read <= page.limit() && page.cursor.is_none() && (read > 0 || before == 0);
        if is_last {
            // What fits seldom is looked for everywhere: once is enough.
            return Ok(u64::try_from(before + read).unwrap_or_default().min(MAX_COUNTED));
        }
        let rows = self.db.all_composed(&composer.count(), args).await?;
        Ok(rows.first().map(|row| row.count("n")).transpose()?.unwrap_or_default())
    }

    /// The first `limit` runs that fit after `after`, by id: for whoever deals with all of them, each once.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn runs_after(
        &self,
        filter: &RunFilter,
        after: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<Run>, Error> {
        let (composer, mut args) = self.compose(filter).await?;
        args.push(after.map_or(uuid::Uuid::nil(), berth_domain::id::Id::uuid));
        args.push(limit);
        let rows = self.db.all_composed(&composer.after_id(), args).await?;
        rows.iter().map(run).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<Option<String>> {
        (0..count).map(|at| Some(format!("n{at}"))).collect()
    }

    #[test]
    fn a_few_names_are_looked_up_if_they_are_all_that_have_the_text() {
        let all = |count| [names(count), vec![None]].concat();
        assert_eq!(within_names(all(0)), Whereabouts::Names(Vec::new()));
        assert_eq!(within_names(all(2)), Whereabouts::Names(vec!["n0".to_owned(), "n1".to_owned()]));
        assert_eq!(within_names(all(MOST_NAMES_FOUND + 1)), Whereabouts::AnyName);
        assert_eq!(within_names(names(2)), Whereabouts::AnyName, "there are more names than were asked for");
    }
}

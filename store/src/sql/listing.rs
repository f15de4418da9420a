//! The listing of runs: put together from static parts, since one text for all filters would use no index.
//! The only place where SQL is not a constant; values travel as arguments all the same.

use berth_domain::lifecycle::Status;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::runs::{columns, names, select};

/// A statement put together by [`Composer`].
#[derive(Debug, Clone)]
pub(crate) struct Composed(String);

impl Composed {
    /// The text, for the driver.
    pub(crate) fn text(&self) -> SqlStr {
        AssertSqlSafe(self.0.clone()).into_sql_str()
    }

    /// Static texts, one after the other.
    pub(crate) fn of_parts(parts: &[&str]) -> Self {
        Self(parts.concat())
    }

    /// The text, for tests.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why the last attempt ended.
macro_rules! reason {
    () => {
        "r.dispatch->'end'->>'reason'"
    };
}

/// A condition; `{}` stands for the number of its argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Owner,
    Project,
    Kinds,
    Ids,
    Name,
    Tags,
    CreatedFrom,
    CreatedUntil,
    UpdatedFrom,
    FinishedFrom,
    FinishedUntil,
    Queue,
    Agent,
    Username,
    Pending,
    Original,
    Reason,
    NameLike,
    TextLike,
    MaxPriority,
    MinPriority,
}

impl Part {
    /// All of them, for the test that prepares each.
    pub(crate) const ALL: [Self; 21] = [
        Self::Owner,
        Self::Project,
        Self::Kinds,
        Self::Ids,
        Self::Name,
        Self::Tags,
        Self::CreatedFrom,
        Self::CreatedUntil,
        Self::UpdatedFrom,
        Self::FinishedFrom,
        Self::FinishedUntil,
        Self::Queue,
        Self::Agent,
        Self::Username,
        Self::Pending,
        Self::Original,
        Self::Reason,
        Self::NameLike,
        Self::TextLike,
        Self::MaxPriority,
        Self::MinPriority,
    ];

    const fn text(self, postgres: bool) -> &'static str {
        match (self, postgres) {
            (Self::Owner, _) => "r.owner = ${}",
            (Self::Project, _) => "r.project_id = ${}",
            (Self::Kinds, true) => "r.kind IN (SELECT x.v FROM jsonb_to_recordset(${}::jsonb) AS x(v text))",
            (Self::Kinds, false) => {
                "r.kind IN (SELECT json_extract(x.value, '$.v') FROM json_each(${}) AS x)"
            }
            (Self::Ids, true) => "r.id IN (SELECT x.id FROM jsonb_to_recordset(${}::jsonb) AS x(id uuid))",
            (Self::Ids, false) => {
                "r.id IN (SELECT unhex(json_extract(x.value, '$.id')) FROM json_each(${}) AS x)"
            }
            (Self::Name, _) => "r.name = ${}",
            (Self::Tags, true) => {
                "NOT EXISTS (SELECT 1 FROM jsonb_to_recordset(${}::jsonb) AS x(v text) WHERE NOT r.tags -> 'list' ? x.v)"
            }
            (Self::Tags, false) => {
                "NOT EXISTS (SELECT 1 FROM json_each(${}) AS x WHERE json_extract(x.value, '$.v') NOT IN \
                 (SELECT t.value FROM json_each(r.tags, '$.list') AS t))"
            }
            (Self::CreatedFrom, _) => "r.created_at >= ${}",
            (Self::CreatedUntil, _) => "r.created_at < ${}",
            (Self::UpdatedFrom, _) => "r.updated_at >= ${}",
            (Self::FinishedFrom, _) => "r.finished_at >= ${}",
            (Self::FinishedUntil, _) => "r.finished_at < ${}",
            (Self::Queue, _) => "r.queue_id = ${}",
            (Self::Agent, _) => "r.agent_id = ${}",
            (Self::Username, _) => "r.username = ${}",
            (Self::Pending, _) => "r.pending = ${}",
            (Self::Original, _) => "r.original_id = ${}",
            (Self::Reason, _) => concat!(reason!(), " = ${}"),
            // Of ASCII letters the case is nothing, as for SQLite's `LIKE`: other letters would take PostgreSQL most of the time.
            (Self::NameLike, true) => "lower(r.name COLLATE \"C\") LIKE ${}::text ESCAPE '!'",
            (Self::NameLike, false) => "r.name LIKE ${} ESCAPE '!'",
            // Apart, so that names are looked for in the index alone: few runs are described.
            (Self::TextLike, true) => {
                "(lower(r.name COLLATE \"C\") LIKE ${}::text ESCAPE '!' OR r.id IN (SELECT d.id FROM runs d \
                 WHERE d.description IS NOT NULL AND lower(d.description COLLATE \"C\") LIKE ${}::text ESCAPE '!'))"
            }
            (Self::TextLike, false) => {
                "(r.name LIKE ${} ESCAPE '!' OR r.id IN (SELECT d.id FROM runs d \
                 WHERE d.description IS NOT NULL AND d.description LIKE ${} ESCAPE '!'))"
            }
            (Self::MaxPriority, _) => "r.priority <= ${}",
            (Self::MinPriority, _) => "r.priority >= ${}",
        }
    }
}

/// What a listing is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Created,
    Updated,
    Started,
    Finished,
    Name,
    Priority,
}

impl Order {
    /// All of them, for the test that prepares each.
    pub(crate) const ALL: [Self; 6] =
        [Self::Created, Self::Updated, Self::Started, Self::Finished, Self::Name, Self::Priority];

    const fn key(self) -> &'static str {
        match self {
            Self::Created => "r.created_at",
            Self::Updated => "r.updated_at",
            Self::Started => "coalesce(r.started_at, 0)",
            Self::Finished => "coalesce(r.finished_at, 0)",
            Self::Name => "coalesce(r.name, '')",
            Self::Priority => "r.priority",
        }
    }
}

/// What runs are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupBy {
    /// Their queue, as `agent/queue`.
    Queue,
    /// Their agent.
    Agent,
    /// Their project.
    Project,
    /// Their status.
    Status,
    /// Who made them.
    User,
    /// Their kind.
    Kind,
    /// Why their last attempt ended, in the word that programs rely on.
    Reason,
}

impl GroupBy {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Queue, Self::Agent, Self::Project, Self::Status, Self::User, Self::Kind, Self::Reason];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Agent => "agent",
            Self::Project => "project",
            Self::Status => "status",
            Self::User => "user",
            Self::Kind => "kind",
            Self::Reason => "reason",
        }
    }

    /// What of a run it is.
    const fn column(self) -> &'static str {
        match self {
            Self::Queue => "r.queue_id",
            Self::Agent => "r.agent_id",
            Self::Project => "r.project_id",
            Self::Status => "r.status",
            Self::User => "r.username",
            Self::Kind => "r.kind",
            Self::Reason => reason!(),
        }
    }

    /// How that is shown, and the tables that know it.
    const fn shown(self) -> (&'static str, &'static str) {
        match self {
            Self::Queue => (
                "a.name || '/' || q.name",
                "LEFT JOIN queues q ON q.id = g.what LEFT JOIN agents a ON a.id = q.agent_id",
            ),
            Self::Agent => ("a.name", "LEFT JOIN agents a ON a.id = g.what"),
            Self::Project => ("p.name", "LEFT JOIN projects p ON p.id = g.what"),
            Self::Status | Self::User | Self::Kind | Self::Reason => ("g.what", ""),
        }
    }

    /// How many of the newest runs are counted by it: more where an index has all that is counted.
    #[must_use]
    pub const fn most(self) -> u64 {
        match self {
            Self::Queue | Self::Agent | Self::Project | Self::Status | Self::User => 100_000,
            Self::Kind | Self::Reason => 20_000,
        }
    }
}

/// Puts a listing together; the caller pushes arguments in the same order.
#[derive(Debug, Clone)]
pub(crate) struct Composer {
    postgres: bool,
    conditions: String,
    arguments: usize,
}

impl Composer {
    pub(crate) fn new(postgres: bool) -> Self {
        Self { postgres, conditions: SHOWN.to_owned(), arguments: 0 }
    }

    /// Adds a condition with its one argument.
    pub(crate) fn part(&mut self, part: Part) {
        self.arguments += 1;
        let number = self.arguments.to_string();
        self.also(&part.text(self.postgres).replace("{}", &number));
    }

    /// Adds that a run has one of so many names, each an argument: the planner knows how many runs have them.
    pub(crate) fn names(&mut self, count: usize) {
        let numbers = self.arguments + 1..=self.arguments + count;
        self.arguments += count;
        // Nothing is in an empty list, but PostgreSQL has none.
        let numbers: Vec<String> = numbers.map(|number| format!("${number}")).collect();
        let listed = if numbers.is_empty() { "NULL".to_owned() } else { numbers.join(", ") };
        self.also(&format!("r.name IN ({listed})"));
    }

    /// Adds that a run is in one of these statuses. They are spelled out, so that the planner knows how many are.
    pub(crate) fn statuses(&mut self, statuses: &[Status]) {
        let quoted: Vec<String> = statuses.iter().map(|status| format!("'{}'", status.as_str())).collect();
        self.also(&format!("r.status IN ({})", quoted.join(", ")));
    }

    /// Adds that a run is in a live state; spelled out as well.
    pub(crate) fn live_state(&mut self, state: i32) {
        self.also(&format!("r.live_state = {state}"));
    }

    fn also(&mut self, condition: &str) {
        self.conditions.push_str(" AND ");
        self.conditions.push_str(condition);
    }

    /// What comes after a key (two arguments: its value and the id).
    fn after(&mut self, order: Order, descending: bool) {
        let (value, id) = (self.arguments + 1, self.arguments + 2);
        self.arguments = id;
        let sign = if descending { '<' } else { '>' };
        self.also(&format!("({}, r.id) {sign} (${value}, ${id})", order.key()));
    }

    /// The page: after a key if there is one, then limit and offset (two arguments).
    ///
    /// Which runs are on it is found first, in an index that has all that is asked about, and then what they are.
    pub(crate) fn page(mut self, order: Order, descending: bool, keyed: bool) -> Composed {
        if keyed {
            self.after(order, descending);
        }
        let direction = if descending { "DESC" } else { "ASC" };
        let (limit, offset) = (self.arguments + 1, self.arguments + 2);
        let key = order.key();
        Composed(format!(
            "{}FROM (SELECT r.id, {key} AS key FROM runs r WHERE {} ORDER BY {key} {direction}, r.id {direction} \
             LIMIT ${limit} OFFSET ${offset}) AS page JOIN runs r ON r.id = page.id {}\
             ORDER BY page.key {direction}, page.id {direction}",
            columns!(),
            self.conditions,
            names!(),
        ))
    }

    /// The first by id: after one (its argument), so many (another).
    pub(crate) fn after_id(self) -> Composed {
        let (after, limit) = (self.arguments + 1, self.arguments + 2);
        let conditions = self.conditions;
        Composed(format!("{}{conditions} AND r.id > ${after} ORDER BY r.id LIMIT ${limit}", select!("")))
    }

    /// How many there are, at most [`crate::page::MAX_COUNTED`].
    pub(crate) fn count(self) -> Composed {
        Composed(format!(
            "SELECT count(*) AS n FROM (SELECT 1 AS one FROM runs r WHERE {} LIMIT {}) AS counted",
            self.conditions,
            crate::page::MAX_COUNTED,
        ))
    }

    /// How many there are by a key and by their status: of the newest `most`.
    pub(crate) fn grouped(self, by: GroupBy, most: u64) -> Composed {
        let (key, tables) = by.shown();
        Composed(format!(
            "SELECT {key} AS key, g.status, g.n FROM (SELECT newest.what, newest.status, count(*) AS n FROM \
             (SELECT {} AS what, r.status FROM runs r WHERE {} ORDER BY r.created_at DESC, r.id DESC LIMIT {most}) AS newest \
             GROUP BY newest.what, newest.status) AS g {tables}",
            by.column(),
            self.conditions,
        ))
    }
}

/// What every listing leaves out: what is deleted, and what is in a project that is.
const SHOWN: &str =
    "NOT r.deleted AND r.project_id NOT IN (SELECT gone.id FROM projects gone WHERE gone.deleted)";

/// All listings worth preparing in a test: every part, every order, both directions, with and without a key.
#[must_use]
pub fn samples(postgres: bool) -> Vec<String> {
    let mut samples = Vec::new();
    for order in Order::ALL {
        for (descending, keyed) in [(true, true), (false, true), (true, false)] {
            let mut composer = Composer::new(postgres);
            composer.statuses(&[Status::Queued, Status::Failed]);
            composer.live_state(1);
            for part in Part::ALL {
                composer.part(part);
            }
            samples.push(composer.page(order, descending, keyed).as_str().to_owned());
        }
    }
    for part in Part::ALL {
        let mut composer = Composer::new(postgres);
        composer.part(part);
        samples.push(composer.count().as_str().to_owned());
    }
    for by in GroupBy::ALL {
        samples.push(Composer::new(postgres).grouped(by, 1).as_str().to_owned());
    }
    samples.push(Composer::new(postgres).after_id().as_str().to_owned());
    samples
}

/// A pattern for `LIKE ... ESCAPE '!'` that finds `text` anywhere in a text whose ASCII letters are small ones.
pub(crate) fn like(text: &str) -> String {
    let escaped = text.to_ascii_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("%{escaped}%")
}

//! The listing of runs: put together from static parts, since one text for all filters would use no index.
//! The only place where SQL is not a constant; values travel as arguments all the same.

use std::fmt::Write;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::runs::select;

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
    Statuses,
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
    LiveState,
    Username,
    Pending,
    Original,
    Reason,
    Text,
    MaxPriority,
    MinPriority,
}

impl Part {
    /// All of them, for the test that prepares each.
    pub(crate) const ALL: [Self; 22] = [
        Self::Owner,
        Self::Project,
        Self::Statuses,
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
        Self::LiveState,
        Self::Username,
        Self::Pending,
        Self::Original,
        Self::Reason,
        Self::Text,
        Self::MaxPriority,
        Self::MinPriority,
    ];

    const fn text(self, postgres: bool) -> &'static str {
        match (self, postgres) {
            (Self::Owner, _) => "r.owner = ${}",
            (Self::Project, _) => "r.project_id = ${}",
            (Self::Statuses, true) => {
                "r.status IN (SELECT x.v FROM jsonb_to_recordset(${}::jsonb) AS x(v text))"
            }
            (Self::Statuses, false) => {
                "r.status IN (SELECT json_extract(x.value, '$.v') FROM json_each(${}) AS x)"
            }
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
            (Self::LiveState, _) => "r.live_state = ${}",
            (Self::Username, _) => "r.username = ${}",
            (Self::Pending, _) => "r.pending = ${}",
            (Self::Original, _) => "r.original_id = ${}",
            (Self::Reason, _) => concat!(reason!(), " = ${}"),
            (Self::Text, _) => {
                "lower(coalesce(r.name, '') || ' ' || coalesce(r.description, '')) LIKE CAST(${} AS TEXT) ESCAPE '!'"
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

    const fn key(self) -> &'static str {
        match self {
            Self::Queue => "a.name || '/' || q.name",
            Self::Agent => "a.name",
            Self::Project => "p.name",
            Self::Status => "r.status",
            Self::User => "r.username",
            Self::Kind => "r.kind",
            Self::Reason => reason!(),
        }
    }
}

/// Puts a listing together; the caller pushes arguments in the same order.
#[derive(Debug)]
pub(crate) struct Composer {
    postgres: bool,
    conditions: String,
    arguments: usize,
}

impl Composer {
    pub(crate) const fn new(postgres: bool) -> Self {
        Self { postgres, conditions: String::new(), arguments: 0 }
    }

    /// Adds a condition with its one argument.
    pub(crate) fn part(&mut self, part: Part) {
        self.arguments += 1;
        if !self.conditions.is_empty() {
            self.conditions.push_str(" AND ");
        }
        let number = self.arguments.to_string();
        self.conditions.push_str(&part.text(self.postgres).replace("{}", &number));
    }

    /// What comes after a key (two arguments: its value and the id).
    fn after(&mut self, order: Order, descending: bool) {
        let (value, id) = (self.arguments + 1, self.arguments + 2);
        self.arguments = id;
        let sign = if descending { '<' } else { '>' };
        if !self.conditions.is_empty() {
            self.conditions.push_str(" AND ");
        }
        // Writing into a string can't fail.
        let written = write!(self.conditions, "({}, r.id) {sign} (${value}, ${id})", order.key());
        debug_assert!(written.is_ok());
    }

    /// The page: after a key if there is one, then limit and offset (two arguments).
    pub(crate) fn page(mut self, order: Order, descending: bool, keyed: bool) -> Composed {
        if keyed {
            self.after(order, descending);
        }
        let direction = if descending { "DESC" } else { "ASC" };
        let (limit, offset) = (self.arguments + 1, self.arguments + 2);
        let key = order.key();
        Composed(format!(
            "{}{} ORDER BY {key} {direction}, r.id {direction} LIMIT ${limit} OFFSET ${offset}",
            select!(""),
            self.conditions(),
        ))
    }

    /// The first by id: after one (its argument), so many (another).
    pub(crate) fn after_id(self) -> Composed {
        let (after, limit) = (self.arguments + 1, self.arguments + 2);
        let conditions = self.conditions();
        Composed(format!("{}{conditions} AND r.id > ${after} ORDER BY r.id LIMIT ${limit}", select!("")))
    }

    /// How many there are, at most [`crate::page::MAX_COUNTED`].
    pub(crate) fn count(self) -> Composed {
        Composed(format!(
            "SELECT count(*) AS n FROM (SELECT 1 AS one FROM runs r JOIN projects p ON p.id = r.project_id \
             AND NOT p.deleted WHERE NOT r.deleted AND {} LIMIT {}) AS counted",
            self.conditions(),
            crate::page::MAX_COUNTED,
        ))
    }

    /// How many there are by a key and by their status: of the newest `most`.
    pub(crate) fn grouped(self, by: GroupBy, most: u64) -> Composed {
        Composed(format!(
            "SELECT of_each.key, of_each.status, count(*) AS n FROM (SELECT {} AS key, r.status FROM runs r \
             JOIN projects p ON p.id = r.project_id AND NOT p.deleted LEFT JOIN queues q ON q.id = r.queue_id \
             LEFT JOIN agents a ON a.id = q.agent_id WHERE NOT r.deleted AND {} ORDER BY r.id DESC LIMIT {most}) AS of_each \
             GROUP BY of_each.key, of_each.status",
            by.key(),
            self.conditions(),
        ))
    }

    fn conditions(&self) -> &str {
        if self.conditions.is_empty() { "TRUE" } else { &self.conditions }
    }
}

/// All listings worth preparing in a test: every part, every order, both directions, with and without a key.
#[must_use]
pub fn samples(postgres: bool) -> Vec<String> {
    let mut samples = Vec::new();
    for order in Order::ALL {
        for (descending, keyed) in [(true, true), (false, true), (true, false)] {
            let mut composer = Composer::new(postgres);
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

/// A pattern for `LIKE ... ESCAPE '!'` that finds `text` anywhere in a lower-case text.
pub(crate) fn like(text: &str) -> String {
    let escaped = text.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("%{escaped}%")
}

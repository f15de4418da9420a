//! Projects: where runs belong, with a limit of their own.
//!
//! A deleted project is gone at once for every reader; its finished runs follow in the retention's small batches.

use berth_domain::id::ProjectId;
use berth_domain::scheduling::{Confinement, ConfinementPatch, LimitPatch, LimitSettings};
use berth_domain::time::Time;

use crate::audit::{self, About, Audit};
use crate::changes::{self, ChangeKind, NewChange};
use crate::db::{Arg, Args, Row, args, json, json_or_null};
use crate::page::{Key, Page, PageOf};
use crate::tags::Tags;
use crate::things::{count, finds, found, patch};
use crate::{Error, Store, sql};

/// A project.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// The organization.
    pub owner: String,
    /// Its name, unique in the organization; any Unicode.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whether everybody may see it.
    pub is_public: bool,
    /// Its read-me, in Markdown.
    pub readme: Option<String>,
    /// How many of its runs may hold a slot; none is unlimited.
    pub concurrency: Option<u32>,
    /// What else of its runs is limited.
    pub limits: LimitSettings,
    /// The queue of runs that name none, as `agent/queue` or `queue`.
    pub default_queue: Option<String>,
    /// What its runs may use.
    pub confinement: Confinement,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

/// A project to be.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewProject {
    /// Its id.
    pub id: ProjectId,
    /// The organization.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whether everybody may see it.
    pub is_public: bool,
    /// Its read-me.
    pub readme: Option<String>,
    /// How many of its runs may hold a slot.
    pub concurrency: Option<u32>,
    /// What else of its runs is limited.
    pub limits: LimitSettings,
    /// The queue of runs that name none.
    pub default_queue: Option<String>,
    /// What its runs may use.
    pub confinement: Confinement,
}

/// What is to change; what is none stays, `Some(None)` clears.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProjectPatch {
    /// Its name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<Option<String>>,
    /// Its tags.
    pub tags: Option<Vec<String>>,
    /// Whether everybody may see it.
    pub is_public: Option<bool>,
    /// Its read-me.
    pub readme: Option<Option<String>>,
    /// How many of its runs may hold a slot.
    pub concurrency: Option<Option<u32>>,
    /// What else of its runs is limited.
    pub limits: LimitPatch,
    /// The queue of runs that name none.
    pub default_queue: Option<Option<String>>,
    /// What its runs may use.
    pub confinement: ConfinementPatch,
}

impl Store {
    /// Makes a project.
    ///
    /// # Errors
    /// `Conflict` if the organization has one of that name.
    pub async fn create_project(&self, new: NewProject, audit: &Audit) -> Result<Project, Error> {
        let project = Project {
            id: new.id,
            owner: new.owner,
            name: new.name,
            description: new.description,
            tags: new.tags,
            is_public: new.is_public,
            readme: new.readme,
            concurrency: new.concurrency,
            limits: new.limits,
            default_queue: new.default_queue,
            confinement: new.confinement,
            created_at: audit.at,
            updated_at: audit.at,
        };
        let mut tx = self.db.begin().await?;
        tx.run(
            sql::projects::INSERT,
            args![
                project.id,
                &project.owner,
                &project.name,
                &project.description,
                json(&Tags::of(&project.tags))?,
                project.is_public,
                &project.readme,
                project.concurrency,
                &project.default_queue,
                project.created_at,
                project.updated_at,
                json(&project.limits)?,
                confinement(&project)?,
            ],
        )
        .await
        .map_err(|error| taken(error, &project))?;
        self.record(&mut tx, &project, audit).await?;
        tx.commit().await?;
        Ok(project)
    }

    /// The project of that name.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub async fn project(&self, owner: &str, name: &str) -> Result<Project, Error> {
        let row = self.db.one(sql::projects::BY_NAME, args![owner, name]).await?;
        found(row, project, "project", name)
    }

    /// The organization's projects, the last changed first; `search` is a part of the name.
    ///
    /// # Errors
    /// If the cursor is not one of this list, or the database can't be used.
    pub async fn projects(
        &self,
        owner: &str,
        search: Option<&str>,
        page: &Page,
    ) -> Result<PageOf<Project>, Error> {
        let after = page.cursor.as_ref().map(|cursor| Key::from_cursor(cursor, "projects")).transpose()?;
        let like = search.map(sql::listing::like);
        let rows = self
            .db
            .all(
                sql::projects::LIST,
                args![
                    owner,
                    &like,
                    after.as_ref().and_then(|key| key.number),
                    after.as_ref().map_or(Arg::Uuid(None), |key| key.id.into()),
                    page.limit() + 1,
                    page.offset(),
                ],
            )
            .await?;
        let count = count(&self.db, page, sql::projects::COUNT, args![owner, &like]).await?;
        let items = rows.iter().map(project).collect::<Result<Vec<_>, _>>()?;
        PageOf::cut(items, page, count, |last| Key::at("projects", last.updated_at, last.id.uuid()))
    }

    /// Changes a project.
    ///
    /// # Errors
    /// `NotFound` if there is none of that name, `Conflict` if the new name is taken.
    pub async fn update_project(
        &self,
        owner: &str,
        name: &str,
        patch: ProjectPatch,
        audit: &Audit,
    ) -> Result<Project, Error> {
        let mut tx = self.db.begin().await?;
        let row = tx.one(sql::projects::BY_NAME_LOCKED, args![owner, name]).await?;
        let mut project = found(row, project, "project", name)?;
        patch.apply(&mut project);
        project.updated_at = audit.at;
        tx.run(sql::projects::UPDATE, update_args(&project)?)
            .await
            .map_err(|error| taken(error, &project))?;
        self.record(&mut tx, &project, audit).await?;
        tx.commit().await?;
        Ok(project)
    }

    /// Deletes a project and, in time, its finished runs.
    ///
    /// # Errors
    /// `NotFound` if there is none of that name, `Conflict` while runs of it have not finished.
    pub async fn delete_project(&self, owner: &str, name: &str, audit: &Audit) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let row = tx.one(sql::projects::BY_NAME_LOCKED, args![owner, name]).await?;
        let project = found(row, project, "project", name)?;
        if finds(&mut tx, sql::projects::HAS_UNFINISHED_RUNS, args![owner, project.id]).await? {
            return Err(Error::conflict(format!(
                "project `{name}` has runs that have not finished: stop them first"
            )));
        }
        tx.run(sql::projects::DELETE, args![project.id, audit.at]).await?;
        self.record(&mut tx, &project, audit).await?;
        tx.commit().await
    }

    async fn record(&self, tx: &mut crate::db::Tx, project: &Project, audit: &Audit) -> Result<(), Error> {
        let change = NewChange::thing(ChangeKind::Project, project.id, &project.owner, project.updated_at);
        changes::write(tx, &[change]).await?;
        audit::write(tx, &[(audit, About::thing("project", &project.owner, project.id, &project.name))]).await
    }
}

impl ProjectPatch {
    fn apply(self, project: &mut Project) {
        patch(&mut project.name, self.name);
        patch(&mut project.description, self.description);
        patch(&mut project.tags, self.tags);
        patch(&mut project.is_public, self.is_public);
        patch(&mut project.readme, self.readme);
        patch(&mut project.concurrency, self.concurrency);
        self.limits.apply(&mut project.limits);
        patch(&mut project.default_queue, self.default_queue);
        self.confinement.apply(&mut project.confinement);
    }
}

fn update_args(project: &Project) -> Result<Args, Error> {
    Ok(args![
        project.id,
        &project.name,
        &project.description,
        json(&Tags::of(&project.tags))?,
        project.is_public,
        &project.readme,
        project.concurrency,
        &project.default_queue,
        project.updated_at,
        json(&project.limits)?,
        confinement(project)?,
    ])
}

/// What of a confinement is kept: nothing, of one that confines nothing.
fn confinement(project: &Project) -> Result<Arg, Error> {
    json_or_null(Some(&project.confinement).filter(|confinement| !confinement.is_empty()))
}

fn taken(error: Error, project: &Project) -> Error {
    match error {
        Error::Conflict { .. } => Error::conflict(format!("project `{}` exists already", project.name)),
        other => other,
    }
}

fn project(row: &Row) -> Result<Project, Error> {
    Ok(Project {
        id: row.id("id")?,
        owner: row.text("owner")?,
        name: row.text("name")?,
        description: row.opt_text("description")?,
        tags: row.json::<Tags>("tags")?.into_list(),
        is_public: row.bool("is_public")?,
        readme: row.opt_text("readme")?,
        concurrency: row.opt_u32("concurrency")?,
        limits: row.opt_json("limits")?.unwrap_or_default(),
        default_queue: row.opt_text("default_queue")?,
        confinement: row.opt_json("confinement")?.unwrap_or_default(),
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

//! Bringing the schema up, and checking that it fits this binary.
//!
//! Migrations run when an operator says so (`berth admin migrate`; `berth up` does it by itself). All that are due
//! run in one transaction under a lock, so several migrators at once are safe: the later ones find nothing to do.
//!
//! Expand, then contract: what only adds is safe while the release before runs, and is all that this one needs to
//! begin; what takes away is for when that release is gone. Order is kept: nothing passes a migration that waits.

use berth_domain::time::Time;
use uuid::Uuid;

use crate::db::args;
use crate::sql::migrations::{BOOKKEEPING, MIGRATIONS, Migration, Phase};
use crate::{Error, Store, sql};

impl Store {
    /// Applies what is missing, up to `phase`: `Expand` leaves out what takes something away. Returns the names of
    /// those applied.
    ///
    /// # Errors
    /// `Schema` if what was applied before is not what this binary knows; then nothing is changed.
    pub async fn migrate(&self, phase: Phase, now: Time) -> Result<Vec<&'static str>, Error> {
        let mut tx = self.db.begin().await?;
        tx.one(sql::meta::MIGRATION_LOCK, args![]).await?;
        if tx.is_postgres() {
            tx.script(&sql::listing::Composed::of_parts(&["SET LOCAL statement_timeout = 0"])).await?;
        }
        tx.script(&sql::listing::Composed::of_parts(&[BOOKKEEPING])).await?;
        let rows = tx.all(sql::meta::MIGRATIONS, args![]).await?;
        let applied = rows.iter().map(Applied::read).collect::<Result<Vec<_>, _>>()?;
        let mut names = Vec::new();
        for migration in plan(MIGRATIONS, &applied, phase)? {
            tx.script(&migration.statements(tx.is_postgres())).await?;
            let args =
                args![migration.version, migration.name, migration.phase.as_str(), migration.checksum(), now];
            tx.run(sql::meta::MIGRATED, args).await?;
            names.push(migration.name);
        }
        tx.run(sql::meta::INIT, args![crate::epoch::EPOCH, Uuid::now_v7().simple().to_string()]).await?;
        tx.commit().await?;
        Ok(names)
    }

    /// Checks that the schema fits this binary.
    ///
    /// # Errors
    /// `Schema` if migrations are missing, differ, or took away what this binary needs.
    pub async fn check_schema(&self) -> Result<(), Error> {
        fits(MIGRATIONS, &self.applied().await?)
    }

    /// The migrations of this binary that were not applied yet, in order.
    ///
    /// # Errors
    /// `Schema` if the database has no schema at all, or one that is not this binary's.
    pub async fn pending_migrations(&self) -> Result<Vec<PendingMigration>, Error> {
        let pending = plan(MIGRATIONS, &self.applied().await?, Phase::Contract)?;
        Ok(pending.into_iter().map(|due| PendingMigration { name: due.name, phase: due.phase }).collect())
    }

    async fn applied(&self) -> Result<Vec<Applied>, Error> {
        self.db.all(sql::meta::MIGRATIONS, args![]).await?.iter().map(Applied::read).collect()
    }
}

/// A migration that is to be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingMigration {
    /// Its name.
    pub name: &'static str,
    /// What it does to binaries of the release before.
    pub phase: Phase,
}

/// A migration that was applied.
struct Applied {
    version: u32,
    name: String,
    phase: String,
    checksum: String,
}

impl Applied {
    fn read(row: &crate::db::Row) -> Result<Self, Error> {
        Ok(Self {
            version: row.u32("version")?,
            name: row.text("name")?,
            phase: row.text("phase")?,
            checksum: row.text("checksum")?,
        })
    }
}

/// What is to be applied of `known`, up to `phase`: `Expand` leaves out what takes something away. That waits, and
/// holds nothing up; so no expanding one may need what a contracting one before it does.
fn plan<'a>(known: &'a [Migration], applied: &[Applied], phase: Phase) -> Result<Vec<&'a Migration>, Error> {
    check(known, applied)?;
    let is_due = |migration: &&Migration| !applied.iter().any(|applied| applied.version == migration.version);
    Ok(known.iter().filter(is_due).filter(|migration| migration.phase <= phase).collect())
}

/// Whether a binary that knows `known` can work on what was applied.
fn fits(known: &[Migration], applied: &[Applied]) -> Result<(), Error> {
    let due = plan(known, applied, Phase::Contract)?;
    let Some(missing) = due.iter().find(|migration| migration.phase == Phase::Expand) else { return Ok(()) };
    Err(Error::Schema {
        message: format!(
            "migration {} (`{}`) is missing; run `berth admin migrate`",
            missing.version, missing.name
        ),
    })
}

/// Whether what was applied is what `known` has, and what is newer took nothing away.
fn check(known: &[Migration], applied: &[Applied]) -> Result<(), Error> {
    for applied in applied {
        let Applied { version, name, .. } = applied;
        let message = match known.iter().find(|migration| migration.version == *version) {
            Some(migration) if migration.checksum() != applied.checksum => {
                format!("migration {version} (`{name}`) is not the one that this binary knows")
            }
            None if applied.phase == Phase::Contract.as_str() => {
                format!("migration {version} (`{name}`) of a newer release took away what this binary needs")
            }
            Some(_) | None => continue,
        };
        return Err(Error::Schema { message });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn migration(version: u32, name: &'static str, phase: Phase) -> Migration {
        Migration { version, name, phase, text: name, postgres: "" }
    }

    const BEGIN: Migration = migration(1, "begin", Phase::Expand);
    const MORE: Migration = migration(2, "more", Phase::Expand);
    const LESS: Migration = migration(3, "less", Phase::Contract);
    const NEWER: Migration = migration(4, "newer", Phase::Expand);

    fn applied(migrations: &[Migration]) -> Vec<Applied> {
        let applied = |of: &Migration| Applied {
            version: of.version,
            name: of.name.to_owned(),
            phase: of.phase.as_str().to_owned(),
            checksum: of.checksum(),
        };
        migrations.iter().map(applied).collect()
    }

    fn names(known: &[Migration], done: &[Migration], phase: Phase) -> Vec<&'static str> {
        plan(known, &applied(done), phase).unwrap().iter().map(|migration| migration.name).collect()
    }

    #[test]
    fn expanding_leaves_out_what_takes_away_and_migrating_does_all_in_order() {
        let known = [BEGIN, MORE, LESS, NEWER];
        assert_eq!(names(&known, &[], Phase::Expand), ["begin", "more", "newer"]);
        assert_eq!(names(&known, &[BEGIN], Phase::Contract), ["more", "less", "newer"]);
        assert_eq!(names(&known, &[BEGIN, MORE], Phase::Expand), ["newer"], "what waits holds nothing up");
        assert_eq!(names(&known, &[BEGIN, MORE, NEWER], Phase::Contract), ["less"]);
        assert_eq!(names(&known, &[BEGIN, MORE, LESS], Phase::Expand), ["newer"]);
    }

    #[test]
    fn both_releases_work_between_expanding_and_contracting() {
        let (before, after) = ([BEGIN], [BEGIN, MORE, LESS]);
        let expanded = applied(&[BEGIN, MORE]);
        fits(&before, &expanded).unwrap();
        fits(&after, &expanded).unwrap();
        let missing = fits(&after, &applied(&[BEGIN])).unwrap_err().to_string();
        assert!(missing.contains("migration 2 (`more`) is missing; run `berth admin migrate`"), "{missing}");
        let gone = fits(&before, &applied(&after)).unwrap_err().to_string();
        assert!(gone.contains("migration 3 (`less`) of a newer release took away"), "{gone}");
    }

    #[test]
    fn a_migration_that_was_changed_is_refused() {
        let other = Migration { text: "other", ..MORE };
        let refused = plan(&[BEGIN, other], &applied(&[BEGIN, MORE]), Phase::Contract).unwrap_err();
        assert!(refused.to_string().contains("migration 2 (`more`) is not the one"), "{refused}");
    }
}

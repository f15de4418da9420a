//! Bringing the schema up, and checking that it fits this binary.
//!
//! Migrations run when an operator says so (`berth admin migrate`; `berth up` does it by itself). All that are due
//! run in one transaction under a lock, so several migrators at once are safe: the later ones find nothing to do.

use berth_domain::time::Time;
use uuid::Uuid;

use crate::db::args;
use crate::sql::migrations::{BOOKKEEPING, MIGRATIONS, Phase};
use crate::{Error, Store, sql};

impl Store {
    /// Applies what is missing, up to `phase`: `Expand` stops before the first migration that takes something
    /// away. Returns the names of those applied.
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
        check(&applied)?;
        let mut names = Vec::new();
        for migration in MIGRATIONS {
            if applied.iter().any(|applied| applied.version == migration.version) {
                continue;
            }
            if migration.phase > phase {
                break;
            }
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
        let rows = self.db.all(sql::meta::MIGRATIONS, args![]).await?;
        let applied = rows.iter().map(Applied::read).collect::<Result<Vec<_>, _>>()?;
        check(&applied)?;
        let missing = MIGRATIONS.iter().find(|migration| {
            migration.phase == Phase::Expand
                && !applied.iter().any(|applied| applied.version == migration.version)
        });
        match missing {
            None => Ok(()),
            Some(migration) => Err(Error::Schema {
                message: format!(
                    "migration {} (`{}`) is missing; run `berth admin migrate`",
                    migration.version, migration.name
                ),
            }),
        }
    }
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

fn check(applied: &[Applied]) -> Result<(), Error> {
    for applied in applied {
        let Applied { version, name, .. } = applied;
        match MIGRATIONS.iter().find(|migration| migration.version == *version) {
            Some(migration) if migration.checksum() != applied.checksum => {
                return Err(Error::Schema {
                    message: format!("migration {version} (`{name}`) is not the one that this binary knows"),
                });
            }
            None if applied.phase == Phase::Contract.as_str() => {
                return Err(Error::Schema {
                    message: format!(
                        "migration {version} (`{name}`) of a newer release took away what this binary needs"
                    ),
                });
            }
            Some(_) | None => {}
        }
    }
    Ok(())
}

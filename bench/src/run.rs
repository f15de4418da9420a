//! One run: set up what the wanted figures need, measure each, write the result.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use berth_domain::time::Clock;

use crate::arguments::Arguments;
use crate::figure::Figure;
use crate::figures::stage::System;
use crate::figures::{consume, publish};
use crate::machine::Machine;
use crate::partners::celery::Celery;
use crate::partners::venv::Venv;
use crate::report::Report;
use crate::row::Row;

/// What the figures share.
#[derive(Debug)]
pub struct Setting {
    folder: PathBuf,
    cache: PathBuf,
    versions: BTreeMap<String, String>,
}

impl Setting {
    /// Celery, installed when first asked for.
    ///
    /// # Errors
    /// If it can't be installed.
    pub fn celery(&mut self) -> Result<Celery> {
        let venv = Venv::make(&self.cache, &self.folder.join("requirements-celery.txt"))?;
        let celery = Celery::new(venv, self.folder.join("partners"));
        self.versions.extend(celery.versions());
        Ok(celery)
    }
}

/// Measures what the arguments ask for and writes the JSON; a figure that fails is told, and the others go on.
///
/// # Errors
/// If the result can't be written.
pub async fn run(arguments: &Arguments) -> Result<(Report, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).to_owned();
    let mut setting = Setting {
        cache: arguments.cache_folder(|name| std::env::var_os(name)),
        folder: folder.clone(),
        versions: BTreeMap::new(),
    };
    let mut report = Report {
        date: Clock::system().now().to_string(),
        quick: arguments.quick,
        machine: Machine::read(),
        versions: BTreeMap::new(),
        rows: Vec::new(),
        failed: Vec::new(),
    };
    for figure in arguments.figures() {
        match measure(figure, arguments, &mut setting).await {
            Ok(rows) => report.rows.extend(rows),
            Err(error) => report.failed.push(format!("{figure:?}: {error:#}")),
        }
    }
    report.versions = setting.versions;
    let file = arguments.json.clone().unwrap_or_else(|| folder.join("results").join(report.file_name()));
    report.write(&file).context("the result is lost")?;
    Ok((report, file))
}

async fn measure(figure: Figure, arguments: &Arguments, setting: &mut Setting) -> Result<Vec<Row>> {
    let effort = arguments.effort();
    let mut rows = Vec::new();
    match figure {
        Figure::B1 => {
            let celery = setting.celery()?;
            for system in [System::RabbitMq, System::Redis] {
                rows.extend(consume::measure(system, effort, &celery).await?);
            }
        }
        Figure::B2 => {
            let celery = setting.celery()?;
            for system in [System::RabbitMq, System::Redis] {
                rows.extend(publish::measure(system, effort, &celery).await?);
            }
        }
        Figure::B3 | Figure::B8 | Figure::B10 | Figure::B11 | Figure::B12 => {
            bail!("its measurement is not built yet")
        }
    }
    Ok(rows)
}

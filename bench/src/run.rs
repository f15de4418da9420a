//! One run: set up what the wanted figures need, measure each, write the result.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use berth_domain::time::Clock;

use crate::arguments::Arguments;
use crate::figure::{Effort, Figure};
use crate::figures::stage::System;
use crate::figures::{consume, dispatch, estimates, idle, lists, live, pods, post, publish, start};
use crate::machine::Machine;
use crate::ours::program::Program;
use crate::partners::celery::Celery;
use crate::partners::polyaxon::Polyaxon;
use crate::partners::venv::Venv;
use crate::report::Report;
use crate::row::Row;
use crate::servers;

/// What the figures share.
#[derive(Debug)]
pub struct Setting {
    folder: PathBuf,
    cache: PathBuf,
    versions: BTreeMap<String, String>,
    given: Option<PathBuf>,
    program: Option<Program>,
}

impl Setting {
    /// Berth, built when first asked for.
    ///
    /// # Errors
    /// If it can't be built.
    pub async fn program(&mut self) -> Result<Program> {
        if let Some(program) = &self.program {
            return Ok(program.clone());
        }
        let workspace = self.folder.parent().context("the benchmarks' folder has no parent")?;
        let program = Program::find(self.given.clone(), workspace)?;
        self.versions.insert("berth".to_owned(), program.version().await?);
        self.program = Some(program.clone());
        Ok(program)
    }

    /// Polyaxon's environment, installed when first asked for.
    ///
    /// # Errors
    /// If it can't be installed.
    pub fn polyaxon(&mut self) -> Result<Venv> {
        let venv = Venv::make(&self.cache, &self.folder.join("requirements-polyaxon.txt"))?;
        self.versions.extend(Polyaxon::versions(&venv));
        Ok(venv)
    }

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
    let variable = |name: &str| std::env::var_os(name);
    let mut setting = Setting {
        cache: arguments.cache_folder(variable),
        folder: folder.clone(),
        versions: servers::versions(),
        given: arguments.berth.clone().or_else(|| variable("BERTH_BINARY").map(PathBuf::from)),
        program: None,
    };
    let mut report = Report {
        date: Clock::system().now().to_string(),
        // Too few pairs are a first look too, whoever asked for them.
        quick: arguments.quick || arguments.effort().pairs < Effort::FULL.pairs,
        machine: Machine::read(),
        versions: BTreeMap::new(),
        rows: Vec::new(),
        failed: Vec::new(),
    };
    for figure in arguments.figures() {
        // What was measured before a figure failed stays in the report.
        if let Err(error) = measure(figure, arguments, &mut setting, &mut report.rows).await {
            eprintln!("{figure:?}: {error:#}");
            report.failed.push(format!("{figure:?}: {error:#}"));
        }
    }
    report.versions = setting.versions;
    let file = arguments.json.clone().unwrap_or_else(|| folder.join("results").join(report.file_name()));
    report.write(&file).context("the result is lost")?;
    Ok((report, file))
}

async fn measure(
    figure: Figure,
    arguments: &Arguments,
    setting: &mut Setting,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let effort = arguments.effort();
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
        Figure::B3 => {
            let (program, polyaxon) = (setting.program().await?, setting.polyaxon()?);
            rows.extend(post::measure(effort, &program, &polyaxon).await?);
        }
        Figure::B6 => rows.extend(pods::latency(effort, &setting.program().await?).await?),
        Figure::B7 => rows.extend(pods::rate(effort, &setting.program().await?).await?),
        Figure::B8 => rows.extend(dispatch::measure(effort).await?),
        Figure::B10 => {
            let (program, celery, polyaxon) =
                (setting.program().await?, setting.celery()?, setting.polyaxon()?);
            rows.extend(idle::memory(&program, &celery, &polyaxon).await?);
        }
        Figure::B11 => rows.extend(idle::queries(effort, &setting.program().await?).await?),
        Figure::Estimates => rows.extend(estimates::measure(effort, &setting.program().await?).await?),
        Figure::Lists => rows.extend(lists::measure(effort, &setting.program().await?).await?),
        Figure::Live => rows.extend(live::measure(effort, &setting.program().await?).await?),
        Figure::B12 => rows.extend(start::measure(effort, &setting.program().await?).await?),
    }
    Ok(())
}

//! Exports: a thread that makes what callers of `$export` asked for, one after the other, behind the readers.

use crate::clock::now_ms;
use crate::data_place::DataPlace;
use crate::exit::one_line;
use crate::limits::FILES_LOOK;
use crate::priority::run_behind_readers;
use crate::registry::random_bytes;
use annuaire_bulk::{ExportJobs, ExportLimits, ExportOptions};
use annuaire_fhir::schema::TYPES;
use annuaire_index::Index;
use annuaire_terms::TypeId;
use annuaire_web::ServedStore;
use anyhow::{Context, Result};
use std::sync::Arc;

/// Reads the exports of the directory and starts to make those that wait. The doors name their perimeters: the public one has no name.
pub(crate) fn start_exports(
    place: &DataPlace,
    public: ServedStore<Index>,
    restricted: Option<ServedStore<Index>>,
    niceness: i32,
) -> Result<Arc<ExportJobs>> {
    let options = ExportOptions {
        types: (0..).map(TypeId::new).zip(TYPES).collect(),
        compile: Box::new(annuaire_api::export_filter),
        reduce: annuaire_api::reduced_resource,
        entropy: Box::new(random_bytes),
        limits: ExportLimits::default(),
    };
    let jobs = ExportJobs::open(&place.data.join("exports"), options).context("the exports")?;
    let jobs = Arc::new(jobs);
    let worker = Arc::clone(&jobs);
    let started = std::thread::Builder::new().spawn(move || {
        run_behind_readers(niceness);
        // A store that another one replaces must end with its last answer: it is taken for each job.
        let index_of = |scope: &str| match scope {
            "" => Some(public.get()),
            _ => restricted.as_ref().map(ServedStore::get),
        };
        loop {
            if let Err(e) = worker.sweep(&index_of, now_ms()) {
                tracing::warn!("exports that are over stay on disk: {}", one_line(&e.into()));
            }
            match worker.run_next(&index_of, &now_ms) {
                Some(report) => match report.fault {
                    Some(fault) => tracing::warn!("an export failed: {}", one_line(&fault.into())),
                    None => tracing::info!("an export told {} resources", report.resources),
                },
                None => worker.wait(FILES_LOOK),
            }
        }
    });
    started.context("starting to make exports")?;
    Ok(jobs)
}

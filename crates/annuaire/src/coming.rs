//! What other rooms are about to give, behind the names that they will have. Each item says what takes its place; this file goes
//! when all are there.

use annuaire_exchange::{Check, Options, Report};
use annuaire_fhir::View;
use annuaire_index::Index;
use annuaire_store::Registry;
use anyhow::{Result, bail};
use serde::Serialize;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Becomes `annuaire_publish::Error`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// Becomes `annuaire_publish::Error::OtherView`.
    #[allow(dead_code)]
    #[error("a store of another view")]
    OtherView {
        /// View of the store.
        found: View,
        /// View asked for.
        wanted: View,
    },
    /// Becomes `annuaire_publish::Error::Outdated`.
    #[error("written by another version of the program")]
    Outdated,
    /// Becomes `annuaire_publish::Error::Index`.
    #[error(transparent)]
    Index(#[from] annuaire_index::Error),
}

/// Becomes `annuaire_publish::open`.
pub(crate) fn open(dir: &Path, map_bytes: usize, _view: View) -> Result<Index, OpenError> {
    match Index::open(dir, map_bytes, annuaire_fhir::dictionary::ALL) {
        Err(annuaire_index::Error::Corrupt(why)) if why.starts_with("written by another version") => Err(OpenError::Outdated),
        done => Ok(done?),
    }
}

/// Becomes `Index::clear_dead_readers`.
pub(crate) fn clear_dead_readers(_index: &Index) {}

/// Becomes `Some(annuaire_fhir::check)`.
pub(crate) const CHECK: Option<Check> = None;

/// Becomes the fields of `annuaire_exchange::Report`.
#[derive(Default, Serialize)]
pub(crate) struct More {
    pub(crate) delivery: Option<u64>,
    pub(crate) warnings: Vec<String>,
    pub(crate) missing: Vec<String>,
    pub(crate) companions: Vec<String>,
    pub(crate) quarantined: u64,
    pub(crate) examples: Examples,
}

/// Becomes `annuaire_exchange::Examples`.
#[derive(Default, Serialize)]
pub(crate) struct Examples {
    pub(crate) created: Vec<String>,
    pub(crate) changed: Vec<String>,
    pub(crate) ended: Vec<String>,
}

/// Becomes the report itself.
pub(crate) fn more(report: &Report) -> More {
    More { quarantined: report.files.iter().map(|f| f.rejected).sum(), ..More::default() }
}

/// Becomes `Report::complete`.
pub(crate) fn complete(report: &Report) -> bool {
    report.files.iter().all(|f| f.rejected == 0)
}

/// Becomes `annuaire_exchange::Delivered`.
#[derive(Serialize)]
pub(crate) struct Delivered {
    pub(crate) number: u64,
    pub(crate) tx: Option<u64>,
    pub(crate) at_ms: i64,
    pub(crate) author: String,
    pub(crate) reason: String,
    pub(crate) files: Vec<DeliveredFile>,
    pub(crate) created: u64,
    pub(crate) changed: u64,
    pub(crate) ended: u64,
    pub(crate) unchanged: u64,
    pub(crate) undone_by: Option<u64>,
    pub(crate) undoes: Option<u64>,
}

/// Becomes `annuaire_exchange::DeliveredFile`.
#[derive(Serialize)]
pub(crate) struct DeliveredFile {
    pub(crate) file: String,
    pub(crate) format: String,
    pub(crate) sources: Vec<String>,
    pub(crate) stamp: String,
    pub(crate) lines: u64,
    pub(crate) quarantined: u64,
}

/// Becomes `annuaire_exchange::Quarantined`.
#[derive(Serialize)]
pub(crate) struct Quarantined {
    pub(crate) source: String,
    pub(crate) file: String,
    pub(crate) line: u64,
    pub(crate) column: String,
    pub(crate) reason: String,
    pub(crate) delivery: u64,
    pub(crate) names: Vec<String>,
}

/// Becomes `annuaire_exchange::deliveries`: until then, the transactions of the log.
pub(crate) fn deliveries(registry: &mut dyn Registry) -> Result<Vec<Delivered>> {
    let delivered = |tx: annuaire_store::Tx| Delivered {
        number: tx.tx,
        tx: Some(tx.tx),
        at_ms: tx.commit_ms,
        author: tx.author,
        reason: tx.reason,
        files: Vec::new(),
        created: 0,
        changed: tx.changes,
        ended: 0,
        unchanged: 0,
        undone_by: None,
        undoes: None,
    };
    Ok(registry.transactions(0)?.into_iter().map(delivered).collect())
}

/// Becomes `annuaire_exchange::quarantine`.
pub(crate) fn quarantine(_registry: &mut dyn Registry) -> Result<Vec<Quarantined>> {
    Ok(Vec::new())
}

/// Becomes `annuaire_exchange::undo`.
pub(crate) fn undo(_registry: &mut dyn Registry, number: u64, _created_too: bool, _options: &Options) -> Result<Report> {
    bail!("delivery {number}: undoing is not in this build")
}

/// Becomes `annuaire_web::StoreState`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoreState {
    pub(crate) store: &'static str,
    pub(crate) applied_tx: u64,
    pub(crate) log_tx: Option<u64>,
    pub(crate) set_aside: u64,
    pub(crate) waiting: Option<String>,
    pub(crate) since_ms: i64,
}

/// Becomes `annuaire_web::Publication`.
#[derive(Default)]
pub(crate) struct Publication(Mutex<Vec<StoreState>>);

impl Publication {
    pub(crate) fn set(&self, state: StoreState) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.iter_mut().find(|s| s.store == state.store) {
            Some(known) => *known = state,
            None => all.push(state),
        }
    }

    pub(crate) fn get(&self) -> Vec<StoreState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

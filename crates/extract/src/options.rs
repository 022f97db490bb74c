//! What the caller decides.

use crate::filter::ActivityFilter;
use crate::limits;
use crate::national_file::{HeaderWidth, NationalFile};
use annuaire_consolidate::Perimeter;
use std::path::PathBuf;
use std::sync::Arc;

/// Receives what is being done, how much of it is done and how much there is (0 when unknown).
pub type ExtractProgress = Arc<dyn Fn(&str, u64, u64) + Send + Sync>;

/// What the caller decides.
#[derive(Clone)]
pub struct ExtractOptions {
    /// Whom the extraction is for: facts and their members count as this perimeter shows them.
    pub perimeter: Perimeter,
    /// The files that are asked; empty for all that the perimeter may have.
    pub only: Vec<NationalFile>,
    /// Which activities are wanted.
    pub filter: ActivityFilter,
    /// Generation of `Personne_activite`.
    pub width: HeaderWidth,
    /// Bytes of memory in which lines are sorted. What is written does not depend on it.
    pub sort_bytes: usize,
    /// Directory of temporary files, which have no name and vanish with the program; without it, that of the system.
    pub spill: Option<PathBuf>,
    /// Threads that make lines; zero for as many as there are processors. What is written does not depend on it.
    pub threads: usize,
    /// Called often; must be quick.
    pub progress: Option<ExtractProgress>,
}

impl Default for ExtractOptions {
    fn default() -> Self {
        Self {
            perimeter: Perimeter::Public,
            only: Vec::new(),
            filter: ActivityFilter::default(),
            width: HeaderWidth::default(),
            sort_bytes: limits::SORT_BYTES,
            spill: None,
            threads: 0,
            progress: None,
        }
    }
}

impl ExtractOptions {
    /// The files to write, in the order in which they are written.
    pub(crate) fn files(&self) -> Vec<NationalFile> {
        let is_asked = |f: &NationalFile| self.only.is_empty() || self.only.contains(f);
        let has_lines = |f: &NationalFile| !(self.filter.has_professions() && f.is_finess());
        NationalFile::ALL.into_iter().filter(|f| f.is_of(self.perimeter) && is_asked(f) && has_lines(f)).collect()
    }

    /// What cannot be asked of this perimeter, and what to do.
    pub(crate) fn objection(&self) -> Option<String> {
        if let Some(file) = self.only.iter().find(|f| !f.is_of(self.perimeter)) {
            return Some(format!("{file} is restricted data: ask for it in the restricted perimeter, or leave it out"));
        }
        if let Some(objection) = self.filter.objection() {
            return Some(objection);
        }
        self.files().is_empty().then(|| "a filter of professions leaves nothing of FINESS files: ask for others".to_owned())
    }

    pub(crate) fn tell(&self, what: &str, done: u64, total: u64) {
        if let Some(progress) = &self.progress {
            progress(what, done, total);
        }
    }
}

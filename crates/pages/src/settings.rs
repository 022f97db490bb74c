//! What the pages need besides the store.

use std::path::PathBuf;
use std::sync::Arc;

use annuaire_index::Effort;
use annuaire_web::{Gate, Lane};

/// What the pages need besides the store.
#[derive(Clone)]
pub struct PagesSettings {
    /// The gate that requests pass; all doors of a server share one.
    pub gate: Arc<Gate>,
    /// Who answers for the directory, as the page of legal notices names it.
    pub operator: String,
    /// True when all data is fictional: each page then shows a warning.
    pub fictional: bool,
    /// Where pages are made, one client after the other.
    pub lane: Arc<Lane>,
    /// Work that a page may cost in the store.
    pub work: Effort,
    /// Directory of the extractions, which has one for each perimeter; `None` when the server makes none.
    pub extractions: Option<PathBuf>,
}

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
    /// What the page of legal notices says besides.
    pub notices: LegalNotices,
    /// True when all data is fictional: each page then shows a warning.
    pub fictional: bool,
    /// Where pages are made, one client after the other.
    pub lane: Arc<Lane>,
    /// Work that a page may cost in the store.
    pub work: Effort,
    /// Directory of the extractions, which has one for each perimeter; `None` when the server makes none.
    pub extractions: Option<PathBuf>,
    /// Whether search engines may list pages with a permanent address.
    pub is_indexed: bool,
    /// Whether this server has the pages of registration, where errors are reported.
    pub has_portal: bool,
}

/// What the law wants to be told of a service (loi 2004-575, art. 1-1), besides who answers for it. What is empty is told as missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LegalNotices {
    /// Postal address of who answers for the directory.
    pub address: String,
    /// Director of publication.
    pub director: String,
    /// Name and address of who hosts the service.
    pub host: String,
    /// Mail address, telephone or page by which they are reached.
    pub contact: String,
}

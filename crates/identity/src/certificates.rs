//! What cards and certificates of organisations are checked with.

use std::sync::Arc;

use annuaire_cards::{CardAuthorities, CardEnvironment, OrganisationAuthorities};

/// The authorities of the moment; `None` while their lists of revocations are not there.
pub type CurrentAuthorities<T> = Arc<dyn Fn() -> Option<Arc<T>> + Send + Sync>;

/// What cards and certificates of organisations are checked with. Lists are replaced while the provider serves.
#[derive(Clone)]
pub struct CertificateChecks {
    /// Authorities of persons.
    pub cards: CurrentAuthorities<CardAuthorities>,
    /// Authorities of organisations.
    pub organisations: CurrentAuthorities<OrganisationAuthorities>,
    /// Whether test cards are taken, or real ones.
    pub environment: CardEnvironment,
}

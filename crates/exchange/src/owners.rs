//! The owners of what files say: each source is one, and its facts may be public when its producer publishes it.

use crate::delivery::to_json;
use crate::error::Error;
use annuaire_base::fact::{FactKey, Publication};
use annuaire_mos::owner::{file_source, file_sources};
use annuaire_store::{BlockingRegistry, OwnerRow};
use std::collections::HashSet;

/// The codes of all sources.
pub(crate) fn sources() -> impl Iterator<Item = &'static str> {
    file_sources().iter().map(|source| source.code)
}

/// Whether the producer of a source publishes it as open data. What is not known as a source is not.
pub(crate) fn is_open(source: &str) -> bool {
    file_source(source).is_some_and(|source| source.open)
}

/// Who may see the facts of a source. A fact keeps what was decided when it was written, so that another answer for a source needs
/// another [`VERSION`](crate::assemble::VERSION): its facts are then written again.
pub(crate) fn publication(source: &str) -> Publication {
    if is_open(source) { Publication::Open } else { Publication::Restricted }
}

/// The key of all that a source says of an entity.
pub(crate) fn fact_key(source: &str, entity: String) -> FactKey {
    FactKey { owner: source.to_owned(), entity, facet: String::new() }
}

/// Those of `sources` that are no owners in the registry yet, or known by their facts only, as rows.
pub(crate) fn missing_owners(registry: &BlockingRegistry, sources: &[&str]) -> Result<Vec<OwnerRow>, Error> {
    let described = registry.owners()?.into_iter().filter(|o| !o.description.is_empty());
    let known: HashSet<String> = described.map(|o| o.code).collect();
    let missing = file_sources().iter().filter(|s| sources.contains(&s.code) && !known.contains(s.code));
    missing.map(|s| Ok(OwnerRow { code: s.code.to_owned(), description: to_json(&s.owner())? })).collect()
}

//! The owners of what files say: each source is one, and its facts may be public when its producer publishes it.

use annuaire_base::fact::{FactKey, Publication};
use annuaire_mos::source;
use annuaire_store::OwnerRow;

/// The codes of all sources.
pub(crate) fn sources() -> impl Iterator<Item = &'static str> {
    source::SOURCES.iter().map(|s| s.code)
}

/// Whether the producer of a source publishes it as open data. What is not known as a source is not.
pub(crate) fn is_open(source: &str) -> bool {
    source::get(source).open
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

/// The row of a source in the table of owners.
pub(crate) fn owner_row(source: &str) -> OwnerRow {
    OwnerRow { code: source.to_owned(), description: String::new() }
}

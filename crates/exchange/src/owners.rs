//! The owners of what files say: each source is one, and decides who may see its facts.

use annuaire_base::fact::{FactKey, Publication};
use annuaire_mos::source;
use annuaire_store::OwnerRow;

/// Who may see the facts of a source. A fact keeps what was decided when it was written, so that another answer for a source needs
/// another [`VERSION`](crate::assemble::VERSION): facts are then written again.
pub(crate) fn publication(source: &str) -> Publication {
    if source::get(source).open { Publication::Open } else { Publication::Restricted }
}

/// The key of all that a source says of an entity.
pub(crate) fn fact_key(source: &str, entity: String) -> FactKey {
    FactKey { owner: source.to_owned(), entity, facet: String::new() }
}

/// The row of a source in the table of owners.
pub(crate) fn owner_row(source: &str) -> OwnerRow {
    OwnerRow { code: source.to_owned(), description: String::new() }
}

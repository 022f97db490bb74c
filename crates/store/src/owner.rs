//! Owners of facts, as rows.

/// An owner: a file source, a registration authority, a structure, a person. Only known owners may have facts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnerRow {
    /// Its code, unique, never given to another owner.
    pub code: String,
    /// Its kind and strength as JSON of `annuaire_mos::owner::Owner`. This room does not read it. Empty: its code tells them, or nobody
    /// does.
    pub description: String,
}

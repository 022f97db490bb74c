//! Versions without content.

/// Why a version has no content. Type, id, number and instant are left of it; it is live in no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tombstone {
    /// The resource vanished: the last version of a resource whose retention is over, or of which its owner said that it is deleted.
    /// The versions before it keep their content.
    Vanished,
    /// The content of the version was withdrawn by law (WDR-1), with that of all the versions of its resource.
    WithdrawnByLaw,
}

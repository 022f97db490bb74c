//! References whose targets must exist.

use crate::{ParamId, TypeId};

/// A reference parameter of a type. While a resource is published, the targets of its links stay published too (LOG-6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkRule {
    /// Type that holds the reference.
    pub source: TypeId,
    /// Parameter of the reference.
    pub param: ParamId,
    /// Type of the target.
    pub target: TypeId,
    /// Name of the target's type, as references write it before the id.
    pub target_name: &'static str,
}

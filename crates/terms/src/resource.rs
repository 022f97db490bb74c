//! A resource as forms hand it to the store.

use crate::{ParamId, Term, TypeId, limits};

/// A resource to publish.
///
/// The published body is `before`, then the stamp `"versionId":"N","lastUpdated":"2026-11-24T10:00:00.123Z",` written by the
/// store, then `after`. The store leaves out the last comma of the stamp when `after` starts with `}`.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Type of the resource.
    pub ty: TypeId,
    /// Logical identifier, unique within its type.
    pub id: String,
    /// Bytes of the body before the stamp.
    pub before: Vec<u8>,
    /// Bytes of the body after the stamp.
    pub after: Vec<u8>,
    /// Searchable values.
    pub terms: Vec<Term>,
    /// Stamp of another directory, which replaces the one that the store would write.
    pub foreign_stamp: Option<ForeignStamp>,
    /// Why the resource is published.
    pub presence: Presence,
}

/// Why a resource is published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Presence {
    /// A source describes it.
    #[default]
    Described,
    /// It left the directory: its reduced form stays for the retention period.
    Withdrawn,
    /// No source describes it, but another resource refers to it, and a reference must have a target (LOG-6).
    Referenced,
}

/// Version and instant that another directory gave to a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignStamp {
    /// Version, when it is a number. The store uses its next own number when there is none, or when this one does not grow.
    pub version: Option<u32>,
    /// Instant of the version, milliseconds since 1970 UTC.
    pub last_updated_ms: i64,
    /// Bytes written between `before` and `after` of the resource.
    pub stamp: Vec<u8>,
}

/// A resource that the store cannot hold, with the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("resource refused: {0}")]
pub struct RefusedResource(pub &'static str);

impl Resource {
    /// Checks the resource against [`limits`].
    ///
    /// # Errors
    /// The first limit that it exceeds.
    pub fn check(&self) -> Result<(), RefusedResource> {
        if self.before.len() + self.after.len() > limits::BODY {
            return Err(RefusedResource("its body is too long"));
        }
        if self.id.is_empty() || self.id.len() > limits::ID {
            return Err(RefusedResource("its id is empty or too long"));
        }
        if self.terms.len() > limits::TERMS {
            return Err(RefusedResource("it has too many searchable values"));
        }
        for term in &self.terms {
            if let Term::Reference { param, target } = term {
                if *param == ParamId::STORE {
                    return Err(RefusedResource("a link needs a parameter above 0"));
                }
                if target.len() > limits::TARGET {
                    return Err(RefusedResource("one of its references is too long"));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource() -> Resource {
        Resource {
            ty: TypeId::new(1),
            id: "a".into(),
            before: Vec::new(),
            after: Vec::new(),
            terms: Vec::new(),
            foreign_stamp: None,
            presence: Presence::Described,
        }
    }

    #[test]
    fn each_limit_is_the_last_value_accepted() {
        let id = |len| Resource { id: "x".repeat(len), ..resource() };
        let reference = |len| Term::Reference { param: ParamId::new(1), target: "t".repeat(len) };
        let terms = |terms| Resource { terms, ..resource() };
        assert!(id(limits::ID).check().is_ok());
        assert!(id(limits::ID + 1).check().is_err() && id(0).check().is_err());
        assert!(terms(vec![reference(limits::TARGET)]).check().is_ok());
        assert!(terms(vec![reference(limits::TARGET + 1)]).check().is_err());
        assert!(terms(vec![reference(1); limits::TERMS]).check().is_ok());
        assert!(terms(vec![reference(1); limits::TERMS + 1]).check().is_err());
        let body = |len| Resource { before: vec![0; 1], after: vec![0; len - 1], ..resource() };
        assert!(body(limits::BODY).check().is_ok() && body(limits::BODY + 1).check().is_err());
    }
}

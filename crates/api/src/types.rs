//! The types that a perimeter publishes.

use annuaire_fhir::schema::{PUBLIC_TYPES, TYPES};
use annuaire_terms::TypeId;

/// The published types of a perimeter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PublishedTypes {
    Public,
    Restricted,
}

impl PublishedTypes {
    /// Their names, in the order of their numbers.
    pub(crate) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Public => &TYPES[..PUBLIC_TYPES],
            Self::Restricted => &TYPES,
        }
    }

    /// Their numbers.
    pub(crate) fn numbers(self) -> Vec<TypeId> {
        self.names().iter().filter_map(|name| self.find(name)).map(|(_, number)| number).collect()
    }

    /// The type of that name, with its number.
    pub(crate) fn find(self, name: &str) -> Option<(&'static str, TypeId)> {
        let at = self.names().iter().position(|ty| *ty == name)?;
        Some((self.names()[at], TypeId::new(u8::try_from(at).ok()?)))
    }
}

/// The type of that name in any perimeter, with its number.
pub(crate) fn any_type(name: &str) -> Option<(&'static str, TypeId)> {
    PublishedTypes::Restricted.find(name)
}

/// The name of the type of that number.
pub(crate) fn type_name(number: TypeId) -> &'static str {
    TYPES.get(usize::from(number.get())).copied().unwrap_or("Resource")
}

//! Numbers of types and parameters.

use std::fmt;

/// Number of a resource type: the first byte of every key of the store that concerns the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(u8);

impl TypeId {
    /// Highest number.
    pub const MAX: Self = Self(u8::MAX);

    /// The type with this number.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// Position of the type in a table ordered by number.
impl From<TypeId> for usize {
    fn from(ty: TypeId) -> Self {
        ty.0.into()
    }
}

impl fmt::Display for TypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Number of a search parameter: the second byte of the keys of its terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParamId(u8);

impl ParamId {
    /// Reserved: the store files under it what it derives itself (type, identifier, instant). No form may use it.
    pub const STORE: Self = Self(0);
    /// Highest number.
    pub const MAX: Self = Self(u8::MAX);

    /// The parameter with this number; forms number theirs from 1.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for ParamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

//! Numbers of versions.

use std::fmt;

/// Number of a version of a resource, dense in commit order from 0. Bitmaps hold it as [`Row::get`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row(u32);

impl Row {
    /// The first row of a store.
    pub const FIRST: Self = Self(0);
    /// Above the last row that a store can number.
    pub const MAX: Self = Self(u32::MAX);

    /// The row with this number.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number, as bitmaps hold it.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

//! Numbers of transactions.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Number of a transaction of the change log: 1, 2, 3… without a gap (LOG-1). [`Tx::NONE`] precedes the first one.
///
/// A type of its own, so that a number of rows, of versions or of milliseconds cannot stand where a transaction is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tx(u64);

impl Tx {
    /// The state before the first transaction.
    pub const NONE: Self = Self(0);

    /// The transaction with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The transaction that follows.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The transaction before it; [`Tx::NONE`] has none and stays what it is.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// How many transactions lie after `earlier`, up to this one; 0 when it is not later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::Tx;

    #[test]
    fn numbers_follow_one_another() {
        assert_eq!(Tx::NONE.next(), Tx::new(1));
        assert_eq!((Tx::new(3).previous(), Tx::NONE.previous()), (Tx::new(2), Tx::NONE));
        assert_eq!((Tx::new(9).since(Tx::new(4)), Tx::new(4).since(Tx::new(9))), (5, 0));
        assert_eq!(format!("{:>3}", Tx::new(7)), "  7");
    }
}

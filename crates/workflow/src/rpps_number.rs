//! RPPS numbers: the next value of a permuted sequence, with the Luhn key (registration §6.6).
//!
//! The permutation is a Feistel network over the smallest even number of bits that holds the range, walked until it lands in it.
//! Its rounds are SHA-256 under the key of the installation, so that nobody who knows some numbers guesses others. Whoever
//! changes the key of a range that is in use would meet numbers again: the store refuses them, since a number is unique.

use annuaire_base::id::luhn;
use sha2::{Digest, Sha256};
use std::fmt;

/// Rounds of the network.
const ROUNDS: u8 = 8;
/// Digits of a number before its key.
const DIGITS: u32 = 10;

/// The range of numbers of an environment: all that begin with a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RppsRange {
    prefix: String,
    size: u64,
}

/// Why a range is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotARange;

impl fmt::Display for NotARange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the prefix of RPPS numbers must have 1 to 8 digits")
    }
}

impl std::error::Error for NotARange {}

/// The key of the permutation. It is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct RppsKey([u8; 32]);

impl fmt::Debug for RppsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RppsKey(…)")
    }
}

impl RppsKey {
    /// A key of 32 random bytes, which the caller keeps.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl RppsRange {
    /// The range of a prefix; `999` is that of test environments.
    ///
    /// # Errors
    /// [`NotARange`] unless the prefix has 1 to 8 digits.
    pub fn new(prefix: &str) -> Result<Self, NotARange> {
        let digits = u32::try_from(prefix.len()).unwrap_or(u32::MAX);
        if !(1..=8).contains(&digits) || !prefix.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotARange);
        }
        Ok(Self { prefix: prefix.to_owned(), size: 10_u64.pow(DIGITS - digits) })
    }

    /// How many numbers it holds.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The number at a position of the sequence; `None` when the range is used up. Different positions give different numbers.
    /// Costs a few hashes.
    #[must_use]
    pub fn number(&self, position: u64, key: &RppsKey) -> Option<String> {
        if position >= self.size {
            return None;
        }
        let half = self.half_bits();
        let mut value = permuted(position, half, key);
        while value >= self.size {
            value = permuted(value, half, key);
        }
        let width = DIGITS as usize - self.prefix.len();
        let digits = format!("{}{value:0width$}", self.prefix);
        (0..10).map(|last| format!("{digits}{last}")).find(|number| luhn(number))
    }

    /// Bits of one half of the smallest even width that holds the range.
    const fn half_bits(&self) -> u32 {
        let bits = u64::BITS - (self.size - 1).leading_zeros();
        bits.div_ceil(2)
    }
}

/// One pass of the network over `2 * half` bits.
fn permuted(value: u64, half: u32, key: &RppsKey) -> u64 {
    let mask = (1_u64 << half) - 1;
    let (mut left, mut right) = (value >> half, value & mask);
    for round in 0..ROUNDS {
        let mut hash = Sha256::new();
        hash.update(key.0);
        hash.update([round]);
        hash.update(right.to_be_bytes());
        let digest = hash.finalize();
        let word = digest.iter().take(8).fold(0_u64, |word, byte| (word << 8) | u64::from(*byte));
        (left, right) = (right, left ^ (word & mask));
    }
    (left << half) | right
}

/// The national identifier of a person: `8` and the RPPS number.
#[must_use]
pub fn idnps(rpps: &str) -> String {
    format!("8{rpps}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn every_position_of_a_range_has_a_number_of_its_own() {
        let range = RppsRange::new("9990000").unwrap();
        let key = RppsKey::new([7; 32]);
        let all: HashSet<String> = (0..range.size()).map(|position| range.number(position, &key).unwrap()).collect();
        assert_eq!(all.len(), 1_000);
        assert!(all.iter().all(|n| n.len() == 11 && n.starts_with("9990000") && luhn(n)));
        assert!(all.contains("99900000011") && all.contains("99900000029"), "the reserved numbers are in the range");
        assert_eq!(range.number(1_000, &key), None);
        assert_ne!(range.number(0, &key), range.number(0, &RppsKey::new([8; 32])));
        assert_eq!(format!("{key:?}"), "RppsKey(…)");
    }

    #[test]
    fn neighbours_in_the_sequence_are_no_neighbours_in_the_range() {
        let range = RppsRange::new("999").unwrap();
        let key = RppsKey::new([7; 32]);
        let value = |position| range.number(position, &key).unwrap()[3..10].parse::<i64>().unwrap();
        let steps: HashSet<i64> = (0..100).map(|position| value(position + 1) - value(position)).collect();
        assert_eq!(steps.len(), 100, "no step comes twice");
        for wrong in ["", "123456789", "99a"] {
            assert_eq!(RppsRange::new(wrong), Err(NotARange));
        }
        assert_eq!(idnps("99900000011"), "899900000011");
    }

    proptest! {
        #[test]
        fn the_sequence_is_a_bijection(prefix in "[0-9]{1,8}", key in any::<[u8; 32]>(), a in any::<u64>(), b in any::<u64>()) {
            let range = RppsRange::new(&prefix).unwrap();
            let key = RppsKey::new(key);
            let (a, b) = (a % range.size(), b % range.size());
            let (one, other) = (range.number(a, &key).unwrap(), range.number(b, &key).unwrap());
            prop_assert_eq!(a == b, one == other);
            prop_assert!(luhn(&one) && one.len() == 11 && one.starts_with(&prefix));
        }
    }
}

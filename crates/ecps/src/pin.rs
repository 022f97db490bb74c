//! The PIN: which ones are refused, and how one is kept.

use crate::limits;
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};

/// Why a PIN is refused when it is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinFault {
    /// It is not six digits.
    Form,
    /// It is one digit repeated, a series, or one of few that many people choose.
    Trivial,
    /// It is the birth date.
    BirthDate,
}

/// Looks whether a PIN may be chosen. `birth_date` is `YYYY-MM-DD`, where the register knows it; parts that are unknown are `00`.
///
/// # Errors
/// Why not (identity §2.6).
pub fn check_pin(pin: &str, birth_date: Option<&str>) -> Result<(), PinFault> {
    let digits: Vec<i32> = pin.bytes().filter(u8::is_ascii_digit).map(|b| i32::from(b - b'0')).collect();
    if pin.len() != limits::PIN_DIGITS || digits.len() != limits::PIN_DIGITS {
        return Err(PinFault::Form);
    }
    let step = (digits[1] - digits[0]).rem_euclid(10);
    let series = [0, 1, 9].contains(&step) && digits.windows(2).all(|two| (two[1] - two[0]).rem_euclid(10) == step);
    // 121212, 123123, 112233 and 111222.
    let repeats = |n: usize| digits.chunks(n).all(|part| part == &digits[..n]);
    let runs = |n: usize| digits.chunks(n).all(|part| part.iter().all(|digit| *digit == part[0]));
    let twice = runs(2) && digits.windows(3).all(|three| (three[2] - three[0]).abs() <= 1);
    if series || repeats(2) || repeats(3) || twice || runs(3) {
        return Err(PinFault::Trivial);
    }
    let parts: Vec<&str> = birth_date.unwrap_or_default().split('-').collect();
    if let [year, month, day] = parts[..]
        && year.len() == 4
        && month.len() == 2
        && day.len() == 2
        && year.is_ascii()
    {
        let short = &year[2..];
        let written = [
            [day, month, short],
            [month, day, short],
            [short, month, day],
            [short, day, month],
            [day, year, ""],
            [month, year, ""],
            [year, month, ""],
            [year, day, ""],
        ];
        if written.iter().any(|parts| parts.concat() == pin) {
            return Err(PinFault::BirthDate);
        }
    }
    Ok(())
}

/// A PIN as it is kept: argon2id under the pepper of the installation, so that a copy of the registry alone cannot be tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptPin {
    /// The hash, with its parameters, in the usual text form.
    hash: String,
    /// Attempts in a row that failed or whose outcome is not known yet.
    pub(crate) failures: u32,
}

fn hashed(pin: &str, salt: &[u8], pepper: &[u8; 32], memory_kib: u32, passes: u32) -> Option<[u8; 32]> {
    let params = Params::new(memory_kib, passes, 1, Some(32)).ok()?;
    let hasher = Argon2::new_with_secret(pepper, Algorithm::Argon2id, Version::V0x13, params).ok()?;
    let mut out = [0; 32];
    hasher.hash_password_into(pin.as_bytes(), salt, &mut out).ok()?;
    Some(out)
}

impl KeptPin {
    /// Keeps a PIN. Takes [`limits::PIN_PASSES`] passes over [`limits::PIN_MEMORY_KIB`]: not for a thread of the server. `None` when this machine
    /// has not the memory.
    pub(crate) fn keep(pin: &str, salt: [u8; 16], pepper: &[u8; 32]) -> Option<Self> {
        let (memory, passes) = (limits::PIN_MEMORY_KIB, limits::PIN_PASSES);
        let hash = hashed(pin, &salt, pepper, memory, passes)?;
        let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
        Some(Self { hash: format!("$argon2id$v=19$m={memory},t={passes},p=1${salt}${hash}"), failures: 0 })
    }

    /// Whether a PIN is this one; as long as [`keep`](Self::keep).
    pub(crate) fn is(&self, pin: &str, pepper: &[u8; 32]) -> bool {
        self.compared(pin, pepper).unwrap_or(false)
    }

    fn compared(&self, pin: &str, pepper: &[u8; 32]) -> Option<bool> {
        let parts: Vec<&str> = self.hash.split('$').collect();
        let ["", "argon2id", "v=19", costs, salt, hash] = parts[..] else { return None };
        let mut costs = costs.split(',').map(|cost| cost.split_once('=').and_then(|(_, n)| n.parse::<u32>().ok()));
        let (memory, passes) = (costs.next()??, costs.next()??);
        let (salt, kept) = (STANDARD_NO_PAD.decode(salt).ok()?, STANDARD_NO_PAD.decode(hash).ok()?);
        let given = hashed(pin, &salt, pepper, memory, passes)?;
        Some(annuaire_jose::equal(given, &kept))
    }

    /// Whether it was wrong too often.
    pub(crate) fn is_locked(&self) -> bool {
        self.failures >= limits::PIN_FAILURES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trivial_pins_and_the_birth_date_are_refused() {
        for bad in ["", "12345", "1234567", "12345a", "１２３４５６", "12 456"] {
            assert_eq!(check_pin(bad, None), Err(PinFault::Form), "{bad}");
        }
        for bad in ["000000", "123456", "654321", "890123", "210987", "121212", "123123", "112233", "332211", "111222", "999000"]
        {
            assert_eq!(check_pin(bad, None), Err(PinFault::Trivial), "{bad}");
        }
        for bad in ["290284", "022984", "840229", "842902", "021984", "198402", "291984", "198429"] {
            assert_eq!(check_pin(bad, Some("1984-02-29")), Err(PinFault::BirthDate), "{bad}");
            assert_eq!(check_pin(bad, None), Ok(()));
        }
        for good in ["739164", "135792", "246801", "100200"] {
            assert_eq!(check_pin(good, Some("1984-00-00")), Ok(()), "{good}");
        }
        assert_eq!(check_pin("739164", Some("né en 84")), Ok(()));
    }

    #[test]
    fn a_pin_is_known_with_its_pepper_only() {
        let kept = KeptPin::keep("739164", [3; 16], &[1; 32]).unwrap();
        assert!(kept.is("739164", &[1; 32]) && !kept.is("739165", &[1; 32]) && !kept.is("739164", &[2; 32]));
        assert!(!kept.hash.contains("739164") && kept.hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let damaged = KeptPin { hash: "$argon2id$v=19$m=,t=2".into(), failures: 0 };
        assert!(!damaged.is("739164", &[1; 32]));
    }
}

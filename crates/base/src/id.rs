//! National identifiers: shapes and check keys. Numbers are text: leading zeros and Corsican letters matter.

use std::fmt;

/// Why a number is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdError {
    /// Wrong length or characters.
    Shape,
    /// The check key does not agree with the other digits.
    Key,
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shape => "wrong length or characters",
            Self::Key => "wrong check key",
        })
    }
}

impl std::error::Error for IdError {}

/// Luhn over the whole number; `A` and `B` in second position (Corsica) count as 1 and 2.
#[must_use]
pub fn luhn(s: &str) -> bool {
    let mut sum = 0;
    for (i, b) in s.bytes().enumerate() {
        let digit = match b {
            b'0'..=b'9' => u32::from(b - b'0'),
            b'A' | b'B' if i == 1 => u32::from(b - b'A') + 1,
            _ => return false,
        };
        let doubled = (s.len() - i).is_multiple_of(2);
        sum += if !doubled {
            digit
        } else if digit > 4 {
            digit * 2 - 9
        } else {
            digit * 2
        };
    }
    !s.is_empty() && sum % 10 == 0
}

fn digits(s: &str, len: usize) -> Result<(), IdError> {
    if s.len() == len && s.bytes().all(|b| b.is_ascii_digit()) { Ok(()) } else { Err(IdError::Shape) }
}

fn key(valid: bool) -> Result<(), IdError> {
    if valid { Ok(()) } else { Err(IdError::Key) }
}

/// RPPS: 11 digits beginning with 1, Luhn.
///
/// # Errors
/// [`IdError`], as for all checks of this module.
pub fn rpps(s: &str) -> Result<(), IdError> {
    digits(s, 11)?;
    if !s.starts_with('1') {
        return Err(IdError::Shape);
    }
    key(luhn(s))
}

/// FINESS, legal or geographic, and ADELI share this shape: 9 characters, a Corsican letter in second place, Luhn.
///
/// # Errors
/// [`IdError`].
pub fn finess(s: &str) -> Result<(), IdError> {
    let b = s.as_bytes();
    let shape = b.len() == 9 && b.iter().enumerate().all(|(i, c)| c.is_ascii_digit() || (i == 1 && matches!(c, b'A' | b'B')));
    if !shape {
        return Err(IdError::Shape);
    }
    key(luhn(s))
}

/// ADELI, the numbering that RPPS absorbed in 2024.
///
/// # Errors
/// [`IdError`].
pub fn adeli(s: &str) -> Result<(), IdError> {
    finess(s)
}

/// SIREN: 9 digits, Luhn, not all zero.
///
/// # Errors
/// [`IdError`].
pub fn siren(s: &str) -> Result<(), IdError> {
    digits(s, 9)?;
    key(luhn(s) && s != "000000000")
}

/// SIRET: SIREN and establishment number, Luhn over 14 digits. An establishment of La Poste may instead have a digit sum
/// divisible by 5.
///
/// # Errors
/// [`IdError`].
pub fn siret(s: &str) -> Result<(), IdError> {
    digits(s, 14)?;
    siren(&s[..9])?;
    let post_office = s.starts_with("356000000") && s.bytes().map(|b| u32::from(b - b'0')).sum::<u32>().is_multiple_of(5);
    key(luhn(s) || post_office)
}

/// ADELI-rang, a practice place of an ADELI holder: ADELI and two digits, without a second key.
///
/// # Errors
/// [`IdError`].
pub fn adeli_rang(s: &str) -> Result<(), IdError> {
    let (number, rank) = s.split_at_checked(9).ok_or(IdError::Shape)?;
    digits(rank, 2)?;
    adeli(number)
}

/// National identification of a person: the type (TRE_G08) and the number, whose check depends on the type. They come as two
/// arguments because their concatenation is ambiguous (`3` + `01…` is also `30` + `1…`).
///
/// # Errors
/// [`IdError`]; a staff number (types 1, 3 to 6) is a structure number, `/`, and a number that the structure gave.
pub fn idnps(kind: &str, number: &str) -> Result<(), IdError> {
    let staff = |check: fn(&str) -> Result<(), IdError>| {
        let (structure, own) = number.split_once('/').ok_or(IdError::Shape)?;
        if own.is_empty() { Err(IdError::Shape) } else { check(structure) }
    };
    match kind {
        "0" => adeli(number),
        "1" => staff(adeli_rang),
        "3" => staff(finess),
        "4" => staff(siren),
        "5" => staff(siret),
        "6" => staff(rpps_rang),
        "8" => rpps(number),
        "2" | "9" | "10" | "30" if !number.is_empty() => Ok(()),
        _ => Err(IdError::Shape),
    }
}

/// National identification of a structure: one type digit (TRE_G07) and the number.
///
/// # Errors
/// [`IdError`].
pub fn idnst(s: &str) -> Result<(), IdError> {
    match s.split_at_checked(1) {
        Some(("0", n)) => adeli_rang(n),
        Some(("1", n)) => finess(n),
        Some(("2", n)) => siren(n),
        Some(("3", n)) => siret(n),
        Some(("4", n)) => rpps_rang(n),
        _ => Err(IdError::Shape),
    }
}

/// RPPS-rang, a practice place of an RPPS holder: RPPS, two digits, a key over all 14.
///
/// # Errors
/// [`IdError`].
pub fn rpps_rang(s: &str) -> Result<(), IdError> {
    digits(s, 14)?;
    rpps(&s[..11])?;
    key(luhn(s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_reference() {
        assert_eq!(rpps("10999000010"), Ok(()));
        assert_eq!(rpps("10999000028"), Ok(()));
        assert_eq!(rpps("10999000011"), Err(IdError::Key));
        assert_eq!(rpps("20999000010"), Err(IdError::Shape));
        assert_eq!(adeli("991091018"), Ok(()));
        assert_eq!(adeli("2A2899983"), Ok(()));
        assert_eq!(finess("990000028"), Ok(()));
        assert_eq!(finess("2A0999025"), Ok(()));
        assert_eq!(finess("A20999025"), Err(IdError::Shape));
        assert_eq!(siren("000001016"), Ok(()));
        assert_eq!(siren("000000000"), Err(IdError::Key));
        assert_eq!(siret("00000101600013"), Ok(()));
        assert_eq!(siret("35600000099904"), Ok(()));
        assert_eq!(siret("35600000000048"), Ok(()));
        assert_eq!(siret("35600000099905"), Err(IdError::Key));
        assert_eq!(rpps_rang("10999000010000"), Ok(()));
        assert_eq!(rpps_rang("10999000044017"), Ok(()));
    }

    #[test]
    fn any_one_digit_error_is_seen() {
        for (number, check) in [("10999000010", rpps as fn(&str) -> _), ("990000028", finess), ("00000101600013", siret)] {
            for i in 0..number.len() {
                for d in '0'..='9' {
                    let mut other: Vec<char> = number.chars().collect();
                    if other[i] != d {
                        other[i] = d;
                        assert!(check(&other.iter().collect::<String>()).is_err());
                    }
                }
            }
        }
    }

    #[test]
    fn national_identifications_check_the_number_of_their_type() {
        assert_eq!(idnps("8", "10999000010"), Ok(()));
        assert_eq!(idnps("8", "10999000011"), Err(IdError::Key));
        assert_eq!(idnps("0", "991091018"), Ok(()));
        assert_eq!(idnps("3", "990000028/0000000123"), Ok(()));
        assert_eq!(idnps("5", "00000101600013/A12/b"), Ok(()), "split on the first slash only");
        assert_eq!(idnps("4", "000001016/"), Err(IdError::Shape));
        assert_eq!(idnps("10", "a@b.example"), Ok(()));
        assert_eq!(idnps("7", "1"), Err(IdError::Shape));
        for (number, valid) in
            [("1990000028", true), ("300000101600013", true), ("2000001016", true), ("09910910180", false), ("5", false)]
        {
            assert_eq!(idnst(number).is_ok(), valid, "{number}");
        }
    }
}

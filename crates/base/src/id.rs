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

/// SIRET: SIREN and establishment, Luhn over 14 digits; La Poste's establishments may instead have a digit sum divisible by 5.
///
/// # Errors
/// [`IdError`].
pub fn siret(s: &str) -> Result<(), IdError> {
    digits(s, 14)?;
    siren(&s[..9])?;
    let post_office = s.starts_with("356000000") && s.bytes().map(|b| u32::from(b - b'0')).sum::<u32>().is_multiple_of(5);
    key(luhn(s) || post_office)
}

/// ADELI-rang, a practice of an ADELI holder: ADELI and two digits, without a key of its own.
///
/// # Errors
/// [`IdError`].
pub fn adeli_rang(s: &str) -> Result<(), IdError> {
    let (number, rank) = s.split_at_checked(9).ok_or(IdError::Shape)?;
    digits(rank, 2)?;
    adeli(number)
}

/// National identification of a person: the type digits (TRE_G08) followed by the number, whose check depends on the type.
/// The two parts are given apart, because the whole is ambiguous (`3` + `01…` is also `30` + `1…`).
///
/// # Errors
/// [`IdError`]; staff numbers (types 1, 3 to 6) are a structure number, `/`, and a number of the structure's own.
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

/// RPPS-rang, a practice of an RPPS holder: RPPS, two digits, key over the 14.
///
/// # Errors
/// [`IdError`].
pub fn rpps_rang(s: &str) -> Result<(), IdError> {
    digits(s, 14)?;
    rpps(&s[..11])?;
    key(luhn(s))
}

/// True when the text holds a social security number with a valid key, as a run of 15 letters or digits of its own.
/// Such a text must never be stored nor logged.
#[must_use]
pub fn contains_nir(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(is_nir)
}

fn is_nir(s: &str) -> bool {
    let b = s.as_bytes();
    if b.len() != 15 || !matches!(b[0], b'1' | b'2' | b'3' | b'7' | b'8') {
        return false;
    }
    // The national number of a structure known by its SIRET is 3 and the SIRET: one in a hundred would pass for a number of a
    // person, and every file of the country would be refused.
    if b[0] == b'3' && siret(&s[1..]).is_ok() {
        return false;
    }
    let corsica = match &b[5..7] {
        b"2A" => Some("19"),
        b"2B" => Some("18"),
        _ => None,
    };
    let number = format!("{}{}{}", &s[..5], corsica.unwrap_or(&s[5..7]), &s[7..13]);
    match (number.parse::<u64>(), s[13..].parse::<u64>()) {
        (Ok(n), Ok(k)) => 97 - n % 97 == k && plausible_month(&s[3..5]),
        _ => false,
    }
}

/// 01–12 and the pseudo months of incomplete civil status. Without this, one random 15-digit number in 97 would be refused.
fn plausible_month(m: &str) -> bool {
    m.parse::<u32>().is_ok_and(|m| matches!(m, 1..=12 | 20..=42 | 50..=99))
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
    fn social_security_numbers_are_seen_and_other_numbers_are_not() {
        let key = 97 - 1_990_199_999_999_u64 % 97;
        let nir = format!("1990199999999{key:02}");
        assert!(contains_nir(&format!("x|{nir}|y")));
        assert!(!contains_nir(&format!("x|{nir}0|y")));
        let corsica = 97 - 2_850_519_001_001_u64 % 97;
        assert!(contains_nir(&format!("285052A001001{corsica:02}")));
        assert!(!contains_nir("410999000010000|810999000010|00000101600013"));
        // Both a structure's number and, by chance, a valid key: the first is what files hold.
        let chance = "300011923000019";
        assert_eq!(97 - chance[..13].parse::<u64>().unwrap() % 97, chance[13..].parse().unwrap());
        assert!(!contains_nir(chance));
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

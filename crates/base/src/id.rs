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

/// True when the text holds a social security number with a valid key, standing alone: its 15 characters together, or cut by
/// spaces, dots or hyphens where people cut it (`1 99 01 99 999 999 27`), Corsica as `2A` and `2B`. The decimals of a number,
/// longer runs of letters or digits (hashes, keys of activities) and longer chains of numbers (versions, OIDs) are none.
/// Such a text must never be stored nor logged. Cost: one pass over the bytes.
#[must_use]
pub fn contains_nir(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut before = 0;
    for (at, b) in bytes.iter().enumerate() {
        if matches!(b, b'1' | b'2' | b'3' | b'7' | b'8') && !u8::is_ascii_alphanumeric(&before) && nir_at(bytes, at) {
            return true;
        }
        before = *b;
    }
    false
}

/// The same question of a JSON document: asked of its strings, their escapes resolved, and of its whole numbers. A number with
/// a fraction or an exponent is a measure, a place or a score, whatever its digits. Broken JSON is looked at as far as it goes.
#[must_use]
pub fn json_contains_nir(json: &str) -> bool {
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(b) = bytes.get(at) {
        if *b == b'"' {
            let start = at + 1;
            let (mut end, mut escaped) = (start, false);
            while let Some(b) = bytes.get(end).filter(|b| **b != b'"') {
                escaped |= *b == b'\\';
                end += if *b == b'\\' { 2 } else { 1 };
            }
            let end = end.min(bytes.len());
            // Both ends are at ASCII characters; an escape cut by the end of the text may leave one that is not.
            let inside = json.get(start..end).unwrap_or_default();
            if if escaped { contains_nir(&unescaped(inside)) } else { contains_nir(inside) } {
                return true;
            }
            at = end + 1;
        } else if b.is_ascii_digit() || *b == b'-' {
            let len = bytes[at..].iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')).count();
            if is_nir(&bytes[at..at + len]) {
                return true;
            }
            at += len;
        } else {
            at += 1;
        }
    }
    false
}

/// The inside of a JSON string with the escapes that can write a digit, a letter or a separator resolved; the others become
/// spaces, which separate as they do.
fn unescaped(inside: &str) -> String {
    let mut out = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let code = after.strip_prefix('u').and_then(|h| h.get(..4)).and_then(|h| u32::from_str_radix(h, 16).ok());
        out.push(code.and_then(char::from_u32).unwrap_or(' '));
        let used = if code.is_some() { 5 } else { after.chars().next().map_or(0, char::len_utf8) };
        rest = &after[used..];
    }
    out.push_str(rest);
    out
}

/// How the parts of a number are separated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    None,
    Space,
    Dot,
    Hyphen,
}

/// The gap at the beginning of `bytes`, and its length. Spaces are those of typesetters too.
fn gap(bytes: &[u8]) -> (Gap, usize) {
    match bytes {
        [b' ', ..] => (Gap::Space, 1),
        // No-break, narrow no-break and thin spaces.
        [0xc2, 0xa0, ..] => (Gap::Space, 2),
        [0xe2, 0x80, 0xaf | 0x89, ..] => (Gap::Space, 3),
        [b'.', ..] => (Gap::Dot, 1),
        [b'-', ..] => (Gap::Hyphen, 1),
        _ => (Gap::None, 0),
    }
}

/// Whether a number of a person is written at `start`, which begins a run of letters or digits.
fn nir_at(bytes: &[u8], start: usize) -> bool {
    // After the type, the year, the month, the department, the commune and the order.
    const CUTS: [usize; 6] = [1, 3, 5, 7, 10, 13];
    let mut number = [0_u8; 15];
    let mut at = start;
    let (mut kind, mut cuts) = (Gap::None, 0_u8);
    for (n, digit) in number.iter_mut().enumerate() {
        if let Some(cut) = CUTS.iter().position(|c| *c == n) {
            let (found, len) = gap(&bytes[at..]);
            if found != Gap::None {
                if kind != Gap::None && kind != found {
                    return false;
                }
                kind = found;
                cuts |= 1 << cut;
                at += len;
            }
        }
        let Some(b) = bytes.get(at) else { return false };
        // Only the second character of the department can be a letter.
        if !(b.is_ascii_digit() || (n == 6 && matches!(b, b'A' | b'B' | b'a' | b'b'))) {
            return false;
        }
        *digit = *b;
        at += 1;
    }
    let usual = match kind {
        Gap::None => true,
        // Apart from its key, or in three groups at least: `2 00000101600013` is a count and a SIRET.
        Gap::Space => cuts & 0b10_0000 != 0 || cuts.count_ones() >= 3,
        // Everywhere, with or without one before the key: anything less is a decimal, a version or a range.
        Gap::Dot | Gap::Hyphen => cuts & 0b1_1111 == 0b1_1111,
    };
    usual && alone(bytes, start, at, kind) && is_nir(&number)
}

/// Whether what stands from `start` to `end` is neither the decimals of a number, nor its whole part, nor a part of a longer
/// chain of numbers.
fn alone(bytes: &[u8], start: usize, end: usize, kind: Gap) -> bool {
    let digits = |b: &[u8]| b.iter().take_while(|b| b.is_ascii_digit()).count();
    let before = match &bytes[..start] {
        [head @ .., b'.'] => head.last().is_some_and(|b| b.is_ascii_alphabetic()),
        [head @ .., b','] => {
            let whole = head.iter().rev().take_while(|b| b.is_ascii_digit()).count();
            // `2,711518181818182` is a place; a list of numbers has longer ones.
            !(1..=3).contains(&whole)
        }
        [head @ .., b'-'] if kind == Gap::Hyphen => !head.last().is_some_and(u8::is_ascii_alphanumeric),
        _ => true,
    };
    let after = match &bytes[end..] {
        [b, ..] if b.is_ascii_alphanumeric() => false,
        [b'.', rest @ ..] if kind == Gap::Dot => !rest.first().is_some_and(u8::is_ascii_alphanumeric),
        // `199019999999927.0` is how a spreadsheet writes a whole number.
        [b'.', rest @ ..] => rest[..digits(rest)].iter().all(|b| *b == b'0'),
        [b'-', rest @ ..] if kind == Gap::Hyphen => !rest.first().is_some_and(u8::is_ascii_alphanumeric),
        _ => true,
    };
    before && after
}

fn is_nir(b: &[u8]) -> bool {
    let Some((number, key)) = b.split_at_checked(13).filter(|(_, key)| key.len() == 2) else { return false };
    let Ok(text) = str::from_utf8(b) else { return false };
    if !matches!(b[0], b'1' | b'2' | b'3' | b'7' | b'8') || !key.iter().all(u8::is_ascii_digit) {
        return false;
    }
    // The national number of a structure known by its SIRET is 3 and the SIRET: one in a hundred would pass for a number of a
    // person, and every file of the country would be refused.
    if b[0] == b'3' && siret(&text[1..]).is_ok() {
        return false;
    }
    let mut value = 0_u64;
    for (i, b) in number.iter().enumerate() {
        let digit = match (i, b) {
            (_, b'0'..=b'9') => b - b'0',
            // 2A counts as 19 and 2B as 18: one and two less than 20.
            (6, b'A' | b'a' | b'B' | b'b') if number[5] == b'2' => 0,
            _ => return false,
        };
        value = value * 10 + u64::from(digit);
    }
    match number[6] {
        b'A' | b'a' => value -= 1_000_000,
        b'B' | b'b' => value -= 2_000_000,
        _ => {}
    }
    text[13..].parse() == Ok(97 - value % 97) && plausible_month(&text[3..5])
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

    /// A generator of numbers that are the same in each run (xorshift).
    struct Random(u64);

    impl Random {
        fn below(&mut self, n: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % n
        }

        /// A number of a person with its key, of any department.
        fn nir(&mut self) -> String {
            let corsica = [("2A", 1_000_000), ("2B", 2_000_000), ("", 0), ("", 0)][self.below(4) as usize];
            let (kind, year, month) = (["1", "2", "7", "8"][self.below(4) as usize], self.below(100), 1 + self.below(12));
            let department = if corsica.0.is_empty() { 1 + self.below(98) } else { 20 };
            let rest = format!("{:03}{:03}", 1 + self.below(990), 1 + self.below(999));
            let value: u64 = format!("{kind}{year:02}{month:02}{department:02}{rest}").parse().unwrap();
            let key = 97 - (value - corsica.1) % 97;
            let department = if corsica.0.is_empty() { format!("{department:02}") } else { corsica.0.to_owned() };
            format!("{kind}{year:02}{month:02}{department}{rest}{key:02}")
        }
    }

    #[test]
    fn social_security_numbers_are_seen_in_every_usual_writing() {
        let mut random = Random(11);
        for _ in 0..4_000 {
            let n = random.nir();
            let parts = [&n[..1], &n[1..3], &n[3..5], &n[5..7], &n[7..10], &n[10..13], &n[13..]];
            let mut writings = vec![n.clone(), n.to_lowercase(), format!("{} {}", &n[..13], &n[13..]), format!("{n}.0")];
            for gap in [" ", ".", "-", "\u{a0}", "\u{202f}"] {
                writings.push(parts.join(gap));
                writings.push(format!("{}{}", parts[..6].join(gap), parts[6]));
            }
            for w in &writings {
                for text in [w.clone(), format!("a|{w}|b"), format!("\"{w}\";"), format!("NIR : {w}."), format!("n°{w}, né")] {
                    assert!(contains_nir(&text), "{text}");
                }
                assert!(json_contains_nir(&format!("{{\"note\":\"vu \\\"{w}\\\"\"}}")), "{w}");
            }
            if n.bytes().all(|b| b.is_ascii_digit()) {
                assert!(json_contains_nir(&format!("{{\"a\":[1.5,{n}]}}")) && json_contains_nir(&n));
            }
            let escaped: String = n.chars().map(|c| format!("\\u{:04x}", c as u32)).collect();
            assert!(json_contains_nir(&format!("[\"{escaped}\"]")));
            // A longer run of letters or digits is something else.
            for other in [format!("{n}0"), format!("4{n}"), format!("x{n}"), format!("{n}é").replace('é', "e")] {
                assert!(!contains_nir(&other), "{other}");
            }
        }
    }

    #[test]
    fn measures_times_and_keys_are_no_social_security_numbers() {
        let mut random = Random(7);
        let (mut digits, mut hex) = (String::new(), String::new());
        for _ in 0..50_000 {
            let mut run = |n: usize| (0..n).map(|_| char::from(b'0' + random.below(10) as u8)).collect::<String>();
            let (a, b, c) = (run(15), run(2), run(9));
            digits.clear();
            digits.push_str(&a);
            let decimals = [format!("0.{a}"), format!("{b}.{a}"), format!("-{b}.{a}"), format!("6{c}.{a}"), format!("{a}.{b}7")];
            for d in &decimals {
                let json = format!("{{\"score\":{d},\"t\":\"{d}\",\"p\":[{d},{d}],\"e\":{d}e5}}");
                assert!(!contains_nir(d) && !json_contains_nir(&json), "{json}");
            }
            for text in [
                format!("{b},{a}"),
                format!("POINT({b}.{a} -{b}.{a})"),
                format!("{b}.{a},{b}.{a}"),
                format!("2026-11-24T02:06:22.{a}Z"),
                format!("urn:oid:1.2.250.1.{b}.{c}.4"),
                format!("01 {b} {b} {b} {b}, 06 {b} {b} {b} {b} / 07{c}"),
                format!("+33 1 {b} {b} {b} {b} 2 {b} {b} {b} {b}"),
                format!("v1.{b}.{b}.{b}.{a}"),
                format!("{c}{a}"),
                format!("{:020}", random.0),
            ] {
                assert!(!contains_nir(&text) && !json_contains_nir(&format!("\"{text}\"")), "{text}");
            }
            hex.clear();
            hex.push_str(&format!("{:016x}{:016x}", random.below(u64::MAX), random.below(u64::MAX)));
            let uuid = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
            assert!(!contains_nir(&hex) && !contains_nir(&uuid) && !contains_nir(&hex[..16]), "{hex}");
            assert!(!json_contains_nir(&format!("[1.{a}E+15, {a}e2, -{a}, {a}.5]")), "{a}");
        }
        let nir = format!("1990199999999{:02}", 97 - 1_990_199_999_999_u64 % 97);
        assert!(!contains_nir(&format!("{nir}.5")) && contains_nir(&nir) && contains_nir(&format!("12 {nir}")));
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

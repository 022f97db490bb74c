//! Social security numbers (NIR) in texts: found so that they are refused, never stored and never logged.
//!
//! A number counts when its key is valid, its month exists and it stands alone. Files hold millions of other long numbers, so
//! each rule below names the numbers that it lets pass.

use crate::id::siret;

/// Whether the text holds a social security number with a valid key: its 15 characters together, or separated by spaces, dots
/// or hyphens where people separate them (`1 99 01 99 999 999 27`), Corsica as `2A` and `2B`. Decimals, longer runs of letters
/// or digits (hashes, keys of activities) and longer chains of numbers (versions, OIDs) are not taken for one.
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

/// Whether a JSON document holds one: in its strings, escapes resolved, or in its whole numbers. A number with a fraction or an
/// exponent is a measure, a coordinate or a score, whatever its digits. Broken JSON is read as far as it goes.
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

/// The content of a JSON string with its `\u` escapes resolved. Other escapes become a space: they write line ends, quotes and
/// slashes, which separate numbers too.
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

/// Separator between the parts of a number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    None,
    Space,
    Dot,
    Hyphen,
}

/// The gap at the beginning of `bytes`, and its length in bytes. No-break and thin spaces count as spaces.
fn gap(bytes: &[u8]) -> (Gap, usize) {
    match bytes {
        [b' ', ..] => (Gap::Space, 1),
        // U+00A0, then U+202F and U+2009.
        [0xc2, 0xa0, ..] => (Gap::Space, 2),
        [0xe2, 0x80, 0xaf | 0x89, ..] => (Gap::Space, 3),
        [b'.', ..] => (Gap::Dot, 1),
        [b'-', ..] => (Gap::Hyphen, 1),
        _ => (Gap::None, 0),
    }
}

/// Whether a social security number begins at `start`, where a run of letters or digits begins.
fn nir_at(bytes: &[u8], start: usize) -> bool {
    // Separators may stand after the sex, the year, the month, the department, the commune and the order.
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
        // A space before the key, or three spaces at least: `2 00000101600013` is a count and a SIRET.
        Gap::Space => cuts & 0b10_0000 != 0 || cuts.count_ones() >= 3,
        // All of them but the one before the key, which is optional: with fewer it is a decimal, a version or a range.
        Gap::Dot | Gap::Hyphen => cuts & 0b1_1111 == 0b1_1111,
    };
    usual && stands_alone(bytes, start, at, kind) && is_nir(&number)
}

/// Whether the digits from `start` to `end` are neither the decimals nor the whole part of a number, nor a link of a longer
/// chain of numbers.
fn stands_alone(bytes: &[u8], start: usize, end: usize, kind: Gap) -> bool {
    let digits = |b: &[u8]| b.iter().take_while(|b| b.is_ascii_digit()).count();
    let before = match &bytes[..start] {
        [head @ .., b'.'] => head.last().is_some_and(|b| b.is_ascii_alphabetic()),
        [head @ .., b','] => {
            let whole = head.iter().rev().take_while(|b| b.is_ascii_digit()).count();
            // `2,711518181818182` is a coordinate: a comma after one to three digits is a decimal comma.
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
    // A structure known by its SIRET has the national number 3 + SIRET. One in a hundred of these has a valid key by chance:
    // without this rule every file of the country would be refused.
    if b[0] == b'3' && siret(&text[1..]).is_ok() {
        return false;
    }
    let mut value = 0_u64;
    for (i, b) in number.iter().enumerate() {
        let digit = match (i, b) {
            (_, b'0'..=b'9') => b - b'0',
            // 2A is computed as 19 and 2B as 18: the letter is read as 0 here and the difference taken off below.
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

/// 01 to 12, and the pseudo months of incomplete civil status. Without this rule one 15-digit number in 97 would be refused.
fn plausible_month(m: &str) -> bool {
    m.parse::<u32>().is_ok_and(|m| matches!(m, 1..=12 | 20..=42 | 50..=99))
}

#[cfg(test)]
mod tests {
    use super::*;
    use annuaire_testkit::Dice;

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
        assert_eq!(97 - chance[..13].parse::<u64>().unwrap() % 97, chance[13..].parse::<u64>().unwrap());
        assert!(!contains_nir(chance));
    }

    /// A number of a fictional person with its key, of any department.
    fn nir(dice: &mut Dice) -> String {
        let corsica = [("2A", 1_000_000), ("2B", 2_000_000), ("", 0), ("", 0)][dice.below(4) as usize];
        let (kind, year, month) = (["1", "2", "7", "8"][dice.below(4) as usize], dice.below(100), 1 + dice.below(12));
        let department = if corsica.0.is_empty() { 1 + dice.below(98) } else { 20 };
        let rest = format!("{:03}{:03}", 1 + dice.below(990), 1 + dice.below(999));
        let value: u64 = format!("{kind}{year:02}{month:02}{department:02}{rest}").parse().unwrap();
        let key = 97 - (value - corsica.1) % 97;
        let department = if corsica.0.is_empty() { format!("{department:02}") } else { corsica.0.to_owned() };
        format!("{kind}{year:02}{month:02}{department}{rest}{key:02}")
    }

    #[test]
    fn social_security_numbers_are_seen_in_every_usual_writing() {
        let mut dice = Dice::new(11, 0, 0);
        for _ in 0..4_000 {
            let n = nir(&mut dice);
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
        let mut dice = Dice::new(7, 0, 0);
        let (mut digits, mut hex) = (String::new(), String::new());
        for _ in 0..50_000 {
            let mut run = |n: usize| (0..n).map(|_| char::from(b'0' + dice.below(10) as u8)).collect::<String>();
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
                format!("{:020}", dice.draw()),
            ] {
                assert!(!contains_nir(&text) && !json_contains_nir(&format!("\"{text}\"")), "{text}");
            }
            hex.clear();
            hex.push_str(&format!("{:016x}{:016x}", dice.below(u64::MAX), dice.below(u64::MAX)));
            let uuid = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
            assert!(!contains_nir(&hex) && !contains_nir(&uuid) && !contains_nir(&hex[..16]), "{hex}");
            assert!(!json_contains_nir(&format!("[1.{a}E+15, {a}e2, -{a}, {a}.5]")), "{a}");
        }
        let nir = format!("1990199999999{:02}", 97 - 1_990_199_999_999_u64 % 97);
        assert!(!contains_nir(&format!("{nir}.5")) && contains_nir(&nir) && contains_nir(&format!("12 {nir}")));
    }
}

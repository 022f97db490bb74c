//! Folding of text for comparison (SRCH-1), and bytes as text.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The form in which texts compare: without diacritics, in lower case, ligatures as two letters. Hyphens, apostrophes, dots and
/// white space become a space, a run of them one space; both ends are trimmed. Idempotent; linear in the text.
#[must_use]
pub fn fold(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    if s.is_ascii() {
        s.chars().for_each(|c| push(&mut out, c.to_ascii_lowercase()));
    } else {
        for c in s.nfkd().filter(|c| !is_combining_mark(*c)) {
            match c {
                'œ' | 'Œ' => out.push_str("oe"),
                'æ' | 'Æ' => out.push_str("ae"),
                'ß' | 'ẞ' => out.push_str("ss"),
                c => c.to_lowercase().filter(|c| !is_combining_mark(*c)).for_each(|c| push(&mut out, c)),
            }
        }
    }
    if out.ends_with(' ') {
        out.pop();
    }
    out
}

/// Whether [`fold`] gives an empty text. A search by such a value would match every text, so callers must refuse or skip it.
/// Allocates nothing.
#[must_use]
pub fn folds_to_nothing(s: &str) -> bool {
    s.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).all(|c| is_space(c) || is_combining_mark(c))
}

/// Hexadecimal digits of bytes, in lower case.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for digit in bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        text.push(char::from(DIGITS[usize::from(digit)]));
    }
    text
}

/// Whether a character compares as a space.
fn is_space(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '\'' | '.' | '`' | '´' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2018}'..='\u{201b}' | '\u{02bc}')
}

fn push(out: &mut String, c: char) {
    if !is_space(c) {
        out.push(c);
    } else if !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::{fold, folds_to_nothing};
    use proptest::prelude::*;

    #[test]
    fn bytes_have_two_digits_each() {
        assert_eq!(super::hex(&[0, 1, 0x0a, 0x7f, 0xff]), "00010a7fff");
        assert_eq!(super::hex(&[]), "");
    }

    #[test]
    fn signs_alone_are_nothing() {
        for s in ["", " ", "-", "'", "...", "’-. ", "\u{301}", "\u{2013}\u{a0}", "´"] {
            assert!(folds_to_nothing(s), "{s:?}");
        }
        for s in ["a", "-a", "@", "1", "œ", "_", ","] {
            assert!(!folds_to_nothing(s), "{s:?}");
        }
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once_and_nothing_is_nothing(s in ".{0,20}", signs in "[-'. `´’\u{301}\u{2010}-\u{2015}a]{0,4}") {
            for s in [s, signs] {
                let once = fold(&s);
                prop_assert_eq!(fold(&once), once.clone());
                prop_assert_eq!(folds_to_nothing(&s), once.is_empty());
            }
        }
    }

    #[test]
    fn accents_case_ligatures_and_punctuation_compare_equal() {
        for s in ["bénédicte", "Benedicte", "BÉNÉDICTE"] {
            assert_eq!(fold(s), "benedicte");
        }
        assert_eq!(fold("  D’Essai-Cœur  St. Ève "), "d essai coeur st eve");
        assert_eq!(fold("Élève À l'école"), "eleve a l ecole");
        let once = fold("ÅNGSTRÖM—ß İ");
        assert_eq!(fold(&once), once);
    }
}

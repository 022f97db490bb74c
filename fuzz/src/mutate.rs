//! Inputs derived from seeds; the derivation is deterministic.

use annuaire_testkit::Dice;

/// Fragments that parsers treat specially.
const WORDS: &[&str] = &[
    "0001-01-01",
    "9999-12-31",
    "2022-00",
    "T23:59:60Z",
    "+14:00",
    "-14:01",
    ".123456789",
    "%00",
    "%",
    "%2C",
    "%7C",
    "&",
    "=",
    ",",
    "|",
    "\\",
    ":",
    ".",
    "..",
    "/",
    "*",
    "_has:",
    ":missing",
    ":exact",
    ":identifier",
    "_include=",
    "_lastUpdated=ge",
    "_count=0",
    "\n",
    "\r",
    "\t",
    "\0",
    "\"",
    "{",
    "}",
    "[",
    "]",
    "null",
    "\\ud800",
    "<",
    ">",
    "&amp;",
    "é",
    "\u{301}",
    "\u{202e}",
    "\u{feff}",
    ";",
    "'",
    "18446744073709551616",
    "-1",
    "1e999",
];

/// A range of at most `longest` bytes in `length`.
fn range(dice: &mut Dice, length: usize, longest: usize) -> std::ops::Range<usize> {
    let start = below(dice, length + 1);
    start..(start + below(dice, longest) + 1).min(length)
}

/// A number below `n`; 0 when there is none.
fn below(dice: &mut Dice, n: usize) -> usize {
    usize::try_from(dice.below(n as u64)).unwrap_or(0).checked_rem(n).unwrap_or(0)
}

/// One of the seeds with a few random edits.
pub fn mutate(seeds: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut out = seeds.get(below(dice, seeds.len())).cloned().unwrap_or_default();
    for _ in 0..=below(dice, 4) {
        match below(dice, 8) {
            0 => {
                let at = below(dice, out.len());
                if let Some(b) = out.get_mut(at) {
                    *b ^= 1 << below(dice, 8);
                }
            }
            1 => drop(out.drain(range(dice, out.len(), 20))),
            2 => out.truncate(below(dice, out.len() + 1)),
            3 => {
                let copy = out[range(dice, out.len(), 60)].to_vec();
                let at = below(dice, out.len() + 1);
                out.splice(at..at, copy);
            }
            4 => {
                let other = seeds.get(below(dice, seeds.len())).map_or(&[][..], Vec::as_slice);
                let piece = other[range(dice, other.len(), 200)].to_vec();
                out.splice(range(dice, out.len(), 20), piece);
            }
            5 => {
                if let Some(at) = out.iter().position(u8::is_ascii_digit).map(|first| first + below(dice, 30))
                    && let Some(b) = out.get_mut(at)
                {
                    *b = b'0' + u8::try_from(below(dice, 10)).unwrap_or(0);
                }
            }
            _ => {
                let at = below(dice, out.len() + 1);
                let word = WORDS.get(below(dice, WORDS.len())).copied().unwrap_or_default();
                out.splice(at..at, word.bytes());
            }
        }
    }
    out
}

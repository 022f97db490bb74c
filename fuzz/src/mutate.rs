//! Inputs made of seeds, the same ones each time.

/// Pieces that readers look at.
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

/// A generator of numbers (xorshift64*): not random enough for secrets, the same on every machine.
pub struct Dice(u64);

impl Dice {
    /// `seed` decides all numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `n`; 0 when there is none.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(drawn).unwrap_or(0).checked_rem(n).unwrap_or(0)
    }

    /// A range of at most `longest` bytes in `length`.
    fn range(&mut self, length: usize, longest: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        start..(start + self.below(longest) + 1).min(length)
    }
}

/// One of the seeds, changed in a few places.
pub fn mutate(seeds: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut out = seeds.get(dice.below(seeds.len())).cloned().unwrap_or_default();
    for _ in 0..=dice.below(4) {
        match dice.below(8) {
            0 => {
                let at = dice.below(out.len());
                if let Some(b) = out.get_mut(at) {
                    *b ^= 1 << dice.below(8);
                }
            }
            1 => drop(out.drain(dice.range(out.len(), 20))),
            2 => out.truncate(dice.below(out.len() + 1)),
            3 => {
                let copy = out[dice.range(out.len(), 60)].to_vec();
                let at = dice.below(out.len() + 1);
                out.splice(at..at, copy);
            }
            4 => {
                let other = seeds.get(dice.below(seeds.len())).map_or(&[][..], Vec::as_slice);
                let piece = other[dice.range(other.len(), 200)].to_vec();
                out.splice(dice.range(out.len(), 20), piece);
            }
            5 => {
                if let Some(at) = out.iter().position(u8::is_ascii_digit).map(|first| first + dice.below(30))
                    && let Some(b) = out.get_mut(at)
                {
                    *b = b'0' + u8::try_from(dice.below(10)).unwrap_or(0);
                }
            }
            _ => {
                let at = dice.below(out.len() + 1);
                let word = WORDS.get(dice.below(WORDS.len())).copied().unwrap_or_default();
                out.splice(at..at, word.bytes());
            }
        }
    }
    out
}

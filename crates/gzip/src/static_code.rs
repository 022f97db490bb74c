//! The Huffman code that every block of our own encoder uses, and the block header that declares it (RFC 1951 §3.2.7).

use std::sync::LazyLock;

use crate::bits::Bits;

/// Length of the longest match that deflate can express.
pub(crate) const LONGEST_MATCH: usize = 258;
/// Length of the shortest match that deflate can express.
pub(crate) const SHORTEST_MATCH: usize = 3;
/// Symbol that ends a block.
pub(crate) const END_OF_BLOCK: usize = 256;
/// Symbol of the code length alphabet that repeats the length before it three to six times.
const REPEAT_LENGTH: usize = 16;

/// Code length, in bits, of each literal, of the end of a block and of each class of match lengths. Trained on the frequencies
/// in pages of every resource type of the fictional nation; one was added to each frequency, so that every symbol has a code.
#[rustfmt::skip]
const LITERAL_CODE_LENGTHS: [u8; 286] = [
    12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12,
    6, 12, 5, 12, 12, 12, 11, 10, 11, 11, 11, 11, 7, 6, 8, 7, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 11, 10, 10, 10, 11,
    11, 7, 9, 7, 8, 6, 8, 9, 9, 7, 10, 10, 7, 8, 7, 7, 8, 10, 7, 7, 7, 8, 10, 11, 10, 10, 10, 9, 11, 9, 12, 9,
    12, 6, 9, 7, 7, 5, 7, 8, 8, 6, 11, 10, 7, 7, 6, 6, 7, 10, 6, 6, 6, 7, 8, 11, 9, 8, 10, 8, 11, 8, 12, 12,
    12, 12, 12, 12, 12, 12, 12, 11, 11, 10, 12, 11, 12, 12, 12, 11, 12, 12, 11, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12,
    12, 12, 11, 12, 12, 12, 12, 11, 11, 8, 12, 12, 12, 12, 11, 12, 12, 12, 12, 12, 10, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12,
    12, 12, 12, 8, 12, 11, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12,
    12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12,
    11, 11, 10, 5, 6, 7, 7, 8, 7, 7, 6, 7, 8, 7, 8, 8, 9, 7, 7, 7, 6, 6, 7, 7, 7, 7, 7, 7, 9, 4,
];
/// Code length, in bits, of each class of match distances.
#[rustfmt::skip]
const DISTANCE_CODE_LENGTHS: [u8; 30] = [12, 12, 12, 12, 11, 11, 9, 7, 8, 7, 7, 6, 5, 7, 5, 7, 5, 6, 6, 5, 4, 4, 3, 5, 3, 4, 3, 4, 4, 4];
/// Code length, in bits, of the symbols that transmit the two tables above: lengths 0 to 15, then [`REPEAT_LENGTH`].
#[rustfmt::skip]
const CODE_LENGTH_CODE_LENGTHS: [u8; 17] = [0, 0, 0, 5, 5, 4, 3, 3, 3, 4, 4, 3, 3, 0, 0, 0, 3];
/// Order in which a block header transmits [`CODE_LENGTH_CODE_LENGTHS`].
const CODE_LENGTH_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Shortest match of each class of lengths (RFC 1951 §3.2.5).
const LENGTH_BASES: [u16; 29] =
    [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
/// Shortest distance of each class of distances (RFC 1951 §3.2.5).
const DISTANCE_BASES: [u16; 30] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1_025, 1_537, 2_049, 3_073, 4_097, 6_145,
    8_193, 12_289, 16_385, 24_577,
];

/// The bits of every symbol, with the extra bits of its length or distance where they are known beforehand.
pub(crate) struct StaticCode {
    /// Bits of each literal and of the end of a block.
    pub literals: [Bits; 257],
    /// Bits of each match length, extra bits included.
    lengths: [Bits; LONGEST_MATCH + 1],
    /// Bits of each class of distances, without the extra bits.
    distances: [Bits; 30],
    /// Class of each distance up to 256, at `distance - 1`; then class of each further group of 128 distances.
    distance_classes: [u8; 512],
    /// What a block begins with.
    pub block_header: Vec<Bits>,
}

/// The one code of the process, computed at first use.
pub(crate) static STATIC_CODE: LazyLock<StaticCode> = LazyLock::new(StaticCode::new);

impl StaticCode {
    fn new() -> Self {
        let (literals, distances) = (canonical_code(&LITERAL_CODE_LENGTHS), canonical_code(&DISTANCE_CODE_LENGTHS));
        let length_bits = |length: usize| {
            let class = class_of(&LENGTH_BASES, length);
            // The longest match has a class of its own, without extra bits.
            let extra_len = if class < 8 || length == LONGEST_MATCH { 0 } else { class as u8 / 4 - 1 };
            literals[END_OF_BLOCK + 1 + class].then(length as u32 - u32::from(LENGTH_BASES[class]), extra_len)
        };
        Self {
            literals: std::array::from_fn(|symbol| literals[symbol]),
            lengths: std::array::from_fn(|length| length_bits(length.max(SHORTEST_MATCH))),
            distances: std::array::from_fn(|class| distances[class]),
            distance_classes: std::array::from_fn(|slot| {
                let less_one = if slot < 256 { slot } else { (slot - 256) << 7 };
                class_of(&DISTANCE_BASES, less_one + 1) as u8
            }),
            block_header: block_header(),
        }
    }

    /// Bits of a match length from [`SHORTEST_MATCH`] to [`LONGEST_MATCH`].
    #[inline]
    pub(crate) fn length_bits(&self, length: usize) -> Bits {
        self.lengths[length]
    }

    /// Bits of a distance from 1 to 32 768.
    #[inline]
    pub(crate) fn distance_bits(&self, distance: usize) -> Bits {
        let less_one = distance - 1;
        let class = usize::from(self.distance_classes[if less_one < 256 { less_one } else { 256 + (less_one >> 7) }]);
        let extra_len = if class < 4 { 0 } else { class as u8 / 2 - 1 };
        self.distances[class].then(distance as u32 - u32::from(DISTANCE_BASES[class]), extra_len)
    }
}

/// The last class whose base is not above the value.
fn class_of(bases: &[u16], value: usize) -> usize {
    bases.partition_point(|base| usize::from(*base) <= value).saturating_sub(1)
}

/// The canonical Huffman code of these code lengths (RFC 1951 §3.2.2). A symbol of length 0 has no code.
fn canonical_code(code_lengths: &[u8]) -> Vec<Bits> {
    let symbols_of_length = |len: u8| code_lengths.iter().filter(|l| **l == len).count() as u32;
    let mut next_code = [0_u32; 16];
    for len in 2..16 {
        next_code[len] = (next_code[len - 1] + symbols_of_length(len as u8 - 1)) << 1;
    }
    let mut assign = |len: &u8| {
        let code = next_code[usize::from(*len)];
        next_code[usize::from(*len)] += 1;
        // Codes are written from their highest bit, everything else from its lowest.
        if *len == 0 { Bits::new(0, 0) } else { Bits::new(code.reverse_bits() >> (32 - len), *len) }
    };
    code_lengths.iter().map(&mut assign).collect()
}

/// The header of a block that is not the last one: type, sizes of the tables, and the run-length coded tables (RFC 1951 §3.2.7).
fn block_header() -> Vec<Bits> {
    let code = canonical_code(&CODE_LENGTH_CODE_LENGTHS);
    let mut header = vec![
        Bits::new(0b100, 3),
        Bits::new(LITERAL_CODE_LENGTHS.len() as u32 - 257, 5),
        Bits::new(DISTANCE_CODE_LENGTHS.len() as u32 - 1, 5),
        Bits::new(CODE_LENGTH_ORDER.len() as u32 - 4, 4),
    ];
    let length_of = |symbol: &usize| CODE_LENGTH_CODE_LENGTHS.get(*symbol).map_or(0, |len| u32::from(*len));
    header.extend(CODE_LENGTH_ORDER.iter().map(|symbol| Bits::new(length_of(symbol), 3)));
    let tables = [&LITERAL_CODE_LENGTHS[..], &DISTANCE_CODE_LENGTHS].concat();
    for run in tables.chunk_by(|a, b| a == b) {
        let len = usize::from(run[0]);
        header.push(code[len]);
        let mut left = run.len() - 1;
        while left >= 3 {
            let times = left.min(6);
            header.extend([code[REPEAT_LENGTH], Bits::new(times as u32 - 3, 2)]);
            left -= times;
        }
        header.extend(std::iter::repeat_n(code[len], left));
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_complete_and_short_enough() {
        for code_lengths in [&LITERAL_CODE_LENGTHS[..], &DISTANCE_CODE_LENGTHS] {
            assert!(code_lengths.iter().all(|len| (1..=13).contains(len)), "every symbol can be written");
            assert_eq!(code_lengths.iter().map(|len| 1_u32 << (15 - len)).sum::<u32>(), 1 << 15);
        }
        let used = CODE_LENGTH_CODE_LENGTHS.iter().filter(|len| **len > 0);
        assert_eq!(used.map(|len| 1_u32 << (7 - len)).sum::<u32>(), 1 << 7);
    }

    /// The writer holds 64 bits: up to 32 before a literal is flushed, or up to 7, a length and a distance.
    #[test]
    fn a_match_fits_the_pending_bits() {
        let longest_length = (SHORTEST_MATCH..=LONGEST_MATCH).map(|l| STATIC_CODE.length_bits(l).len).max().unwrap();
        let longest_distance = (1..=1 << 15).map(|d| STATIC_CODE.distance_bits(d).len).max().unwrap();
        assert!(7 + longest_length + longest_distance <= 64, "{longest_length} {longest_distance}");
    }
}

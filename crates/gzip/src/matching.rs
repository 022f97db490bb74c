//! Finds repetitions and writes them as literals and matches.

use crate::bits::BitWriter;
use crate::static_code::{LONGEST_MATCH, SHORTEST_MATCH, STATIC_CODE, StaticCode};

/// How far back a match may start (RFC 1951 §2).
const WINDOW: usize = 1 << 15;
/// Shortest match that is looked for. A match of [`SHORTEST_MATCH`] occurs only as the rest of a longer one that was split.
const SHORTEST_SOUGHT: usize = 4;
/// Binary logarithm of the positions that are remembered: 16 KiB, which stay in the first cache of a processor.
const TABLE_BITS: u32 = 12;
/// Bytes that a position is hashed by.
const HASHED_BYTES: u32 = 5;
/// Bytes after which positions are forgotten, so that a position fits 32 bits whatever the length of a piece.
pub(crate) const SECTION: usize = 1 << 24;

/// Writes a piece. Matches refer to bytes of this piece only.
pub(crate) fn compress(piece: &[u8], out: &mut BitWriter<'_>) {
    for section in piece.chunks(SECTION) {
        compress_section(section, out);
    }
}

fn compress_section(bytes: &[u8], out: &mut BitWriter<'_>) {
    let code = &*STATIC_CODE;
    // Position after the one where a hash last occurred; 0: nowhere.
    let mut last_seen = [0_u32; 1 << TABLE_BITS];
    let (mut at, mut last_distance) = (0, 1);
    while at + 8 <= bytes.len() {
        let next = load_u64(bytes, at);
        let hash = (next << (64 - 8 * HASHED_BYTES)).wrapping_mul(0x9e37_79b1_85eb_ca87) >> (64 - TABLE_BITS);
        let candidate = std::mem::replace(&mut last_seen[hash as usize], at as u32 + 1) as usize;
        let first_four = next as u32;
        let distance = if candidate > 0 && at + 1 - candidate <= WINDOW && four_equal(bytes, candidate - 1, first_four) {
            at + 1 - candidate
        } else if last_distance <= at && four_equal(bytes, at - last_distance, first_four) {
            // After a letter that differs, the entry before continues as this one does.
            last_distance
        } else {
            out.push(code.literals[usize::from(next as u8)]);
            if out.pending_len() > 32 {
                out.flush_bytes();
            }
            at += 1;
            continue;
        };
        let length = match_length(bytes, at - distance, at);
        out.flush_bytes();
        write_match(length, distance, code, out);
        at += length;
        last_distance = distance;
    }
    for byte in &bytes[at..] {
        out.push(code.literals[usize::from(*byte)]);
        out.flush_bytes();
    }
}

/// Writes a match, as several ones when it is longer than one can be.
#[inline]
fn write_match(mut length: usize, distance: usize, code: &StaticCode, out: &mut BitWriter<'_>) {
    let distance_bits = code.distance_bits(distance);
    while length > 0 {
        // A rest of one or two bytes cannot be expressed: the match before the last one is then three bytes shorter.
        let longest = if length < LONGEST_MATCH + SHORTEST_MATCH { LONGEST_MATCH - SHORTEST_MATCH } else { LONGEST_MATCH };
        let part = if length <= LONGEST_MATCH { length } else { longest };
        out.push(code.length_bits(part));
        out.push(distance_bits);
        out.flush_bytes();
        length -= part;
    }
}

fn load_u64(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// Whether the four bytes at a position are these, in little-endian order.
fn four_equal(bytes: &[u8], at: usize, expected: u32) -> bool {
    bytes.get(at..at + SHORTEST_SOUGHT) == Some(&expected.to_le_bytes()[..])
}

/// How many bytes from `earlier` on equal those from `at` on. The caller has compared the first four. The spans may overlap.
fn match_length(bytes: &[u8], earlier: usize, at: usize) -> usize {
    let mut length = SHORTEST_SOUGHT;
    while at + length + 8 <= bytes.len() {
        let difference = load_u64(bytes, earlier + length) ^ load_u64(bytes, at + length);
        if difference != 0 {
            return length + (difference.trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    length + bytes[at + length..].iter().zip(&bytes[earlier + length..]).take_while(|(a, b)| a == b).count()
}

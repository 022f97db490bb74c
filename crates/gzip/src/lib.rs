//! gzip (RFC 1952, RFC 1951) of answers whose entries resemble each other.
//!
//! An entry of a bundle repeats most of the one before it, so that what is left to say are some forty copies and sixty letters.
//! A general encoder prepares windows and tables for a megabyte of prose, and looks for the best copy; this one takes the first
//! copy that it finds, from the bytes where they are, and writes with one code made beforehand for FHIR in JSON.
//!
//! Cost: half a microsecond for a kilobyte of a bundle, a fifth of what zlib takes at its first level, for a result that is a
//! tenth smaller. Any bytes can be written; those that are not JSON take up to a half more than they were.

use std::sync::LazyLock;

/// How far back a copy may be.
const WINDOW: usize = 1 << 15;
/// Longest copy.
const LONGEST: usize = 258;
/// Shortest copy looked for; a shorter one says what was too much for [`LONGEST`].
const SHORTEST: usize = 4;
const LEAST: usize = 3;
/// Places remembered, by what starts there: as many as stay at hand in a processor.
const PLACES: u32 = 12;
/// Bytes that tell one place from another.
const START: u32 = 5;
/// Bytes in which places are remembered; the next ones start anew.
const PART: usize = 1 << 24;
/// Bytes written before they are handed over.
const ROOM: usize = 4_096;

/// Bits of the code of each literal, of the end and of each class of lengths: a Huffman code of how often they are in pages of
/// every type of the fictional nation, each counted once more, so that all can be written.
#[rustfmt::skip]
const LITERALS: [u8; 286] = [
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
/// The same for the classes of distances.
#[rustfmt::skip]
const DISTANCES: [u8; 30] = [12, 12, 12, 12, 11, 11, 9, 7, 8, 7, 7, 6, 5, 7, 5, 7, 5, 6, 6, 5, 4, 4, 3, 5, 3, 4, 3, 4, 4, 4];
/// Bits of the code that these lengths are told with; the last one, 16, repeats a length.
#[rustfmt::skip]
const TOLD: [u8; 17] = [0, 0, 0, 5, 5, 4, 3, 3, 3, 4, 4, 3, 3, 0, 0, 0, 3];
/// The order in which a block says the above.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// Repeats a length three to six times.
const REPEAT: usize = 16;
const END: usize = 256;

/// First value of each class of lengths.
const LENGTHS: [u16; 29] =
    [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
/// First value of each class of distances.
const FROM: [u16; 30] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1_025, 1_537, 2_049, 3_073, 4_097, 6_145,
    8_193, 12_289, 16_385, 24_577,
];

/// Bits to write, the first one lowest, and how many.
type Bits = (u32, u8);

/// What is written for each literal, length and distance.
struct Codes {
    literals: [Bits; 257],
    lengths: [Bits; LONGEST + 1],
    distances: [Bits; 30],
    /// Class of a distance less one: of the distance itself below 256, then of its 128ths.
    classes: [u8; 512],
    /// What a block starts with.
    start: Vec<Bits>,
}

static CODES: LazyLock<Codes> = LazyLock::new(Codes::new);

/// The class of a value among the first values of classes.
fn class(first: &[u16], value: usize) -> usize {
    first.partition_point(|first| usize::from(*first) <= value).saturating_sub(1)
}

/// The code of these lengths (RFC 1951, 3.2.2).
fn code(lengths: &[u8]) -> Vec<Bits> {
    let of = |bits: u8| lengths.iter().filter(|l| **l == bits).count() as u32;
    let mut next = [0_u32; 16];
    for bits in 2..16 {
        next[bits] = (next[bits - 1] + of(bits as u8 - 1)) << 1;
    }
    let mut give = |bits: &u8| {
        let value = next[usize::from(*bits)];
        next[usize::from(*bits)] += 1;
        if *bits == 0 { (0, 0) } else { (value.reverse_bits() >> (32 - bits), *bits) }
    };
    lengths.iter().map(&mut give).collect()
}

impl Codes {
    fn new() -> Self {
        let (all, distances) = (code(&LITERALS), code(&DISTANCES));
        let length = |n: usize| {
            let class = class(&LENGTHS, n);
            // The longest one has a class of its own.
            let extra = if class < 8 || n == LONGEST { 0 } else { class as u8 / 4 - 1 };
            let (bits, len) = all[END + 1 + class];
            (bits | (n as u32 - u32::from(LENGTHS[class])) << len, len + extra)
        };
        Self {
            literals: std::array::from_fn(|n| all[n]),
            lengths: std::array::from_fn(|n| length(n.max(LEAST))),
            distances: std::array::from_fn(|n| distances[n]),
            classes: std::array::from_fn(|n| class(&FROM, if n < 256 { n } else { (n - 256) << 7 } + 1) as u8),
            start: start(),
        }
    }
}

/// What a block says of its code (RFC 1951, 3.2.7): that it is not the last one, and the length of each code.
fn start() -> Vec<Bits> {
    let told = code(&TOLD);
    let counts = [LITERALS.len() - 257, DISTANCES.len() - 1, ORDER.len() - 4];
    let mut out = vec![(0b100, 3), (counts[0] as u32, 5), (counts[1] as u32, 5), (counts[2] as u32, 4)];
    out.extend(ORDER.iter().map(|n| (TOLD.get(*n).map_or(0, |l| u32::from(*l)), 3)));
    let lengths = [&LITERALS[..], &DISTANCES].concat();
    for run in lengths.chunk_by(|a, b| a == b) {
        let bits = usize::from(run[0]);
        out.push(told[bits]);
        let mut left = run.len() - 1;
        while left >= 3 {
            let times = left.min(6);
            out.extend([told[REPEAT], (times as u32 - 3, 2)]);
            left -= times;
        }
        out.extend(std::iter::repeat_n(told[bits], left));
    }
    out
}

/// Bits on their way to a buffer.
struct Writer<'a> {
    room: [u8; ROOM],
    at: usize,
    held: u64,
    count: u32,
    out: &'a mut Vec<u8>,
}

impl Writer<'_> {
    #[inline]
    fn put(&mut self, (bits, len): Bits) {
        self.held |= u64::from(bits) << self.count;
        self.count += u32::from(len);
    }

    /// Hands whole bytes over: fewer than eight bits stay.
    #[inline]
    fn flush(&mut self) {
        if let Some(room) = self.room.get_mut(self.at..self.at + 8) {
            room.copy_from_slice(&self.held.to_le_bytes());
        }
        self.at += (self.count / 8) as usize;
        self.held >>= self.count / 8 * 8;
        self.count %= 8;
        if self.at > ROOM - 8 {
            self.hand();
        }
    }

    fn hand(&mut self) {
        self.out.extend_from_slice(&self.room[..self.at]);
        self.at = 0;
    }
}

fn eight(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// Whether four bytes are the same.
fn meet(bytes: &[u8], at: usize, first: u32) -> bool {
    bytes.get(at..at + SHORTEST) == Some(&first.to_le_bytes()[..])
}

/// How many bytes are the same from two places on, the first of which is before the second.
fn alike(bytes: &[u8], before: usize, at: usize) -> usize {
    let mut len = SHORTEST;
    while at + len + 8 <= bytes.len() {
        let differ = eight(bytes, before + len) ^ eight(bytes, at + len);
        if differ != 0 {
            return len + (differ.trailing_zeros() / 8) as usize;
        }
        len += 8;
    }
    len + bytes[at + len..].iter().zip(&bytes[before + len..]).take_while(|(a, b)| a == b).count()
}

/// An answer being compressed, piece by piece.
pub struct Encoder {
    sum: crc32fast::Hasher,
    length: u32,
    held: u64,
    count: u32,
    started: bool,
}

impl Encoder {
    /// An encoder of one answer.
    #[expect(clippy::new_without_default, reason = "an encoder is one answer, begun on purpose")]
    pub fn new() -> Self {
        Self { sum: crc32fast::Hasher::new(), length: 0, held: 0, count: 0, started: false }
    }

    /// Appends to `out` what a piece becomes, up to some bits that go with the next one.
    pub fn write_piece(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        self.sum.update(piece);
        // The length is told modulo 2^32.
        self.length = self.length.wrapping_add(piece.len() as u32);
        let mut writer = Writer { room: [0; ROOM], at: 0, held: self.held, count: self.count, out };
        if !self.started {
            self.started = true;
            // Deflate; no name, no instant; the fastest way; a system that is not told.
            writer.out.extend([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff]);
            CODES.start.iter().for_each(|bits| {
                writer.put(*bits);
                writer.flush();
            });
        }
        for part in piece.chunks(PART) {
            deflate(part, &mut writer);
        }
        writer.hand();
        (self.held, self.count) = (writer.held, writer.count);
    }

    /// A whole answer, compressed.
    pub fn compress_all(mut self, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(body.len() / 8);
        self.write_piece(body, &mut out);
        self.finish(&mut out);
        out
    }

    /// Appends the end.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        if !self.started {
            self.write_piece(&[], out);
        }
        let mut writer = Writer { room: [0; ROOM], at: 0, held: self.held, count: self.count, out };
        writer.put(CODES.literals[END]);
        // The last block, of the code that needs no telling, is empty.
        writer.put((0b011, 3));
        writer.put((0, 7));
        writer.flush();
        writer.count = writer.count.next_multiple_of(8);
        writer.flush();
        writer.hand();
        out.extend(self.sum.finalize().to_le_bytes());
        out.extend(self.length.to_le_bytes());
    }
}

/// Writes literals and copies.
fn deflate(bytes: &[u8], out: &mut Writer<'_>) {
    let codes = &*CODES;
    // Place after the one where the bytes of a group were last seen; 0: nowhere.
    let mut places = [0_u32; 1 << PLACES];
    let (mut at, mut last) = (0, 1);
    while at + 8 <= bytes.len() {
        let next = eight(bytes, at);
        let group = (next << (64 - 8 * START)).wrapping_mul(0x9e37_79b1_85eb_ca87) >> (64 - PLACES);
        let seen = std::mem::replace(&mut places[group as usize], at as u32 + 1) as usize;
        let four = next as u32;
        // After a letter that differs, the entry before goes on as this one does.
        let distance = if seen > 0 && at + 1 - seen <= WINDOW && meet(bytes, seen - 1, four) {
            at + 1 - seen
        } else if last <= at && meet(bytes, at - last, four) {
            last
        } else {
            out.put(codes.literals[usize::from(next as u8)]);
            if out.count > 32 {
                out.flush();
            }
            at += 1;
            continue;
        };
        let mut length = alike(bytes, at - distance, at);
        at += length;
        last = distance;
        let less = distance - 1;
        let class = usize::from(codes.classes[if less < 256 { less } else { 256 + (less >> 7) }]);
        let (bits, len) = codes.distances[class];
        let extra = if class < 4 { 0 } else { class as u8 / 2 - 1 };
        let back = (bits | (distance as u32 - u32::from(FROM[class])) << len, len + extra);
        out.flush();
        while length > 0 {
            // What is left after the longest copy must be long enough to be told.
            let most = if length < LONGEST + LEAST { LONGEST - LEAST } else { LONGEST };
            let part = if length <= LONGEST { length } else { most };
            out.put(codes.lengths[part]);
            out.put(back);
            out.flush();
            length -= part;
        }
    }
    for byte in &bytes[at..] {
        out.put(codes.literals[usize::from(*byte)]);
        out.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use proptest::prelude::*;
    use std::io::{Read, Write};

    fn compressed(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut encoder, mut out) = (Encoder::new(), Vec::new());
        pieces.iter().for_each(|piece| encoder.write_piece(piece, &mut out));
        encoder.finish(&mut out);
        out
    }

    /// What a reader of another make reads, which checks the sum and the length too.
    fn read(packed: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        GzDecoder::new(packed).read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn codes_are_complete() {
        for lengths in [&LITERALS[..], &DISTANCES] {
            assert!(lengths.iter().all(|l| (1..=13).contains(l)), "every symbol can be written");
            assert_eq!(lengths.iter().map(|l| 1_u32 << (15 - l)).sum::<u32>(), 1 << 15);
        }
        assert_eq!(TOLD.iter().filter(|l| **l > 0).map(|l| 1_u32 << (7 - l)).sum::<u32>(), 1 << 7);
    }

    #[test]
    fn every_length_and_distance() {
        // A first copy of each length, then copies from further and further.
        let noise = |n: usize, seed: u32| -> Vec<u8> {
            let mut x = seed;
            (0..n)
                .map(|_| {
                    x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (x >> 24) as u8
                })
                .collect()
        };
        for length in (4..600).chain([65_000, 70_000]) {
            let text = noise(length, 1);
            let whole = [&text[..], &noise(9, 2), &text, &noise(9, 3)].concat();
            assert_eq!(read(&compressed(&[&whole])), whole, "length {length}");
        }
        for gap in (0..700).chain((700..40_000).step_by(97)) {
            let whole = [&noise(20, 1)[..], &noise(gap, 2), &noise(20, 1), &noise(9, 3)].concat();
            assert_eq!(read(&compressed(&[&whole])), whole, "gap {gap}");
        }
        let long = b"0123456789abcdef".repeat((PART + 1_000) / 16);
        assert_eq!(read(&compressed(&[&long])), long, "longer than a part");
    }

    #[test]
    fn smaller_than_the_first_level_of_zlib() {
        let entry = |n: u32| {
            format!(
                r#"{{"fullUrl":"http://h/Practitioner/{n}","resource":{{"id":"{n}","meta":{{"versionId":"1"}},"name":[{{"family":"{:x}"}}]}}}}"#,
                n * n
            )
        };
        let page: String = (0..200).map(entry).collect();
        let mut theirs = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        theirs.write_all(page.as_bytes()).unwrap();
        let (ours, theirs) = (compressed(&[page.as_bytes()]), theirs.finish().unwrap());
        assert_eq!(read(&ours), page.as_bytes());
        assert!(ours.len() < theirs.len(), "{} and {}", ours.len(), theirs.len());
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(pieces in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..300),
                prop::collection::vec(prop::sample::select(&b"abc"[..]), 0..3_000),
                ("[a-z]{0,40}", 1..200_usize).prop_map(|(text, times)| text.repeat(times).into_bytes()),
            ], 0..6)
        ) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(read(&compressed(&pieces)), pieces.concat());
        }
    }
}

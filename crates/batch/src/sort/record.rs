//! Records one after the other in memory: length of the key, length of the value, key, value.

/// A buffer of records, filled by one thread and given to a [`Sorter`](super::Sorter) by another.
#[derive(Debug, Default)]
pub struct RecordBuf(Vec<u8>);

impl RecordBuf {
    /// Adds a record, whose key is the concatenation of `key`.
    pub fn push(&mut self, key: &[&[u8]], value: &[u8]) {
        put_record(&mut self.0, key, value);
    }

    /// Bytes of all records: the position of the next one.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Adds a record to `out`.
pub(super) fn put_record(out: &mut Vec<u8>, key: &[&[u8]], value: &[u8]) {
    put_length(out, key.iter().map(|part| part.len()).sum());
    put_length(out, value.len());
    key.iter().for_each(|part| out.extend_from_slice(part));
    out.extend_from_slice(value);
}

/// Key, value and total length of the first record of `bytes`; `None` when there is none.
#[inline]
pub(super) fn first_record(bytes: &[u8]) -> Option<(&[u8], &[u8], usize)> {
    let (key_len, at) = length(bytes, 0)?;
    let (value_len, at) = length(bytes, at)?;
    let value_at = at.checked_add(key_len)?;
    let end = value_at.checked_add(value_len)?;
    Some((bytes.get(at..value_at)?, bytes.get(value_at..end)?, end))
}

/// Writes a length as LEB128.
pub(super) fn put_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// The length at `at` and the position after it; `None` when it is cut.
#[inline(always)]
pub(super) fn length(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    // Nearly all lengths take one or two bytes, and comparisons read them.
    let first = usize::from(*bytes.get(at)?);
    if first < 0x80 {
        return Some((first, at + 1));
    }
    let second = usize::from(*bytes.get(at + 1)?);
    if second < 0x80 { Some((first & 0x7f | second << 7, at + 2)) } else { long_length(bytes, at) }
}

#[cold]
fn long_length(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let mut length = 0;
    for (n, byte) in bytes.get(at..)?.iter().enumerate().take(9) {
        length |= usize::from(byte & 0x7f) << (7 * n);
        if *byte < 0x80 {
            return Some((length, at + n + 1));
        }
    }
    None
}

/// The first sixteen bytes of a key, padded with zeros: they order most keys as the keys themselves are ordered, and never
/// the other way round. Two numbers, since one of 128 bits would align an entry of the arena to 32 bytes.
pub(super) type Prefix = [u64; 2];

#[inline]
pub(super) fn prefix(key: &[u8]) -> Prefix {
    let mut bytes = [0; 16];
    match key.first_chunk::<16>() {
        Some(first) => bytes = *first,
        None => bytes[..key.len()].copy_from_slice(key),
    }
    let all = u128::from_be_bytes(bytes);
    [(all >> 64) as u64, all as u64]
}

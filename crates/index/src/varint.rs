//! Variable-length numbers (LEB128): seven bits a byte, the lowest first; the high bit is set on all bytes but the last.

/// Appends a number: one byte below 128, two below 16 384, ten at most.
pub fn put(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push((n as u8) | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Takes a number from the front of `bytes`; `None` when it is cut short or has more than ten bytes.
#[inline]
pub fn take(bytes: &mut &[u8]) -> Option<u64> {
    // Most numbers have one byte; block look-ups read hundreds of them.
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        *bytes = rest;
        return Some(first.into());
    }
    take_long(bytes)
}

fn take_long(bytes: &mut &[u8]) -> Option<u64> {
    let mut n = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        n |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(n);
        }
    }
    None
}

/// [`take`] for a length; `None` also when the length exceeds the address space.
#[inline]
pub fn take_length(bytes: &mut &[u8]) -> Option<usize> {
    usize::try_from(take(bytes)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_of_number_is_read_as_written() {
        for n in (0..64).flat_map(|bits| [1_u64 << bits, (1_u64 << bits) - 1]).chain([u64::MAX]) {
            let mut out = Vec::new();
            put(&mut out, n);
            assert_eq!(out.len(), (64 - n.leading_zeros()).div_ceil(7).max(1) as usize);
            let mut rest = out.as_slice();
            assert_eq!((take(&mut rest), rest.len()), (Some(n), 0));
            assert_eq!(take(&mut &out[..out.len() - 1]), None);
        }
        assert_eq!(take(&mut &[0xff; 11][..]), None);
    }
}

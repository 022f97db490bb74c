//! Names made of content: equal contents have equal names in every process and version.

/// A digest of 128 bits of `parts` and their lengths.
pub(crate) fn digest(parts: &[&[u8]]) -> (u64, u64) {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    let (mut halves, mut reader) = ([[0; 8]; 2], hasher.finalize_xof());
    halves.iter_mut().for_each(|half| reader.fill(half));
    (u64::from_be_bytes(halves[0]), u64::from_be_bytes(halves[1]))
}

/// A digest in the form of a UUID (RFC 9562, version 8).
pub(crate) fn uuid((a, b): (u64, u64)) -> String {
    let (first, second, third) = (a >> 32, (a >> 16) & 0xffff, a & 0xfff);
    format!("{first:08x}-{second:04x}-8{third:03x}-a{:03x}-{:012x}", b >> 52, b & 0xffff_ffff_ffff)
}

//! Bloom filter of the trigrams of a block.
//!
//! One bit for each three consecutive bytes of the texts of a block. A search for a part of a text skips a block when one of the
//! bits of the part is missing. A block of texts has about a thousand different trigrams, which set a quarter of the bits: one
//! block in a hundred is read in vain for a part of five letters.

use crate::key::KeyText;

/// Bytes of a filter: 4 096 bits.
pub const BLOOM: usize = 512;

/// Numbers of the bits of a text, or of a part of a text. A part shorter than three bytes has none and excludes no block.
pub fn bits(text: &[u8]) -> impl Iterator<Item = usize> {
    text.windows(3).map(|w| {
        let trigram = u32::from_le_bytes([w[0], w[1], w[2], 0]);
        // Multiplicative hashing: the high bits of the product depend on all the letters, and neighbours spread.
        (trigram.wrapping_mul(0x9e37_79b1) >> 20) as usize % (8 * BLOOM)
    })
}

/// Sets the bits of a text.
pub fn insert(filter: &mut [u8; BLOOM], text: &[u8]) {
    bits(text).for_each(|bit| filter[bit / 8] |= 1 << (bit % 8));
}

/// Adds the text of a key.
pub fn insert_key_text(filter: &mut [u8; BLOOM], text: KeyText<'_>) {
    match text {
        KeyText::Complete(text) => insert(filter, text),
        // The block lacks the rest of the text: it cannot exclude any part.
        KeyText::Truncated { .. } => filter.fill(0xff),
    }
}

/// Whether all `bits` are set.
pub fn contains_all(filter: &[u8], bits: &[usize]) -> bool {
    bits.iter().all(|bit| filter[bit / 8] & (1 << (bit % 8)) != 0)
}

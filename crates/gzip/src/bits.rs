//! Writes bits in the order of deflate: the first bit is the lowest of the first byte (RFC 1951 §3.1.1).

/// Bytes gathered on the stack before they are appended to the output.
const BUFFER: usize = 4_096;

/// Up to 32 bits, the first one lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bits {
    pub value: u32,
    pub len: u8,
}

impl Bits {
    pub(crate) const fn new(value: u32, len: u8) -> Self {
        Self { value, len }
    }

    /// These bits, followed by `len` bits of `value`.
    pub(crate) const fn then(self, value: u32, len: u8) -> Self {
        Self { value: self.value | value << self.len, len: self.len + len }
    }
}

/// The bits of a byte that is not complete; they wait for the next piece.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PendingBits {
    value: u64,
    len: u32,
}

/// Appends bits to `out`.
pub(crate) struct BitWriter<'a> {
    buffer: [u8; BUFFER],
    filled: usize,
    pending: PendingBits,
    out: &'a mut Vec<u8>,
}

impl<'a> BitWriter<'a> {
    /// Continues after the bits that an earlier writer left.
    pub(crate) fn resume(pending: PendingBits, out: &'a mut Vec<u8>) -> Self {
        Self { buffer: [0; BUFFER], filled: 0, pending, out }
    }

    /// Adds bits. The caller calls [`Self::flush_bytes`] before more than 64 bits are pending; after it, at most seven are.
    #[inline]
    pub(crate) fn push(&mut self, bits: Bits) {
        self.pending.value |= u64::from(bits.value) << self.pending.len;
        self.pending.len += u32::from(bits.len);
    }

    /// Bits pushed since the last complete byte was flushed.
    #[inline]
    pub(crate) fn pending_len(&self) -> u32 {
        self.pending.len
    }

    /// Moves complete bytes to the buffer. It always stores eight bytes, since a fixed size needs no branch, and advances by the
    /// complete ones.
    #[inline]
    pub(crate) fn flush_bytes(&mut self) {
        if let Some(free) = self.buffer.get_mut(self.filled..self.filled + 8) {
            free.copy_from_slice(&self.pending.value.to_le_bytes());
        }
        self.filled += (self.pending.len / 8) as usize;
        self.pending.value >>= self.pending.len / 8 * 8;
        self.pending.len %= 8;
        if self.filled > BUFFER - 8 {
            self.empty_buffer();
        }
    }

    /// Fills the last byte with zero bits.
    pub(crate) fn pad_to_byte(&mut self) {
        self.flush_bytes();
        self.pending.len = self.pending.len.next_multiple_of(8);
        self.flush_bytes();
    }

    /// Appends all complete bytes to the output, and returns the bits that are left.
    pub(crate) fn suspend(mut self) -> PendingBits {
        self.empty_buffer();
        self.pending
    }

    fn empty_buffer(&mut self) {
        self.out.extend_from_slice(&self.buffer[..self.filled]);
        self.filled = 0;
    }
}

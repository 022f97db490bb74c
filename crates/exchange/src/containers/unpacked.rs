//! What comes out of a compressed file, within limits.

use crate::limits;
use std::cell::Cell;
use std::io::{self, Read};

/// A reader of a decompressor: damage gets a message, and reading ends after `left` bytes, which several readers share.
pub(crate) struct Unpacked<'a, R> {
    inner: R,
    left: &'a Cell<u64>,
}

impl<'a, R: Read> Unpacked<'a, R> {
    /// Reads from `inner` until no bytes are left.
    pub(crate) fn new(inner: R, left: &'a Cell<u64>) -> Self {
        Self { inner, left }
    }
}

impl<R: Read> Read for Unpacked<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf).map_err(|e| match e.raw_os_error() {
            Some(_) => e,
            None => io::Error::other(format!("cut or damaged ({e}); download it again")),
        })?;
        match self.left.get().checked_sub(n as u64) {
            Some(left) => self.left.set(left),
            None => {
                return Err(io::Error::other(format!(
                    "it expands more than {} times, or beyond {} bytes: no national file does; unpack it first if it is right",
                    limits::EXPANSION,
                    limits::EXPANDED_BYTES
                )));
            }
        }
        Ok(n)
    }
}

/// Bytes that may come out of a compressed file of `len` bytes.
pub(crate) fn allowance(len: u64) -> u64 {
    len.saturating_mul(limits::EXPANSION).clamp(limits::EXPANSION_FLOOR, limits::EXPANDED_BYTES)
}

//! Blocks written by `zlib-rs`.

use zlib_rs::{Deflate, DeflateFlush, Status};

/// Fastest level that compresses.
const LEVEL: i32 = 1;
/// Binary logarithm of the window (RFC 1951 §2).
const WINDOW_BITS: u8 = 15;
/// Bytes by which the output grows when it is full.
const GROWTH: usize = 8 << 10;

/// A deflate stream without header and trailer.
pub(crate) struct ZlibStream(Deflate);

impl ZlibStream {
    /// Allocates window and tables.
    pub(crate) fn new() -> Self {
        Self(Deflate::new(LEVEL, false, WINDOW_BITS))
    }

    /// Appends what a piece becomes. Up to a block stays inside and leaves with a later piece.
    pub(crate) fn write(&mut self, mut piece: &[u8], out: &mut Vec<u8>) {
        while !piece.is_empty() {
            let (read, _) = self.step(piece, DeflateFlush::NoFlush, out);
            piece = &piece[read..];
        }
    }

    /// Appends the pending output and the end of the last block.
    pub(crate) fn finish(mut self, out: &mut Vec<u8>) {
        while self.step(&[], DeflateFlush::Finish, out).1 != Status::StreamEnd {}
    }

    /// One call of the library with room for its output: bytes read, and what the library answered.
    fn step(&mut self, input: &[u8], flush: DeflateFlush, out: &mut Vec<u8>) -> (usize, Status) {
        let (read_before, written_before, start) = (self.0.total_in(), self.0.total_out(), out.len());
        out.resize(start + GROWTH, 0);
        let status = self.0.compress(input, &mut out[start..], flush);
        // The library reports an error only for a state that it did not make, or for input after the end.
        let status = status.expect("only this file drives the stream, and it ends it once");
        out.truncate(start + (self.0.total_out() - written_before) as usize);
        ((self.0.total_in() - read_before) as usize, status)
    }
}

//! One answer on its way through a compressor: header, blocks, trailer.

use std::fmt;

use crate::GzipCoding;
use crate::bits::{BitWriter, Bits, PendingBits};
use crate::matching;
use crate::static_code::{END_OF_BLOCK, STATIC_CODE};
use crate::zlib::ZlibStream;

/// Member header (RFC 1952 §2.3.1): magic number, deflate, no flags, no time stamp, "fastest algorithm", unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff];

/// Compresses one answer. The [costs](crate#costs) list what an encoder holds between two pieces: bits of one byte under
/// [`GzipCoding::Annuaire`], window and tables under [`GzipCoding::Zlib`].
pub struct Encoder {
    checksum: crc32fast::Hasher,
    /// Length of the input modulo 2³².
    input_len: u32,
    header_written: bool,
    blocks: Blocks,
}

/// The compressor, and what it keeps between two pieces.
enum Blocks {
    Annuaire(PendingBits),
    // Boxed, so that an encoder without it stays small.
    Zlib(Box<ZlibStream>),
}

impl Encoder {
    /// An encoder for one answer.
    #[must_use]
    pub fn new(coding: GzipCoding) -> Self {
        let blocks = match coding {
            GzipCoding::Annuaire => Blocks::Annuaire(PendingBits::default()),
            GzipCoding::Zlib => Blocks::Zlib(Box::new(ZlibStream::new())),
        };
        Self { checksum: crc32fast::Hasher::new(), input_len: 0, header_written: false, blocks }
    }

    /// Compresses a complete answer.
    #[must_use]
    pub fn compress_all(mut self, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(body.len() / 8);
        self.write_piece(body, &mut out);
        self.finish(&mut out);
        out
    }

    /// Appends to `out` what the next piece of the answer becomes. Our own encoder holds back up to seven bits, `zlib-rs` up to
    /// a block.
    pub fn write_piece(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        self.checksum.update(piece);
        self.input_len = self.input_len.wrapping_add(piece.len() as u32);
        self.write_header(out);
        match &mut self.blocks {
            Blocks::Annuaire(pending) => {
                let mut writer = BitWriter::resume(*pending, out);
                matching::compress(piece, &mut writer);
                *pending = writer.suspend();
            }
            Blocks::Zlib(stream) => stream.write(piece, out),
        }
    }

    /// Appends the end of the answer: pending bits or blocks, the end of the last block, the trailer.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.write_header(out);
        match self.blocks {
            Blocks::Annuaire(pending) => {
                let mut writer = BitWriter::resume(pending, out);
                writer.push(STATIC_CODE.literals[END_OF_BLOCK]);
                // The header of that block was written before anybody knew that it is the last one. Hence an empty block follows,
                // marked as the last: fixed Huffman code, end of block in seven zero bits (RFC 1951 §3.2.6).
                writer.push(Bits::new(0b011, 3));
                writer.push(Bits::new(0, 7));
                writer.pad_to_byte();
                writer.suspend();
            }
            Blocks::Zlib(stream) => stream.finish(out),
        }
        out.extend(self.checksum.finalize().to_le_bytes());
        out.extend(self.input_len.to_le_bytes());
    }

    /// Appends the member header and the header of the one block, if that was not done yet.
    fn write_header(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.header_written, true) {
            return;
        }
        out.extend(HEADER);
        if let Blocks::Annuaire(pending) = &mut self.blocks {
            let mut writer = BitWriter::resume(*pending, out);
            for bits in &STATIC_CODE.block_header {
                writer.push(*bits);
                writer.flush_bytes();
            }
            *pending = writer.suspend();
        }
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let coding = match self.blocks {
            Blocks::Annuaire(_) => GzipCoding::Annuaire,
            Blocks::Zlib(_) => GzipCoding::Zlib,
        };
        f.debug_struct("Encoder").field("coding", &coding).field("input_len", &self.input_len).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

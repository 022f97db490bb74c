//! A file of the tree as it is read: its stored bytes, or its lines from any byte on.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use crate::state::PublishedFile;

/// A file of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    pub(crate) path: PathBuf,
    /// SHA-256 of its lines, in hexadecimal.
    pub sha256: String,
    /// Sizes and digest of what is stored.
    pub file: PublishedFile,
}

impl StoredFile {
    /// Opens the stored bytes, one zstd frame. An open file stays readable when its name goes.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(&self) -> io::Result<File> {
        File::open(&self.path)
    }

    /// Opens its lines from a byte on. Cost: decompressing what comes before, some tens of milliseconds at most.
    ///
    /// # Errors
    /// When it cannot be opened or decompressed.
    pub fn open_decoded(&self, from: u64) -> io::Result<DecodedLines> {
        let mut decoder = zstd::stream::read::Decoder::new(self.open()?)?;
        let skipped = io::copy(&mut Read::take(&mut decoder, from), &mut io::sink())?;
        if skipped < from {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(DecodedLines { decoder })
    }

    /// SHA-256 of the lines.
    #[must_use]
    pub fn decoded_digest(&self) -> Option<[u8; 32]> {
        digest(&self.sha256)
    }

    /// SHA-256 of the stored bytes.
    #[must_use]
    pub fn encoded_digest(&self) -> Option<[u8; 32]> {
        digest(&self.file.encoded_sha256)
    }
}

fn digest(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if hex.len() != 64 {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// The lines of a file, decompressed as they are read.
pub struct DecodedLines {
    decoder: zstd::stream::read::Decoder<'static, io::BufReader<File>>,
}

impl Read for DecodedLines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(buffer)
    }
}

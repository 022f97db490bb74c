//! The digest of the content of a file, taken while it is read.

use std::io::{self, BufRead, Read};
use xxhash_rust::xxh3::Xxh3;

/// A reader that digests the bytes that pass through it.
pub(crate) struct DigestingReader<'a> {
    inner: &'a mut dyn BufRead,
    hash: Xxh3,
}

impl<'a> DigestingReader<'a> {
    pub(crate) fn new(inner: &'a mut dyn BufRead) -> Self {
        Self { inner, hash: Xxh3::new() }
    }

    /// Reads to the end, which finds a cut archive too; XXH3-128 of all bytes, in hexadecimal.
    pub(crate) fn finish(mut self) -> io::Result<String> {
        loop {
            let n = self.fill_buf()?.len();
            if n == 0 {
                return Ok(format!("{:032x}", self.hash.digest128()));
            }
            self.consume(n);
        }
    }
}

impl Read for DigestingReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = {
            let buffer = self.fill_buf()?;
            let n = buffer.len().min(out.len());
            out[..n].copy_from_slice(&buffer[..n]);
            n
        };
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for DigestingReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        // The buffer is still filled: `fill_buf` reads nothing here.
        if let Ok(buffer) = self.inner.fill_buf() {
            self.hash.update(&buffer[..n.min(buffer.len())]);
        }
        self.inner.consume(n);
    }
}

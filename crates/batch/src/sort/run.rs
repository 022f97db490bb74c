//! A run on disk: sorted records, each key without the bytes that it shares with the key before it.

use super::record::{length, put_length};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::ops::Range;
use std::path::Path;

/// Bytes that are written or read at a time. A longer record is read whole.
pub(super) const CHUNK: usize = 1 << 20;

/// Writes a run.
pub(super) struct RunWriter {
    out: BufWriter<File>,
    /// Lengths of one record.
    head: Vec<u8>,
}

impl RunWriter {
    /// The file has no name and vanishes with the program.
    pub(super) fn create(dir: Option<&Path>) -> io::Result<Self> {
        let file = match dir {
            Some(dir) => tempfile::tempfile_in(dir)?,
            None => tempfile::tempfile()?,
        };
        Ok(Self { out: BufWriter::with_capacity(CHUNK, file), head: Vec::new() })
    }

    /// Writes a record that follows one whose key is `last`.
    pub(super) fn write(&mut self, last: &[u8], key: &[u8], value: &[u8]) -> io::Result<()> {
        let shared = shared_bytes(last, key);
        self.head.clear();
        put_length(&mut self.head, shared);
        put_length(&mut self.head, key.len() - shared);
        put_length(&mut self.head, value.len());
        self.out.write_all(&self.head)?;
        self.out.write_all(&key[shared..])?;
        self.out.write_all(value)
    }

    /// The file, at its beginning.
    pub(super) fn finish(self) -> io::Result<File> {
        let mut file = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(file)
    }
}

/// Number of bytes that two keys have in common at their beginning.
fn shared_bytes(a: &[u8], b: &[u8]) -> usize {
    // Eight bytes at a time: neighbours in a run share most of their key.
    let mut shared = 0;
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        if a != b {
            break;
        }
        shared += 8;
    }
    shared + a[shared..].iter().zip(&b[shared..]).take_while(|(a, b)| a == b).count()
}

/// Reads a run record by record.
pub(super) struct RunReader {
    file: File,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are filled.
    filled: usize,
    /// The key of the current record.
    key: Vec<u8>,
    /// Where its value is in the buffer.
    value: Range<usize>,
}

impl RunReader {
    pub(super) fn new(file: File) -> Self {
        Self { file, buffer: vec![0; CHUNK], filled: 0, key: Vec::new(), value: 0..0 }
    }

    /// Goes back to the beginning of the run.
    pub(super) fn rewind(&mut self) -> io::Result<()> {
        self.file.rewind()?;
        self.filled = 0;
        self.key.clear();
        self.value = 0..0;
        Ok(())
    }

    /// Key and value of the current record.
    pub(super) fn record(&self) -> (&[u8], &[u8]) {
        (&self.key, &self.buffer[self.value.clone()])
    }

    /// Goes to the next record; false at the end.
    pub(super) fn advance(&mut self) -> io::Result<bool> {
        let mut at = self.value.end;
        loop {
            if let Some((shared, rest, value)) = parse(&self.buffer[..self.filled], at) {
                self.key.truncate(shared);
                if self.key.len() < shared {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "a sorted run is damaged"));
                }
                self.key.extend_from_slice(&self.buffer[rest]);
                self.value = value;
                return Ok(true);
            }
            self.buffer.copy_within(at..self.filled, 0);
            self.filled -= at;
            at = 0;
            if self.filled == self.buffer.len() {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
            let n = self.file.read(&mut self.buffer[self.filled..])?;
            self.filled += n;
            if n == 0 {
                self.value = 0..0;
                return if self.filled == 0 { Ok(false) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        }
    }
}

/// Bytes shared with the key before it, place of the rest of the key and place of the value of the record at `at`; `None` when
/// it is cut.
#[inline]
fn parse(bytes: &[u8], at: usize) -> Option<(usize, Range<usize>, Range<usize>)> {
    let (shared, at) = length(bytes, at)?;
    let (rest, at) = length(bytes, at)?;
    let (value, at) = length(bytes, at)?;
    let value_at = at.checked_add(rest)?;
    let end = value_at.checked_add(value)?;
    (end <= bytes.len()).then_some((shared, at..value_at, value_at..end))
}

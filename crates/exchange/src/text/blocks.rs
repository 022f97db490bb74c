//! A text file cut into blocks of whole lines, each of which any thread can read.

use super::decode::{EncodingEvidence, TextEncoding};
use super::split::ends_inside_quotes;
use crate::error::{Error, refused};
use crate::limits;
use std::io::{self, BufRead, Read};

/// Adds one line with its end to `out`; the number of bytes read, zero at the end of the file.
pub(crate) fn next_line(reader: &mut dyn BufRead, out: &mut Vec<u8>) -> io::Result<usize> {
    let n = Read::take(&mut *reader, limits::LINE_BYTES).read_until(b'\n', out)?;
    if n as u64 == limits::LINE_BYTES {
        return Err(io::Error::other(format!("line longer than {} bytes", limits::LINE_BYTES)));
    }
    Ok(n)
}

/// A line without its end.
pub(crate) fn without_end(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., b'\n' | b'\r'] = line {
        line = rest;
    }
    line
}

/// Whole lines.
pub(super) struct LineBlock {
    /// Number of the first one.
    pub(super) first: u64,
    /// The encoding of the file, as far as the lines up to here show it.
    pub(super) encoding: TextEncoding,
    bytes: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
}

impl LineBlock {
    /// Number of lines.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A line without its end.
    pub(super) fn line(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        without_end(&self.bytes[start..self.ends[at]])
    }
}

/// Cuts a file into blocks.
pub(super) struct BlockCutter<'a> {
    name: &'a str,
    reader: &'a mut dyn BufRead,
    /// Number of the last line that was cut.
    number: u64,
    /// A line that was read to recognise the file and comes first.
    ahead: Vec<u8>,
    /// Fields of a line when quoted ones may hold line ends; zero when they may not.
    quoted_fields: usize,
    /// A quoted field is open at the end of the last line.
    open: bool,
    /// The last line read ends with a line end.
    ended: bool,
    failure: Option<io::Error>,
    evidence: EncodingEvidence,
}

impl<'a> BlockCutter<'a> {
    /// Cuts the lines after the header. `ahead` is a line that was read already, empty when there is none; `ended` is true when
    /// the last line read so far ends with a line end.
    pub(super) fn new(
        name: &'a str,
        reader: &'a mut dyn BufRead,
        ahead: Vec<u8>,
        quoted_fields: usize,
        ended: bool,
        evidence: EncodingEvidence,
    ) -> Self {
        Self { name, reader, number: 1, ahead, quoted_fields, open: false, ended, failure: None, evidence }
    }

    /// Whether the file ends with a line end.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// The next block; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read, after the blocks before, or has too many lines.
    pub(super) fn next(&mut self) -> Result<Option<LineBlock>, Error> {
        let bytes = Vec::with_capacity(limits::BLOCK_BYTES * 5 / 4);
        let mut block = LineBlock { first: self.number + 1, encoding: TextEncoding::Unknown, bytes, ends: Vec::new() };
        // Lines read before a failure are handed out first: they may hold a reason to refuse the file.
        let mut more = true;
        while self.failure.is_none() && more && block.bytes.len() < limits::BLOCK_BYTES {
            more = self.add_line(&mut block);
        }
        // A block does not end inside a quoted field, unless that field is never closed.
        let mut extra = 0;
        while self.open && self.failure.is_none() && more && extra < limits::JOINED_LINES {
            more = self.add_line(&mut block);
            extra += 1;
        }
        self.open = false;
        if !block.ends.is_empty() {
            self.number += block.ends.len() as u64;
            if self.number > limits::LINES {
                return Err(refused(self.name, format!("more than {} lines: no national file has as many", limits::LINES)));
            }
            self.evidence.observe(&block.bytes);
            block.encoding = self.evidence.encoding();
            return Ok(Some(block));
        }
        match self.failure.take() {
            Some(source) => Err(Error::Io { file: self.name.to_owned(), source }),
            None => Ok(None),
        }
    }

    /// Adds the next line to the block; false when there is none.
    fn add_line(&mut self, block: &mut LineBlock) -> bool {
        let added = self.read_line(block);
        if self.quoted_fields > 0 && added {
            let line = block.line(block.ends.len() - 1);
            // A line with all its fields is a line of its own, whatever came before it.
            let complete = || line.iter().filter(|b| **b == b';').count() + 1 >= self.quoted_fields;
            self.open = if ends_inside_quotes(line) { !self.open } else { self.open && !complete() };
        }
        added
    }

    fn read_line(&mut self, block: &mut LineBlock) -> bool {
        if !self.ahead.is_empty() {
            block.bytes.append(&mut self.ahead);
            block.ends.push(block.bytes.len());
            return true;
        }
        match next_line(self.reader, &mut block.bytes) {
            Ok(0) => false,
            Ok(_) => {
                self.ended = block.bytes.ends_with(b"\n") || block.bytes.ends_with(b"\r");
                block.ends.push(block.bytes.len());
                true
            }
            Err(e) => {
                self.failure = Some(e);
                false
            }
        }
    }
}

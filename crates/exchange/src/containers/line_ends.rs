//! Ends of lines: LF, CR LF and CR alone, mixed or not.

use std::io::{self, BufRead, Read};

/// A reader that gives every line end as LF or CR LF: a CR alone becomes LF. In a semicolon file, a CR between quotes stays
/// as it is. Nothing is copied: only the places of CR are looked for.
pub(crate) struct LineEnds<'a> {
    inner: &'a mut dyn BufRead,
    /// Bytes of the inner buffer that can be given as they are.
    clean: usize,
    /// An end of line to be given before the inner buffer.
    end: bool,
    /// Whether quotes enclose fields; `None` before the first line was seen.
    quoting: Option<bool>,
    /// The part of the current line that was given has an odd number of quotes.
    open: bool,
}

impl<'a> LineEnds<'a> {
    pub(crate) fn new(inner: &'a mut dyn BufRead) -> Self {
        Self { inner, clean: 0, end: false, quoting: None, open: false }
    }

    /// Number of bytes at the beginning of `chunk` without a CR that must change.
    fn look(&mut self, chunk_len: usize) -> io::Result<usize> {
        let chunk = self.inner.fill_buf()?;
        let chunk = &chunk[..chunk_len.min(chunk.len())];
        let quoting = *self.quoting.get_or_insert_with(|| {
            // The first line decides: files with `|` do not quote, and a JSON document has no lines.
            let line = chunk.split(|b| matches!(b, b'\n' | b'\r')).next().unwrap_or_default();
            line.contains(&b';') && !line.contains(&b'|') && !line.starts_with(b"{") && !line.starts_with(b"finess;")
        });
        let quotes = |part: &[u8]| part.iter().filter(|b| **b == b'"').count() % 2 == 1;
        let (mut from, mut start, mut open) = (0, 0, self.open);
        let end = loop {
            // Most files have none: `contains` looks at many bytes at a time.
            if !chunk[from..].contains(&b'\r') {
                break chunk.len();
            }
            let Some(at) = chunk[from..].iter().position(|b| *b == b'\r').map(|n| from + n) else { break chunk.len() };
            if chunk.get(at + 1) == Some(&b'\n') {
                from = at + 2;
                continue;
            }
            if !quoting {
                break at;
            }
            if let Some(line) = chunk[start..at].iter().rposition(|b| *b == b'\n') {
                (start, open) = (start + line + 1, false);
            }
            if !(open ^ quotes(&chunk[start..at])) {
                break at;
            }
            // It stays between quotes, and at the end of the chunk.
            from = at + 1;
        };
        if quoting {
            if let Some(line) = chunk[start..end].iter().rposition(|b| *b == b'\n') {
                (start, open) = (start + line + 1, false);
            }
            self.open = open ^ quotes(&chunk[start..end]);
        }
        Ok(end)
    }
}

impl Read for LineEnds<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let chunk = self.fill_buf()?;
        let n = chunk.len().min(buf.len());
        buf[..n].copy_from_slice(&chunk[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for LineEnds<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.clean == 0 && !self.end {
            let len = self.inner.fill_buf()?.len();
            if len == 0 {
                return Ok(&[]);
            }
            self.clean = self.look(len)?;
            if self.clean == 0 {
                // A CR first: it ends a line, with the LF that may come after it.
                self.inner.consume(1);
                if self.inner.fill_buf()?.first() != Some(&b'\n') {
                    self.end = true;
                    self.open = false;
                }
            }
        }
        if self.end {
            return Ok(b"\n");
        }
        Ok(&self.inner.fill_buf()?[..self.clean])
    }

    fn consume(&mut self, n: usize) {
        if self.end && n > 0 {
            self.end = false;
            return;
        }
        self.clean -= n;
        self.inner.consume(n);
    }
}

#[cfg(test)]
mod tests {
    use super::LineEnds;
    use std::io::{BufRead, BufReader};

    fn lines(text: &str, chunk: usize) -> Vec<String> {
        let mut inner = BufReader::with_capacity(chunk, text.as_bytes());
        let mut reader = LineEnds::new(&mut inner);
        let (mut out, mut line) = (Vec::new(), Vec::new());
        while reader.read_until(b'\n', &mut line).unwrap() > 0 {
            out.push(String::from_utf8(std::mem::take(&mut line)).unwrap().trim_end_matches(['\n', '\r']).to_owned());
            // A line that ends in LF only or CR LF only, never in CR.
        }
        out
    }

    #[test]
    fn every_end_of_line_works_alone_and_mixed_whatever_the_chunks() {
        for text in ["a|b\nc|d\n\ne", "a|b\r\nc|d\r\n\r\ne", "a|b\rc|d\r\re", "a|b\nc|d\r\n\re", "a|b\rc|d\n\r\ne\r"] {
            for chunk in 1..12 {
                assert_eq!(lines(text, chunk), ["a|b", "c|d", "", "e"], "{text:?} by {chunk}");
            }
        }
    }

    #[test]
    fn a_carriage_return_between_quotes_does_not_cut() {
        // The first chunk must hold the first separator, which decides what quotes mean.
        for chunk in 4..40 {
            assert_eq!(
                lines("a;b\r\"x\ry\";2\r\"\"\"\r\";3\rz;4", chunk),
                ["a;b", "\"x\ry\";2", "\"\"\"\r\";3", "z;4"],
                "{chunk}"
            );
        }
        assert_eq!(lines("a|b\r1|5\"\r2|6", 64), ["a|b", "1|5\"", "2|6"], "inches in a file that does not quote");
    }
}

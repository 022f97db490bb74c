//! Large JSON documents, record by record: the elements of a few well-known arrays are handed out one at a time, so that
//! a document of any size is read in the memory of its largest record, and a bad record does not stop the rest.
//!
//! `serde_json::StreamDeserializer` reads whole root values only: it cannot hand out the elements of an array inside one, and
//! it cannot go on after an element that is damaged. Messages need the number of the line, which it does not have either.

use crate::limits;
use std::io::{self, BufRead};

/// Members of a root object whose elements are records: FINESS+ and FHIR Bundle.
const STREAMED: [&str; 4] = ["pmej", "gcc", "gco", "entry"];

/// One record: its bytes are in the caller's buffer.
pub(crate) struct JsonRecord {
    /// Name of the array it comes from; empty for a root object, which then lacks its streamed arrays.
    pub(crate) member: String,
    /// Line on which it begins, from 1.
    pub(crate) line: u64,
}

enum SplitState {
    /// Between root values.
    Outside,
    /// In a root object, before a key.
    Root,
    /// In a streamed array of a root object.
    Stream(String),
}

/// Splits a document into records.
pub(crate) struct JsonRecords<'a> {
    input: &'a mut dyn BufRead,
    state: SplitState,
    root: Vec<u8>,
    root_line: u64,
    roots: u64,
    line: u64,
}

fn damaged(line: u64, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("line {line}: {what}"))
}

impl<'a> JsonRecords<'a> {
    pub(crate) fn new(input: &'a mut dyn BufRead) -> Self {
        Self { input, state: SplitState::Outside, root: Vec::new(), root_line: 1, roots: 0, line: 1 }
    }

    /// The root object of the last record: its number in the document, and its members so far, as they are written, without
    /// the arrays that are handed out.
    pub(crate) fn root(&self) -> (u64, &[u8]) {
        (self.roots, &self.root)
    }

    /// The next byte that is not white space, left unread.
    fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let skip = chunk.iter().take_while(|b| b.is_ascii_whitespace()).count();
            let found = chunk.get(skip).copied();
            self.line += chunk[..skip].iter().filter(|b| **b == b'\n').count() as u64;
            self.input.consume(skip);
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    fn expect(&mut self, byte: u8) -> io::Result<()> {
        match self.peek()? {
            Some(b) if b == byte => {
                self.input.consume(1);
                Ok(())
            }
            Some(b) => Err(damaged(self.line, &format!("{:?} where {:?} is expected", char::from(b), char::from(byte)))),
            None => Err(damaged(self.line, "the document is cut; download it again")),
        }
    }

    /// Refuses a record that is too large.
    fn check_size(&self, bytes: usize, objects: usize) -> io::Result<()> {
        let (max, many) = (limits::RECORD_BYTES, limits::RECORD_OBJECTS);
        if bytes > max || objects > many {
            let what = format!("a record is larger than {max} bytes or {many} objects; no national file has one: is it damaged?");
            return Err(damaged(self.line, &what));
        }
        Ok(())
    }

    /// Appends one JSON value to `out`. Only its extent is checked: the caller parses it.
    fn value(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let Some(first) = self.peek()? else { return Err(damaged(self.line, "the document is cut; download it again")) };
        let start = out.len();
        let (mut depth, mut string, mut escape) = (0_usize, false, false);
        let mut objects = 0_usize;
        loop {
            let line = self.line;
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                return if matches!(first, b'{' | b'[' | b'"') {
                    Err(damaged(line, "the document is cut; download it again"))
                } else {
                    Ok(())
                };
            }
            let mut end = None;
            for (i, b) in chunk.iter().enumerate() {
                if string {
                    match b {
                        _ if escape => escape = false,
                        b'\\' => escape = true,
                        b'"' => {
                            string = false;
                            if depth == 0 {
                                end = Some(i + 1);
                                break;
                            }
                        }
                        _ => {}
                    }
                    continue;
                }
                match b {
                    b'"' => string = true,
                    b'{' | b'[' => {
                        depth += 1;
                        objects += 1;
                    }
                    b'}' | b']' if depth > 0 => {
                        depth -= 1;
                        if depth == 0 {
                            end = Some(i + 1);
                            break;
                        }
                    }
                    b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => {
                        end = Some(i);
                        break;
                    }
                    _ => {}
                }
            }
            let used = end.unwrap_or(chunk.len());
            out.extend_from_slice(&chunk[..used]);
            self.line += chunk[..used].iter().filter(|b| **b == b'\n').count() as u64;
            self.input.consume(used);
            self.check_size(out.len() - start, objects)?;
            if end.is_some() {
                return if out.len() > start { Ok(()) } else { Err(damaged(self.line, "a value is missing")) };
            }
        }
    }

    /// The next record, its bytes in `out`; `None` at the end.
    pub(crate) fn next(&mut self, out: &mut Vec<u8>) -> io::Result<Option<JsonRecord>> {
        out.clear();
        loop {
            match &self.state {
                SplitState::Outside => {
                    let Some(first) = self.peek()? else { return Ok(None) };
                    if first != b'{' {
                        return Err(damaged(self.line, "a JSON object is expected"));
                    }
                    self.input.consume(1);
                    self.root.clear();
                    self.root.push(b'{');
                    self.root_line = self.line;
                    self.roots += 1;
                    self.state = SplitState::Root;
                }
                SplitState::Root => {
                    if self.peek()? == Some(b',') {
                        self.input.consume(1);
                    }
                    if self.peek()? == Some(b'}') {
                        self.input.consume(1);
                        self.state = SplitState::Outside;
                        self.root.push(b'}');
                        std::mem::swap(out, &mut self.root);
                        return Ok(Some(JsonRecord { member: String::new(), line: self.root_line }));
                    }
                    if self.peek()? != Some(b'"') {
                        return Err(damaged(self.line, "a member name is expected; is the document cut? download it again"));
                    }
                    let mut name = Vec::new();
                    self.value(&mut name)?;
                    self.expect(b':')?;
                    let bare = str::from_utf8(&name).unwrap_or_default().trim_matches('"').to_owned();
                    if STREAMED.contains(&bare.as_str()) && self.peek()? == Some(b'[') {
                        self.input.consume(1);
                        self.state = SplitState::Stream(bare);
                        continue;
                    }
                    if self.root.len() > 1 {
                        self.root.push(b',');
                    }
                    self.root.extend_from_slice(&name);
                    self.root.push(b':');
                    let mut root = std::mem::take(&mut self.root);
                    self.value(&mut root)?;
                    self.root = root;
                    self.check_size(self.root.len(), 0)?;
                }
                SplitState::Stream(member) => {
                    let member = member.clone();
                    if self.peek()? == Some(b',') {
                        self.input.consume(1);
                    }
                    if self.peek()? == Some(b']') {
                        self.input.consume(1);
                        self.state = SplitState::Root;
                        continue;
                    }
                    self.peek()?;
                    let line = self.line;
                    self.value(out)?;
                    return Ok(Some(JsonRecord { member, line }));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::JsonRecords;

    fn all(text: &str) -> std::io::Result<Vec<(String, u64, String)>> {
        // Three bytes at a time, so that every token is cut somewhere.
        let mut reader = std::io::BufReader::with_capacity(3, text.as_bytes());
        let mut records = JsonRecords::new(&mut reader);
        let (mut buffer, mut out) = (Vec::new(), Vec::new());
        while let Some(r) = records.next(&mut buffer)? {
            out.push((r.member, r.line, String::from_utf8(buffer.clone()).unwrap()));
        }
        Ok(out)
    }

    #[test]
    fn arrays_stream_in_any_order_and_the_root_follows() {
        let got = all("{\"v\": \"1]}\",\n \"gcc\":[{\"a\":\"\\\"]\"}],\n\"pmej\" : [ {\"b\":[1,{}]},\n {} ], \"n\": 3}").unwrap();
        let want = [
            ("gcc", 2, "{\"a\":\"\\\"]\"}"),
            ("pmej", 3, "{\"b\":[1,{}]}"),
            ("pmej", 4, "{}"),
            ("", 1, "{\"v\":\"1]}\",\"n\":3}"),
        ];
        assert_eq!(got, want.map(|(m, l, t)| (m.to_owned(), l, t.to_owned())));
    }

    #[test]
    fn lines_of_objects_are_records_and_a_cut_document_is_an_error() {
        assert_eq!(all("{\"a\":1}\n{\"a\":2}\n").unwrap().len(), 2);
        for cut in ["{\"pmej\":[{\"a\":1},{\"b\":", "{\"pmej\":[{}]", "{\"a\":\"x", "[1]", "{\"a\":}", "{"] {
            assert!(all(cut).is_err(), "{cut}");
        }
    }

    #[test]
    fn a_record_without_end_is_refused_before_it_fills_the_memory() {
        let wide = format!("{{\"pmej\":[{{\"ege\":[{}{{}}]}}]}}", "{},".repeat(300_000));
        assert!(all(&wide).unwrap_err().to_string().contains("objects"));
        let endless = format!("{{\"pmej\":[\"{}", "x".repeat(20 << 20));
        let mut reader = endless.as_bytes();
        let error = JsonRecords::new(&mut reader).next(&mut Vec::new()).err().unwrap().to_string();
        assert!(error.contains("larger than") || error.contains("cut"), "{error}");
    }
}

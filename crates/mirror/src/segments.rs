//! A sorted list of lines in immutable files, of which a change writes only those that it touches.
//!
//! Lines have keys, in ascending order through all files; each file holds the keys from its first to the first of the next one.
//! [`Rewriter`] goes through changes in the order of their keys: files between them keep their names, the others are copied line by
//! line into new ones. Whoever lists the files decides which stand, so a rewrite that is given up leaves nothing but files
//! that nobody lists. Cost: memory for one line; reading and writing of the files touched.

use crate::error::{Error, Result, file_error};
use crate::limits;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// One file of a sorted list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Name of the file in its directory. It never gets other content.
    pub name: String,
    /// Key of its first line.
    pub first: String,
    /// Lines.
    pub count: u64,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// What kind of lines a list holds.
#[derive(Clone, Copy)]
pub(crate) struct LineForm {
    /// The key of a line without its end.
    pub(crate) key_of: fn(&[u8]) -> Option<String>,
    /// Ending of the names of files.
    pub(crate) extension: &'static str,
    /// Bytes of one file.
    pub(crate) target: u64,
}

/// What happens to a line that a rewrite passes without a change of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passed {
    Keep,
    Drop,
}

/// Applies changes to a sorted list.
pub(crate) struct Rewriter {
    dir: PathBuf,
    /// Beginning of the names of new files; no earlier rewrite may have used it.
    stem: String,
    form: LineForm,
    /// Every file is read, so that every line is passed.
    everything: bool,
    old: VecDeque<Segment>,
    by_digest: BTreeMap<String, Segment>,
    reader: Option<SegmentReader>,
    writer: Option<SegmentWriter>,
    new: Vec<Segment>,
    made: u32,
}

impl Rewriter {
    /// Begins a rewrite of `old` in `dir`.
    pub(crate) fn new(dir: &Path, stem: String, form: LineForm, everything: bool, old: &[Segment]) -> Self {
        let by_digest = old.iter().map(|s| (s.sha256.clone(), s.clone())).collect();
        let (dir, old) = (dir.to_owned(), old.iter().cloned().collect());
        Self { dir, stem, form, everything, old, by_digest, reader: None, writer: None, new: Vec::new(), made: 0 }
    }

    /// Goes to a key, which must be larger than all before: keeps or drops the lines on the way, and takes the line of this key out.
    ///
    /// # Errors
    /// When a file cannot be read or written, or is not what it was.
    pub(crate) fn seek(&mut self, key: &str, passed: &mut dyn FnMut(&str, &[u8]) -> Result<Passed>) -> Result<Option<Vec<u8>>> {
        loop {
            if let Some(mut reader) = self.reader.take() {
                let ended = loop {
                    match reader.key() {
                        Some(there) if there < key => {
                            if passed(there, reader.line())? == Passed::Keep {
                                let there = there.to_owned();
                                self.put_line(&there, reader.line())?;
                            }
                            reader.advance()?;
                        }
                        Some(there) => {
                            let line = if there == key { Some(reader.line().to_vec()) } else { None };
                            if line.is_some() {
                                reader.advance()?;
                            }
                            self.reader = Some(reader);
                            return Ok(line);
                        }
                        None => break true,
                    }
                };
                debug_assert!(ended);
            }
            let Some(segment) = self.old.front() else { return Ok(None) };
            let in_next = self.old.get(1).is_some_and(|next| next.first.as_str() <= key);
            let small = self.writer.as_ref().is_some_and(|w| w.bytes < self.form.target / 4);
            let before = segment.first.as_str() > key;
            if !self.everything && before && self.writer.is_some() {
                return Ok(None);
            }
            if self.everything || before || !in_next || small {
                self.open_next()?;
            } else {
                self.keep_next()?;
            }
        }
    }

    /// Writes a line with a key, which is that of the last [`Rewriter::seek`].
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn put(&mut self, key: &str, line: &[u8]) -> Result<()> {
        self.put_line(key, line)
    }

    /// Passes what is left; the files of the list as it is then, all of them durable.
    ///
    /// # Errors
    /// As [`Rewriter::seek`].
    pub(crate) fn finish(mut self, passed: &mut dyn FnMut(&str, &[u8]) -> Result<Passed>) -> Result<Vec<Segment>> {
        loop {
            if let Some(mut reader) = self.reader.take() {
                while let Some(there) = reader.key().map(str::to_owned) {
                    if passed(&there, reader.line())? == Passed::Keep {
                        self.put_line(&there, reader.line())?;
                    }
                    reader.advance()?;
                }
            }
            if self.old.is_empty() {
                break;
            }
            if self.everything { self.open_next()? } else { self.keep_next()? }
        }
        self.close()?;
        Ok(self.new)
    }

    /// Reads the next file.
    fn open_next(&mut self) -> Result<()> {
        if let Some(segment) = self.old.pop_front() {
            self.reader = Some(SegmentReader::open(&self.dir, &segment, self.form.key_of)?);
        }
        Ok(())
    }

    /// Keeps the next file as it is.
    fn keep_next(&mut self) -> Result<()> {
        self.close()?;
        self.new.extend(self.old.pop_front());
        Ok(())
    }

    fn put_line(&mut self, key: &str, line: &[u8]) -> Result<()> {
        // A file that grows is left in one piece up to twice its size, so that a split leaves no crumbs.
        let most = if self.everything { self.form.target } else { self.form.target * 2 };
        if self.writer.as_ref().is_some_and(|w| w.bytes >= most) {
            self.close()?;
        }
        if self.writer.is_none() {
            self.made += 1;
            let name = format!("{}-{:04}.{}", self.stem, self.made, self.form.extension);
            self.writer = Some(SegmentWriter::create(&self.dir, name, key)?);
        }
        self.writer.as_mut().map_or(Ok(()), |w| w.write(line))
    }

    fn close(&mut self) -> Result<()> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        let segment = writer.close()?;
        match self.by_digest.get(&segment.sha256) {
            Some(equal) => {
                crate::disk::remove_if_there(&self.dir.join(&segment.name))?;
                self.new.push(equal.clone());
            }
            None => self.new.push(segment),
        }
        Ok(())
    }
}

/// Reads all lines of a list in order.
///
/// # Errors
/// When a file cannot be read or is not what it was, or `take` fails.
pub(crate) fn read_all(
    dir: &Path,
    segments: &[Segment],
    form: LineForm,
    take: &mut dyn FnMut(&str, &[u8]) -> Result<()>,
) -> Result<()> {
    for segment in segments {
        let mut reader = SegmentReader::open(dir, segment, form.key_of)?;
        while let Some(key) = reader.key() {
            take(key, reader.line())?;
            reader.advance()?;
        }
    }
    Ok(())
}

/// Makes the names of new files durable.
pub(crate) fn sync_names(dir: &Path) -> Result<()> {
    crate::disk::sync_parent(&dir.join("x"))
}

struct SegmentReader {
    path: PathBuf,
    file: BufReader<File>,
    key_of: fn(&[u8]) -> Option<String>,
    line: Vec<u8>,
    key: Option<String>,
    hash: Sha256,
    wanted: String,
}

impl SegmentReader {
    fn open(dir: &Path, segment: &Segment, key_of: fn(&[u8]) -> Option<String>) -> Result<Self> {
        let path = dir.join(&segment.name);
        let file = BufReader::with_capacity(256 << 10, File::open(&path).map_err(file_error(&path))?);
        let (hash, wanted) = (Sha256::new(), segment.sha256.clone());
        let mut reader = Self { path, file, key_of, line: Vec::new(), key: None, hash, wanted };
        reader.advance()?;
        Ok(reader)
    }

    fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    fn line(&self) -> &[u8] {
        &self.line
    }

    fn advance(&mut self) -> Result<()> {
        self.line.clear();
        let most = limits::LINE_BYTES as u64;
        let read = Read::take(&mut self.file, most).read_until(b'\n', &mut self.line).map_err(file_error(&self.path))?;
        if read == 0 {
            self.key = None;
            let found = hex(&std::mem::take(&mut self.hash).finalize());
            return if found == self.wanted { Ok(()) } else { Err(self.damaged()) };
        }
        self.hash.update(&self.line);
        if self.line.pop() != Some(b'\n') {
            return Err(self.damaged());
        }
        let key = (self.key_of)(&self.line);
        if key.is_none() || key <= self.key {
            return Err(self.damaged());
        }
        self.key = key;
        Ok(())
    }

    fn damaged(&self) -> Error {
        let path = self.path.display();
        Error::State(format!(
            "{path}: the file is not what was written; nothing was changed. Remove the state of the mirror to have it copied anew"
        ))
    }
}

struct SegmentWriter {
    path: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
    name: String,
    first: String,
    count: u64,
    bytes: u64,
}

impl SegmentWriter {
    fn create(dir: &Path, name: String, first: &str) -> Result<Self> {
        let path = dir.join(&name);
        let file = BufWriter::with_capacity(256 << 10, File::create(&path).map_err(file_error(&path))?);
        Ok(Self { path, file, hash: Sha256::new(), name, first: first.to_owned(), count: 0, bytes: 0 })
    }

    fn write(&mut self, line: &[u8]) -> Result<()> {
        for part in [line, b"\n"] {
            self.hash.update(part);
            self.file.write_all(part).map_err(file_error(&self.path))?;
            self.bytes += part.len() as u64;
        }
        self.count += 1;
        Ok(())
    }

    fn close(self) -> Result<Segment> {
        let Self { path, file, hash, name, first, count, bytes } = self;
        let file = file.into_inner().map_err(|e| file_error(&path)(e.into_error()))?;
        file.sync_all().map_err(file_error(&path))?;
        Ok(Segment { name, first, count, bytes, sha256: hex(&hash.finalize()) })
    }
}

/// Hexadecimal digits of bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn key_of(line: &[u8]) -> Option<String> {
        str::from_utf8(line).ok()?.split('=').next().map(str::to_owned)
    }

    const FORM: LineForm = LineForm { key_of, extension: "txt", target: 40 };

    fn content(dir: &Path, segments: &[Segment]) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        read_all(dir, segments, FORM, &mut |key, line| {
            all.insert(key.to_owned(), String::from_utf8_lossy(line).into_owned());
            Ok(())
        })
        .unwrap();
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_rewrite_is_a_map_that_changes(rounds in prop::collection::vec(
            (any::<bool>(), prop::collection::btree_map("[a-e]{1,3}", prop::option::of("[0-9]{1,6}"), 0..20)), 1..6)) {
            let dir = tempfile::tempdir().unwrap();
            let (mut segments, mut model) = (Vec::new(), BTreeMap::<String, String>::new());
            for (round, (everything, changes)) in rounds.into_iter().enumerate() {
                let mut rewriter = Rewriter::new(dir.path(), format!("r{round}"), FORM, everything, &segments);
                for (key, value) in &changes {
                    let old = rewriter.seek(key, &mut |_, _| Ok(Passed::Keep)).unwrap();
                    let had = model.get(key).map(|v| format!("{key}={v}").into_bytes());
                    prop_assert_eq!(old, had);
                    match value {
                        Some(value) => {
                            rewriter.put(key, format!("{key}={value}").as_bytes()).unwrap();
                            model.insert(key.clone(), value.clone());
                        }
                        None => _ = model.remove(key),
                    }
                }
                segments = rewriter.finish(&mut |_, _| Ok(Passed::Keep)).unwrap();
                let wanted: BTreeMap<String, String> = model.iter().map(|(k, v)| (k.clone(), format!("{k}={v}"))).collect();
                prop_assert_eq!(content(dir.path(), &segments), wanted);
                prop_assert_eq!(segments.iter().map(|s| s.count).sum::<u64>(), model.len() as u64);
                prop_assert!(segments.windows(2).all(|w| w[0].first < w[1].first));
            }
        }
    }

    #[test]
    fn files_that_a_change_does_not_touch_stay_and_damage_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let mut rewriter = Rewriter::new(dir.path(), "a".into(), FORM, true, &[]);
        for n in 100..160 {
            let key = format!("{n}");
            assert_eq!(rewriter.seek(&key, &mut |_, _| Ok(Passed::Keep)).unwrap(), None);
            rewriter.put(&key, format!("{key}=xxxx").as_bytes()).unwrap();
        }
        let first = rewriter.finish(&mut |_, _| Ok(Passed::Keep)).unwrap();
        assert!(first.len() > 5);
        let mut rewriter = Rewriter::new(dir.path(), "b".into(), FORM, false, &first);
        assert!(rewriter.seek("130", &mut |_, _| Ok(Passed::Keep)).unwrap().is_some());
        rewriter.put("130", b"130=y").unwrap();
        let second = rewriter.finish(&mut |_, _| Ok(Passed::Keep)).unwrap();
        assert_eq!(second.iter().filter(|s| !first.contains(s)).count(), 1);
        std::fs::write(dir.path().join(&second[0].name), "100=zzzz\n").unwrap();
        let error = read_all(dir.path(), &second, FORM, &mut |_, _| Ok(())).unwrap_err();
        assert!(error.to_string().contains("not what was written"), "{error}");
    }
}

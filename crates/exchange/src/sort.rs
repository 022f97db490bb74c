//! External merge sort: groups the pieces of all files of a call by source and entity, in bounded memory.
//!
//! One arena holds records as they are written to disk, and entries with the first bytes of each key are what is sorted. A
//! full arena is sorted and spilled by a thread of its own while the next one fills.

use crate::limits;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

/// Length of a key and of a value, before them.
const HEAD: usize = 8;

/// Bytes read from a run at a time; a longer record is read whole.
const CHUNK: usize = 1 << 20;

/// Records one after the other: lengths, key, value.
#[derive(Default)]
pub(crate) struct Records(Vec<u8>);

impl Records {
    /// Adds a record. The key is a source, as one byte, and an entity.
    pub(crate) fn push(&mut self, source: u8, entity: &str, value: &[u8]) -> io::Result<()> {
        let (key, len) = (entity.len() + 1, value.len());
        for n in [key, len] {
            self.0.extend_from_slice(&u32::try_from(n).map_err(io::Error::other)?.to_le_bytes());
        }
        self.0.push(source);
        self.0.extend_from_slice(entity.as_bytes());
        self.0.extend_from_slice(value);
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

fn number(bytes: &[u8]) -> usize {
    bytes.first_chunk().map_or(0, |b| u32::from_le_bytes(*b) as usize)
}

/// Key, value and whole length of the first record of `bytes`; `None` when it is cut.
fn first(bytes: &[u8]) -> Option<(&[u8], &[u8], usize)> {
    let (key, value) = (number(bytes.get(..4)?), number(bytes.get(4..HEAD)?));
    let rest = bytes.get(HEAD..HEAD + key + value)?;
    let (key, value) = rest.split_at(key);
    Some((key, value, HEAD + rest.len()))
}

/// The first sixteen bytes of a key: enough to tell two persons of a source apart.
fn prefix(key: &[u8]) -> [u64; 2] {
    let mut bytes = [0; 16];
    let n = key.len().min(16);
    bytes[..n].copy_from_slice(&key[..n]);
    let all = u128::from_be_bytes(bytes);
    [(all >> 64) as u64, all as u64]
}

/// What is moved around when records are sorted.
#[derive(Clone, Copy)]
struct Entry {
    prefix: [u64; 2],
    at: usize,
}

#[derive(Default)]
struct Arena {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

impl Arena {
    fn extend(&mut self, records: &[u8]) {
        let mut at = self.bytes.len();
        self.bytes.extend_from_slice(records);
        while let Some((key, _, len)) = self.bytes.get(at..).and_then(first) {
            self.entries.push(Entry { prefix: prefix(key), at });
            at += len;
        }
    }

    fn memory(&self) -> usize {
        self.bytes.len() + self.entries.len() * size_of::<Entry>()
    }

    fn record(&self, entry: &Entry) -> (&[u8], &[u8], usize) {
        self.bytes.get(entry.at..).and_then(first).unwrap_or_default()
    }

    fn sort(&self, entries: &mut [Entry]) {
        entries.sort_unstable_by(|a, b| {
            a.prefix.cmp(&b.prefix).then_with(|| {
                let (a, b) = (self.record(a), self.record(b));
                (a.0, a.1).cmp(&(b.0, b.1))
            })
        });
    }

    /// Sorts and writes everything to an unnamed temporary file in `dir`, and comes back empty.
    fn spill(mut self, dir: Option<&Path>) -> io::Result<(Self, File)> {
        let mut entries = std::mem::take(&mut self.entries);
        self.sort(&mut entries);
        let file = match dir {
            Some(dir) => tempfile::tempfile_in(dir)?,
            None => tempfile::tempfile()?,
        };
        let mut out = io::BufWriter::with_capacity(CHUNK, file);
        for entry in &entries {
            out.write_all(&self.bytes[entry.at..entry.at + self.record(entry).2])?;
        }
        let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        self.bytes.clear();
        entries.clear();
        self.entries = entries;
        Ok((self, file))
    }
}

/// Collects records.
pub(crate) struct Sorter {
    budget: usize,
    /// Where full arenas are spilled; the system's directory of temporary files without it.
    dir: Option<PathBuf>,
    /// Bytes added so far.
    taken: u64,
    arena: Arena,
    spilling: Option<JoinHandle<io::Result<(Arena, File)>>>,
    runs: Vec<File>,
}

impl Sorter {
    /// `budget` is the number of bytes held in memory, half of them being sorted while the other half fills.
    pub(crate) fn new(budget: usize, dir: Option<PathBuf>) -> Self {
        Self { budget, dir, taken: 0, arena: Arena::default(), spilling: None, runs: Vec::new() }
    }

    /// Bytes added so far: a number that only grows, by at least one for each record.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    pub(crate) fn add(&mut self, records: &Records) -> io::Result<()> {
        self.add_bytes(&records.0)
    }

    /// Adds a part of `records`.
    pub(crate) fn add_part(&mut self, records: &Records, part: std::ops::Range<usize>) -> io::Result<()> {
        self.add_bytes(records.0.get(part).unwrap_or_default())
    }

    fn add_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.taken += bytes.len() as u64;
        self.arena.extend(bytes);
        if self.arena.memory() <= self.budget / 2 {
            return Ok(());
        }
        let empty = self.settle()?;
        let full = std::mem::replace(&mut self.arena, empty);
        let dir = self.dir.clone();
        self.spilling = Some(std::thread::spawn(move || full.spill(dir.as_deref())));
        Ok(())
    }

    /// Waits for the thread that spills; its arena can be used again.
    fn settle(&mut self) -> io::Result<Arena> {
        let Some(thread) = self.spilling.take() else { return Ok(Arena::default()) };
        let (arena, file) = thread.join().map_err(|_| io::Error::other("sorting stopped"))??;
        self.runs.push(file);
        Ok(arena)
    }

    /// Ends the collection. What is still in memory is sorted in as many parts as there are `workers`.
    pub(crate) fn finish(mut self, workers: usize) -> io::Result<Groups> {
        drop(self.settle()?);
        let mut runs: Vec<Run> = self.runs.into_iter().map(Run::file).collect();
        let mut entries = std::mem::take(&mut self.arena.entries);
        let part = entries.len().div_ceil(workers.max(1)).max(1);
        std::thread::scope(|scope| {
            for part in entries.chunks_mut(part) {
                scope.spawn(|| self.arena.sort(part));
            }
        });
        let arena = Arc::new(self.arena);
        let entries = Arc::new(entries);
        for start in (0..entries.len()).step_by(part) {
            let end = entries.len().min(start + part);
            runs.push(Run::memory(Input::Memory { arena: Arc::clone(&arena), entries: Arc::clone(&entries), next: start, end }));
        }
        let mut groups = Groups { runs: Vec::new() };
        for mut run in runs {
            if run.advance()? {
                groups.runs.push(run);
            }
        }
        Ok(groups)
    }
}

enum Input {
    Memory { arena: Arc<Arena>, entries: Arc<Vec<Entry>>, next: usize, end: usize },
    File { file: File, buffer: Vec<u8>, filled: usize },
}

/// One sorted sequence and its first record.
struct Run {
    input: Input,
    prefix: [u64; 2],
    /// Where the record is.
    at: usize,
    len: usize,
}

impl Run {
    fn file(file: File) -> Self {
        Self { input: Input::File { file, buffer: vec![0; CHUNK], filled: 0 }, prefix: [0; 2], at: 0, len: 0 }
    }

    fn memory(input: Input) -> Self {
        Self { input, prefix: [0; 2], at: 0, len: 0 }
    }

    fn record(&self) -> (&[u8], &[u8]) {
        let bytes = match &self.input {
            Input::Memory { arena, .. } => arena.bytes.as_slice(),
            Input::File { buffer, .. } => buffer,
        };
        bytes.get(self.at..self.at + self.len).and_then(first).map(|r| (r.0, r.1)).unwrap_or_default()
    }

    /// Goes to the next record; false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        match &mut self.input {
            Input::Memory { arena, entries, next, end } => {
                let Some(entry) = entries.get(*next..*end).and_then(<[Entry]>::first) else { return Ok(false) };
                *next += 1;
                (self.prefix, self.at, self.len) = (entry.prefix, entry.at, arena.record(entry).2);
                Ok(true)
            }
            Input::File { file, buffer, filled } => {
                self.at += self.len;
                loop {
                    if let Some((key, _, len)) = buffer.get(self.at..*filled).and_then(first) {
                        (self.prefix, self.len) = (prefix(key), len);
                        return Ok(true);
                    }
                    buffer.copy_within(self.at..*filled, 0);
                    *filled -= self.at;
                    self.at = 0;
                    if *filled == buffer.len() {
                        buffer.resize(buffer.len() * 2, 0);
                    }
                    let n = file.read(&mut buffer[*filled..])?;
                    *filled += n;
                    if n == 0 {
                        return if *filled == 0 { Ok(false) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
                    }
                }
            }
        }
    }
}

/// Groups of pieces, by source then entity; the pieces of a group are sorted.
#[derive(Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    pieces: Vec<std::ops::Range<usize>>,
    groups: Vec<Group>,
}

struct Group {
    key: std::ops::Range<usize>,
    pieces: std::ops::Range<usize>,
}

impl Batch {
    pub(crate) fn len(&self) -> usize {
        self.groups.len()
    }

    /// Source and entity of a group.
    pub(crate) fn key(&self, group: usize) -> (u8, &str) {
        let key = &self.bytes[self.groups[group].key.clone()];
        let (source, entity) = key.split_first().unwrap_or((&0, &[]));
        (*source, str::from_utf8(entity).unwrap_or_default())
    }

    /// Its pieces.
    pub(crate) fn pieces(&self, group: usize) -> Vec<&[u8]> {
        self.pieces[self.groups[group].pieces.clone()].iter().map(|p| &self.bytes[p.clone()]).collect()
    }
}

/// The merge of all runs.
pub(crate) struct Groups {
    runs: Vec<Run>,
}

impl Groups {
    /// The run with the smallest record. There are few runs, and two prefixes are nearly always enough.
    fn smallest(&self) -> Option<usize> {
        let order = |a: &Run, b: &Run| a.prefix.cmp(&b.prefix).then_with(|| a.record().cmp(&b.record()));
        (0..self.runs.len()).min_by(|a, b| order(&self.runs[*a], &self.runs[*b]))
    }

    /// The next whole groups, at least one and about `bytes` of them; empty at the end. What is said twice of a structure is
    /// held once, and of a resource of a feed only the last word is held.
    ///
    /// # Errors
    /// A group beyond [`limits::GROUP_BYTES`] or [`limits::GROUP_PIECES`].
    pub(crate) fn next(&mut self, bytes: usize) -> io::Result<Batch> {
        let mut batch = Batch::default();
        while let Some(at) = self.smallest() {
            let run = &mut self.runs[at];
            let (key, value) = run.record();
            let last = batch.groups.last_mut().filter(|g| batch.bytes[g.key.clone()] == *key);
            if last.is_none() {
                if batch.bytes.len() >= bytes {
                    break;
                }
                let start = batch.bytes.len();
                batch.bytes.extend_from_slice(key);
                let pieces = batch.pieces.len()..batch.pieces.len();
                batch.groups.push(Group { key: start..batch.bytes.len(), pieces });
            }
            if let Some(group) = batch.groups.last_mut() {
                let last = batch.pieces[group.pieces.clone()].last().cloned();
                let entity = key.get(1..4).unwrap_or_default();
                // A structure is repeated on the line of each person who works there.
                let known = entity == b"ST:" && last.as_ref().is_some_and(|l| batch.bytes[l.clone()] == *value);
                if !known {
                    if let Some(last) = last.filter(|_| entity == b"FH:") {
                        batch.bytes.truncate(last.start);
                        batch.pieces.pop();
                    }
                    let start = batch.bytes.len();
                    batch.bytes.extend_from_slice(value);
                    batch.pieces.push(start..batch.bytes.len());
                    group.pieces.end = batch.pieces.len();
                    // One piece alone is as large as who pushed it let it be.
                    let large = batch.bytes.len() - group.key.start > limits::GROUP_BYTES && group.pieces.len() > 1;
                    if large || group.pieces.len() > limits::GROUP_PIECES {
                        let name: String = str::from_utf8(&key[1..]).unwrap_or_default().chars().take(40).collect();
                        return Err(io::Error::other(format!(
                            "one delivery says more of {name} than {} lines or {} bytes: the file repeats itself, or its column \
                             of identifiers is wrong",
                            limits::GROUP_PIECES,
                            limits::GROUP_BYTES
                        )));
                    }
                }
            }
            if !run.advance()? {
                self.runs.swap_remove(at);
            }
        }
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::{Records, Sorter};

    #[test]
    fn groups_are_the_same_whether_or_not_runs_are_spilled() {
        let all = |budget, bytes, workers| {
            let mut s = Sorter::new(budget, None);
            for i in 0..500_u32 {
                let mut records = Records::default();
                let entity = format!("PP:{:03}{}", (i * 7) % 90, ["", "0123456789abc"][i as usize % 2]);
                records.push(u8::from(i % 9 == 0), &entity, (i % 11).to_string().as_bytes()).unwrap();
                s.add(&records).unwrap();
            }
            let mut groups = s.finish(workers).unwrap();
            let mut out = Vec::new();
            loop {
                let batch = groups.next(bytes).unwrap();
                if batch.len() == 0 {
                    return out;
                }
                for g in 0..batch.len() {
                    let (source, entity) = batch.key(g);
                    let pieces: Vec<Vec<u8>> = batch.pieces(g).into_iter().map(<[u8]>::to_vec).collect();
                    assert!(pieces.is_sorted());
                    out.push((source, entity.to_owned(), pieces));
                }
            }
        };
        let in_memory = all(1 << 20, 1 << 20, 1);
        assert!(in_memory.windows(2).all(|w| (w[0].0, &w[0].1) < (w[1].0, &w[1].1)));
        assert_eq!(in_memory.iter().map(|g| g.2.len()).sum::<usize>(), 500);
        assert_eq!(in_memory, all(2_000, 1 << 20, 3));
        assert_eq!(in_memory, all(2_000, 1, 1));
        assert_eq!(in_memory, all(1 << 20, 100, 7));
    }

    #[test]
    fn a_record_larger_than_a_chunk_is_read_whole() {
        let mut s = Sorter::new(100, None);
        for n in 0..3_u8 {
            let mut records = Records::default();
            records.push(0, "PP:x", &vec![n; 3 * super::CHUNK / 2]).unwrap();
            s.add(&records).unwrap();
        }
        let batch = s.finish(1).unwrap().next(1).unwrap();
        assert_eq!((batch.len(), batch.pieces(0).len()), (1, 3));
    }

    #[test]
    fn a_group_holds_what_matters_and_has_a_limit() {
        let groups = |entity: &str, values: &mut dyn Iterator<Item = Vec<u8>>| {
            let mut s = Sorter::new(100_000, Some(std::env::temp_dir()));
            let mut records = Records::default();
            for v in values {
                records.push(0, entity, &v).unwrap();
            }
            s.add(&records).unwrap();
            s.finish(1).unwrap().next(1)
        };
        let batch = groups("ST:F1", &mut (0..90_000_u32).map(|n| vec![(n % 3) as u8])).unwrap();
        assert_eq!(batch.pieces(0), [&[0_u8][..], &[1], &[2]], "what is said of a structure once for each person");
        let batch = groups("FH:Device/a", &mut (0..90_000_u32).map(|n| n.to_be_bytes().to_vec())).unwrap();
        assert_eq!(batch.pieces(0), [89_999_u32.to_be_bytes()], "the last word of a feed");
        for (count, len) in [(60_000_u32, 4), (20, 1 << 20)] {
            let many = groups("PP:810999000010", &mut (0..count).map(|n| [n.to_be_bytes().to_vec(), vec![b'x'; len]].concat()));
            let text = many.map(|_| ()).unwrap_err().to_string();
            assert!(text.contains("PP:810999000010") && text.contains("repeats itself"), "{text}");
        }
    }

    #[test]
    fn runs_are_spilled_to_the_directory_that_was_named() {
        let dir = tempfile::tempdir().unwrap();
        let spill = |dir: std::path::PathBuf| {
            let mut s = Sorter::new(100, Some(dir));
            let mut records = Records::default();
            records.push(0, "PP:x", &[1; 100]).unwrap();
            s.add(&records).unwrap();
            s.finish(1).map(|_| ())
        };
        assert!(spill(dir.path().to_owned()).is_ok());
        assert!(spill(dir.path().join("none")).is_err(), "not anywhere else");
    }
}

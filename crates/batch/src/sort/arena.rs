//! The records of one run while they are in memory.

use super::record::{Prefix, first_record, prefix, put_record};
use super::run::RunWriter;
use std::fs::File;
use std::io;
use std::path::Path;

/// Records in the order of their arrival, and entries for them, which are what is sorted.
#[derive(Default)]
pub(super) struct Arena {
    bytes: Vec<u8>,
    entries: Vec<ArenaEntry>,
}

/// What moves when records are sorted.
#[derive(Clone, Copy)]
struct ArenaEntry {
    prefix: Prefix,
    /// Where the record begins.
    at: usize,
}

impl Arena {
    /// Adds a record; the number of its bytes.
    pub(super) fn push(&mut self, key: &[&[u8]], value: &[u8]) -> usize {
        let at = self.bytes.len();
        put_record(&mut self.bytes, key, value);
        let prefix = match key {
            [one] => prefix(one),
            _ => prefix(self.record_at(at).0),
        };
        self.entries.push(ArenaEntry { prefix, at });
        self.bytes.len() - at
    }

    /// Adds encoded records.
    pub(super) fn extend(&mut self, records: &[u8]) {
        let mut at = self.bytes.len();
        self.bytes.extend_from_slice(records);
        while let Some((key, _, len)) = self.bytes.get(at..).and_then(first_record) {
            self.entries.push(ArenaEntry { prefix: prefix(key), at });
            at += len;
        }
    }

    /// Bytes of memory that are filled.
    pub(super) fn memory(&self) -> usize {
        self.bytes.len() + self.entries.len() * size_of::<ArenaEntry>()
    }

    /// Number of records.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Prefix and place of the n-th record in the order of the entries.
    pub(super) fn entry(&self, n: usize) -> (Prefix, usize) {
        let entry = &self.entries[n];
        (entry.prefix, entry.at)
    }

    /// Key and value of the record that begins at `at`.
    #[inline]
    pub(super) fn record_at(&self, at: usize) -> (&[u8], &[u8]) {
        self.bytes.get(at..).and_then(first_record).map(|(key, value, _)| (key, value)).unwrap_or_default()
    }

    fn sort_entries(&self, entries: &mut [ArenaEntry]) {
        // Records that are equal are equal byte for byte: an unstable sort changes nothing, and needs no memory.
        entries.sort_unstable_by(|a, b| a.prefix.cmp(&b.prefix).then_with(|| self.record_at(a.at).cmp(&self.record_at(b.at))));
    }

    /// Sorts the entries in as many parts of equal size as there are `workers`; the size of a part.
    pub(super) fn sort_parts(&mut self, workers: usize) -> usize {
        let mut entries = std::mem::take(&mut self.entries);
        let part = entries.len().div_ceil(workers.max(1)).max(1);
        std::thread::scope(|scope| {
            for part in entries.chunks_mut(part) {
                scope.spawn(|| self.sort_entries(part));
            }
        });
        self.entries = entries;
        part
    }

    /// Sorts everything and writes it as a run to an unnamed file in `dir`; the arena comes back empty, with its memory.
    pub(super) fn spill(mut self, dir: Option<&Path>) -> io::Result<(Self, File)> {
        let mut entries = std::mem::take(&mut self.entries);
        self.sort_entries(&mut entries);
        let mut run = RunWriter::create(dir)?;
        let mut last: &[u8] = &[];
        for entry in &entries {
            let (key, value) = self.record_at(entry.at);
            run.write(last, key, value)?;
            last = key;
        }
        let file = run.finish()?;
        self.bytes.clear();
        entries.clear();
        self.entries = entries;
        Ok((self, file))
    }
}

//! The terms of one transaction in key order. Those of a whole country do not fit in memory.
//!
//! Values that many rows have (a profession, a town) are few: their rows are collected in memory as *hot sets*. All other terms
//! go through the external sort of `annuaire-batch`. Rows arrive in ascending order.

use std::collections::btree_map::IntoIter;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::iter::Peekable;
use std::path::Path;

use annuaire_batch::sort::{Merge, Sorter};
use roaring::RoaringBitmap;
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use crate::key::class;
use crate::row::Row;

/// Memory of the external sort, in bytes.
const SORT_BYTES: usize = 512 << 20;
/// Most hot sets for each type, parameter and class.
const HOT_MAX: u32 = 4_096;

/// Collects the terms of one transaction.
pub struct TermSorter {
    sorter: Sorter,
    hot: HashMap<Box<[u8]>, RoaringBitmap, Xxh3DefaultBuilder>,
    /// Number of hot sets by the first three bytes of their keys.
    hot_counts: HashMap<[u8; 3], u32>,
}

impl TermSorter {
    /// `dir` is where temporary files are written; they have no name and vanish with the process.
    pub fn new(dir: &Path) -> Self {
        Self::with_memory(dir, SORT_BYTES)
    }

    /// [`TermSorter::new`] with another bound on the memory of the sort, in bytes.
    pub fn with_memory(dir: &Path, bytes: usize) -> Self {
        Self { sorter: Sorter::new(bytes, Some(dir.to_owned())), hot: HashMap::default(), hot_counts: HashMap::new() }
    }

    /// Adds a term of a row; no earlier row is above it. A term that is added twice for a row counts once.
    pub fn push(&mut self, key: &[u8], row: Row) -> io::Result<()> {
        if let Some(rows) = self.hot.get_mut(key) {
            rows.insert(row.get());
            return Ok(());
        }
        let head = key.first_chunk::<3>().copied().unwrap_or_default();
        // An identifier has the versions of one resource, and most targets have few references: never hot.
        if !matches!(head[2], class::ID | class::REFERENCE) {
            let count = self.hot_counts.entry(head).or_default();
            if *count < HOT_MAX {
                *count += 1;
                self.hot.insert(key.into(), RoaringBitmap::from([row.get()]));
                return Ok(());
            }
        }
        // Big-endian, so that the rows of a term come out in ascending order.
        self.sorter.push(&[key], &row.get().to_be_bytes())
    }

    /// All the terms in key order.
    pub fn finish(self) -> io::Result<SortedTerms> {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let cold = self.sorter.finish(workers)?;
        let hot: BTreeMap<Box<[u8]>, RoaringBitmap> = self.hot.into_iter().collect();
        Ok(SortedTerms { cold, hot: hot.into_iter().peekable() })
    }
}

/// Terms in key order, each with its rows in ascending order.
pub struct SortedTerms {
    cold: Merge,
    hot: Peekable<IntoIter<Box<[u8]>, RoaringBitmap>>,
}

impl SortedTerms {
    /// Moves the next term into `key` and `rows`; false after the last. A term is either hot or cold, never both.
    pub fn next(&mut self, key: &mut Vec<u8>, rows: &mut Vec<Row>) -> io::Result<bool> {
        key.clear();
        rows.clear();
        let cold = self.cold.peek().map(|(key, _)| key);
        if let Some((hot, set)) = self.hot.next_if(|(hot, _)| cold.is_none_or(|cold| **hot < *cold)) {
            key.extend_from_slice(&hot);
            rows.extend(set.into_iter().map(Row::new));
            return Ok(true);
        }
        let Some(cold) = cold else { return Ok(false) };
        key.extend_from_slice(cold);
        while let Some((_, row)) = self.cold.peek().filter(|(cold, _)| cold == key) {
            let row = row.try_into().map(u32::from_be_bytes).map_err(|_| io::ErrorKind::InvalidData)?;
            if rows.last() != Some(&Row::new(row)) {
                rows.push(Row::new(row));
            }
            self.cold.advance()?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Terms come out in order with all their rows, through memory, hot sets and several runs on disk.
    #[test]
    fn sorted_terms_are_those_pushed() {
        let dir = tempfile::tempdir().unwrap();
        let mut sorter = TermSorter::with_memory(dir.path(), 60_000);
        let mut model: BTreeMap<Vec<u8>, BTreeSet<Row>> = BTreeMap::new();
        for row in 0..6_000_u32 {
            let rare = format!("\u{1}\u{2}\u{4}{:05}", (row * 7_919) % 5_500).into_bytes();
            let id = format!("\u{1}\0\u{9}{:05}", (row * 31) % 1_000).into_bytes();
            for key in [vec![1, 0, 0], rare.clone(), rare, id] {
                sorter.push(&key, Row::new(row)).unwrap();
                model.entry(key).or_default().insert(Row::new(row));
            }
        }
        assert!(sorter.sorter.runs() > 1);
        let mut sorted = sorter.finish().unwrap();
        let (mut key, mut rows, mut out) = (Vec::new(), Vec::new(), Vec::new());
        while sorted.next(&mut key, &mut rows).unwrap() {
            out.push((key.clone(), rows.iter().copied().collect::<BTreeSet<_>>()));
            assert!(rows.is_sorted());
        }
        assert!(out.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(out, model.into_iter().collect::<Vec<_>>());
    }
}

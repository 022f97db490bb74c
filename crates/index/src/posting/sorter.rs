//! The terms of one transaction in key order. Those of a whole country do not fit in memory.
//!
//! Few terms, those of a small transaction, are sorted in memory. Beyond them:
//! values that many rows have (a profession, a town) are few: their rows are collected in memory as *hot sets*. All other terms
//! go through the external sort of `annuaire-batch`. Rows arrive in ascending order.

use std::collections::btree_map::IntoIter;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use annuaire_batch::sort::{Merge, Sorter};
use roaring::RoaringBitmap;
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use crate::key::class;
use crate::row::Row;

/// Memory of the external sort, in bytes.
const SORT_BYTES: usize = 512 << 20;
/// Most hot sets for each type, parameter and class.
const HOT_MAX: u32 = 4_096;

/// Most terms that are sorted in memory.
const FEW_MAX: usize = if cfg!(test) { 100 } else { 50_000 };

/// Collects the terms of transactions.
pub struct TermSorter {
    /// The first terms, in the order in which they came.
    few: Vec<(Box<[u8]>, Row)>,
    /// Terms beyond them, once there are any.
    many: Option<ManyTerms>,
    dir: PathBuf,
    bytes: usize,
}

/// Terms that may not fit in memory.
struct ManyTerms {
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
        Self { few: Vec::new(), many: None, dir: dir.to_owned(), bytes }
    }

    /// Whether no term was added.
    pub const fn is_empty(&self) -> bool {
        self.few.is_empty() && self.many.is_none()
    }

    /// Adds a term of a row; no earlier row is above it. A term that is added twice for a row counts once.
    pub fn push(&mut self, key: &[u8], row: Row) -> io::Result<()> {
        if let Some(many) = &mut self.many {
            return many.push(key, row);
        }
        self.few.push((key.into(), row));
        if self.few.len() > FEW_MAX {
            let sorter = Sorter::new(self.bytes, Some(self.dir.clone()));
            let many = self.many.insert(ManyTerms { sorter, hot: HashMap::default(), hot_counts: HashMap::new() });
            for (key, row) in std::mem::take(&mut self.few) {
                many.push(&key, row)?;
            }
        }
        Ok(())
    }

    /// All the terms in key order.
    pub fn finish(mut self) -> io::Result<SortedTerms> {
        if let Some(many) = self.many {
            return many.finish();
        }
        Ok(SortedTerms::few(std::mem::take(&mut self.few)))
    }
}

impl ManyTerms {
    fn push(&mut self, key: &[u8], row: Row) -> io::Result<()> {
        if let Some(rows) = self.hot.get_mut(key) {
            rows.insert(row.get());
            return Ok(());
        }
        let head = key.first_chunk::<3>().copied().unwrap_or_default();
        // An identifier has the versions of one resource, and most targets have few references: never hot.
        if !matches!(head[2], class::ID | class::REFERENCE | class::ORDER) {
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

    fn finish(self) -> io::Result<SortedTerms> {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let cold = self.sorter.finish(workers)?;
        let hot: BTreeMap<Box<[u8]>, RoaringBitmap> = self.hot.into_iter().collect();
        Ok(SortedTerms::Many { cold, hot: hot.into_iter().peekable() })
    }
}

/// Terms in key order, each with its rows in ascending order.
pub enum SortedTerms {
    /// Out of memory.
    Few(Peekable<std::vec::IntoIter<(Box<[u8]>, Row)>>),
    /// A term is either hot or cold, never both.
    Many { cold: Merge, hot: Peekable<IntoIter<Box<[u8]>, RoaringBitmap>> },
}

impl SortedTerms {
    /// Terms in memory, in any order; the rows of each ascend.
    pub fn few(mut terms: Vec<(Box<[u8]>, Row)>) -> Self {
        terms.sort_by(|a, b| a.0.cmp(&b.0));
        Self::Few(terms.into_iter().peekable())
    }

    /// Moves the next term into `key` and `rows`; false after the last.
    pub fn next(&mut self, key: &mut Vec<u8>, rows: &mut Vec<Row>) -> io::Result<bool> {
        key.clear();
        rows.clear();
        match self {
            Self::Few(few) => {
                let Some((first, row)) = few.next() else { return Ok(false) };
                rows.push(row);
                while let Some((_, row)) = few.next_if(|(next, _)| *next == first) {
                    if rows.last() != Some(&row) {
                        rows.push(row);
                    }
                }
                key.extend_from_slice(&first);
                Ok(true)
            }
            Self::Many { cold, hot } => next_of_many(cold, hot, key, rows),
        }
    }
}

fn next_of_many(
    cold: &mut Merge,
    hot: &mut Peekable<IntoIter<Box<[u8]>, RoaringBitmap>>,
    key: &mut Vec<u8>,
    rows: &mut Vec<Row>,
) -> io::Result<bool> {
    let first = cold.peek().map(|(key, _)| key);
    if let Some((hot, set)) = hot.next_if(|(hot, _)| first.is_none_or(|cold| **hot < *cold)) {
        key.extend_from_slice(&hot);
        rows.extend(set.into_iter().map(Row::new));
        return Ok(true);
    }
    let Some(first) = first else { return Ok(false) };
    key.extend_from_slice(first);
    while let Some((_, row)) = cold.peek().filter(|(cold, _)| cold == key) {
        let row = row.try_into().map(u32::from_be_bytes).map_err(|_| io::ErrorKind::InvalidData)?;
        if rows.last() != Some(&Row::new(row)) {
            rows.push(Row::new(row));
        }
        cold.advance()?;
    }
    Ok(true)
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
        assert!(sorter.many.as_ref().unwrap().sorter.runs() > 1);
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

//! An external merge sort of (key, value) pairs in bounded memory.
//!
//! Records are sorted by key, then by value, both compared byte by byte; equal records stay as many as they are. Numbers sort
//! as they should when they are written big-endian.
//!
//! A [`Sorter`] collects records in an arena. A full arena is sorted and written to an unnamed temporary file, a *run*, by a
//! thread of its own, while a second arena fills. [`Sorter::finish`] gives a [`Merge`] that hands out all records in order from
//! the runs and from what is still in memory, which is not copied; [`Merge::rewind`] hands them out again.
//!
//! ```
//! use annuaire_batch::sort::Sorter;
//!
//! // Three kilobytes of memory for a hundred records of thirty bytes: most of them go through disk.
//! let mut sorter = Sorter::new(3_000, None);
//! for n in (0..100_u32).rev() {
//!     sorter.push(&[b"person ", &n.to_be_bytes()], b"what is known of her")?;
//! }
//! assert!(sorter.runs() > 0);
//! let mut merge = sorter.finish(1)?;
//! let mut count = 0;
//! while let Some((key, _value)) = merge.peek() {
//!     assert_eq!(key, [b"person ".as_slice(), &u32::to_be_bytes(count)].concat());
//!     count += 1;
//!     merge.advance()?;
//! }
//! assert_eq!(count, 100);
//! # std::io::Result::Ok(())
//! ```
//!
//! # Layout
//!
//! Lengths are LEB128 numbers: seven bits a byte, the lowest first, the high bit set on all bytes but the last.
//!
//! | Where | One record |
//! |---|---|
//! | arena, [`RecordBuf`] | length of the key, length of the value, key, value |
//! | run on disk | bytes of the key shared with the record before it, length of the rest of the key, length of the value, rest of the key, value |
//!
//! A run has no header and no end mark; a run that stops inside a record is an error. Sharing the beginning of keys (front
//! coding) halves the runs of an index and costs nothing for long values.
//!
//! # Costs
//!
//! - Memory: the budget, half of it for each arena, and 1 MiB a run while merging. A record takes its bytes, two to four bytes
//!   of lengths and an entry of 24 bytes: the first 16 bytes of its key and its place. Nearly all comparisons are decided by
//!   these 16 bytes, without the cache miss of a look into the arena: keys that differ early sort fastest.
//! - Disk: what does not fit is written once, and read in sequence each time that it is handed out.
//! - Comparisons: `log2` of the records of an arena, then `log2` of the number of runs, for each record.
//! - A record larger than the budget is accepted: it makes a run of its own.

mod arena;
mod merge;
mod record;
mod run;
#[cfg(test)]
mod tests;

pub use merge::Merge;
pub use record::RecordBuf;

use arena::Arena;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::thread::JoinHandle;

/// Collects records in any order.
pub struct Sorter {
    /// Bytes that one arena may take.
    arena_bytes: usize,
    /// Where runs are written; the system's directory of temporary files without it.
    dir: Option<PathBuf>,
    added_bytes: u64,
    arena: Arena,
    /// The thread that sorts and writes the arena that was filled before.
    spilling: Option<JoinHandle<io::Result<(Arena, File)>>>,
    runs: Vec<File>,
}

impl Sorter {
    /// A sorter that holds `budget` bytes in memory at most: half of them are sorted while the other half fills.
    ///
    /// Runs are written to `dir`, and to the system's directory of temporary files without it, which is often in memory.
    pub fn new(budget: usize, dir: Option<PathBuf>) -> Self {
        Self { arena_bytes: budget / 2, dir, added_bytes: 0, arena: Arena::default(), spilling: None, runs: Vec::new() }
    }

    /// Bytes added so far. The number grows by at least one with each record.
    pub fn added_bytes(&self) -> u64 {
        self.added_bytes
    }

    /// Runs written so far, without the one that is being written.
    pub fn runs(&self) -> usize {
        self.runs.len()
    }

    /// Adds a record, whose key is the concatenation of `key`.
    ///
    /// # Errors
    /// When an earlier run could not be written.
    pub fn push(&mut self, key: &[&[u8]], value: &[u8]) -> io::Result<()> {
        self.added_bytes += self.arena.push(key, value) as u64;
        self.spill_if_full()
    }

    /// Adds the records that `records` holds between two positions, each the [`RecordBuf::len`] of a moment.
    ///
    /// # Errors
    /// When an earlier run could not be written.
    ///
    /// # Panics
    /// When `range` does not lie in `records`.
    pub fn extend(&mut self, records: &RecordBuf, range: std::ops::Range<usize>) -> io::Result<()> {
        self.added_bytes += range.len() as u64;
        self.arena.extend(&records.bytes()[range]);
        self.spill_if_full()
    }

    fn spill_if_full(&mut self) -> io::Result<()> {
        if self.arena.memory() <= self.arena_bytes {
            return Ok(());
        }
        // Waiting for the run before it bounds the memory, and its arena is used again.
        let empty = self.await_run()?;
        let full = std::mem::replace(&mut self.arena, empty);
        let dir = self.dir.clone();
        self.spilling = Some(std::thread::spawn(move || full.spill(dir.as_deref())));
        Ok(())
    }

    /// Waits for the run that is being written; its arena comes back empty.
    fn await_run(&mut self) -> io::Result<Arena> {
        let Some(thread) = self.spilling.take() else { return Ok(Arena::default()) };
        let (arena, file) = thread.join().map_err(|_| io::Error::other("sorting stopped"))??;
        self.runs.push(file);
        Ok(arena)
    }

    /// Ends the collection. What is still in memory is sorted by `workers` threads.
    ///
    /// # Errors
    /// When a run could not be written or read back.
    pub fn finish(mut self, workers: usize) -> io::Result<Merge> {
        drop(self.await_run()?);
        let part = self.arena.sort_parts(workers);
        Merge::new(self.runs, self.arena, part)
    }
}

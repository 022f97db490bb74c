//! The merge of all sorted runs, by a tournament: each record costs one comparison for each level of a tree over the runs.

use super::arena::Arena;
use super::record::{Prefix, prefix};
use super::run::RunReader;
use std::fs::File;
use std::io;

/// All records in the order of their keys, then of their values.
pub struct Merge {
    /// Records that never left memory.
    arena: Arena,
    runs: Vec<MergeRun>,
    /// The run with the smallest record first, then for each match of the tournament the run that lost it. The runs are the
    /// leaves: run `n` plays at node `(n + runs) / 2`, and the winner at node `k` goes on to node `k / 2`.
    tree: Vec<usize>,
}

/// One sorted sequence and its first record.
struct MergeRun {
    /// Nothing is left of it.
    ended: bool,
    prefix: Prefix,
    source: RunSource,
}

enum RunSource {
    /// A sorted part of the entries of the arena: its first entry, where its current record is, the entry after it, and the end of
    /// the part.
    Memory {
        first: usize,
        at: usize,
        next: usize,
        end: usize,
    },
    File(RunReader),
}

impl MergeRun {
    fn new(source: RunSource) -> Self {
        Self { ended: false, prefix: Prefix::default(), source }
    }

    fn record<'a>(&'a self, arena: &'a Arena) -> (&'a [u8], &'a [u8]) {
        match &self.source {
            RunSource::Memory { at, .. } => arena.record_at(*at),
            RunSource::File(reader) => reader.record(),
        }
    }

    fn advance(&mut self, arena: &Arena) -> io::Result<()> {
        match &mut self.source {
            RunSource::Memory { at, next, end, .. } => {
                if next == end {
                    self.ended = true;
                } else {
                    (self.prefix, *at) = arena.entry(*next);
                    *next += 1;
                }
            }
            RunSource::File(reader) => {
                if reader.advance()? {
                    self.prefix = prefix(reader.record().0);
                } else {
                    self.ended = true;
                }
            }
        }
        Ok(())
    }
}

/// A match of the tournament that was not played yet.
const NOBODY: usize = usize::MAX;

impl Merge {
    /// The runs in files, and the entries of the arena, sorted in parts of `part` entries.
    pub(super) fn new(files: Vec<File>, arena: Arena, part: usize) -> io::Result<Self> {
        let mut runs: Vec<MergeRun> = files.into_iter().map(|f| MergeRun::new(RunSource::File(RunReader::new(f)))).collect();
        for next in (0..arena.len()).step_by(part) {
            let end = arena.len().min(next + part);
            runs.push(MergeRun::new(RunSource::Memory { first: next, at: 0, next, end }));
        }
        let mut merge = Self { arena, runs, tree: Vec::new() };
        merge.start()?;
        Ok(merge)
    }

    /// Goes to the first record of each run, and plays all matches.
    fn start(&mut self) -> io::Result<()> {
        for run in &mut self.runs {
            run.advance(&self.arena)?;
        }
        self.tree = vec![NOBODY; self.runs.len()];
        for run in 0..self.runs.len() {
            self.play(run);
        }
        Ok(())
    }

    /// Goes back to the first record: all of them are handed out once more. Runs in files are read again.
    ///
    /// # Errors
    /// When a run cannot be read.
    pub fn rewind(&mut self) -> io::Result<()> {
        for run in &mut self.runs {
            run.ended = false;
            match &mut run.source {
                RunSource::Memory { first, next, .. } => *next = *first,
                RunSource::File(reader) => reader.rewind()?,
            }
        }
        self.start()
    }

    /// Key and value of the smallest record that is left; `None` at the end.
    pub fn peek(&self) -> Option<(&[u8], &[u8])> {
        let run = &self.runs[*self.tree.first()?];
        (!run.ended).then(|| run.record(&self.arena))
    }

    /// Goes to the next record.
    ///
    /// # Errors
    /// When a run cannot be read.
    pub fn advance(&mut self) -> io::Result<()> {
        if let Some(winner) = self.tree.first().copied() {
            self.runs[winner].advance(&self.arena)?;
            self.play(winner);
        }
        Ok(())
    }

    /// Plays all matches between a run and the root of the tree.
    fn play(&mut self, run: usize) {
        let mut winner = run;
        let mut node = (run + self.runs.len()) / 2;
        while node > 0 {
            let loser = self.tree[node];
            if loser == NOBODY {
                // While the tree is built, the first of two waits for the other.
                self.tree[node] = winner;
                return;
            }
            if self.comes_before(loser, winner) {
                (self.tree[node], winner) = (winner, loser);
            }
            node /= 2;
        }
        self.tree[0] = winner;
    }

    fn comes_before(&self, a: usize, b: usize) -> bool {
        let (a, b) = (&self.runs[a], &self.runs[b]);
        if a.ended || b.ended {
            return !a.ended;
        }
        let order = a.prefix.cmp(&b.prefix);
        order.then_with(|| a.record(&self.arena).cmp(&b.record(&self.arena))).is_lt()
    }
}

//! Compaction: removing the versions that were closed long ago, and giving their space back.
//!
//! The *horizon* is the last transaction before the instant from which closed versions are kept. What it and the transactions
//! before it closed is live in no state from the horizon on: [`crate::removal`] names these rows, and they are taken out of
//! everything, stage after stage ([`progress::CompactionStage`]), some hundred pages to a commit. The horizon is committed first; no state
//! before it is answered from then on. Each commit also says where the next one goes on ([`progress`]), so that a compaction that
//! was interrupted at any moment is gone on with.
//!
//! Records go after all that leads to them, and closings after the records: a reader never finds a row without its record, nor one
//! that is live again. Numbers of rows are not used again. An id of which no row is left keeps its last version number
//! ([`crate::former`]).
//!
//! Each step takes the lock of the writer: a transaction waits for one step at most.

mod progress;
mod sweep;

use std::sync::PoisonError;
use std::time::Duration;

use annuaire_base::Tx;
use roaring::RoaringBitmap;

pub use self::sweep::{PAGES, finish, gone_rows};

use self::progress::CompactionProgress;
use crate::closings::closed_between;
use crate::error::Error;
use crate::index::Index;
use crate::meta;
use crate::published::PublishedTx;
use crate::unpublished::discard_unpublished;

/// Time between two steps in which the lock is free.
const PAUSE: Duration = Duration::from_millis(1);

/// What a compaction did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompactionReport {
    /// Closed versions removed.
    pub rows: u64,
    /// LMDB commits made.
    pub commits: u64,
    /// The first transaction whose state is answered.
    pub retained_from: Tx,
    /// Whether nothing is left to do; false when it was stopped.
    pub is_complete: bool,
}

impl Index {
    /// Removes the versions that were closed before an instant (milliseconds since 1970 UTC), in small commits, between which
    /// transactions are applied. States at or after the last transaction at or before that instant are answered as before, but for
    /// the versions that histories list; earlier ones are refused from then on ([`Index::retained_from`]). `between` is called
    /// after each commit, and false stops the compaction: another call goes on, and so does one after a crash.
    ///
    /// Cost: reading all blocks, chunks and columns once, writing those that have such versions; [`Index::removable`] tells
    /// whether it pays.
    ///
    /// # Errors
    /// When the store cannot be read or written. What was done stays, and another call goes on.
    pub fn compact(&self, keep_closed_since_ms: i64, between: &dyn Fn() -> bool) -> Result<CompactionReport, Error> {
        let mut report = CompactionReport::default();
        loop {
            // A compaction that was interrupted comes first: its horizon is not ours.
            report.is_complete = self.run_compaction(&mut report, between)?;
            report.retained_from = self.retained_from();
            if !report.is_complete || !self.begin_compaction(keep_closed_since_ms)? {
                return Ok(report);
            }
            report.commits += 1;
        }
    }

    /// Number of versions that [`Index::compact`] would remove. Cost: the closings since the last compaction, at most a few
    /// hundred look-ups.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn removable(&self, keep_closed_since_ms: i64) -> Result<u64, Error> {
        let txn = self.env.read_txn()?;
        let horizon = PublishedTx::last_until(&self.dbs, &txn, keep_closed_since_ms)?;
        let retained = meta::retained_from(self.dbs.meta, &txn)?;
        if horizon.tx <= retained {
            return Ok(0);
        }
        Ok(closed_between(&self.dbs, &txn, retained, horizon.tx)?.values().map(RoaringBitmap::len).sum())
    }

    /// Commits a new horizon; false when there is nothing to remove.
    fn begin_compaction(&self, keep_closed_since_ms: i64) -> Result<bool, Error> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut txn = self.env.write_txn()?;
        let horizon = PublishedTx::last_until(&self.dbs, &txn, keep_closed_since_ms)?;
        if horizon.tx <= meta::retained_from(self.dbs.meta, &txn)? {
            return Ok(false);
        }
        meta::set_retained_from(self.dbs.meta, &mut txn, horizon.tx)?;
        CompactionProgress::START.save(&self.dbs, &mut txn)?;
        txn.commit()?;
        self.set_retained_from(horizon.tx);
        Ok(true)
    }

    /// Runs the stages that are left; false when `between` stops it.
    fn run_compaction(&self, report: &mut CompactionReport, between: &dyn Fn() -> bool) -> Result<bool, Error> {
        let mut gone = None;
        loop {
            let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            let mut txn = self.env.write_txn()?;
            // A withdrawal may have finished it meanwhile.
            let Some(mut progress) = CompactionProgress::read(&self.dbs, &txn)? else { return Ok(true) };
            // What an interrupted application left must not keep ids from being remembered.
            let published = PublishedTx::latest(&self.dbs, &txn)?;
            discard_unpublished(&self.dbs, &mut txn, published.end)?;
            let gone = match &mut gone {
                Some(gone) => gone,
                none => none.insert(sweep::gone_rows(&self.dbs, &txn)?),
            };
            let removed = sweep::step(&self.dbs, &mut txn, gone, &mut progress, self.pages_per_step)?;
            progress.save(&self.dbs, &mut txn)?;
            txn.commit()?;
            report.commits += 1;
            report.rows += removed;
            if progress.is_complete() {
                return Ok(true);
            }
            drop(writer);
            if !between() {
                return Ok(false);
            }
            // Locks are not fair: without a pause, a transaction that waits could wait for all the steps.
            std::thread::sleep(PAUSE);
        }
    }
}

//! A stage: many facts written beside the state, in short transactions.
//!
//! Three things happen at once: the caller fills a buffer, the one before is decided, hashed and compressed, and the one before that is
//! written. The turn of writers is taken for the writing alone.

use crate::fault::fault;
use crate::prepare::prepare;
use crate::shared::Shared;
use crate::staged_rows::{PreparedRows, StageTail};
use crate::{batch, discard, jobs, limits, notes, sweep};
use annuaire_base::Tx;
use annuaire_store::proof::Merkle;
use annuaire_store::{Change, ChangeCounts, Error, FactMark, Result, SealedStage, Stage};
use async_trait::async_trait;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// StageProgress that is here, or under way.
enum StageProgress {
    Here(Box<StageTail>),
    UnderWay(JoinHandle<Result<Box<StageTail>>>),
}

impl StageProgress {
    async fn get(self) -> Result<Box<StageTail>> {
        match self {
            Self::Here(tail) => Ok(tail),
            Self::UnderWay(task) => task.await.map_err(|e| Error::Database(e.to_string()))?,
        }
    }
}

pub(crate) struct SqliteStage {
    shared: Arc<Shared>,
    runtime: Handle,
    batch: u64,
    base: Tx,
    pending: Vec<Change>,
    pending_bytes: usize,
    owners: HashSet<String>,
    /// Absent once sealed, or failed.
    progress: Option<StageProgress>,
    failed: Arc<AtomicBool>,
    /// Buffers that may be under way.
    flights: Arc<Semaphore>,
    /// Closed when the stage is sealed or dropped: what is not written yet waits for no turn any more.
    ending: Arc<Semaphore>,
}

impl SqliteStage {
    pub(crate) async fn begin(shared: Arc<Shared>) -> Result<Self> {
        discard::due(&shared).await?;
        let now_ms = (shared.now_ms)();
        let turn = shared.turns.take().await?;
        let mut t = shared.writer.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
        let base = shared.refresh(&mut t).await?;
        let number = batch::next_number(&mut t).await?;
        jobs::write(&mut t, &discard::job(number, now_ms), None).await?;
        t.commit().await.map_err(fault)?;
        drop(turn);
        Ok(Self {
            shared,
            runtime: Handle::current(),
            batch: number,
            base,
            pending: Vec::new(),
            pending_bytes: 0,
            owners: HashSet::new(),
            progress: Some(StageProgress::Here(Box::new(StageTail::new(number, now_ms)))),
            failed: Arc::default(),
            flights: Arc::new(Semaphore::new(2)),
            ending: Arc::new(Semaphore::new(0)),
        })
    }

    fn progress(&mut self) -> Result<StageProgress> {
        self.progress.take().ok_or_else(|| Error::Rejected("this import failed before: import again".into()))
    }

    /// Hands the buffer over; waits while two are under way.
    async fn flush(&mut self) -> Result<()> {
        if self.failed.load(Ordering::Acquire) {
            let tail = self.progress()?.get().await?;
            self.progress = Some(StageProgress::Here(tail));
        }
        if self.pending.is_empty() {
            return Ok(());
        }
        let permit = self.flights.clone().acquire_owned().await.map_err(|e| Error::Database(e.to_string()))?;
        let changes = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        let before = self.progress()?;
        let (shared, ending, failed, base) = (self.shared.clone(), self.ending.clone(), self.failed.clone(), self.base);
        self.progress = Some(StageProgress::UnderWay(self.runtime.spawn(async move {
            let done = async {
                let prepared = prepare(&shared, base, changes).await;
                let mut tail = before.get().await?;
                let prepared = prepared?;
                if !tail.unwritten.is_empty() {
                    tail.unwritten.push(prepared);
                    return Ok(tail);
                }
                let mut left = Some(prepared);
                while let Some(mut prepared) = left.take() {
                    tokio::select! {
                        biased;
                        _ = ending.acquire() => tail.unwritten.push(prepared),
                        turn = shared.turns.take() => {
                            let turn = turn?;
                            let more = write(&shared, &mut tail, &mut prepared).await?;
                            drop(turn);
                            shared.written.notify_one();
                            tokio::time::sleep(limits::STAGE_PAUSE).await;
                            left = more.then_some(prepared);
                        }
                    }
                }
                Ok(tail)
            }
            .await;
            failed.store(done.is_err(), Ordering::Release);
            drop(permit);
            done
        })));
        Ok(())
    }
}

/// Writes a part of a buffer in a transaction of its own; returns whether some is left.
async fn write(shared: &Shared, tail: &mut StageTail, prepared: &mut PreparedRows) -> Result<bool> {
    let mut t = shared.stager.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
    let now_ms = (shared.now_ms)();
    if now_ms.saturating_sub(tail.renewed_ms) > limits::STAGE_LEASE_MS / 8 {
        if !discard::renew(&mut t, tail.batch.number, now_ms.saturating_add(limits::STAGE_LEASE_MS)).await? {
            return Err(discarded());
        }
        tail.renewed_ms = now_ms;
    }
    let more = tail.write_some(&mut t, prepared, limits::STAGE_CHUNKS).await?;
    t.commit().await.map_err(fault)?;
    shared.cache.forget(&std::mem::take(&mut tail.marked));
    Ok(more)
}

/// The refusal of a stage that was thought dead.
pub(crate) fn discarded() -> Error {
    Error::Rejected(
        "this import showed no sign of life for a quarter of an hour, so what it had written was discarded: import again".into(),
    )
}

#[async_trait]
impl Stage for SqliteStage {
    fn base(&self) -> Tx {
        self.base
    }

    async fn known(&mut self, owner: &str, after: &str, limit: u32) -> Result<Vec<FactMark>> {
        let mut c = self.shared.reader().await?;
        let (mut marks, mut after) = (Vec::new(), after.to_owned());
        loop {
            let (page, end) = sweep::marks(&mut c, &self.shared, self.base, owner, &after, limit).await?;
            marks.extend(page);
            match end {
                Some(end) if marks.len() < limit as usize => after = end,
                _ => return Ok(sweep::cut(marks, limit)),
            }
        }
    }

    async fn put(&mut self, change: Change) -> Result<()> {
        if !self.owners.contains(&change.key.owner) {
            let mut c = self.shared.reader().await?;
            if notes::wide(&mut c, &change.key.owner).await?.is_none() {
                return Err(Error::UnknownOwner(change.key.owner));
            }
            self.owners.insert(change.key.owner.clone());
        }
        self.pending_bytes += change.payload.as_ref().map_or(0, String::len) + change.key.entity.len();
        self.pending.push(change);
        let full = self.pending_bytes >= limits::STAGE_BYTES || self.pending.len() >= limits::STAGE_PUTS;
        if full { self.flush().await } else { Ok(()) }
    }

    async fn counts(&mut self) -> Result<ChangeCounts> {
        self.flush().await?;
        let tail = self.progress()?.get().await?;
        let counts = tail.counts;
        self.progress = Some(StageProgress::Here(tail));
        Ok(counts)
    }

    async fn seal(mut self: Box<Self>) -> Result<SealedStage> {
        // The unit that adopts has the turn: whoever waits for it now would wait for ever.
        self.ending.close();
        self.flush().await?;
        let tail = self.progress()?.get().await?;
        let (mut counts, mut tree) = (tail.counts, tail.batch.tree.clone());
        for prepared in &tail.unwritten {
            counts.add(prepared.counts);
            prepared.chunks.iter().flat_map(|chunk| &chunk.leaves).for_each(|leaf| Merkle::push(&mut tree, *leaf));
        }
        // Those whose puts changed nothing too: that they changed nothing may have been overtaken.
        let mut owners: Vec<String> = self.owners.iter().cloned().collect();
        owners.sort_unstable();
        let sealed = SealedStage { batch: self.batch, base: self.base, owners, counts, root: tree.root() };
        let mut tails = self.shared.tails.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        tails.insert(self.batch, *tail);
        drop(tails);
        Ok(sealed)
    }
}

impl Drop for SqliteStage {
    fn drop(&mut self) {
        self.ending.close();
        let sealed = {
            let tails = self.shared.tails.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            tails.contains_key(&self.batch)
        };
        if sealed {
            return;
        }
        let (shared, batch, progress) = (self.shared.clone(), self.batch, self.progress.take());
        // What cannot be removed now is removed by the next who begins a stage.
        self.runtime.spawn(async move {
            if let Some(progress) = progress {
                _ = progress.get().await;
            }
            _ = discard::abandon(&shared, batch).await;
        });
    }
}

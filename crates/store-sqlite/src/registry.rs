//! The registry in one SQLite file: opening, copying, and the calls of [`Registry`].

use crate::cache::Cache;
use crate::fault::fault;
use crate::log_map::LogMap;
use crate::options::{SqliteOptions, connection};
use crate::shared::Shared;
use crate::stage::SqliteStage;
use crate::turn::WriterTurns;
use crate::unit::SqliteUnit;
use crate::{
    audit, cases, changed, facts, identity_rows, jobs, keeper, limits, migration, notes, schema, subscriptions, sweep, verify,
};
use annuaire_base::fact::{Fact, FactVersion};
use annuaire_base::{LogIdentity, Tx};
use annuaire_store::case::{CaseFilter, CaseOrder, CaseStore, ListedCase};
use annuaire_store::identity::{IdentityRow, IdentityStore};
use annuaire_store::subscription::{
    DeliveryNote, NewEvents, SubscriptionEvent, SubscriptionHead, SubscriptionRow, SubscriptionStore, check_numbers,
};
use annuaire_store::{AuditFilter, AuditRow, Error, Job, OwnerRow, Queue, Registry, Result, Stage, Transaction, Unit};
use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection, SqlitePool};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// A registry in one SQLite file. It must be opened within a runtime of tokio that outlives it.
pub struct SqliteRegistry {
    shared: Arc<Shared>,
    closing: watch::Sender<bool>,
    keepers: Mutex<Vec<JoinHandle<()>>>,
}

fn writing(path: &Path, synchronous: SqliteSynchronous) -> SqliteConnectOptions {
    connection(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        // Copies are made by a task of their own.
        .pragma("wal_autocheckpoint", "0")
        .pragma("journal_size_limit", limits::WAL_COPY_BYTES.to_string())
        // What is withdrawn leaves no trace in free pages.
        .pragma("secure_delete", "ON")
        .pragma("cache_size", "-32768")
}

fn pool(options: SqliteConnectOptions, connections: u32) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(limits::PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(options)
}

impl SqliteRegistry {
    /// Opens the file, creating it when absent and bringing one of an earlier version forward: that is done beside the file, which is
    /// replaced at the end, so it may be interrupted at any instant.
    ///
    /// # Errors
    /// When the file cannot be opened, is cut, is not a registry, or was written by a later version of this program.
    pub async fn open(path: &Path, options: SqliteOptions) -> Result<Self> {
        let turns = WriterTurns::new(path);
        Self::prepare(path, &turns, &options).await?;
        let (commits, _) = watch::channel(Tx::NONE);
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            readers: pool(connection(path).pragma("query_only", "ON").pragma("cache_size", "-8192"), limits::READERS),
            writer: pool(writing(path, SqliteSynchronous::Full), 1),
            stager: pool(writing(path, SqliteSynchronous::Normal), 1),
            turns,
            log: LogMap::default(),
            cache: Cache::default(),
            commits,
            listed: Mutex::default(),
            tails: Mutex::default(),
            written: Arc::new(Notify::new()),
            erase: false.into(),
            entropy: options.entropy,
            now_ms: options.now_ms,
        });
        shared.refresh(&mut *shared.reader().await?).await?;
        let (closing, closed) = watch::channel(false);
        let watcher = connection(path).pragma("query_only", "ON").connect().await.map_err(fault)?;
        let copier = writing(path, SqliteSynchronous::Full).connect().await.map_err(fault)?;
        let keepers = vec![
            tokio::spawn(keeper::watch(Arc::downgrade(&shared), watcher, closed.clone())),
            tokio::spawn(keeper::checkpoints(Arc::downgrade(&shared), shared.written.clone(), copier, closed)),
        ];
        Ok(Self { shared, closing, keepers: Mutex::new(keepers) })
    }

    /// Makes the file one of this version.
    async fn prepare(path: &Path, turns: &WriterTurns, options: &SqliteOptions) -> Result<()> {
        // Looked at first without a turn: most files need no change.
        match Self::version(path).await {
            Ok(Some(schema::VERSION)) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(schema::whole(path).err().unwrap_or(error)),
        }
        let turn = turns.take().await?;
        match Self::version(path).await? {
            None => {
                let mut id = [0; 16];
                (options.entropy)(&mut id);
                let options = writing(path, SqliteSynchronous::Full).create_if_missing(true).page_size(schema::PAGE_BYTES);
                let mut c = options.connect().await.map_err(fault)?;
                schema::create(&mut c, u128::from_be_bytes(id)).await?;
                c.close().await.map_err(fault)?;
            }
            Some(schema::VERSION) => {}
            Some(version) if (schema::OLDEST_OF_CHUNKS..schema::VERSION).contains(&version) => {
                let mut c = writing(path, SqliteSynchronous::Full).connect().await.map_err(fault)?;
                schema::add_tables(&mut c, version).await?;
                c.close().await.map_err(fault)?;
            }
            Some(version) if (schema::OLDEST..schema::VERSION).contains(&version) => {
                migration::bring_forward(path, version, options).await?;
            }
            Some(version) => return Err(schema::unknown_version(path, version)),
        }
        drop(turn);
        Ok(())
    }

    async fn version(path: &Path) -> Result<Option<i64>> {
        if !path.exists() {
            return Ok(None);
        }
        let mut c = connection(path).connect().await.map_err(fault)?;
        let version = schema::version(&mut c).await?;
        schema::check_length(&mut c, path).await?;
        c.close().await.map_err(fault)?;
        Ok(version)
    }

    /// Writes a copy of the registry as of now to a file that does not exist yet; neither readers nor a writer wait. Returns the
    /// last transaction of the copy. The caller makes the copy durable (fsync).
    ///
    /// # Errors
    /// When the registry cannot be read or the copy cannot be written.
    pub async fn backup(&self, to: &Path) -> Result<Tx> {
        let name = to.to_str().ok_or_else(|| Error::Database(format!("{}: not a name in UTF-8", to.display())))?;
        // Copying the file would miss pages that are still in the write-ahead log. A connection of its own: the readers may only read.
        let mut c = connection(&self.shared.path).connect().await.map_err(fault)?;
        sqlx::query("VACUUM INTO ?").bind(name).execute(&mut c).await.map_err(fault)?;
        c.close().await.map_err(fault)?;
        let mut copy = connection(to).connect().await.map_err(fault)?;
        let last = changed::last_tx(&mut copy).await?;
        copy.close().await.map_err(fault)?;
        Ok(last)
    }

    /// Closes the file and merges the write-ahead log into it, so that none is left beside it. Calls after it fail.
    ///
    /// # Errors
    /// When the log cannot be merged.
    pub async fn close(&self) -> Result<()> {
        _ = self.closing.send(true);
        let keepers: Vec<JoinHandle<()>> =
            self.keepers.lock().unwrap_or_else(std::sync::PoisonError::into_inner).drain(..).collect();
        for keeper in keepers {
            keeper.await.map_err(|e| Error::Database(e.to_string()))?;
        }
        for pool in [&self.shared.readers, &self.shared.stager] {
            pool.close().await;
        }
        let turn = self.shared.turns.take().await?;
        self.shared.writer.close().await;
        // The last connection merges, unless another process still reads.
        let c = writing(&self.shared.path, SqliteSynchronous::Full).connect().await.map_err(fault)?;
        c.close().await.map_err(fault)?;
        drop(turn);
        Ok(())
    }

    async fn writer(&self) -> Result<(crate::turn::Turn, sqlx::pool::PoolConnection<sqlx::Sqlite>)> {
        let turn = self.shared.turns.take().await?;
        Ok((turn, self.shared.writer.acquire().await.map_err(fault)?))
    }
}

impl Drop for SqliteRegistry {
    fn drop(&mut self) {
        _ = self.closing.send(true);
    }
}

async fn identity(c: &mut SqliteConnection) -> Result<LogIdentity> {
    let (log, epoch): (Vec<u8>, u32) = sqlx::query_as("SELECT log, epoch FROM registry").fetch_one(c).await.map_err(fault)?;
    let id = log.try_into().map_err(|_| Error::Damaged("the identity of the log has another length".into()))?;
    Ok(LogIdentity { id: u128::from_be_bytes(id), epoch })
}

#[async_trait]
impl Registry for SqliteRegistry {
    async fn begin(&self) -> Result<Box<dyn Unit>> {
        Ok(Box::new(SqliteUnit::begin(self.shared.clone()).await?))
    }

    async fn stage(&self) -> Result<Box<dyn Stage>> {
        Ok(Box::new(SqliteStage::begin(self.shared.clone()).await?))
    }

    async fn log(&self) -> Result<LogIdentity> {
        identity(&mut *self.shared.reader().await?).await
    }

    async fn last_tx(&self) -> Result<Tx> {
        changed::last_tx(&mut *self.shared.reader().await?).await
    }

    fn commits(&self) -> watch::Receiver<Tx> {
        self.shared.commits.subscribe()
    }

    async fn transactions(&self, after: Tx, limit: u32) -> Result<Vec<Transaction>> {
        changed::transactions(&mut *self.shared.reader().await?, after, limit).await
    }

    async fn changed_entities(&self, tx: Tx, after: &str, limit: u32) -> Result<Vec<String>> {
        changed::changed_entities(&mut *self.shared.reader().await?, &self.shared, tx, after, limit).await
    }

    async fn withdrawn(&self, tx: Tx) -> Result<Vec<String>> {
        changed::withdrawn(&mut *self.shared.reader().await?, tx).await
    }

    async fn facts_at(&self, tx: Tx, entities: &[String]) -> Result<Vec<Fact>> {
        facts::facts_at(&mut *self.shared.reader().await?, &self.shared, tx, entities).await
    }

    async fn history(&self, tx: Tx, entities: &[String]) -> Result<Vec<FactVersion>> {
        facts::history(&mut *self.shared.reader().await?, &self.shared, tx, entities).await
    }

    async fn standing(&self, tx: Tx, after: &str, limit: u32) -> Result<(Vec<Fact>, Option<String>)> {
        sweep::standing(&mut *self.shared.reader().await?, &self.shared, tx, after, limit).await
    }

    async fn owners(&self) -> Result<Vec<OwnerRow>> {
        notes::owners(&mut *self.shared.reader().await?).await
    }

    async fn described_owners(&self) -> Result<Vec<OwnerRow>> {
        notes::described_owners(&mut *self.shared.reader().await?).await
    }

    async fn note(&self, kind: &str, key: &str) -> Result<Option<String>> {
        notes::note(&mut *self.shared.reader().await?, kind, key).await
    }

    async fn notes(&self, kind: &str, after: &str, limit: u32) -> Result<Vec<(String, String)>> {
        notes::notes(&mut *self.shared.reader().await?, kind, after, limit).await
    }

    async fn take_job(&self, queue: Queue, kinds: &[&str], now_ms: i64, lease_ms: i64) -> Result<Option<Job>> {
        // Looked for first without a turn: most of the time there is none.
        if jobs::due(&mut *self.shared.reader().await?, queue, kinds, now_ms).await?.is_none() {
            return Ok(None);
        }
        let (_turn, mut c) = self.writer().await?;
        match jobs::due(&mut c, queue, kinds, now_ms).await? {
            Some(id) => jobs::lease(&mut c, id, now_ms.saturating_add(lease_ms)).await.map(Some),
            None => Ok(None),
        }
    }

    async fn finish_job(&self, id: i64) -> Result<()> {
        let (_turn, mut c) = self.writer().await?;
        jobs::finish(&mut c, id).await
    }

    async fn retry_job(&self, id: i64, due_ms: i64, error: &str) -> Result<()> {
        let (_turn, mut c) = self.writer().await?;
        jobs::retry(&mut c, id, due_ms, error).await
    }

    async fn jobs(&self, queue: Queue, limit: u32) -> Result<Vec<Job>> {
        jobs::all(&mut *self.shared.reader().await?, queue, limit).await
    }

    async fn audit_trail(&self, after: u64, limit: u32) -> Result<Vec<AuditRow>> {
        audit::trail(&mut *self.shared.reader().await?, after, limit).await
    }

    async fn audit_of(&self, filter: &AuditFilter, before: Option<u64>, limit: u32) -> Result<Vec<AuditRow>> {
        audit::found(&mut *self.shared.reader().await?, filter, before, limit).await
    }

    async fn raise_epoch(&self) -> Result<LogIdentity> {
        let (_turn, mut c) = self.writer().await?;
        sqlx::query("UPDATE registry SET epoch = epoch + 1").execute(&mut *c).await.map_err(fault)?;
        identity(&mut c).await
    }

    async fn verify(&self) -> Result<Vec<String>> {
        verify::verify(&mut *self.shared.reader().await?).await
    }
}

#[async_trait]
impl SubscriptionStore for SqliteRegistry {
    async fn subscription(&self, id: &str) -> Result<Option<SubscriptionRow>> {
        subscriptions::one(&mut *self.shared.reader().await?, id).await
    }

    async fn subscription_heads(&self, owner: Option<&str>, after: &str, limit: u32) -> Result<Vec<SubscriptionHead>> {
        subscriptions::heads(&mut *self.shared.reader().await?, owner, after, limit).await
    }

    async fn subscription_events(&self, id: &str, first: u64, last: u64, limit: u32) -> Result<Vec<SubscriptionEvent>> {
        subscriptions::events(&mut *self.shared.reader().await?, id, first, last, limit).await
    }

    async fn store_events(&self, new: &[NewEvents], done: &[String], watermark: Tx) -> Result<Vec<String>> {
        check_numbers(new)?;
        let (_turn, mut c) = self.writer().await?;
        subscriptions::store(&mut c, new, done, watermark).await
    }

    async fn note_delivery(&self, note: &DeliveryNote) -> Result<bool> {
        let (_turn, mut c) = self.writer().await?;
        subscriptions::note_delivery(&mut c, note).await
    }

    async fn take_lease(&self, name: &str, holder: &str, now_ms: i64, until_ms: i64) -> Result<bool> {
        let (_turn, mut c) = self.writer().await?;
        subscriptions::take_lease(&mut c, name, holder, now_ms, until_ms).await
    }

    async fn end_lease(&self, name: &str, holder: &str) -> Result<()> {
        let (_turn, mut c) = self.writer().await?;
        subscriptions::end_lease(&mut c, name, holder).await
    }
}

#[async_trait]
impl CaseStore for SqliteRegistry {
    async fn cases(&self, filter: &CaseFilter, order: CaseOrder, offset: u32, limit: u32) -> Result<Vec<ListedCase>> {
        cases::page(&mut *self.shared.reader().await?, filter, order, offset, limit).await
    }

    async fn case_counts(&self, filter: &CaseFilter) -> Result<BTreeMap<String, u64>> {
        cases::counts(&mut *self.shared.reader().await?, filter).await
    }
}

#[async_trait]
impl IdentityStore for SqliteRegistry {
    async fn identity_row(&self, kind: &str, key: &str) -> Result<Option<IdentityRow>> {
        identity_rows::one(&mut *self.shared.reader().await?, kind, key).await
    }

    async fn identity_rows_at(&self, places: &[(&str, &str)]) -> Result<Vec<Option<IdentityRow>>> {
        identity_rows::at(&mut *self.shared.reader().await?, places).await
    }

    async fn identity_rows(&self, kind: &str, subject: Option<&str>, after: &str, limit: u32) -> Result<Vec<IdentityRow>> {
        identity_rows::page(&mut *self.shared.reader().await?, kind, subject, after, limit).await
    }

    async fn identity_rows_due(&self, kind: &str, until_ms: i64, limit: u32) -> Result<Vec<IdentityRow>> {
        identity_rows::due(&mut *self.shared.reader().await?, kind, until_ms, limit).await
    }

    async fn sweep_identity(&self, kinds: &[&str], until_ms: i64, limit: u32) -> Result<u64> {
        // Looked for first without a turn: most of the time there is nothing.
        if !identity_rows::any_over(&mut *self.shared.reader().await?, kinds, until_ms).await? {
            return Ok(0);
        }
        let (_turn, mut c) = self.writer().await?;
        let swept = identity_rows::sweep(&mut c, kinds, until_ms, limit).await?;
        self.shared.written.notify_one();
        Ok(swept)
    }
}

#[cfg(test)]
mod tests;

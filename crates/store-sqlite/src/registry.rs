//! The registry in one SQLite file: opening, copying, and the calls of [`Registry`].

use crate::fault::fault;
use crate::{read, schema, verify, write};
use annuaire_base::Tx;
use annuaire_store::columns::tx_read;
use annuaire_store::{Cause, CommitOutcome, Error, Object, Registry, Result, Transaction, Unit};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::path::Path;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// How long a writer waits for another one. The first load of a country takes minutes.
const PATIENCE: Duration = Duration::from_secs(600);

/// A registry in one SQLite file.
pub struct SqliteRegistry {
    runtime: Runtime,
    connection: SqliteConnection,
}

impl SqliteRegistry {
    /// Opens the file, creating it when absent.
    ///
    /// # Errors
    /// When the file cannot be opened, is not a registry, or was written by a later version of this program.
    pub fn open(path: &Path) -> Result<Self> {
        let runtime = Builder::new_current_thread().build().map_err(|e| Error::Database(e.to_string()))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .page_size(schema::PAGE_BYTES)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(PATIENCE)
            .pragma("cache_size", "-65536");
        let mut connection = runtime.block_on(options.connect()).map_err(fault)?;
        runtime.block_on(schema::ensure(&mut connection, path))?;
        Ok(Self { runtime, connection })
    }

    /// Writes a copy of the registry as of now to a file that does not exist yet; neither readers nor a writer wait. Returns the
    /// last transaction of the copy. The caller makes the copy durable (fsync).
    ///
    /// # Errors
    /// When the registry cannot be read or the copy cannot be written.
    pub fn backup(&mut self, to: &Path) -> Result<Tx> {
        let name = to.to_str().ok_or_else(|| Error::Database(format!("{}: not a name in UTF-8", to.display())))?;
        // Copying the file would miss pages that are still in the write-ahead log of another process.
        self.runtime.block_on(sqlx::query("VACUUM INTO ?").bind(name).execute(&mut self.connection)).map_err(fault)?;
        let mut copy = Self::open(to)?;
        let last = copy.last_tx()?;
        copy.close()?;
        Ok(last)
    }

    /// Closes the file and merges the write-ahead log into it, so that none is left beside it.
    ///
    /// # Errors
    /// When the log cannot be merged.
    pub fn close(self) -> Result<()> {
        self.runtime.block_on(self.connection.close()).map_err(fault)
    }
}

impl SqliteRegistry {
    /// Changes the journal mode. Fails while another process has the file open.
    fn journal(&mut self, mode: &str) -> Result<()> {
        let sql = format!("PRAGMA journal_mode = {mode}");
        let query = sqlx::query_scalar(&sql).persistent(false);
        let now: String = self.runtime.block_on(query.fetch_one(&mut self.connection)).map_err(fault)?;
        if now.eq_ignore_ascii_case(mode) { Ok(()) } else { Err(Error::Database(format!("the journal stays {now}"))) }
    }

    fn write(&mut self, cause: Cause<'_>, write: &mut dyn FnMut(&mut dyn Unit) -> Result<()>) -> Result<CommitOutcome> {
        let transaction = self.runtime.block_on(self.connection.begin_with("BEGIN IMMEDIATE")).map_err(fault)?;
        let mut unit = write::SqliteUnit::begin(&self.runtime, transaction)?;
        // Dropping the unit on an error rolls everything back.
        write(&mut unit)?;
        unit.commit(cause)
    }
}

impl Registry for SqliteRegistry {
    fn commit(&mut self, cause: Cause<'_>, write: &mut dyn FnMut(&mut dyn Unit) -> Result<()>) -> Result<CommitOutcome> {
        // With a write-ahead log every page of a first load would be written twice. Pages of an empty file need no journal.
        let first = self.last_tx()? == Tx::NONE && self.journal("DELETE").is_ok();
        let done = self.write(cause, write);
        if first {
            self.journal("WAL")?;
        }
        done
    }

    fn last_tx(&mut self) -> Result<Tx> {
        let query = sqlx::query_scalar("SELECT coalesce(max(tx), 0) FROM log_tx");
        self.runtime.block_on(query.fetch_one(&mut self.connection)).map(tx_read).map_err(fault)
    }

    fn transactions(&mut self, after: Tx) -> Result<Vec<Transaction>> {
        self.runtime.block_on(read::transactions(&mut self.connection, after)).map_err(fault)
    }

    fn changed_entities(&mut self, tx: Tx, after: &str, limit: u32) -> Result<Vec<String>> {
        self.runtime.block_on(read::changed_entities(&mut self.connection, tx, after, limit)).map_err(fault)
    }

    fn objects_at(&mut self, tx: Tx, entities: &[String]) -> Result<Vec<Object>> {
        self.runtime.block_on(read::objects_at(&mut self.connection, tx, entities)).map_err(fault)
    }

    fn standing(&mut self, tx: Tx, after: &str, limit: u32) -> Result<(Vec<Object>, Option<String>)> {
        self.runtime.block_on(read::standing(&mut self.connection, tx, after, limit)).map_err(fault)
    }

    fn note(&mut self, kind: &str, key: &str) -> Result<Option<String>> {
        self.runtime.block_on(read::note(&mut self.connection, kind, key)).map_err(fault)
    }

    fn notes(&mut self, kind: &str, after: &str, limit: u32) -> Result<Vec<(String, String)>> {
        self.runtime.block_on(read::notes(&mut self.connection, kind, after, limit)).map_err(fault)
    }

    fn verify(&mut self) -> Result<Vec<String>> {
        self.runtime.block_on(verify::verify(&mut self.connection)).map_err(fault)
    }
}

#[cfg(test)]
mod tests;

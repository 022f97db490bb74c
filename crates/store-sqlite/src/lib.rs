//! Registry store on embedded SQLite: one file, one writer, write-ahead log, full synchronisation.

mod read;
mod schema;
mod verify;
mod write;

use annuaire_base::Tx;
use annuaire_store::{Cause, CommitOutcome, Error, Object, Registry, Result, Transaction, Unit};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::path::Path;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// How long one waits for another that writes; the first load of a country takes minutes.
const PATIENCE: Duration = Duration::from_secs(600);

fn fault(e: sqlx::Error) -> Error {
    use sqlx::Error::{ColumnDecode, Database, Decode, Protocol};
    // SQLITE_CORRUPT and SQLITE_NOTADB, the low byte of finer codes; and values that are not of their type.
    let code = match &e {
        Database(d) => d.code().and_then(|code| code.parse::<u32>().ok()).map_or(0, |code| code & 0xff),
        _ => 0,
    };
    match &e {
        Database(_) if matches!(code, 11 | 26) => Error::Damaged(e.to_string()),
        // SQLITE_IOERR and SQLITE_FULL.
        Database(_) if matches!(code, 10 | 13) => Error::Database(format!(
            "{e}: its disk is full or failing; what was under way left no trace, run it again once there is room"
        )),
        ColumnDecode { .. } | Decode(_) | Protocol(_) => Error::Damaged(e.to_string()),
        _ => Error::Database(e.to_string()),
    }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// A transaction number as the databases keep it.
fn tx_column(tx: Tx) -> i64 {
    signed(tx.get())
}

/// Reads [`tx_column`] back.
fn tx_read(column: i64) -> Tx {
    Tx::new(unsigned(column))
}

/// A JSON array of texts: how a statement takes any number of keys.
fn json_list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::from("[");
    for text in texts {
        if out.len() > 1 {
            out.push(',');
        }
        out.push('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
                c => out.push(c),
            }
        }
        out.push('"');
    }
    out.push(']');
    out
}

/// A registry in one SQLite file.
pub struct SqliteRegistry {
    runtime: Runtime,
    connection: SqliteConnection,
}

impl SqliteRegistry {
    /// Opens the file, creating it when absent.
    ///
    /// # Errors
    /// When the file cannot be opened, is no registry, or is one of another version of this program.
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

    /// Writes a whole copy of the registry, as it is at this moment, to a file that does not exist yet; neither readers nor a
    /// writer wait. Returns the last transaction of the copy. Making it durable is left to the caller.
    ///
    /// # Errors
    /// When the registry cannot be read or the copy cannot be written.
    pub fn backup(&mut self, to: &Path) -> Result<Tx> {
        let name = to.to_str().ok_or_else(|| Error::Database(format!("{}: not a name in UTF-8", to.display())))?;
        // Not a copy of the file: its last pages may still be in the write-ahead log of another process.
        self.runtime.block_on(sqlx::query("VACUUM INTO ?").bind(name).execute(&mut self.connection)).map_err(fault)?;
        let mut copy = Self::open(to)?;
        let last = copy.last_tx()?;
        copy.close()?;
        Ok(last)
    }

    /// Closes the file and waits for it, so that no write-ahead log is left beside it.
    ///
    /// # Errors
    /// When the log cannot be brought into the file.
    pub fn close(self) -> Result<()> {
        self.runtime.block_on(self.connection.close()).map_err(fault)
    }
}

impl SqliteRegistry {
    /// Changes the journal; impossible while another process has the file open.
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
        // A first load would go through the write-ahead log whole and then be copied: new pages need no log at all.
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

//! Tables, their version, and the way from earlier versions.

use crate::fault::fault;
use annuaire_store::{Error, Result};
use sqlx::{Connection, SqliteConnection};
use std::path::Path;

/// Bytes of a page of the file. A row of the log takes some hundred bytes; larger pages make a shallower tree.
pub(crate) const PAGE_BYTES: u32 = 8_192;

/// Raised whenever the tables change their meaning (`PRAGMA user_version`).
const VERSION: i64 = 3;

// Both tables are ordered as imports write them, so that a first load appends. An ended object keeps its row in `object`: `tx`
// and `prev` lead from there through all its versions, and no other index is needed.
const TABLES: &str = "
CREATE TABLE log_tx(tx INTEGER PRIMARY KEY, commit_ms INTEGER NOT NULL, author TEXT NOT NULL, reason TEXT NOT NULL,
    changes INTEGER NOT NULL);
CREATE TABLE log_entry(tx INTEGER NOT NULL, source TEXT NOT NULL, entity TEXT NOT NULL, prev INTEGER, payload TEXT,
    PRIMARY KEY(tx, source, entity)) WITHOUT ROWID;
CREATE TABLE object(source TEXT NOT NULL, entity TEXT NOT NULL, tx INTEGER NOT NULL, ended INTEGER NOT NULL, digest BLOB,
    PRIMARY KEY(source, entity)) WITHOUT ROWID;
CREATE TABLE note(kind TEXT NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID;
";

/// The step from version 2 to version 3: the table of deliveries becomes one of notes of any kind.
const FROM_2: &str = "
CREATE TABLE note(kind TEXT NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID;
INSERT INTO note(kind, key, text) SELECT 'source', source, json FROM delivery;
DROP TABLE delivery;
";

/// Checksums of transactions: nothing else would reveal a byte that the disk changed in an old version. The table is created
/// apart from the others, since a registry of an earlier program has no checksum for its first transactions.
pub(crate) const SUMS: &str = "CREATE TABLE IF NOT EXISTS log_sum(tx INTEGER PRIMARY KEY, sum INTEGER NOT NULL)";

/// The term that a row of the log adds to the checksum of its transaction. The sum wraps, so rows may come in any order.
pub(crate) fn row_sum(source: &str, entity: &str, prev: Option<i64>, payload: Option<&str>) -> i64 {
    let mut row = Vec::with_capacity(source.len() + entity.len() + payload.map_or(0, str::len) + 12);
    for text in [source, entity] {
        row.extend_from_slice(text.as_bytes());
        row.push(0);
    }
    row.extend(prev.unwrap_or(-1).to_le_bytes());
    row.push(u8::from(payload.is_some()));
    row.extend_from_slice(payload.unwrap_or_default().as_bytes());
    xxhash_rust::xxh3::xxh3_64(&row).cast_signed()
}

/// Creates the tables of an empty file, brings those of an earlier version forward and refuses those of a later one.
pub(crate) async fn ensure(c: &mut SqliteConnection, path: &Path) -> Result<()> {
    // Checked first without a lock: an import holds the writer's lock for minutes, and most files need no change.
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *c).await.map_err(fault)?;
    if version == VERSION {
        return Ok(());
    }
    let mut t = c.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *t).await.map_err(fault)?;
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_master").fetch_one(&mut *t).await.map_err(fault)?;
    let step = match (version, tables) {
        (VERSION, _) => return Ok(()),
        (0, 0) => TABLES,
        (2, _) => FROM_2,
        _ => {
            return Err(Error::Database(format!(
                "{} is a registry of version {version} and this program reads versions 2 to {VERSION}: use the program that wrote it, or a later one",
                path.display()
            )));
        }
    };
    sqlx::raw_sql(step).execute(&mut *t).await.map_err(fault)?;
    sqlx::raw_sql(&format!("PRAGMA user_version = {VERSION}")).execute(&mut *t).await.map_err(fault)?;
    t.commit().await.map_err(fault)
}

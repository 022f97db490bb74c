//! Tables, and the version of a file.

use crate::fault::fault;
use crate::{audit, cases, identity_rows, notes, subscriptions};
use annuaire_store::{Error, Result};
use sqlx::{Connection, SqliteConnection};
use std::path::Path;

/// Bytes of a page of the file.
pub(crate) const PAGE_BYTES: u32 = 8_192;

/// Raised whenever the tables change their meaning (`PRAGMA user_version`).
pub(crate) const VERSION: i64 = 9;

/// The oldest version that is brought forward.
pub(crate) const OLDEST: i64 = 2;

/// The oldest version whose log is made of chunks: it lacks tables and indexes only, which are added in place.
pub(crate) const OLDEST_OF_CHUNKS: i64 = 4;

/// Tables and indexes that were added, each with the version that had them first.
const ADDED: [(i64, &str); 5] =
    [(5, subscriptions::TABLES), (6, identity_rows::TABLES), (7, cases::TABLES), (8, audit::INDEXES), (9, notes::DESCRIBED)];

// `chunk` says where the rows of the log are, `chunk_data` holds them. The two are apart, so that the first is read without the second.
//
// A chunk with `base` = 1 needs no index: the base chunks of one owner do not overlap, so a binary search finds the one that may
// name an entity. Rows of all other chunks are in `version`. A first load therefore writes no index at all.
//
// `wide` owners are those of files: they are asked about every entity. Which other owners (a person, a structure) say something of an entity
// is in `entity_owner`.
const TABLES: &str = "
CREATE TABLE registry(one INTEGER PRIMARY KEY CHECK (one = 1), log BLOB NOT NULL, epoch INTEGER NOT NULL, next_batch INTEGER NOT NULL);
CREATE TABLE log_tx(tx INTEGER PRIMARY KEY, batch INTEGER NOT NULL UNIQUE, commit_ms INTEGER NOT NULL, actor TEXT NOT NULL, authority TEXT,
    request TEXT, channel TEXT NOT NULL, basis TEXT, reason TEXT NOT NULL, changes INTEGER NOT NULL, withdrawals INTEGER NOT NULL,
    bases INTEGER NOT NULL, root BLOB NOT NULL, digest BLOB NOT NULL);
CREATE TABLE log_owner(owner TEXT NOT NULL, tx INTEGER NOT NULL, PRIMARY KEY(owner, tx)) WITHOUT ROWID;
CREATE TABLE chunk(id INTEGER PRIMARY KEY, owner TEXT NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL, rows INTEGER NOT NULL,
    base INTEGER NOT NULL);
CREATE INDEX chunk_base ON chunk(owner, first, last) WHERE base = 1;
CREATE TABLE chunk_data(id INTEGER PRIMARY KEY, keys BLOB NOT NULL, contents BLOB NOT NULL);
CREATE TABLE version(owner TEXT NOT NULL, entity TEXT NOT NULL, facet TEXT NOT NULL, chunk INTEGER NOT NULL,
    PRIMARY KEY(owner, entity, facet, chunk)) WITHOUT ROWID;
CREATE TABLE entity_owner(entity TEXT NOT NULL, owner TEXT NOT NULL, PRIMARY KEY(entity, owner)) WITHOUT ROWID;
CREATE TABLE owner(code TEXT PRIMARY KEY, description TEXT NOT NULL, wide INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE withdrawal(tx INTEGER NOT NULL, entity TEXT NOT NULL, PRIMARY KEY(tx, entity)) WITHOUT ROWID;
CREATE TABLE withheld(entity TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE note(kind TEXT NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID;
CREATE TABLE job(id INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
    due_ms INTEGER NOT NULL, payload TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, taken INTEGER NOT NULL DEFAULT 0, tx INTEGER,
    error TEXT);
CREATE INDEX job_due ON job(queue, due_ms);
CREATE INDEX job_key ON job(kind, key) WHERE key <> '';
CREATE TABLE audit(number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, tx INTEGER, actor TEXT NOT NULL, event TEXT NOT NULL,
    object TEXT NOT NULL, request TEXT, detail TEXT NOT NULL, hash BLOB NOT NULL);
";

/// Chunks that a batch may have: its number and that of a chunk are one integer, so that chunks stand in the order in which they came.
const CHUNKS_OF_A_BATCH: i64 = 1 << 20;

/// The key of a chunk.
pub(crate) fn chunk_id(batch: u64, number: u64) -> Result<i64> {
    let key = |(batch, number): (i64, i64)| {
        batch.checked_mul(CHUNKS_OF_A_BATCH)?.checked_add(number).filter(|_| number < CHUNKS_OF_A_BATCH)
    };
    i64::try_from(batch)
        .ok()
        .zip(i64::try_from(number).ok())
        .and_then(key)
        .ok_or_else(|| Error::Rejected("one transaction cannot hold so much: import the files one by one".into()))
}

/// Reads the batch of [`chunk_id`] back.
pub(crate) fn batch_of(id: i64) -> u64 {
    u64::try_from(id / CHUNKS_OF_A_BATCH).unwrap_or(0)
}

/// Keys of all chunks of a batch: from the first, below the second.
pub(crate) fn chunks_of(batch: u64) -> (i64, i64) {
    let first = i64::try_from(batch).unwrap_or(i64::MAX).saturating_mul(CHUNKS_OF_A_BATCH);
    (first, first.saturating_add(CHUNKS_OF_A_BATCH))
}

/// The version of a file; `None` for an empty one.
pub(crate) async fn version(c: &mut SqliteConnection) -> Result<Option<i64>> {
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *c).await.map_err(fault)?;
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_master").fetch_one(&mut *c).await.map_err(fault)?;
    Ok((version != 0 || tables != 0).then_some(version))
}

/// The refusal of a version that this program does not read.
pub(crate) fn unknown_version(path: &Path, version: i64) -> Error {
    Error::Database(format!(
        "{} is a registry of version {version} and this program reads versions {OLDEST} to {VERSION}: use the program that wrote it, or a later one",
        path.display()
    ))
}

/// Creates the tables of an empty file.
pub(crate) async fn create(c: &mut SqliteConnection, log: u128) -> Result<()> {
    let mut t = c.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
    create_tables(&mut t).await?;
    sqlx::query("INSERT INTO registry(one, log, epoch, next_batch) VALUES (1, ?, 0, 1)")
        .bind(log.to_be_bytes().to_vec())
        .execute(&mut *t)
        .await
        .map_err(fault)?;
    sqlx::raw_sql(&format!("PRAGMA user_version = {VERSION}")).execute(&mut *t).await.map_err(fault)?;
    t.commit().await.map_err(fault)
}

/// Creates all tables, in a transaction of the caller.
pub(crate) async fn create_tables(c: &mut SqliteConnection) -> Result<()> {
    for tables in std::iter::once(TABLES).chain(ADDED.map(|(_, tables)| tables)) {
        sqlx::raw_sql(tables).execute(&mut *c).await.map_err(fault)?;
    }
    Ok(())
}

/// Gives a file of version [`OLDEST_OF_CHUNKS`] or later the tables that came after `version`, in one transaction.
pub(crate) async fn add_tables(c: &mut SqliteConnection, version: i64) -> Result<()> {
    let mut t = c.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
    for (_, tables) in ADDED.iter().filter(|(first, _)| *first > version) {
        sqlx::raw_sql(tables).execute(&mut *t).await.map_err(fault)?;
    }
    sqlx::raw_sql(&format!("PRAGMA user_version = {VERSION}")).execute(&mut *t).await.map_err(fault)?;
    t.commit().await.map_err(fault)
}

/// Refuses a file that is shorter than it says, before a query fails somewhere in it. SQLite itself notices whole pages only.
pub(crate) async fn check_length(c: &mut SqliteConnection, path: &Path) -> Result<()> {
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut *c).await.map_err(fault)?;
    let page: i64 = sqlx::query_scalar("PRAGMA page_size").fetch_one(&mut *c).await.map_err(fault)?;
    let announced = u64::try_from(pages.saturating_mul(page)).unwrap_or(0);
    // Pages that are in the write-ahead log may be missing from the file. The file is looked at last: what left the log is in it.
    let wal = std::fs::metadata(beside(path, "-wal")).map_or(0, |m| m.len());
    let bytes = std::fs::metadata(path).map_or(u64::MAX, |m| m.len());
    if wal == 0 && bytes < announced { Err(cut(path, bytes, announced)) } else { Ok(()) }
}

fn cut(path: &Path, bytes: u64, announced: u64) -> Error {
    Error::Damaged(format!("{} is cut: it has {bytes} of {announced} bytes", path.display()))
}

/// Refuses a file that is shorter than it says. For a file that SQLite cannot read, and no other: closing it releases all locks that this
/// process has on it (fcntl), also those of a registry that is open. Another process would then take itself for the last one, remove the
/// write-ahead log, and this one would go on with the removed log and never see a commit again.
pub(crate) fn whole(path: &Path) -> Result<()> {
    use std::io::Read;
    let unread = |e: std::io::Error| Error::Database(format!("{}: {e}", path.display()));
    let Ok(mut file) = std::fs::File::open(path) else { return Ok(()) };
    let bytes = file.metadata().map_err(unread)?.len();
    let wal = std::fs::metadata(beside(path, "-wal")).map_or(0, |m| m.len());
    let mut head = [0; 32];
    // Pages that are in the write-ahead log may be missing from the file.
    if bytes == 0 || wal > 0 {
        return Ok(());
    }
    let announced = match file.read_exact(&mut head) {
        Ok(()) if head.starts_with(b"SQLite format 3\0") => {
            let page = u64::from(u16::from_be_bytes([head[16], head[17]]));
            u64::from(u32::from_be_bytes([head[28], head[29], head[30], head[31]])) * if page == 1 { 65_536 } else { page }
        }
        Ok(()) => return Ok(()),
        Err(_) => 100,
    };
    if bytes < announced { Err(cut(path, bytes, announced)) } else { Ok(()) }
}

/// The name of a file beside the registry.
pub(crate) fn beside(path: &Path, ending: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

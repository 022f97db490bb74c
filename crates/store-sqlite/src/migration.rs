//! Bringing a registry of version 2 or 3 forward. (One of version 4 or later lacks tables and indexes only: [`crate::schema`] adds them in place.)
//!
//! The new registry is written beside the old one, in one transaction of which nothing is seen, and takes its place at the end: a program
//! that is killed meanwhile begins again, and the old file is untouched until then. The log is read in its order, some thousand rows at a
//! time.

use crate::batch::{self, Batch};
use crate::fault::fault;
use crate::options::{SqliteOptions, connection};
use crate::schema::{PAGE_BYTES, VERSION, beside};
use crate::{limits, schema};
use annuaire_base::fact::{FactKey, Publication};
use annuaire_store::backend;
use annuaire_store::columns::{signed, unsigned};
use annuaire_store::proof::Hash;
use annuaire_store::{Change, Channel, Error, Result};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::fs::File;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// Replaces the file by a registry of this version that says the same. The caller has the turn of writers.
pub(crate) async fn bring_forward(path: &Path, version: i64, options: &SqliteOptions) -> Result<()> {
    alone(path).await?;
    let new = beside(path, "-migration");
    match std::fs::remove_file(&new) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed(&new, &e)),
        _ => {}
    }
    let old = path.to_str().ok_or_else(|| Error::Database(format!("{}: not a name in UTF-8", path.display())))?;
    let mut c = SqliteConnectOptions::new()
        .filename(&new)
        .create_if_missing(true)
        .page_size(PAGE_BYTES)
        // Nobody reads it before it is whole.
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off)
        .pragma("cache_size", "-65536")
        .disable_statement_logging()
        .connect()
        .await
        .map_err(fault)?;
    sqlx::query("ATTACH ? AS old").bind(old).execute(&mut c).await.map_err(fault)?;
    // Other programs may read the old file, and not write it.
    sqlx::query("BEGIN IMMEDIATE").execute(&mut c).await.map_err(fault)?;
    schema::create_tables(&mut c).await?;
    let mut id = [0; 16];
    (options.entropy)(&mut id);
    let query = sqlx::query("INSERT INTO registry(one, log, epoch, next_batch) VALUES (1, ?, 0, 1)").bind(id.to_vec());
    query.execute(&mut c).await.map_err(fault)?;
    let notes = match version {
        2 => "INSERT INTO note(kind, key, text) SELECT 'source', source, json FROM old.delivery",
        _ => "INSERT INTO note(kind, key, text) SELECT kind, key, text FROM old.note",
    };
    sqlx::raw_sql(notes).execute(&mut c).await.map_err(fault)?;
    sqlx::raw_sql("INSERT INTO owner(code, description) SELECT DISTINCT source, '' FROM old.object")
        .execute(&mut c)
        .await
        .map_err(fault)?;
    log(&mut c, options).await?;
    sqlx::raw_sql(&format!("COMMIT; DETACH old; PRAGMA user_version = {VERSION}")).execute(&mut c).await.map_err(fault)?;
    c.close().await.map_err(fault)?;
    File::open(&new).and_then(|file| file.sync_all()).map_err(|e| failed(&new, &e))?;
    std::fs::rename(&new, path).map_err(|e| failed(path, &e))?;
    let place = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(place).and_then(|place| place.sync_all()).map_err(|e| failed(place, &e))
}

fn failed(path: &Path, e: &std::io::Error) -> Error {
    Error::Database(format!("{}: {e}", path.display()))
}

/// Leaves the write-ahead mode, which merges what is still in the log, and is refused while another program has the file open.
async fn alone(path: &Path) -> Result<()> {
    let mut c = connection(path).busy_timeout(std::time::Duration::from_secs(2)).connect().await.map_err(fault)?;
    let mode: sqlx::Result<String> = sqlx::query_scalar("PRAGMA journal_mode = DELETE").persistent(false).fetch_one(&mut c).await;
    c.close().await.map_err(fault)?;
    match mode {
        Ok(mode) if mode.eq_ignore_ascii_case("delete") => Ok(()),
        Err(e) if !e.to_string().contains("locked") => Err(fault(e)),
        _ => Err(Error::Database(format!(
            "{} is of an earlier version, and another program has it open: stop that program, then this one brings it forward",
            path.display()
        ))),
    }
}

/// A row of the former log: source, entity, transaction of the version before, payload, fingerprint of the last version.
type FormerRow = (String, String, Option<i64>, Option<String>, Option<Vec<u8>>);

async fn log(c: &mut SqliteConnection, options: &SqliteOptions) -> Result<()> {
    let summed: bool = sqlx::query_scalar("SELECT count(*) FROM old.sqlite_master WHERE name = 'log_sum'")
        .fetch_one(&mut *c)
        .await
        .map_err(fault)?;
    let mut tx = 0;
    loop {
        let row: Option<(i64, i64, String, String, i64)> =
            sqlx::query_as("SELECT tx, commit_ms, author, reason, changes FROM old.log_tx WHERE tx > ? ORDER BY tx LIMIT 1")
                .bind(tx)
                .fetch_optional(&mut *c)
                .await
                .map_err(fault)?;
        let Some((next, commit_ms, author, reason, changes)) = row else { return Ok(()) };
        if next != tx + 1 {
            return Err(Error::Damaged(format!("transaction {} is missing from the log", tx + 1)));
        }
        tx = next;
        let (batch, sum) = rows(c, tx, options).await?;
        let written: Option<i64> = match summed {
            true => sqlx::query_scalar("SELECT sum FROM old.log_sum WHERE tx = ?")
                .bind(tx)
                .fetch_optional(&mut *c)
                .await
                .map_err(fault)?,
            false => None,
        };
        if written.is_some_and(|written| written != sum) {
            return Err(Error::Damaged(format!("what transaction {tx} said is not what was written")));
        }
        if batch.rows != unsigned(changes) {
            return Err(Error::Damaged(format!("transaction {tx} announces {changes} changes and has {}", batch.rows)));
        }
        sqlx::query(
            "INSERT INTO log_tx(tx, batch, commit_ms, actor, channel, reason, changes, withdrawals, bases, root, digest)
                VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)",
        )
        .bind(tx)
        .bind(signed(batch.number))
        .bind(commit_ms)
        .bind(author)
        .bind(Channel::Import.to_string())
        .bind(reason)
        .bind(changes)
        .bind(signed(batch.bases))
        .bind(batch.tree.root().to_vec())
        .bind(Hash::default().to_vec())
        .execute(&mut *c)
        .await
        .map_err(fault)?;
        for owner in batch.owners.keys() {
            let query = sqlx::query("INSERT INTO log_owner(owner, tx) VALUES (?, ?)").bind(owner).bind(tx);
            query.execute(&mut *c).await.map_err(fault)?;
        }
    }
}

/// Writes the rows of a transaction as a batch; returns the checksum that the former program would give them.
async fn rows(c: &mut SqliteConnection, tx: i64, options: &SqliteOptions) -> Result<(Batch, i64)> {
    let mut batch = Batch::new(batch::next_number(c).await?, true);
    let (mut sum, mut source, mut entity) = (0_i64, String::new(), String::new());
    loop {
        let rows: Vec<FormerRow> = sqlx::query_as(
            "SELECT l.source, l.entity, l.prev, l.payload, (SELECT o.digest FROM old.object o
                    WHERE o.source = l.source AND o.entity = l.entity AND o.tx = l.tx)
                FROM old.log_entry l WHERE l.tx = ? AND (l.source, l.entity) > (?, ?) ORDER BY l.source, l.entity LIMIT ?",
        )
        .bind(tx)
        .bind(&source)
        .bind(&entity)
        .bind(limits::MIGRATED_TOGETHER)
        .fetch_all(&mut *c)
        .await
        .map_err(fault)?;
        let Some(last) = rows.last() else { return Ok((batch, sum)) };
        (source, entity) = (last.0.clone(), last.1.clone());
        let mut changes = Vec::with_capacity(rows.len());
        for (owner, entity, prev, payload, digest) in rows {
            sum = sum.wrapping_add(row_sum(&owner, &entity, prev, payload.as_deref()));
            let publication = if (options.open)(&owner) { Publication::Open } else { Publication::Restricted };
            let fingerprint = digest.as_deref().map_or(0, fingerprint);
            changes.push(Change { key: FactKey { owner, entity, facet: String::new() }, payload, publication, fingerprint });
        }
        let entropy = options.entropy.clone();
        let made = tokio::task::spawn_blocking(move || backend::chunks(backend::rows(changes, &entropy))).await;
        batch.write(c, &made.map_err(|e| Error::Database(e.to_string()))??).await?;
    }
}

/// The low half of a former fingerprint.
fn fingerprint(digest: &[u8]) -> u64 {
    digest.last_chunk::<8>().map_or(0, |low| u64::from_be_bytes(*low))
}

/// The term that a row added to the checksum of its transaction.
fn row_sum(source: &str, entity: &str, prev: Option<i64>, payload: Option<&str>) -> i64 {
    let mut row = Vec::with_capacity(source.len() + entity.len() + payload.map_or(0, str::len) + 12);
    for text in [source, entity] {
        row.extend_from_slice(text.as_bytes());
        row.push(0);
    }
    row.extend(prev.unwrap_or(-1).to_le_bytes());
    row.push(u8::from(payload.is_some()));
    row.extend_from_slice(payload.unwrap_or_default().as_bytes());
    xxh3_64(&row).cast_signed()
}

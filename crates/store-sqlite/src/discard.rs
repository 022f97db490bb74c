//! Removing and rewriting chunks, and the job that discards a stage that nobody adopted.

use crate::batch::pairs;
use crate::cache::place;
use crate::fault::fault;
use crate::schema::chunks_of;
use crate::shared::Shared;
use crate::{jobs, limits};
use annuaire_store::chunk::{Encoded, Keys};
use annuaire_store::columns::signed;
use annuaire_store::{NewJob, Queue, Result};
use sqlx::SqliteConnection;

/// Kind of the job that discards a stage; its key is the number of the batch.
const KIND: &str = "discard-stage";

/// The job that discards a stage, unless a living stage moves it.
pub(crate) fn job(batch: u64, now_ms: i64) -> NewJob {
    NewJob {
        queue: Queue::Work,
        kind: KIND.to_owned(),
        key: batch.to_string(),
        due_ms: now_ms.saturating_add(limits::STAGE_LEASE_MS),
        payload: "{}".to_owned(),
    }
}

/// Moves the job of a living stage; false when the stage was discarded.
pub(crate) async fn renew(c: &mut SqliteConnection, batch: u64, due_ms: i64) -> Result<bool> {
    let query = sqlx::query("UPDATE job SET due_ms = ? WHERE kind = ? AND key = ? AND taken = 0");
    let done = query.bind(due_ms).bind(KIND).bind(batch.to_string()).execute(c).await.map_err(fault)?;
    Ok(done.rows_affected() > 0)
}

/// Removes the job of a stage; false when the stage was discarded.
pub(crate) async fn forget(c: &mut SqliteConnection, batch: u64) -> Result<bool> {
    let query = sqlx::query("DELETE FROM job WHERE kind = ? AND key = ? AND taken = 0");
    let done = query.bind(KIND).bind(batch.to_string()).execute(c).await.map_err(fault)?;
    Ok(done.rows_affected() > 0)
}

/// Removes rows (`pairs`) of a chunk from the index.
pub(crate) async fn unindex(c: &mut SqliteConnection, owner: &str, id: i64, pairs: &str) -> Result<()> {
    sqlx::query(
        "DELETE FROM version WHERE (owner, entity, facet, chunk) IN (SELECT ?1, value ->> 0, value ->> 1, ?2 FROM json_each(?3))",
    )
    .bind(owner)
    .bind(id)
    .bind(pairs)
    .execute(c)
    .await
    .map(|_| ())
    .map_err(fault)
}

/// Removes a chunk whose rows are out of the index already; returns 1 for a base chunk.
pub(crate) async fn remove(c: &mut SqliteConnection, id: i64) -> Result<u64> {
    sqlx::query("DELETE FROM chunk_data WHERE id = ?").bind(id).execute(&mut *c).await.map_err(fault)?;
    let query = sqlx::query_scalar("DELETE FROM chunk WHERE id = ? RETURNING base");
    let base: Option<i64> = query.bind(id).fetch_optional(c).await.map_err(fault)?;
    Ok(u64::from(base == Some(1)))
}

/// The keys of a chunk as the file has it, and its compressed contents.
pub(crate) async fn read(c: &mut SqliteConnection, id: i64) -> Result<(Keys, Vec<u8>)> {
    let query = sqlx::query_as("SELECT keys, contents FROM chunk_data WHERE id = ?").bind(id);
    let (keys, contents): (Vec<u8>, Vec<u8>) = query.fetch_one(c).await.map_err(fault)?;
    Ok((Keys::read(&keys).map_err(|e| e.at(place(id)))?, contents))
}

/// Puts other rows in the place of a chunk.
pub(crate) async fn rewrite(c: &mut SqliteConnection, id: i64, encoded: &Encoded) -> Result<()> {
    sqlx::query("UPDATE chunk_data SET keys = ?, contents = ? WHERE id = ?")
        .bind(encoded.keys.as_slice())
        .bind(encoded.contents.as_slice())
        .bind(id)
        .execute(c)
        .await
        .map(|_| ())
        .map_err(fault)
}

/// Discards the stages whose job is due, in short transactions.
pub(crate) async fn due(shared: &Shared) -> Result<()> {
    loop {
        let now_ms = (shared.now_ms)();
        let mut c = shared.reader().await?;
        let Some(id) = jobs::due(&mut c, Queue::Work, &[KIND], now_ms).await? else { return Ok(()) };
        drop(c);
        let turn = shared.turns.take().await?;
        let mut t = shared.writer.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
        // Somebody else may have taken it meanwhile.
        let batch = match jobs::due(&mut t, Queue::Work, &[KIND], now_ms).await? {
            Some(still) if still == id => jobs::lease(&mut t, id, now_ms.saturating_add(limits::STAGE_LEASE_MS)).await?.job.key,
            _ => continue,
        };
        t.commit().await.map_err(fault)?;
        drop(turn);
        if let Ok(batch) = batch.parse() {
            discard(shared, batch).await?;
        }
        let turn = shared.turns.take().await?;
        let mut c = shared.writer.acquire().await.map_err(fault)?;
        jobs::finish(&mut c, id).await?;
        drop(turn);
    }
}

/// Gives a stage up: its job is due at once.
pub(crate) async fn abandon(shared: &Shared, batch: u64) -> Result<()> {
    let turn = shared.turns.take().await?;
    let mut c = shared.writer.acquire().await.map_err(fault)?;
    let waits = renew(&mut c, batch, 0).await?;
    drop(c);
    drop(turn);
    if waits { due(shared).await } else { Ok(()) }
}

/// Removes all chunks of a batch that does not stand.
async fn discard(shared: &Shared, batch: u64) -> Result<()> {
    let (from, to) = chunks_of(batch);
    loop {
        let turn = shared.turns.take().await?;
        let mut t = shared.writer.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
        let stands: Option<i64> = sqlx::query_scalar("SELECT tx FROM log_tx WHERE batch = ?")
            .bind(signed(batch))
            .fetch_optional(&mut *t)
            .await
            .map_err(fault)?;
        if stands.is_some() {
            return Ok(());
        }
        let chunks: Vec<(i64, String, bool, Vec<u8>)> = sqlx::query_as(
            "SELECT c.id, c.owner, c.base, d.keys FROM chunk c JOIN chunk_data d ON d.id = c.id WHERE c.id >= ? AND c.id < ? LIMIT ?",
        )
        .bind(from)
        .bind(to)
        .bind(limits::DISCARDED_TOGETHER)
        .fetch_all(&mut *t)
        .await
        .map_err(fault)?;
        if chunks.is_empty() {
            return Ok(());
        }
        for (id, owner, base, keys) in chunks {
            if !base {
                let keys = Keys::read(&keys).map_err(|e| e.at(place(id)))?;
                let rows = (0..keys.len()).filter_map(|at| keys.row(at)).map(|r| (r.entity, r.facet));
                unindex(&mut t, &owner, id, &pairs(rows)).await?;
            }
            remove(&mut t, id).await?;
        }
        t.commit().await.map_err(fault)?;
        drop(turn);
        shared.written.notify_one();
        tokio::time::sleep(limits::STAGE_PAUSE).await;
    }
}

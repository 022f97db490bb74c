//! Stages whose process died: their lock is free, and their rows are removed in short transactions.

use crate::call::statement;
use crate::core::Core;
use crate::fault::CallResult;
use annuaire_store::chunk::Keys;
use sqlx::{PgConnection, Result};

/// Chunks removed at a time.
const PAGE: i64 = 64;

/// The advisory lock of a stage. These locks are of the whole database, so the log is part of their number.
fn lock_key(log_id: u128, batch: i64) -> i64 {
    (log_id as u64).cast_signed().wrapping_add(batch)
}

/// Takes the lock of a stage for this session; false when another one holds it.
pub(crate) async fn lock(c: &mut PgConnection, log_id: u128, batch: i64) -> Result<bool> {
    sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(lock_key(log_id, batch)).fetch_one(c).await
}

async fn unlock(c: &mut PgConnection, log_id: u128, batch: i64) -> Result<()> {
    sqlx::query("SELECT pg_advisory_unlock($1)").bind(lock_key(log_id, batch)).execute(c).await?;
    Ok(())
}

/// Discards the stages that nobody works on any more.
pub(crate) async fn abandoned(core: &Core, c: &mut PgConnection) -> CallResult<()> {
    let batches: Vec<i64> = statement(sqlx::query_scalar("SELECT batch FROM stage ORDER BY batch").fetch_all(&mut *c)).await?;
    for batch in batches {
        if statement(lock(&mut *c, core.log_id, batch)).await? {
            // It may have been adopted between the list and the lock: then its row is gone, and its chunks stand.
            let query = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM stage WHERE batch = $1)").bind(batch);
            if statement(query.fetch_one(&mut *c)).await? {
                remove(c, batch).await?;
            }
            statement(unlock(&mut *c, core.log_id, batch)).await?;
        }
    }
    Ok(())
}

/// Removes all rows of a batch that does not stand, and the stage itself.
pub(crate) async fn remove(c: &mut PgConnection, batch: i64) -> CallResult<()> {
    while statement(remove_page(&mut *c, batch)).await? {}
    statement(sqlx::query("DELETE FROM stage WHERE batch = $1").bind(batch).execute(c)).await?;
    Ok(())
}

async fn remove_page(c: &mut PgConnection, batch: i64) -> Result<bool> {
    let chunks: Vec<(i32, i32, Vec<u8>)> =
        sqlx::query_as("SELECT number, owner, keys FROM chunk WHERE batch = $1 ORDER BY batch, number LIMIT $2")
            .bind(batch)
            .bind(PAGE)
            .fetch_all(&mut *c)
            .await?;
    if chunks.is_empty() {
        return Ok(false);
    }
    let (mut entities, mut owners, mut facets) = (Vec::new(), Vec::new(), Vec::new());
    for (_, owner, keys) in &chunks {
        let Ok(keys) = Keys::read(keys) else {
            // Damaged: what it speaks of is found by reading the whole index.
            sqlx::query("DELETE FROM version WHERE batch = $1").bind(batch).execute(&mut *c).await?;
            continue;
        };
        for row in (0..keys.len()).filter_map(|at| keys.row(at)) {
            entities.push(row.entity.to_owned());
            owners.push(*owner);
            facets.push(row.facet.to_owned());
        }
    }
    sqlx::query(
        "WITH v AS (DELETE FROM version v USING unnest($2::text[], $3::integer[], $4::text[]) k(entity, owner, facet)
             WHERE v.entity = k.entity AND v.owner = k.owner AND v.facet = k.facet AND v.batch = $1)
         DELETE FROM chunk WHERE batch = $1 AND number = ANY($5)",
    )
    .bind(batch)
    .bind(entities)
    .bind(owners)
    .bind(facets)
    .bind(chunks.iter().map(|chunk| chunk.0).collect::<Vec<_>>())
    .execute(c)
    .await?;
    Ok(true)
}

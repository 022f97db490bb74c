//! Jobs: taken by one worker at a time, given back by whoever dies with one.

use annuaire_base::Tx;
use annuaire_store::columns::{tx_column, tx_read};
use annuaire_store::{Job, NewJob, Queue};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Result, Row};

/// A queue as the database stores it.
fn queue_column(queue: Queue) -> i16 {
    match queue {
        Queue::Work => 0,
        Queue::Outbox => 1,
    }
}

fn job(queue: Queue, row: &PgRow) -> Result<Job> {
    let attempts: i64 = row.try_get("attempts")?;
    Ok(Job {
        id: row.try_get("id")?,
        job: NewJob {
            queue,
            kind: row.try_get("kind")?,
            key: row.try_get("key")?,
            due_ms: row.try_get("due_ms")?,
            payload: row.try_get("payload")?,
        },
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        tx: row.try_get::<Option<i64>, _>("tx")?.map(tx_read),
        last_error: row.try_get("last_error")?,
    })
}

/// Writes jobs of a unit, in their order: one of a kind and key replaces one that waits.
pub(crate) async fn insert(c: &mut PgConnection, jobs: &[NewJob], tx: Option<Tx>) -> Result<()> {
    for job in jobs {
        sqlx::query(
            "INSERT INTO job(queue, kind, key, due_ms, payload, tx) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (queue, kind, key) WHERE key <> '' AND NOT taken
             DO UPDATE SET due_ms = excluded.due_ms, payload = excluded.payload, tx = excluded.tx, attempts = 0, last_error = NULL",
        )
        .bind(queue_column(job.queue))
        .bind(&job.kind)
        .bind(&job.key)
        .bind(job.due_ms)
        .bind(&job.payload)
        .bind(tx.map(tx_column))
        .execute(&mut *c)
        .await?;
    }
    Ok(())
}

/// A job that is taken twice ended without a word the first time: that was an attempt.
pub(crate) async fn take(c: &mut PgConnection, queue: Queue, kinds: &[&str], now_ms: i64, lease_ms: i64) -> Result<Option<Job>> {
    let row = sqlx::query(
        "UPDATE job SET due_ms = $3::bigint + $4::bigint, attempts = attempts + taken::integer, taken = true WHERE id = (
             SELECT id FROM job WHERE queue = $1 AND due_ms <= $3 AND kind = ANY($2) ORDER BY queue, due_ms, id LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING id, kind, key, due_ms, payload, attempts, tx, last_error",
    )
    .bind(queue_column(queue))
    .bind(kinds)
    .bind(now_ms)
    .bind(lease_ms)
    .fetch_optional(c)
    .await?;
    row.map(|row| job(queue, &row)).transpose()
}

pub(crate) async fn finish(c: &mut PgConnection, id: i64) -> Result<()> {
    sqlx::query("DELETE FROM job WHERE id = $1").bind(id).execute(c).await?;
    Ok(())
}

/// Gives a job back; it vanishes when another one of its kind and key was written meanwhile, which replaces it.
pub(crate) async fn retry(c: &mut PgConnection, id: i64, due_ms: i64, error: &str) -> Result<()> {
    sqlx::query(
        "WITH replaced AS (DELETE FROM job j USING job o WHERE j.id = $1 AND j.key <> '' AND o.queue = j.queue AND o.kind = j.kind
             AND o.key = j.key AND o.id <> j.id AND NOT o.taken RETURNING j.id)
         UPDATE job SET due_ms = $2, last_error = $3, attempts = attempts + 1, taken = false
             WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM replaced)",
    )
    .bind(id)
    .bind(due_ms)
    .bind(error)
    .execute(c)
    .await?;
    Ok(())
}

pub(crate) async fn list(c: &mut PgConnection, queue: Queue, limit: u32) -> Result<Vec<Job>> {
    let rows = sqlx::query("SELECT * FROM job WHERE queue = $1 ORDER BY queue, due_ms, id LIMIT $2")
        .bind(queue_column(queue))
        .bind(i64::from(limit))
        .fetch_all(c)
        .await?;
    rows.iter().map(|row| job(queue, row)).collect()
}

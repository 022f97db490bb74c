//! Jobs: a queue in the registry, so that a job is written with the transaction that causes it.

use crate::fault::fault;
use crate::packed::json_list;
use annuaire_base::Tx;
use annuaire_store::columns::{tx_column, tx_read};
use annuaire_store::{Error, Job, NewJob, Queue, Result};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

const fn code(queue: Queue) -> i64 {
    match queue {
        Queue::Work => 0,
        Queue::Outbox => 1,
    }
}

const COLUMNS: &str = "id, queue, kind, key, due_ms, payload, attempts, tx, error";

fn job(r: &SqliteRow) -> Result<Job> {
    let queue: i64 = r.try_get(1).map_err(fault)?;
    let queue = [Queue::Work, Queue::Outbox].into_iter().find(|q| code(*q) == queue);
    let queue = queue.ok_or_else(|| Error::Damaged("a job is in an unknown queue".into()))?;
    let job = NewJob {
        queue,
        kind: r.try_get(2).map_err(fault)?,
        key: r.try_get(3).map_err(fault)?,
        due_ms: r.try_get(4).map_err(fault)?,
        payload: r.try_get(5).map_err(fault)?,
    };
    Ok(Job {
        id: r.try_get(0).map_err(fault)?,
        job,
        attempts: r.try_get(6).map_err(fault)?,
        tx: r.try_get::<Option<i64>, _>(7).map_err(fault)?.map(tx_read),
        last_error: r.try_get(8).map_err(fault)?,
    })
}

/// Writes a job in place of one of this kind and key that waits.
pub(crate) async fn write(c: &mut SqliteConnection, job: &NewJob, tx: Option<Tx>) -> Result<()> {
    if !job.key.is_empty() {
        sqlx::query("DELETE FROM job WHERE kind = ? AND key = ? AND key <> '' AND queue = ? AND taken = 0")
            .bind(&job.kind)
            .bind(&job.key)
            .bind(code(job.queue))
            .execute(&mut *c)
            .await
            .map_err(fault)?;
    }
    sqlx::query("INSERT INTO job(queue, kind, key, due_ms, payload, tx) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(code(job.queue))
        .bind(&job.kind)
        .bind(&job.key)
        .bind(job.due_ms)
        .bind(&job.payload)
        .bind(tx.map(tx_column))
        .execute(c)
        .await
        .map(|_| ())
        .map_err(fault)
}

/// The job that is due for longest, if there is one.
pub(crate) async fn due(c: &mut SqliteConnection, queue: Queue, kinds: &[&str], now_ms: i64) -> Result<Option<i64>> {
    let query = sqlx::query_scalar(
        "SELECT id FROM job WHERE queue = ? AND due_ms <= ? AND kind IN (SELECT value FROM json_each(?)) ORDER BY due_ms, id LIMIT 1",
    );
    query.bind(code(queue)).bind(now_ms).bind(json_list(kinds)).fetch_optional(c).await.map_err(fault)
}

/// Hides a job from others until `until_ms`. A job whose last lease ended without a word has failed once more.
pub(crate) async fn lease(c: &mut SqliteConnection, id: i64, until_ms: i64) -> Result<Job> {
    let sql = format!("UPDATE job SET due_ms = ?, attempts = attempts + taken, taken = 1 WHERE id = ? RETURNING {COLUMNS}");
    let row = sqlx::query(&sql).bind(until_ms).bind(id).fetch_one(c).await.map_err(fault)?;
    job(&row)
}

pub(crate) async fn finish(c: &mut SqliteConnection, id: i64) -> Result<()> {
    sqlx::query("DELETE FROM job WHERE id = ?").bind(id).execute(c).await.map(|_| ()).map_err(fault)
}

pub(crate) async fn retry(c: &mut SqliteConnection, id: i64, due_ms: i64, error: &str) -> Result<()> {
    sqlx::query("UPDATE job SET due_ms = ?, error = ?, attempts = attempts + 1, taken = 0 WHERE id = ?")
        .bind(due_ms)
        .bind(error)
        .bind(id)
        .execute(c)
        .await
        .map(|_| ())
        .map_err(fault)
}

pub(crate) async fn all(c: &mut SqliteConnection, queue: Queue, limit: u32) -> Result<Vec<Job>> {
    let sql = format!("SELECT {COLUMNS} FROM job WHERE queue = ? ORDER BY due_ms, id LIMIT ?");
    let rows = sqlx::query(&sql).bind(code(queue)).bind(limit).fetch_all(c).await.map_err(fault)?;
    rows.iter().map(job).collect()
}

//! Writing one transaction.

use crate::call::{bounded, statement};
use crate::fault::fault;
use crate::{limits, read};
use annuaire_base::Tx;
use annuaire_store::backend::{self, LastVersion, LogRow, StateRow};
use annuaire_store::columns::{signed, tx_column, tx_read};
use annuaire_store::{Cause, Change, CommitOutcome, ObjectMark, Result, Unit, commit_time};
use sqlx::{PgConnection, Postgres, Row, Transaction};
use tokio::runtime::Runtime;

/// Changes looked up and written by one statement.
const BATCH: usize = 4_096;

pub(crate) struct PostgresUnit<'a> {
    runtime: &'a Runtime,
    transaction: Transaction<'a, Postgres>,
    tx: Tx,
    /// Commit time of the last transaction.
    before_ms: i64,
    rows: u64,
    pending: Vec<Change>,
    outcome: CommitOutcome,
}

impl<'a> PostgresUnit<'a> {
    pub(crate) fn begin(runtime: &'a Runtime, mut transaction: Transaction<'a, Postgres>) -> Result<Self> {
        let query = sqlx::query_as("SELECT tx, commit_ms FROM log_counter FOR UPDATE");
        let (last, before_ms): (i64, i64) = bounded(runtime, limits::TURN, query.fetch_one(&mut *transaction))?;
        let tx = tx_read(last).next();
        Ok(Self { runtime, transaction, tx, before_ms, rows: 0, pending: Vec::new(), outcome: CommitOutcome::default() })
    }

    pub(crate) fn commit(mut self, cause: Cause<'_>) -> Result<CommitOutcome> {
        self.flush()?;
        let runtime = self.runtime;
        if self.rows > 0 {
            self.outcome.tx = Some(self.tx);
            let commit_ms = commit_time(self.before_ms, (cause.now_ms)(), cause.any_clock)?;
            let query = sqlx::query("INSERT INTO log_tx(tx, commit_ms, author, reason, changes) VALUES ($1, $2, $3, $4, $5)")
                .bind(tx_column(self.tx))
                .bind(commit_ms)
                .bind(cause.author)
                .bind(cause.reason)
                .bind(signed(self.rows));
            statement(runtime, query.execute(&mut *self.transaction))?;
            let query = sqlx::query("UPDATE log_counter SET tx = $1, commit_ms = $2").bind(tx_column(self.tx)).bind(commit_ms);
            statement(runtime, query.execute(&mut *self.transaction))?;
        }
        bounded(runtime, limits::COMMIT, self.transaction.commit())?;
        Ok(self.outcome)
    }

    fn flush(&mut self) -> Result<()> {
        let changes = backend::in_order(std::mem::take(&mut self.pending));
        if changes.is_empty() {
            return Ok(());
        }
        let runtime = self.runtime;
        let mut known = statement(runtime, last_versions(&mut self.transaction, &changes))?;
        let again: Vec<&LastVersion> = known.iter().filter(|w| w.tx == self.tx).collect();
        if !again.is_empty() {
            for version in again {
                let revives = statement(runtime, take_back(&mut self.transaction, version))?;
                backend::uncount(version, revives, &mut self.outcome);
                self.rows -= 1;
            }
            known = statement(runtime, last_versions(&mut self.transaction, &changes))?;
        }
        let (log, states) = backend::decide(self.tx, changes, known, &mut self.outcome);
        self.rows += log.len() as u64;
        statement(runtime, write(&mut self.transaction, tx_column(self.tx), &log, &states))
    }
}

/// The last versions of the objects of these changes.
async fn last_versions(c: &mut PgConnection, changes: &[Change]) -> sqlx::Result<Vec<LastVersion>> {
    let entity: Vec<&str> = changes.iter().map(|c| c.entity.as_str()).collect();
    let source: Vec<&str> = changes.iter().map(|c| c.source.as_str()).collect();
    let rows = sqlx::query(
        "SELECT o.source, o.entity, o.tx, o.digest, l.prev, l.payload FROM unnest($1::text[], $2::text[]) AS u(entity, source)
         JOIN object o ON o.source = u.source AND o.entity = u.entity
         JOIN log_entry l ON l.tx = o.tx AND l.source = o.source AND l.entity = o.entity",
    )
    .bind(entity)
    .bind(source)
    .fetch_all(c)
    .await?;
    rows.iter()
        .map(|r| {
            Ok(LastVersion {
                source: r.try_get(0)?,
                entity: r.try_get(1)?,
                tx: tx_read(r.try_get(2)?),
                digest: backend::digest_of(r.try_get(3)?),
                prev: r.try_get::<Option<i64>, _>(4)?.map(tx_read),
                payload: r.try_get(5)?,
            })
        })
        .collect()
}

/// Removes a version that the transaction being written added; true when the object was absent or ended before it.
async fn take_back(c: &mut PgConnection, version: &LastVersion) -> sqlx::Result<bool> {
    sqlx::query("DELETE FROM log_entry WHERE tx = $1 AND source = $2 AND entity = $3")
        .bind(tx_column(version.tx))
        .bind(&version.source)
        .bind(&version.entity)
        .execute(&mut *c)
        .await?;
    let Some(prev) = version.prev.map(tx_column) else {
        let query =
            sqlx::query("DELETE FROM object WHERE source = $1 AND entity = $2").bind(&version.source).bind(&version.entity);
        query.execute(c).await?;
        return Ok(true);
    };
    sqlx::query_scalar(
        "UPDATE object o SET tx = l.tx, ended = l.payload IS NULL, digest = NULL FROM log_entry l
         WHERE l.tx = $1 AND l.source = $2 AND l.entity = $3 AND o.source = l.source AND o.entity = l.entity RETURNING o.ended",
    )
    .bind(prev)
    .bind(&version.source)
    .bind(&version.entity)
    .fetch_one(c)
    .await
}

async fn write(c: &mut PgConnection, tx: i64, log: &[LogRow], states: &[StateRow]) -> sqlx::Result<()> {
    if !log.is_empty() {
        sqlx::query(
            "INSERT INTO log_entry(tx, source, entity, prev, payload)
             SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[])",
        )
        .bind(tx)
        .bind(log.iter().map(|e| e.change.source.as_str()).collect::<Vec<_>>())
        .bind(log.iter().map(|e| e.change.entity.as_str()).collect::<Vec<_>>())
        .bind(log.iter().map(|e| e.prev.map(tx_column)).collect::<Vec<_>>())
        .bind(log.iter().map(|e| e.change.payload.as_deref()).collect::<Vec<_>>())
        .execute(&mut *c)
        .await?;
    }
    if !states.is_empty() {
        sqlx::query(
            "INSERT INTO object(source, entity, tx, ended, digest)
             SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::boolean[], $5::bytea[])
             ON CONFLICT (source, entity) DO UPDATE SET tx = excluded.tx, ended = excluded.ended, digest = excluded.digest",
        )
        .bind(states.iter().map(|s| s.source.as_str()).collect::<Vec<_>>())
        .bind(states.iter().map(|s| s.entity.as_str()).collect::<Vec<_>>())
        .bind(states.iter().map(|s| tx_column(s.tx)).collect::<Vec<_>>())
        .bind(states.iter().map(|s| s.ended).collect::<Vec<_>>())
        .bind(states.iter().map(|s| backend::digest_bytes(s.digest)).collect::<Vec<_>>())
        .execute(c)
        .await?;
    }
    Ok(())
}

impl Unit for PostgresUnit<'_> {
    fn put(&mut self, change: Change) -> Result<()> {
        self.pending.push(change);
        if self.pending.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    fn known(&mut self, source: &str, after: &str, limit: u32) -> Result<Vec<ObjectMark>> {
        self.flush()?;
        let query = sqlx::query(
            "SELECT entity, digest FROM object WHERE source = $1 AND entity > $2 AND NOT ended ORDER BY entity LIMIT $3",
        )
        .bind(source)
        .bind(after)
        .bind(i64::from(limit));
        let rows = statement(self.runtime, query.fetch_all(&mut *self.transaction))?;
        rows.iter()
            .map(|r| Ok(ObjectMark { entity: r.try_get(0)?, digest: backend::digest_of(r.try_get(1)?) }))
            .collect::<sqlx::Result<_>>()
            .map_err(fault)
    }

    fn outcome(&mut self) -> Result<CommitOutcome> {
        self.flush()?;
        Ok(CommitOutcome { tx: (self.rows > 0).then_some(self.tx), ..self.outcome })
    }

    fn note(&mut self, kind: &str, key: &str) -> Result<Option<String>> {
        statement(self.runtime, read::note(&mut self.transaction, kind, key))
    }

    fn notes(&mut self, kind: &str, after: &str, limit: u32) -> Result<Vec<(String, String)>> {
        statement(self.runtime, read::notes(&mut self.transaction, kind, after, limit))
    }

    fn set_note(&mut self, kind: &str, key: &str, text: Option<&str>) -> Result<()> {
        let query = match text {
            Some(text) => sqlx::query(
                "INSERT INTO note(kind, key, text) VALUES ($1, $2, $3) ON CONFLICT (kind, key) DO UPDATE SET text = excluded.text",
            )
            .bind(kind)
            .bind(key)
            .bind(text),
            None => sqlx::query("DELETE FROM note WHERE kind = $1 AND key = $2").bind(kind).bind(key),
        };
        statement(self.runtime, query.execute(&mut *self.transaction))?;
        Ok(())
    }
}

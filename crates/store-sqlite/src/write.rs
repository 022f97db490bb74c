//! Writing one transaction.

use crate::schema::{SUMS, row_sum};
use crate::{fault, json_list, signed, unsigned};
use annuaire_store::batch::{self, Entry, State, Word};
use annuaire_store::{Change, Known, Outcome, Result, Unit};
use sqlx::{Row, Sqlite, SqliteConnection, Transaction};
use std::sync::LazyLock;
use tokio::runtime::Runtime;

/// Changes looked up and written together.
const BATCH: usize = 2_048;

/// Rows of one insertion; the statement is prepared once. SQLite allows 32,766 parameters.
const ROWS: usize = 256;

static INSERT_LOG: LazyLock<String> =
    LazyLock::new(|| insertion("INSERT INTO log_entry(tx, source, entity, prev, payload) VALUES ", 5, ROWS));
static INSERT_STATE: LazyLock<String> =
    LazyLock::new(|| insertion("INSERT OR REPLACE INTO object(source, entity, tx, ended, digest) VALUES ", 5, ROWS));

fn insertion(head: &str, columns: usize, rows: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    format!("{head}{}", vec![row; rows].join(","))
}

const WORD: &str = "SELECT o.entity, o.tx, o.digest, l.prev, l.payload FROM ";

pub(crate) struct SqliteUnit<'a> {
    runtime: &'a Runtime,
    transaction: Transaction<'a, Sqlite>,
    tx: u64,
    /// Commit time of the transaction before.
    before_ms: i64,
    rows: u64,
    /// Checksum of the rows.
    sum: i64,
    pending: Vec<Change>,
    outcome: Outcome,
}

impl<'a> SqliteUnit<'a> {
    pub(crate) fn begin(runtime: &'a Runtime, mut transaction: Transaction<'a, Sqlite>) -> Result<Self> {
        let query = sqlx::query_as("SELECT coalesce(max(tx), 0), coalesce(max(commit_ms), -1) FROM log_tx");
        let (last, before_ms): (i64, i64) = runtime.block_on(query.fetch_one(&mut *transaction)).map_err(fault)?;
        let tx = unsigned(last) + 1;
        Ok(Self { runtime, transaction, tx, before_ms, rows: 0, sum: 0, pending: Vec::new(), outcome: Outcome::default() })
    }

    pub(crate) fn commit(mut self, author: &str, reason: &str, now_ms: i64) -> Result<Outcome> {
        self.flush()?;
        if self.rows > 0 {
            self.outcome.tx = Some(self.tx);
            let query = sqlx::query("INSERT INTO log_tx(tx, commit_ms, author, reason, changes) VALUES (?, ?, ?, ?, ?)")
                .bind(signed(self.tx))
                .bind(now_ms.max(self.before_ms + 1))
                .bind(author)
                .bind(reason)
                .bind(signed(self.rows));
            self.runtime.block_on(query.execute(&mut *self.transaction)).map_err(fault)?;
            self.runtime.block_on(sqlx::raw_sql(SUMS).execute(&mut *self.transaction)).map_err(fault)?;
            let query = sqlx::query("INSERT INTO log_sum(tx, sum) VALUES (?, ?)").bind(signed(self.tx)).bind(self.sum);
            self.runtime.block_on(query.execute(&mut *self.transaction)).map_err(fault)?;
        }
        self.runtime.block_on(self.transaction.commit()).map_err(fault)?;
        Ok(self.outcome)
    }

    fn flush(&mut self) -> Result<()> {
        let changes = batch::in_order(std::mem::take(&mut self.pending));
        if changes.is_empty() {
            return Ok(());
        }
        let runtime = self.runtime;
        let mut known = runtime.block_on(words(&mut self.transaction, &changes)).map_err(fault)?;
        let again: Vec<&Word> = known.iter().filter(|w| w.tx == self.tx).collect();
        if !again.is_empty() {
            for word in again {
                let revives = runtime.block_on(take_back(&mut self.transaction, word)).map_err(fault)?;
                batch::uncount(word, revives, &mut self.outcome);
                self.rows -= 1;
                let sum = row_sum(&word.source, &word.entity, word.prev.map(signed), word.payload.as_deref());
                self.sum = self.sum.wrapping_sub(sum);
            }
            known = runtime.block_on(words(&mut self.transaction, &changes)).map_err(fault)?;
        }
        let (log, states) = batch::decide(self.tx, changes, known, &mut self.outcome);
        self.rows += log.len() as u64;
        for Entry { change, prev } in &log {
            let sum = row_sum(&change.source, &change.entity, prev.map(signed), change.payload.as_deref());
            self.sum = self.sum.wrapping_add(sum);
        }
        let tx = signed(self.tx);
        runtime.block_on(write(&mut self.transaction, tx, log, states)).map_err(fault)
    }
}

/// The last words on the objects of these changes.
async fn words(c: &mut SqliteConnection, changes: &[Change]) -> sqlx::Result<Vec<Word>> {
    let mut out = Vec::new();
    for of in batch::by_source(changes) {
        let (Some(first), Some(last)) = (of.first(), of.last()) else { continue };
        // Ordered puts lie close together, and a first load finds nothing: one range. Scattered ones are looked up one by one.
        let many = i64::try_from(of.len() * 4).unwrap_or(i64::MAX);
        let near: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM (SELECT 1 FROM object WHERE source = ? AND entity >= ? AND entity <= ? LIMIT ?)",
        )
        .bind(&first.source)
        .bind(&first.entity)
        .bind(&last.entity)
        .bind(many)
        .fetch_one(&mut *c)
        .await?;
        if near == 0 {
            continue;
        }
        const ITS_LOG: &str = " CROSS JOIN log_entry l ON l.tx = o.tx AND l.source = o.source AND l.entity = o.entity";
        let range = format!("{WORD} object o {ITS_LOG} WHERE o.source = ? AND o.entity >= ? AND o.entity <= ?");
        let each = format!("{WORD} json_each(?2) e CROSS JOIN object o ON o.source = ?1 AND o.entity = e.value {ITS_LOG}");
        let query = if near < many {
            sqlx::query(&range).bind(&first.source).bind(&first.entity).bind(&last.entity)
        } else {
            sqlx::query(&each).bind(&first.source).bind(json_list(of.iter().map(|c| c.entity.as_str())))
        };
        for r in query.fetch_all(&mut *c).await? {
            out.push(Word {
                source: first.source.clone(),
                entity: r.try_get(0)?,
                tx: unsigned(r.try_get(1)?),
                digest: batch::digest_of(r.try_get(2)?),
                prev: r.try_get::<Option<i64>, _>(3)?.map(unsigned),
                payload: r.try_get(4)?,
            });
        }
    }
    Ok(out)
}

/// Removes a word of the transaction being written; true when there was none before it, or an end.
async fn take_back(c: &mut SqliteConnection, word: &Word) -> sqlx::Result<bool> {
    sqlx::query("DELETE FROM log_entry WHERE tx = ? AND source = ? AND entity = ?")
        .bind(signed(word.tx))
        .bind(&word.source)
        .bind(&word.entity)
        .execute(&mut *c)
        .await?;
    let Some(prev) = word.prev.map(signed) else {
        sqlx::query("DELETE FROM object WHERE source = ? AND entity = ?")
            .bind(&word.source)
            .bind(&word.entity)
            .execute(c)
            .await?;
        return Ok(true);
    };
    let ended: bool = sqlx::query_scalar("SELECT payload IS NULL FROM log_entry WHERE tx = ? AND source = ? AND entity = ?")
        .bind(prev)
        .bind(&word.source)
        .bind(&word.entity)
        .fetch_one(&mut *c)
        .await?;
    sqlx::query("UPDATE object SET tx = ?, ended = ?, digest = NULL WHERE source = ? AND entity = ?")
        .bind(prev)
        .bind(ended)
        .bind(&word.source)
        .bind(&word.entity)
        .execute(c)
        .await?;
    Ok(ended)
}

async fn write(c: &mut SqliteConnection, tx: i64, log: Vec<Entry>, states: Vec<State>) -> sqlx::Result<()> {
    let mut log = log.into_iter().peekable();
    while log.peek().is_some() {
        let some: Vec<Entry> = log.by_ref().take(ROWS).collect();
        let text;
        let full = some.len() == ROWS;
        let sql = if full {
            INSERT_LOG.as_str()
        } else {
            text = insertion("INSERT INTO log_entry(tx, source, entity, prev, payload) VALUES ", 5, some.len());
            &text
        };
        let mut query = sqlx::query(sql).persistent(full);
        for Entry { change, prev } in some {
            query = query.bind(tx).bind(change.source).bind(change.entity).bind(prev.map(signed)).bind(change.payload);
        }
        query.execute(&mut *c).await?;
    }
    let mut states = states.into_iter().peekable();
    while states.peek().is_some() {
        let some: Vec<State> = states.by_ref().take(ROWS).collect();
        let text;
        let full = some.len() == ROWS;
        let sql = if full {
            INSERT_STATE.as_str()
        } else {
            text = insertion("INSERT OR REPLACE INTO object(source, entity, tx, ended, digest) VALUES ", 5, some.len());
            &text
        };
        let mut query = sqlx::query(sql).persistent(full);
        for s in some {
            query = query.bind(s.source).bind(s.entity).bind(signed(s.tx)).bind(s.ended).bind(batch::digest_bytes(s.digest));
        }
        query.execute(&mut *c).await?;
    }
    Ok(())
}

impl Unit for SqliteUnit<'_> {
    fn put(&mut self, change: Change) -> Result<()> {
        self.pending.push(change);
        if self.pending.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    fn known(&mut self, source: &str, after: &str, limit: u32) -> Result<Vec<Known>> {
        self.flush()?;
        let query = sqlx::query(
            "SELECT entity, digest FROM object WHERE source = ? AND entity > ? AND ended = 0 ORDER BY entity LIMIT ?",
        )
        .bind(source)
        .bind(after)
        .bind(limit);
        let rows = self.runtime.block_on(query.fetch_all(&mut *self.transaction)).map_err(fault)?;
        rows.iter()
            .map(|r| Ok(Known { entity: r.try_get(0)?, digest: batch::digest_of(r.try_get(1)?) }))
            .collect::<sqlx::Result<_>>()
            .map_err(fault)
    }

    fn set_delivery(&mut self, source: &str, json: &str) -> Result<()> {
        let query = sqlx::query("INSERT OR REPLACE INTO delivery(source, json) VALUES (?, ?)").bind(source).bind(json);
        self.runtime.block_on(query.execute(&mut *self.transaction)).map_err(fault)?;
        Ok(())
    }
}

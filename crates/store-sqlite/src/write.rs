//! Writing one transaction.

use crate::fault::fault;
use crate::json_list::json_list;
use crate::read::{self, PackedTexts, cut_page};
use crate::schema::{SUMS, row_sum};
use annuaire_base::Tx;
use annuaire_store::backend::{self, LastVersion, LogRow, StateRow};
use annuaire_store::columns::{signed, tx_column, tx_read};
use annuaire_store::{Cause, Change, CommitOutcome, ObjectMark, Result, Unit, commit_time};
use sqlx::{Row, Sqlite, SqliteConnection, Transaction};
use tokio::runtime::Runtime;

/// Changes looked up and written together.
const BATCH: usize = 2_048;

/// Rows of one INSERT, which is prepared once. SQLite allows 32,766 parameters.
const ROWS: usize = 256;

/// An INSERT of `rows` rows. Values that all rows share are literals in its text: a parameter costs more than the row itself.
fn insertion(head: &str, row: &str, rows: usize) -> String {
    format!("{head}{}", vec![row; rows].join(","))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The INSERT statements of one source, for [`ROWS`] rows each.
struct Inserts {
    source: String,
    log: String,
    state: String,
}

impl Inserts {
    fn new(tx: i64, source: &str, rows: usize) -> Self {
        let name = quoted(source);
        let log =
            insertion("INSERT INTO log_entry(tx, source, entity, prev, payload) VALUES ", &format!("({tx},{name},?,?,?)"), rows);
        let state = insertion(
            "INSERT OR REPLACE INTO object(source, entity, tx, ended, digest) VALUES ",
            &format!("({name},?,?,?,?)"),
            rows,
        );
        Self { source: source.to_owned(), log, state }
    }
}

/// Columns of a [`LastVersion`].
const LAST_VERSION: &str = "SELECT o.entity, o.tx, o.digest, l.prev, l.payload FROM ";

pub(crate) struct SqliteUnit<'a> {
    runtime: &'a Runtime,
    transaction: Transaction<'a, Sqlite>,
    tx: Tx,
    /// Commit time of the last transaction.
    before_ms: i64,
    rows: u64,
    /// Checksum of the rows, a wrapping sum: rows may come in any order.
    sum: i64,
    pending: Vec<Change>,
    statements: Vec<Inserts>,
    outcome: CommitOutcome,
}

impl<'a> SqliteUnit<'a> {
    pub(crate) fn begin(runtime: &'a Runtime, mut transaction: Transaction<'a, Sqlite>) -> Result<Self> {
        let query = sqlx::query_as("SELECT coalesce(max(tx), 0), coalesce(max(commit_ms), -1) FROM log_tx");
        let (last, before_ms): (i64, i64) = runtime.block_on(query.fetch_one(&mut *transaction)).map_err(fault)?;
        let tx = tx_read(last).next();
        Ok(Self {
            runtime,
            transaction,
            tx,
            before_ms,
            rows: 0,
            sum: 0,
            pending: Vec::new(),
            statements: Vec::new(),
            outcome: CommitOutcome::default(),
        })
    }

    pub(crate) fn commit(mut self, cause: Cause<'_>) -> Result<CommitOutcome> {
        self.flush()?;
        if self.rows > 0 {
            self.outcome.tx = Some(self.tx);
            let query = sqlx::query("INSERT INTO log_tx(tx, commit_ms, author, reason, changes) VALUES (?, ?, ?, ?, ?)")
                .bind(tx_column(self.tx))
                .bind(commit_time(self.before_ms, (cause.now_ms)(), cause.any_clock)?)
                .bind(cause.author)
                .bind(cause.reason)
                .bind(signed(self.rows));
            self.runtime.block_on(query.execute(&mut *self.transaction)).map_err(fault)?;
            self.runtime.block_on(sqlx::raw_sql(SUMS).execute(&mut *self.transaction)).map_err(fault)?;
            let query = sqlx::query("INSERT INTO log_sum(tx, sum) VALUES (?, ?)").bind(tx_column(self.tx)).bind(self.sum);
            self.runtime.block_on(query.execute(&mut *self.transaction)).map_err(fault)?;
        }
        self.runtime.block_on(self.transaction.commit()).map_err(fault)?;
        Ok(self.outcome)
    }

    fn flush(&mut self) -> Result<()> {
        let changes = backend::in_order(std::mem::take(&mut self.pending));
        if changes.is_empty() {
            return Ok(());
        }
        let runtime = self.runtime;
        let mut known = runtime.block_on(last_versions(&mut self.transaction, &changes)).map_err(fault)?;
        let again: Vec<&LastVersion> = known.iter().filter(|w| w.tx == self.tx).collect();
        if !again.is_empty() {
            for version in again {
                let revives = runtime.block_on(take_back(&mut self.transaction, version)).map_err(fault)?;
                backend::uncount(version, revives, &mut self.outcome);
                self.rows -= 1;
                let sum = row_sum(&version.source, &version.entity, version.prev.map(tx_column), version.payload.as_deref());
                self.sum = self.sum.wrapping_sub(sum);
            }
            known = runtime.block_on(last_versions(&mut self.transaction, &changes)).map_err(fault)?;
        }
        let (log, states) = backend::decide(self.tx, changes, known, &mut self.outcome);
        self.rows += log.len() as u64;
        for LogRow { change, prev } in &log {
            let sum = row_sum(&change.source, &change.entity, prev.map(tx_column), change.payload.as_deref());
            self.sum = self.sum.wrapping_add(sum);
        }
        let tx = tx_column(self.tx);
        let (mut log, mut states) = (log, states);
        while let Some(source) = log.first().map(|e| &e.change.source).or(states.first().map(|s| &s.source)).cloned() {
            let more_log = log.split_off(log.iter().take_while(|e| e.change.source == source).count());
            let more_states = states.split_off(states.iter().take_while(|s| s.source == source).count());
            let full = match self.statements.iter().position(|s| s.source == source) {
                Some(at) => &self.statements[at],
                None => {
                    self.statements.push(Inserts::new(tx, &source, ROWS));
                    &self.statements[self.statements.len() - 1]
                }
            };
            runtime.block_on(write(&mut self.transaction, tx, full, log, states)).map_err(fault)?;
            (log, states) = (more_log, more_states);
        }
        Ok(())
    }
}

/// The last versions of the objects of these changes.
async fn last_versions(c: &mut SqliteConnection, changes: &[Change]) -> sqlx::Result<Vec<LastVersion>> {
    let mut out = Vec::new();
    for of in backend::by_source(changes) {
        let (Some(first), Some(last)) = (of.first(), of.last()) else { continue };
        // Ordered puts are neighbours in the table, so one range scan finds them. Scattered ones are looked up one by one.
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
        let range = format!("{LAST_VERSION} object o {ITS_LOG} WHERE o.source = ? AND o.entity >= ? AND o.entity <= ?");
        let each =
            format!("{LAST_VERSION} json_each(?2) e CROSS JOIN object o ON o.source = ?1 AND o.entity = e.value {ITS_LOG}");
        let query = if near < many {
            sqlx::query(&range).bind(&first.source).bind(&first.entity).bind(&last.entity)
        } else {
            sqlx::query(&each).bind(&first.source).bind(json_list(&of.iter().map(|c| c.entity.as_str()).collect::<Vec<_>>()))
        };
        for r in query.fetch_all(&mut *c).await? {
            out.push(LastVersion {
                source: first.source.clone(),
                entity: r.try_get(0)?,
                tx: tx_read(r.try_get(1)?),
                digest: backend::digest_of(r.try_get(2)?),
                prev: r.try_get::<Option<i64>, _>(3)?.map(tx_read),
                payload: r.try_get(4)?,
            });
        }
    }
    Ok(out)
}

/// Removes a version that the transaction being written added; true when the object was absent or ended before it.
async fn take_back(c: &mut SqliteConnection, version: &LastVersion) -> sqlx::Result<bool> {
    sqlx::query("DELETE FROM log_entry WHERE tx = ? AND source = ? AND entity = ?")
        .bind(tx_column(version.tx))
        .bind(&version.source)
        .bind(&version.entity)
        .execute(&mut *c)
        .await?;
    let Some(prev) = version.prev.map(tx_column) else {
        sqlx::query("DELETE FROM object WHERE source = ? AND entity = ?")
            .bind(&version.source)
            .bind(&version.entity)
            .execute(c)
            .await?;
        return Ok(true);
    };
    let ended: bool = sqlx::query_scalar("SELECT payload IS NULL FROM log_entry WHERE tx = ? AND source = ? AND entity = ?")
        .bind(prev)
        .bind(&version.source)
        .bind(&version.entity)
        .fetch_one(&mut *c)
        .await?;
    sqlx::query("UPDATE object SET tx = ?, ended = ?, digest = NULL WHERE source = ? AND entity = ?")
        .bind(prev)
        .bind(ended)
        .bind(&version.source)
        .bind(&version.entity)
        .execute(c)
        .await?;
    Ok(ended)
}

/// Writes the rows of one source.
async fn write(
    c: &mut SqliteConnection,
    tx: i64,
    full: &Inserts,
    mut log: Vec<LogRow>,
    mut states: Vec<StateRow>,
) -> sqlx::Result<()> {
    while !log.is_empty() {
        let n = log.len().min(ROWS);
        let rest = log.split_off(n);
        let some;
        let sql = if n == ROWS {
            &full.log
        } else {
            some = Inserts::new(tx, &full.source, n);
            &some.log
        };
        let mut query = sqlx::query(sql).persistent(n == ROWS);
        for LogRow { change, prev } in std::mem::replace(&mut log, rest) {
            query = query.bind(change.entity).bind(prev.map(tx_column)).bind(change.payload);
        }
        query.execute(&mut *c).await?;
    }
    while !states.is_empty() {
        let n = states.len().min(ROWS);
        let rest = states.split_off(n);
        let some;
        let sql = if n == ROWS {
            &full.state
        } else {
            some = Inserts::new(tx, &full.source, n);
            &some.state
        };
        let mut query = sqlx::query(sql).persistent(n == ROWS);
        for s in std::mem::replace(&mut states, rest) {
            query = query.bind(s.entity).bind(tx_column(s.tx)).bind(s.ended).bind(backend::digest_bytes(s.digest));
        }
        query.execute(&mut *c).await?;
    }
    Ok(())
}

/// A page of the objects of a source that have not ended, fetched as one packed value.
async fn object_marks(c: &mut SqliteConnection, source: &str, after: &str, limit: u32) -> sqlx::Result<Vec<ObjectMark>> {
    let query = sqlx::query_scalar(
        "SELECT CAST(group_concat(length(CAST(entity AS BLOB)) || ':' || entity || CASE WHEN digest IS NULL THEN '0:'
             ELSE '32:' || hex(digest) END, '') AS BLOB)
         FROM (SELECT entity, digest FROM object WHERE source = ? AND entity > ? AND ended = 0 ORDER BY entity LIMIT ?)",
    );
    let page: Option<Vec<u8>> = query.bind(source).bind(after).bind(limit).fetch_one(c).await?;
    let mut texts = PackedTexts(page.as_deref().unwrap_or_default());
    let mut out = Vec::new();
    while let Some(entity) = texts.next()? {
        let digest = u128::from_str_radix(texts.next()?.ok_or_else(cut_page)?, 16).unwrap_or(0);
        out.push(ObjectMark { entity: entity.to_owned(), digest });
    }
    Ok(out)
}

impl Unit for SqliteUnit<'_> {
    fn put(&mut self, change: Change) -> Result<()> {
        self.pending.push(change);
        if self.pending.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    fn known(&mut self, source: &str, after: &str, limit: u32) -> Result<Vec<ObjectMark>> {
        self.flush()?;
        let page = object_marks(&mut self.transaction, source, after, limit);
        self.runtime.block_on(page).map_err(fault)
    }

    fn outcome(&mut self) -> Result<CommitOutcome> {
        self.flush()?;
        Ok(CommitOutcome { tx: (self.rows > 0).then_some(self.tx), ..self.outcome })
    }

    fn note(&mut self, kind: &str, key: &str) -> Result<Option<String>> {
        self.runtime.block_on(read::note(&mut self.transaction, kind, key)).map_err(fault)
    }

    fn notes(&mut self, kind: &str, after: &str, limit: u32) -> Result<Vec<(String, String)>> {
        self.runtime.block_on(read::notes(&mut self.transaction, kind, after, limit)).map_err(fault)
    }

    fn set_note(&mut self, kind: &str, key: &str, text: Option<&str>) -> Result<()> {
        let query = match text {
            Some(text) => {
                sqlx::query("INSERT OR REPLACE INTO note(kind, key, text) VALUES (?, ?, ?)").bind(kind).bind(key).bind(text)
            }
            None => sqlx::query("DELETE FROM note WHERE kind = ? AND key = ?").bind(kind).bind(key),
        };
        self.runtime.block_on(query.execute(&mut *self.transaction)).map_err(fault)?;
        Ok(())
    }
}

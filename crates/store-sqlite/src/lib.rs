//! Registry store on embedded SQLite: one file, one writer, write-ahead log, full synchronisation.

use annuaire_store::{Change, Error, Object, Outcome, Registry, Result, Tx, Unit};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, QueryBuilder, Row, Sqlite, SqliteConnection, Transaction};
use std::collections::HashMap;
use std::path::Path;
use tokio::runtime::{Builder, Runtime};

/// Changes written by one statement; SQLite allows 32,766 parameters.
const BATCH: usize = 500;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS log_tx(tx INTEGER PRIMARY KEY, commit_ms INTEGER NOT NULL, author TEXT NOT NULL,
    reason TEXT NOT NULL, changes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS log_entry(tx INTEGER NOT NULL, seq INTEGER NOT NULL, entity TEXT NOT NULL, source TEXT NOT NULL,
    payload TEXT, PRIMARY KEY(tx, seq));
CREATE INDEX IF NOT EXISTS log_entry_object ON log_entry(entity, source, tx);
CREATE TABLE IF NOT EXISTS object(source TEXT NOT NULL, entity TEXT NOT NULL, tx INTEGER NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY(source, entity)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS delivery(source TEXT PRIMARY KEY, json TEXT NOT NULL);
";

fn fault(e: sqlx::Error) -> Error {
    Error::Database(e.to_string())
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// A registry in one SQLite file.
pub struct SqliteRegistry {
    runtime: Runtime,
    connection: SqliteConnection,
}

impl SqliteRegistry {
    /// Opens the file, creating it when absent.
    ///
    /// # Errors
    /// When the file cannot be opened or is no registry.
    pub fn open(path: &Path) -> Result<Self> {
        let runtime = Builder::new_current_thread().build().map_err(|e| Error::Database(e.to_string()))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("cache_size", "-65536");
        let connection = runtime
            .block_on(async {
                let mut c = options.connect().await?;
                sqlx::raw_sql(SCHEMA).execute(&mut c).await?;
                Ok(c)
            })
            .map_err(fault)?;
        Ok(Self { runtime, connection })
    }
}

struct SqliteUnit<'a> {
    runtime: &'a Runtime,
    transaction: Transaction<'a, Sqlite>,
    tx: u64,
    seq: u64,
    pending: Vec<Change>,
    outcome: Outcome,
}

impl SqliteUnit<'_> {
    fn flush(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() {
            return Ok(());
        }
        let known = self.runtime.block_on(current(&mut self.transaction, &pending)).map_err(fault)?;
        let mut known: HashMap<(String, String), String> = known.into_iter().map(|o| ((o.source, o.entity), o.payload)).collect();
        let mut kept = Vec::new();
        for change in pending {
            let key = (change.source.clone(), change.entity.clone());
            match (known.get(&key), &change.payload) {
                (None, None) => self.outcome.unchanged += 1,
                (Some(old), Some(new)) if old == new => self.outcome.unchanged += 1,
                (old, new) => {
                    match (old, new) {
                        (None, _) => self.outcome.created += 1,
                        (_, Some(_)) => self.outcome.changed += 1,
                        (_, None) => self.outcome.ended += 1,
                    }
                    match new {
                        Some(new) => known.insert(key, new.clone()),
                        None => known.remove(&key),
                    };
                    self.seq += 1;
                    kept.push((signed(self.seq), change));
                }
            }
        }
        if kept.is_empty() {
            return Ok(());
        }
        let tx = signed(self.tx);
        let mut log = QueryBuilder::<Sqlite>::new("INSERT INTO log_entry(tx, seq, entity, source, payload) ");
        log.push_values(&kept, |mut b, (seq, c)| {
            b.push_bind(tx).push_bind(seq).push_bind(&c.entity).push_bind(&c.source).push_bind(&c.payload);
        });
        self.runtime.block_on(log.build().execute(&mut *self.transaction)).map_err(fault)?;
        // An object named twice stands where its last word left it.
        let last: HashMap<_, _> = kept.iter().map(|k| ((&k.1.source, &k.1.entity), k)).collect();
        let (put, end): (Vec<_>, Vec<_>) = last.into_values().partition(|k| k.1.payload.is_some());
        if !put.is_empty() {
            let mut state = QueryBuilder::<Sqlite>::new("INSERT OR REPLACE INTO object(source, entity, tx, seq) ");
            state.push_values(put, |mut b, (seq, c)| {
                b.push_bind(&c.source).push_bind(&c.entity).push_bind(tx).push_bind(seq);
            });
            self.runtime.block_on(state.build().execute(&mut *self.transaction)).map_err(fault)?;
        }
        for (_, c) in end {
            let query = sqlx::query("DELETE FROM object WHERE source = ? AND entity = ?").bind(&c.source).bind(&c.entity);
            self.runtime.block_on(query.execute(&mut *self.transaction)).map_err(fault)?;
        }
        Ok(())
    }
}

async fn current(c: &mut SqliteConnection, changes: &[Change]) -> sqlx::Result<Vec<Object>> {
    let mut q = QueryBuilder::<Sqlite>::new(
        "SELECT o.entity, o.source, l.payload FROM object o JOIN log_entry l ON l.tx = o.tx AND l.seq = o.seq WHERE (o.source, o.entity) IN ",
    );
    q.push_tuples(changes, |mut b, c| {
        b.push_bind(&c.source).push_bind(&c.entity);
    });
    let rows = q.build().fetch_all(c).await?;
    rows.iter().map(|r| Ok(Object { entity: r.try_get(0)?, source: r.try_get(1)?, payload: r.try_get(2)? })).collect()
}

impl Unit for SqliteUnit<'_> {
    fn put(&mut self, change: &Change) -> Result<()> {
        self.pending.push(change.clone());
        if self.pending.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    fn entities_of_source(&mut self, source: &str, after: &str, limit: u32) -> Result<Vec<String>> {
        let query = sqlx::query_scalar("SELECT entity FROM object WHERE source = ? AND entity > ? ORDER BY entity LIMIT ?")
            .bind(source)
            .bind(after)
            .bind(limit);
        self.runtime.block_on(query.fetch_all(&mut *self.transaction)).map_err(fault)
    }

    fn set_delivery(&mut self, source: &str, json: &str) -> Result<()> {
        let query = sqlx::query("INSERT OR REPLACE INTO delivery(source, json) VALUES (?, ?)").bind(source).bind(json);
        self.runtime.block_on(query.execute(&mut *self.transaction)).map_err(fault)?;
        Ok(())
    }
}

impl Registry for SqliteRegistry {
    fn commit(
        &mut self,
        author: &str,
        reason: &str,
        now_ms: i64,
        write: &mut dyn FnMut(&mut dyn Unit) -> Result<()>,
    ) -> Result<Outcome> {
        let runtime = &self.runtime;
        let mut transaction = runtime.block_on(self.connection.begin_with("BEGIN IMMEDIATE")).map_err(fault)?;
        let last: (i64, i64) = runtime
            .block_on(
                sqlx::query_as("SELECT coalesce(max(tx), 0), coalesce(max(commit_ms), -1) FROM log_tx")
                    .fetch_one(&mut *transaction),
            )
            .map_err(fault)?;
        let tx = unsigned(last.0) + 1;
        let mut unit = SqliteUnit { runtime, transaction, tx, seq: 0, pending: Vec::new(), outcome: Outcome::default() };
        // Dropping the unit on an error rolls everything back.
        write(&mut unit)?;
        unit.flush()?;
        if unit.seq > 0 {
            unit.outcome.tx = Some(tx);
            let query = sqlx::query("INSERT INTO log_tx(tx, commit_ms, author, reason, changes) VALUES (?, ?, ?, ?, ?)")
                .bind(signed(tx))
                .bind(now_ms.max(last.1 + 1))
                .bind(author)
                .bind(reason)
                .bind(signed(unit.seq));
            runtime.block_on(query.execute(&mut *unit.transaction)).map_err(fault)?;
        }
        let SqliteUnit { transaction, outcome, .. } = unit;
        runtime.block_on(transaction.commit()).map_err(fault)?;
        Ok(outcome)
    }

    fn last_tx(&mut self) -> Result<u64> {
        let query = sqlx::query_scalar("SELECT coalesce(max(tx), 0) FROM log_tx");
        self.runtime.block_on(query.fetch_one(&mut self.connection)).map(unsigned).map_err(fault)
    }

    fn transactions(&mut self, after: u64) -> Result<Vec<Tx>> {
        let query =
            sqlx::query("SELECT tx, commit_ms, author, reason, changes FROM log_tx WHERE tx > ? ORDER BY tx").bind(signed(after));
        let rows = self.runtime.block_on(query.fetch_all(&mut self.connection)).map_err(fault)?;
        rows.iter()
            .map(|r| {
                Ok(Tx {
                    tx: unsigned(r.try_get(0)?),
                    commit_ms: r.try_get(1)?,
                    author: r.try_get(2)?,
                    reason: r.try_get(3)?,
                    changes: unsigned(r.try_get(4)?),
                })
            })
            .collect::<sqlx::Result<_>>()
            .map_err(fault)
    }

    fn changed_entities(&mut self, tx: u64, after: &str, limit: u32) -> Result<Vec<String>> {
        // Puts come in entity order within a source, not over sources: the distinct list is sorted once a page.
        let query =
            sqlx::query_scalar("SELECT DISTINCT entity FROM log_entry WHERE tx = ? AND entity > ? ORDER BY entity LIMIT ?")
                .bind(signed(tx))
                .bind(after)
                .bind(limit);
        self.runtime.block_on(query.fetch_all(&mut self.connection)).map_err(fault)
    }

    fn entities(&mut self, after: &str, limit: u32) -> Result<Vec<String>> {
        let query = sqlx::query_scalar("SELECT DISTINCT entity FROM log_entry WHERE entity > ? ORDER BY entity LIMIT ?")
            .bind(after)
            .bind(limit);
        self.runtime.block_on(query.fetch_all(&mut self.connection)).map_err(fault)
    }

    fn objects_at(&mut self, tx: u64, entities: &[String]) -> Result<Vec<Object>> {
        if entities.is_empty() {
            return Ok(Vec::new());
        }
        let mut q = QueryBuilder::<Sqlite>::new("SELECT entity, source, payload, tx, seq FROM log_entry WHERE tx <= ");
        q.push_bind(signed(tx)).push(" AND entity IN (");
        let mut list = q.separated(", ");
        for e in entities {
            list.push_bind(e);
        }
        q.push(") ORDER BY entity, source, tx, seq");
        let rows = self.runtime.block_on(q.build().fetch_all(&mut self.connection)).map_err(fault)?;
        let mut out: Vec<(Object, bool)> = Vec::new();
        for r in &rows {
            let payload: Option<String> = r.try_get(2).map_err(fault)?;
            let present = payload.is_some();
            let object = Object {
                entity: r.try_get(0).map_err(fault)?,
                source: r.try_get(1).map_err(fault)?,
                payload: payload.unwrap_or_default(),
            };
            match out.last_mut() {
                Some(last) if last.0.entity == object.entity && last.0.source == object.source => *last = (object, present),
                _ => out.push((object, present)),
            }
        }
        Ok(out.into_iter().filter(|o| o.1).map(|o| o.0).collect())
    }

    fn delivery(&mut self, source: &str) -> Result<Option<String>> {
        let query = sqlx::query_scalar("SELECT json FROM delivery WHERE source = ?").bind(source);
        self.runtime.block_on(query.fetch_optional(&mut self.connection)).map_err(fault)
    }

    fn verify(&mut self) -> Result<Vec<String>> {
        const CHECKS: [&str; 5] = [
            "SELECT 'transaction ' || tx || ' is missing from the log' FROM (SELECT t.tx - 1 AS tx FROM log_tx t
                WHERE t.tx > 1 AND NOT EXISTS (SELECT 1 FROM log_tx p WHERE p.tx = t.tx - 1))",
            "SELECT 'transaction ' || t.tx || ' is not later than the one before' FROM log_tx t JOIN log_tx p ON p.tx = t.tx - 1
                WHERE t.commit_ms <= p.commit_ms",
            "SELECT 'transaction ' || t.tx || ' announces ' || t.changes || ' changes and has ' || count(e.seq) FROM log_tx t
                LEFT JOIN log_entry e ON e.tx = t.tx GROUP BY t.tx HAVING count(e.seq) <> t.changes",
            "SELECT 'object ' || o.entity || ' of ' || o.source || ' does not stand where the log left it' FROM object o
                LEFT JOIN log_entry l ON l.tx = o.tx AND l.seq = o.seq AND l.entity = o.entity AND l.source = o.source
                WHERE l.payload IS NULL OR EXISTS (SELECT 1 FROM log_entry n WHERE n.entity = o.entity AND n.source = o.source
                    AND (n.tx, n.seq) > (o.tx, o.seq))",
            "SELECT 'object ' || l.entity || ' of ' || l.source || ' is in the log and not in the registry' FROM log_entry l
                WHERE l.payload IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM log_entry n WHERE n.entity = l.entity AND n.source = l.source AND (n.tx, n.seq) > (l.tx, l.seq))
                AND NOT EXISTS (SELECT 1 FROM object o WHERE o.source = l.source AND o.entity = l.entity)",
        ];
        let mut faults = Vec::new();
        for check in CHECKS {
            faults.extend(
                self.runtime.block_on(sqlx::query_scalar::<_, String>(check).fetch_all(&mut self.connection)).map_err(fault)?,
            );
        }
        Ok(faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_the_suite() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.sqlite");
        annuaire_store::suite::run(&mut || Box::new(SqliteRegistry::open(&path).unwrap()));
    }

    #[test]
    fn verify_names_a_tampered_row() {
        let dir = tempfile::tempdir().unwrap();
        let mut r = SqliteRegistry::open(&dir.path().join("r.sqlite")).unwrap();
        let change = Change { entity: "A".into(), source: "s".into(), payload: Some("1".into()) };
        r.commit("t", "t", 1, &mut |u| u.put(&change)).unwrap();
        r.runtime.block_on(sqlx::query("DELETE FROM object").execute(&mut r.connection)).unwrap();
        assert_eq!(r.verify().unwrap(), ["object A of s is in the log and not in the registry"]);
        r.runtime.block_on(sqlx::query("DELETE FROM log_entry").execute(&mut r.connection)).unwrap();
        assert_eq!(r.verify().unwrap(), ["transaction 1 announces 1 changes and has 0"]);
    }
}

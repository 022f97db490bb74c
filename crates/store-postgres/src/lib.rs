//! Registry store on PostgreSQL: one system of record for any number of nodes.
//!
//! A transaction takes its number from a one-row counter that it locks first, so writers take turns, numbers are gap-free,
//! and a reader that sees transaction n sees every one before it. Keys compare byte by byte (`COLLATE "C"`), because imports
//! merge ordered lists. The connection is not encrypted: use a Unix socket, a private network, or a proxy that ends TLS.

use annuaire_store::{Change, Error, Object, Outcome, Registry, Result, Tx, Unit};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection, PgConnection, Postgres, Row, Transaction};
use std::collections::HashMap;
use std::str::FromStr;
use tokio::runtime::{Builder, Runtime};

/// Changes written by one statement.
const BATCH: usize = 2_000;

const SCHEMA: &str = r#"
CREATE TABLE IF NOT EXISTS log_tx(tx bigint PRIMARY KEY, commit_ms bigint NOT NULL, author text NOT NULL, reason text NOT NULL,
    changes bigint NOT NULL);
CREATE TABLE IF NOT EXISTS log_entry(tx bigint NOT NULL, seq bigint NOT NULL, entity text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL, payload text, PRIMARY KEY(tx, seq));
CREATE INDEX IF NOT EXISTS log_entry_object ON log_entry(entity, source, tx DESC, seq DESC);
CREATE TABLE IF NOT EXISTS object(source text COLLATE "C" NOT NULL, entity text COLLATE "C" NOT NULL, tx bigint NOT NULL,
    seq bigint NOT NULL, PRIMARY KEY(source, entity));
CREATE TABLE IF NOT EXISTS delivery(source text PRIMARY KEY, json text NOT NULL);
CREATE TABLE IF NOT EXISTS log_counter(one boolean PRIMARY KEY DEFAULT true CHECK (one), tx bigint NOT NULL, commit_ms bigint NOT NULL);
INSERT INTO log_counter(tx, commit_ms) VALUES (0, -1) ON CONFLICT DO NOTHING;
"#;

/// Two nodes that start together must not both create the tables.
const SCHEMA_LOCK: i64 = 0x0061_6e6e_7561;

fn fault(e: sqlx::Error) -> Error {
    Error::Database(e.to_string())
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// A registry in a PostgreSQL database. Opens its connection again when it was lost.
pub struct PostgresRegistry {
    runtime: Runtime,
    options: PgConnectOptions,
    connection: PgConnection,
}

impl PostgresRegistry {
    /// Connects to `postgres://user:password@host/database` and creates the tables when they are absent. The URL holds a
    /// secret: no error repeats it.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub fn open(url: &str) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|e| Error::Database(e.to_string()))?;
        let options = PgConnectOptions::from_str(url)
            .map_err(|_| Error::Database("the database URL is not postgres://user@host/database".into()))?
            .ssl_mode(PgSslMode::Disable);
        let connection = runtime.block_on(connect(&options)).map_err(fault)?;
        Ok(Self { runtime, options, connection })
    }

    /// Makes sure that the connection lives: one round trip.
    fn live(&mut self) -> Result<()> {
        if self.runtime.block_on(self.connection.ping()).is_err() {
            self.connection = self.runtime.block_on(connect(&self.options)).map_err(fault)?;
        }
        Ok(())
    }
}

async fn connect(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    let mut c = options.connect().await?;
    let mut t = c.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(SCHEMA_LOCK).execute(&mut *t).await?;
    sqlx::raw_sql(SCHEMA).execute(&mut *t).await?;
    t.commit().await?;
    Ok(c)
}

struct PostgresUnit<'a> {
    runtime: &'a Runtime,
    transaction: Transaction<'a, Postgres>,
    tx: u64,
    seq: u64,
    pending: Vec<Change>,
    outcome: Outcome,
}

impl PostgresUnit<'_> {
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
        if !kept.is_empty() {
            self.runtime.block_on(write(&mut self.transaction, signed(self.tx), &kept)).map_err(fault)?;
        }
        Ok(())
    }
}

/// Columns of changes, as arrays: one statement writes them all.
fn columns<'a>(kept: &[&'a (i64, Change)]) -> (Vec<i64>, Vec<&'a str>, Vec<&'a str>) {
    let seq = kept.iter().map(|k| k.0).collect();
    let entity = kept.iter().map(|k| k.1.entity.as_str()).collect();
    (seq, entity, kept.iter().map(|k| k.1.source.as_str()).collect())
}

async fn write(c: &mut PgConnection, tx: i64, kept: &[(i64, Change)]) -> sqlx::Result<()> {
    let (seq, entity, source) = columns(&kept.iter().collect::<Vec<_>>());
    let payload: Vec<Option<&str>> = kept.iter().map(|k| k.1.payload.as_deref()).collect();
    sqlx::query("INSERT INTO log_entry(tx, seq, entity, source, payload) SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[])")
        .bind(tx)
        .bind(seq)
        .bind(entity)
        .bind(source)
        .bind(payload)
        .execute(&mut *c)
        .await?;
    // An object named twice stands where its last word left it.
    let last: HashMap<_, _> = kept.iter().map(|k| ((&k.1.source, &k.1.entity), k)).collect();
    let (put, end): (Vec<_>, Vec<_>) = last.into_values().partition(|k| k.1.payload.is_some());
    let (seq, entity, source) = columns(&put);
    sqlx::query(
        "INSERT INTO object(source, entity, tx, seq) SELECT u.source, u.entity, $1, u.seq
         FROM unnest($2::bigint[], $3::text[], $4::text[]) AS u(seq, entity, source)
         ON CONFLICT (source, entity) DO UPDATE SET tx = excluded.tx, seq = excluded.seq",
    )
    .bind(tx)
    .bind(seq)
    .bind(entity)
    .bind(source)
    .execute(&mut *c)
    .await?;
    let (_, entity, source) = columns(&end);
    sqlx::query(
        "DELETE FROM object o USING unnest($1::text[], $2::text[]) AS u(entity, source)
         WHERE o.source = u.source AND o.entity = u.entity",
    )
    .bind(entity)
    .bind(source)
    .execute(c)
    .await?;
    Ok(())
}

fn object(r: &sqlx::postgres::PgRow) -> sqlx::Result<Object> {
    Ok(Object { entity: r.try_get(0)?, source: r.try_get(1)?, payload: r.try_get(2)? })
}

async fn current(c: &mut PgConnection, changes: &[Change]) -> sqlx::Result<Vec<Object>> {
    let entity: Vec<&str> = changes.iter().map(|c| c.entity.as_str()).collect();
    let source: Vec<&str> = changes.iter().map(|c| c.source.as_str()).collect();
    let rows = sqlx::query(
        "SELECT o.entity, o.source, l.payload FROM unnest($1::text[], $2::text[]) AS u(entity, source)
         JOIN object o ON o.source = u.source AND o.entity = u.entity JOIN log_entry l ON l.tx = o.tx AND l.seq = o.seq",
    )
    .bind(entity)
    .bind(source)
    .fetch_all(c)
    .await?;
    rows.iter().map(object).collect()
}

impl Unit for PostgresUnit<'_> {
    fn put(&mut self, change: &Change) -> Result<()> {
        self.pending.push(change.clone());
        if self.pending.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    fn entities_of_source(&mut self, source: &str, after: &str, limit: u32) -> Result<Vec<String>> {
        let query = sqlx::query_scalar("SELECT entity FROM object WHERE source = $1 AND entity > $2 ORDER BY entity LIMIT $3")
            .bind(source)
            .bind(after)
            .bind(i64::from(limit));
        self.runtime.block_on(query.fetch_all(&mut *self.transaction)).map_err(fault)
    }

    fn set_delivery(&mut self, source: &str, json: &str) -> Result<()> {
        let query = sqlx::query(
            "INSERT INTO delivery(source, json) VALUES ($1, $2) ON CONFLICT (source) DO UPDATE SET json = excluded.json",
        );
        self.runtime.block_on(query.bind(source).bind(json).execute(&mut *self.transaction)).map_err(fault)?;
        Ok(())
    }
}

impl Registry for PostgresRegistry {
    fn commit(
        &mut self,
        author: &str,
        reason: &str,
        now_ms: i64,
        write: &mut dyn FnMut(&mut dyn Unit) -> Result<()>,
    ) -> Result<Outcome> {
        self.live()?;
        let runtime = &self.runtime;
        let mut transaction = runtime.block_on(self.connection.begin()).map_err(fault)?;
        let last: (i64, i64) = runtime
            .block_on(sqlx::query_as("SELECT tx, commit_ms FROM log_counter FOR UPDATE").fetch_one(&mut *transaction))
            .map_err(fault)?;
        let tx = unsigned(last.0) + 1;
        let mut unit = PostgresUnit { runtime, transaction, tx, seq: 0, pending: Vec::new(), outcome: Outcome::default() };
        // Dropping the unit on an error rolls everything back.
        write(&mut unit)?;
        unit.flush()?;
        if unit.seq > 0 {
            unit.outcome.tx = Some(tx);
            let commit_ms = now_ms.max(last.1 + 1);
            let query = sqlx::query("INSERT INTO log_tx(tx, commit_ms, author, reason, changes) VALUES ($1, $2, $3, $4, $5)")
                .bind(signed(tx))
                .bind(commit_ms)
                .bind(author)
                .bind(reason)
                .bind(signed(unit.seq));
            runtime.block_on(query.execute(&mut *unit.transaction)).map_err(fault)?;
            let query = sqlx::query("UPDATE log_counter SET tx = $1, commit_ms = $2").bind(signed(tx)).bind(commit_ms);
            runtime.block_on(query.execute(&mut *unit.transaction)).map_err(fault)?;
        }
        let PostgresUnit { transaction, outcome, .. } = unit;
        runtime.block_on(transaction.commit()).map_err(fault)?;
        Ok(outcome)
    }

    fn last_tx(&mut self) -> Result<u64> {
        self.live()?;
        let query = sqlx::query_scalar("SELECT coalesce(max(tx), 0) FROM log_tx");
        self.runtime.block_on(query.fetch_one(&mut self.connection)).map(unsigned).map_err(fault)
    }

    fn transactions(&mut self, after: u64) -> Result<Vec<Tx>> {
        self.live()?;
        let query = sqlx::query("SELECT tx, commit_ms, author, reason, changes FROM log_tx WHERE tx > $1 ORDER BY tx")
            .bind(signed(after));
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
        self.live()?;
        let query =
            sqlx::query_scalar("SELECT DISTINCT entity FROM log_entry WHERE tx = $1 AND entity > $2 ORDER BY entity LIMIT $3")
                .bind(signed(tx))
                .bind(after)
                .bind(i64::from(limit));
        self.runtime.block_on(query.fetch_all(&mut self.connection)).map_err(fault)
    }

    fn entities(&mut self, after: &str, limit: u32) -> Result<Vec<String>> {
        self.live()?;
        let query = sqlx::query_scalar("SELECT DISTINCT entity FROM log_entry WHERE entity > $1 ORDER BY entity LIMIT $2")
            .bind(after)
            .bind(i64::from(limit));
        self.runtime.block_on(query.fetch_all(&mut self.connection)).map_err(fault)
    }

    fn objects_at(&mut self, tx: u64, entities: &[String]) -> Result<Vec<Object>> {
        self.live()?;
        // One index descent per object: versions are stored newest first.
        let query = sqlx::query(
            "SELECT entity, source, payload FROM (SELECT DISTINCT ON (entity, source) entity, source, payload FROM log_entry
             WHERE entity = ANY($2) AND tx <= $1 ORDER BY entity, source, tx DESC, seq DESC) AS newest WHERE payload IS NOT NULL
             ORDER BY entity, source",
        )
        .bind(signed(tx))
        .bind(entities);
        let rows = self.runtime.block_on(query.fetch_all(&mut self.connection)).map_err(fault)?;
        rows.iter().map(object).collect::<sqlx::Result<_>>().map_err(fault)
    }

    fn delivery(&mut self, source: &str) -> Result<Option<String>> {
        self.live()?;
        let query = sqlx::query_scalar("SELECT json FROM delivery WHERE source = $1").bind(source);
        self.runtime.block_on(query.fetch_optional(&mut self.connection)).map_err(fault)
    }

    fn verify(&mut self) -> Result<Vec<String>> {
        const CHECKS: [&str; 6] = [
            "SELECT 'transaction ' || (t.tx - 1) || ' is missing from the log' FROM log_tx t
                WHERE t.tx > 1 AND NOT EXISTS (SELECT 1 FROM log_tx p WHERE p.tx = t.tx - 1)",
            "SELECT 'transaction ' || t.tx || ' is not later than the one before' FROM log_tx t JOIN log_tx p ON p.tx = t.tx - 1
                WHERE t.commit_ms <= p.commit_ms",
            "SELECT 'transaction ' || t.tx || ' announces ' || t.changes || ' changes and has ' || count(e.seq) FROM log_tx t
                LEFT JOIN log_entry e ON e.tx = t.tx GROUP BY t.tx, t.changes HAVING count(e.seq) <> t.changes",
            "SELECT 'the counter is at ' || c.tx || ' and the log ends at ' || coalesce((SELECT max(tx) FROM log_tx), 0)
                FROM log_counter c WHERE c.tx <> coalesce((SELECT max(tx) FROM log_tx), 0)",
            "SELECT 'object ' || o.entity || ' of ' || o.source || ' does not stand where the log left it' FROM object o
                LEFT JOIN log_entry l ON l.tx = o.tx AND l.seq = o.seq AND l.entity = o.entity AND l.source = o.source
                WHERE l.payload IS NULL OR EXISTS (SELECT 1 FROM log_entry n WHERE n.entity = o.entity AND n.source = o.source
                    AND (n.tx, n.seq) > (o.tx, o.seq))",
            "SELECT 'object ' || l.entity || ' of ' || l.source || ' is in the log and not in the registry' FROM log_entry l
                WHERE l.payload IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM log_entry n WHERE n.entity = l.entity AND n.source = l.source AND (n.tx, n.seq) > (l.tx, l.seq))
                AND NOT EXISTS (SELECT 1 FROM object o WHERE o.source = l.source AND o.entity = l.entity)",
        ];
        self.live()?;
        let mut faults = Vec::new();
        for check in CHECKS {
            let found = sqlx::query_scalar::<_, String>(check).fetch_all(&mut self.connection);
            faults.extend(self.runtime.block_on(found).map_err(fault)?);
        }
        Ok(faults)
    }
}

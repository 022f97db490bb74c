//! A copy in a PostgreSQL database: one table for each type, and the position in the same transaction.
//!
//! The tables stand in the schema that the connection uses. The table of a type has the name of the type in small letters with underscores
//! (`practitioner_role`): `id`, `version`, `last_updated`, `resource` (jsonb, with a GIN index for `@>`). `mirror_state` says of which
//! origin they are a copy, until when, and whether it is ready. This is the one module outside the stores of the registry that holds
//! SQL: the database is that of the operator, and no registry is in it.

use super::{MirrorPosition, RoundEnd, Sink};
use crate::error::{Error, Result};
use crate::limits;
use crate::resource::MirroredResource;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, Row};
use std::collections::BTreeMap;
use std::str::FromStr;
use tokio::runtime::Runtime;

/// Statements that a round begins with.
const PREPARE: &str = "
CREATE TABLE IF NOT EXISTS mirror_state (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    mirror text NOT NULL, round bigint NOT NULL, origin text NOT NULL, told timestamptz, ready boolean NOT NULL,
    committed timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS mirror_types (resource_type text PRIMARY KEY, table_name text NOT NULL UNIQUE);
CREATE TEMPORARY TABLE mirror_incoming (id text PRIMARY KEY, version text, last_updated timestamptz, resource jsonb) ON COMMIT DROP;
LOCK TABLE mirror_state IN EXCLUSIVE MODE;
";

/// A copy in a PostgreSQL database.
pub struct DatabaseSink {
    runtime: Runtime,
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    round: Option<DatabaseRound>,
}

struct DatabaseRound {
    replaces: bool,
    /// Table of each type that has one.
    tables: BTreeMap<String, String>,
    /// The type whose rows are gathered, whether its table was made in this round or emptied, rows in COPY form, ids to delete.
    current: Option<TypeRows>,
}

struct TypeRows {
    ty: String,
    table: String,
    made: bool,
    rows: Vec<u8>,
    gone: Vec<String>,
}

impl DatabaseSink {
    /// The database that a URL names (`postgres://user@host/database`). It is reached at the first use.
    ///
    /// # Errors
    /// When the URL is none; the message does not repeat it, since it may hold a password.
    pub fn new(url: &str) -> Result<Self> {
        let wrong = || Error::Request("the address of the database is not postgres://user@host/database".into());
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(wrong());
        }
        check_parameters(url)?;
        let options =
            PgConnectOptions::from_str(url).map_err(|_| wrong())?.application_name("annuaire mirror").disable_statement_logging();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::Sink(format!("starting the client of the database: {e}")))?;
        Ok(Self { runtime, options, connection: None, round: None })
    }

    /// Runs work on the connection, which is opened when there is none, and forgotten after an error.
    fn call<T>(&mut self, work: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>) -> Result<T> {
        let Self { runtime, options, connection, .. } = self;
        let done = runtime.block_on(async {
            let mut open = match connection.take() {
                Some(open) => open,
                None => options.connect().await?,
            };
            let done = work(&mut open).await?;
            *connection = Some(open);
            Ok(done)
        });
        done.map_err(|e: sqlx::Error| Error::Sink(format!("the database: {e}")))
    }

    /// Sends what was gathered of the current type.
    fn flush(&mut self) -> Result<()> {
        let Some(mut rows) = self.round.as_mut().and_then(|r| r.current.take()) else { return Ok(()) };
        let (table, made) = (rows.table.clone(), rows.made);
        let (lines, gone) = (std::mem::take(&mut rows.rows), std::mem::take(&mut rows.gone));
        self.call(async |c| {
            if !lines.is_empty() {
                let into = if made { table.as_str() } else { "mirror_incoming" };
                let mut copy = c.copy_in_raw(&format!("COPY {into} (id, version, last_updated, resource) FROM STDIN")).await?;
                copy.send(lines.as_slice()).await?;
                copy.finish().await?;
                if !made {
                    let sql = format!(
                        "INSERT INTO {table} SELECT * FROM mirror_incoming ON CONFLICT (id) DO UPDATE SET \
                         version = excluded.version, last_updated = excluded.last_updated, resource = excluded.resource"
                    );
                    c.execute(sql.as_str()).await?;
                    c.execute("TRUNCATE mirror_incoming").await?;
                }
            }
            if !gone.is_empty() {
                sqlx::query(&format!("DELETE FROM {table} WHERE id = ANY($1)")).bind(gone).execute(c).await?;
            }
            Ok(())
        })?;
        if let Some(round) = &mut self.round {
            round.current = Some(rows);
        }
        Ok(())
    }

    /// Ends the current type: a table made in this round gets its index when it is filled, which is much faster.
    fn end_type(&mut self) -> Result<()> {
        self.flush()?;
        let Some(rows) = self.round.as_mut().and_then(|r| r.current.take()) else { return Ok(()) };
        self.call(async |c| {
            let sql = format!("CREATE INDEX IF NOT EXISTS {0}_resource ON {0} USING gin (resource jsonb_path_ops)", rows.table);
            if rows.made { c.execute(sql.as_str()).await.map(|_| ()) } else { Ok(()) }
        })
    }

    /// The rows of a type, which begins when it is another than before.
    fn rows(&mut self, ty: &str) -> Result<&mut TypeRows> {
        let begun = || Error::Sink("a change outside of a round".into());
        let round = self.round.as_ref().ok_or_else(begun)?;
        if round.current.as_ref().is_none_or(|rows| rows.ty != ty) {
            self.end_type()?;
            let round = self.round.as_mut().ok_or_else(begun)?;
            let known = round.tables.get(ty).cloned();
            let (table, made) = (table_name(ty), known.is_none());
            let made_or_emptied = made || round.replaces;
            if made {
                round.tables.insert(ty.to_owned(), table.clone());
                self.call(async |c| {
                    let sql = format!(
                        "CREATE TABLE {table} (id text PRIMARY KEY, version text, last_updated timestamptz, resource jsonb NOT NULL)"
                    );
                    c.execute(sql.as_str()).await?;
                    sqlx::query("INSERT INTO mirror_types VALUES ($1, $2)").bind(ty).bind(&table).execute(c).await.map(|_| ())
                })?;
            }
            let rows = TypeRows { ty: ty.to_owned(), table, made: made_or_emptied, rows: Vec::new(), gone: Vec::new() };
            self.round.as_mut().ok_or_else(begun)?.current = Some(rows);
        }
        let round = self.round.as_mut().ok_or_else(begun)?;
        round.current.as_mut().ok_or_else(begun)
    }
}

impl Sink for DatabaseSink {
    fn position(&mut self) -> Result<Option<MirrorPosition>> {
        self.call(async |c| {
            let there: bool = sqlx::query_scalar("SELECT to_regclass('mirror_state') IS NOT NULL").fetch_one(&mut *c).await?;
            if !there {
                return Ok(None);
            }
            let row = sqlx::query("SELECT mirror, round FROM mirror_state").fetch_optional(c).await?;
            let read = |row: sqlx::postgres::PgRow| {
                let round: i64 = row.try_get(1)?;
                Ok(MirrorPosition { mirror: row.try_get(0)?, round: round.unsigned_abs() })
            };
            row.map(read).transpose()
        })
    }

    fn begin(&mut self, position: &MirrorPosition, replaces: bool) -> Result<()> {
        let tables = self.call(async |c| {
            c.execute("BEGIN").await?;
            c.execute(PREPARE).await?;
            let rows = sqlx::query("SELECT resource_type, table_name FROM mirror_types").fetch_all(&mut *c).await?;
            let mut tables = BTreeMap::new();
            for row in rows {
                let (ty, table): (String, String) = (row.try_get(0)?, row.try_get(1)?);
                // What we did not write is not named in a statement.
                if table_name(&ty) == table && crate::resource::valid_type(&ty) {
                    tables.insert(ty, table);
                }
            }
            if replaces {
                // DELETE, and not TRUNCATE, which would hold up readers until the end of the round.
                for table in tables.values() {
                    c.execute(format!("DELETE FROM {table}").as_str()).await?;
                }
            }
            Ok(tables)
        })?;
        let before: Option<i64> =
            self.call(async |c| sqlx::query_scalar("SELECT round FROM mirror_state").fetch_optional(c).await)?;
        let expected = i64::try_from(position.round).unwrap_or(i64::MAX) - 1;
        if before.is_some_and(|before| before != expected) && !replaces {
            return Err(Error::Sink("another mirror has written to the database meanwhile; run this again".into()));
        }
        self.round = Some(DatabaseRound { replaces, tables, current: None });
        Ok(())
    }

    fn upsert(&mut self, resource: &MirroredResource) -> Result<()> {
        let rows = self.rows(&resource.resource_type)?;
        let text = &mut rows.rows;
        let null = || "\\N".to_owned();
        let version = if resource.stamp.version.is_empty() { null() } else { resource.stamp.version.clone() };
        let time = resource.stamp.last_updated_us.and_then(|us| jiff::Timestamp::from_microsecond(us).ok());
        let time = time.map_or_else(null, |t| t.to_string());
        text.extend_from_slice(format!("{}\t{version}\t{time}\t", resource.id).as_bytes());
        // Compact JSON holds no tab and no end of line outside of escapes; only backslashes mean something to COPY.
        for part in resource.json.split_inclusive('\\') {
            text.extend_from_slice(part.as_bytes());
            if part.ends_with('\\') {
                text.push(b'\\');
            }
        }
        text.push(b'\n');
        if text.len() >= limits::COPY_BYTES { self.flush() } else { Ok(()) }
    }

    fn delete(&mut self, resource_type: &str, id: &str) -> Result<()> {
        let rows = self.rows(resource_type)?;
        rows.gone.push(id.to_owned());
        if rows.gone.len() >= 10_000 { self.flush() } else { Ok(()) }
    }

    fn commit(&mut self, end: &RoundEnd<'_>) -> Result<()> {
        self.end_type()?;
        self.round = None;
        let told = end.told_ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).map(|t| t.to_string());
        let round = i64::try_from(end.position.round).unwrap_or(i64::MAX);
        let (mirror, origin, ready) = (end.position.mirror.clone(), end.origin.to_owned(), end.ready);
        self.call(async |c| {
            let sql =
                "INSERT INTO mirror_state (mirror, round, origin, told, ready) VALUES ($1, $2, $3, $4::text::timestamptz, $5)
                ON CONFLICT (only_row) DO UPDATE SET mirror = excluded.mirror, round = excluded.round, origin = excluded.origin,
                told = excluded.told, ready = excluded.ready, committed = now()";
            sqlx::query(sql).bind(mirror).bind(round).bind(origin).bind(told).bind(ready).execute(&mut *c).await?;
            c.execute("COMMIT").await.map(|_| ())
        })
    }

    fn abandon(&mut self) -> Result<()> {
        self.round = None;
        // The server rolls back what a closed connection left open.
        let Some(connection) = self.connection.take() else { return Ok(()) };
        let _ = self.runtime.block_on(connection.close());
        Ok(())
    }
}

/// Refuses parameters that the driver would ignore in silence: one may have asked for safety.
fn check_parameters(url: &str) -> Result<()> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    for (name, value) in query.split('&').filter_map(|p| p.split_once('=')) {
        let known = match name {
            "sslmode" => ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"].contains(&value),
            "sslrootcert" | "sslcert" | "sslkey" | "host" | "port" | "options" => true,
            _ => name.starts_with("options["),
        };
        if !known {
            return Err(Error::Request(format!(
                "the parameter {name:?} of the address of the database cannot be obeyed as it is given"
            )));
        }
    }
    Ok(())
}

/// `PractitionerRole` → `practitioner_role`. Types have letters only, so the name needs no quotes unless it is a word of SQL; no type is.
fn table_name(ty: &str) -> String {
    let mut name = String::new();
    for c in ty.chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    // `group` is a type and a word of SQL.
    if name == "group" { "group_".into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_names_of_their_own() {
        assert_eq!(table_name("PractitionerRole"), "practitioner_role");
        assert_eq!(table_name("Group"), "group_");
        for (url, said) in [
            ("nonsense://x:secret@y", "postgres://"),
            ("postgres://x:secret@y/z?sslmode=verified", "sslmode"),
            ("postgres://x:secret@y/z?gssencmode=require", "gssencmode"),
        ] {
            let error = DatabaseSink::new(url).err().unwrap().to_string();
            assert!(error.contains(said) && !error.contains("secret"), "{error}");
        }
        assert!(DatabaseSink::new("postgres://x@y/z?sslmode=verify-full&options[search_path]=m").is_ok());
    }
}

//! Registry store on PostgreSQL: one system of record for any number of nodes.
//!
//! A transaction takes its number from a one-row counter that it locks first, so writers take turns, numbers are gap-free,
//! and a reader that sees transaction n sees every one before it. Keys compare byte by byte (`COLLATE "C"`), because imports
//! merge ordered lists. The connection is not encrypted: use a Unix socket, a private network, or a proxy that ends TLS.

mod read;
mod schema;
mod verify;
mod write;

use annuaire_store::{Cause, Error, Object, Outcome, Registry, Result, Tx, Unit};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection, PgConnection};
use std::str::FromStr;
use tokio::runtime::{Builder, Runtime};

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
    /// When the server cannot be reached or refuses, or when its tables are those of another version of this program.
    pub fn open(url: &str) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|e| Error::Database(e.to_string()))?;
        let options = PgConnectOptions::from_str(url)
            .map_err(|_| Error::Database("the database URL is not postgres://user@host/database".into()))?
            .ssl_mode(PgSslMode::Disable);
        let mut connection = runtime.block_on(options.connect()).map_err(fault)?;
        runtime.block_on(schema::ensure(&mut connection))?;
        Ok(Self { runtime, options, connection })
    }

    /// Makes sure that the connection lives: one round trip.
    fn live(&mut self) -> Result<()> {
        if self.runtime.block_on(self.connection.ping()).is_err() {
            self.connection = self.runtime.block_on(self.options.connect()).map_err(fault)?;
        }
        Ok(())
    }
}

impl Registry for PostgresRegistry {
    fn commit(&mut self, cause: Cause<'_>, write: &mut dyn FnMut(&mut dyn Unit) -> Result<()>) -> Result<Outcome> {
        self.live()?;
        let transaction = self.runtime.block_on(self.connection.begin()).map_err(fault)?;
        let mut unit = write::PostgresUnit::begin(&self.runtime, transaction)?;
        // Dropping the unit on an error rolls everything back.
        write(&mut unit)?;
        unit.commit(cause)
    }

    fn last_tx(&mut self) -> Result<u64> {
        self.live()?;
        let query = sqlx::query_scalar("SELECT coalesce(max(tx), 0) FROM log_tx");
        self.runtime.block_on(query.fetch_one(&mut self.connection)).map(unsigned).map_err(fault)
    }

    fn transactions(&mut self, after: u64) -> Result<Vec<Tx>> {
        self.live()?;
        self.runtime.block_on(read::transactions(&mut self.connection, after)).map_err(fault)
    }

    fn changed_entities(&mut self, tx: u64, after: &str, limit: u32) -> Result<Vec<String>> {
        self.live()?;
        self.runtime.block_on(read::changed_entities(&mut self.connection, tx, after, limit)).map_err(fault)
    }

    fn objects_at(&mut self, tx: u64, entities: &[String]) -> Result<Vec<Object>> {
        self.live()?;
        self.runtime.block_on(read::objects_at(&mut self.connection, tx, entities)).map_err(fault)
    }

    fn standing(&mut self, tx: u64, after: &str, limit: u32) -> Result<(Vec<Object>, Option<String>)> {
        self.live()?;
        self.runtime.block_on(read::standing(&mut self.connection, tx, after, limit)).map_err(fault)
    }

    fn note(&mut self, kind: &str, key: &str) -> Result<Option<String>> {
        self.live()?;
        self.runtime.block_on(read::note(&mut self.connection, kind, key)).map_err(fault)
    }

    fn notes(&mut self, kind: &str, after: &str, limit: u32) -> Result<Vec<(String, String)>> {
        self.live()?;
        self.runtime.block_on(read::notes(&mut self.connection, kind, after, limit)).map_err(fault)
    }

    fn verify(&mut self) -> Result<Vec<String>> {
        self.live()?;
        self.runtime.block_on(verify::verify(&mut self.connection)).map_err(fault)
    }
}

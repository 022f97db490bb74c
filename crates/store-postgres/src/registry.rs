//! The registry in a PostgreSQL database: connecting, and the calls of [`Registry`].

use crate::call::{self, bounded, statement};
use crate::url::options;
use crate::{limits, read, schema, verify, write};
use annuaire_base::Tx;
use annuaire_store::columns::tx_read;
use annuaire_store::{Cause, CommitOutcome, Error, Object, Registry, Result, Transaction, Unit};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::runtime::{Builder, Runtime};

/// A registry in a PostgreSQL database. It reconnects when its connection was lost.
pub struct PostgresRegistry {
    runtime: Runtime,
    options: PgConnectOptions,
    connection: PgConnection,
}

impl PostgresRegistry {
    /// Connects to `postgres://user:password@host/database` and creates missing tables. The URL holds a secret, so no error
    /// repeats it.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses, or when its tables are of a later version of this program.
    pub fn open(url: &str) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|e| Error::Database(e.to_string()))?;
        let options = options(url)?;
        let mut connection = bounded(&runtime, limits::CONNECT, options.connect())?;
        runtime.block_on(async {
            match tokio::time::timeout(limits::TURN, schema::ensure(&mut connection)).await {
                Ok(done) => done,
                Err(_) => Err(call::silent(limits::TURN)),
            }
        })?;
        Ok(Self { runtime, options, connection })
    }

    /// Reconnects when the connection is dead. Cost: one round trip.
    fn live(&mut self) -> Result<()> {
        if bounded(&self.runtime, limits::PING, self.connection.ping()).is_err() {
            self.connection = bounded(&self.runtime, limits::CONNECT, self.options.connect())?;
        }
        Ok(())
    }
}

impl Registry for PostgresRegistry {
    fn commit(&mut self, cause: Cause<'_>, write: &mut dyn FnMut(&mut dyn Unit) -> Result<()>) -> Result<CommitOutcome> {
        self.live()?;
        let transaction = statement(&self.runtime, self.connection.begin())?;
        let mut unit = write::PostgresUnit::begin(&self.runtime, transaction)?;
        // Dropping the unit on an error rolls everything back.
        write(&mut unit)?;
        unit.commit(cause)
    }

    fn last_tx(&mut self) -> Result<Tx> {
        self.live()?;
        let query = sqlx::query_scalar("SELECT coalesce(max(tx), 0) FROM log_tx");
        statement(&self.runtime, query.fetch_one(&mut self.connection)).map(tx_read)
    }

    fn transactions(&mut self, after: Tx) -> Result<Vec<Transaction>> {
        self.live()?;
        statement(&self.runtime, read::transactions(&mut self.connection, after))
    }

    fn changed_entities(&mut self, tx: Tx, after: &str, limit: u32) -> Result<Vec<String>> {
        self.live()?;
        statement(&self.runtime, read::changed_entities(&mut self.connection, tx, after, limit))
    }

    fn objects_at(&mut self, tx: Tx, entities: &[String]) -> Result<Vec<Object>> {
        self.live()?;
        statement(&self.runtime, read::objects_at(&mut self.connection, tx, entities))
    }

    fn standing(&mut self, tx: Tx, after: &str, limit: u32) -> Result<(Vec<Object>, Option<String>)> {
        self.live()?;
        statement(&self.runtime, read::standing(&mut self.connection, tx, after, limit))
    }

    fn note(&mut self, kind: &str, key: &str) -> Result<Option<String>> {
        self.live()?;
        statement(&self.runtime, read::note(&mut self.connection, kind, key))
    }

    fn notes(&mut self, kind: &str, after: &str, limit: u32) -> Result<Vec<(String, String)>> {
        self.live()?;
        statement(&self.runtime, read::notes(&mut self.connection, kind, after, limit))
    }

    fn verify(&mut self) -> Result<Vec<String>> {
        self.live()?;
        bounded(&self.runtime, limits::VERIFY, verify::verify(&mut self.connection))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the time until it gives up is measured")]
    fn a_silent_server_is_given_up() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("postgres://a:secret@{}/b", listener.local_addr().unwrap());
        let start = std::time::Instant::now();
        let said = PostgresRegistry::open(&url).err().unwrap().to_string();
        assert!(said.contains("no answer for 10 s") && !said.contains("secret"), "{said}");
        assert!(start.elapsed() < limits::CONNECT * 2);
    }

    /// A server without TLS is refused by who asks for it, before any password is sent.
    #[test]
    fn tls_that_is_required_is_not_done_without() {
        use std::io::{Read, Write};
        for mode in ["require", "verify-ca", "verify-full"] {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("postgres://a:secret@{}/b?sslmode={mode}", listener.local_addr().unwrap());
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut asked = [0; 8];
                stream.read_exact(&mut asked).unwrap();
                stream.write_all(b"N").unwrap();
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest);
                (asked, rest)
            });
            let said = PostgresRegistry::open(&url).err().unwrap().to_string();
            assert!(said.to_lowercase().contains("tls"), "{mode}: {said}");
            let (asked, rest) = server.join().unwrap();
            assert_eq!(asked, [0, 0, 0, 8, 4, 210, 22, 47], "the request for TLS");
            assert!(rest.is_empty(), "{mode}: something was sent in clear");
        }
    }
}

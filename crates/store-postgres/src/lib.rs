//! Registry store on PostgreSQL: one system of record for any number of nodes.
//!
//! A transaction takes its number from a one-row counter that it locks first, so writers take turns, numbers are gap-free,
//! and a reader that sees transaction n sees every one before it. Keys compare byte by byte (`COLLATE "C"`), because imports
//! merge ordered lists.
//!
//! `sslmode` is obeyed as PostgreSQL documents it: `require` encrypts or fails, `verify-ca` and `verify-full` look at the
//! certificate as well (`sslrootcert` names the authority), `prefer`, which is what is done without it, encrypts when the server
//! offers it and goes on without when it does not. No call waits for ever: see [`limits`].

mod call;
mod read;
mod schema;
mod verify;
mod write;

use annuaire_base::Tx;
use annuaire_store::{Cause, CommitOutcome, Error, Object, Registry, Result, Transaction, Unit};
use call::{bounded, statement};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use std::str::FromStr;
use tokio::runtime::{Builder, Runtime};

/// How long a server may stay silent, in one place. Beyond, the call fails and the next one opens a new connection.
pub mod limits {
    use std::time::Duration;

    /// To accept a connection, TLS and password included.
    pub const CONNECT: Duration = Duration::from_secs(10);
    /// To say that a connection lives.
    pub const PING: Duration = Duration::from_secs(5);
    /// To answer a statement of a page of objects or of a batch of changes.
    pub const STATEMENT: Duration = Duration::from_secs(120);
    /// To give the right to write, which another import may have: the first load of a country takes minutes.
    pub const TURN: Duration = Duration::from_secs(600);
    /// To make a committed transaction durable.
    pub const COMMIT: Duration = Duration::from_secs(300);
    /// To compare the whole log with the whole state.
    pub const VERIFY: Duration = Duration::from_secs(4 * 3600);
}

/// Parameters of a URL that are obeyed. Another one would be ignored without a word, and it may have asked for safety.
const PARAMETERS: [&str; 19] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "options[",
];

fn fault(e: sqlx::Error) -> Error {
    Error::Database(e.to_string())
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// A transaction number as the databases keep it.
fn tx_column(tx: Tx) -> i64 {
    signed(tx.get())
}

/// Reads [`tx_column`] back.
fn tx_read(column: i64) -> Tx {
    Tx::new(unsigned(column))
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

    /// Makes sure that the connection lives: one round trip.
    fn live(&mut self) -> Result<()> {
        if bounded(&self.runtime, limits::PING, self.connection.ping()).is_err() {
            self.connection = bounded(&self.runtime, limits::CONNECT, self.options.connect())?;
        }
        Ok(())
    }
}

/// What a URL asks. No error repeats it.
fn options(url: &str) -> Result<PgConnectOptions> {
    let query = url.split_once('?').map_or("", |(_, query)| query.split('#').next().unwrap_or_default());
    for name in query.split('&').filter(|p| !p.is_empty()).filter_map(|p| p.split('=').next()) {
        let name = name.replace("%5B", "[").replace("%5b", "[");
        if !PARAMETERS.contains(&name.as_str()) && !name.starts_with("options[") {
            return Err(Error::Database(format!(
                "the parameter {name:?} of the database URL is not obeyed by this program; leave it out (obeyed: {})",
                PARAMETERS[..PARAMETERS.len() - 1].join(", ")
            )));
        }
    }
    if query.split('&').any(|p| matches!(p.split_once('='), Some(("sslmode" | "ssl-mode", mode)) if !MODES.contains(&mode))) {
        return Err(Error::Database(format!("the sslmode of the database URL is none of {}", MODES.join(", "))));
    }
    PgConnectOptions::from_str(url).map_err(|_| Error::Database("the database URL is not postgres://user@host/database".into()))
}

/// What `sslmode` may be.
const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

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
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_server_is_given_up() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("postgres://a:secret@{}/b", listener.local_addr().unwrap());
        let start = std::time::Instant::now();
        let said = PostgresRegistry::open(&url).err().unwrap().to_string();
        assert!(said.contains("no answer for 10 s") && !said.contains("secret"), "{said}");
        assert!(start.elapsed() < limits::CONNECT * 2);
    }

    #[test]
    fn what_a_url_asks_is_obeyed_or_refused() {
        for url in [
            "postgres://a@h/b",
            "postgres://a@h/b?sslmode=require",
            "postgres://a@h/b?options[search_path]=x&sslmode=verify-full",
        ] {
            assert!(options(url).is_ok(), "{url}");
        }
        for (url, part) in [
            ("postgres://a:secret@h/b?gssencmode=require", "gssencmode"),
            ("postgres://a:secret@h/b?sslmode=required", "verify-full"),
            ("postgres://a:secret@h/b?channel_binding=require", "not obeyed"),
            ("nonsense", "postgres://"),
        ] {
            let said = options(url).err().unwrap().to_string();
            assert!(said.contains(part) && !said.contains("secret"), "{url}: {said}");
        }
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

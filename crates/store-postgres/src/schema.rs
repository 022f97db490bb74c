//! Tables, their version, and what is done to those of an earlier one.

use crate::call::{bounded, run, statement};
use crate::fault::Answer;
use crate::{limits, migrate};
use annuaire_base::LogIdentity;
use annuaire_store::Error;
use sqlx::PgConnection;

/// Raised whenever the tables change their meaning.
const VERSION: i64 = 4;

// `version` leads from a fact to the chunks that hold its versions. Entities come first in its key, so that all that is said
// of one is found by
// one look-up whoever says it, and a page of the state is one range. Chunks hold compressed bytes: PostgreSQL is not to try
// again. Rows that every save
// changes leave room in their page, so that no index is touched.
const TABLES: &str = r#"
CREATE TABLE log_identity(one boolean PRIMARY KEY DEFAULT true CHECK (one), id bytea NOT NULL, epoch bigint NOT NULL);
CREATE TABLE log_counter(one boolean PRIMARY KEY DEFAULT true CHECK (one), tx bigint NOT NULL, commit_ms bigint NOT NULL,
    digest bytea NOT NULL, audit bigint NOT NULL, audit_hash bytea NOT NULL, saves bigint NOT NULL, token bytea NOT NULL)
    WITH (fillfactor = 10);
CREATE TABLE owner(id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY, code text COLLATE "C" NOT NULL UNIQUE, description text NOT NULL,
    last_tx bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50);
CREATE TABLE log_tx(tx bigint PRIMARY KEY, batch bigint NOT NULL UNIQUE, commit_ms bigint NOT NULL, actor text NOT NULL,
    authority text, request text, channel text NOT NULL, basis text, reason text NOT NULL, changes bigint NOT NULL,
    withdrawals bigint NOT NULL, root bytea NOT NULL, digest bytea NOT NULL);
CREATE SEQUENCE batch_number;
CREATE TABLE stage(batch bigint PRIMARY KEY, base bigint NOT NULL);
CREATE TABLE chunk(batch bigint NOT NULL, number integer NOT NULL, owner integer NOT NULL, rows integer NOT NULL,
    first text COLLATE "C" NOT NULL, keys bytea NOT NULL, contents bytea NOT NULL, PRIMARY KEY(batch, number));
CREATE INDEX chunk_first ON chunk(batch, owner, first);
ALTER TABLE chunk ALTER COLUMN keys SET STORAGE EXTERNAL, ALTER COLUMN contents SET STORAGE EXTERNAL;
CREATE TABLE version(batch bigint NOT NULL, fingerprint bigint NOT NULL, owner integer NOT NULL, chunk integer NOT NULL,
    flags smallint NOT NULL, entity text COLLATE "C" NOT NULL, facet text COLLATE "C" NOT NULL,
    PRIMARY KEY(entity, owner, facet, batch));
CREATE TABLE withdrawal(tx bigint NOT NULL, entity text COLLATE "C" NOT NULL, PRIMARY KEY(tx, entity));
CREATE TABLE withheld(entity text COLLATE "C" PRIMARY KEY, tx bigint NOT NULL);
CREATE TABLE job(id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, queue smallint NOT NULL, taken boolean NOT NULL DEFAULT false,
    attempts bigint NOT NULL DEFAULT 0, due_ms bigint NOT NULL, tx bigint, kind text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL, payload text NOT NULL, last_error text) WITH (fillfactor = 50);
CREATE INDEX job_due ON job(queue, due_ms, id);
CREATE UNIQUE INDEX job_key ON job(queue, kind, key) WHERE key <> '' AND NOT taken;
CREATE TABLE audit(number bigint PRIMARY KEY, at_ms bigint NOT NULL, tx bigint, actor text NOT NULL, event text NOT NULL,
    object text NOT NULL, request text, detail text NOT NULL, hash bytea NOT NULL);
"#;

/// What tables of version 3 have as well, so that migration keeps it.
const NOTES: &str = r#"
CREATE TABLE note(kind text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL, text text NOT NULL, PRIMARY KEY(kind, key));
"#;

/// First rows: the identity, and a counter at zero.
const ROWS: &str = "
INSERT INTO log_counter(tx, commit_ms, digest, audit, audit_hash, saves, token)
    VALUES (0, -1, decode(repeat('00', 32), 'hex'), 0, decode(repeat('00', 32), 'hex'), 0, ''::bytea);
";

/// The step from version 2 to version 3: the table of deliveries becomes one of notes of any kind.
const FROM_2: &str = "INSERT INTO note(kind, key, text) SELECT 'source', source, json FROM delivery; DROP TABLE delivery;";

/// Advisory lock that keeps two nodes that start together from both creating the tables.
const SCHEMA_LOCK: i64 = 0x0061_6e6e_7561;

/// Creates all tables of this version.
pub(crate) async fn create(c: &mut PgConnection, id: u128) -> Answer<()> {
    statement(run(c, TABLES)).await?;
    statement(run(c, ROWS)).await?;
    let query = sqlx::query("INSERT INTO log_identity(id, epoch) VALUES ($1, 0)").bind(id.to_be_bytes().to_vec());
    statement(query.execute(c)).await?;
    Ok(())
}

/// Creates the tables of an empty database, brings those of an earlier version forward and refuses those of a later one, in one
/// transaction of the database. Returns the identity of the log.
pub(crate) async fn ensure(c: &mut PgConnection, from: &migrate::Origin<'_>) -> Answer<LogIdentity> {
    statement(run(c, "BEGIN")).await?;
    let turn = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(SCHEMA_LOCK);
    bounded(limits::TURN, turn.execute(&mut *c)).await?;
    let present = "SELECT to_regclass('log_tx') IS NOT NULL, to_regclass('registry_version') IS NOT NULL";
    let (tables, versioned): (bool, bool) = statement(sqlx::query_as(present).fetch_one(&mut *c)).await?;
    let version: i64 = match versioned {
        true => {
            statement(sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM registry_version").fetch_one(&mut *c)).await?
        }
        false => 0,
    };
    match version {
        VERSION => {}
        0 if !tables && !versioned => {
            statement(run(c, "CREATE TABLE registry_version(version bigint PRIMARY KEY)")).await?;
            statement(run(c, NOTES)).await?;
            create(c, from.new_id()).await?;
        }
        2 | 3 => {
            if version == 2 {
                statement(run(c, NOTES)).await?;
                statement(run(c, FROM_2)).await?;
            }
            migrate::to_4(c, from).await?;
        }
        _ => {
            return Err(Error::Database(format!(
                "the database holds a registry of version {version} and this program reads versions 2 to {VERSION}: use the program that wrote it, or a later one"
            ))
            .into());
        }
    }
    if version != VERSION {
        statement(sqlx::query("INSERT INTO registry_version(version) VALUES ($1)").bind(VERSION).execute(&mut *c)).await?;
    }
    let log = statement(identity(c)).await?;
    bounded(limits::COMMIT, run(c, "COMMIT")).await?;
    Ok(log)
}

/// Which log this is.
pub(crate) async fn identity(c: &mut PgConnection) -> sqlx::Result<LogIdentity> {
    let (id, epoch): (Vec<u8>, i64) = sqlx::query_as("SELECT id, epoch FROM log_identity").fetch_one(c).await?;
    identity_of(&id, epoch)
}

fn identity_of(id: &[u8], epoch: i64) -> sqlx::Result<LogIdentity> {
    match (<[u8; 16]>::try_from(id), u32::try_from(epoch)) {
        (Ok(id), Ok(epoch)) => Ok(LogIdentity { id: u128::from_be_bytes(id), epoch }),
        _ => Err(sqlx::Error::Decode("the identity of the log is not one".into())),
    }
}

/// Raises the epoch by one.
pub(crate) async fn raise_epoch(c: &mut PgConnection) -> sqlx::Result<LogIdentity> {
    let query = sqlx::query_as("UPDATE log_identity SET epoch = epoch + 1 RETURNING id, epoch");
    let (id, epoch): (Vec<u8>, i64) = query.fetch_one(c).await?;
    identity_of(&id, epoch)
}

//! Tables, their version, and the way from earlier versions.

use crate::fault::fault;
use annuaire_store::{Error, Result};
use sqlx::{Connection, PgConnection};

/// Raised whenever the tables change their meaning.
const VERSION: i64 = 3;

// An ended object keeps its row in `object`: `tx` and `prev` lead from there through all its versions, and no other index is
// needed.
const TABLES: &str = r#"
CREATE TABLE log_tx(tx bigint PRIMARY KEY, commit_ms bigint NOT NULL, author text NOT NULL, reason text NOT NULL,
    changes bigint NOT NULL);
CREATE TABLE log_entry(tx bigint NOT NULL, source text COLLATE "C" NOT NULL, entity text COLLATE "C" NOT NULL, prev bigint,
    payload text, PRIMARY KEY(tx, source, entity));
CREATE TABLE object(source text COLLATE "C" NOT NULL, entity text COLLATE "C" NOT NULL, tx bigint NOT NULL,
    ended boolean NOT NULL, digest bytea, PRIMARY KEY(source, entity));
CREATE TABLE note(kind text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL, text text NOT NULL, PRIMARY KEY(kind, key));
CREATE TABLE log_counter(one boolean PRIMARY KEY DEFAULT true CHECK (one), tx bigint NOT NULL, commit_ms bigint NOT NULL);
INSERT INTO log_counter(tx, commit_ms) VALUES (0, -1);
CREATE TABLE registry_version(version bigint PRIMARY KEY);
"#;

/// The step from version 2 to version 3: the table of deliveries becomes one of notes of any kind.
const FROM_2: &str = r#"
CREATE TABLE note(kind text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL, text text NOT NULL, PRIMARY KEY(kind, key));
INSERT INTO note(kind, key, text) SELECT 'source', source, json FROM delivery;
DROP TABLE delivery;
"#;

/// Advisory lock that keeps two nodes that start together from both creating the tables.
const SCHEMA_LOCK: i64 = 0x0061_6e6e_7561;

/// Creates the tables of an empty database, brings those of an earlier version forward and refuses those of a later one.
pub(crate) async fn ensure(c: &mut PgConnection) -> Result<()> {
    let mut t = c.begin().await.map_err(fault)?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(SCHEMA_LOCK).execute(&mut *t).await.map_err(fault)?;
    let present = "SELECT to_regclass('log_tx') IS NOT NULL, to_regclass('registry_version') IS NOT NULL";
    let (tables, versioned): (bool, bool) = sqlx::query_as(present).fetch_one(&mut *t).await.map_err(fault)?;
    let version: i64 = match versioned {
        true => sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM registry_version")
            .fetch_one(&mut *t)
            .await
            .map_err(fault)?,
        false => 0,
    };
    if !tables && !versioned {
        sqlx::raw_sql(TABLES).execute(&mut *t).await.map_err(fault)?;
        sqlx::query("INSERT INTO registry_version(version) VALUES ($1)").bind(VERSION).execute(&mut *t).await.map_err(fault)?;
    } else if version == 2 {
        sqlx::raw_sql(FROM_2).execute(&mut *t).await.map_err(fault)?;
        sqlx::query("INSERT INTO registry_version(version) VALUES ($1)").bind(VERSION).execute(&mut *t).await.map_err(fault)?;
    } else if version != VERSION {
        return Err(Error::Database(format!(
            "the database holds a registry of version {version} and this program reads versions 2 to {VERSION}: use the program that wrote it, or a later one"
        )));
    }
    t.commit().await.map_err(fault)
}

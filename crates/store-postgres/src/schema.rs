//! Tables, their version, and what is done to those of an earlier one.

use crate::call::{bounded, run, statement};
use crate::fault::CallResult;
use crate::{audit, cases, identity_rows, limits, migrate, owner, subscription, tables};
use annuaire_base::LogIdentity;
use annuaire_store::Error;
use sqlx::PgConnection;

/// Raised whenever the tables change their meaning.
const VERSION: i64 = 9;

/// Tables and indexes that were added, each with the version that had them first.
const ADDED: [(i64, &str); 5] =
    [(5, subscription::TABLES), (6, identity_rows::TABLES), (7, cases::TABLES), (8, audit::INDEXES), (9, owner::DESCRIBED)];

/// What tables of version 3 have as well, so that migration keeps it.
const NOTES: &str = r#"
CREATE TABLE note(kind text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL, text text NOT NULL, PRIMARY KEY(kind, key));
"#;

/// The step from version 2 to version 3: the table of deliveries becomes one of notes of any kind.
const FROM_2: &str = "INSERT INTO note(kind, key, text) SELECT 'source', source, json FROM delivery; DROP TABLE delivery;";

/// Advisory lock that keeps two nodes that start together from both creating the tables.
const SCHEMA_LOCK: i64 = 0x0061_6e6e_7561;

/// Creates the tables of an empty database, brings those of an earlier version forward and refuses those of a later one, in one
/// transaction of the database. Returns the identity of the log.
pub(crate) async fn ensure(c: &mut PgConnection, from: &migrate::FormerTables<'_>) -> CallResult<LogIdentity> {
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
            tables::create(c, from.new_id()).await?;
        }
        4..=8 => {}
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
    for (_, tables) in ADDED.iter().filter(|(first, _)| *first > version) {
        statement(run(c, tables)).await?;
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

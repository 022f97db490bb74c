//! The tables of this version.

use crate::call::{run, statement};
use crate::fault::CallResult;
use sqlx::PgConnection;

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

/// First rows: the identity, and a counter at zero.
const ROWS: &str = "
INSERT INTO log_counter(tx, commit_ms, digest, audit, audit_hash, saves, token)
    VALUES (0, -1, decode(repeat('00', 32), 'hex'), 0, decode(repeat('00', 32), 'hex'), 0, ''::bytea);
";

/// Creates all tables of this version.
pub(crate) async fn create(c: &mut PgConnection, id: u128) -> CallResult<()> {
    statement(run(c, TABLES)).await?;
    statement(run(c, ROWS)).await?;
    let query = sqlx::query("INSERT INTO log_identity(id, epoch) VALUES ($1, 0)").bind(id.to_be_bytes().to_vec());
    statement(query.execute(c)).await?;
    Ok(())
}

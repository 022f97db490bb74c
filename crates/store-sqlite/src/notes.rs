//! Notes and owners.

use crate::fault::fault;
use annuaire_store::{OwnerRow, Result};
use sqlx::SqliteConnection;

pub(crate) async fn note(c: &mut SqliteConnection, kind: &str, key: &str) -> Result<Option<String>> {
    let query = sqlx::query_scalar("SELECT text FROM note WHERE kind = ? AND key = ?");
    query.bind(kind).bind(key).fetch_optional(c).await.map_err(fault)
}

pub(crate) async fn notes(c: &mut SqliteConnection, kind: &str, after: &str, limit: u32) -> Result<Vec<(String, String)>> {
    let query = sqlx::query_as("SELECT key, text FROM note WHERE kind = ? AND key > ? ORDER BY key LIMIT ?");
    query.bind(kind).bind(after).bind(limit).fetch_all(c).await.map_err(fault)
}

pub(crate) async fn set_note(c: &mut SqliteConnection, kind: &str, key: &str, text: Option<&str>) -> Result<()> {
    let query = match text {
        Some(text) => {
            sqlx::query("INSERT OR REPLACE INTO note(kind, key, text) VALUES (?, ?, ?)").bind(kind).bind(key).bind(text)
        }
        None => sqlx::query("DELETE FROM note WHERE kind = ? AND key = ?").bind(kind).bind(key),
    };
    query.execute(c).await.map(|_| ()).map_err(fault)
}

pub(crate) async fn owners(c: &mut SqliteConnection) -> Result<Vec<OwnerRow>> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT code, description FROM owner ORDER BY code").fetch_all(c).await.map_err(fault)?;
    Ok(rows.into_iter().map(|(code, description)| OwnerRow { code, description }).collect())
}

/// Finds the owners that have a description, since version 9, and empties the descriptions that earlier programs wrote for structures
/// and persons, whose codes tell the owner (`annuaire_mos::owner::Owner`). There may be one for each professional, so it is done here,
/// where a country is one statement; any other text stays.
pub(crate) const DESCRIBED: &str = r#"
UPDATE owner SET description = '' WHERE (code GLOB 'ENREG:?*'
        AND description = '{"code":"' || code || '","kind":"structure","number":"' || substr(code, 7) || '"}')
    OR (code GLOB 'PP:?*' AND description = '{"code":"' || code || '","kind":"person","idNatPs":"' || substr(code, 4) || '"}');
CREATE INDEX owner_described ON owner(code, description) WHERE description <> '';
"#;

/// Names its index, since the planner could take the order of the table for as good.
pub(crate) const DESCRIBED_QUERY: &str =
    "SELECT code, description FROM owner INDEXED BY owner_described WHERE description <> '' ORDER BY code";

pub(crate) async fn described_owners(c: &mut SqliteConnection) -> Result<Vec<OwnerRow>> {
    let rows: Vec<(String, String)> = sqlx::query_as(DESCRIBED_QUERY).fetch_all(c).await.map_err(fault)?;
    Ok(rows.into_iter().map(|(code, description)| OwnerRow { code, description }).collect())
}

pub(crate) async fn set_owner(c: &mut SqliteConnection, owner: &OwnerRow) -> Result<()> {
    let query = sqlx::query(
        "INSERT INTO owner(code, description) VALUES (?, ?) ON CONFLICT (code) DO UPDATE SET description = excluded.description",
    );
    query.bind(&owner.code).bind(&owner.description).execute(c).await.map(|_| ()).map_err(fault)
}

/// Whether an owner is known, and asked about every entity; `None`: a stranger.
pub(crate) async fn wide(c: &mut SqliteConnection, owner: &str) -> Result<Option<bool>> {
    sqlx::query_scalar("SELECT wide FROM owner WHERE code = ?").bind(owner).fetch_optional(c).await.map_err(fault)
}

//! Rows of identity.

use crate::fault::fault;
use annuaire_store::Result;
use annuaire_store::columns::{signed, unsigned};
use annuaire_store::identity::{IdentityRow, IdentityWrite, in_order, may_be_a_row, may_be_rows};
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, Row, SqliteConnection};

/// The table since version 6. Contents may be long: a table without row ids would keep few of them in a page of its tree.
pub(crate) const TABLES: &str = "
CREATE TABLE identity_row(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, subject TEXT NOT NULL, due_ms INTEGER,
    version INTEGER NOT NULL CHECK (version > 0), content TEXT NOT NULL, UNIQUE(kind, key));
CREATE INDEX identity_row_subject ON identity_row(kind, subject, key);
CREATE INDEX identity_row_due ON identity_row(kind, due_ms, key) WHERE due_ms IS NOT NULL;
";

const COLUMNS: &str = "kind, key, subject, due_ms, version, content";

fn row(r: &SqliteRow) -> Result<IdentityRow> {
    Ok(IdentityRow {
        kind: r.try_get(0).map_err(fault)?,
        key: r.try_get(1).map_err(fault)?,
        subject: r.try_get(2).map_err(fault)?,
        due_ms: r.try_get(3).map_err(fault)?,
        version: r.try_get(4).map(unsigned).map_err(fault)?,
        content: r.try_get(5).map_err(fault)?,
    })
}

pub(crate) async fn one(c: &mut SqliteConnection, kind: &str, key: &str) -> Result<Option<IdentityRow>> {
    if !may_be_a_row(kind, key) {
        return Ok(None);
    }
    let sql = format!("SELECT {COLUMNS} FROM identity_row WHERE kind = ? AND key = ?");
    let found = sqlx::query(&sql).bind(kind).bind(key).fetch_optional(c).await.map_err(fault)?;
    found.as_ref().map(row).transpose()
}

/// Each place is a look-up of its own in one statement: they are of one state.
pub(crate) async fn at(c: &mut SqliteConnection, places: &[(&str, &str)]) -> Result<Vec<Option<IdentityRow>>> {
    let asked: Vec<&(&str, &str)> = places.iter().filter(|(kind, key)| may_be_a_row(kind, key)).collect();
    if asked.is_empty() {
        return Ok(vec![None; places.len()]);
    }
    let look_up = format!("SELECT {COLUMNS} FROM identity_row WHERE kind = ? AND key = ?");
    let sql = vec![look_up; asked.len()].join(" UNION ALL ");
    let query = asked.into_iter().fold(sqlx::query(&sql), |query, (kind, key)| query.bind(*kind).bind(*key));
    let found: Result<Vec<IdentityRow>> = query.fetch_all(c).await.map_err(fault)?.iter().map(row).collect();
    Ok(in_order(places, &found?))
}

pub(crate) async fn page(
    c: &mut SqliteConnection,
    kind: &str,
    subject: Option<&str>,
    after: &str,
    limit: u32,
) -> Result<Vec<IdentityRow>> {
    if !may_be_rows(kind, subject, after) {
        return Ok(Vec::new());
    }
    let of = if subject.is_some() { "AND subject = ?4 " } else { "" };
    let sql = format!("SELECT {COLUMNS} FROM identity_row WHERE kind = ?1 AND key > ?2 {of}ORDER BY key LIMIT ?3");
    let query = sqlx::query(&sql).bind(kind).bind(after).bind(limit);
    let query = subject.into_iter().fold(query, |query, subject| query.bind(subject));
    query.fetch_all(c).await.map_err(fault)?.iter().map(row).collect()
}

pub(crate) async fn due(c: &mut SqliteConnection, kind: &str, until_ms: i64, limit: u32) -> Result<Vec<IdentityRow>> {
    let sql = format!("SELECT {COLUMNS} FROM identity_row WHERE kind = ? AND due_ms <= ? ORDER BY due_ms, key LIMIT ?");
    let query = sqlx::query(&sql).bind(kind).bind(until_ms).bind(limit);
    query.fetch_all(c).await.map_err(fault)?.iter().map(row).collect()
}

/// Whether there is something to sweep.
pub(crate) async fn any_over(c: &mut SqliteConnection, kinds: &[&str], until_ms: i64) -> Result<bool> {
    for kind in kinds {
        let query = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM identity_row WHERE kind = ? AND due_ms < ?)");
        if query.bind(kind).bind(until_ms).fetch_one(&mut *c).await.map_err(fault)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes rows that are over, in one transaction.
pub(crate) async fn sweep(c: &mut SqliteConnection, kinds: &[&str], until_ms: i64, limit: u32) -> Result<u64> {
    let mut t = c.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
    let mut left = u64::from(limit);
    for kind in kinds {
        if left == 0 {
            break;
        }
        let done = sqlx::query(
            "DELETE FROM identity_row WHERE id IN
                (SELECT id FROM identity_row WHERE kind = ? AND due_ms < ? ORDER BY due_ms, key LIMIT ?)",
        )
        .bind(kind)
        .bind(until_ms)
        .bind(signed(left))
        .execute(&mut *t)
        .await
        .map_err(fault)?;
        left = left.saturating_sub(done.rows_affected());
    }
    t.commit().await.map_err(fault)?;
    Ok(u64::from(limit) - left)
}

/// A write of a unit.
pub(crate) async fn write(c: &mut SqliteConnection, write: &IdentityWrite) -> Result<()> {
    write.check()?;
    let (kind, key) = write.place();
    let query = match write {
        IdentityWrite::Create(row) => sqlx::query(
            "INSERT INTO identity_row(kind, key, subject, due_ms, version, content) VALUES (?1, ?2, ?3, ?4, 1, ?5)
                ON CONFLICT (kind, key) DO NOTHING",
        )
        .bind(kind)
        .bind(key)
        .bind(&row.subject)
        .bind(row.due_ms)
        .bind(&row.content),
        IdentityWrite::Replace(row) => sqlx::query(
            "UPDATE identity_row SET subject = ?3, due_ms = ?4, version = version + 1, content = ?5
                WHERE kind = ?1 AND key = ?2 AND version = ?6",
        )
        .bind(kind)
        .bind(key)
        .bind(&row.subject)
        .bind(row.due_ms)
        .bind(&row.content)
        .bind(signed(row.version)),
        IdentityWrite::Remove { version, .. } => {
            sqlx::query("DELETE FROM identity_row WHERE kind = ? AND key = ? AND version = ?")
                .bind(kind)
                .bind(key)
                .bind(signed(*version))
        }
    };
    let done = query.execute(c).await.map_err(fault)?;
    if done.rows_affected() == 0 { Err(write.lost()) } else { Ok(()) }
}

//! Rows of identity.

use crate::call::statement;
use crate::fault::CallResult;
use annuaire_store::columns::{signed, unsigned};
use annuaire_store::identity::{IdentityRow, IdentityWrite, in_order, may_be_a_row, may_be_rows};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Result, Row};

/// The table since version 6. Sessions are written often: rows leave room in their page.
pub(crate) const TABLES: &str = r#"
CREATE TABLE identity_row(kind text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL, subject text COLLATE "C" NOT NULL,
    due_ms bigint, version bigint NOT NULL CHECK (version > 0), content text NOT NULL, PRIMARY KEY(kind, key)) WITH (fillfactor = 80);
CREATE INDEX identity_row_subject ON identity_row(kind, subject, key);
CREATE INDEX identity_row_due ON identity_row(kind, due_ms, key) WHERE due_ms IS NOT NULL;
"#;

const COLUMNS: &str = "kind, key, subject, due_ms, version, content";

fn row(r: &PgRow) -> Result<IdentityRow> {
    Ok(IdentityRow {
        kind: r.try_get(0)?,
        key: r.try_get(1)?,
        subject: r.try_get(2)?,
        due_ms: r.try_get(3)?,
        version: unsigned(r.try_get(4)?),
        content: r.try_get(5)?,
    })
}

pub(crate) async fn one(c: &mut PgConnection, kind: &str, key: &str) -> Result<Option<IdentityRow>> {
    if !may_be_a_row(kind, key) {
        return Ok(None);
    }
    let sql = format!("SELECT {COLUMNS} FROM identity_row WHERE kind = $1 AND key = $2");
    sqlx::query(&sql).bind(kind).bind(key).fetch_optional(c).await?.as_ref().map(row).transpose()
}

/// Each place is a look-up of its own in one statement: they are of one state.
pub(crate) async fn at(c: &mut PgConnection, places: &[(&str, &str)]) -> Result<Vec<Option<IdentityRow>>> {
    let asked: Vec<&(&str, &str)> = places.iter().filter(|(kind, key)| may_be_a_row(kind, key)).collect();
    if asked.is_empty() {
        return Ok(vec![None; places.len()]);
    }
    let look_up = |n: usize| format!("SELECT {COLUMNS} FROM identity_row WHERE kind = ${} AND key = ${}", 2 * n + 1, 2 * n + 2);
    let sql = (0..asked.len()).map(look_up).collect::<Vec<_>>().join(" UNION ALL ");
    let query = asked.into_iter().fold(sqlx::query(&sql), |query, (kind, key)| query.bind(*kind).bind(*key));
    let found: Result<Vec<IdentityRow>> = query.fetch_all(c).await?.iter().map(row).collect();
    Ok(in_order(places, &found?))
}

pub(crate) async fn page(
    c: &mut PgConnection,
    kind: &str,
    subject: Option<&str>,
    after: &str,
    limit: u32,
) -> Result<Vec<IdentityRow>> {
    if !may_be_rows(kind, subject, after) {
        return Ok(Vec::new());
    }
    // The columns of the order are those of the index that is to be read.
    let (of, order) = if subject.is_some() { (" AND subject = $4", "kind, subject, key") } else { ("", "kind, key") };
    let sql = format!("SELECT {COLUMNS} FROM identity_row WHERE kind = $1 AND key > $2{of} ORDER BY {order} LIMIT $3");
    let query = sqlx::query(&sql).bind(kind).bind(after).bind(i64::from(limit));
    let query = subject.into_iter().fold(query, |query, subject| query.bind(subject));
    query.fetch_all(c).await?.iter().map(row).collect()
}

pub(crate) async fn due(c: &mut PgConnection, kind: &str, until_ms: i64, limit: u32) -> Result<Vec<IdentityRow>> {
    let sql = format!("SELECT {COLUMNS} FROM identity_row WHERE kind = $1 AND due_ms <= $2 ORDER BY kind, due_ms, key LIMIT $3");
    sqlx::query(&sql).bind(kind).bind(until_ms).bind(i64::from(limit)).fetch_all(c).await?.iter().map(row).collect()
}

/// Removes rows that are over. Rows that a unit is writing are left to it, so that nobody waits for two things.
pub(crate) async fn sweep(c: &mut PgConnection, kinds: &[&str], until_ms: i64, limit: u32) -> Result<u64> {
    let mut left = u64::from(limit);
    for kind in kinds {
        if left == 0 {
            break;
        }
        let done = sqlx::query(
            "DELETE FROM identity_row WHERE ctid = ANY (ARRAY (SELECT ctid FROM identity_row WHERE kind = $1 AND due_ms < $2
                ORDER BY kind, due_ms, key LIMIT $3 FOR UPDATE SKIP LOCKED))",
        )
        .bind(kind)
        .bind(until_ms)
        .bind(signed(left))
        .execute(&mut *c)
        .await?;
        left = left.saturating_sub(done.rows_affected());
    }
    Ok(u64::from(limit) - left)
}

/// Writes of a unit, gathered until its save.
#[derive(Default)]
pub(crate) struct PendingRows(Vec<IdentityWrite>);

impl PendingRows {
    /// Adds a write. One about a row that the unit wrote before is compared with what that left.
    pub(crate) fn add(&mut self, write: &IdentityWrite) -> annuaire_store::Result<()> {
        write.check()?;
        let (kind, key) = write.place();
        if let Some(mine) = self.get(kind, key) {
            let found = mine.map(|row| row.version);
            let expected = match write {
                IdentityWrite::Create(_) => None,
                IdentityWrite::Replace(row) => Some(row.version),
                IdentityWrite::Remove { version, .. } => Some(*version),
            };
            if found != expected {
                return Err(write.lost());
            }
        }
        self.0.push(write.clone());
        Ok(())
    }

    /// The row as the unit wrote it; `None` when it did not.
    pub(crate) fn get(&self, kind: &str, key: &str) -> Option<Option<IdentityRow>> {
        let last = self.0.iter().rev().find(|write| write.place() == (kind, key))?;
        Some(match last {
            IdentityWrite::Create(row) => Some(IdentityRow { version: 1, ..row.clone() }),
            IdentityWrite::Replace(row) => Some(IdentityRow { version: row.version.saturating_add(1), ..row.clone() }),
            IdentityWrite::Remove { .. } => None,
        })
    }

    /// Writes them, in their order, within the save. The caller holds the lock of the counter, so no other unit writes.
    pub(crate) async fn write(&self, c: &mut PgConnection) -> CallResult<()> {
        for write in &self.0 {
            if !statement(apply(c, write)).await? {
                return Err(write.lost().into());
            }
        }
        Ok(())
    }
}

async fn apply(c: &mut PgConnection, write: &IdentityWrite) -> Result<bool> {
    let (kind, key) = write.place();
    let query = match write {
        IdentityWrite::Create(row) => sqlx::query(
            "INSERT INTO identity_row(kind, key, subject, due_ms, version, content) VALUES ($1, $2, $3, $4, 1, $5)
                ON CONFLICT (kind, key) DO NOTHING",
        )
        .bind(kind)
        .bind(key)
        .bind(&row.subject)
        .bind(row.due_ms)
        .bind(&row.content),
        IdentityWrite::Replace(row) => sqlx::query(
            "UPDATE identity_row SET subject = $3, due_ms = $4, version = version + 1, content = $5
                WHERE kind = $1 AND key = $2 AND version = $6",
        )
        .bind(kind)
        .bind(key)
        .bind(&row.subject)
        .bind(row.due_ms)
        .bind(&row.content)
        .bind(signed(row.version)),
        IdentityWrite::Remove { version, .. } => {
            sqlx::query("DELETE FROM identity_row WHERE kind = $1 AND key = $2 AND version = $3")
                .bind(kind)
                .bind(key)
                .bind(signed(*version))
        }
    };
    Ok(query.execute(c).await?.rows_affected() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use annuaire_store::Error;

    fn row(key: &str, version: u64) -> IdentityRow {
        let [kind, key, subject, content] = ["k", key, "", "{}"].map(str::to_owned);
        IdentityRow { kind, key, subject, due_ms: None, version, content }
    }

    #[test]
    fn a_unit_sees_its_own_rows_and_contradicts_itself_at_once() {
        let mut mine = PendingRows::default();
        let remove = |version| IdentityWrite::Remove { kind: "k".into(), key: "a".into(), version };
        // What the unit did not write is decided by the database.
        mine.add(&IdentityWrite::Replace(row("a", 7))).unwrap();
        mine.add(&IdentityWrite::Create(row("b", 9))).unwrap();
        assert_eq!(
            (mine.get("k", "a"), mine.get("k", "b"), mine.get("k", "c")),
            (Some(Some(row("a", 8))), Some(Some(row("b", 1))), None)
        );
        for wrong in [remove(7), IdentityWrite::Replace(row("a", 9)), IdentityWrite::Create(row("a", 8))] {
            assert!(matches!(mine.add(&wrong), Err(Error::IdentityChanged { key, .. }) if key == "a"));
        }
        mine.add(&remove(8)).unwrap();
        assert_eq!(mine.get("k", "a"), Some(None));
        assert!(matches!(mine.add(&remove(8)), Err(Error::IdentityChanged { .. })));
        mine.add(&IdentityWrite::Create(row("a", 0))).unwrap();
        assert_eq!(mine.get("k", "a"), Some(Some(row("a", 1))));
        assert_eq!(mine.0.len(), 4, "what was refused is not written");
    }
}

//! Comparing log and state.

use crate::schema::row_sum;
use sqlx::SqliteConnection;

/// Rows of the log read at a time.
const PAGE: usize = 4_096;

/// Queries that each find one kind of disagreement and return a sentence for each case.
const CHECKS: [&str; 7] = [
    "SELECT 'transaction ' || (t.tx - 1) || ' is missing from the log' FROM log_tx t
        WHERE t.tx > 1 AND NOT EXISTS (SELECT 1 FROM log_tx p WHERE p.tx = t.tx - 1)",
    "SELECT 'transaction ' || t.tx || ' is not later than the one before' FROM log_tx t JOIN log_tx p ON p.tx = t.tx - 1
        WHERE t.commit_ms <= p.commit_ms",
    "SELECT 'transaction ' || t.tx || ' announces ' || t.changes || ' changes and has ' || n FROM
        (SELECT tx, changes, (SELECT count(*) FROM log_entry e WHERE e.tx = l.tx) AS n FROM log_tx l) t WHERE n <> changes",
    "SELECT 'the log has rows of transaction ' || max(tx) || ' and ends before it' FROM log_entry
        HAVING max(tx) > coalesce((SELECT max(tx) FROM log_tx), 0)",
    "SELECT 'object ' || o.entity || ' of ' || o.source || ' does not stand where the log left it' FROM object o
        LEFT JOIN log_entry l ON l.tx = o.tx AND l.source = o.source AND l.entity = o.entity
        WHERE l.tx IS NULL OR o.ended <> (l.payload IS NULL)",
    "SELECT 'object ' || l.entity || ' of ' || l.source || CASE WHEN o.tx IS NULL THEN ' is in the log and not in the registry'
            ELSE ' stands before its last word in the log' END
        FROM log_entry l LEFT JOIN object o ON o.source = l.source AND o.entity = l.entity WHERE o.tx IS NULL OR o.tx < l.tx",
    // Every version but the last is the `prev` of exactly one other, and every `prev` exists.
    "SELECT 'the history of object ' || entity || ' of ' || source || ' is broken at transaction ' || tx FROM (
        SELECT l.source, l.entity, l.tx FROM log_entry l JOIN object o ON o.source = l.source AND o.entity = l.entity
            WHERE l.tx < o.tx
        EXCEPT SELECT source, entity, prev FROM log_entry WHERE prev IS NOT NULL) AS lost
     UNION ALL SELECT 'the history of object ' || l.entity || ' of ' || l.source || ' is broken at transaction ' || l.tx
        FROM log_entry l WHERE l.prev IS NOT NULL AND (l.prev >= l.tx OR NOT EXISTS (SELECT 1 FROM log_entry p
            WHERE p.tx = l.prev AND p.source = l.source AND p.entity = l.entity))
     UNION ALL SELECT 'the history of object ' || entity || ' of ' || source || ' is broken at transaction ' || prev
        FROM log_entry WHERE prev IS NOT NULL GROUP BY source, entity, prev HAVING count(*) > 1",
];

/// Findings of SQLite about its file.
async fn integrity(c: &mut SqliteConnection) -> sqlx::Result<Vec<String>> {
    let found: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(20)").fetch_all(c).await?;
    Ok(found.into_iter().filter(|line| line != "ok").collect())
}

/// Transactions whose rows differ from their checksum.
async fn sums(c: &mut SqliteConnection) -> sqlx::Result<Vec<String>> {
    let exists: bool = sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = 'log_sum'").fetch_one(&mut *c).await?;
    let all: Vec<(i64, i64)> =
        if exists { sqlx::query_as("SELECT tx, sum FROM log_sum ORDER BY tx").fetch_all(&mut *c).await? } else { Vec::new() };
    let mut faults = Vec::new();
    for (tx, sum) in all {
        let (mut found, mut source, mut entity) = (0_i64, String::new(), String::new());
        loop {
            let rows: Vec<(String, String, Option<i64>, Option<String>)> = sqlx::query_as(
                "SELECT source, entity, prev, payload FROM log_entry WHERE tx = ? AND (source, entity) > (?, ?)
                    ORDER BY source, entity LIMIT ?",
            )
            .bind(tx)
            .bind(&source)
            .bind(&entity)
            .bind(PAGE as i64)
            .fetch_all(&mut *c)
            .await?;
            for (source, entity, prev, payload) in &rows {
                found = found.wrapping_add(row_sum(source, entity, *prev, payload.as_deref()));
            }
            let n = rows.len();
            if let Some(last) = rows.into_iter().next_back() {
                (source, entity) = (last.0, last.1);
            }
            if n < PAGE {
                break;
            }
        }
        if found != sum {
            faults.push(format!("what transaction {tx} said is not what was written"));
        }
    }
    Ok(faults)
}

pub(crate) async fn verify(c: &mut SqliteConnection) -> sqlx::Result<Vec<String>> {
    let mut faults = integrity(&mut *c).await?;
    if !faults.is_empty() {
        // Queries on a damaged file prove nothing.
        return Ok(faults);
    }
    for check in CHECKS {
        faults.extend(sqlx::query_scalar::<_, String>(check).fetch_all(&mut *c).await?);
    }
    if faults.is_empty() {
        faults = sums(c).await?;
    }
    Ok(faults)
}

//! Comparing log and state.

use sqlx::PgConnection;

/// Queries that each find one kind of disagreement and return a sentence for each case.
const CHECKS: [&str; 8] = [
    "SELECT 'transaction ' || (t.tx - 1) || ' is missing from the log' FROM log_tx t
        WHERE t.tx > 1 AND NOT EXISTS (SELECT 1 FROM log_tx p WHERE p.tx = t.tx - 1)",
    "SELECT 'transaction ' || t.tx || ' is not later than the one before' FROM log_tx t JOIN log_tx p ON p.tx = t.tx - 1
        WHERE t.commit_ms <= p.commit_ms",
    "SELECT 'transaction ' || t.tx || ' announces ' || t.changes || ' changes and has ' || n FROM
        (SELECT tx, changes, (SELECT count(*) FROM log_entry e WHERE e.tx = l.tx) AS n FROM log_tx l) t WHERE n <> changes",
    "SELECT 'the counter is at ' || c.tx || ' and the log ends at ' || coalesce((SELECT max(tx) FROM log_tx), 0)
        FROM log_counter c WHERE c.tx <> coalesce((SELECT max(tx) FROM log_tx), 0)",
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

pub(crate) async fn verify(c: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    let mut faults = Vec::new();
    for check in CHECKS {
        faults.extend(sqlx::query_scalar::<_, String>(check).fetch_all(&mut *c).await?);
    }
    Ok(faults)
}

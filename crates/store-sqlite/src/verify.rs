//! Comparing log, index, proofs and audit trail.

use crate::cache::place;
use crate::fault::fault;
use crate::packed::packed;
use crate::packed::{Packed, number};
use crate::schema::chunks_of;
use crate::{audit, limits};
use annuaire_base::Tx;
use annuaire_store::Result;
use annuaire_store::chunk::Keys;
use annuaire_store::columns::{tx_read, unsigned};
use annuaire_store::proof::{Hash, Merkle, audit_hash, tx_digest};
use sqlx::SqliteConnection;
use std::collections::BTreeSet;

/// Queries that each find one kind of disagreement and return a sentence for each case.
const CHECKS: [&str; 9] = [
    "SELECT 'transaction ' || (t.tx - 1) || ' is missing from the log' FROM log_tx t
        WHERE t.tx > 1 AND NOT EXISTS (SELECT 1 FROM log_tx p WHERE p.tx = t.tx - 1)",
    "SELECT 'transaction ' || t.tx || ' is not later than the one before' FROM log_tx t JOIN log_tx p ON p.tx = t.tx - 1
        WHERE t.commit_ms <= p.commit_ms",
    "SELECT 'transaction ' || t.tx || ' announces ' || t.changes || ' changes and has ' || n FROM
        (SELECT tx, changes, (SELECT coalesce(sum(rows), 0) FROM chunk c WHERE c.id >= l.batch << 20 AND c.id < (l.batch + 1) << 20) AS n
            FROM log_tx l) t WHERE n <> changes",
    "SELECT 'transaction ' || t.tx || ' announces ' || t.withdrawals || ' withdrawals and has ' || n FROM
        (SELECT tx, withdrawals, (SELECT count(*) FROM withdrawal w WHERE w.tx = l.tx) AS n FROM log_tx l) t WHERE n <> withdrawals",
    "SELECT 'chunk ' || c.id || ' (batch ' || (c.id >> 20) || ') is missing' FROM chunk c
        WHERE NOT EXISTS (SELECT 1 FROM chunk_data d WHERE d.id = c.id)",
    "SELECT 'chunk ' || d.id || ' (batch ' || (d.id >> 20) || ') belongs to nothing' FROM chunk_data d
        WHERE NOT EXISTS (SELECT 1 FROM chunk c WHERE c.id = d.id)",
    "SELECT 'the index names chunk ' || v.chunk || ', which it should not, for ' || v.entity || ' of ' || v.owner FROM version v
        LEFT JOIN chunk c ON c.id = v.chunk WHERE c.id IS NULL OR c.base = 1 OR c.owner <> v.owner",
    "SELECT 'chunks ' || a.id || ' and ' || b.id || ' of ' || a.owner || ' overlap' FROM
        (SELECT owner, last, id, lead(id) OVER (PARTITION BY owner ORDER BY first) AS next FROM chunk WHERE base = 1) a
        JOIN chunk b ON b.id = a.next WHERE b.first <= a.last",
    "SELECT 'what ' || v.owner || ' says of ' || v.entity || ' is not found by the entity' FROM version v JOIN owner o ON o.code = v.owner
        WHERE o.wide = 0 AND NOT EXISTS (SELECT 1 FROM entity_owner e WHERE e.entity = v.entity AND e.owner = v.owner)",
];

const INDEXED: &str = packed!("entity", "facet"; "SELECT e.value ->> 0 AS entity, e.value ->> 1 AS facet FROM json_each(?3) e
    WHERE NOT EXISTS (SELECT 1 FROM version v WHERE v.owner = ?1 AND v.entity = e.value ->> 0 AND v.facet = e.value ->> 1 AND v.chunk = ?2)");

/// Findings of SQLite about its file.
async fn integrity(c: &mut SqliteConnection) -> Result<Vec<String>> {
    let found: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(20)").fetch_all(c).await.map_err(fault)?;
    Ok(found.into_iter().filter(|line| line != "ok").collect())
}

/// A chunk as it is read here.
type ChunkRow = (i64, String, String, String, i64, bool, Vec<u8>, Vec<u8>);

/// Reads all chunks of a batch: every row decodes, the index names each row of those that are no base chunks. Returns the root.
async fn batch(c: &mut SqliteConnection, batch: u64, faults: &mut Vec<String>) -> Result<Hash> {
    let (mut from, to) = chunks_of(batch);
    let mut tree = Merkle::default();
    loop {
        let rows: Vec<ChunkRow> = sqlx::query_as(
            "SELECT c.id, c.owner, c.first, c.last, c.rows, c.base, d.keys, d.contents FROM chunk c JOIN chunk_data d ON d.id = c.id
                WHERE c.id >= ? AND c.id < ? ORDER BY c.id LIMIT ?",
        )
        .bind(from)
        .bind(to)
        .bind(i64::try_from(limits::CHUNKS_TOGETHER).unwrap_or(1))
        .fetch_all(&mut *c)
        .await
        .map_err(fault)?;
        let Some(last) = rows.last().map(|r| r.0) else { return Ok(tree.root()) };
        from = last + 1;
        for (id, owner, first, last, n, base, keys, contents) in rows {
            let read = Keys::read(&keys).and_then(|keys| Ok((keys.contents(&contents)?, keys)));
            let (text, keys) = match read {
                Ok(read) => read,
                Err(why) => {
                    faults.push(format!("{}: {why}", place(id)));
                    continue;
                }
            };
            let entity = |at: usize| keys.row(at).map(|r| r.entity.to_owned());
            let places: BTreeSet<(&str, &str)> =
                (0..keys.len()).filter_map(|at| keys.row(at)).map(|r| (r.entity, r.facet)).collect();
            if unsigned(n) != keys.len() as u64
                || entity(0).as_ref() != Some(&first)
                || entity(keys.len() - 1).as_ref() != Some(&last)
                || places.len() != keys.len()
            {
                faults.push(format!("{} does not hold the rows that it announces", place(id)));
            }
            if !base {
                let query = sqlx::query_scalar(INDEXED).bind(&owner).bind(id).bind(crate::batch::pairs(places));
                let page: Option<Vec<u8>> = query.fetch_one(&mut *c).await.map_err(fault)?;
                let mut packed = Packed::new(page.as_deref());
                while let Some([entity, _]) = packed.row()? {
                    faults.push(format!("what {owner} says of {entity} in {} is not in the index", place(id)));
                }
            }
            keys.leaves(&owner, &text).for_each(|leaf| tree.push(leaf));
        }
    }
}

/// Number, batch, instant, root, digest.
type TxRow = (i64, i64, i64, Vec<u8>, Vec<u8>);

/// Roots of all batches, and the chain of digests.
async fn digests(c: &mut SqliteConnection) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    let (mut after, mut before): (i64, Hash) = (0, [0; 32]);
    loop {
        let rows: Vec<TxRow> =
            sqlx::query_as("SELECT tx, batch, commit_ms, root, digest FROM log_tx WHERE tx > ? ORDER BY tx LIMIT 1000")
                .bind(after)
                .fetch_all(&mut *c)
                .await
                .map_err(fault)?;
        let Some(last) = rows.last().map(|r| r.0) else { return Ok(faults) };
        after = last;
        for (tx, number, commit_ms, root, digest) in rows {
            let tx: Tx = tx_read(tx);
            if batch(c, unsigned(number), &mut faults).await?.as_slice() != root {
                faults.push(format!("what transaction {tx} said is not what was written"));
            }
            let root: Hash = root.try_into().unwrap_or_default();
            // Transactions of earlier versions have no digest.
            let migrated = before == [0; 32] && digest.iter().all(|b| *b == 0);
            if !migrated {
                before = tx_digest(&before, tx, commit_ms, &root);
                if digest != before {
                    faults.push(format!("the digest of transaction {tx} does not follow from the one before"));
                    before = digest.try_into().unwrap_or_default();
                }
            }
        }
    }
}

/// The chain of the audit trail.
async fn trail(c: &mut SqliteConnection) -> Result<Vec<String>> {
    let (mut number, mut before): (u64, Hash) = (0, [0; 32]);
    loop {
        let rows = audit::trail(c, number, 1_000).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        for row in rows {
            number += 1;
            before = audit_hash(&before, number, row.at_ms, row.tx, &row.event);
            if row.number != number || row.hash != before {
                return Ok(vec![format!("the audit trail was changed at row {number}")]);
            }
        }
    }
}

/// Registrations of a number that nobody has any more.
async fn numbers(c: &mut SqliteConnection) -> Result<Vec<String>> {
    let found: Option<Vec<u8>> = sqlx::query_scalar(packed!("next_batch";
        "SELECT next_batch FROM registry WHERE next_batch <= (SELECT coalesce(max(batch), 0) FROM log_tx)"))
    .fetch_one(c)
    .await
    .map_err(fault)?;
    let mut packed = Packed::new(found.as_deref());
    match packed.row()? {
        None => Ok(Vec::new()),
        Some([next]) => Ok(vec![format!("the next batch would be {}, which exists", number(next)?)]),
    }
}

pub(crate) async fn verify(c: &mut SqliteConnection) -> Result<Vec<String>> {
    let mut faults = integrity(c).await?;
    if !faults.is_empty() {
        // Queries on a damaged file prove nothing.
        return Ok(faults);
    }
    for check in CHECKS {
        faults.extend(sqlx::query_scalar::<_, String>(check).fetch_all(&mut *c).await.map_err(fault)?);
    }
    faults.extend(numbers(c).await?);
    if faults.is_empty() {
        faults = digests(c).await?;
    }
    faults.extend(trail(c).await?);
    Ok(faults)
}

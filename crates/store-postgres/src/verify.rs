//! Comparing all that the database says twice: log and chunks, chunks and index, hashes and what they cover.

use crate::call::run;
use crate::chunk::damaged;
use crate::core::Core;
use crate::fault::CallResult;
use crate::read::hash;
use crate::version;
use crate::{audit, limits};
use annuaire_base::Tx;
use annuaire_store::chunk::{Keys, RowKey};
use annuaire_store::columns::{tx_read, unsigned};
use annuaire_store::proof::{Hash, Merkle, audit_hash, tx_digest};
use sqlx::{PgConnection, Row};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};

/// Transactions and rows of the audit trail read at a time.
const PAGE: u32 = 1_024;

/// Faults beyond which no more are looked for: a damaged table would give millions.
const ENOUGH: usize = 100;

/// Queries that each find one kind of disagreement and return a sentence for each case.
const CHECKS: [&str; 7] = [
    "SELECT 'transaction ' || (t.tx - 1) || ' is missing from the log' FROM log_tx t
        WHERE t.tx > 1 AND NOT EXISTS (SELECT 1 FROM log_tx p WHERE p.tx = t.tx - 1) ORDER BY t.tx LIMIT 100",
    "SELECT 'transaction ' || t.tx || ' is not later than the one before' FROM log_tx t JOIN log_tx p ON p.tx = t.tx - 1
        WHERE t.commit_ms <= p.commit_ms ORDER BY t.tx LIMIT 100",
    "SELECT 'the counter is at ' || c.tx || ' and the log ends at ' || coalesce((SELECT max(tx) FROM log_tx), 0)
        FROM log_counter c WHERE c.tx <> coalesce((SELECT max(tx) FROM log_tx), 0)",
    "SELECT 'the counter and the last transaction of the log disagree' FROM log_counter c JOIN log_tx t ON t.tx = c.tx
        WHERE c.digest <> t.digest OR c.commit_ms <> t.commit_ms",
    "SELECT 'the audit trail announces ' || c.audit || ' rows and has ' || n FROM log_counter c,
        (SELECT coalesce(max(number), 0) AS n FROM audit) a WHERE n <> c.audit",
    "SELECT 'transaction ' || t.tx || ' announces ' || t.withdrawals || ' withdrawals and has ' || n FROM (SELECT l.tx, l.withdrawals,
        (SELECT count(*) FROM withdrawal w WHERE w.tx = l.tx) AS n FROM log_tx l) t WHERE n <> t.withdrawals ORDER BY t.tx LIMIT 100",
    "SELECT 'owner ' || code || ' has its last transaction after the end of the log' FROM owner
        WHERE last_tx > (SELECT tx FROM log_counter) ORDER BY code LIMIT 100",
];

/// What index and chunks say of one batch: number of rows, and a sum over them that does not depend on their order.
type Sum = (u64, u64);

fn add(sum: &mut Sum, owner: i32, entity: &str, facet: &str, chunk: i32, fingerprint: u64, flags: i16) {
    let mut hasher = DefaultHasher::new();
    for text in [entity, facet] {
        hasher.write(text.as_bytes());
        hasher.write_u8(0xff);
    }
    hasher.write_i32(owner);
    hasher.write_i32(chunk);
    hasher.write_u64(fingerprint);
    hasher.write_i16(flags);
    sum.0 += 1;
    sum.1 = sum.1.wrapping_add(hasher.finish());
}

/// The flags of a row in the index.
fn flags(row: &RowKey<'_>) -> i16 {
    use annuaire_base::fact::Publication::{Open, Restricted};
    match row.stands {
        Some(Restricted) => 0,
        Some(Open) => 1,
        None if row.withdrawn => 3,
        None => 2,
    }
}

/// All disagreements.
pub(crate) async fn verify(core: &Core, c: &mut PgConnection) -> CallResult<Vec<String>> {
    // One view of everything: others go on writing meanwhile.
    run(&mut *c, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let mut faults = Vec::new();
    for check in CHECKS {
        faults.extend(sqlx::query_scalar::<_, String>(check).fetch_all(&mut *c).await?);
    }
    core.owners.learn(c).await?;
    let mut sums = log(core, c, &mut faults).await?;
    index(c, &mut sums, &mut faults).await?;
    trail(c, &mut faults).await?;
    run(c, "COMMIT").await?;
    Ok(faults)
}

/// Checks roots, counts and digests of all transactions. Returns what their chunks say of each batch.
async fn log(core: &Core, c: &mut PgConnection, faults: &mut Vec<String>) -> CallResult<BTreeMap<i64, Sum>> {
    let mut sums = BTreeMap::new();
    let (mut after, mut before): (i64, Hash) = (0, [0; 32]);
    loop {
        let query =
            sqlx::query("SELECT tx, batch, commit_ms, changes, root, digest FROM log_tx WHERE tx > $1 ORDER BY tx LIMIT $2");
        let page = query.bind(after).bind(i64::from(PAGE)).fetch_all(&mut *c).await?;
        let Some(last) = page.last() else { return Ok(sums) };
        after = last.try_get("tx")?;
        for r in &page {
            let tx: Tx = tx_read(r.try_get("tx")?);
            let (batch, changes): (i64, i64) = (r.try_get("batch")?, r.try_get("changes")?);
            let (root, digest) = (hash(r.try_get("root")?)?, hash(r.try_get("digest")?)?);
            let (tree, sum) = rows_of(core, c, batch, faults).await?;
            sums.insert(batch, sum);
            if tree.leaves() != unsigned(changes) {
                faults.push(format!("transaction {tx} announces {changes} changes and has {}", tree.leaves()));
            } else if tree.root() != root {
                faults.push(format!("what transaction {tx} said is not what was written"));
            }
            // A log of a version before the fourth has no digests: they begin after it.
            let without = digest == [0; 32] && before == [0; 32];
            if !without && tx_digest(&before, tx, r.try_get("commit_ms")?, &root) != digest {
                faults
                    .push(format!("the digest of transaction {tx} is not that of its content and of the transactions before it"));
            }
            before = digest;
            if faults.len() > ENOUGH {
                return Ok(sums);
            }
        }
    }
}

/// A chunk: number, owner, number of rows, first entity, keys, contents.
type StoredChunk = (i32, i32, i32, String, Vec<u8>, Vec<u8>);

/// The tree of the rows of a batch, and what its index must say.
async fn rows_of(core: &Core, c: &mut PgConnection, batch: i64, faults: &mut Vec<String>) -> CallResult<(Merkle, Sum)> {
    let (mut tree, mut sum, mut after) = (Merkle::default(), (0, 0), -1);
    loop {
        let query = "SELECT number, owner, rows, first, keys, contents FROM chunk WHERE batch = $1 AND number > $2 ORDER BY batch, number LIMIT $3";
        let query = sqlx::query_as(query).bind(batch).bind(after).bind(i64::try_from(limits::CHUNK_PAGE).unwrap_or(i64::MAX));
        let page: Vec<StoredChunk> = query.fetch_all(&mut *c).await?;
        let Some(last) = page.last() else { return Ok((tree, sum)) };
        after = last.0;
        let codes = core.owners.codes(c, page.iter().map(|chunk| chunk.1)).await?;
        for (number, owner, rows, first, keys, contents) in page {
            let code = codes.get(&owner).map(AsRef::as_ref).unwrap_or_default();
            let read = Keys::read(&keys).and_then(|keys| Ok((keys.contents(&contents)?, keys)));
            let (contents, keys) = match read {
                Ok(read) => read,
                Err(why) => {
                    faults.push(damaged((batch, number), why).to_string());
                    continue;
                }
            };
            keys.leaves(code, &contents).for_each(|leaf| tree.push(leaf));
            for row in (0..keys.len()).filter_map(|at| keys.row(at)) {
                add(&mut sum, owner, row.entity, row.facet, number, row.fingerprint, flags(&row));
            }
            if i32::try_from(keys.len()) != Ok(rows) || keys.row(0).is_none_or(|row| row.entity != first) {
                faults.push(format!("chunk {number} of batch {batch} is not what its row announces"));
            }
        }
    }
}

/// Compares the index with what the chunks said; `sums` has the batches of the log.
async fn index(c: &mut PgConnection, sums: &mut BTreeMap<i64, Sum>, faults: &mut Vec<String>) -> CallResult<()> {
    let mut found: BTreeMap<i64, Sum> = BTreeMap::new();
    let mut after = String::new();
    loop {
        let (rows, end) = version::page(c, None, &after, limits::VERSION_PAGE).await?;
        for row in &rows {
            let sum = found.entry(row.batch).or_default();
            add(sum, row.owner, &row.entity, &row.facet, row.chunk, row.fingerprint, row.flags);
        }
        match end {
            Some(end) => after = end,
            None => break,
        }
    }
    let staged: Vec<i64> = sqlx::query_scalar("SELECT batch FROM stage").fetch_all(&mut *c).await?;
    for (batch, sum) in &found {
        match sums.get(batch) {
            None if staged.contains(batch) => {}
            None => {
                faults.push(format!("the index has {} rows of batch {batch}, which is of no transaction and of no stage", sum.0))
            }
            Some(said) if said != sum => differences(c, *batch, faults).await?,
            Some(_) => {}
        }
    }
    for (batch, said) in sums.iter().filter(|(batch, said)| said.0 > 0 && !found.contains_key(batch)) {
        faults.push(format!("all {} rows of batch {batch} are in the log and not in the index", said.0));
    }
    Ok(())
}

/// Names the facts of a batch about which chunks and index disagree.
async fn differences(c: &mut PgConnection, batch: i64, faults: &mut Vec<String>) -> CallResult<()> {
    type IndexKey = (i32, String, String);
    let rows: Vec<(i32, String, String, i32, i64, i16)> =
        sqlx::query_as("SELECT owner, entity, facet, chunk, fingerprint, flags FROM version WHERE batch = $1")
            .bind(batch)
            .fetch_all(&mut *c)
            .await?;
    let mut indexed: BTreeMap<IndexKey, (i32, i64, i16)> = rows
        .into_iter()
        .map(|(owner, entity, facet, chunk, print, flags)| ((owner, entity, facet), (chunk, print, flags)))
        .collect();
    let chunks: Vec<(i32, i32, Vec<u8>)> =
        sqlx::query_as("SELECT number, owner, keys FROM chunk WHERE batch = $1 ORDER BY batch, number")
            .bind(batch)
            .fetch_all(c)
            .await?;
    for (number, owner, keys) in chunks {
        let Ok(keys) = Keys::read(&keys) else { continue };
        for row in (0..keys.len()).filter_map(|at| keys.row(at)) {
            let place = (owner, row.entity.to_owned(), row.facet.to_owned());
            let said = (number, row.fingerprint.cast_signed(), flags(&row));
            match indexed.remove(&place) {
                Some(found) if found == said => {}
                Some(_) => faults.push(format!("the index says something else of {} than the log, in batch {batch}", row.entity)),
                None => faults.push(format!("a version of {} is in the log and not in the index, in batch {batch}", row.entity)),
            }
        }
    }
    for (_, entity, _) in indexed.into_keys() {
        faults.push(format!("a version of {entity} is in the index and not in the log, in batch {batch}"));
    }
    faults.truncate(ENOUGH * 2);
    Ok(())
}

/// Checks the chain of the audit trail.
async fn trail(c: &mut PgConnection, faults: &mut Vec<String>) -> CallResult<()> {
    let (mut number, mut before): (u64, Hash) = (0, [0; 32]);
    loop {
        let page = audit::trail(c, number, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for row in page {
            if row.number != number + 1 {
                faults.push(format!("row {} of the audit trail is missing", number + 1));
            }
            if audit_hash(&before, row.number, row.at_ms, row.tx, &row.event) != row.hash {
                faults.push(format!("row {} of the audit trail is not what was written", row.number));
            }
            (number, before) = (row.number, row.hash);
        }
        if faults.len() > ENOUGH {
            return Ok(());
        }
    }
    let end: Vec<u8> = sqlx::query_scalar("SELECT audit_hash FROM log_counter").fetch_one(c).await?;
    if end != before {
        faults.push("the audit trail does not end with the hash that the counter remembers".into());
    }
    Ok(())
}

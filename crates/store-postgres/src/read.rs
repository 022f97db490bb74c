//! Reading the log and its states.

use crate::chunk;
use crate::core::Core;
use crate::fault::Answer;
use crate::version::{self, Seen};
use annuaire_base::Tx;
use annuaire_base::fact::{Fact, FactKey, FactVersion, VersionContent};
use annuaire_store::chunk::Keys;
use annuaire_store::columns::{tx_column, tx_read, unsigned};
use annuaire_store::{Cause, Channel, Error, FactMark, Transaction};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Result, Row};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Reads a hash.
pub(crate) fn hash(bytes: &[u8]) -> Result<[u8; 32]> {
    bytes.try_into().map_err(|_| sqlx::Error::Decode("a hash of the log has not 32 bytes".into()))
}

fn transaction(r: &PgRow) -> Result<Transaction> {
    let channel: Channel = r
        .try_get::<&str, _>("channel")?
        .parse()
        .map_err(|()| sqlx::Error::Decode("a transaction came in by an unknown channel".into()))?;
    Ok(Transaction {
        tx: tx_read(r.try_get("tx")?),
        commit_ms: r.try_get("commit_ms")?,
        cause: Cause {
            actor: r.try_get("actor")?,
            authority: r.try_get("authority")?,
            request: r.try_get("request")?,
            channel,
            basis: r.try_get("basis")?,
            reason: r.try_get("reason")?,
        },
        changes: unsigned(r.try_get("changes")?),
        withdrawals: unsigned(r.try_get("withdrawals")?),
        digest: hash(r.try_get("digest")?)?,
    })
}

pub(crate) async fn transactions(c: &mut PgConnection, after: Tx, limit: u32) -> Result<Vec<Transaction>> {
    let rows = sqlx::query("SELECT * FROM log_tx WHERE tx > $1 ORDER BY tx LIMIT $2")
        .bind(tx_column(after))
        .bind(i64::from(limit))
        .fetch_all(c)
        .await?;
    rows.iter().map(transaction).collect()
}

/// Owners of the rows of a batch; PostgreSQL jumps from one to the next in the index, so each costs one look-up.
async fn owners_of(c: &mut PgConnection, batch: i64) -> Result<Vec<i32>> {
    sqlx::query_scalar(
        "WITH RECURSIVE o(owner) AS (SELECT min(owner) FROM chunk WHERE batch = $1 UNION ALL
             SELECT (SELECT min(c.owner) FROM chunk c WHERE c.batch = $1 AND c.owner > o.owner) FROM o WHERE o.owner IS NOT NULL)
         SELECT owner FROM o WHERE owner IS NOT NULL",
    )
    .bind(batch)
    .fetch_all(c)
    .await
}

/// Chunks of one owner and batch, from the one that may hold the entity after `after`.
async fn keys_of(c: &mut PgConnection, batch: i64, owner: i32, from: &str, limit: i64) -> Result<Vec<(i32, String, Vec<u8>)>> {
    sqlx::query_as(
        "SELECT number, first, keys FROM chunk WHERE batch = $1 AND owner = $2 AND first >= coalesce(
             (SELECT max(first) FROM chunk WHERE batch = $1 AND owner = $2 AND first <= $3), '')
         ORDER BY batch, owner, first LIMIT $4",
    )
    .bind(batch)
    .bind(owner)
    .bind(from)
    .bind(limit)
    .fetch_all(c)
    .await
}

pub(crate) async fn changed_entities(core: &Core, c: &mut PgConnection, tx: Tx, after: &str, limit: u32) -> Answer<Vec<String>> {
    core.learn(c, tx).await?;
    let Some(batch) = core.batches(|map| map.batch(tx)) else { return Ok(Vec::new()) };
    let (batch, limit) = (batch.cast_signed(), limit as usize);
    let mut first: BTreeSet<String> = BTreeSet::new();
    for owner in owners_of(c, batch).await? {
        // Each chunk tells of at least one entity, and begins after the one before it.
        let mut from = after.to_owned();
        loop {
            let chunks = i64::try_from(limit / 16 + 2).unwrap_or(i64::MAX);
            let page = keys_of(c, batch, owner, &from, chunks).await?;
            let end = i64::try_from(page.len()) != Ok(chunks);
            let mut beyond = false;
            for (number, start, keys) in page {
                beyond = first.len() >= limit && first.last().is_some_and(|last| *last < start);
                if beyond {
                    break;
                }
                let keys = Keys::read(&keys).map_err(|why| chunk::damaged((batch, number), why))?;
                for row in (keys.after(after)..keys.len()).filter_map(|at| keys.row(at)) {
                    if first.last().map(String::as_str) != Some(row.entity) {
                        first.insert(row.entity.to_owned());
                    }
                }
                while first.len() > limit {
                    first.pop_last();
                }
                from = start;
            }
            if end || beyond {
                break;
            }
        }
    }
    Ok(first.into_iter().collect())
}

pub(crate) async fn withdrawn(c: &mut PgConnection, tx: Tx) -> Result<Vec<String>> {
    sqlx::query_scalar("SELECT entity FROM withdrawal WHERE tx = $1 ORDER BY tx, entity").bind(tx_column(tx)).fetch_all(c).await
}

/// Makes facts of versions; those that do not stand are left out. Ordered by entity, owner code, facet.
pub(crate) async fn facts_of(core: &Core, c: &mut PgConnection, mut seen: Vec<Seen>) -> Answer<Vec<Fact>> {
    seen.retain(|(row, _)| row.stands().is_some());
    let mut facts: Vec<Fact> = versions_of(core, c, seen)
        .await?
        .into_iter()
        .filter_map(|FactVersion { key, tx, content }| match content {
            VersionContent::Stands { payload, publication } => Some(Fact { key, tx, payload, publication }),
            _ => None,
        })
        .collect();
    facts.sort_by(|a, b| order(&a.key).cmp(&order(&b.key)));
    Ok(facts)
}

fn order(key: &FactKey) -> (&str, &str, &str) {
    (&key.entity, &key.owner, &key.facet)
}

async fn versions_of(core: &Core, c: &mut PgConnection, seen: Vec<Seen>) -> Answer<Vec<FactVersion>> {
    let codes = core.owners.codes(c, seen.iter().map(|(row, _)| row.owner)).await?;
    let contents = chunk::contents(c, &seen).await?;
    let code = |id: i32| codes.get(&id).map(Arc::as_ref).unwrap_or_default().to_owned();
    let version = |((row, tx), content): (Seen, VersionContent)| {
        let key = FactKey { owner: code(row.owner), entity: row.entity, facet: row.facet };
        FactVersion { key, tx, content }
    };
    Ok(seen.into_iter().zip(contents).map(version).collect())
}

pub(crate) async fn facts_at(core: &Core, c: &mut PgConnection, tx: Tx, entities: &[String]) -> Answer<Vec<Fact>> {
    core.learn(c, tx).await?;
    let rows = version::of_entities(c, entities).await?;
    facts_of(core, c, core.last_seen(rows, tx)).await
}

pub(crate) async fn history(core: &Core, c: &mut PgConnection, tx: Tx, entities: &[String]) -> Answer<Vec<FactVersion>> {
    core.learn(c, tx).await?;
    let rows = version::of_entities(c, entities).await?;
    let mut versions = versions_of(core, c, core.seen(rows, tx)).await?;
    versions.sort_by(|a, b| (order(&a.key), a.tx).cmp(&(order(&b.key), b.tx)));
    Ok(versions)
}

pub(crate) async fn standing(
    core: &Core,
    c: &mut PgConnection,
    tx: Tx,
    after: &str,
    limit: u32,
) -> Answer<(Vec<Fact>, Option<String>)> {
    core.learn(c, tx).await?;
    let (rows, end) = version::page(c, None, after, limit).await?;
    Ok((facts_of(core, c, core.last_seen(rows, tx)).await?, end))
}

/// Marks of the facts of an owner that stand just after `tx`: a page of whole entities after `after`, and where the next
/// begins.
pub(crate) async fn marks(
    core: &Core,
    c: &mut PgConnection,
    tx: Tx,
    owner: i32,
    after: &str,
    limit: u32,
) -> Answer<(Vec<FactMark>, Option<String>)> {
    // Some more rows than marks: the last entity may be cut, and some facts ended.
    let rows = limit.saturating_add(limit / 16 + 8);
    let (rows, end) = version::page(c, Some(owner), after, rows).await?;
    let stands = core.last_seen(rows, tx).into_iter().filter(|(row, _)| row.stands().is_some());
    let marks = stands.map(|(row, _)| FactMark { entity: row.entity, facet: row.facet, fingerprint: row.fingerprint });
    Ok((marks.collect(), end))
}

/// The number of an owner, which must exist.
pub(crate) async fn owner(core: &Core, c: &mut PgConnection, code: &str) -> Answer<i32> {
    core.owners.id(c, code).await?.ok_or_else(|| Error::UnknownOwner(code.to_owned()).into())
}

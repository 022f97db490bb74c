//! Entities that a transaction changed, and the transactions themselves.

use crate::fault::fault;
use crate::packed::{Packed, number, packed};
use crate::schema::chunks_of;
use crate::shared::{ChangedPlace, Shared};
use annuaire_base::Tx;
use annuaire_store::columns::{tx_column, tx_read, unsigned};
use annuaire_store::{Cause, Channel, Error, Result, Transaction};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

const PLACES: &str =
    packed!("first", "last", "id"; "SELECT first, last, id FROM chunk WHERE id >= ? AND id < ? ORDER BY first, id");

/// Chunks of a batch by their first entity. Pages of one transaction follow each other, so the last answer is kept.
async fn places(c: &mut SqliteConnection, shared: &Shared, batch: u64) -> Result<Arc<Vec<ChangedPlace>>> {
    let kept = || shared.listed.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, places)) = kept().as_ref().filter(|(of, _)| *of == batch) {
        return Ok(places.clone());
    }
    let (from, to) = chunks_of(batch);
    let page: Option<Vec<u8>> = sqlx::query_scalar(PLACES).bind(from).bind(to).fetch_one(c).await.map_err(fault)?;
    let mut packed = Packed::new(page.as_deref());
    let mut places = Vec::new();
    while let Some([first, last, id]) = packed.row()? {
        places.push(ChangedPlace { first: first.to_owned(), last: last.to_owned(), id: number(id)? });
    }
    let places = Arc::new(places);
    *kept() = Some((batch, places.clone()));
    Ok(places)
}

pub(crate) async fn changed_entities(
    c: &mut SqliteConnection,
    shared: &Shared,
    tx: Tx,
    after: &str,
    limit: u32,
) -> Result<Vec<String>> {
    shared.know(c, tx).await?;
    let Some(batch) = shared.log.read().batches.batch(tx) else { return Ok(Vec::new()) };
    let limit = limit as usize;
    let mut first: BTreeSet<String> = BTreeSet::new();
    for place in places(c, shared, batch).await?.iter().filter(|p| p.last.as_str() > after) {
        // Later chunks begin at least here.
        if first.len() >= limit && first.last().is_some_and(|last| *last < place.first) {
            break;
        }
        let loaded = shared.cache.load(c, &[place.id], true).await?;
        for chunk in loaded.values() {
            for row in (chunk.keys.after(after)..chunk.keys.len()).filter_map(|at| chunk.keys.row(at)) {
                if first.len() >= limit && first.last().is_some_and(|last| last.as_str() < row.entity) {
                    break;
                }
                if !first.contains(row.entity) {
                    first.insert(row.entity.to_owned());
                }
                if first.len() > limit {
                    first.pop_last();
                }
            }
        }
    }
    Ok(first.into_iter().collect())
}

pub(crate) async fn withdrawn(c: &mut SqliteConnection, tx: Tx) -> Result<Vec<String>> {
    let query = sqlx::query_scalar("SELECT entity FROM withdrawal WHERE tx = ? ORDER BY entity");
    query.bind(tx_column(tx)).fetch_all(c).await.map_err(fault)
}

pub(crate) async fn last_tx(c: &mut SqliteConnection) -> Result<Tx> {
    let query = sqlx::query_scalar("SELECT coalesce(max(tx), 0) FROM log_tx");
    query.fetch_one(c).await.map(tx_read).map_err(fault)
}

pub(crate) async fn transactions(c: &mut SqliteConnection, after: Tx, limit: u32) -> Result<Vec<Transaction>> {
    let rows = sqlx::query(
        "SELECT tx, commit_ms, actor, authority, request, channel, basis, reason, changes, withdrawals, digest
            FROM log_tx WHERE tx > ? ORDER BY tx LIMIT ?",
    )
    .bind(tx_column(after))
    .bind(limit)
    .fetch_all(c)
    .await
    .map_err(fault)?;
    rows.iter().map(transaction).collect()
}

fn transaction(r: &SqliteRow) -> Result<Transaction> {
    let tx = tx_read(r.try_get(0).map_err(fault)?);
    let strange = |what: &str| Error::Damaged(format!("transaction {tx} has {what}"));
    let channel: String = r.try_get(5).map_err(fault)?;
    let digest: Vec<u8> = r.try_get(10).map_err(fault)?;
    let cause = Cause {
        actor: r.try_get(2).map_err(fault)?,
        authority: r.try_get(3).map_err(fault)?,
        request: r.try_get(4).map_err(fault)?,
        channel: channel.parse::<Channel>().map_err(|()| strange("an unknown channel"))?,
        basis: r.try_get(6).map_err(fault)?,
        reason: r.try_get(7).map_err(fault)?,
    };
    Ok(Transaction {
        tx,
        commit_ms: r.try_get(1).map_err(fault)?,
        cause,
        changes: unsigned(r.try_get(8).map_err(fault)?),
        withdrawals: unsigned(r.try_get(9).map_err(fault)?),
        digest: digest.try_into().map_err(|_| strange("a digest of another length"))?,
    })
}

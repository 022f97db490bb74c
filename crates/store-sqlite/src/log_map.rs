//! What this process remembers of the log: which batch is which transaction, and where base chunks are. None of it ever changes.

use crate::cache::Cache;
use crate::fault::fault;
use crate::packed::{Packed, number, packed};
use crate::schema::{batch_of, chunks_of};
use annuaire_base::Tx;
use annuaire_store::Result;
use annuaire_store::backend::Batches;
use annuaire_store::columns::{tx_column, tx_read, unsigned};
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// A chunk that no index names.
#[derive(Clone)]
pub(crate) struct BaseChunk {
    pub(crate) first: String,
    pub(crate) last: String,
    pub(crate) id: i64,
    pub(crate) rows: u64,
}

#[derive(Default)]
pub(crate) struct Known {
    pub(crate) batches: Batches,
    /// Owners that are asked about every entity.
    pub(crate) wide: BTreeSet<String>,
    /// Base chunks of each owner, in order; they do not overlap.
    bases: BTreeMap<String, Vec<BaseChunk>>,
}

impl Known {
    /// The transaction of a chunk, if readers at `at` see it.
    pub(crate) fn seen(&self, id: i64, at: Tx) -> Option<Tx> {
        self.batches.seen(batch_of(id), at)
    }

    /// The base chunk of an owner that may name an entity.
    pub(crate) fn base(&self, owner: &str, entity: &str) -> Option<&BaseChunk> {
        let chunks = self.bases.get(owner)?;
        let at = chunks.partition_point(|c| c.last.as_str() < entity);
        chunks.get(at).filter(|c| c.first.as_str() <= entity)
    }

    /// Base chunks of an owner that may name an entity after `after`, in order.
    pub(crate) fn bases_after(&self, owner: &str, after: &str) -> &[BaseChunk] {
        let chunks = self.bases.get(owner).map_or(&[][..], Vec::as_slice);
        &chunks[chunks.partition_point(|c| c.last.as_str() <= after)..]
    }
}

/// [`Known`], shared by all.
#[derive(Default)]
pub(crate) struct LogMap(RwLock<Known>);

const NEW_BATCHES: &str = packed!("tx", "batch", "bases", "withdrawals";
    "SELECT tx, batch, bases, withdrawals FROM log_tx WHERE tx > ? ORDER BY tx");
const BASES: &str = packed!("owner", "first", "last", "id", "rows";
    "SELECT owner, first, last, id, rows FROM chunk WHERE id >= ? AND id < ? AND base = 1 ORDER BY id");

impl LogMap {
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Known> {
        // A writer below leaves it whole or does not touch it.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last transaction that is known here.
    pub(crate) fn last(&self) -> Tx {
        self.read().batches.last()
    }

    /// Learns of transactions that were committed since, by whomever, and returns the last one.
    pub(crate) async fn refresh(&self, c: &mut SqliteConnection, cache: &Cache) -> Result<Tx> {
        let from = self.last();
        let page: Option<Vec<u8>> =
            sqlx::query_scalar(NEW_BATCHES).bind(tx_column(from)).fetch_one(&mut *c).await.map_err(fault)?;
        let (mut batches, mut bases, mut withdrawn) = (Vec::new(), Vec::new(), false);
        let mut packed = Packed::new(page.as_deref());
        while let Some([tx, batch, with_bases, withdrawals]) = packed.row()? {
            let (tx, batch) = (tx_read(number(tx)?), unsigned(number(batch)?));
            withdrawn |= withdrawals != "0";
            batches.push((tx, batch));
            if with_bases != "0" {
                bases.extend(base_chunks(c, batch).await?);
            }
        }
        if batches.is_empty() {
            return Ok(from);
        }
        let wide: Vec<String> =
            sqlx::query_scalar("SELECT code FROM owner WHERE wide = 1").fetch_all(&mut *c).await.map_err(fault)?;
        self.add(from, batches, bases, wide);
        if withdrawn {
            cache.clear();
        }
        Ok(self.last())
    }

    fn add(&self, from: Tx, batches: Vec<(Tx, u64)>, bases: Vec<(String, BaseChunk)>, wide: Vec<String>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.batches.last() != from {
            // Another task learned of them meanwhile.
            return;
        }
        for (tx, batch) in batches {
            // A transaction that is missing from a damaged log has no rows; `verify` names it.
            while known.batches.last().next() < tx {
                let missing = known.batches.last().next();
                known.batches.push(missing, 0);
            }
            known.batches.push(tx, batch);
        }
        known.wide.extend(wide);
        let mut grown = BTreeSet::new();
        for (owner, chunk) in bases {
            if !grown.contains(&owner) {
                grown.insert(owner.clone());
            }
            known.bases.entry(owner).or_default().push(chunk);
        }
        for owner in grown {
            if let Some(chunks) = known.bases.get_mut(&owner) {
                // Nearly sorted: two runs.
                chunks.sort_by(|a, b| a.first.cmp(&b.first));
            }
        }
    }
}

async fn base_chunks(c: &mut SqliteConnection, batch: u64) -> Result<Vec<(String, BaseChunk)>> {
    let (from, to) = chunks_of(batch);
    let page: Option<Vec<u8>> = sqlx::query_scalar(BASES).bind(from).bind(to).fetch_one(c).await.map_err(fault)?;
    let mut packed = Packed::new(page.as_deref());
    let mut out = Vec::new();
    while let Some([owner, first, last, id, rows]) = packed.row()? {
        let (first, last) = (first.to_owned(), last.to_owned());
        out.push((owner.to_owned(), BaseChunk { first, last, id: number(id)?, rows: unsigned(number(rows)?) }));
    }
    Ok(out)
}

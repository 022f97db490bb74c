//! Versions of the facts of some entities.

use crate::cache::LoadedChunk;
use crate::fault::fault;
use crate::packed::{Packed, json_list, number, packed};
use crate::shared::Shared;
use annuaire_base::Tx;
use annuaire_base::fact::FactKey;
use annuaire_store::backend::LastVersion;
use annuaire_store::chunk::RowKey;
use annuaire_store::{Error, Result};
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Whose facts are looked up.
#[derive(Clone, Copy)]
pub(crate) enum Of<'a> {
    All,
    Owner(&'a str),
}

/// Entity, owner, facet: the order of answers.
pub(crate) type VersionPlace = (String, String, String);

/// A version of a fact, and where it is.
pub(crate) struct StoredVersion {
    pub(crate) key: FactKey,
    pub(crate) tx: Tx,
    pub(crate) chunk: Arc<LoadedChunk>,
    pub(crate) row: usize,
}

impl StoredVersion {
    pub(crate) fn row(&self) -> Result<RowKey<'_>> {
        self.chunk.keys.row(self.row).ok_or_else(|| lost(&self.key))
    }

    pub(crate) fn last(&self) -> Result<LastVersion> {
        let row = self.row()?;
        Ok(LastVersion { tx: self.tx, stands: row.stands, fingerprint: row.fingerprint })
    }

    /// Its payload; empty unless it stands.
    pub(crate) fn payload(&self) -> Result<&str> {
        Ok(self.chunk.keys.payload(self.chunk.text()?, self.row))
    }
}

fn lost(key: &FactKey) -> Error {
    Error::Damaged(format!("a version of {} ({}) is not where the index says", key.entity, key.owner))
}

const OF_WIDE: &str = packed!("owner", "entity", "facet", "chunk";
    "SELECT v.owner, v.entity, v.facet, v.chunk FROM json_each(?1) e CROSS JOIN json_each(?2) o
        CROSS JOIN version v ON v.owner = o.value AND v.entity = e.value");
const OF_NARROW: &str = packed!("owner", "entity", "facet", "chunk";
    "SELECT v.owner, v.entity, v.facet, v.chunk FROM json_each(?1) e CROSS JOIN entity_owner o ON o.entity = e.value
        CROSS JOIN version v ON v.owner = o.owner AND v.entity = e.value");

/// All versions up to `at` of the facts of these entities, as (place, transaction, chunk). The set has them once, though an owner that became wide may be
/// found in two ways.
async fn candidates(
    c: &mut SqliteConnection,
    shared: &Shared,
    at: Tx,
    entities: &BTreeSet<&str>,
    of: Of<'_>,
) -> Result<BTreeSet<(VersionPlace, Tx, i64)>> {
    shared.know(c, at).await?;
    let list = json_list(entities);
    let (owners, mut bases) = {
        let known = shared.log.read();
        let owners: Vec<String> = match of {
            Of::All => known.wide.iter().cloned().collect(),
            Of::Owner(owner) => vec![owner.to_owned()],
        };
        let mut bases: BTreeMap<i64, (Tx, String, Vec<&str>)> = BTreeMap::new();
        for owner in &owners {
            for entity in entities {
                let chunk = known.base(owner, entity).and_then(|chunk| Some((chunk.id, known.seen(chunk.id, at)?)));
                if let Some((id, tx)) = chunk {
                    bases.entry(id).or_insert_with(|| (tx, owner.clone(), Vec::new())).2.push(entity);
                }
            }
        }
        (owners, bases)
    };
    let mut found = BTreeSet::new();
    let mut pages: Vec<Option<Vec<u8>>> = Vec::new();
    if !owners.is_empty() {
        let query = sqlx::query_scalar(OF_WIDE).bind(&list).bind(json_list(&owners));
        pages.push(query.fetch_one(&mut *c).await.map_err(fault)?);
    }
    if matches!(of, Of::All) {
        pages.push(sqlx::query_scalar(OF_NARROW).bind(&list).fetch_one(&mut *c).await.map_err(fault)?);
    }
    for page in pages {
        let mut packed = Packed::new(page.as_deref());
        let known = shared.log.read();
        while let Some([owner, entity, facet, id]) = packed.row()? {
            let id = number(id)?;
            if let Some(tx) = known.seen(id, at) {
                found.insert(((entity.to_owned(), owner.to_owned(), facet.to_owned()), tx, id));
            }
        }
    }
    let ids: Vec<i64> = bases.keys().copied().collect();
    let chunks = shared.cache.load(c, &ids, true).await?;
    for (id, (tx, owner, entities)) in &mut bases {
        let Some(chunk) = chunks.get(id) else { continue };
        for entity in entities {
            for row in chunk.keys.rows_of(entity).filter_map(|at| chunk.keys.row(at)) {
                found.insert(((row.entity.to_owned(), owner.clone(), row.facet.to_owned()), *tx, *id));
            }
        }
    }
    Ok(found)
}

async fn load(c: &mut SqliteConnection, shared: &Shared, found: Vec<(VersionPlace, Tx, i64)>) -> Result<Vec<StoredVersion>> {
    let ids: BTreeSet<i64> = found.iter().map(|f| f.2).collect();
    let chunks = shared.cache.load(c, &ids.into_iter().collect::<Vec<_>>(), true).await?;
    let version = |((entity, owner, facet), tx, id): (VersionPlace, Tx, i64)| {
        let key = FactKey { owner, entity, facet };
        let place = chunks.get(&id).and_then(|chunk| Some((chunk, chunk.keys.find(&key.entity, &key.facet)?)));
        let (chunk, row) = place.ok_or_else(|| lost(&key))?;
        Ok(StoredVersion { tx, chunk: chunk.clone(), row, key })
    };
    found.into_iter().map(version).collect()
}

/// The last versions up to `at`, ended ones included, by entity, owner code, facet.
pub(crate) async fn last_versions(
    c: &mut SqliteConnection,
    shared: &Shared,
    at: Tx,
    entities: &BTreeSet<&str>,
    of: Of<'_>,
) -> Result<Vec<StoredVersion>> {
    let mut last: BTreeMap<VersionPlace, (Tx, i64)> = BTreeMap::new();
    // In the order of transactions within a fact, so the last one stays.
    for (place, tx, id) in candidates(c, shared, at, entities, of).await? {
        last.insert(place, (tx, id));
    }
    load(c, shared, last.into_iter().map(|(place, (tx, id))| (place, tx, id)).collect()).await
}

/// All versions up to `at`, by entity, owner code, facet, transaction.
pub(crate) async fn all_versions(
    c: &mut SqliteConnection,
    shared: &Shared,
    at: Tx,
    entities: &BTreeSet<&str>,
) -> Result<Vec<StoredVersion>> {
    let found = candidates(c, shared, at, entities, Of::All).await?;
    load(c, shared, found.into_iter().collect()).await
}

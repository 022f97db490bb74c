//! Withdrawal by law: content and salt of all versions of an entity are destroyed, their leaves stay.

use crate::chunk::{self, Place, damaged};
use crate::core::Core;
use crate::fault::Answer;
use crate::limits;
use crate::version;
use annuaire_base::Tx;
use annuaire_store::chunk::{Keys, encode};
use annuaire_store::columns::tx_column;
use sqlx::{PgConnection, Result};
use std::collections::{BTreeMap, BTreeSet};

/// Destroys what was ever said of these entities, as transaction `tx`, and withholds what will be. Chunks are rewritten;
/// what PostgreSQL keeps of their
/// former bytes goes with its vacuum.
pub(crate) async fn destroy(core: &Core, c: &mut PgConnection, entities: &[String], tx: Tx) -> Answer<()> {
    if entities.is_empty() {
        return Ok(());
    }
    let at = core.learn_all(c).await?;
    let seen = core.seen(version::of_entities(c, entities).await?, at);
    let owner_of: BTreeMap<Place, i32> = seen.iter().map(|(row, _)| ((row.batch, row.chunk), row.owner)).collect();
    let codes = core.owners.codes(c, owner_of.values().copied()).await?;
    let places: Vec<Place> = owner_of.keys().copied().collect();
    for page in places.chunks(limits::CHUNK_PAGE) {
        for (place, (keys, contents)) in chunk::load(&mut *c, page).await? {
            let owner = owner_of.get(&place).and_then(|id| codes.get(id)).map(AsRef::as_ref).unwrap_or_default();
            let keys = Keys::read(&keys).map_err(|why| damaged(place, why))?;
            let mut rows = keys.rows(&keys.contents(&contents).map_err(|why| damaged(place, why))?);
            rows.iter_mut().filter(|row| entities.contains(&row.entity)).for_each(|row| row.withdraw(owner));
            chunk::rewrite(&mut *c, place, &encode(&rows)?).await?;
        }
    }
    let batches: Vec<i64> = seen.iter().map(|(row, _)| row.batch).collect::<BTreeSet<_>>().into_iter().collect();
    sqlx::query("UPDATE version SET flags = 3, fingerprint = 0 WHERE entity = ANY($1) AND batch = ANY($2)")
        .bind(entities)
        .bind(batches)
        .execute(&mut *c)
        .await?;
    sqlx::query("INSERT INTO withdrawal(tx, entity) SELECT $1, * FROM unnest($2::text[])")
        .bind(tx_column(tx))
        .bind(entities)
        .execute(&mut *c)
        .await?;
    sqlx::query("INSERT INTO withheld(tx, entity) SELECT $1, * FROM unnest($2::text[])")
        .bind(tx_column(tx))
        .bind(entities)
        .execute(c)
        .await?;
    Ok(())
}

/// Lifts withdrawals.
pub(crate) async fn lift(c: &mut PgConnection, entities: &BTreeSet<String>) -> Result<()> {
    if !entities.is_empty() {
        let entities: Vec<&str> = entities.iter().map(String::as_str).collect();
        sqlx::query("DELETE FROM withheld WHERE entity = ANY($1)").bind(entities).execute(c).await?;
    }
    Ok(())
}

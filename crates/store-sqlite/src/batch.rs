//! Writing the chunks of a batch.

use crate::fault::fault;
use crate::notes;
use crate::schema::chunk_id;
use annuaire_store::backend::NewChunk;
use annuaire_store::columns::signed;
use annuaire_store::proof::Merkle;
use annuaire_store::{Error, Result};
use sqlx::SqliteConnection;
use std::collections::BTreeMap;

/// A batch being written.
pub(crate) struct Batch {
    pub(crate) number: u64,
    /// Chunks written.
    chunks: u64,
    /// Of these, those that no index names.
    pub(crate) bases: u64,
    pub(crate) rows: u64,
    pub(crate) tree: Merkle,
    /// Owners of its rows, and whether each is asked about every entity.
    pub(crate) owners: BTreeMap<String, bool>,
    /// Rows of a stage: its owners become wide, its chunks base chunks where they can.
    pub(crate) staged: bool,
}

/// Takes the next number of a batch.
pub(crate) async fn next_number(c: &mut SqliteConnection) -> Result<u64> {
    let query = sqlx::query_scalar("UPDATE registry SET next_batch = next_batch + 1 RETURNING next_batch - 1");
    query.fetch_one(c).await.map(annuaire_store::columns::unsigned).map_err(fault)
}

/// The rows of a chunk as a JSON array of pairs, for the index.
pub(crate) fn pairs<'a>(keys: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    serde_json::to_string(&keys.into_iter().collect::<Vec<_>>()).unwrap_or_default()
}

impl Batch {
    pub(crate) fn new(number: u64, staged: bool) -> Self {
        Self { number, chunks: 0, bases: 0, rows: 0, tree: Merkle::default(), owners: BTreeMap::new(), staged }
    }

    async fn owner(&mut self, c: &mut SqliteConnection, owner: &str) -> Result<bool> {
        if let Some(wide) = self.owners.get(owner) {
            return Ok(*wide);
        }
        let mut wide = notes::wide(c, owner).await?.ok_or_else(|| Error::UnknownOwner(owner.to_owned()))?;
        if self.staged && !wide {
            sqlx::query("UPDATE owner SET wide = 1 WHERE code = ?").bind(owner).execute(c).await.map_err(fault)?;
            wide = true;
        }
        self.owners.insert(owner.to_owned(), wide);
        Ok(wide)
    }

    /// Writes chunks after those written before.
    pub(crate) async fn write(&mut self, c: &mut SqliteConnection, chunks: &[NewChunk]) -> Result<()> {
        for chunk in chunks {
            let wide = self.owner(c, &chunk.owner).await?;
            let id = chunk_id(self.number, self.chunks)?;
            let base = self.staged && free(c, chunk).await?;
            sqlx::query("INSERT INTO chunk(id, owner, first, last, rows, base) VALUES (?, ?, ?, ?, ?, ?)")
                .bind(id)
                .bind(&chunk.owner)
                .bind(&chunk.encoded.first)
                .bind(&chunk.encoded.last)
                .bind(signed(chunk.encoded.rows))
                .bind(base)
                .execute(&mut *c)
                .await
                .map_err(fault)?;
            sqlx::query("INSERT INTO chunk_data(id, keys, contents) VALUES (?, ?, ?)")
                .bind(id)
                .bind(chunk.encoded.keys.as_slice())
                .bind(chunk.encoded.contents.as_slice())
                .execute(&mut *c)
                .await
                .map_err(fault)?;
            if !base {
                index(c, id, chunk, wide).await?;
            }
            self.chunks += 1;
            self.bases += u64::from(base);
            self.rows += chunk.encoded.rows;
            for leaf in &chunk.leaves {
                self.tree.push(*leaf);
            }
        }
        Ok(())
    }
}

/// Whether no base chunk of the owner reaches into this one, of whatever batch.
async fn free(c: &mut SqliteConnection, chunk: &NewChunk) -> Result<bool> {
    let before: Option<String> =
        sqlx::query_scalar("SELECT last FROM chunk WHERE owner = ? AND base = 1 AND first <= ? ORDER BY first DESC LIMIT 1")
            .bind(&chunk.owner)
            .bind(&chunk.encoded.last)
            .fetch_optional(c)
            .await
            .map_err(fault)?;
    Ok(before.is_none_or(|last| last < chunk.encoded.first))
}

async fn index(c: &mut SqliteConnection, id: i64, chunk: &NewChunk, wide: bool) -> Result<()> {
    let keys = pairs(chunk.keys.iter().map(|(entity, facet)| (entity.as_str(), facet.as_str())));
    sqlx::query("INSERT INTO version(owner, entity, facet, chunk) SELECT ?1, value ->> 0, value ->> 1, ?2 FROM json_each(?3)")
        .bind(&chunk.owner)
        .bind(id)
        .bind(&keys)
        .execute(&mut *c)
        .await
        .map_err(fault)?;
    if !wide {
        sqlx::query("INSERT OR IGNORE INTO entity_owner(entity, owner) SELECT value ->> 0, ?1 FROM json_each(?2)")
            .bind(&chunk.owner)
            .bind(&keys)
            .execute(c)
            .await
            .map_err(fault)?;
    }
    Ok(())
}

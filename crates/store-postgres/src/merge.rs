//! Puts of a stage that came out of order: what a later put replaces is taken back, and ordered runs are merged into one.

use crate::call::{run, statement};
use crate::chunk::{self, ChunkPlace, damaged};
use crate::core::Core;
use crate::fault::CallResult;
use crate::version::VersionRow;
use crate::{discard, limits};
use annuaire_store::Error;
use annuaire_store::chunk::{Keys, PackedRow, encode};
use annuaire_store::proof::Merkle;
use sqlx::PgConnection;
use std::collections::{BTreeMap, VecDeque};

/// Removes rows that this stage wrote before.
pub(crate) async fn take_back(c: &mut PgConnection, own: Vec<VersionRow>) -> CallResult<()> {
    let mut by_place: BTreeMap<ChunkPlace, Vec<&VersionRow>> = BTreeMap::new();
    for row in &own {
        by_place.entry((row.batch, row.chunk)).or_default().push(row);
    }
    let places: Vec<ChunkPlace> = by_place.keys().copied().collect();
    for page in places.chunks(limits::CHUNK_PAGE) {
        // Chunks and their index change together.
        run(&mut *c, "BEGIN").await?;
        for (place, (keys, contents)) in chunk::load(&mut *c, page).await? {
            let gone = by_place.get(&place).map(Vec::as_slice).unwrap_or_default();
            let keys = Keys::read(&keys).map_err(|why| damaged(place, why))?;
            let mut rows = keys.rows(&keys.contents(&contents).map_err(|why| damaged(place, why))?);
            rows.retain(|row| !gone.iter().any(|g| g.entity == row.entity && g.facet == row.facet));
            if rows.is_empty() {
                let query = sqlx::query("DELETE FROM chunk WHERE batch = $1 AND number = $2").bind(place.0).bind(place.1);
                query.execute(&mut *c).await?;
            } else {
                chunk::rewrite(&mut *c, place, &encode(&rows)?).await?;
            }
        }
        let gone: Vec<&VersionRow> = page.iter().filter_map(|place| by_place.get(place)).flatten().copied().collect();
        sqlx::query(
            "DELETE FROM version v USING unnest($1::text[], $2::integer[], $3::text[], $4::bigint[]) k(entity, owner, facet, batch)
                 WHERE v.entity = k.entity AND v.owner = k.owner AND v.facet = k.facet AND v.batch = k.batch",
        )
        .bind(gone.iter().map(|g| g.entity.as_str()).collect::<Vec<_>>())
        .bind(gone.iter().map(|g| g.owner).collect::<Vec<_>>())
        .bind(gone.iter().map(|g| g.facet.as_str()).collect::<Vec<_>>())
        .bind(gone.iter().map(|g| g.batch).collect::<Vec<_>>())
        .execute(&mut *c)
        .await?;
        run(&mut *c, "COMMIT").await?;
    }
    Ok(())
}

/// An ordered run of chunks, read one chunk at a time.
struct Run {
    next: i32,
    end: i32,
    owner: String,
    rows: VecDeque<PackedRow>,
}

impl Run {
    /// Reads the next chunk when no row is left.
    async fn fill(&mut self, c: &mut PgConnection, batch: i64, codes: &BTreeMap<i32, String>) -> CallResult<()> {
        if !self.rows.is_empty() || self.next >= self.end {
            return Ok(());
        }
        let query = "SELECT number, owner, keys, contents FROM chunk WHERE batch = $1 AND number >= $2 AND number < $3
            ORDER BY batch, number LIMIT 1";
        let query = sqlx::query_as(query).bind(batch).bind(self.next).bind(self.end);
        let found: Option<(i32, i32, Vec<u8>, Vec<u8>)> = statement(query.fetch_optional(c)).await?;
        let Some((number, owner, keys, contents)) = found else {
            self.next = self.end;
            return Ok(());
        };
        let place = (batch, number);
        let keys = Keys::read(&keys).map_err(|why| damaged(place, why))?;
        self.rows = keys.rows(&keys.contents(&contents).map_err(|why| damaged(place, why))?).into();
        self.owner = codes.get(&owner).cloned().ok_or_else(|| Error::Damaged(format!("chunk {number} belongs to nobody")))?;
        self.next = number + 1;
        Ok(())
    }

    fn key(&self) -> Option<(&str, &str, &str)> {
        self.rows.front().map(|row| (self.owner.as_str(), row.entity.as_str(), row.facet.as_str()))
    }
}

/// Writes the rows of a batch again under another one, in order, and removes the batch. Returns the new batch, the number of
/// its chunks and the
/// tree of its rows. Memory: one chunk for each run.
pub(crate) async fn in_order(
    core: &Core,
    c: &mut PgConnection,
    batch: i64,
    runs: &[i32],
    codes: BTreeMap<i32, String>,
) -> CallResult<(i64, i32, Merkle)> {
    let query = "INSERT INTO stage(batch, base) SELECT nextval('batch_number'), base FROM stage WHERE batch = $1 RETURNING batch";
    // In one transaction with its lock: nobody sees a stage that has none.
    statement(run(&mut *c, "BEGIN")).await?;
    let new_batch: i64 = statement(sqlx::query_scalar(query).bind(batch).fetch_one(&mut *c)).await?;
    if !statement(discard::lock(&mut *c, core.log_id, new_batch)).await? {
        return Err(Error::Database(format!("the lock of stage {new_batch} is taken by something else")).into());
    }
    statement(run(&mut *c, "COMMIT")).await?;

    let ends = runs.iter().skip(1).copied().chain(std::iter::once(i32::MAX));
    let mut runs: Vec<Run> =
        runs.iter().zip(ends).map(|(next, end)| Run { next: *next, end, owner: String::new(), rows: VecDeque::new() }).collect();
    let ids: BTreeMap<String, i32> = codes.iter().map(|(id, code)| (code.clone(), *id)).collect();
    let (mut tree, mut chunks) = (Merkle::default(), 0);
    loop {
        let mut rows: Vec<(String, PackedRow)> = Vec::new();
        loop {
            for run in &mut runs {
                run.fill(c, batch, &codes).await?;
            }
            runs.retain(|run| !run.rows.is_empty());
            let Some(first) = (0..runs.len()).min_by(|a, b| runs[*a].key().cmp(&runs[*b].key())) else { break };
            let full = rows.len() >= limits::STAGE_BATCH;
            let entity = rows.last().map(|(owner, row)| (owner.as_str(), row.entity.as_str()));
            if full && runs[first].key().map(|(owner, entity, _)| (owner, entity)) != entity {
                break;
            }
            let owner = runs[first].owner.clone();
            rows.extend(runs[first].rows.pop_front().map(|row| (owner, row)));
        }
        if rows.is_empty() {
            break;
        }
        let ids = ids.clone();
        let new = chunk::encode(rows, chunks, move |code| ids.get(code).copied()).await?;
        chunks += new.chunks();
        statement(chunk::insert(&mut *c, new_batch, &new)).await?;
        new.grow(&mut tree);
    }
    discard::remove(c, batch).await?;
    Ok((new_batch, chunks, tree))
}

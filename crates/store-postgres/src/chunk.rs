//! Chunks of the log: reading what versions say, writing new ones.

use crate::fault::{CallResult, Fault};
use crate::limits;
use crate::version::{self, NewVersions, SeenVersion};
use annuaire_base::fact::VersionContent;
use annuaire_store::Error;
use annuaire_store::backend::NewChunk;
use annuaire_store::chunk::{Encoded, Keys, NotAChunk, PackedRow};
use annuaire_store::proof::{Merkle, flag};
use sqlx::{PgConnection, Result};
use std::collections::HashMap;

/// Chunks beyond which decoding or encoding leaves the thread, which may serve others.
const FEW: usize = 8;

/// Where a chunk is: its batch and its number there.
pub(crate) type ChunkPlace = (i64, i32);

/// A chunk as the database stores it: keys and contents.
pub(crate) type Stored = (Vec<u8>, Vec<u8>);

/// The error for bytes that are no chunk.
pub(crate) fn damaged(place: ChunkPlace, why: NotAChunk) -> Error {
    why.at(format_args!("chunk {} of batch {}", place.1, place.0))
}

/// Reads chunks; those that do not exist are left out.
pub(crate) async fn load(c: &mut PgConnection, places: &[ChunkPlace]) -> Result<Vec<(ChunkPlace, Stored)>> {
    let (batches, numbers): (Vec<i64>, Vec<i32>) = places.iter().copied().unzip();
    let rows: Vec<(i64, i32, Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "SELECT c.batch, c.number, c.keys, c.contents FROM unnest($1::bigint[], $2::integer[]) k(batch, number)
             JOIN chunk c ON c.batch = k.batch AND c.number = k.number",
    )
    .bind(batches)
    .bind(numbers)
    .fetch_all(c)
    .await?;
    Ok(rows.into_iter().map(|(batch, number, keys, contents)| ((batch, number), (keys, contents))).collect())
}

/// Runs work that hashes or compresses; elsewhere when it is `much`.
pub(crate) async fn work<T: Send + 'static>(much: bool, work: impl FnOnce() -> T + Send + 'static) -> CallResult<T> {
    if !much {
        return Ok(work());
    }
    let stopped = |e: tokio::task::JoinError| Fault::from(Error::Database(format!("a task of the registry stopped: {e}")));
    tokio::task::spawn_blocking(work).await.map_err(stopped)
}

/// A version to be read: its entity and facet, and its index among those asked for.
type Wanted = (String, String, usize);

/// What versions say, in their order. Cost: one look-up for each chunk that holds one of them.
pub(crate) async fn contents(c: &mut PgConnection, versions: &[SeenVersion]) -> CallResult<Vec<VersionContent>> {
    let mut out: Vec<VersionContent> =
        versions
            .iter()
            .map(|(row, _)| {
                if row.flags == i16::from(flag(&VersionContent::Ends)) { VersionContent::Ends } else { VersionContent::Withdrawn }
            })
            .collect();
    let mut by_place: Vec<(ChunkPlace, usize)> = (versions.iter().enumerate())
        .filter(|(_, (row, _))| row.stands().is_some())
        .map(|(n, (row, _))| ((row.batch, row.chunk), n))
        .collect();
    by_place.sort_unstable();
    let chunks: Vec<&[(ChunkPlace, usize)]> = by_place.chunk_by(|a, b| a.0 == b.0).collect();
    for page in chunks.chunks(limits::CHUNK_PAGE) {
        let places: Vec<ChunkPlace> = page.iter().filter_map(|of| of.first()).map(|(place, _)| *place).collect();
        let stored = load(&mut *c, &places).await?;
        let mut wanted: HashMap<ChunkPlace, Vec<Wanted>> = page
            .iter()
            .filter_map(|of| {
                let wanted =
                    |(_, n): &(ChunkPlace, usize)| versions.get(*n).map(|(row, _)| (row.entity.clone(), row.facet.clone(), *n));
                Some((of.first()?.0, of.iter().filter_map(wanted).collect()))
            })
            .collect();
        let decode = move || {
            let mut found = Vec::new();
            for (place, stored) in stored {
                pick(place, &stored, wanted.remove(&place).unwrap_or_default(), &mut found)?;
            }
            match wanted.keys().next() {
                None => Ok(found),
                Some((batch, number)) => Err(Error::Damaged(format!("chunk {number} of batch {batch} is missing"))),
            }
        };
        for (n, content) in work(page.len() > FEW, decode).await?? {
            if let Some(place) = out.get_mut(n) {
                *place = content;
            }
        }
    }
    Ok(out)
}

/// Reads some rows of a chunk.
fn pick(
    place: ChunkPlace,
    stored: &Stored,
    wanted: Vec<Wanted>,
    found: &mut Vec<(usize, VersionContent)>,
) -> annuaire_store::Result<()> {
    let keys = Keys::read(&stored.0).map_err(|why| damaged(place, why))?;
    let contents = keys.contents(&stored.1).map_err(|why| damaged(place, why))?;
    for (entity, facet, n) in wanted {
        let at = keys.find(&entity, &facet).ok_or_else(|| {
            Error::Damaged(format!("chunk {} of batch {} does not speak of {entity} as its index says", place.1, place.0))
        })?;
        found.push((n, keys.content(&contents, at)));
    }
    Ok(())
}

/// Chunks to be written, and the rows of the index that lead to them.
pub(crate) struct NewRows {
    chunks: Vec<NewChunk>,
    versions: NewVersions,
}

impl NewRows {
    /// Number of chunks.
    pub(crate) fn chunks(&self) -> i32 {
        i32::try_from(self.chunks.len()).unwrap_or(i32::MAX)
    }

    /// Numbers of the owners of the rows.
    pub(crate) fn owners(&self) -> impl Iterator<Item = i32> {
        self.versions.owners.iter().copied()
    }

    /// Adds the leaves of the rows to the tree of their transaction.
    pub(crate) fn grow(&self, tree: &mut Merkle) {
        self.chunks.iter().flat_map(|chunk| &chunk.leaves).for_each(|leaf| tree.push(*leaf));
    }
}

/// Cuts ordered rows into chunks, the first of which gets the number `first`. `owner` gives the numbers of owners.
pub(crate) async fn encode(
    rows: Vec<(String, PackedRow)>,
    first: i32,
    owner: impl Fn(&str) -> Option<i32> + Send + 'static,
) -> CallResult<NewRows> {
    let much = rows.len() > 16 * FEW;
    let encode = move || {
        let mut versions = NewVersions::default();
        for (_, row) in &rows {
            versions.fingerprints.push(row.fingerprint.cast_signed());
            versions.flags.push(flag(&row.content).into());
        }
        let mut chunks = annuaire_store::backend::chunks(rows)?;
        for (number, chunk) in (first..).zip(&mut chunks) {
            let id = owner(&chunk.owner).ok_or_else(|| Error::UnknownOwner(chunk.owner.clone()))?;
            for (entity, facet) in std::mem::take(&mut chunk.keys) {
                versions.entities.push(entity);
                versions.facets.push(facet);
                versions.owners.push(id);
                versions.chunks.push(number);
            }
        }
        Ok::<_, Error>(NewRows { chunks, versions })
    };
    Ok(work(much, encode).await??)
}

/// Rows of the index from which on they are copied: that takes a fifth less of the server's time, and two more round trips.
const MANY: usize = 256;

/// Writes chunks and their index. Many rows are two statements: who wants them to stand or fall together has a transaction,
/// or a stage.
pub(crate) async fn insert(c: &mut PgConnection, batch: i64, new: &NewRows) -> Result<()> {
    let NewRows { chunks, versions } = new;
    if chunks.is_empty() {
        return Ok(());
    }
    let copied = versions.entities.len() > MANY;
    let none = NewVersions::default();
    insert_chunks(&mut *c, batch, chunks, versions, if copied { &none } else { versions }).await?;
    if copied {
        let mut copy = c.copy_in_raw(version::COPY).await?;
        copy.send(versions.copied(batch)).await?;
        copy.finish().await?;
    }
    Ok(())
}

/// Writes chunks, whose numbers and owners `all` tells, and the rows `v` of the index, in one round trip.
async fn insert_chunks(c: &mut PgConnection, batch: i64, chunks: &[NewChunk], all: &NewVersions, v: &NewVersions) -> Result<()> {
    let starts: Vec<(i32, i32)> = {
        let mut starts: Vec<(i32, i32)> = all.chunks.iter().copied().zip(all.owners.iter().copied()).collect();
        starts.dedup();
        starts
    };
    sqlx::query(
        "WITH chunks AS (INSERT INTO chunk(batch, number, owner, rows, first, keys, contents)
             SELECT $1, * FROM unnest($2::integer[], $3::integer[], $4::integer[], $5::text[], $6::bytea[], $7::bytea[]))
         INSERT INTO version(batch, chunk, owner, fingerprint, flags, entity, facet)
             SELECT $1, * FROM unnest($8::integer[], $9::integer[], $10::bigint[], $11::smallint[], $12::text[], $13::text[])",
    )
    .bind(batch)
    .bind(starts.iter().map(|s| s.0).collect::<Vec<_>>())
    .bind(starts.iter().map(|s| s.1).collect::<Vec<_>>())
    .bind(chunks.iter().map(|k| i32::try_from(k.encoded.rows).unwrap_or(i32::MAX)).collect::<Vec<_>>())
    .bind(chunks.iter().map(|k| k.encoded.first.as_str()).collect::<Vec<_>>())
    .bind(chunks.iter().map(|k| k.encoded.keys.as_slice()).collect::<Vec<_>>())
    .bind(chunks.iter().map(|k| k.encoded.contents.as_slice()).collect::<Vec<_>>())
    .bind(&v.chunks)
    .bind(&v.owners)
    .bind(&v.fingerprints)
    .bind(&v.flags)
    .bind(&v.entities)
    .bind(&v.facets)
    .execute(c)
    .await?;
    Ok(())
}

/// Replaces a chunk by one with other rows.
pub(crate) async fn rewrite(c: &mut PgConnection, place: ChunkPlace, new: &Encoded) -> Result<()> {
    sqlx::query("UPDATE chunk SET rows = $3, first = $4, keys = $5, contents = $6 WHERE batch = $1 AND number = $2")
        .bind(place.0)
        .bind(place.1)
        .bind(i32::try_from(new.rows).unwrap_or(i32::MAX))
        .bind(&new.first)
        .bind(&new.keys)
        .bind(&new.contents)
        .execute(c)
        .await?;
    Ok(())
}

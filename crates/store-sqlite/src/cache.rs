//! Chunks that were read lately.

use crate::fault::fault;
use crate::limits;
use crate::packed::json_list;
use crate::schema::batch_of;
use annuaire_base::fact::VersionContent;
use annuaire_store::chunk::Keys;
use annuaire_store::{Error, Result};
use sqlx::SqliteConnection;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A chunk, decompressed when first needed.
pub(crate) struct LoadedChunk {
    pub(crate) id: i64,
    pub(crate) keys: Keys,
    contents: Vec<u8>,
    text: OnceLock<String>,
}

/// Where a chunk is, for the sentences about it.
pub(crate) fn place(id: i64) -> String {
    format!("chunk {id} (batch {})", batch_of(id))
}

impl LoadedChunk {
    fn read(id: i64, keys: &[u8], contents: Vec<u8>) -> Result<Self> {
        let keys = Keys::read(keys).map_err(|e| e.at(place(id)))?;
        Ok(Self { id, keys, contents, text: OnceLock::new() })
    }

    /// Its payloads.
    pub(crate) fn text(&self) -> Result<&str> {
        if let Some(text) = self.text.get() {
            return Ok(text);
        }
        let text = self.keys.contents(&self.contents).map_err(|e| e.at(place(self.id)))?;
        Ok(self.text.get_or_init(|| text))
    }

    /// What a row says.
    pub(crate) fn content(&self, row: usize) -> Result<VersionContent> {
        Ok(self.keys.content(self.text()?, row))
    }

    fn weight(&self) -> usize {
        self.keys.weight() + self.keys.payload_bytes() + self.contents.len() + 128
    }
}

/// Two generations: what was not used for as long as the younger one took to fill is forgotten.
#[derive(Default)]
struct ChunkGenerations {
    /// Raised by every withdrawal, so that nothing read before one enters after it.
    era: u64,
    young: HashMap<i64, Arc<LoadedChunk>>,
    old: HashMap<i64, Arc<LoadedChunk>>,
    young_bytes: usize,
}

/// The cache, shared by all readers.
#[derive(Default)]
pub(crate) struct Cache(Mutex<ChunkGenerations>);

impl Cache {
    fn lock(&self) -> std::sync::MutexGuard<'_, ChunkGenerations> {
        // Every change leaves the maps whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything: contents were withdrawn.
    pub(crate) fn clear(&self) {
        let mut g = self.lock();
        *g = ChunkGenerations { era: g.era + 1, ..ChunkGenerations::default() };
    }

    /// Forgets chunks whose fingerprints changed. A reader that keeps one of them compares once more than needed.
    pub(crate) fn forget(&self, ids: &[i64]) {
        let mut g = self.lock();
        for id in ids {
            if let Some(chunk) = g.young.remove(id) {
                g.young_bytes -= chunk.weight();
            }
            g.old.remove(id);
        }
    }

    fn get(&self, ids: &[i64]) -> (u64, HashMap<i64, Arc<LoadedChunk>>) {
        let mut g = self.lock();
        let mut found = HashMap::new();
        for id in ids {
            if let Some(chunk) = g.young.get(id) {
                found.insert(*id, chunk.clone());
            } else if let Some(chunk) = g.old.remove(id) {
                found.insert(*id, chunk.clone());
                g.add(chunk);
            }
        }
        (g.era, found)
    }

    fn keep(&self, era: u64, chunks: &[Arc<LoadedChunk>]) {
        let mut g = self.lock();
        if g.era == era {
            for chunk in chunks {
                g.add(chunk.clone());
            }
        }
    }

    /// These chunks (ids without a double), from memory or from the file; `keep`: they are likely to be asked for again.
    pub(crate) async fn load(&self, c: &mut SqliteConnection, ids: &[i64], keep: bool) -> Result<HashMap<i64, Arc<LoadedChunk>>> {
        let (era, mut found) = self.get(ids);
        let missing: Vec<i64> = ids.iter().copied().filter(|id| !found.contains_key(id)).collect();
        for some in missing.chunks(limits::CHUNKS_TOGETHER) {
            let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = match some {
                [one] => sqlx::query_as("SELECT id, keys, contents FROM chunk_data WHERE id = ?").bind(*one),
                _ => sqlx::query_as(
                    "SELECT d.id, d.keys, d.contents FROM json_each(?) j CROSS JOIN chunk_data d ON d.id = CAST(j.value AS INTEGER)",
                )
                .bind(json_list(some.iter().map(i64::to_string))),
            }
            .fetch_all(&mut *c)
            .await
            .map_err(fault)?;
            let read = |(id, keys, contents): (i64, Vec<u8>, Vec<u8>)| LoadedChunk::read(id, &keys, contents).map(Arc::new);
            let chunks: Vec<Arc<LoadedChunk>> = rows.into_iter().map(read).collect::<Result<_>>()?;
            if keep {
                self.keep(era, &chunks);
            }
            found.extend(chunks.into_iter().map(|chunk| (chunk.id, chunk)));
        }
        match ids.iter().find(|id| !found.contains_key(id)) {
            None => Ok(found),
            Some(id) => Err(Error::Damaged(format!("{} is missing", place(*id)))),
        }
    }
}

impl ChunkGenerations {
    fn add(&mut self, chunk: Arc<LoadedChunk>) {
        let weight = chunk.weight();
        if self.young_bytes + weight > limits::CACHE_BYTES / 2 {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if self.young.insert(chunk.id, chunk).is_none() {
            self.young_bytes += weight;
        }
    }
}

//! What a stage has written, and what it has yet to write.

use crate::batch::{Batch, pairs};
use crate::cache::place;
use crate::discard;
use crate::fault::fault;
use crate::packed::{Packed, json_list, number, packed};
use crate::schema::chunks_of;
use crate::staged_rows::{PreparedRows, PutPlace, StageTail};
use annuaire_base::fact::{FactKey, VersionContent};
use annuaire_store::backend::Verdict;
use annuaire_store::chunk::{self, Keys};
use annuaire_store::proof::Merkle;
use annuaire_store::{ChangeCounts, Result};
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, BTreeSet, HashMap};

const IN_INDEX: &str = packed!("entity", "facet", "chunk";
    "SELECT v.entity, v.facet, v.chunk FROM json_each(?1) e CROSS JOIN version v
        ON v.owner = ?2 AND v.entity = e.value AND v.chunk >= ?3 AND v.chunk < ?4");
const IN_BASES: &str = packed!("first", "last", "id";
    "SELECT first, last, id FROM chunk WHERE owner = ?1 AND base = 1 AND id >= ?2 AND id < ?3 ORDER BY first");

/// Writes other fingerprints into chunks of the past. They are no part of the proof, and true whatever becomes of the stage.
async fn mark(c: &mut SqliteConnection, marks: &BTreeMap<i64, Vec<(FactKey, u64)>>) -> Result<()> {
    for (id, marks) in marks {
        let (keys, contents) = discard::read(c, *id).await?;
        let text = keys.contents(&contents).map_err(|e| e.at(place(*id)))?;
        let mut rows = keys.rows(&text);
        for (key, fingerprint) in marks {
            let row = keys.find(&key.entity, &key.facet).and_then(|at| rows.get_mut(at));
            // It may have been withdrawn meanwhile.
            if let Some(row) = row.filter(|row| matches!(row.content, VersionContent::Stands { .. })) {
                row.fingerprint = *fingerprint;
            }
        }
        discard::rewrite(c, *id, &chunk::encode(&rows)?).await?;
    }
    Ok(())
}

impl StageTail {
    pub(crate) fn new(number: u64, now_ms: i64) -> Self {
        Self {
            batch: Batch::new(number, true),
            counts: ChangeCounts::default(),
            last: HashMap::new(),
            reordered: false,
            renewed_ms: now_ms,
            unwritten: Vec::new(),
            marked: Vec::new(),
        }
    }

    /// Writes a buffer, or what is left of it.
    pub(crate) async fn write(&mut self, c: &mut SqliteConnection, mut prepared: PreparedRows) -> Result<()> {
        while self.write_some(c, &mut prepared, usize::MAX).await? {}
        Ok(())
    }

    /// Writes the next `chunks` chunks of a buffer; returns whether some are left. The first call does what is to be done before any of them.
    pub(crate) async fn write_some(
        &mut self,
        c: &mut SqliteConnection,
        prepared: &mut PreparedRows,
        chunks: usize,
    ) -> Result<bool> {
        for (first, last) in std::mem::take(&mut prepared.spans) {
            if self.last.get(&first.owner).is_some_and(|before| *before >= first) {
                self.take_back(c, prepared, &first.owner).await?;
            }
            let greatest = self.last.entry(first.owner).or_insert_with(|| last.clone());
            if *greatest < last {
                *greatest = last;
            }
        }
        let marks = std::mem::take(&mut prepared.marks);
        mark(c, &marks).await?;
        self.marked.extend(marks.keys());
        self.counts.add(std::mem::take(&mut prepared.counts));
        let rest = prepared.chunks.split_off(chunks.min(prepared.chunks.len()));
        self.batch.write(c, &std::mem::replace(&mut prepared.chunks, rest)).await?;
        Ok(!prepared.chunks.is_empty())
    }

    /// The Merkle tree of all rows.
    pub(crate) async fn finish(&mut self, c: &mut SqliteConnection) -> Result<()> {
        if !self.reordered {
            return Ok(());
        }
        self.reordered = false;
        self.batch.tree = Merkle::default();
        let (mut from, to) = chunks_of(self.batch.number);
        loop {
            let rows: Vec<(i64, String, Vec<u8>, Vec<u8>)> = sqlx::query_as(
                "SELECT c.id, c.owner, d.keys, d.contents FROM chunk c JOIN chunk_data d ON d.id = c.id
                    WHERE c.id >= ? AND c.id < ? ORDER BY c.id LIMIT 64",
            )
            .bind(from)
            .bind(to)
            .fetch_all(&mut *c)
            .await
            .map_err(fault)?;
            let Some(last) = rows.last().map(|r| r.0) else { return Ok(()) };
            from = last + 1;
            for (id, owner, keys, contents) in rows {
                let keys = Keys::read(&keys).map_err(|e| e.at(place(id)))?;
                let text = keys.contents(&contents).map_err(|e| e.at(place(id)))?;
                keys.leaves(&owner, &text).for_each(|leaf| self.batch.tree.push(leaf));
            }
        }
    }

    /// Removes rows that earlier buffers wrote about facts of this one: of several puts the last counts.
    async fn take_back(&mut self, c: &mut SqliteConnection, prepared: &PreparedRows, owner: &str) -> Result<()> {
        let mut stood: BTreeMap<(&str, &str), bool> = BTreeMap::new();
        let rows = prepared.chunks.iter().flat_map(|chunk| chunk.keys.iter().map(move |key| (chunk.owner.as_str(), key)));
        for ((of, (entity, facet)), stood_before) in rows.zip(&prepared.stood) {
            if of == owner {
                stood.insert((entity, facet), *stood_before);
            }
        }
        for PutPlace { key, stood: stood_before } in prepared.idle.iter().filter(|idle| idle.key.owner == owner) {
            stood.insert((&key.entity, &key.facet), *stood_before);
        }
        for (id, facts) in self.earlier(c, owner, &stood.keys().copied().collect::<Vec<_>>()).await? {
            let (keys, contents) = discard::read(c, id).await?;
            let text = keys.contents(&contents).map_err(|e| e.at(place(id)))?;
            let (gone, rest): (Vec<_>, Vec<_>) =
                keys.rows(&text).into_iter().partition(|r| facts.contains(&(r.entity.clone(), r.facet.clone())));
            for row in &gone {
                let stood = stood.get(&(row.entity.as_str(), row.facet.as_str())).copied().unwrap_or_default();
                self.counts.uncount(match (stood, &row.content) {
                    (_, VersionContent::Ends | VersionContent::Withdrawn) => Verdict::Ended,
                    (true, _) => Verdict::Changed,
                    (false, _) => Verdict::Created,
                });
            }
            if gone.is_empty() {
                continue;
            }
            self.reordered = true;
            self.batch.rows -= gone.len() as u64;
            let lost = pairs(gone.iter().map(|r| (r.entity.as_str(), r.facet.as_str())));
            discard::unindex(c, owner, id, &lost).await?;
            if rest.is_empty() {
                self.batch.bases -= discard::remove(c, id).await?;
                continue;
            }
            let encoded = chunk::encode(&rest)?;
            sqlx::query("UPDATE chunk SET first = ?, last = ?, rows = ? WHERE id = ?")
                .bind(&encoded.first)
                .bind(&encoded.last)
                .bind(annuaire_store::columns::signed(encoded.rows))
                .bind(id)
                .execute(&mut *c)
                .await
                .map_err(fault)?;
            discard::rewrite(c, id, &encoded).await?;
        }
        Ok(())
    }

    /// Chunks of this stage that may hold rows of these facts, and of which.
    async fn earlier(
        &self,
        c: &mut SqliteConnection,
        owner: &str,
        facts: &[(&str, &str)],
    ) -> Result<BTreeMap<i64, BTreeSet<(String, String)>>> {
        let mut found: BTreeMap<i64, BTreeSet<(String, String)>> = BTreeMap::new();
        let wanted: BTreeSet<(&str, &str)> = facts.iter().copied().collect();
        let (from, to) = chunks_of(self.batch.number);
        let entities: BTreeSet<&str> = facts.iter().map(|f| f.0).collect();
        let query = sqlx::query_scalar(IN_INDEX).bind(json_list(entities)).bind(owner).bind(from).bind(to);
        let page: Option<Vec<u8>> = query.fetch_one(&mut *c).await.map_err(fault)?;
        let mut packed = Packed::new(page.as_deref());
        while let Some([entity, facet, id]) = packed.row()? {
            if wanted.contains(&(entity, facet)) {
                found.entry(number(id)?).or_default().insert((entity.to_owned(), facet.to_owned()));
            }
        }
        let page: Option<Vec<u8>> =
            sqlx::query_scalar(IN_BASES).bind(owner).bind(from).bind(to).fetch_one(&mut *c).await.map_err(fault)?;
        let mut packed = Packed::new(page.as_deref());
        let mut bases = Vec::new();
        while let Some([first, last, id]) = packed.row()? {
            bases.push((first, last, number(id)?));
        }
        for (entity, facet) in wanted {
            let at = bases.partition_point(|b| b.1 < entity);
            if let Some((_, _, id)) = bases.get(at).filter(|b| b.0 <= entity) {
                found.entry(*id).or_default().insert((entity.to_owned(), facet.to_owned()));
            }
        }
        Ok(found)
    }
}

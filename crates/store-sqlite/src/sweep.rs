//! Pages of all facts, in the order of their entities.
//!
//! A page is the union of ranges that are ordered within each owner: base chunks, read one after the other, and over them the versions that
//! the index names.

use crate::cache::LoadedChunk;
use crate::fault::fault;
use crate::limits;
use crate::packed::{Packed, number, packed};
use crate::shared::Shared;
use annuaire_base::Tx;
use annuaire_base::fact::{Fact, FactKey, Publication};
use annuaire_store::{Error, FactMark, Result};
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Greater than every entity: UTF-8 has no such byte.
const END: &[u8] = b"\xff";

const OF_OWNER: &str = packed!("entity", "facet", "chunk";
    "SELECT entity, facet, chunk FROM version WHERE owner = ?3 AND entity > ?1 AND entity <= ?2 ORDER BY entity, facet");
const OF_NARROW: &str = packed!("owner", "entity", "facet", "chunk";
    "SELECT v.owner, v.entity, v.facet, v.chunk FROM entity_owner o CROSS JOIN version v ON v.owner = o.owner AND v.entity = o.entity
        WHERE o.entity > ?1 AND o.entity <= ?2");

/// A range of entities: those that follow `after`, up to `end`.
#[derive(Clone, Copy)]
struct Range<'a> {
    after: &'a str,
    end: Option<&'a str>,
}

impl Range<'_> {
    fn end_bytes(&self) -> &[u8] {
        self.end.map_or(END, str::as_bytes)
    }
}

/// The last versions that the index names, by entity and facet: transaction and chunk.
type Named = BTreeMap<(String, String), (Tx, i64)>;

fn name(named: &mut Named, entity: &str, facet: &str, tx: Tx, id: i64) {
    let last = named.entry((entity.to_owned(), facet.to_owned())).or_insert((tx, id));
    *last = (*last).max((tx, id));
}

async fn named_of_owner(c: &mut SqliteConnection, shared: &Shared, at: Tx, owner: &str, range: Range<'_>) -> Result<Named> {
    // Entities are compared as text; a text is smaller than any blob, as END needs.
    let query = sqlx::query_scalar(OF_OWNER).bind(range.after);
    let query = match range.end {
        Some(end) => query.bind(end),
        None => query.bind(range.end_bytes()),
    };
    let page: Option<Vec<u8>> = query.bind(owner).fetch_one(c).await.map_err(fault)?;
    let mut named = Named::new();
    let mut packed = Packed::new(page.as_deref());
    let known = shared.log.read();
    while let Some([entity, facet, id]) = packed.row()? {
        let id = number(id)?;
        if let Some(tx) = known.seen(id, at) {
            name(&mut named, entity, facet, tx, id);
        }
    }
    Ok(named)
}

async fn named_of_narrow(c: &mut SqliteConnection, shared: &Shared, at: Tx, range: Range<'_>) -> Result<BTreeMap<String, Named>> {
    let query = sqlx::query_scalar(OF_NARROW).bind(range.after);
    let query = match range.end {
        Some(end) => query.bind(end),
        None => query.bind(range.end_bytes()),
    };
    let page: Option<Vec<u8>> = query.fetch_one(c).await.map_err(fault)?;
    let mut of_owner: BTreeMap<String, Named> = BTreeMap::new();
    let mut packed = Packed::new(page.as_deref());
    let known = shared.log.read();
    while let Some([owner, entity, facet, id]) = packed.row()? {
        let id = number(id)?;
        if let Some(tx) = known.seen(id, at).filter(|_| !known.wide.contains(owner)) {
            name(of_owner.entry(owner.to_owned()).or_default(), entity, facet, tx, id);
        }
    }
    Ok(of_owner)
}

/// A row of a page.
struct Seen<'a> {
    entity: &'a str,
    facet: &'a str,
    publication: Publication,
    fingerprint: u64,
    tx: Tx,
    chunk: &'a LoadedChunk,
    row: usize,
}

/// Calls `each` for every fact of an owner that stands in a range, base chunks first, then what the index names.
async fn sweep(
    c: &mut SqliteConnection,
    shared: &Shared,
    at: Tx,
    owner: &str,
    range: Range<'_>,
    mut named: Named,
    each: &mut (dyn FnMut(Seen<'_>) -> Result<()> + Send),
) -> Result<()> {
    let bases: Vec<(i64, Tx, bool)> = {
        let known = shared.log.read();
        let chunks = known.bases_after(owner, range.after).iter();
        let within = chunks.take_while(|b| range.end.is_none_or(|end| b.first.as_str() <= end));
        // A chunk that reaches over the end of the page is needed again by the next one.
        within.filter_map(|b| Some((b.id, known.seen(b.id, at)?, range.end.is_some_and(|end| b.last.as_str() > end)))).collect()
    };
    for some in bases.chunks(limits::CHUNKS_TOGETHER) {
        let ids = |over: bool| -> Vec<i64> { some.iter().filter(|b| b.2 == over).map(|b| b.0).collect() };
        let mut chunks = shared.cache.load(c, &ids(false), false).await?;
        chunks.extend(shared.cache.load(c, &ids(true), true).await?);
        for (id, tx, _) in some {
            let Some(chunk) = chunks.get(id) else { continue };
            for row in chunk.keys.after(range.after)..chunk.keys.len() {
                let Some(key) = chunk.keys.row(row) else { break };
                if range.end.is_some_and(|end| key.entity > end) {
                    break;
                }
                if !named.is_empty() {
                    let place = (key.entity.to_owned(), key.facet.to_owned());
                    match named.get(&place) {
                        Some((later, _)) if later > tx => continue,
                        Some(_) => _ = named.remove(&place),
                        None => {}
                    }
                }
                if let Some(publication) = key.stands {
                    let (entity, facet, fingerprint) = (key.entity, key.facet, key.fingerprint);
                    each(Seen { entity, facet, publication, fingerprint, tx: *tx, chunk, row })?;
                }
            }
        }
    }
    let named: Vec<_> = named.into_iter().collect();
    for some in named.chunks(limits::CHUNKS_TOGETHER) {
        let ids: BTreeSet<i64> = some.iter().map(|n| n.1.1).collect();
        let chunks = shared.cache.load(c, &ids.into_iter().collect::<Vec<_>>(), true).await?;
        for ((entity, facet), (tx, id)) in some {
            let place = chunks.get(id).and_then(|chunk| Some((chunk, chunk.keys.find(entity, facet)?)));
            let lost = || Error::Damaged(format!("a version of {entity} ({owner}) is not where the index says"));
            let (chunk, row): (&Arc<LoadedChunk>, usize) = place.ok_or_else(lost)?;
            let Some(key) = chunk.keys.row(row) else { continue };
            if let Some(publication) = key.stands {
                let fingerprint = key.fingerprint;
                each(Seen { entity, facet, publication, fingerprint, tx: *tx, chunk, row })?;
            }
        }
    }
    Ok(())
}

/// The entity at which the base chunks of some owners have given about `limit` rows; `None`: they give fewer.
fn base_end(shared: &Shared, owners: &[String], after: &str, limit: u64) -> Option<String> {
    let known = shared.log.read();
    let mut ends: Vec<(&str, u64)> = Vec::new();
    for owner in owners {
        let mut rows = 0;
        for chunk in known.bases_after(owner, after) {
            ends.push((&chunk.last, chunk.rows));
            rows += chunk.rows;
            if rows >= limit {
                break;
            }
        }
    }
    ends.sort_unstable();
    let mut rows = 0;
    let enough = |(_, n): &&(&str, u64)| {
        rows += n;
        rows >= limit
    };
    ends.iter().find(enough).map(|(last, _)| (*last).to_owned())
}

/// The smaller end, where `None` is the end of all.
fn sooner(a: Option<String>, b: Option<String>) -> Option<String> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

async fn named_end(c: &mut SqliteConnection, owner: &str, after: &str, limit: u64) -> Result<Option<String>> {
    let query = sqlx::query_scalar("SELECT entity FROM version WHERE owner = ? AND entity > ? ORDER BY entity LIMIT 1 OFFSET ?");
    query.bind(owner).bind(after).bind(i64::try_from(limit - 1).unwrap_or(i64::MAX)).fetch_optional(c).await.map_err(fault)
}

async fn narrow_end(c: &mut SqliteConnection, after: &str, limit: u64) -> Result<Option<String>> {
    let query = sqlx::query_scalar("SELECT entity FROM entity_owner WHERE entity > ? ORDER BY entity LIMIT 1 OFFSET ?");
    query.bind(after).bind(i64::try_from(limit - 1).unwrap_or(i64::MAX)).fetch_optional(c).await.map_err(fault)
}

/// A page of all facts (see `Registry::standing`).
pub(crate) async fn standing(
    c: &mut SqliteConnection,
    shared: &Shared,
    at: Tx,
    after: &str,
    limit: u32,
) -> Result<(Vec<Fact>, Option<String>)> {
    shared.know(c, at).await?;
    let limit = u64::from(limit.max(1));
    let owners: Vec<String> = shared.log.read().wide.iter().cloned().collect();
    let mut end = sooner(base_end(shared, &owners, after, limit), narrow_end(c, after, limit).await?);
    for owner in &owners {
        end = sooner(end, named_end(c, owner, after, limit).await?);
    }
    let range = Range { after, end: end.as_deref() };
    let mut facts = Vec::new();
    let mut of_owner = named_of_narrow(c, shared, at, range).await?;
    for owner in &owners {
        of_owner.insert(owner.clone(), named_of_owner(c, shared, at, owner, range).await?);
    }
    for (owner, named) in of_owner {
        let mut each = |seen: Seen<'_>| {
            let key = FactKey { owner: owner.clone(), entity: seen.entity.to_owned(), facet: seen.facet.to_owned() };
            let payload = seen.chunk.keys.payload(seen.chunk.text()?, seen.row).to_owned();
            facts.push(Fact { key, tx: seen.tx, payload, publication: seen.publication });
            Ok(())
        };
        sweep(c, shared, at, &owner, range, named, &mut each).await?;
    }
    facts.sort_by(|a, b| (&a.key.entity, &a.key.owner, &a.key.facet).cmp(&(&b.key.entity, &b.key.owner, &b.key.facet)));
    // Whole chunks may be much more than was asked for.
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if let Some(last) = facts.get(limit - 1).map(|f| f.key.entity.clone()) {
        let more = facts.partition_point(|f| f.key.entity <= last);
        if more < facts.len() {
            facts.truncate(more);
            end = Some(last);
        }
    }
    Ok((facts, end))
}

/// A page of the marks of an owner, some of them, and where it ends: `None` at the end of the owner.
pub(crate) async fn marks(
    c: &mut SqliteConnection,
    shared: &Shared,
    at: Tx,
    owner: &str,
    after: &str,
    limit: u32,
) -> Result<(Vec<FactMark>, Option<String>)> {
    shared.know(c, at).await?;
    let limit = u64::from(limit.max(1));
    let end = sooner(base_end(shared, &[owner.to_owned()], after, limit), named_end(c, owner, after, limit).await?);
    let range = Range { after, end: end.as_deref() };
    let named = named_of_owner(c, shared, at, owner, range).await?;
    let mut marks = Vec::new();
    let mut each = |seen: Seen<'_>| {
        let (entity, facet) = (seen.entity.to_owned(), seen.facet.to_owned());
        marks.push(FactMark { entity, facet, fingerprint: seen.fingerprint });
        Ok(())
    };
    sweep(c, shared, at, owner, range, named, &mut each).await?;
    marks.sort_by(|a, b| (&a.entity, &a.facet).cmp(&(&b.entity, &b.facet)));
    Ok((marks, end))
}

/// The first `limit` marks of pages, entities whole. `page` gives the page after an entity, and its end.
pub(crate) fn cut(mut marks: Vec<FactMark>, limit: u32) -> Vec<FactMark> {
    let limit = usize::try_from(limit.max(1)).unwrap_or(usize::MAX);
    if let Some(last) = marks.get(limit - 1).map(|m| m.entity.clone()) {
        let whole = marks.partition_point(|m| m.entity <= last);
        marks.truncate(whole);
    }
    marks
}

//! The index of versions: from a fact to the chunks that hold what was said of it.
//!
//! Rows are fetched as arrays: a row through the driver costs several times what the server spends on it.

use crate::core::Core;
use annuaire_base::Tx;
use annuaire_base::fact::{FactKey, Publication};
use annuaire_store::backend::LastVersion;
use sqlx::{PgConnection, Result, Row};

/// A row of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VersionRow {
    pub(crate) entity: String,
    pub(crate) owner: i32,
    pub(crate) facet: String,
    pub(crate) batch: i64,
    pub(crate) chunk: i32,
    pub(crate) fingerprint: u64,
    pub(crate) flags: i16,
}

impl VersionRow {
    /// Publication of a fact that stands.
    pub(crate) fn stands(&self) -> Option<Publication> {
        match self.flags {
            0 => Some(Publication::Restricted),
            1 => Some(Publication::Open),
            _ => None,
        }
    }

    fn is_of_fact_of(&self, other: &Self) -> bool {
        self.entity == other.entity && self.owner == other.owner && self.facet == other.facet
    }

    /// For a decision.
    pub(crate) fn last(&self, tx: Tx) -> LastVersion {
        LastVersion { tx, stands: self.stands(), fingerprint: self.fingerprint }
    }
}

/// A version that readers at some transaction see, and its transaction.
pub(crate) type Seen = (VersionRow, Tx);

/// The columns of index rows `v`, as arrays.
macro_rules! arrays {
    ($from:expr) => {
        concat!(
            "SELECT array_agg(v.entity), array_agg(v.owner), array_agg(v.facet), array_agg(v.batch), array_agg(v.chunk),
                array_agg(v.fingerprint), array_agg(v.flags) FROM ",
            $from
        )
    };
}

const PAGE: &str = arrays!("(SELECT * FROM version WHERE entity > $1 ORDER BY entity, owner, facet, batch LIMIT $2) v");

/// For marks: without the columns that all rows share, or that lead to contents.
const MARKS: &str = "SELECT array_agg(v.entity), NULL::integer[], array_agg(v.facet), array_agg(v.batch), NULL::integer[],
    array_agg(v.fingerprint), array_agg(v.flags)
    FROM (SELECT * FROM version WHERE entity > $1 AND owner = $3 ORDER BY entity, owner, facet, batch LIMIT $2) v";

const OF_ENTITIES: &str = arrays!("unnest($1::text[]) e(entity) JOIN version v ON v.entity = e.entity");

const OF_FACTS: &str = arrays!(
    "unnest($1::text[], $2::integer[], $3::text[]) k(entity, owner, facet)
        JOIN version v ON v.entity = k.entity AND v.owner = k.owner AND v.facet = k.facet"
);

type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

async fn fetch(c: &mut PgConnection, query: Query<'_>) -> Result<Vec<VersionRow>> {
    let r = query.fetch_one(c).await?;
    let Some(entities) = r.try_get::<Option<Vec<String>>, _>(0)? else { return Ok(Vec::new()) };
    let unread = || vec![0; entities.len()];
    let owners = r.try_get::<Option<Vec<i32>>, _>(1)?.unwrap_or_else(unread);
    let facets = r.try_get::<Vec<String>, _>(2)?;
    let batches = r.try_get::<Vec<i64>, _>(3)?;
    let chunks = r.try_get::<Option<Vec<i32>>, _>(4)?.unwrap_or_else(unread);
    let fingerprints = r.try_get::<Vec<i64>, _>(5)?;
    let flags = r.try_get::<Vec<i16>, _>(6)?;
    let rows = entities.into_iter().zip(owners).zip(facets).zip(batches).zip(chunks).zip(fingerprints).zip(flags);
    Ok(rows
        .map(|((((((entity, owner), facet), batch), chunk), fingerprint), flags)| VersionRow {
            entity,
            owner,
            facet,
            batch,
            chunk,
            fingerprint: fingerprint.cast_unsigned(),
            flags,
        })
        .collect())
}

/// All versions of some whole entities that follow `after`, in the order of the index, and where the next page begins,
/// `None` at the
/// end. Rows of one owner are for marks: owner and chunk are left zero. Reads about `limit` rows.
pub(crate) async fn page(
    c: &mut PgConnection,
    owner: Option<i32>,
    after: &str,
    limit: u32,
) -> Result<(Vec<VersionRow>, Option<String>)> {
    let mut limit = limit.max(1);
    loop {
        let query = match owner {
            None => sqlx::query(PAGE).bind(after).bind(i64::from(limit)),
            Some(owner) => sqlx::query(MARKS).bind(after).bind(i64::from(limit)).bind(owner),
        };
        let mut rows = fetch(&mut *c, query).await?;
        if rows.len() < limit as usize {
            return Ok((rows, None));
        }
        // The last entity may be cut.
        let cut = rows.last().map(|r| r.entity.clone()).unwrap_or_default();
        rows.truncate(rows.partition_point(|r| r.entity < cut));
        if let Some(end) = rows.last().map(|r| r.entity.clone()) {
            return Ok((rows, Some(end)));
        }
        limit = limit.saturating_mul(4);
    }
}

/// All versions of what is said of these entities, in the order of the index.
pub(crate) async fn of_entities(c: &mut PgConnection, entities: &[String]) -> Result<Vec<VersionRow>> {
    if entities.is_empty() {
        return Ok(Vec::new());
    }
    let mut distinct: Vec<&str> = entities.iter().map(String::as_str).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let mut rows = fetch(c, sqlx::query(OF_ENTITIES).bind(distinct)).await?;
    in_order(&mut rows);
    Ok(rows)
}

/// All versions of these facts, whose owners have these numbers, in the order of the index. Ordered keys are fastest.
pub(crate) async fn of_facts(c: &mut PgConnection, keys: &[(&FactKey, i32)]) -> Result<Vec<VersionRow>> {
    let (mut entities, mut owners, mut facets) = (Vec::new(), Vec::new(), Vec::new());
    for (key, owner) in keys {
        entities.push(key.entity.as_str());
        owners.push(*owner);
        facets.push(key.facet.as_str());
    }
    if entities.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows = fetch(c, sqlx::query(OF_FACTS).bind(entities).bind(owners).bind(facets)).await?;
    in_order(&mut rows);
    Ok(rows)
}

fn in_order(rows: &mut [VersionRow]) {
    rows.sort_by(|a, b| (&a.entity, a.owner, &a.facet, a.batch).cmp(&(&b.entity, b.owner, &b.facet, b.batch)));
}

impl Core {
    /// Of ordered rows, those that readers at `at` see. The map of batches must know `at`.
    pub(crate) fn seen(&self, rows: Vec<VersionRow>, at: Tx) -> Vec<Seen> {
        self.batches(|map| {
            rows.into_iter()
                .filter_map(|row| {
                    let tx = map.seen(row.batch.cast_unsigned(), at)?;
                    Some((row, tx))
                })
                .collect()
        })
    }

    /// Of ordered rows, the last version of each fact that readers at `at` see, whether it stands or not.
    pub(crate) fn last_seen(&self, rows: Vec<VersionRow>, at: Tx) -> Vec<Seen> {
        let mut last: Vec<Seen> = Vec::with_capacity(rows.len());
        for (row, tx) in self.seen(rows, at) {
            match last.last_mut() {
                Some(before) if before.0.is_of_fact_of(&row) => {
                    if tx > before.1 {
                        *before = (row, tx);
                    }
                }
                _ => last.push((row, tx)),
            }
        }
        last
    }
}

/// The statement that takes [`NewVersions::copied`].
pub(crate) const COPY: &str = "COPY version(batch, fingerprint, owner, chunk, flags, entity, facet) FROM STDIN (FORMAT binary)";

impl NewVersions {
    /// The rows, as rows of `batch`, in the binary format of COPY.
    pub(crate) fn copied(&self, batch: i64) -> Vec<u8> {
        let mut out = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
        let field = |out: &mut Vec<u8>, bytes: &[u8]| {
            // Keys are short texts; the server refuses a length that is wrong.
            out.extend(i32::try_from(bytes.len()).unwrap_or(i32::MAX).to_be_bytes());
            out.extend_from_slice(bytes);
        };
        let numbers = self.fingerprints.iter().zip(&self.owners).zip(&self.chunks).zip(&self.flags);
        for ((((fingerprint, owner), chunk), flags), (entity, facet)) in numbers.zip(self.entities.iter().zip(&self.facets)) {
            out.extend(7_i16.to_be_bytes());
            field(&mut out, &batch.to_be_bytes());
            field(&mut out, &fingerprint.to_be_bytes());
            field(&mut out, &owner.to_be_bytes());
            field(&mut out, &chunk.to_be_bytes());
            field(&mut out, &flags.to_be_bytes());
            field(&mut out, entity.as_bytes());
            field(&mut out, facet.as_bytes());
        }
        out.extend((-1_i16).to_be_bytes());
        out
    }
}

/// What a unit or a stage adds to the index, column by column.
#[derive(Default)]
pub(crate) struct NewVersions {
    pub(crate) entities: Vec<String>,
    pub(crate) facets: Vec<String>,
    pub(crate) owners: Vec<i32>,
    pub(crate) chunks: Vec<i32>,
    pub(crate) fingerprints: Vec<i64>,
    pub(crate) flags: Vec<i16>,
}

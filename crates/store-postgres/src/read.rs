//! Reading: merges of ranges that are ordered within each source.

use annuaire_base::Tx;
use annuaire_store::columns::{tx_column, tx_read, unsigned};
use annuaire_store::{Object, Transaction};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Result, Row};

/// The versions just after transaction $1 of the objects that `start` selects: from the last version of each, `prev` is
/// followed back to the first that is not later than $1.
macro_rules! as_of {
    ($start:literal) => {
        concat!(
            "WITH RECURSIVE version(source, entity, tx) AS (SELECT o.source, o.entity, o.tx FROM ",
            $start,
            " UNION ALL SELECT w.source, w.entity, l.prev FROM version w JOIN log_entry l
                 ON l.tx = w.tx AND l.source = w.source AND l.entity = w.entity WHERE w.tx > $1 AND l.prev IS NOT NULL)
             SELECT w.entity, w.source, l.payload FROM version w JOIN log_entry l
                 ON l.tx = w.tx AND l.source = w.source AND l.entity = w.entity WHERE w.tx <= $1 AND l.payload IS NOT NULL"
        )
    };
}

const OBJECTS_AT: &str =
    as_of!("unnest($2::text[]) s(source) JOIN unnest($3::text[]) e(entity) ON true JOIN object o USING (source, entity)");

const STANDING: &str = as_of!("object o WHERE o.entity > $2 AND ($3::text IS NULL OR o.entity <= $3) AND o.source = ANY($4)");

fn object(r: &PgRow) -> Result<Object> {
    Ok(Object { entity: r.try_get(0)?, source: r.try_get(1)?, payload: r.try_get(2)? })
}

fn ordered(rows: &[PgRow]) -> Result<Vec<Object>> {
    let mut objects: Vec<Object> = rows.iter().map(object).collect::<Result<_>>()?;
    objects.sort_by(|a, b| (&a.entity, &a.source).cmp(&(&b.entity, &b.source)));
    Ok(objects)
}

pub(crate) async fn transactions(c: &mut PgConnection, after: Tx) -> Result<Vec<Transaction>> {
    let rows = sqlx::query("SELECT tx, commit_ms, author, reason, changes FROM log_tx WHERE tx > $1 ORDER BY tx")
        .bind(tx_column(after))
        .fetch_all(c)
        .await?;
    rows.iter()
        .map(|r| {
            Ok(Transaction {
                tx: tx_read(r.try_get(0)?),
                commit_ms: r.try_get(1)?,
                author: r.try_get(2)?,
                reason: r.try_get(3)?,
                changes: unsigned(r.try_get(4)?),
            })
        })
        .collect()
}

/// Sources that own an object. PostgreSQL jumps from one to the next in the index, so each costs one look-up.
async fn sources(c: &mut PgConnection) -> Result<Vec<String>> {
    sqlx::query_scalar(
        "WITH RECURSIVE s(source) AS (SELECT min(source) FROM object UNION ALL
             SELECT (SELECT min(o.source) FROM object o WHERE o.source > s.source) FROM s WHERE s.source IS NOT NULL)
         SELECT source FROM s WHERE source IS NOT NULL",
    )
    .fetch_all(c)
    .await
}

/// The first `limit` keys of each source of the transaction, merged.
pub(crate) async fn changed_entities(c: &mut PgConnection, tx: Tx, after: &str, limit: u32) -> Result<Vec<String>> {
    sqlx::query_scalar(
        "WITH RECURSIVE s(source) AS (SELECT min(source) FROM log_entry WHERE tx = $1 UNION ALL
             SELECT (SELECT min(l.source) FROM log_entry l WHERE l.tx = $1 AND l.source > s.source) FROM s WHERE s.source IS NOT NULL)
         SELECT DISTINCT e.entity FROM s CROSS JOIN LATERAL
             (SELECT l.entity FROM log_entry l WHERE l.tx = $1 AND l.source = s.source AND l.entity > $2 ORDER BY l.entity LIMIT $3) e
         WHERE s.source IS NOT NULL ORDER BY e.entity LIMIT $3",
    )
    .bind(tx_column(tx))
    .bind(after)
    .bind(i64::from(limit))
    .fetch_all(c)
    .await
}

pub(crate) async fn objects_at(c: &mut PgConnection, tx: Tx, entities: &[String]) -> Result<Vec<Object>> {
    if entities.is_empty() {
        return Ok(Vec::new());
    }
    let sources = sources(c).await?;
    let mut distinct = entities.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    ordered(&sqlx::query(OBJECTS_AT).bind(tx_column(tx)).bind(sources).bind(distinct).fetch_all(c).await?)
}

pub(crate) async fn standing(c: &mut PgConnection, tx: Tx, after: &str, limit: u32) -> Result<(Vec<Object>, Option<String>)> {
    let sources = sources(c).await?;
    // The entity at which all sources together have given `limit` objects, NULL when they give fewer.
    let end: Option<String> = sqlx::query_scalar(
        "SELECT e.entity FROM unnest($1::text[]) s(source) CROSS JOIN LATERAL
             (SELECT o.entity FROM object o WHERE o.source = s.source AND o.entity > $2 ORDER BY o.entity LIMIT $3) e
         ORDER BY e.entity OFFSET $3 - 1 LIMIT 1",
    )
    .bind(&sources)
    .bind(after)
    .bind(i64::from(limit.max(1)))
    .fetch_optional(&mut *c)
    .await?;
    let rows = sqlx::query(STANDING).bind(tx_column(tx)).bind(after).bind(&end).bind(&sources).fetch_all(c).await?;
    Ok((ordered(&rows)?, end))
}

pub(crate) async fn note(c: &mut PgConnection, kind: &str, key: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT text FROM note WHERE kind = $1 AND key = $2").bind(kind).bind(key).fetch_optional(c).await
}

pub(crate) async fn notes(c: &mut PgConnection, kind: &str, after: &str, limit: u32) -> sqlx::Result<Vec<(String, String)>> {
    let query = sqlx::query_as("SELECT key, text FROM note WHERE kind = $1 AND key > $2 ORDER BY key LIMIT $3");
    query.bind(kind).bind(after).bind(i64::from(limit)).fetch_all(c).await
}

//! Reading: merges of ranges that are ordered within each source.

use crate::json_list::json_list;
use annuaire_base::Tx;
use annuaire_store::columns::{tx_column, tx_read, unsigned};
use annuaire_store::{Object, Transaction};
use sqlx::sqlite::SqliteRow;
use sqlx::{Result, Row, SqliteConnection};
use std::collections::BTreeSet;

/// Entities and payloads of many rows as one value. Fetching a row through the driver costs several times what SQLite spends
/// on it, and this page of rows is fetched as one.
macro_rules! packed {
    ($rows:expr) => {
        concat!(
            "SELECT CAST(group_concat(length(CAST(entity AS BLOB)) || ':' || entity || length(CAST(payload AS BLOB)) || ':' || payload, '')
                 AS BLOB) FROM (",
            $rows,
            ")"
        )
    };
}

/// The versions just after transaction ?1 of the objects that `start` selects: from the last version of each, `prev` is
/// followed back to the first that is not later than ?1.
macro_rules! as_of {
    ($start:literal) => {
        concat!(
            "WITH RECURSIVE version(source, entity, tx) AS (SELECT o.source, o.entity, o.tx FROM ",
            $start,
            " UNION ALL SELECT w.source, w.entity, l.prev FROM version w CROSS JOIN log_entry l
                 ON l.tx = w.tx AND l.source = w.source AND l.entity = w.entity WHERE w.tx > ?1 AND l.prev IS NOT NULL)
             SELECT w.entity AS entity, w.source, l.payload AS payload FROM version w CROSS JOIN log_entry l
                 ON l.tx = w.tx AND l.source = w.source AND l.entity = w.entity WHERE w.tx <= ?1 AND l.payload IS NOT NULL"
        )
    };
}

const OBJECTS_AT: &str =
    as_of!("json_each(?2) s CROSS JOIN json_each(?3) e CROSS JOIN object o ON o.source = s.value AND o.entity = e.value");

const STANDING: &str = packed!(as_of!("object o WHERE o.source = ?2 AND o.entity > ?3 AND o.entity <= ?4"));

/// [`STANDING`] when ?1 is the last transaction: the last version of each object is the one wanted.
const STANDING_NOW: &str = packed!(
    "SELECT o.entity, l.payload FROM object o CROSS JOIN log_entry l
    ON l.tx = o.tx AND l.source = o.source AND l.entity = o.entity
    WHERE o.source = ?2 AND o.entity > ?3 AND o.entity <= ?4 AND o.ended = 0 AND o.tx <= ?1"
);

fn object(r: &SqliteRow) -> Result<Object> {
    Ok(Object { entity: r.try_get(0)?, source: r.try_get(1)?, payload: r.try_get(2)? })
}

pub(crate) async fn transactions(c: &mut SqliteConnection, after: Tx) -> Result<Vec<Transaction>> {
    let rows = sqlx::query("SELECT tx, commit_ms, author, reason, changes FROM log_tx WHERE tx > ? ORDER BY tx")
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

/// Sources that own an object. SQLite jumps from one to the next in the index, so each costs one look-up.
async fn sources(c: &mut SqliteConnection) -> Result<Vec<String>> {
    sqlx::query_scalar(
        "WITH RECURSIVE s(source) AS (SELECT min(source) FROM object UNION ALL
             SELECT (SELECT min(o.source) FROM object o WHERE o.source > s.source) FROM s WHERE s.source IS NOT NULL)
         SELECT source FROM s WHERE source IS NOT NULL",
    )
    .fetch_all(c)
    .await
}

/// Sources that own a change of a transaction; one look-up each.
async fn sources_of(c: &mut SqliteConnection, tx: i64) -> Result<Vec<String>> {
    sqlx::query_scalar(
        "WITH RECURSIVE s(source) AS (SELECT min(source) FROM log_entry WHERE tx = ?1 UNION ALL
             SELECT (SELECT min(l.source) FROM log_entry l WHERE l.tx = ?1 AND l.source > s.source) FROM s WHERE s.source IS NOT NULL)
         SELECT source FROM s WHERE source IS NOT NULL",
    )
    .bind(tx)
    .fetch_all(c)
    .await
}

/// The first `limit` distinct keys of several ordered lists, merged list by list.
struct FirstKeys {
    limit: usize,
    keys: BTreeSet<String>,
}

impl FirstKeys {
    /// The last key, once there are enough: later keys cannot enter any more.
    fn bound(&self) -> Option<&str> {
        self.keys.last().filter(|_| self.keys.len() >= self.limit).map(String::as_str)
    }

    fn add(&mut self, keys: Vec<String>) {
        self.keys.extend(keys);
        while self.keys.len() > self.limit {
            self.keys.pop_last();
        }
    }
}

/// Greater than every key: UTF-8 has no such byte.
const END: &[u8] = b"\xff";

pub(crate) async fn changed_entities(c: &mut SqliteConnection, tx: Tx, after: &str, limit: u32) -> Result<Vec<String>> {
    let tx = tx_column(tx);
    let mut first = FirstKeys { limit: limit as usize, keys: BTreeSet::new() };
    for source in sources_of(c, tx).await? {
        let query = match first.bound() {
            None => sqlx::query_scalar(
                "SELECT entity FROM log_entry WHERE tx = ? AND source = ? AND entity > ? ORDER BY entity LIMIT ?",
            )
            .bind(tx)
            .bind(source)
            .bind(after),
            Some(bound) => sqlx::query_scalar(
                "SELECT entity FROM log_entry WHERE tx = ? AND source = ? AND entity > ? AND entity < ? ORDER BY entity LIMIT ?",
            )
            .bind(tx)
            .bind(source)
            .bind(after)
            .bind(bound.to_owned()),
        };
        let keys = query.bind(limit).fetch_all(&mut *c).await?;
        first.add(keys);
    }
    Ok(first.keys.into_iter().collect())
}

pub(crate) async fn objects_at(c: &mut SqliteConnection, tx: Tx, entities: &[String]) -> Result<Vec<Object>> {
    if entities.is_empty() {
        return Ok(Vec::new());
    }
    let sources = sources(c).await?;
    let distinct: BTreeSet<&str> = entities.iter().map(String::as_str).collect();
    let rows = sqlx::query(OBJECTS_AT)
        .bind(tx_column(tx))
        .bind(json_list(&sources.iter().map(String::as_str).collect::<Vec<_>>()))
        .bind(json_list(&distinct.into_iter().collect::<Vec<_>>()))
        .fetch_all(c)
        .await?;
    ordered(&rows)
}

fn ordered(rows: &[SqliteRow]) -> Result<Vec<Object>> {
    let mut objects: Vec<Object> = rows.iter().map(object).collect::<Result<_>>()?;
    objects.sort_by(|a, b| (&a.entity, &a.source).cmp(&(&b.entity, &b.source)));
    Ok(objects)
}

/// The last entity of a page of the state: the smallest at which one source has given `limit` objects. `None`: the page goes to
/// the end.
async fn page_end(c: &mut SqliteConnection, sources: &[String], after: &str, limit: u32) -> Result<Option<String>> {
    let mut end: Option<String> = None;
    for source in sources {
        let last: Option<String> =
            sqlx::query_scalar("SELECT entity FROM object WHERE source = ? AND entity > ? ORDER BY entity LIMIT 1 OFFSET ?")
                .bind(source)
                .bind(after)
                .bind(limit - 1)
                .fetch_optional(&mut *c)
                .await?;
        end = match (end, last) {
            (Some(end), Some(last)) => Some(end.min(last)),
            (end, last) => end.or(last),
        };
    }
    Ok(end)
}

pub(crate) async fn standing(c: &mut SqliteConnection, tx: Tx, after: &str, limit: u32) -> Result<(Vec<Object>, Option<String>)> {
    let limit = limit.max(1);
    let last: i64 = sqlx::query_scalar("SELECT coalesce(max(tx), 0) FROM log_tx").fetch_one(&mut *c).await?;
    let sources = sources(c).await?;
    let end = page_end(c, &sources, after, limit).await?;
    let mut objects = Vec::new();
    for source in &sources {
        let query = sqlx::query_scalar(if tx_column(tx) >= last { STANDING_NOW } else { STANDING })
            .bind(tx_column(tx))
            .bind(source)
            .bind(after);
        let query = match &end {
            Some(end) => query.bind(end),
            None => query.bind(END),
        };
        let page: Option<Vec<u8>> = query.fetch_one(&mut *c).await?;
        unpack(source, page.as_deref().unwrap_or_default(), &mut objects)?;
    }
    objects.sort_by(|a, b| (&a.entity, &a.source).cmp(&(&b.entity, &b.source)));
    Ok((objects, end))
}

/// Reads the objects of a packed page.
fn unpack(source: &str, page: &[u8], objects: &mut Vec<Object>) -> Result<()> {
    let mut texts = PackedTexts(page);
    while let Some(entity) = texts.next()? {
        let payload = texts.next()?.ok_or_else(cut_page)?.to_owned();
        objects.push(Object { entity: entity.to_owned(), source: source.to_owned(), payload });
    }
    Ok(())
}

/// Reader of a packed page: texts, each after its length in bytes and a colon.
pub(crate) struct PackedTexts<'a>(pub(crate) &'a [u8]);

pub(crate) fn cut_page() -> sqlx::Error {
    sqlx::Error::Protocol("a page of the state is cut".into())
}

impl<'a> PackedTexts<'a> {
    pub(crate) fn next(&mut self) -> Result<Option<&'a str>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let text = || {
            let (len, rest) = self.0.split_at_checked(self.0.iter().position(|b| *b == b':')?)?;
            let (text, tail) = rest[1..].split_at_checked(str::from_utf8(len).ok()?.parse().ok()?)?;
            Some((str::from_utf8(text).ok()?, tail))
        };
        let (text, tail) = text().ok_or_else(cut_page)?;
        self.0 = tail;
        Ok(Some(text))
    }
}

pub(crate) async fn note(c: &mut SqliteConnection, kind: &str, key: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT text FROM note WHERE kind = ? AND key = ?").bind(kind).bind(key).fetch_optional(c).await
}

pub(crate) async fn notes(c: &mut SqliteConnection, kind: &str, after: &str, limit: u32) -> sqlx::Result<Vec<(String, String)>> {
    let query = sqlx::query_as("SELECT key, text FROM note WHERE kind = ? AND key > ? ORDER BY key LIMIT ?");
    query.bind(kind).bind(after).bind(limit).fetch_all(c).await
}

//! Subscriptions and their events, and leases.

use crate::call::{run, statement};
use crate::fault::CallResult;
use annuaire_base::Tx;
use annuaire_store::Error;
use annuaire_store::columns::{signed, tx_column, tx_read, unsigned};
use annuaire_store::subscription::{
    DeliveryNote, EventKind, NewEvents, SubscriptionEvent, SubscriptionHead, SubscriptionProgress, SubscriptionRow,
    SubscriptionStatus, SubscriptionWrite,
};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Result, Row};
use std::collections::BTreeSet;

/// Tables since version 5. The content of a subscription may be long and stands apart, since its progress is written often: the row of
/// the progress leaves room in its page.
pub(crate) const TABLES: &str = r#"
CREATE TABLE subscription(id text COLLATE "C" PRIMARY KEY, owner text COLLATE "C" NOT NULL, perimeter text NOT NULL,
    version bigint NOT NULL, status smallint NOT NULL, changed_ms bigint NOT NULL, end_ms bigint, watermark bigint NOT NULL,
    events bigint NOT NULL, delivered bigint NOT NULL, resend_next bigint NOT NULL, resend_last bigint NOT NULL,
    attempts bigint NOT NULL, due_ms bigint NOT NULL, sent_ms bigint NOT NULL, error text) WITH (fillfactor = 50);
CREATE INDEX subscription_owner ON subscription(owner, id);
CREATE TABLE subscription_content(id text COLLATE "C" PRIMARY KEY, content text NOT NULL);
CREATE TABLE subscription_event(subscription text COLLATE "C" NOT NULL, number bigint NOT NULL, tx bigint NOT NULL,
    at_ms bigint NOT NULL, kind smallint NOT NULL, type text NOT NULL, resource text NOT NULL, version bigint NOT NULL,
    PRIMARY KEY(subscription, number));
CREATE TABLE lease(name text PRIMARY KEY, holder text NOT NULL, until_ms bigint NOT NULL) WITH (fillfactor = 50);
"#;

const HEAD: &str = "s.id, s.owner, s.perimeter, s.version, s.status, s.changed_ms, s.end_ms, s.watermark, s.events, s.delivered,
    s.resend_next, s.resend_last, s.attempts, s.due_ms, s.sent_ms, s.error";

fn unknown(what: &str) -> sqlx::Error {
    sqlx::Error::Decode(what.into())
}

fn head(r: &PgRow) -> Result<SubscriptionHead> {
    let number = |at: usize| r.try_get::<i64, _>(at).map(unsigned);
    let status = SubscriptionStatus::of_number(r.try_get::<i16, _>(4)?.into());
    Ok(SubscriptionHead {
        id: r.try_get(0)?,
        owner: r.try_get(1)?,
        perimeter: r.try_get(2)?,
        version: number(3)?,
        status: status.ok_or_else(|| unknown("a subscription has an unknown status"))?,
        changed_ms: r.try_get(5)?,
        end_ms: r.try_get(6)?,
        progress: SubscriptionProgress {
            watermark: tx_read(r.try_get(7)?),
            events: number(8)?,
            delivered: number(9)?,
            resend_next: number(10)?,
            resend_last: number(11)?,
            attempts: u32::try_from(number(12)?).unwrap_or(u32::MAX),
            due_ms: r.try_get(13)?,
            sent_ms: r.try_get(14)?,
            error: r.try_get(15)?,
        },
    })
}

pub(crate) async fn one(c: &mut PgConnection, id: &str) -> Result<Option<SubscriptionRow>> {
    let sql = format!("SELECT {HEAD}, c.content FROM subscription s JOIN subscription_content c ON c.id = s.id WHERE s.id = $1");
    let row = sqlx::query(&sql).bind(id).fetch_optional(c).await?;
    row.map(|r| Ok(SubscriptionRow { head: head(&r)?, content: r.try_get(16)? })).transpose()
}

pub(crate) async fn heads(c: &mut PgConnection, owner: Option<&str>, after: &str, limit: u32) -> Result<Vec<SubscriptionHead>> {
    let of = if owner.is_some() { "s.owner = $3 AND " } else { "" };
    let sql = format!("SELECT {HEAD} FROM subscription s WHERE {of}s.id > $1 ORDER BY s.id LIMIT $2");
    let query = sqlx::query(&sql).bind(after).bind(i64::from(limit));
    let query = owner.into_iter().fold(query, |query, owner| query.bind(owner));
    query.fetch_all(c).await?.iter().map(head).collect()
}

pub(crate) async fn events(c: &mut PgConnection, id: &str, first: u64, last: u64, limit: u32) -> Result<Vec<SubscriptionEvent>> {
    let rows = sqlx::query(
        "SELECT number, tx, at_ms, kind, type, resource, version FROM subscription_event
            WHERE subscription = $1 AND number BETWEEN $2 AND $3 ORDER BY number LIMIT $4",
    )
    .bind(id)
    .bind(signed(first))
    .bind(signed(last))
    .bind(i64::from(limit))
    .fetch_all(c)
    .await?;
    let event = |r: &PgRow| {
        let kind = EventKind::of_number(r.try_get::<i16, _>(3)?.into());
        Ok(SubscriptionEvent {
            number: unsigned(r.try_get(0)?),
            tx: tx_read(r.try_get(1)?),
            at_ms: r.try_get(2)?,
            kind: kind.ok_or_else(|| unknown("an event is of an unknown kind"))?,
            ty: r.try_get(4)?,
            id: r.try_get(5)?,
            version: u32::try_from(r.try_get::<i64, _>(6)?).unwrap_or(0),
        })
    };
    rows.iter().map(event).collect()
}

/// The writes of a unit, in their order, within its save.
pub(crate) async fn write(c: &mut PgConnection, writes: &[SubscriptionWrite]) -> CallResult<()> {
    for write in writes {
        let (id, done) = match write {
            SubscriptionWrite::Create(row) => (&row.head.id, statement(create(c, row)).await?),
            SubscriptionWrite::Update { row, expect } => (&row.head.id, statement(update(c, row, *expect)).await?),
            SubscriptionWrite::Remove { id, expect } => (id, statement(remove(c, id, *expect)).await?),
        };
        if !done {
            return Err(Error::SubscriptionChanged { id: id.clone() }.into());
        }
    }
    Ok(())
}

async fn create(c: &mut PgConnection, row: &SubscriptionRow) -> Result<bool> {
    let (head, p) = (&row.head, &row.head.progress);
    let done = sqlx::query(
        "INSERT INTO subscription VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
            ON CONFLICT (id) DO NOTHING",
    )
    .bind(&head.id)
    .bind(&head.owner)
    .bind(&head.perimeter)
    .bind(signed(head.version))
    .bind(head.status.number())
    .bind(head.changed_ms)
    .bind(head.end_ms)
    .bind(tx_column(p.watermark))
    .bind(signed(p.events))
    .bind(signed(p.delivered))
    .bind(signed(p.resend_next))
    .bind(signed(p.resend_last))
    .bind(i64::from(p.attempts))
    .bind(p.due_ms)
    .bind(p.sent_ms)
    .bind(p.error.as_deref())
    .execute(&mut *c)
    .await?;
    content(c, row).await?;
    Ok(done.rows_affected() > 0)
}

async fn update(c: &mut PgConnection, row: &SubscriptionRow, expect: u64) -> Result<bool> {
    let (head, p) = (&row.head, &row.head.progress);
    let done = sqlx::query(
        "UPDATE subscription SET version = $1, status = $2, changed_ms = $3, end_ms = $4, watermark = greatest(watermark, $5),
            resend_next = $6, resend_last = $7, attempts = $8, due_ms = $9, error = $10 WHERE id = $11 AND version = $12",
    )
    .bind(signed(head.version))
    .bind(head.status.number())
    .bind(head.changed_ms)
    .bind(head.end_ms)
    .bind(tx_column(p.watermark))
    .bind(signed(p.resend_next))
    .bind(signed(p.resend_last))
    .bind(i64::from(p.attempts))
    .bind(p.due_ms)
    .bind(p.error.as_deref())
    .bind(&head.id)
    .bind(signed(expect))
    .execute(&mut *c)
    .await?;
    content(c, row).await?;
    Ok(done.rows_affected() > 0)
}

async fn content(c: &mut PgConnection, row: &SubscriptionRow) -> Result<()> {
    sqlx::query(
        "INSERT INTO subscription_content(id, content) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET content = excluded.content",
    )
    .bind(&row.head.id)
    .bind(&row.content)
    .execute(c)
    .await?;
    Ok(())
}

async fn remove(c: &mut PgConnection, id: &str, expect: u64) -> Result<bool> {
    let query = sqlx::query("DELETE FROM subscription WHERE id = $1 AND version = $2").bind(id).bind(signed(expect));
    if query.execute(&mut *c).await?.rows_affected() == 0 {
        return Ok(false);
    }
    for sql in ["DELETE FROM subscription_content WHERE id = $1", "DELETE FROM subscription_event WHERE subscription = $1"] {
        sqlx::query(sql).bind(id).execute(&mut *c).await?;
    }
    Ok(true)
}

/// Stores events and raises watermarks, in one transaction. The caller drops the connection when this fails.
pub(crate) async fn store(c: &mut PgConnection, new: &[NewEvents], done: &[String], watermark: Tx) -> CallResult<Vec<String>> {
    statement(run(c, "BEGIN")).await?;
    let mut lost = BTreeSet::new();
    for of in new {
        if !statement(append(c, of)).await? {
            lost.insert(of.subscription.clone());
        }
    }
    let done: Vec<&str> = done.iter().map(String::as_str).filter(|id| !lost.contains(*id)).collect();
    let query = sqlx::query("UPDATE subscription SET watermark = $1 WHERE id = ANY($2) AND watermark < $1");
    statement(query.bind(tx_column(watermark)).bind(&done).execute(&mut *c)).await?;
    statement(run(c, "COMMIT")).await?;
    Ok(lost.into_iter().collect())
}

async fn append(c: &mut PgConnection, of: &NewEvents) -> Result<bool> {
    let counted = sqlx::query("UPDATE subscription SET events = events + $1 WHERE id = $2 AND events = $3")
        .bind(signed(of.events.len() as u64))
        .bind(&of.subscription)
        .bind(signed(of.before))
        .execute(&mut *c)
        .await?;
    if counted.rows_affected() == 0 {
        return Ok(false);
    }
    let numbers: Vec<i64> = of.events.iter().map(|e| signed(e.number)).collect();
    let txs: Vec<i64> = of.events.iter().map(|e| tx_column(e.tx)).collect();
    let instants: Vec<i64> = of.events.iter().map(|e| e.at_ms).collect();
    let kinds: Vec<i16> = of.events.iter().map(|e| e.kind.number()).collect();
    let types: Vec<&str> = of.events.iter().map(|e| e.ty.as_str()).collect();
    let ids: Vec<&str> = of.events.iter().map(|e| e.id.as_str()).collect();
    let versions: Vec<i64> = of.events.iter().map(|e| i64::from(e.version)).collect();
    sqlx::query(
        "INSERT INTO subscription_event(subscription, number, tx, at_ms, kind, type, resource, version)
            SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::smallint[], $6::text[], $7::text[], $8::bigint[])",
    )
    .bind(&of.subscription)
    .bind(numbers)
    .bind(txs)
    .bind(instants)
    .bind(kinds)
    .bind(types)
    .bind(ids)
    .bind(versions)
    .execute(c)
    .await?;
    Ok(true)
}

pub(crate) async fn note_delivery(c: &mut PgConnection, note: &DeliveryNote) -> Result<bool> {
    let p = &note.progress;
    let done = sqlx::query(
        "UPDATE subscription SET delivered = $1, resend_next = $2, resend_last = $3, attempts = $4, due_ms = $5, sent_ms = $6, error = $7
            WHERE id = $8 AND version = $9 AND delivered = $10 AND resend_next = $11",
    )
    .bind(signed(p.delivered))
    .bind(signed(p.resend_next))
    .bind(signed(p.resend_last))
    .bind(i64::from(p.attempts))
    .bind(p.due_ms)
    .bind(p.sent_ms)
    .bind(p.error.as_deref())
    .bind(&note.id)
    .bind(signed(note.version))
    .bind(signed(note.delivered_before))
    .bind(signed(note.resend_before))
    .execute(c)
    .await?;
    Ok(done.rows_affected() > 0)
}

pub(crate) async fn take_lease(c: &mut PgConnection, name: &str, holder: &str, now_ms: i64, until_ms: i64) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO lease(name, holder, until_ms) VALUES ($1, $2, $4) ON CONFLICT (name) DO UPDATE
            SET holder = excluded.holder, until_ms = excluded.until_ms WHERE lease.holder = $2 OR lease.until_ms <= $3",
    )
    .bind(name)
    .bind(holder)
    .bind(now_ms)
    .bind(until_ms)
    .execute(c)
    .await?;
    Ok(done.rows_affected() > 0)
}

pub(crate) async fn end_lease(c: &mut PgConnection, name: &str, holder: &str) -> Result<()> {
    sqlx::query("DELETE FROM lease WHERE name = $1 AND holder = $2").bind(name).bind(holder).execute(c).await?;
    Ok(())
}

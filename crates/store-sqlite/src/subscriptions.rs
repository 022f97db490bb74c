//! Subscriptions and their events, and leases.

use crate::fault::fault;
use annuaire_base::Tx;
use annuaire_store::columns::{signed, tx_column, tx_read, unsigned};
use annuaire_store::subscription::{
    DeliveryNote, EventKind, NewEvents, SubscriptionEvent, SubscriptionHead, SubscriptionProgress, SubscriptionRow,
    SubscriptionStatus, SubscriptionWrite,
};
use annuaire_store::{Error, Result};
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, Row, SqliteConnection};
use std::collections::HashSet;

/// Tables since version 5. The content of a subscription may be long and stands apart, since its progress is written often.
pub(crate) const TABLES: &str = "
CREATE TABLE subscription(id TEXT PRIMARY KEY, owner TEXT NOT NULL, perimeter TEXT NOT NULL, version INTEGER NOT NULL,
    status INTEGER NOT NULL, changed_ms INTEGER NOT NULL, end_ms INTEGER, watermark INTEGER NOT NULL, events INTEGER NOT NULL,
    delivered INTEGER NOT NULL, resend_next INTEGER NOT NULL, resend_last INTEGER NOT NULL, attempts INTEGER NOT NULL,
    due_ms INTEGER NOT NULL, sent_ms INTEGER NOT NULL, error TEXT) WITHOUT ROWID;
CREATE INDEX subscription_owner ON subscription(owner, id);
CREATE TABLE subscription_content(id TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE subscription_event(subscription TEXT NOT NULL, number INTEGER NOT NULL, tx INTEGER NOT NULL, at_ms INTEGER NOT NULL,
    kind INTEGER NOT NULL, type TEXT NOT NULL, resource TEXT NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY(subscription, number)) WITHOUT ROWID;
CREATE TABLE lease(name TEXT PRIMARY KEY, holder TEXT NOT NULL, until_ms INTEGER NOT NULL) WITHOUT ROWID;
";

const HEAD: &str = "s.id, s.owner, s.perimeter, s.version, s.status, s.changed_ms, s.end_ms, s.watermark, s.events, s.delivered,
    s.resend_next, s.resend_last, s.attempts, s.due_ms, s.sent_ms, s.error";

fn head(r: &SqliteRow) -> Result<SubscriptionHead> {
    let number = |at: usize| r.try_get::<i64, _>(at).map(unsigned).map_err(fault);
    let status = SubscriptionStatus::of_number(r.try_get(4).map_err(fault)?);
    Ok(SubscriptionHead {
        id: r.try_get(0).map_err(fault)?,
        owner: r.try_get(1).map_err(fault)?,
        perimeter: r.try_get(2).map_err(fault)?,
        version: number(3)?,
        status: status.ok_or_else(|| Error::Damaged("a subscription has an unknown status".into()))?,
        changed_ms: r.try_get(5).map_err(fault)?,
        end_ms: r.try_get(6).map_err(fault)?,
        progress: SubscriptionProgress {
            watermark: tx_read(r.try_get(7).map_err(fault)?),
            events: number(8)?,
            delivered: number(9)?,
            resend_next: number(10)?,
            resend_last: number(11)?,
            attempts: r.try_get(12).map_err(fault)?,
            due_ms: r.try_get(13).map_err(fault)?,
            sent_ms: r.try_get(14).map_err(fault)?,
            error: r.try_get(15).map_err(fault)?,
        },
    })
}

pub(crate) async fn one(c: &mut SqliteConnection, id: &str) -> Result<Option<SubscriptionRow>> {
    let sql = format!("SELECT {HEAD}, c.content FROM subscription s JOIN subscription_content c ON c.id = s.id WHERE s.id = ?");
    let row = sqlx::query(&sql).bind(id).fetch_optional(c).await.map_err(fault)?;
    row.map(|r| Ok(SubscriptionRow { head: head(&r)?, content: r.try_get(16).map_err(fault)? })).transpose()
}

pub(crate) async fn heads(
    c: &mut SqliteConnection,
    owner: Option<&str>,
    after: &str,
    limit: u32,
) -> Result<Vec<SubscriptionHead>> {
    let of = if owner.is_some() { "s.owner = ?3 AND " } else { "" };
    let sql = format!("SELECT {HEAD} FROM subscription s WHERE {of}s.id > ?1 ORDER BY s.id LIMIT ?2");
    let query = sqlx::query(&sql).bind(after).bind(limit);
    let query = owner.into_iter().fold(query, |query, owner| query.bind(owner));
    query.fetch_all(c).await.map_err(fault)?.iter().map(head).collect()
}

pub(crate) async fn events(
    c: &mut SqliteConnection,
    id: &str,
    first: u64,
    last: u64,
    limit: u32,
) -> Result<Vec<SubscriptionEvent>> {
    let rows = sqlx::query(
        "SELECT number, tx, at_ms, kind, type, resource, version FROM subscription_event
            WHERE subscription = ? AND number BETWEEN ? AND ? ORDER BY number LIMIT ?",
    )
    .bind(id)
    .bind(signed(first))
    .bind(signed(last))
    .bind(limit)
    .fetch_all(c)
    .await
    .map_err(fault)?;
    let event = |r: &SqliteRow| {
        let kind = EventKind::of_number(r.try_get(3).map_err(fault)?);
        Ok(SubscriptionEvent {
            number: unsigned(r.try_get(0).map_err(fault)?),
            tx: tx_read(r.try_get(1).map_err(fault)?),
            at_ms: r.try_get(2).map_err(fault)?,
            kind: kind.ok_or_else(|| Error::Damaged("an event is of an unknown kind".into()))?,
            ty: r.try_get(4).map_err(fault)?,
            id: r.try_get(5).map_err(fault)?,
            version: r.try_get(6).map_err(fault)?,
        })
    };
    rows.iter().map(event).collect()
}

/// A write of a unit.
pub(crate) async fn write(c: &mut SqliteConnection, write: &SubscriptionWrite) -> Result<()> {
    let changed = |id: &str| Error::SubscriptionChanged { id: id.to_owned() };
    match write {
        SubscriptionWrite::Create(row) => {
            let (head, p) = (&row.head, &row.head.progress);
            let done = sqlx::query(
                "INSERT INTO subscription VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
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
            .bind(p.attempts)
            .bind(p.due_ms)
            .bind(p.sent_ms)
            .bind(&p.error)
            .execute(&mut *c)
            .await
            .map_err(fault)?;
            if done.rows_affected() == 0 {
                return Err(changed(&head.id));
            }
            content(c, &head.id, &row.content).await
        }
        SubscriptionWrite::Update { row, expect } => {
            let (head, p) = (&row.head, &row.head.progress);
            let done = sqlx::query(
                "UPDATE subscription SET version = ?, status = ?, changed_ms = ?, end_ms = ?, watermark = max(watermark, ?),
                    resend_next = ?, resend_last = ?, attempts = ?, due_ms = ?, error = ? WHERE id = ? AND version = ?",
            )
            .bind(signed(head.version))
            .bind(head.status.number())
            .bind(head.changed_ms)
            .bind(head.end_ms)
            .bind(tx_column(p.watermark))
            .bind(signed(p.resend_next))
            .bind(signed(p.resend_last))
            .bind(p.attempts)
            .bind(p.due_ms)
            .bind(&p.error)
            .bind(&head.id)
            .bind(signed(*expect))
            .execute(&mut *c)
            .await
            .map_err(fault)?;
            if done.rows_affected() == 0 {
                return Err(changed(&head.id));
            }
            content(c, &head.id, &row.content).await
        }
        SubscriptionWrite::Remove { id, expect } => {
            let query = sqlx::query("DELETE FROM subscription WHERE id = ? AND version = ?").bind(id).bind(signed(*expect));
            if query.execute(&mut *c).await.map_err(fault)?.rows_affected() == 0 {
                return Err(changed(id));
            }
            for sql in ["DELETE FROM subscription_content WHERE id = ?", "DELETE FROM subscription_event WHERE subscription = ?"]
            {
                sqlx::query(sql).bind(id).execute(&mut *c).await.map_err(fault)?;
            }
            Ok(())
        }
    }
}

async fn content(c: &mut SqliteConnection, id: &str, content: &str) -> Result<()> {
    let query = sqlx::query("INSERT OR REPLACE INTO subscription_content(id, content) VALUES (?, ?)").bind(id).bind(content);
    query.execute(c).await.map(|_| ()).map_err(fault)
}

/// Stores events and raises watermarks, in one transaction.
pub(crate) async fn store(c: &mut SqliteConnection, new: &[NewEvents], done: &[String], watermark: Tx) -> Result<Vec<String>> {
    let mut t = c.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
    let mut lost = HashSet::new();
    for of in new {
        let counted = sqlx::query("UPDATE subscription SET events = events + ? WHERE id = ? AND events = ?")
            .bind(signed(of.events.len() as u64))
            .bind(&of.subscription)
            .bind(signed(of.before))
            .execute(&mut *t)
            .await
            .map_err(fault)?;
        if counted.rows_affected() == 0 {
            lost.insert(of.subscription.as_str());
            continue;
        }
        for event in &of.events {
            sqlx::query("INSERT INTO subscription_event VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
                .bind(&of.subscription)
                .bind(signed(event.number))
                .bind(tx_column(event.tx))
                .bind(event.at_ms)
                .bind(event.kind.number())
                .bind(&event.ty)
                .bind(&event.id)
                .bind(event.version)
                .execute(&mut *t)
                .await
                .map_err(fault)?;
        }
    }
    for id in done.iter().filter(|id| !lost.contains(id.as_str())) {
        let query = sqlx::query("UPDATE subscription SET watermark = ?1 WHERE id = ?2 AND watermark < ?1");
        query.bind(tx_column(watermark)).bind(id).execute(&mut *t).await.map_err(fault)?;
    }
    t.commit().await.map_err(fault)?;
    let mut lost: Vec<String> = lost.into_iter().map(str::to_owned).collect();
    lost.sort_unstable();
    Ok(lost)
}

pub(crate) async fn note_delivery(c: &mut SqliteConnection, note: &DeliveryNote) -> Result<bool> {
    let p = &note.progress;
    let done = sqlx::query(
        "UPDATE subscription SET delivered = ?, resend_next = ?, resend_last = ?, attempts = ?, due_ms = ?, sent_ms = ?, error = ?
            WHERE id = ? AND version = ? AND delivered = ? AND resend_next = ?",
    )
    .bind(signed(p.delivered))
    .bind(signed(p.resend_next))
    .bind(signed(p.resend_last))
    .bind(p.attempts)
    .bind(p.due_ms)
    .bind(p.sent_ms)
    .bind(&p.error)
    .bind(&note.id)
    .bind(signed(note.version))
    .bind(signed(note.delivered_before))
    .bind(signed(note.resend_before))
    .execute(c)
    .await
    .map_err(fault)?;
    Ok(done.rows_affected() > 0)
}

pub(crate) async fn take_lease(c: &mut SqliteConnection, name: &str, holder: &str, now_ms: i64, until_ms: i64) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO lease(name, holder, until_ms) VALUES (?1, ?2, ?4) ON CONFLICT (name) DO UPDATE
            SET holder = excluded.holder, until_ms = excluded.until_ms WHERE lease.holder = ?2 OR lease.until_ms <= ?3",
    )
    .bind(name)
    .bind(holder)
    .bind(now_ms)
    .bind(until_ms)
    .execute(c)
    .await
    .map_err(fault)?;
    Ok(done.rows_affected() > 0)
}

pub(crate) async fn end_lease(c: &mut SqliteConnection, name: &str, holder: &str) -> Result<()> {
    let query = sqlx::query("DELETE FROM lease WHERE name = ? AND holder = ?").bind(name).bind(holder);
    query.execute(c).await.map(|_| ()).map_err(fault)
}

//! The audit trail: rows that each hash the one before.

use crate::fault::fault;
use annuaire_base::Tx;
use annuaire_store::columns::{signed, tx_column, tx_read, unsigned};
use annuaire_store::proof::{Hash, audit_chain};
use annuaire_store::{AuditEvent, AuditFilter, AuditRow, Error, Result};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

/// The indexes since version 8. Each ends with the number of the row, as every index of SQLite does: a page is a range of it, the newest
/// first. Most events name no request.
pub(crate) const INDEXES: &str = "
CREATE INDEX audit_object ON audit(object);
CREATE INDEX audit_request ON audit(request) WHERE request IS NOT NULL;
CREATE INDEX audit_actor ON audit(actor);
";

const COLUMNS: &str = "SELECT number, at_ms, tx, actor, event, object, request, detail, hash FROM audit";

/// Writes the events of a unit.
pub(crate) async fn write(c: &mut SqliteConnection, events: &[AuditEvent], at_ms: i64, tx: Option<Tx>) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let last: Option<(i64, Vec<u8>)> = sqlx::query_as("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1")
        .fetch_optional(&mut *c)
        .await
        .map_err(fault)?;
    let end = match last {
        None => (0, [0; 32]),
        Some((number, hash)) => (unsigned(number), whole(number, hash)?),
    };
    for (number, hash, event) in audit_chain(end, events, at_ms, tx) {
        sqlx::query("INSERT INTO audit(number, at_ms, tx, actor, event, object, request, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .bind(signed(number))
            .bind(at_ms)
            .bind(tx.map(tx_column))
            .bind(&event.actor)
            .bind(&event.event)
            .bind(&event.object)
            .bind(&event.request)
            .bind(&event.detail)
            .bind(hash.to_vec())
            .execute(&mut *c)
            .await
            .map_err(fault)?;
    }
    Ok(())
}

fn whole(number: i64, hash: Vec<u8>) -> Result<Hash> {
    hash.try_into().map_err(|_| Error::Damaged(format!("row {number} of the audit trail has a hash of another length")))
}

pub(crate) async fn trail(c: &mut SqliteConnection, after: u64, limit: u32) -> Result<Vec<AuditRow>> {
    let sql = format!("{COLUMNS} WHERE number > ? ORDER BY number LIMIT ?");
    let rows = sqlx::query(&sql).bind(signed(after)).bind(limit).fetch_all(c).await.map_err(fault)?;
    rows.iter().map(row).collect()
}

/// The newest events of a filter before a number.
pub(crate) async fn found(
    c: &mut SqliteConnection,
    filter: &AuditFilter,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<AuditRow>> {
    let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
    query.push(" WHERE number < ").push_bind(before.map_or(i64::MAX, signed));
    for (column, value) in filter.texts() {
        query.push(format!(" AND {column} = ")).push_bind(value.to_owned());
    }
    for (test, at) in filter.instants() {
        query.push(format!(" AND at_ms {test} ")).push_bind(at);
    }
    query.push(" ORDER BY number DESC LIMIT ").push_bind(i64::from(limit));
    query.build().fetch_all(c).await.map_err(fault)?.iter().map(row).collect()
}

fn row(r: &SqliteRow) -> Result<AuditRow> {
    let number: i64 = r.try_get(0).map_err(fault)?;
    Ok(AuditRow {
        number: unsigned(number),
        at_ms: r.try_get(1).map_err(fault)?,
        tx: r.try_get::<Option<i64>, _>(2).map_err(fault)?.map(tx_read),
        event: AuditEvent {
            actor: r.try_get(3).map_err(fault)?,
            event: r.try_get(4).map_err(fault)?,
            object: r.try_get(5).map_err(fault)?,
            request: r.try_get(6).map_err(fault)?,
            detail: r.try_get(7).map_err(fault)?,
        },
        hash: whole(number, r.try_get(8).map_err(fault)?)?,
    })
}

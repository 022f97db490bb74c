//! The audit trail, a chain of hashes.

use crate::read::hash;
use annuaire_base::Tx;
use annuaire_store::columns::{signed, tx_column, tx_read, unsigned};
use annuaire_store::proof::{Hash, audit_chain};
use annuaire_store::{AuditEvent, AuditFilter, AuditRow};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder, Result, Row};

/// The indexes since version 8: a page is a range of one, the newest first. Most events name no request. What a stranger typed in place of a
/// number may be longer than an index of PostgreSQL takes, so texts are indexed by their beginnings.
pub(crate) const INDEXES: &str = "
CREATE INDEX audit_object ON audit(left(object, 128), number);
CREATE INDEX audit_request ON audit(left(request, 128), number) WHERE request IS NOT NULL;
CREATE INDEX audit_actor ON audit(left(actor, 128), number);
";

/// End of the chain: number and hash of its last row.
pub(crate) type ChainEnd = (u64, Hash);

fn row(r: &PgRow) -> Result<AuditRow> {
    Ok(AuditRow {
        number: unsigned(r.try_get("number")?),
        at_ms: r.try_get("at_ms")?,
        tx: r.try_get::<Option<i64>, _>("tx")?.map(tx_read),
        event: AuditEvent {
            actor: r.try_get("actor")?,
            event: r.try_get("event")?,
            object: r.try_get("object")?,
            request: r.try_get("request")?,
            detail: r.try_get("detail")?,
        },
        hash: hash(r.try_get("hash")?)?,
    })
}

pub(crate) async fn trail(c: &mut PgConnection, after: u64, limit: u32) -> Result<Vec<AuditRow>> {
    let rows = sqlx::query("SELECT * FROM audit WHERE number > $1 ORDER BY number LIMIT $2")
        .bind(signed(after))
        .bind(i64::from(limit))
        .fetch_all(c)
        .await?;
    rows.iter().map(row).collect()
}

/// The newest events of a filter before a number.
pub(crate) async fn found(c: &mut PgConnection, filter: &AuditFilter, before: Option<u64>, limit: u32) -> Result<Vec<AuditRow>> {
    let mut query = QueryBuilder::<Postgres>::new("SELECT * FROM audit WHERE number < ");
    query.push_bind(before.map_or(i64::MAX, signed));
    for (column, value) in filter.texts() {
        query.push(format!(" AND {column} = ")).push_bind(value.to_owned());
        if column != "event" {
            let beginning: String = value.chars().take(128).collect();
            query.push(format!(" AND left({column}, 128) = ")).push_bind(beginning);
        }
    }
    for (test, at) in filter.instants() {
        query.push(format!(" AND at_ms {test} ")).push_bind(at);
    }
    query.push(" ORDER BY number DESC LIMIT ").push_bind(i64::from(limit));
    query.build().fetch_all(c).await?.iter().map(row).collect()
}

/// Writes the events of a unit after `end`; returns the new end. The caller holds the lock of the counter.
pub(crate) async fn insert(
    c: &mut PgConnection,
    end: ChainEnd,
    events: &[AuditEvent],
    at_ms: i64,
    tx: Option<Tx>,
) -> Result<ChainEnd> {
    let mut reached = end;
    for (number, hash, event) in audit_chain(end, events, at_ms, tx) {
        sqlx::query("INSERT INTO audit(number, at_ms, tx, actor, event, object, request, detail, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
            .bind(signed(number))
            .bind(at_ms)
            .bind(tx.map(tx_column))
            .bind(&event.actor)
            .bind(&event.event)
            .bind(&event.object)
            .bind(event.request.as_deref())
            .bind(&event.detail)
            .bind(hash.as_slice())
            .execute(&mut *c)
            .await?;
        reached = (number, hash);
    }
    Ok(reached)
}

//! `/health`: whether the public directory can be read, and whether it follows its log.
//!
//! Anybody may ask, so it tells nothing of the restricted perimeter: the transaction and the instant are those of the last change
//! of what is public, whatever was delivered since, and reasons are fixed sentences that name no object.

use annuaire_base::Tx;
use annuaire_base::date::iso_ms;
use annuaire_index::{Index, Row, Snapshot};
use annuaire_web::{PublicationStatus, StoreHealth};
use axum::http::{StatusCode, header};
use serde_json::{Value, json};

use crate::{Answer, Fault, internal, reply};

/// How the public store stands. What stops publication does not stop reading, so that the status is 200 as long as the store
/// can be read.
///
/// # Errors
/// An internal one when the store cannot be read, which [`unreadable`] answers.
pub(crate) fn answer(index: &Index, health: Option<StoreHealth>) -> Result<Answer, Fault> {
    let last = last_change(&index.snapshot().map_err(internal)?)?;
    let mut body = json!({
        "status": PublicationStatus::Ok.name(),
        "tx": last.map_or(0, |(tx, _)| tx.get()),
        "commit": last.map(|(_, ms)| iso_ms(ms)),
    });
    if let Some(standing) = health {
        body["status"] = standing.status.name().into();
        body["reason"] = standing.reason.into();
        body["lag"] = json!({"transactions": standing.behind, "seconds": standing.seconds});
    }
    Ok(plain(StatusCode::OK, &body))
}

/// The answer when the store cannot be read.
pub(crate) fn unreadable() -> Answer {
    plain(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "unreadable", "reason": "the store cannot be read"}))
}

fn plain(status: StatusCode, body: &Value) -> Answer {
    Answer { plain: true, ..reply(status, format!("{body}\n").into_bytes()) }
        .with(header::CONTENT_TYPE, "application/json".to_owned())
        .with(header::CACHE_CONTROL, "no-store".to_owned())
}

/// Transaction and instant of the newest version, `None` in an empty store.
fn last_change(snap: &Snapshot) -> Result<Option<(Tx, i64)>, Fault> {
    let Some(row) = snap.versions_since(None, i64::MIN).map_err(internal)?.max() else { return Ok(None) };
    let entry = snap.read(Row::new(row)).map_err(internal)?;
    Ok(Some((entry.tx, entry.last_updated_ms)))
}

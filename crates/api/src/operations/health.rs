//! `GET /health`: whether the public directory can be read, and whether it follows its log.
//!
//! Anybody may ask, so that it reveals nothing of the restricted perimeter: transaction and instant are those of the last change
//! of public data, whatever was delivered since, and reasons are fixed sentences that name no object.

use annuaire_base::Tx;
use annuaire_base::date::iso_ms;
use annuaire_web::{Anyone, ErrorCode, PublicationStatus, RateRule};
use axum::http::{StatusCode, header};
use serde_json::{Value, json};

use super::last_change::last_change;
use super::metrics::position;
use crate::answer::Answer;
use crate::call::Call;
use crate::door::{Door, Sharing};
use crate::error::ApiError;

/// The door of `/health`.
pub(crate) struct HealthDoor;

impl Door for HealthDoor {
    type Pass = Anyone;
    const RATE: RateRule = RateRule::Exempt;
    const SHARING: Sharing = Sharing::SameSite;
    const CHALLENGE: &'static str = "ESANTE-API-KEY";

    fn internal_error() -> Option<Answer> {
        let body = json!({"status": "unreadable", "reason": "the store cannot be read"});
        Some(json_line(ErrorCode::StoreUnreadable.status(), &body))
    }
}

/// Health of the public store. The status is 200 as long as the store can be read, since what stops publication does not stop
/// reading; a store that cannot be read is an internal error, which the door answers with 503.
pub(crate) fn health(_: Anyone, call: &mut Call<'_, HealthDoor>, []: [&str; 0]) -> Result<Answer, ApiError> {
    call.subject.route = "health";
    let gate = &call.service.turns.gate;
    let health = gate.public_store_health();
    let index = call.service.public.store.get();
    let last = last_change(&index.snapshot().map_err(ApiError::internal)?)?;
    let position = position("public", &index)?;
    let mut body = json!({
        "status": PublicationStatus::Ok.name(),
        "tx": last.tx.get(),
        "commit": (last.tx > Tx::NONE).then(|| iso_ms(last.ms)),
    });
    if let Some(standing) = health {
        body["status"] = standing.status.name().into();
        body["reason"] = standing.reason.into();
        body["lag"] = json!({"transactions": standing.behind, "seconds": standing.seconds});
    }
    // The position in the log is not told here: it moves with deliveries that are restricted. `/metrics` has it, with the digest.
    if let Some(log) = position.log {
        body["log"] = json!({"id": format!("{:032x}", log.id), "epoch": log.epoch});
    }
    let clock = gate.clock_health(&position);
    if let Some(reason) = clock.reason {
        body["clock"] = reason.into();
        if body["status"] == PublicationStatus::Ok.name() {
            body["status"] = PublicationStatus::Degraded.name().into();
            body["reason"] = reason.into();
        }
    }
    Ok(json_line(StatusCode::OK, &body))
}

/// One line of JSON, which no cache keeps.
fn json_line(status: StatusCode, body: &Value) -> Answer {
    Answer::plain(status, format!("{body}\n"))
        .with(header::CONTENT_TYPE, "application/json".to_owned())
        .with(header::CACHE_CONTROL, "no-store".to_owned())
}

//! `GET /metrics`: counters in the text format of Prometheus.
//!
//! The holder of an API key may read them, and anybody where the service has no key. Counters of the restricted store are for
//! the operator alone: the holder of a key, or a caller on this machine.

use annuaire_index::{Applied, Index};
use annuaire_web::{ApiClient, RateRule, StorePosition};
use axum::http::StatusCode;

use crate::answer::Answer;
use crate::call::Call;
use crate::door::{Door, Sharing};
use crate::error::ApiError;

/// The door of `/metrics`.
pub(crate) struct MetricsDoor;

impl Door for MetricsDoor {
    type Pass = ApiClient;
    const RATE: RateRule = RateRule::Exempt;
    const SHARING: Sharing = Sharing::SameSite;
    const CHALLENGE: &'static str = "ESANTE-API-KEY";
}

/// The counters of the server.
pub(crate) fn metrics(client: ApiClient, call: &mut Call<'_, MetricsDoor>, []: [&str; 0]) -> Result<Answer, ApiError> {
    call.subject.route = "metrics";
    let mut stores = vec![position("public", &call.service.public.store.get())?];
    if let Some(restricted) = &call.service.restricted {
        stores.push(position("restricted", &restricted.store.get())?);
    }
    let mut text = call.service.turns.gate.metrics(client.operator(), &stores);
    if let Some(status) = call.service.files.as_ref().and_then(|files| files.status()) {
        let made = status.made_ms as f64 / 1_000.0;
        for (name, value) in [
            ("annuaire_files_tx", status.tx.to_string()),
            ("annuaire_files_made_seconds", made.to_string()),
            ("annuaire_files_increments", status.increments.to_string()),
            ("annuaire_files_bytes", status.bytes.1.to_string()),
        ] {
            text.push_str(&format!("# TYPE {name} gauge\n{name}{{store=\"public\"}} {value}\n"));
        }
    }
    if let (Some(subscriptions), Some(_)) = (&call.service.subscriptions, client.operator()) {
        text.push_str(&subscriptions.metrics());
    }
    Ok(Answer::plain(StatusCode::OK, text))
}

/// Where a store is in its log.
pub(super) fn position(store: &'static str, index: &Index) -> Result<StorePosition, ApiError> {
    let Applied { tx, commit_ms, digest } = index.applied();
    let log = index.log().map_err(ApiError::internal)?;
    Ok(StorePosition { store, log, tx, commit_ms, digest, retained_from: index.retained_from() })
}

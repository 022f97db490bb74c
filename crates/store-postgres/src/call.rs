//! Calls with a time limit.

use crate::fault::fault;
use crate::limits;
use annuaire_store::{Error, Result};
use std::time::Duration;
use tokio::runtime::Runtime;

/// Runs a call within [`limits::STATEMENT`].
pub(crate) fn statement<T>(runtime: &Runtime, call: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
    bounded(runtime, limits::STATEMENT, call)
}

/// Runs a call and gives it up after `limit`. The connection is then still waiting for the answer, so the next ping finds it
/// dead.
pub(crate) fn bounded<T>(runtime: &Runtime, limit: Duration, call: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
    runtime.block_on(async {
        match tokio::time::timeout(limit, call).await {
            Ok(answer) => answer.map_err(fault),
            Err(_) => Err(silent(limit)),
        }
    })
}

/// The error for a server that gave no answer within `limit`.
pub(crate) fn silent(limit: Duration) -> Error {
    Error::Database(format!("the database gave no answer for {} s", limit.as_secs()))
}

//! Calls that end: with an answer, an error, or too long a silence.

use crate::{fault, limits};
use annuaire_store::{Error, Result};
use std::time::Duration;
use tokio::runtime::Runtime;

/// A call that may take as long as a statement does.
pub(crate) fn statement<T>(runtime: &Runtime, call: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
    bounded(runtime, limits::STATEMENT, call)
}

/// A call, given up after `limit`. Its connection then still waits for the answer, and is found dead by the next ping.
pub(crate) fn bounded<T>(runtime: &Runtime, limit: Duration, call: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
    runtime.block_on(async {
        match tokio::time::timeout(limit, call).await {
            Ok(answer) => answer.map_err(fault),
            Err(_) => Err(silent(limit)),
        }
    })
}

/// What is said of a server that does not answer.
pub(crate) fn silent(limit: Duration) -> Error {
    Error::Database(format!("the database gave no answer for {} s", limit.as_secs()))
}

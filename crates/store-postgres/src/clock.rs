//! The clock of the database, with which nodes of a cluster compare theirs.

use crate::call::statement;
use crate::pool;
use crate::url::options;
use annuaire_store::Result;
use sqlx::Connection;

/// Milliseconds by which the caller's clock is ahead of that of the database, negative when it is behind. Half of the time that the
/// question takes is taken for its way there. Cost: one connection, which is closed; no table is looked at.
///
/// # Errors
/// When the database cannot be reached or does not answer.
pub async fn ahead_of_database_ms(url: &str, now_ms: &(dyn Fn() -> i64 + Sync)) -> Result<i64> {
    let mut connection = pool::connect(&options(url)?).await?;
    let now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    let before = now_ms();
    let database: i64 = statement(sqlx::query_scalar(now).fetch_one(&mut connection)).await?;
    let ahead = before + (now_ms() - before) / 2 - database;
    // The answer is known; whether the server hears the goodbye does not matter.
    let _ = connection.close().await;
    Ok(ahead)
}

//! Whether anybody keeps something where a registry would be made.

use crate::call::statement;
use crate::pool;
use crate::url::options;
use annuaire_store::Result;
use sqlx::Connection;

/// Whether the schema in which a registry would be made holds no table, view or sequence, of this program or of others. Cost: one
/// connection, which is closed; nothing is written.
///
/// # Errors
/// When the database cannot be reached or does not answer.
pub async fn holds_nothing(url: &str) -> Result<bool> {
    let mut connection = pool::connect(&options(url)?).await?;
    let question = "SELECT NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                    WHERE n.nspname = current_schema())";
    let answer: bool = statement(sqlx::query_scalar(question).fetch_one(&mut connection)).await?;
    // The answer is known; whether the server hears the goodbye does not matter.
    let _ = connection.close().await;
    Ok(answer)
}

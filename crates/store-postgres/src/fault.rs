//! Failures of PostgreSQL.

use annuaire_store::Error;

/// The error of the registry for one of the database.
pub(crate) fn fault(e: sqlx::Error) -> Error {
    Error::Database(e.to_string())
}

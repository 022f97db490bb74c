//! What opening a registry takes.

use crate::limits;
use crate::shared::Clock;
use annuaire_store::Entropy;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use std::path::Path;

/// What opening a registry needs from its caller.
#[derive(Clone)]
pub struct SqliteOptions {
    /// Source of random bytes: the identity of a new log, salts of rows.
    pub entropy: Entropy,
    /// The clock by which stages that show no sign of life are discarded.
    pub now_ms: Clock,
    /// For registries of versions before 4: whether what this source says was public. Facts had no publication of their own then.
    pub open: fn(&str) -> bool,
}

/// Options of every connection.
pub(crate) fn connection(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).busy_timeout(limits::PATIENCE).disable_statement_logging()
}

//! The registry as commands and servers open it: on the one runtime of the program, with randomness of the system.

use crate::clock::now_ms;
use aes_gcm_siv::aead::OsRng;
use aes_gcm_siv::aead::rand_core::RngCore;
use annuaire_store::BlockingRegistry;
use annuaire_store_postgres::{PostgresOptions, PostgresRegistry};
use annuaire_store_sqlite::{SqliteOptions, SqliteRegistry};
use anyhow::Result;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use tokio::runtime::Runtime;

/// The runtime of the program, made when it is first needed: connections, pools and timers of every registry run on it, and the
/// server too.
pub(crate) fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: LazyLock<std::io::Result<Runtime>> = LazyLock::new(Runtime::new);
    RUNTIME.as_ref().map_err(|e| anyhow::anyhow!("the threads of the runtime cannot be started: {e}"))
}

/// Fills bytes from the random source of the system.
///
/// # Panics
/// When the system has none: nothing secret can be made then.
pub(crate) fn random_bytes(bytes: &mut [u8]) {
    OsRng.fill_bytes(bytes);
}

/// Whether the objects of a source of a registry before version 4 were open data. Then, openness was a property of sources.
fn was_open(source: &str) -> bool {
    annuaire_mos::owner::file_source(source).is_some_and(|source| source.open)
}

/// Opens the registry in a SQLite file, which it makes when it is absent and brings forward when it is older.
pub(crate) fn open_file(path: &Path) -> Result<BlockingRegistry> {
    Ok(BlockingRegistry::new(Arc::new(open_sqlite(path)?), runtime()?.handle().clone()))
}

/// As [`open_file`], for those who need more than a registry offers: its copy.
pub(crate) fn open_sqlite(path: &Path) -> Result<SqliteRegistry> {
    let options = SqliteOptions { entropy: Arc::new(random_bytes), now_ms: Arc::new(now_ms), open: was_open };
    Ok(runtime()?.block_on(SqliteRegistry::open(path, options))?)
}

/// Opens the registry in a PostgreSQL database.
pub(crate) fn open_database(url: &str) -> Result<BlockingRegistry> {
    let options = PostgresOptions { entropy: Arc::new(random_bytes), open: was_open };
    let registry = runtime()?.block_on(PostgresRegistry::open(url, options))?;
    Ok(BlockingRegistry::new(Arc::new(registry), runtime()?.handle().clone()))
}

/// Milliseconds by which the clock of this machine is ahead of that of a PostgreSQL database, negative when it is behind.
pub(crate) fn ahead_of_database_ms(url: &str) -> Result<i64> {
    Ok(runtime()?.block_on(annuaire_store_postgres::ahead_of_database_ms(url, &now_ms))?)
}

/// Whether the schema of a PostgreSQL database in which a registry would be made holds nothing, of this program or of others.
pub(crate) fn database_holds_nothing(url: &str) -> Result<bool> {
    Ok(runtime()?.block_on(annuaire_store_postgres::holds_nothing(url))?)
}

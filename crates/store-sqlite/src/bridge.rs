//! The registry for tests, tools and examples, which have no runtime.

use crate::{SqliteOptions, SqliteRegistry};
use annuaire_store::{BlockingRegistry, Entropy, Error, Result};
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::runtime::{Builder, Runtime};

/// Random bytes of the operating system (`/dev/urandom`).
///
/// # Errors
/// When the system gives none.
pub fn system_entropy() -> Result<Entropy> {
    let source = std::fs::File::open("/dev/urandom").map_err(|e| Error::Database(format!("/dev/urandom: {e}")))?;
    Ok(Arc::new(move |bytes: &mut [u8]| {
        // A registry with predictable salts would be worse than none. The device never fails once it is open.
        (&source).read_exact(bytes).unwrap_or_else(|e| panic!("/dev/urandom: {e}"));
    }))
}

/// The one runtime of registries that are opened by [`open_blocking`].
fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<std::io::Result<Runtime>> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| Builder::new_multi_thread().worker_threads(2).enable_all().build());
    runtime.as_ref().map_err(|e| Error::Database(e.to_string()))
}

/// Opens a registry for threads, on a runtime that all such registries of the process share, with the clock and the random bytes of
/// this machine. For tests and tools: servers open it in their own runtime ([`SqliteRegistry::open`]). What sources of an older
/// registry said counts as restricted.
///
/// # Errors
/// Those of [`SqliteRegistry::open`].
#[expect(
    clippy::disallowed_methods,
    reason = "tests and tools have no clock of their own; it dates leases of stages, nothing else"
)]
pub fn open_blocking(path: &Path) -> Result<BlockingRegistry> {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| i64::try_from(t.as_millis()).unwrap_or(i64::MAX));
    let options = SqliteOptions { entropy: system_entropy()?, now_ms: Arc::new(now), open: |_| false };
    let runtime = runtime()?;
    let registry = runtime.block_on(SqliteRegistry::open(path, options))?;
    Ok(BlockingRegistry::new(Arc::new(registry), runtime.handle().clone()))
}

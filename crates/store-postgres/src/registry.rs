//! The registry in a PostgreSQL database: opening, and the calls of [`Registry`].

use crate::call::ask;
use crate::core::Core;
use crate::fault::CallResult;
use crate::listen::{self, Listener};
use crate::migrate::FormerTables;
use crate::stage::PostgresStage;
use crate::unit::PostgresUnit;
use crate::url::options;
use crate::{audit, cases, identity_rows, job, limits, note, owner, pool, read, schema, subscription, verify};
use annuaire_base::fact::{Fact, FactVersion};
use annuaire_base::{LogIdentity, Tx};
use annuaire_store::case::{CaseFilter, CaseOrder, CaseStore, ListedCase};
use annuaire_store::identity::{IdentityRow, IdentityStore};
use annuaire_store::subscription::{
    DeliveryNote, NewEvents, SubscriptionEvent, SubscriptionHead, SubscriptionRow, SubscriptionStore, check_numbers,
};
use annuaire_store::{
    AuditFilter, AuditRow, BlockingRegistry, Entropy, Error, Job, OwnerRow, Queue, Registry, Result, Stage, Transaction, Unit,
};
use async_trait::async_trait;
use sqlx::Connection;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, LazyLock};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// What a registry needs besides its address.
pub struct PostgresOptions {
    /// Random bytes: the identity of a new log, salts of its rows.
    pub entropy: Entropy,
    /// Whether a source of a registry of version 3 or earlier was open data; asked when it is brought forward.
    pub open: fn(&str) -> bool,
}

/// A registry in a PostgreSQL database: a pool of connections, and one that listens to commits. It is used in the runtime in
/// which it was opened.
pub struct PostgresRegistry {
    core: Arc<Core>,
    _listener: Listener,
}

impl PostgresRegistry {
    /// Connects to `postgres://user:password@host/database`, creates missing tables and brings those of an earlier version
    /// forward. The URL holds a
    /// secret, so no error repeats it.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses, or when its tables are of a later version of this program.
    pub async fn open(url: &str, by: PostgresOptions) -> Result<Self> {
        let options = options(url)?;
        let mut connection = pool::connect(&options).await?;
        let log = schema::ensure(&mut connection, &FormerTables { entropy: &by.entropy, open: by.open }).await?;
        // It was needed once; whether it says goodbye does not matter.
        let _ = connection.close().await;
        let core = Arc::new(Core::new(pool::pool(options), by.entropy, log.id));
        let last: CallResult<Tx> = ask!(&core.pool, c => listen::last_tx(c));
        listen::tell(&core.commits, last?);
        let listener = Listener::start(core.pool.clone(), log.id, core.commits.clone());
        Ok(Self { core, _listener: listener })
    }

    fn pool(&self) -> &sqlx::PgPool {
        &self.core.pool
    }
}

/// Opens a registry for threads, on a runtime of this room; for tests and tools. Random bytes are those of the system, and
/// sources of an older
/// registry are taken to be restricted.
///
/// # Errors
/// Those of [`PostgresRegistry::open`]; when there is no runtime or no source of random bytes.
pub fn open_blocking(url: &str) -> Result<BlockingRegistry> {
    static RUNTIME: LazyLock<std::io::Result<Runtime>> = LazyLock::new(|| Builder::new_multi_thread().enable_all().build());
    let runtime = RUNTIME.as_ref().map_err(|e| Error::Database(e.to_string()))?;
    let random = std::fs::File::open("/dev/urandom").map_err(|e| Error::Database(format!("/dev/urandom: {e}")))?;
    let entropy: Entropy = Arc::new(move |bytes| (&random).read_exact(bytes).expect("the system gives random bytes"));
    let registry = runtime.block_on(PostgresRegistry::open(url, PostgresOptions { entropy, open: |_| false }))?;
    Ok(BlockingRegistry::new(Arc::new(registry), runtime.handle().clone()))
}

#[async_trait]
impl Registry for PostgresRegistry {
    async fn begin(&self) -> Result<Box<dyn Unit>> {
        Ok(Box::new(PostgresUnit::new(self.core.clone())))
    }

    async fn stage(&self) -> Result<Box<dyn Stage>> {
        Ok(Box::new(PostgresStage::begin(self.core.clone()).await?))
    }

    async fn log(&self) -> Result<LogIdentity> {
        Ok(ask!(self.pool(), c => schema::identity(c))?)
    }

    async fn last_tx(&self) -> Result<Tx> {
        Ok(ask!(self.pool(), c => listen::last_tx(c))?)
    }

    fn commits(&self) -> watch::Receiver<Tx> {
        self.core.commits.subscribe()
    }

    async fn transactions(&self, after: Tx, limit: u32) -> Result<Vec<Transaction>> {
        Ok(ask!(self.pool(), c => read::transactions(c, after, limit))?)
    }

    async fn changed_entities(&self, tx: Tx, after: &str, limit: u32) -> Result<Vec<String>> {
        Ok(ask!(self.pool(), c => read::changed_entities(&self.core, c, tx, after, limit))?)
    }

    async fn withdrawn(&self, tx: Tx) -> Result<Vec<String>> {
        Ok(ask!(self.pool(), c => read::withdrawn(c, tx))?)
    }

    async fn facts_at(&self, tx: Tx, entities: &[String]) -> Result<Vec<Fact>> {
        Ok(ask!(self.pool(), c => read::facts_at(&self.core, c, tx, entities))?)
    }

    async fn history(&self, tx: Tx, entities: &[String]) -> Result<Vec<FactVersion>> {
        Ok(ask!(self.pool(), c => read::history(&self.core, c, tx, entities))?)
    }

    async fn standing(&self, tx: Tx, after: &str, limit: u32) -> Result<(Vec<Fact>, Option<String>)> {
        Ok(ask!(self.pool(), c => read::standing(&self.core, c, tx, after, limit))?)
    }

    async fn owners(&self) -> Result<Vec<OwnerRow>> {
        Ok(ask!(self.pool(), c => owner::list(c))?)
    }

    async fn described_owners(&self) -> Result<Vec<OwnerRow>> {
        Ok(ask!(self.pool(), c => owner::described(c))?)
    }

    async fn note(&self, kind: &str, key: &str) -> Result<Option<String>> {
        Ok(ask!(self.pool(), c => note::note(c, kind, key))?)
    }

    async fn notes(&self, kind: &str, after: &str, limit: u32) -> Result<Vec<(String, String)>> {
        Ok(ask!(self.pool(), c => note::notes(c, kind, after, limit))?)
    }

    async fn take_job(&self, queue: Queue, kinds: &[&str], now_ms: i64, lease_ms: i64) -> Result<Option<Job>> {
        Ok(ask!(self.pool(), c => job::take(c, queue, kinds, now_ms, lease_ms))?)
    }

    async fn finish_job(&self, id: i64) -> Result<()> {
        Ok(ask!(self.pool(), c => job::finish(c, id))?)
    }

    async fn retry_job(&self, id: i64, due_ms: i64, error: &str) -> Result<()> {
        Ok(ask!(self.pool(), c => job::retry(c, id, due_ms, error))?)
    }

    async fn jobs(&self, queue: Queue, limit: u32) -> Result<Vec<Job>> {
        Ok(ask!(self.pool(), c => job::list(c, queue, limit))?)
    }

    async fn audit_trail(&self, after: u64, limit: u32) -> Result<Vec<AuditRow>> {
        Ok(ask!(self.pool(), c => audit::trail(c, after, limit))?)
    }

    async fn audit_of(&self, filter: &AuditFilter, before: Option<u64>, limit: u32) -> Result<Vec<AuditRow>> {
        Ok(ask!(self.pool(), c => audit::found(c, filter, before, limit))?)
    }

    async fn raise_epoch(&self) -> Result<LogIdentity> {
        // Not asked twice: an answer that was lost may have raised it. A higher epoch does no harm, the caller tries again.
        let mut lease = crate::call::Lease::alive(self.pool()).await?;
        let answer = crate::call::statement(schema::raise_epoch(lease.connection())).await;
        Ok(lease.give_back(answer)?)
    }

    async fn verify(&self) -> Result<Vec<String>> {
        Ok(ask!(self.pool(), limits::WHOLE, c => verify::verify(&self.core, c))?)
    }
}

#[async_trait]
impl SubscriptionStore for PostgresRegistry {
    async fn subscription(&self, id: &str) -> Result<Option<SubscriptionRow>> {
        Ok(ask!(self.pool(), c => subscription::one(c, id))?)
    }

    async fn subscription_heads(&self, owner: Option<&str>, after: &str, limit: u32) -> Result<Vec<SubscriptionHead>> {
        Ok(ask!(self.pool(), c => subscription::heads(c, owner, after, limit))?)
    }

    async fn subscription_events(&self, id: &str, first: u64, last: u64, limit: u32) -> Result<Vec<SubscriptionEvent>> {
        Ok(ask!(self.pool(), c => subscription::events(c, id, first, last, limit))?)
    }

    async fn store_events(&self, new: &[NewEvents], done: &[String], watermark: Tx) -> Result<Vec<String>> {
        check_numbers(new)?;
        // Not asked twice: what an answer that was lost has stored is seen by whoever reads the numbers again.
        let mut lease = crate::call::Lease::alive(self.pool()).await?;
        let answer = subscription::store(lease.connection(), new, done, watermark).await;
        Ok(lease.give_back(answer)?)
    }

    async fn note_delivery(&self, note: &DeliveryNote) -> Result<bool> {
        Ok(ask!(self.pool(), c => subscription::note_delivery(c, note))?)
    }

    async fn take_lease(&self, name: &str, holder: &str, now_ms: i64, until_ms: i64) -> Result<bool> {
        Ok(ask!(self.pool(), c => subscription::take_lease(c, name, holder, now_ms, until_ms))?)
    }

    async fn end_lease(&self, name: &str, holder: &str) -> Result<()> {
        Ok(ask!(self.pool(), c => subscription::end_lease(c, name, holder))?)
    }
}

#[async_trait]
impl CaseStore for PostgresRegistry {
    async fn cases(&self, filter: &CaseFilter, order: CaseOrder, offset: u32, limit: u32) -> Result<Vec<ListedCase>> {
        Ok(ask!(self.pool(), c => cases::page(c, filter, order, offset, limit))?)
    }

    async fn case_counts(&self, filter: &CaseFilter) -> Result<BTreeMap<String, u64>> {
        Ok(ask!(self.pool(), c => cases::counts(c, filter))?)
    }
}

#[async_trait]
impl IdentityStore for PostgresRegistry {
    async fn identity_row(&self, kind: &str, key: &str) -> Result<Option<IdentityRow>> {
        Ok(ask!(self.pool(), c => identity_rows::one(c, kind, key))?)
    }

    async fn identity_rows_at(&self, places: &[(&str, &str)]) -> Result<Vec<Option<IdentityRow>>> {
        Ok(ask!(self.pool(), c => identity_rows::at(c, places))?)
    }

    async fn identity_rows(&self, kind: &str, subject: Option<&str>, after: &str, limit: u32) -> Result<Vec<IdentityRow>> {
        Ok(ask!(self.pool(), c => identity_rows::page(c, kind, subject, after, limit))?)
    }

    async fn identity_rows_due(&self, kind: &str, until_ms: i64, limit: u32) -> Result<Vec<IdentityRow>> {
        Ok(ask!(self.pool(), c => identity_rows::due(c, kind, until_ms, limit))?)
    }

    async fn sweep_identity(&self, kinds: &[&str], until_ms: i64, limit: u32) -> Result<u64> {
        // What an answer that was lost has removed is not counted; it is over all the same.
        Ok(ask!(self.pool(), c => identity_rows::sweep(c, kinds, until_ms, limit))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the time until it gives up is measured")]
    fn a_silent_server_is_given_up() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("postgres://a:secret@{}/b", listener.local_addr().unwrap());
        let start = std::time::Instant::now();
        let said = open_blocking(&url).err().unwrap().to_string();
        assert!(said.contains("no answer for 10 s") && !said.contains("secret"), "{said}");
        assert!(start.elapsed() < limits::CONNECT * 2);
    }

    /// A server without TLS is refused by who asks for it, before any password is sent.
    #[test]
    fn tls_that_is_required_is_not_done_without() {
        use std::io::Write;
        for mode in ["require", "verify-ca", "verify-full"] {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("postgres://a:secret@{}/b?sslmode={mode}", listener.local_addr().unwrap());
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut asked = [0; 8];
                stream.read_exact(&mut asked).unwrap();
                stream.write_all(b"N").unwrap();
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest);
                (asked, rest)
            });
            let said = open_blocking(&url).err().unwrap().to_string();
            assert!(said.to_lowercase().contains("tls"), "{mode}: {said}");
            let (asked, rest) = server.join().unwrap();
            assert_eq!(asked, [0, 0, 0, 8, 4, 210, 22, 47], "the request for TLS");
            assert!(rest.is_empty(), "{mode}: something was sent in clear");
        }
    }
}

//! A registry that lets something else happen just before a unit or a stage begins: any interleaving of two imports can be forced.

use annuaire_base::fact::{Fact, FactVersion};
use annuaire_base::{LogIdentity, Tx};
use annuaire_store::case::{CaseFilter, CaseOrder, CaseStore, ListedCase};
use annuaire_store::identity::{IdentityRow, IdentityStore};
use annuaire_store::subscription::{
    DeliveryNote, NewEvents, SubscriptionEvent, SubscriptionHead, SubscriptionRow, SubscriptionStore,
};
use annuaire_store::{AuditFilter, AuditRow, BlockingRegistry, Job, OwnerRow, Queue, Registry, Result, Stage, Transaction, Unit};
use async_trait::async_trait;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex};
use tokio::runtime::Runtime;
use tokio::sync::watch;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// What happens once, on a thread of its own.
pub type Hook = Box<dyn FnOnce() + Send>;

/// `registry`, in which one of `before_units` happens each time before a unit begins, and one of `before_stages` each time before a
/// stage does, until they are used up.
pub fn hooked(registry: &BlockingRegistry, before_units: Vec<Hook>, before_stages: Vec<Hook>) -> BlockingRegistry {
    let (units, stages) = (Mutex::new(before_units.into()), Mutex::new(before_stages.into()));
    BlockingRegistry::new(Arc::new(Hooked { inner: registry.registry().clone(), units, stages }), RUNTIME.handle().clone())
}

struct Hooked {
    inner: Arc<dyn Registry>,
    units: Mutex<VecDeque<Hook>>,
    stages: Mutex<VecDeque<Hook>>,
}

fn run_next(hooks: &Mutex<VecDeque<Hook>>) {
    let next = hooks.lock().unwrap().pop_front();
    if let Some(hook) = next {
        // Blocking calls must not be made on a thread that runs tasks.
        std::thread::spawn(hook).join().unwrap();
    }
}

#[async_trait]
impl SubscriptionStore for Hooked {
    async fn subscription(&self, id: &str) -> Result<Option<SubscriptionRow>> {
        self.inner.subscription(id).await
    }
    async fn subscription_heads(&self, owner: Option<&str>, after: &str, limit: u32) -> Result<Vec<SubscriptionHead>> {
        self.inner.subscription_heads(owner, after, limit).await
    }
    async fn subscription_events(&self, id: &str, first: u64, last: u64, limit: u32) -> Result<Vec<SubscriptionEvent>> {
        self.inner.subscription_events(id, first, last, limit).await
    }
    async fn store_events(&self, new: &[NewEvents], done: &[String], watermark: Tx) -> Result<Vec<String>> {
        self.inner.store_events(new, done, watermark).await
    }
    async fn note_delivery(&self, note: &DeliveryNote) -> Result<bool> {
        self.inner.note_delivery(note).await
    }
    async fn take_lease(&self, name: &str, holder: &str, now_ms: i64, until_ms: i64) -> Result<bool> {
        self.inner.take_lease(name, holder, now_ms, until_ms).await
    }
    async fn end_lease(&self, name: &str, holder: &str) -> Result<()> {
        self.inner.end_lease(name, holder).await
    }
}

#[async_trait]
impl IdentityStore for Hooked {
    async fn identity_row(&self, kind: &str, key: &str) -> Result<Option<IdentityRow>> {
        self.inner.identity_row(kind, key).await
    }
    async fn identity_rows_at(&self, places: &[(&str, &str)]) -> Result<Vec<Option<IdentityRow>>> {
        self.inner.identity_rows_at(places).await
    }
    async fn identity_rows(&self, kind: &str, subject: Option<&str>, after: &str, limit: u32) -> Result<Vec<IdentityRow>> {
        self.inner.identity_rows(kind, subject, after, limit).await
    }
    async fn identity_rows_due(&self, kind: &str, until_ms: i64, limit: u32) -> Result<Vec<IdentityRow>> {
        self.inner.identity_rows_due(kind, until_ms, limit).await
    }
    async fn sweep_identity(&self, kinds: &[&str], until_ms: i64, limit: u32) -> Result<u64> {
        self.inner.sweep_identity(kinds, until_ms, limit).await
    }
}

#[async_trait]
impl CaseStore for Hooked {
    async fn cases(&self, filter: &CaseFilter, order: CaseOrder, offset: u32, limit: u32) -> Result<Vec<ListedCase>> {
        self.inner.cases(filter, order, offset, limit).await
    }
    async fn case_counts(&self, filter: &CaseFilter) -> Result<BTreeMap<String, u64>> {
        self.inner.case_counts(filter).await
    }
}

#[async_trait]
impl Registry for Hooked {
    async fn begin(&self) -> Result<Box<dyn Unit>> {
        run_next(&self.units);
        self.inner.begin().await
    }
    async fn stage(&self) -> Result<Box<dyn Stage>> {
        run_next(&self.stages);
        self.inner.stage().await
    }
    async fn log(&self) -> Result<LogIdentity> {
        self.inner.log().await
    }
    async fn last_tx(&self) -> Result<Tx> {
        self.inner.last_tx().await
    }
    fn commits(&self) -> watch::Receiver<Tx> {
        self.inner.commits()
    }
    async fn transactions(&self, after: Tx, limit: u32) -> Result<Vec<Transaction>> {
        self.inner.transactions(after, limit).await
    }
    async fn changed_entities(&self, tx: Tx, after: &str, limit: u32) -> Result<Vec<String>> {
        self.inner.changed_entities(tx, after, limit).await
    }
    async fn withdrawn(&self, tx: Tx) -> Result<Vec<String>> {
        self.inner.withdrawn(tx).await
    }
    async fn facts_at(&self, tx: Tx, entities: &[String]) -> Result<Vec<Fact>> {
        self.inner.facts_at(tx, entities).await
    }
    async fn history(&self, tx: Tx, entities: &[String]) -> Result<Vec<FactVersion>> {
        self.inner.history(tx, entities).await
    }
    async fn standing(&self, tx: Tx, after: &str, limit: u32) -> Result<(Vec<Fact>, Option<String>)> {
        self.inner.standing(tx, after, limit).await
    }
    async fn owners(&self) -> Result<Vec<OwnerRow>> {
        self.inner.owners().await
    }
    async fn described_owners(&self) -> Result<Vec<OwnerRow>> {
        self.inner.described_owners().await
    }
    async fn note(&self, kind: &str, key: &str) -> Result<Option<String>> {
        self.inner.note(kind, key).await
    }
    async fn notes(&self, kind: &str, after: &str, limit: u32) -> Result<Vec<(String, String)>> {
        self.inner.notes(kind, after, limit).await
    }
    async fn take_job(&self, queue: Queue, kinds: &[&str], now_ms: i64, lease_ms: i64) -> Result<Option<Job>> {
        self.inner.take_job(queue, kinds, now_ms, lease_ms).await
    }
    async fn finish_job(&self, id: i64) -> Result<()> {
        self.inner.finish_job(id).await
    }
    async fn retry_job(&self, id: i64, due_ms: i64, error: &str) -> Result<()> {
        self.inner.retry_job(id, due_ms, error).await
    }
    async fn jobs(&self, queue: Queue, limit: u32) -> Result<Vec<Job>> {
        self.inner.jobs(queue, limit).await
    }
    async fn audit_trail(&self, after: u64, limit: u32) -> Result<Vec<AuditRow>> {
        self.inner.audit_trail(after, limit).await
    }
    async fn audit_of(&self, filter: &AuditFilter, before: Option<u64>, limit: u32) -> Result<Vec<AuditRow>> {
        self.inner.audit_of(filter, before, limit).await
    }
    async fn raise_epoch(&self) -> Result<LogIdentity> {
        self.inner.raise_epoch().await
    }
    async fn verify(&self) -> Result<Vec<String>> {
        self.inner.verify().await
    }
}

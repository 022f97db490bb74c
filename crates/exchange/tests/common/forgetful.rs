//! A registry that forgets what it is given, and may tell it afterwards: readers and guards are what is tried with it.

use annuaire_base::fact::{Fact, FactVersion};
use annuaire_base::{LogIdentity, Tx};
use annuaire_store::case::{CaseFilter, CaseListing, CaseOrder, CaseStore, ListedCase};
use annuaire_store::identity::{IdentityRow, IdentityStore, IdentityWrite};
use annuaire_store::subscription::{
    DeliveryNote, NewEvents, SubscriptionEvent, SubscriptionHead, SubscriptionRow, SubscriptionStore, SubscriptionWrite,
};
use annuaire_store::{
    AuditEvent, AuditFilter, AuditRow, BlockingRegistry, Cause, Change, ChangeCounts, CommitClock, CommitOutcome, Expect,
    FactMark, Job, NewJob, OwnerRow, Queue, Registry, Result, SealedStage, Stage, Transaction, Unit,
};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};
use tokio::runtime::Runtime;
use tokio::sync::watch;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// What an import gave a forgetful registry.
#[derive(Default)]
pub struct Given {
    /// Owner, entity and content of the facts that it put.
    pub facts: Vec<(String, String, String)>,
    /// Kind and key of the notes that it wrote.
    pub notes: Vec<(String, String)>,
}

/// A registry that checks that what is put can be read, and knows nothing of it afterwards.
pub fn forgetful() -> BlockingRegistry {
    telling().0
}

/// A forgetful registry, and what it is given.
pub fn telling() -> (BlockingRegistry, Arc<Mutex<Given>>) {
    let given = Arc::<Mutex<Given>>::default();
    (BlockingRegistry::new(Arc::new(Forgetful(given.clone())), RUNTIME.handle().clone()), given)
}

struct Forgetful(Arc<Mutex<Given>>);

#[async_trait]
impl SubscriptionStore for Forgetful {
    async fn subscription(&self, _: &str) -> Result<Option<SubscriptionRow>> {
        Ok(None)
    }
    async fn subscription_heads(&self, _: Option<&str>, _: &str, _: u32) -> Result<Vec<SubscriptionHead>> {
        Ok(Vec::new())
    }
    async fn subscription_events(&self, _: &str, _: u64, _: u64, _: u32) -> Result<Vec<SubscriptionEvent>> {
        Ok(Vec::new())
    }
    async fn store_events(&self, _: &[NewEvents], _: &[String], _: Tx) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
    async fn note_delivery(&self, _: &DeliveryNote) -> Result<bool> {
        Ok(false)
    }
    async fn take_lease(&self, _: &str, _: &str, _: i64, _: i64) -> Result<bool> {
        Ok(false)
    }
    async fn end_lease(&self, _: &str, _: &str) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl IdentityStore for Forgetful {
    async fn identity_row(&self, _: &str, _: &str) -> Result<Option<IdentityRow>> {
        Ok(None)
    }
    async fn identity_rows_at(&self, _: &[(&str, &str)]) -> Result<Vec<Option<IdentityRow>>> {
        unreachable!("files are no rows of identity")
    }
    async fn identity_rows(&self, _: &str, _: Option<&str>, _: &str, _: u32) -> Result<Vec<IdentityRow>> {
        Ok(Vec::new())
    }
    async fn identity_rows_due(&self, _: &str, _: i64, _: u32) -> Result<Vec<IdentityRow>> {
        Ok(Vec::new())
    }
    async fn sweep_identity(&self, _: &[&str], _: i64, _: u32) -> Result<u64> {
        Ok(0)
    }
}

#[async_trait]
impl CaseStore for Forgetful {
    async fn cases(&self, _: &CaseFilter, _: CaseOrder, _: u32, _: u32) -> Result<Vec<ListedCase>> {
        unreachable!("files are no cases")
    }
    async fn case_counts(&self, _: &CaseFilter) -> Result<BTreeMap<String, u64>> {
        unreachable!("files are no cases")
    }
}

#[async_trait]
impl Registry for Forgetful {
    async fn begin(&self) -> Result<Box<dyn Unit>> {
        Ok(Box::new(Self(self.0.clone())))
    }
    async fn stage(&self) -> Result<Box<dyn Stage>> {
        Ok(Box::new(Self(self.0.clone())))
    }
    async fn log(&self) -> Result<LogIdentity> {
        Ok(LogIdentity::default())
    }
    async fn last_tx(&self) -> Result<Tx> {
        Ok(Tx::NONE)
    }
    fn commits(&self) -> watch::Receiver<Tx> {
        watch::channel(Tx::NONE).1
    }
    async fn transactions(&self, _: Tx, _: u32) -> Result<Vec<Transaction>> {
        Ok(Vec::new())
    }
    async fn changed_entities(&self, _: Tx, _: &str, _: u32) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
    async fn withdrawn(&self, _: Tx) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
    async fn facts_at(&self, _: Tx, _: &[String]) -> Result<Vec<Fact>> {
        Ok(Vec::new())
    }
    async fn history(&self, _: Tx, _: &[String]) -> Result<Vec<FactVersion>> {
        Ok(Vec::new())
    }
    async fn standing(&self, _: Tx, _: &str, _: u32) -> Result<(Vec<Fact>, Option<String>)> {
        Ok((Vec::new(), None))
    }
    async fn owners(&self) -> Result<Vec<OwnerRow>> {
        Ok(Vec::new())
    }
    async fn described_owners(&self) -> Result<Vec<OwnerRow>> {
        Ok(Vec::new())
    }
    async fn note(&self, _: &str, _: &str) -> Result<Option<String>> {
        Ok(None)
    }
    async fn notes(&self, _: &str, _: &str, _: u32) -> Result<Vec<(String, String)>> {
        Ok(Vec::new())
    }
    async fn take_job(&self, _: Queue, _: &[&str], _: i64, _: i64) -> Result<Option<Job>> {
        Ok(None)
    }
    async fn finish_job(&self, _: i64) -> Result<()> {
        Ok(())
    }
    async fn retry_job(&self, _: i64, _: i64, _: &str) -> Result<()> {
        Ok(())
    }
    async fn jobs(&self, _: Queue, _: u32) -> Result<Vec<Job>> {
        Ok(Vec::new())
    }
    async fn audit_trail(&self, _: u64, _: u32) -> Result<Vec<AuditRow>> {
        Ok(Vec::new())
    }
    async fn audit_of(&self, _: &AuditFilter, _: Option<u64>, _: u32) -> Result<Vec<AuditRow>> {
        Ok(Vec::new())
    }
    async fn raise_epoch(&self) -> Result<LogIdentity> {
        Ok(LogIdentity::default())
    }
    async fn verify(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Stage for Forgetful {
    fn base(&self) -> Tx {
        Tx::NONE
    }
    async fn known(&mut self, _: &str, _: &str, _: u32) -> Result<Vec<FactMark>> {
        Ok(Vec::new())
    }
    async fn put(&mut self, change: Change) -> Result<()> {
        if let Some(json) = change.payload {
            let _: annuaire_mos::Objet = serde_json::from_str(&json).unwrap();
            self.0.lock().unwrap().facts.push((change.key.owner, change.key.entity, json));
        }
        Ok(())
    }
    async fn counts(&mut self) -> Result<ChangeCounts> {
        Ok(ChangeCounts::default())
    }
    async fn seal(self: Box<Self>) -> Result<SealedStage> {
        let (owners, counts) = (Vec::new(), ChangeCounts::default());
        Ok(SealedStage { batch: 1, base: Tx::NONE, owners, counts, root: [0; 32] })
    }
}

#[async_trait]
impl Unit for Forgetful {
    async fn identity_row(&mut self, _: &str, _: &str) -> Result<Option<IdentityRow>> {
        Ok(None)
    }
    async fn write_identity(&mut self, _: &IdentityWrite) -> Result<()> {
        Ok(())
    }
    async fn list_case(&mut self, _: &CaseListing) -> Result<()> {
        unreachable!("files are no cases")
    }
    async fn write_subscription(&mut self, _: &SubscriptionWrite) -> Result<()> {
        Ok(())
    }
    async fn facts(&mut self, _: &[String]) -> Result<Vec<Fact>> {
        Ok(Vec::new())
    }
    async fn known(&mut self, _: &str, _: &str, _: u32) -> Result<Vec<FactMark>> {
        Ok(Vec::new())
    }
    async fn put(&mut self, _: Change, _: Expect) -> Result<()> {
        Ok(())
    }
    async fn adopt(&mut self, _: Box<dyn Stage>) -> Result<()> {
        Ok(())
    }
    async fn withdraw(&mut self, _: &str) -> Result<()> {
        Ok(())
    }
    async fn lift_withdrawal(&mut self, _: &str) -> Result<()> {
        Ok(())
    }
    async fn set_owner(&mut self, _: &OwnerRow) -> Result<()> {
        Ok(())
    }
    async fn counts(&mut self) -> Result<ChangeCounts> {
        Ok(ChangeCounts::default())
    }
    async fn next_tx(&mut self) -> Result<Tx> {
        Ok(Tx::NONE.next())
    }
    async fn note(&mut self, _: &str, _: &str) -> Result<Option<String>> {
        Ok(None)
    }
    async fn notes(&mut self, _: &str, _: &str, _: u32) -> Result<Vec<(String, String)>> {
        Ok(Vec::new())
    }
    async fn set_note(&mut self, kind: &str, key: &str, text: Option<&str>) -> Result<()> {
        if text.is_some() {
            self.0.lock().unwrap().notes.push((kind.to_owned(), key.to_owned()));
        }
        Ok(())
    }
    async fn job(&mut self, _: &NewJob) -> Result<()> {
        Ok(())
    }
    async fn audit(&mut self, _: &AuditEvent) -> Result<()> {
        Ok(())
    }
    async fn save(self: Box<Self>, _: &Cause, _: CommitClock<'_>) -> Result<CommitOutcome> {
        Ok(CommitOutcome::default())
    }
}

//! A registry in memory that forgets all but its notes: readers and guards are what is tried with it.

use annuaire_base::fact::{Fact, FactVersion};
use annuaire_base::{LogIdentity, Tx};
use annuaire_store::{
    AuditEvent, AuditRow, BlockingRegistry, Cause, Change, ChangeCounts, CommitClock, CommitOutcome, Expect, FactMark, Job,
    NewJob, OwnerRow, Queue, Registry, Result, SealedStage, Stage, Transaction, Unit,
};
use async_trait::async_trait;
use std::sync::{Arc, LazyLock};
use tokio::runtime::Runtime;
use tokio::sync::watch;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// A registry that checks that what is put can be read, and keeps nothing.
pub fn forgetful() -> BlockingRegistry {
    BlockingRegistry::new(Arc::new(Forgetful), RUNTIME.handle().clone())
}

struct Forgetful;

#[async_trait]
impl Registry for Forgetful {
    async fn begin(&self) -> Result<Box<dyn Unit>> {
        Ok(Box::new(Self))
    }
    async fn stage(&self) -> Result<Box<dyn Stage>> {
        Ok(Box::new(Self))
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
    async fn set_note(&mut self, _: &str, _: &str, _: Option<&str>) -> Result<()> {
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

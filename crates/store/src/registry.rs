//! What a backend provides to readers, and how writing begins.

use crate::case::CaseStore;
use crate::identity::IdentityStore;
use crate::subscription::SubscriptionStore;
use crate::{AuditFilter, AuditRow, Job, OwnerRow, Queue, Result, Stage, Transaction, Unit};
use annuaire_base::fact::{Fact, FactVersion};
use annuaire_base::{LogIdentity, Tx};
use async_trait::async_trait;
use tokio::sync::watch;

/// The registry of one installation: facts, the log of all their versions, notes, jobs and the audit trail. It is a pool of
/// connections: share it, call it from any task.
///
/// Every read may fail with the errors of the database. A read at a transaction gives one answer for ever, but for withdrawal.
#[async_trait]
pub trait Registry: SubscriptionStore + IdentityStore + CaseStore {
    /// Begins a unit of work. SQLite: waits for the writers before it, so be brief. PostgreSQL: waits only in
    /// [`Unit::next_tx`] and [`Unit::save`].
    async fn begin(&self) -> Result<Box<dyn Unit>>;

    /// Begins a stage: many facts are written beside the state, in short transactions of the database, and become one
    /// transaction of the log when a unit [adopts](Unit::adopt) it. What is not adopted is discarded, by the next who begins a stage
    /// when its process died.
    async fn stage(&self) -> Result<Box<dyn Stage>>;

    /// Which log this is.
    async fn log(&self) -> Result<LogIdentity>;

    /// The last transaction, [`Tx::NONE`] for an empty log.
    async fn last_tx(&self) -> Result<Tx>;

    /// Changes whenever a transaction is committed, by this process at once, by another one as soon as this one learns of it
    /// (PostgreSQL: a notification; SQLite: looked for ten times a second). The value is the last transaction known.
    fn commits(&self) -> watch::Receiver<Tx>;

    /// Transactions after `after`, in order, at most `limit`.
    async fn transactions(&self, after: Tx, limit: u32) -> Result<Vec<Transaction>>;

    /// Entities that `tx` changed, distinct, in byte order: the first `limit` that follow `after`. Cost: proportional to the
    /// page, once for each owner that `tx` touched.
    async fn changed_entities(&self, tx: Tx, after: &str, limit: u32) -> Result<Vec<String>>;

    /// Entities that `tx` withdrew, in byte order.
    async fn withdrawn(&self, tx: Tx) -> Result<Vec<String>>;

    /// The facts of these entities just after `tx`, of all owners, by entity, owner code, facet. Cost: a few point look-ups for each
    /// entity and owner.
    async fn facts_at(&self, tx: Tx, entities: &[String]) -> Result<Vec<Fact>>;

    /// All versions of the facts of these entities up to `tx`, by entity, owner code, facet, transaction: for those who apply
    /// many small transactions together. Cost: all of their history.
    async fn history(&self, tx: Tx, entities: &[String]) -> Result<Vec<FactVersion>>;

    /// A page of all facts just after `tx`, by entity (byte order), owner code, facet: those of the entities that follow `after`, at
    /// least one whole entity, about `limit` facts. The second value is the `after` of the next page, `None` at the end. A
    /// page may hold few facts or none: only `None` is the end. Cost: sequential; for first loads and verification.
    async fn standing(&self, tx: Tx, after: &str, limit: u32) -> Result<(Vec<Fact>, Option<String>)>;

    /// All owners, by code: a row for each professional who owns something, too. For tools that list them; readers of facts ask for
    /// [`described_owners`](Self::described_owners).
    async fn owners(&self) -> Result<Vec<OwnerRow>>;

    /// The owners that have a description, by code: files, feeds, authorities. Cost: these rows, and none of the others.
    async fn described_owners(&self) -> Result<Vec<OwnerRow>>;

    /// A note: a text beside the log, written in its transactions, never published. `kind` and `key` name it.
    async fn note(&self, kind: &str, key: &str) -> Result<Option<String>>;

    /// The first `limit` notes of a kind whose keys follow `after`, as (key, text), in byte order of their keys.
    async fn notes(&self, kind: &str, after: &str, limit: u32) -> Result<Vec<(String, String)>>;

    /// Takes the job of this queue and one of these kinds that is due for longest, and hides it from others for `lease_ms`: whoever dies with it gives it
    /// back. Two callers never get one job.
    async fn take_job(&self, queue: Queue, kinds: &[&str], now_ms: i64, lease_ms: i64) -> Result<Option<Job>>;

    /// Removes a job that is done.
    async fn finish_job(&self, id: i64) -> Result<()>;

    /// Gives a job back after a failure: it is due again at `due_ms` (see [`back_off_ms`](crate::back_off_ms)).
    async fn retry_job(&self, id: i64, due_ms: i64, error: &str) -> Result<()>;

    /// Jobs that wait or are being done: the first `limit` of a queue, by due time. For consoles and `status`.
    async fn jobs(&self, queue: Queue, limit: u32) -> Result<Vec<Job>>;

    /// Rows of the audit trail after number `after`, at most `limit`.
    async fn audit_trail(&self, after: u64, limit: u32) -> Result<Vec<AuditRow>>;

    /// The events that a filter finds, the newest first: at most `limit` of those whose number is less than `before`. Cost: the page, when
    /// the filter names an object, a request or an actor alone; else what is passed over as well.
    async fn audit_of(&self, filter: &AuditFilter, before: Option<u64>, limit: u32) -> Result<Vec<AuditRow>>;

    /// Raises the epoch by one and returns the identity; for `restore`.
    async fn raise_epoch(&self) -> Result<LogIdentity>;

    /// Every disagreement between log, state, checksums and audit trail, one sentence each; empty when there is none. Reads
    /// the whole registry.
    async fn verify(&self) -> Result<Vec<String>>;
}

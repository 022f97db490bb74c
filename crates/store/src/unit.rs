//! The unit of work, and the stage of a large one.

use crate::case::CaseListing;
use crate::identity::{IdentityRow, IdentityWrite};
use crate::subscription::SubscriptionWrite;
use crate::{AuditEvent, Cause, Change, ChangeCounts, CommitClock, CommitOutcome, Expect, FactMark, NewJob, OwnerRow, Result};
use annuaire_base::Tx;
use annuaire_base::fact::Fact;
use async_trait::async_trait;

/// One business event being written: all of it becomes one database transaction in [`save`](Unit::save), or nothing does.
/// Dropping a unit discards it.
#[async_trait]
pub trait Unit: Send {
    /// The facts of these entities as they stand, those of this unit included but for an adopted stage, by entity, owner code, facet.
    async fn facts(&mut self, entities: &[String]) -> Result<Vec<Fact>>;

    /// Facts of `owner` that stand, those of this unit included but for an adopted stage, by entity (byte order), facet: the first `limit` whose entity follows `after`, entities whole.
    /// Cost: proportional to the page, plus the ended facts in between.
    async fn known(&mut self, owner: &str, after: &str, limit: u32) -> Result<Vec<FactMark>>;

    /// Writes a version of a fact. It vanishes when it changes nothing: equal content and publication, an equal fingerprint other than zero
    /// (the content is then not compared), the end of an unknown fact, anything about a withdrawn entity. Of several versions of one fact the last one counts.
    /// A unit is one event and keeps its puts in memory; many facts go through a stage.
    ///
    /// # Errors
    /// [`Error::UnknownOwner`](crate::Error::UnknownOwner). `expect` is about the registry before this unit: [`Error::Conflict`](crate::Error::Conflict) when `expect` does not hold, here or in [`save`](Unit::save); nothing of the unit is written then.
    async fn put(&mut self, change: Change, expect: Expect) -> Result<()>;

    /// Makes all of a stage part of this unit. At most one, and no fact of its owners is put beside it.
    ///
    /// # Errors
    /// [`Error::Overtaken`](crate::Error::Overtaken) when a transaction changed facts of an owner of the stage after the stage had begun.
    async fn adopt(&mut self, stage: Box<dyn Stage>) -> Result<()>;

    /// Withdraws an entity by law (WDR-1): the content of all versions of all its facts is replaced by tombstones, here and in the past, and
    /// puts about it are withheld from now on. Counts as one row of the log for each fact that stood, and takes a number even when none did, unless
    /// the entity is withdrawn already.
    async fn withdraw(&mut self, entity: &str) -> Result<()>;

    /// Lifts a withdrawal: the entity may be written again. Its past content stays gone.
    async fn lift_withdrawal(&mut self, entity: &str) -> Result<()>;

    /// Adds an owner, or replaces its description.
    async fn set_owner(&mut self, owner: &OwnerRow) -> Result<()>;

    /// Counts so far.
    async fn counts(&mut self) -> Result<ChangeCounts>;

    /// The number that this unit takes if it changes a fact. From here on other saves wait for this one.
    async fn next_tx(&mut self) -> Result<Tx>;

    /// [`Registry::note`](crate::Registry::note), as this unit sees it. Once [`next_tx`](Unit::next_tx) was called nobody else writes before the end of this unit.
    async fn note(&mut self, kind: &str, key: &str) -> Result<Option<String>>;

    /// [`Registry::notes`](crate::Registry::notes), as this unit sees them.
    async fn notes(&mut self, kind: &str, after: &str, limit: u32) -> Result<Vec<(String, String)>>;

    /// Writes a note in place of the former one; `None` removes it.
    async fn set_note(&mut self, kind: &str, key: &str, text: Option<&str>) -> Result<()>;

    /// Writes a job.
    async fn job(&mut self, job: &NewJob) -> Result<()>;

    /// Writes an event of the audit trail. It is dated when the unit is saved.
    async fn audit(&mut self, event: &AuditEvent) -> Result<()>;

    /// Writes, changes or removes a subscription.
    ///
    /// # Errors
    /// [`Error::SubscriptionChanged`](crate::Error::SubscriptionChanged), here or in [`save`](Unit::save): nothing of the unit is written then.
    async fn write_subscription(&mut self, write: &SubscriptionWrite) -> Result<()>;

    /// [`IdentityStore::identity_row`](crate::identity::IdentityStore::identity_row), as this unit sees it: what it wrote is read back.
    async fn identity_row(&mut self, kind: &str, key: &str) -> Result<Option<IdentityRow>>;

    /// Writes, replaces or removes a row of identity. A unit may write one row several times: each write expects what the one before left.
    ///
    /// # Errors
    /// [`Error::IdentityChanged`](crate::Error::IdentityChanged) when the row has another version, here or in [`save`](Unit::save), which is
    /// refused once one was met: nothing of the unit is written then. [`Error::Rejected`](crate::Error::Rejected) for what is beyond
    /// [`limits`](crate::limits).
    async fn write_identity(&mut self, write: &IdentityWrite) -> Result<()>;

    /// Writes how lists find a case, in place of what was there. The row of the case is written with
    /// [`write_identity`](Unit::write_identity) in the same unit: its version decides of two writers.
    ///
    /// # Errors
    /// [`Error::Rejected`](crate::Error::Rejected) for what is beyond [`limits`](crate::limits).
    async fn list_case(&mut self, listing: &CaseListing) -> Result<()>;

    /// Commits. Number and instant are taken here ([`commit_time`](crate::commit_time)), under the lock that makes numbers gap-free, and never before. A unit that changes no fact takes no
    /// number; what else it wrote is committed all the same.
    ///
    /// # Errors
    /// Those of [`put`](Unit::put), of [`commit_time`](crate::commit_time) and of the database. Nothing remains then. When the connection is lost during the
    /// commit itself, [`Error::Uncertain`](crate::Error::Uncertain).
    async fn save(self: Box<Self>, cause: &Cause, clock: CommitClock<'_>) -> Result<CommitOutcome>;
}

/// Many facts of one transaction, being written beside the state. Nobody sees them before a unit adopts them.
#[async_trait]
pub trait Stage: Send {
    /// The state with which the stage compares: the last transaction when it began.
    fn base(&self) -> Tx;

    /// Facts of `owner` that stand at the base, by entity (byte order), facet: the first `limit` whose entity follows `after`, entities whole.
    async fn known(&mut self, owner: &str, after: &str, limit: u32) -> Result<Vec<FactMark>>;

    /// [`Unit::put`] without expectation, compared with the base. Any order is correct; order by owner code, entity, facet is fastest. Puts are buffered,
    /// so an error may belong to an earlier one.
    async fn put(&mut self, change: Change) -> Result<()>;

    /// Counts so far. Cost: writes the buffer. Not while this task has a unit open: SQLite has one writer, so it would wait for itself. A put that
    /// changes nothing counts again when it is repeated far from the first.
    async fn counts(&mut self) -> Result<ChangeCounts>;

    /// Writes the buffer and returns what [`Unit::adopt`] needs. Called by `adopt`.
    async fn seal(self: Box<Self>) -> Result<SealedStage>;
}

/// A stage that is completely written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedStage {
    /// Batch under which its rows are.
    pub batch: u64,
    /// The state with which it was compared.
    pub base: Tx,
    /// Codes of the owners of its facts.
    pub owners: Vec<String>,
    /// Counts.
    pub counts: ChangeCounts,
    /// Merkle root of its rows.
    pub root: [u8; 32],
}

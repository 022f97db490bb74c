//! The registry for threads that are not tasks: imports, followers, commands.

use crate::case::{CaseFilter, CaseListing, CaseOrder, ListedCase};
use crate::identity::{IdentityRow, IdentityWrite};
use crate::subscription::{DeliveryNote, NewEvents, SubscriptionEvent, SubscriptionHead, SubscriptionRow, SubscriptionWrite};
use crate::{
    AuditEvent, AuditFilter, AuditRow, Cause, Change, ChangeCounts, CommitClock, CommitOutcome, Expect, FactMark, Job, NewJob,
    OwnerRow, Queue, Registry, Result, Stage, Transaction, Unit,
};
use annuaire_base::fact::{Fact, FactVersion};
use annuaire_base::{LogIdentity, Tx};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// A [`Registry`] whose calls block the calling thread. Not to be called from a task of a runtime: it panics there.
#[derive(Clone)]
pub struct BlockingRegistry {
    registry: InRuntime<Arc<dyn Registry>>,
}

/// A [`Unit`] whose calls block the calling thread.
pub struct BlockingUnit {
    unit: InRuntime<Box<dyn Unit>>,
}

/// A [`Stage`] whose calls block the calling thread.
pub struct BlockingStage {
    stage: InRuntime<Box<dyn Stage>>,
}

/// A value whose drop needs its runtime: a pool takes a connection back in a task.
#[derive(Clone)]
struct InRuntime<T> {
    /// Absent once taken.
    value: Option<T>,
    runtime: Handle,
}

impl<T> InRuntime<T> {
    fn new(value: T, runtime: &Handle) -> Self {
        Self { value: Some(value), runtime: runtime.clone() }
    }

    fn take(mut self) -> T {
        self.value.take().unwrap_or_else(|| unreachable!("only `take` takes it, and it consumes the holder"))
    }

    fn get(&self) -> &T {
        self.value.as_ref().unwrap_or_else(|| unreachable!("only `take` takes it, and it consumes the holder"))
    }

    fn get_mut(&mut self) -> &mut T {
        self.value.as_mut().unwrap_or_else(|| unreachable!("only `take` takes it, and it consumes the holder"))
    }
}

impl<T> Drop for InRuntime<T> {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
        drop(self.value.take());
    }
}

impl BlockingRegistry {
    /// The registry, whose calls run on a runtime that somebody else keeps. Its drivers must be running: a multi-thread runtime.
    #[must_use]
    pub fn new(registry: Arc<dyn Registry>, runtime: Handle) -> Self {
        Self { registry: InRuntime::new(registry, &runtime) }
    }

    /// The registry for tasks.
    #[must_use]
    pub fn registry(&self) -> &Arc<dyn Registry> {
        self.registry.get()
    }

    fn runtime(&self) -> &Handle {
        &self.registry.runtime
    }

    /// [`Registry::begin`].
    ///
    /// # Errors
    /// As the method of the trait; so for all methods of this type.
    pub fn begin(&self) -> Result<BlockingUnit> {
        let unit = self.runtime().block_on(self.registry().begin())?;
        Ok(BlockingUnit { unit: InRuntime::new(unit, self.runtime()) })
    }

    /// [`Registry::stage`].
    ///
    /// # Errors
    /// As the method of the trait.
    pub fn stage(&self) -> Result<BlockingStage> {
        let stage = self.runtime().block_on(self.registry().stage())?;
        Ok(BlockingStage { stage: InRuntime::new(stage, self.runtime()) })
    }

    /// [`Registry::commits`].
    #[must_use]
    pub fn commits(&self) -> watch::Receiver<Tx> {
        self.registry().commits()
    }
}

/// Methods that wait for the one of this name of the trait.
macro_rules! blocking {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $out:ty;)*) => {
        impl BlockingRegistry {
            $(
                #[doc = concat!("[`Registry::", stringify!($name), "`].\n\n# Errors\nAs the method of the trait.")]
                pub fn $name(&self, $($arg: $ty),*) -> Result<$out> {
                    self.runtime().block_on(self.registry().$name($($arg),*))
                }
            )*
        }
    };
}

blocking! {
    log() -> LogIdentity;
    last_tx() -> Tx;
    transactions(after: Tx, limit: u32) -> Vec<Transaction>;
    changed_entities(tx: Tx, after: &str, limit: u32) -> Vec<String>;
    withdrawn(tx: Tx) -> Vec<String>;
    facts_at(tx: Tx, entities: &[String]) -> Vec<Fact>;
    history(tx: Tx, entities: &[String]) -> Vec<FactVersion>;
    standing(tx: Tx, after: &str, limit: u32) -> (Vec<Fact>, Option<String>);
    owners() -> Vec<OwnerRow>;
    described_owners() -> Vec<OwnerRow>;
    note(kind: &str, key: &str) -> Option<String>;
    notes(kind: &str, after: &str, limit: u32) -> Vec<(String, String)>;
    take_job(queue: Queue, kinds: &[&str], now_ms: i64, lease_ms: i64) -> Option<Job>;
    finish_job(id: i64) -> ();
    retry_job(id: i64, due_ms: i64, error: &str) -> ();
    jobs(queue: Queue, limit: u32) -> Vec<Job>;
    audit_trail(after: u64, limit: u32) -> Vec<AuditRow>;
    audit_of(filter: &AuditFilter, before: Option<u64>, limit: u32) -> Vec<AuditRow>;
    raise_epoch() -> LogIdentity;
    verify() -> Vec<String>;
    subscription(id: &str) -> Option<SubscriptionRow>;
    subscription_heads(owner: Option<&str>, after: &str, limit: u32) -> Vec<SubscriptionHead>;
    subscription_events(id: &str, first: u64, last: u64, limit: u32) -> Vec<SubscriptionEvent>;
    store_events(new: &[NewEvents], done: &[String], watermark: Tx) -> Vec<String>;
    note_delivery(note: &DeliveryNote) -> bool;
    take_lease(name: &str, holder: &str, now_ms: i64, until_ms: i64) -> bool;
    end_lease(name: &str, holder: &str) -> ();
    identity_row(kind: &str, key: &str) -> Option<IdentityRow>;
    identity_rows_at(places: &[(&str, &str)]) -> Vec<Option<IdentityRow>>;
    identity_rows(kind: &str, subject: Option<&str>, after: &str, limit: u32) -> Vec<IdentityRow>;
    identity_rows_due(kind: &str, until_ms: i64, limit: u32) -> Vec<IdentityRow>;
    cases(filter: &CaseFilter, order: CaseOrder, offset: u32, limit: u32) -> Vec<ListedCase>;
    case_counts(filter: &CaseFilter) -> BTreeMap<String, u64>;
    sweep_identity(kinds: &[&str], until_ms: i64, limit: u32) -> u64;
}

/// Methods of a unit or a stage that wait for the one of this name of the trait.
macro_rules! blocking_writer {
    ($type:ident.$field:ident: $trait:ident { $($name:ident($($arg:ident: $ty:ty),*) -> $out:ty;)* }) => {
        impl $type {
            $(
                #[doc = concat!("[`", stringify!($trait), "::", stringify!($name), "`].\n\n# Errors\nAs the method of the trait.")]
                pub fn $name(&mut self, $($arg: $ty),*) -> Result<$out> {
                    let runtime = self.$field.runtime.clone();
                    runtime.block_on(self.$field.get_mut().$name($($arg),*))
                }
            )*
        }
    };
}

blocking_writer! {
    BlockingUnit.unit: Unit {
        facts(entities: &[String]) -> Vec<Fact>;
        known(owner: &str, after: &str, limit: u32) -> Vec<FactMark>;
        put(change: Change, expect: Expect) -> ();
        withdraw(entity: &str) -> ();
        lift_withdrawal(entity: &str) -> ();
        set_owner(owner: &OwnerRow) -> ();
        counts() -> ChangeCounts;
        next_tx() -> Tx;
        note(kind: &str, key: &str) -> Option<String>;
        notes(kind: &str, after: &str, limit: u32) -> Vec<(String, String)>;
        set_note(kind: &str, key: &str, text: Option<&str>) -> ();
        job(job: &NewJob) -> ();
        audit(event: &AuditEvent) -> ();
        write_subscription(write: &SubscriptionWrite) -> ();
        identity_row(kind: &str, key: &str) -> Option<IdentityRow>;
        write_identity(write: &IdentityWrite) -> ();
        list_case(listing: &CaseListing) -> ();
    }
}

blocking_writer! {
    BlockingStage.stage: Stage {
        known(owner: &str, after: &str, limit: u32) -> Vec<FactMark>;
        put(change: Change) -> ();
        counts() -> ChangeCounts;
    }
}

impl BlockingUnit {
    /// [`Unit::adopt`].
    ///
    /// # Errors
    /// As the method of the trait.
    pub fn adopt(&mut self, stage: BlockingStage) -> Result<()> {
        let runtime = self.unit.runtime.clone();
        runtime.block_on(self.unit.get_mut().adopt(stage.stage.take()))
    }

    /// [`Unit::save`].
    ///
    /// # Errors
    /// As the method of the trait.
    pub fn save(self, cause: &Cause, clock: CommitClock<'_>) -> Result<CommitOutcome> {
        let runtime = self.unit.runtime.clone();
        runtime.block_on(self.unit.take().save(cause, clock))
    }
}

impl BlockingStage {
    /// [`Stage::base`].
    #[must_use]
    pub fn base(&self) -> Tx {
        self.stage.get().base()
    }

    /// [`Stage::put`] for each of these changes, in order. Cost: the thread waits once, not once for each change.
    ///
    /// # Errors
    /// As the method of the trait. The changes after the one that failed are not put.
    pub fn put_all(&mut self, changes: impl IntoIterator<Item = Change>) -> Result<()> {
        let runtime = self.stage.runtime.clone();
        runtime.block_on(async {
            let stage = self.stage.get_mut();
            for change in changes {
                stage.put(change).await?;
            }
            Ok(())
        })
    }
}

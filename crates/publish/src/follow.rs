//! Following the log: one transaction after the other.

use crate::apply::{TransactionReading, apply};
use crate::error::Error;
use crate::limits;
use crate::log::missing_transactions;
use crate::set_aside::SetAside;
use annuaire_fhir::View;
use annuaire_index::Index;
use annuaire_store::Registry;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Receives what is being done, how much of it is done, and how much there is (0 when that is not known).
pub type Tell<'a> = &'a (dyn Fn(&str, u64, u64) + Sync);

/// The result of following the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Followed {
    /// New resource versions.
    pub versions: u64,
    /// Objects that could not be published: the first ones, at most [`limits::NAMED`].
    pub set_aside: Vec<SetAside>,
    /// Number of objects that could not be published.
    pub set_aside_count: u64,
}

/// Applies every transaction that the store does not have yet, those included that are committed meanwhile.
///
/// # Errors
/// Stops at the first failure; calling again resumes. [`Error::OtherLog`] when the last transaction of the store is not one of
/// this registry.
pub fn follow(registry: &mut dyn Registry, index: &Index, view: View, tell: Tell<'_>) -> Result<Followed, Error> {
    let mut all = Followed::default();
    let mut done = 0;
    loop {
        let log = missing_transactions(registry, index)?;
        if log.is_empty() {
            tell("publishing", done, done);
            return Ok(all);
        }
        let total = done + log.iter().map(|tx| tx.changes).sum::<u64>();
        for transaction in &log {
            tell("publishing", done, total);
            // Unwind safe: the store publishes a transaction with its last write, or nothing of it.
            let applied = catch_unwind(AssertUnwindSafe(|| {
                let reading = TransactionReading::of(index, transaction)?;
                apply(registry, index, view, transaction, reading)
            }));
            let applied = applied.unwrap_or(Err(Error::Panicked { tx: transaction.tx }))?;
            all.versions += applied.versions;
            all.set_aside_count += applied.set_aside.len() as u64;
            let room = limits::NAMED.saturating_sub(all.set_aside.len());
            all.set_aside.extend(applied.set_aside.into_iter().take(room).map(SetAside::from));
            done += transaction.changes;
        }
    }
}

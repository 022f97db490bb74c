//! One large transaction of the log into the store.
//!
//! One thread reads the registry, one for each processor makes and compresses resources, and the calling one writes them, in the
//! order of the entities: the store does not depend on which thread was faster.

#[cfg(test)]
mod tests;

use crate::error::Error;
use crate::follower::LogRange;
use crate::limits;
use crate::mailboxes::MailboxHoldersOfBothStates;
use crate::page::{EntityPage, GivePage, PageContext, PreparedPage, TxPreparer};
use crate::read::{first_load, look_ups, side_by_side};
use crate::referenced::prepare_referenced;
use crate::state::StateSource;
use annuaire_base::Tx;
use annuaire_batch::parallel;
use annuaire_fhir::View;
use annuaire_fhir::organization::ReferencedStructure;
use annuaire_index::{ApplyOptions, Index, Prepared, Preparer, Retention, SetAsideChanges, SetAsideEntity};
use annuaire_store::Transaction;
use std::cell::RefCell;
use std::collections::HashSet;

/// The way in which a transaction is read. Published resources do not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TransactionReading {
    /// Nothing is published yet: the complete state after the transaction, in order.
    FirstLoad,
    /// It changes much of what is published: both states in order, side by side.
    SideBySide,
    /// The entities that it changes, by look-ups.
    LookUps,
}

impl TransactionReading {
    /// The cheapest reading. It is chosen by what there is to do: the first large load is not always the first transaction.
    pub(crate) fn of(index: &Index, transaction: &Transaction) -> Result<Self, Error> {
        if index.is_empty() && index.set_aside_count()? == 0 {
            return Ok(Self::FirstLoad);
        }
        let is_large =
            transaction.changes >= limits::LARGE && transaction.changes.saturating_mul(limits::SHARE) >= index.resource_count();
        Ok(if is_large { Self::SideBySide } else { Self::LookUps })
    }
}

/// The effect of a transaction on the store.
pub(crate) struct AppliedLarge {
    /// New versions.
    pub(crate) versions: u64,
    /// Entities that were set aside.
    pub(crate) set_aside: Vec<SetAsideEntity>,
}

/// Applies the first transaction of a range, all of it or nothing.
pub(crate) fn apply(
    range: &LogRange<'_>,
    index: &Index,
    view: View,
    transaction: &Transaction,
    reading: TransactionReading,
    retention: Option<&Retention<'_>>,
) -> Result<AppliedLarge, Error> {
    let (tx, commit_ms) = (transaction.tx, transaction.commit_ms);
    let source = StateSource { registry: range.registry, owners: range.owners, perimeter: view.perimeter };
    // Opened here first, so that a store that cannot be read is reported before any thread starts.
    let preparer = index.preparer(tx, commit_ms)?;
    let holders = MailboxHoldersOfBothStates::default();
    let feed = |give: GivePage<'_>| {
        let read = match reading {
            TransactionReading::FirstLoad => first_load::give_pages(range.registry, tx, &holders.after, give),
            TransactionReading::SideBySide => side_by_side::give_pages(source, index, tx, &holders, give),
            TransactionReading::LookUps => look_ups::give_pages(source, index, tx, give),
        };
        if let Err(e) = read {
            give(Err(e));
        }
    };
    let context = PageContext { view, owners: range.owners, transaction, holders: &holders };
    let worker = || {
        let mut preparer = index.preparer(tx, commit_ms);
        let context = &context;
        move |page: Result<EntityPage, Error>| match &mut preparer {
            Ok(preparer) => page?.prepare(context, preparer),
            Err(_) => Err(annuaire_index::Error::Refused("the state of the store cannot be read").into()),
        }
    };
    let set_aside = RefCell::new(SetAsideChanges::new());
    let versions = parallel::ordered(parallel::workers(0), feed, worker, |pages| {
        let resources = ResourceStream {
            index,
            view,
            tx,
            commit_ms,
            pages,
            ready: Vec::new().into_iter(),
            collected: Collected::default(),
            set_aside: &set_aside,
            preparer,
            ended: false,
        };
        let set_aside = || set_aside.borrow().clone();
        let digest = transaction.digest;
        let options = ApplyOptions { retention, set_aside: Some(&set_aside), digest, withdrawn: &[] };
        index.apply_with::<Error>(tx, commit_ms, resources, &options)
    })?;
    Ok(AppliedLarge { versions, set_aside: set_aside.into_inner().into_iter().filter_map(|(_, set_aside)| set_aside).collect() })
}

/// The resources of a transaction in the order of publication: those of the pages, then the structures to which they point and
/// which nothing describes.
struct ResourceStream<'a> {
    index: &'a Index,
    view: View,
    tx: Tx,
    commit_ms: i64,
    pages: &'a mut dyn Iterator<Item = Result<Result<PreparedPage, Error>, parallel::Lost>>,
    ready: std::vec::IntoIter<Prepared>,
    collected: Collected,
    set_aside: &'a RefCell<SetAsideChanges>,
    preparer: Preparer,
    /// All pages are taken.
    ended: bool,
}

/// Organizations that the pages so far hold, and structures to which they point.
#[derive(Default)]
struct Collected {
    organizations: HashSet<String>,
    referenced: HashSet<ReferencedStructure>,
}

impl Iterator for ResourceStream<'_> {
    type Item = Result<Prepared, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(next) = self.ready.next() {
                return Some(Ok(next));
            }
            match self.pages.next() {
                Some(Ok(Ok(page))) => {
                    self.collected.organizations.extend(page.organizations);
                    self.collected.referenced.extend(page.referenced);
                    self.set_aside.borrow_mut().extend(page.set_aside);
                    self.ready = page.resources.into_iter();
                }
                Some(Ok(Err(e))) => return Some(Err(e)),
                Some(Err(parallel::Lost)) => return Some(Err(Error::Panicked { tx: self.tx })),
                None if self.ended => return None,
                None => {
                    self.ended = true;
                    let Collected { organizations, referenced } = &self.collected;
                    let preparer = &mut TxPreparer { preparer: &mut self.preparer, tx: self.tx, commit_ms: self.commit_ms };
                    match prepare_referenced(self.index, self.view, organizations, referenced, preparer) {
                        Ok(prepared) => self.ready = prepared.into_iter(),
                        Err(e) => return Some(Err(e)),
                    }
                }
            }
        }
    }
}

//! A publication store as a follower of the log.

use crate::error::Error;
use crate::follower::{AppliedRange, Follower, LogRange, Position};
use crate::group::{self, GroupLog, GroupSource};
use crate::large::{self, TransactionReading};
use crate::limits;
use crate::withdrawal::{self, Withdrawal};
use annuaire_base::LogIdentity;
use annuaire_consolidate::Perimeter;
use annuaire_fhir::{View, schema};
use annuaire_index::{Applied, ApplyOptions, GroupItem, Index, Retention, TxEnd};

/// Follows the log into a publication store.
pub struct PublicationFollower<'i> {
    index: &'i Index,
    view: View,
    /// How many transactions are tried together: fewer after a group that ended early, since what was made of the others was lost.
    together: usize,
    /// What the log says of the transactions that come next, when it was read while those before were applied.
    ahead: Option<GroupLog>,
}

impl<'i> PublicationFollower<'i> {
    /// A follower that fills the store of a view.
    #[must_use]
    pub fn new(index: &'i Index, view: View) -> Self {
        Self { index, view, together: usize::MAX, ahead: None }
    }

    /// Applies transactions one by one and never together. What is published does not depend on it.
    #[must_use]
    pub fn one_by_one(self) -> Self {
        Self { together: 0, ..self }
    }

    /// Applies the first transactions of a range together, those of the first `count` that do not depend on each other in the
    /// store. Meanwhile, another thread reads what the log says of many transactions after them.
    fn apply_together(
        &mut self,
        range: &LogRange<'_>,
        count: usize,
        retention: Option<&Retention<'_>>,
    ) -> Result<AppliedRange, Error> {
        let transactions = range.transactions.get(..count).unwrap_or_default();
        let ahead = self.ahead.take().and_then(|log| Some((log.length_in(transactions)?, log)));
        let (count, log) = match ahead {
            Some(ahead) => ahead,
            None => (count, GroupLog::read(range.registry, transactions)?),
        };
        let after = range.transactions.get(count..).unwrap_or_default();
        let next = after.get(..group::length(after, self.view.perimeter, self.together.max(1))).unwrap_or_default();
        let is_worth_a_thread = next.iter().map(|tx| tx.changes).sum::<u64>() >= limits::ALONE;
        std::thread::scope(|scope| {
            let ahead = is_worth_a_thread.then(|| scope.spawn(|| GroupLog::read(range.registry, next)));
            let applied = self.apply_group(range, count, log, retention);
            // What could not be read is read again, and reported then.
            self.ahead = ahead.and_then(|ahead| ahead.join().ok()?.ok());
            applied
        })
    }

    /// Applies the first `count` transactions of a range, of which `log` was read, or fewer that do not depend on each other.
    fn apply_group(
        &mut self,
        range: &LogRange<'_>,
        count: usize,
        log: GroupLog,
        retention: Option<&Retention<'_>>,
    ) -> Result<AppliedRange, Error> {
        let (index, view) = (self.index, self.view);
        let Some((first, transactions)) = range.transactions.first().zip(range.transactions.get(..count)) else {
            return Ok(AppliedRange::default());
        };
        let mut withdrawal = match first.withdrawals {
            0 => Withdrawal::default(),
            _ => withdrawal::find(range, index, first.tx)?,
        };
        let withdrawn = withdrawal.resources.len() as u64;
        let source = GroupSource {
            registry: range.registry,
            owners: range.owners,
            index,
            perimeter: view.perimeter,
            transactions,
            log,
            also: std::mem::take(&mut withdrawal.made_again),
        };
        let read = group::read(source)?;
        let made = group::make(&read, index, view)?;
        let emitted = group::emit(&read, made, index, view, withdrawal)?;
        let tx = transactions.get(emitted.transactions.saturating_sub(1)).map_or(first.tx, |last| last.tx);
        let versions = if first.withdrawals > 0 {
            apply_withdrawing(index, emitted.items, retention)?
        } else {
            let items = emitted.items.into_iter().map(Ok);
            let is_backlog = range.transactions.iter().map(|tx| tx.changes).sum::<u64>() >= limits::BACKLOG;
            if is_backlog {
                index.apply_backlog::<Error>(items, retention)?
            } else {
                index.apply_group::<Error>(items, retention)?
            }
        };
        if self.together > 0 {
            // Doubled from what went well, so that groups that end early cost no more than twice the work.
            let applied = emitted.transactions;
            self.together = if applied < count { applied.max(1) } else { self.together.max(applied) }.saturating_mul(2);
        }
        let set_aside = emitted.set_aside.into_iter().map(Into::into).collect();
        Ok(AppliedRange { tx, versions, withdrawn, set_aside })
    }
}

impl Follower for PublicationFollower<'_> {
    fn name(&self) -> &str {
        match self.view.perimeter {
            Perimeter::Public => "public",
            Perimeter::Restricted => "restricted",
        }
    }

    fn perimeter(&self) -> Perimeter {
        self.view.perimeter
    }

    fn position(&self) -> Result<Position, Error> {
        let Applied { tx, commit_ms, digest } = self.index.applied();
        Ok(Position { tx, commit_ms, digest })
    }

    fn bind(&mut self, log: LogIdentity) -> Result<(), Error> {
        match self.index.bind_log(log) {
            Err(annuaire_index::Error::OtherLog { store }) => Err(Error::of_logs(store, log)),
            bound => Ok(bound?),
        }
    }

    fn apply(&mut self, range: &LogRange<'_>) -> Result<AppliedRange, Error> {
        let link_rules = schema::link_rules();
        let retention = Retention { after_ms: limits::WITHDRAWN_MS, again_ms: limits::AGAIN_MS, links: &link_rules };
        // The restricted perimeter keeps withdrawn resources.
        let retention = (self.view.perimeter == Perimeter::Public).then_some(&retention);
        let count = group::length(range.transactions, self.view.perimeter, self.together.max(1));
        let Some(first) = range.transactions.first() else {
            return Ok(AppliedRange { tx: self.position()?.tx, ..Default::default() });
        };
        if count > 0 {
            return self.apply_together(range, count, retention);
        }
        let reading = TransactionReading::of(self.index, first)?;
        let applied = large::apply(range, self.index, self.view, first, reading, retention)?;
        let set_aside = applied.set_aside.into_iter().map(Into::into).collect();
        Ok(AppliedRange { tx: first.tx, versions: applied.versions, withdrawn: 0, set_aside })
    }
}

/// Applies one transaction that withdraws. The store must know what goes before it sees what stays: a resource that is published
/// again gets a new version even when its content is that of the version withdrawn.
fn apply_withdrawing(index: &Index, items: Vec<GroupItem>, retention: Option<&Retention<'_>>) -> Result<u64, Error> {
    let mut resources = Vec::new();
    let mut end = TxEnd::default();
    for item in items {
        match item {
            GroupItem::Resource(resource) => resources.push(Ok(resource)),
            GroupItem::End(of_transaction) => end = of_transaction,
        }
    }
    // A log names no resource that vanishes: retention does.
    let TxEnd { tx, commit_ms, digest, set_aside, withdrawn, vanished: _ } = end;
    let set_aside = || set_aside.clone();
    let options = ApplyOptions { retention, set_aside: Some(&set_aside), digest, withdrawn: &withdrawn };
    index.apply_with::<Error>(tx, commit_ms, resources.into_iter(), &options)
}

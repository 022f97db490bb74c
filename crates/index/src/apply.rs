//! Applying transactions of the log. [`crate::layout`] describes the commit protocol.

use std::sync::PoisonError;

use annuaire_base::Tx;
use annuaire_terms::TypeId;

use crate::application::Application;
use crate::applied::LogDigest;
use crate::error::Error;
use crate::index::Index;
use crate::prepare::Prepared;
use crate::retention::Retention;
use crate::set_aside::SetAsideChanges;
use crate::transaction::{GroupItem, TxEnd};

/// Sizes of commits.
#[derive(Clone, Copy)]
struct CommitSizes {
    /// Resources from which a transaction of a group is applied alone, in several commits.
    alone: usize,
    /// Versions after which a group is committed.
    versions: u64,
}

/// Sizes for transactions that come one by one. A version has terms in some twenty-five blocks, and LMDB reuses no page that the same
/// commit has freed: after a year of commits of some hundred versions, a fourth of a small store was free pages.
const STEADY: CommitSizes =
    if cfg!(test) { CommitSizes { alone: 40, versions: 25 } } else { CommitSizes { alone: 200, versions: 100 } };
/// Sizes for a backlog. A commit merges the terms of its versions into the blocks, and some hundred versions have terms in most blocks
/// of a small store: a year of deliveries is rebuilt three times faster with commits of this size than with 500 versions.
const BACKLOG: CommitSizes =
    if cfg!(test) { CommitSizes { alone: 60, versions: 50 } } else { CommitSizes { alone: 10_000, versions: 20_000 } };

/// What a transaction does beside its resources.
#[derive(Default)]
pub struct ApplyOptions<'a> {
    /// When what left vanishes; `None`: never.
    pub retention: Option<&'a Retention<'a>>,
    /// Changes of the entities set aside. Called after the last resource, when they are all known.
    pub set_aside: Option<&'a dyn Fn() -> SetAsideChanges>,
    /// Digest of the transaction in the log.
    pub digest: LogDigest,
    /// Resources withdrawn by law, before the resources of the transaction: one that is among both goes on after its tombstone.
    pub withdrawn: &'a [(TypeId, String)],
}

impl Index {
    /// Applies one transaction of the log and returns the number of new versions.
    ///
    /// `resources` come from an [`Index::preparer`] for this transaction, in the order of their rows. A transaction not above
    /// [`Index::applied_tx`] does nothing. Readers see nothing of it before the last commit; after an error or a crash it can be
    /// applied again.
    ///
    /// # Errors
    /// Those of `resources`, and those of the store.
    pub fn apply<E: From<Error>>(
        &self,
        tx: Tx,
        commit_ms: i64,
        resources: impl Iterator<Item = Result<Prepared, E>>,
    ) -> Result<u64, E> {
        self.apply_with(tx, commit_ms, resources, &ApplyOptions::default())
    }

    /// [`Index::apply`] with options.
    ///
    /// # Errors
    /// As [`Index::apply`].
    pub fn apply_with<E: From<Error>>(
        &self,
        tx: Tx,
        commit_ms: i64,
        mut resources: impl Iterator<Item = Result<Prepared, E>>,
        options: &ApplyOptions<'_>,
    ) -> Result<u64, E> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if tx <= self.applied_tx() {
            return Ok(0);
        }
        let mut application = Application::begin(self, options.retention)?;
        application.begin_transaction(tx, commit_ms);
        // First, so that a resource of this transaction is the version that follows the tombstone. All is one commit then: of a
        // withdrawal that was interrupted nothing remains.
        application.withdraw(options.withdrawn)?;
        let in_one_commit = !options.withdrawn.is_empty();
        for resource in &mut resources {
            application.add(resource?)?;
            if !in_one_commit {
                application.commit_versions()?;
            }
        }
        if !in_one_commit {
            application.commit_terms()?;
        }
        application.end_transaction(TxEnd {
            tx,
            commit_ms,
            digest: options.digest,
            set_aside: options.set_aside.map(|changes| changes()).unwrap_or_default(),
            ..TxEnd::default()
        })?;
        Ok(application.publish()?)
    }

    /// Applies many small transactions, several of them in one LMDB commit, and returns the number of new versions. What is
    /// published (bodies, stamps, numbers of versions, states at each transaction) is what [`Index::apply_with`] publishes for one
    /// transaction after the other.
    ///
    /// `items` are the resources of each transaction, then its end, in the order of the log; a preparer may have made them at any
    /// earlier state ([`crate::Preparer::prepare_for`]). A transaction not above [`Index::applied_tx`] does nothing. A transaction
    /// of more than two hundred resources is applied alone. Cost of a small one: its versions and its share of a commit.
    ///
    /// # Errors
    /// Those of `items`: the transactions before the error are applied. Those of the store: the transactions since the last commit
    /// are not. Both times [`Index::applied`] tells where to go on.
    pub fn apply_group<E: From<Error>>(
        &self,
        items: impl Iterator<Item = Result<GroupItem, E>>,
        retention: Option<&Retention<'_>>,
    ) -> Result<u64, E> {
        self.apply_items(items, retention, STEADY)
    }

    /// [`Index::apply_group`] for transactions of which many more follow: in larger commits, which cost less for each version, and
    /// after which the files are larger.
    ///
    /// # Errors
    /// As [`Index::apply_group`].
    pub fn apply_backlog<E: From<Error>>(
        &self,
        items: impl Iterator<Item = Result<GroupItem, E>>,
        retention: Option<&Retention<'_>>,
    ) -> Result<u64, E> {
        self.apply_items(items, retention, BACKLOG)
    }

    fn apply_items<E: From<Error>>(
        &self,
        mut items: impl Iterator<Item = Result<GroupItem, E>>,
        retention: Option<&Retention<'_>>,
        sizes: CommitSizes,
    ) -> Result<u64, E> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut versions, mut application) = (0, None);
        // Resources of a transaction are written when its end has come, so that an error before it leaves nothing of them.
        let mut resources = Vec::new();
        let failed = loop {
            match items.next() {
                None if resources.is_empty() => break None,
                None => break Some(Error::Refused("a group ends within a transaction").into()),
                Some(Err(e)) => break Some(e),
                Some(Ok(GroupItem::Resource(resource))) => {
                    resources.push(resource);
                    if resources.len() > sizes.alone {
                        versions += application.take().map_or(Ok(0), Application::publish)?;
                        versions += self.apply_large(&mut resources, &mut items, retention)?;
                    }
                }
                Some(Ok(GroupItem::End(mut end))) => {
                    let application = match &mut application {
                        Some(application) => application,
                        none => none.insert(Application::begin(self, retention)?),
                    };
                    if end.tx <= application.reached_tx() {
                        resources.clear();
                        continue;
                    }
                    application.begin_transaction(end.tx, end.commit_ms);
                    application.withdraw(&std::mem::take(&mut end.withdrawn))?;
                    for resource in resources.drain(..) {
                        application.add(resource)?;
                    }
                    application.end_transaction(end)?;
                    if application.versions() >= sizes.versions {
                        versions += application.publish_and_go_on()?;
                    }
                }
            }
        };
        versions += application.map_or(Ok(0), Application::publish)?;
        failed.map_or(Ok(versions), Err)
    }

    /// Applies a large transaction of a group: the resources collected, those that follow, and the end.
    fn apply_large<E: From<Error>>(
        &self,
        resources: &mut Vec<Prepared>,
        items: &mut dyn Iterator<Item = Result<GroupItem, E>>,
        retention: Option<&Retention<'_>>,
    ) -> Result<u64, E> {
        // The transaction of the resources is known from the resources.
        let Some((tx, commit_ms)) = resources.first().map(Prepared::transaction) else { return Ok(0) };
        let is_applied = tx <= self.applied_tx();
        let mut application = Application::begin(self, retention)?;
        application.begin_transaction(tx, commit_ms);
        let collected = std::mem::take(resources).into_iter().map(|resource| Ok(GroupItem::Resource(resource)));
        for item in collected.chain(items) {
            match item? {
                GroupItem::Resource(_) if is_applied => {}
                GroupItem::Resource(resource) => {
                    application.add(resource)?;
                    application.commit_versions()?;
                }
                GroupItem::End(_) if is_applied => return Ok(0),
                GroupItem::End(end) if end.tx != tx => {
                    return Err(Error::Refused("a resource that was prepared for another transaction").into());
                }
                GroupItem::End(end) => {
                    application.commit_terms()?;
                    application.end_transaction(end)?;
                    return Ok(application.publish()?);
                }
            }
        }
        Err(Error::Refused("a group ends within a transaction").into())
    }
}

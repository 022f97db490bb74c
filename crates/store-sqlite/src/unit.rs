//! The unit of work: the one writer, from its beginning to its end.

use crate::batch::{self, Batch};
use crate::fault::fault;
use crate::shared::Shared;
use crate::stage::discarded;
use crate::staged_rows::StageTail;
use crate::turn::Turn;
use crate::versions::{Of, StoredVersion, last_versions};
use crate::{audit, cases, discard, facts, identity_rows, jobs, limits, notes, prepare, subscriptions, sweep, withdraw};
use annuaire_base::Tx;
use annuaire_base::fact::{Fact, FactKey};
use annuaire_store::backend::{self, LastVersion, Puts, Verdict, decide, expected};
use annuaire_store::case::CaseListing;
use annuaire_store::columns::{signed, tx_column};
use annuaire_store::identity::{IdentityRow, IdentityWrite};
use annuaire_store::proof::{Hash, tx_digest};
use annuaire_store::subscription::SubscriptionWrite;
use annuaire_store::{
    AuditEvent, Cause, Change, ChangeCounts, CommitClock, CommitOutcome, Error, Expect, FactMark, NewJob, OwnerRow, Result,
    Stage, Unit, commit_time,
};
use async_trait::async_trait;
use sqlx::{Sqlite, Transaction};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError};

pub(crate) struct SqliteUnit {
    // Rolled back when dropped, before the turn is given back.
    transaction: Transaction<'static, Sqlite>,
    turn: Turn,
    shared: Arc<Shared>,
    /// The last transaction, its instant (-1: there is none) and its digest.
    before: Tx,
    before_ms: i64,
    before_digest: Hash,
    puts: Puts,
    owners: HashSet<String>,
    /// Whether entities are withdrawn in the registry, as far as they were looked up.
    held: HashMap<String, bool>,
    adopted: Option<StageTail>,
    jobs: Vec<NewJob>,
    events: Vec<AuditEvent>,
    /// Kind and key of a row of identity that was not as expected: the unit cannot be saved any more.
    lost: Option<(String, String)>,
}

/// Puts that write a row, and what all of them do.
struct Decided {
    changes: Vec<Change>,
    counts: ChangeCounts,
}

impl SqliteUnit {
    pub(crate) async fn begin(shared: Arc<Shared>) -> Result<Self> {
        let turn = shared.turns.take().await?;
        let mut transaction = shared.writer.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
        let before = shared.refresh(&mut transaction).await?;
        let last: Option<(i64, Vec<u8>)> = sqlx::query_as("SELECT commit_ms, digest FROM log_tx ORDER BY tx DESC LIMIT 1")
            .fetch_optional(&mut *transaction)
            .await
            .map_err(fault)?;
        let (before_ms, before_digest) = match last {
            None => (-1, [0; 32]),
            Some((ms, digest)) => (
                ms,
                digest.try_into().map_err(|_| Error::Damaged(format!("transaction {before} has a digest of another length")))?,
            ),
        };
        Ok(Self {
            transaction,
            turn,
            shared,
            before,
            before_ms,
            before_digest,
            puts: Puts::default(),
            owners: HashSet::new(),
            held: HashMap::new(),
            adopted: None,
            jobs: Vec::new(),
            events: Vec::new(),
            lost: None,
        })
    }

    async fn held(&mut self, entities: &BTreeSet<&str>) -> Result<()> {
        let unknown: BTreeSet<&str> = entities.iter().copied().filter(|e| !self.held.contains_key(*e)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let held = prepare::withheld(&mut self.transaction, &unknown).await?;
        self.held.extend(unknown.into_iter().map(|entity| (entity.to_owned(), held.contains(entity))));
        Ok(())
    }

    fn held_before(&self, entity: &str) -> bool {
        self.held.get(entity).copied().unwrap_or_default()
    }

    /// What the puts do, compared with the registry before the unit.
    async fn decide(&mut self) -> Result<Decided> {
        let mut decided = Decided { changes: Vec::new(), counts: ChangeCounts::default() };
        let changes: Vec<Change> = self.puts.changes().map(|(change, _)| change.clone()).collect();
        for some in changes.chunks(limits::ENTITIES_TOGETHER) {
            let entities: BTreeSet<&str> = some.iter().map(|change| change.key.entity.as_str()).collect();
            self.held(&entities).await?;
            let versions = last_versions(&mut self.transaction, &self.shared, self.before, &entities, Of::All).await?;
            let known: HashMap<&FactKey, &StoredVersion> = versions.iter().map(|v| (&v.key, v)).collect();
            for change in some {
                let version = known.get(&change.key);
                let withheld = self.puts.withheld(&change.key.entity, self.held_before(&change.key.entity));
                // What this unit withdrew does not stand any more.
                let gone = self.puts.withdrawn().contains(&change.key.entity);
                let last =
                    version.map(|v| v.last()).transpose()?.map(|l| LastVersion { stands: l.stands.filter(|_| !gone), ..l });
                let same = |payload: &str| version.map_or(Ok(false), |v| Ok(v.payload()? == payload));
                let verdict = decide(change, last.as_ref(), withheld, same)?;
                decided.counts.count(verdict);
                if verdict.writes() {
                    decided.changes.push(change.clone());
                }
            }
        }
        Ok(decided)
    }

    /// Entities that this unit withdraws and that were not withdrawn before.
    async fn withdrawals(&mut self) -> Result<Vec<String>> {
        let entities: Vec<String> = self.puts.withdrawn().iter().cloned().collect();
        self.held(&entities.iter().map(String::as_str).collect()).await?;
        Ok(entities.into_iter().filter(|entity| !self.held_before(entity)).collect())
    }

    async fn overtaken(&mut self, owners: &[String], base: Tx) -> Result<()> {
        for owner in owners {
            let at: Option<i64> = sqlx::query_scalar("SELECT min(tx) FROM log_owner WHERE owner = ? AND tx > ?")
                .bind(owner)
                .bind(tx_column(base))
                .fetch_one(&mut *self.transaction)
                .await
                .map_err(fault)?;
            // A withdrawal concerns all owners: the stage may say something of the withdrawn.
            let withdrawn: Option<i64> = sqlx::query_scalar("SELECT min(tx) FROM withdrawal WHERE tx > ?")
                .bind(tx_column(base))
                .fetch_one(&mut *self.transaction)
                .await
                .map_err(fault)?;
            if let Some(at) = at.or(withdrawn) {
                let at = annuaire_store::columns::tx_read(at);
                return Err(Error::Overtaken { owner: owner.clone(), at });
            }
        }
        Ok(())
    }

    /// Writes the rows of the unit; returns the batch, the entities withdrawn, and the counts.
    async fn write_rows(&mut self) -> Result<(Option<Batch>, Vec<String>, ChangeCounts)> {
        let withdrawn = self.withdrawals().await?;
        let Decided { changes, mut counts } = self.decide().await?;
        let written: BTreeSet<FactKey> = changes.iter().map(|change| change.key.clone()).collect();
        let mut rows = backend::rows(changes, &self.shared.entropy);
        for entity in &withdrawn {
            let tombs = withdraw::withdraw(&mut self.transaction, &self.shared, self.before, entity).await?;
            for (owner, row) in tombs {
                let key = FactKey { owner, entity: row.entity.clone(), facet: row.facet.clone() };
                if !written.contains(&key) {
                    counts.count(Verdict::Ended);
                    rows.push((key.owner, row));
                }
            }
        }
        rows.sort_by(|(a, x), (b, y)| (a, &x.entity, &x.facet).cmp(&(b, &y.entity, &y.facet)));
        let adopted = self.adopted.take();
        if let Some(tail) = &adopted {
            counts.add(tail.counts);
        }
        if rows.is_empty() && withdrawn.is_empty() && adopted.as_ref().is_none_or(|tail| tail.batch.rows == 0) {
            return Ok((None, withdrawn, counts));
        }
        let mut batch = match adopted {
            Some(tail) => tail.batch,
            None => Batch::new(batch::next_number(&mut self.transaction).await?, false),
        };
        // Wide owners of a stage stay wide; those of the unit are looked up.
        batch.staged = false;
        let chunks = match rows.len() {
            0..1_024 => backend::chunks(rows)?,
            _ => {
                let made = tokio::task::spawn_blocking(move || backend::chunks(rows)).await;
                made.map_err(|e| Error::Database(e.to_string()))??
            }
        };
        batch.write(&mut self.transaction, &chunks).await?;
        Ok((Some(batch), withdrawn, counts))
    }

    async fn write_transaction(
        &mut self,
        tx: Tx,
        commit_ms: i64,
        batch: &Batch,
        withdrawn: &[String],
        cause: &Cause,
    ) -> Result<()> {
        let root = batch.tree.root();
        let c = &mut *self.transaction;
        sqlx::query(
            "INSERT INTO log_tx(tx, batch, commit_ms, actor, authority, request, channel, basis, reason, changes, withdrawals, bases, root,
                digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(tx_column(tx))
        .bind(signed(batch.number))
        .bind(commit_ms)
        .bind(&cause.actor)
        .bind(&cause.authority)
        .bind(&cause.request)
        .bind(cause.channel.to_string())
        .bind(&cause.basis)
        .bind(&cause.reason)
        .bind(signed(batch.rows))
        .bind(signed(withdrawn.len() as u64))
        .bind(signed(batch.bases))
        .bind(root.to_vec())
        .bind(tx_digest(&self.before_digest, tx, commit_ms, &root).to_vec())
        .execute(&mut *c)
        .await
        .map_err(fault)?;
        for owner in batch.owners.keys() {
            let query = sqlx::query("INSERT INTO log_owner(owner, tx) VALUES (?, ?)").bind(owner).bind(tx_column(tx));
            query.execute(&mut *c).await.map_err(fault)?;
        }
        for entity in withdrawn {
            let query = sqlx::query("INSERT INTO withdrawal(tx, entity) VALUES (?, ?)").bind(tx_column(tx)).bind(entity);
            query.execute(&mut *c).await.map_err(fault)?;
        }
        Ok(())
    }
}

#[async_trait]
impl Unit for SqliteUnit {
    async fn facts(&mut self, entities: &[String]) -> Result<Vec<Fact>> {
        self.held(&entities.iter().map(String::as_str).collect()).await?;
        let facts = facts::facts_at(&mut self.transaction, &self.shared, self.before, entities).await?;
        Ok(self.puts.over_facts(facts, entities, self.before.next(), &|entity| self.held_before(entity)))
    }

    async fn known(&mut self, owner: &str, after: &str, limit: u32) -> Result<Vec<FactMark>> {
        let entities: Vec<String> = self.puts.changes().map(|(change, _)| change.key.entity.clone()).collect();
        self.held(&entities.iter().map(String::as_str).collect()).await?;
        let (mut marks, mut after) = (Vec::new(), after.to_owned());
        loop {
            let (page, end) = sweep::marks(&mut self.transaction, &self.shared, self.before, owner, &after, limit).await?;
            marks.extend(self.puts.over_marks(page, owner, &after, end.as_deref(), &|entity| self.held_before(entity)));
            match end {
                Some(end) if marks.len() < limit as usize => after = end,
                _ => return Ok(sweep::cut(marks, limit)),
            }
        }
    }

    async fn put(&mut self, change: Change, expect: Expect) -> Result<()> {
        if !self.owners.contains(&change.key.owner) {
            if notes::wide(&mut self.transaction, &change.key.owner).await?.is_none() {
                return Err(Error::UnknownOwner(change.key.owner));
            }
            self.owners.insert(change.key.owner.clone());
        }
        if expect != Expect::Any {
            let (entities, of) = (BTreeSet::from([change.key.entity.as_str()]), Of::Owner(&change.key.owner));
            let versions = last_versions(&mut self.transaction, &self.shared, self.before, &entities, of).await?;
            let last = versions.iter().find(|v| v.key == change.key).map(StoredVersion::last).transpose()?;
            expected(&change.key, expect, last.as_ref())?;
        }
        self.puts.put(change, expect);
        Ok(())
    }

    async fn adopt(&mut self, stage: Box<dyn Stage>) -> Result<()> {
        if self.adopted.is_some() {
            return Err(Error::Rejected("one transaction adopts one stage".into()));
        }
        let sealed = stage.seal().await?;
        let tail = self.shared.tails.lock().unwrap_or_else(PoisonError::into_inner).remove(&sealed.batch);
        let mut tail = tail.ok_or_else(|| Error::Rejected("the stage is of another registry".into()))?;
        if let Err(error) = self.overtaken(&sealed.owners, sealed.base).await {
            // Nobody else adopts it. The task waits for the turn that this unit has.
            let shared = self.shared.clone();
            tokio::spawn(async move { discard::abandon(&shared, sealed.batch).await });
            return Err(error);
        }
        if !discard::forget(&mut self.transaction, sealed.batch).await? {
            return Err(discarded());
        }
        for prepared in std::mem::take(&mut tail.unwritten) {
            tail.write(&mut self.transaction, prepared).await?;
        }
        tail.finish(&mut self.transaction).await?;
        self.adopted = Some(tail);
        Ok(())
    }

    async fn withdraw(&mut self, entity: &str) -> Result<()> {
        self.puts.withdraw(entity);
        Ok(())
    }

    async fn lift_withdrawal(&mut self, entity: &str) -> Result<()> {
        self.puts.lift_withdrawal(entity);
        Ok(())
    }

    async fn set_owner(&mut self, owner: &OwnerRow) -> Result<()> {
        notes::set_owner(&mut self.transaction, owner).await
    }

    async fn counts(&mut self) -> Result<ChangeCounts> {
        let Decided { changes, mut counts } = self.decide().await?;
        let written: BTreeSet<FactKey> = changes.into_iter().map(|change| change.key).collect();
        for entity in self.withdrawals().await? {
            for fact in facts::facts_at(&mut self.transaction, &self.shared, self.before, &[entity]).await? {
                if !written.contains(&fact.key) {
                    counts.count(Verdict::Ended);
                }
            }
        }
        if let Some(tail) = &self.adopted {
            counts.add(tail.counts);
        }
        Ok(counts)
    }

    async fn next_tx(&mut self) -> Result<Tx> {
        Ok(self.before.next())
    }

    async fn note(&mut self, kind: &str, key: &str) -> Result<Option<String>> {
        notes::note(&mut self.transaction, kind, key).await
    }

    async fn notes(&mut self, kind: &str, after: &str, limit: u32) -> Result<Vec<(String, String)>> {
        notes::notes(&mut self.transaction, kind, after, limit).await
    }

    async fn set_note(&mut self, kind: &str, key: &str, text: Option<&str>) -> Result<()> {
        notes::set_note(&mut self.transaction, kind, key, text).await
    }

    async fn job(&mut self, job: &NewJob) -> Result<()> {
        self.jobs.push(job.clone());
        Ok(())
    }

    async fn audit(&mut self, event: &AuditEvent) -> Result<()> {
        self.events.push(event.clone());
        Ok(())
    }

    async fn write_subscription(&mut self, write: &SubscriptionWrite) -> Result<()> {
        subscriptions::write(&mut self.transaction, write).await
    }

    async fn identity_row(&mut self, kind: &str, key: &str) -> Result<Option<IdentityRow>> {
        identity_rows::one(&mut self.transaction, kind, key).await
    }

    async fn write_identity(&mut self, write: &IdentityWrite) -> Result<()> {
        let written = identity_rows::write(&mut self.transaction, write).await;
        if let Err(Error::IdentityChanged { kind, key }) = &written {
            self.lost = Some((kind.clone(), key.clone()));
        }
        written
    }

    async fn list_case(&mut self, listing: &CaseListing) -> Result<()> {
        listing.check()?;
        cases::write(&mut self.transaction, listing).await
    }

    async fn save(mut self: Box<Self>, cause: &Cause, clock: CommitClock<'_>) -> Result<CommitOutcome> {
        if let Some((kind, key)) = self.lost.take() {
            return Err(Error::IdentityChanged { kind, key });
        }
        let marked = self.adopted.as_mut().map(|tail| std::mem::take(&mut tail.marked)).unwrap_or_default();
        let (batch, withdrawn, counts) = self.write_rows().await?;
        let now_ms = (clock.now_ms)();
        let (tx, at_ms) = match &batch {
            None => (None, now_ms),
            Some(batch) => {
                let (tx, at_ms) = (self.before.next(), commit_time(self.before_ms, now_ms, clock.any_clock)?);
                self.write_transaction(tx, at_ms, batch, &withdrawn, cause).await?;
                (Some(tx), at_ms)
            }
        };
        let lifted: Vec<String> = self.puts.lifted().iter().cloned().collect();
        withdraw::hold(&mut self.transaction, &withdrawn, &lifted).await?;
        for job in std::mem::take(&mut self.jobs) {
            jobs::write(&mut self.transaction, &job, tx).await?;
        }
        audit::write(&mut self.transaction, &std::mem::take(&mut self.events), at_ms, tx).await?;
        let Self { transaction, turn, shared, .. } = *self;
        transaction.commit().await.map_err(fault)?;
        drop(turn);
        shared.cache.forget(&marked);
        if !withdrawn.is_empty() {
            shared.cache.clear();
            shared.erase.store(true, std::sync::atomic::Ordering::Release);
        }
        shared.written.notify_one();
        // It is committed, whatever happens now; who reads next looks again.
        if let Ok(mut c) = shared.reader().await {
            _ = shared.refresh(&mut c).await;
        }
        Ok(CommitOutcome { tx, counts })
    }
}

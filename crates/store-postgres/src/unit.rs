//! The unit of work. All that it writes stays in memory until it is saved, and it holds no lock before [`Unit::next_tx`].

use crate::call::{ask, statement};
use crate::core::{Core, StageEnd};
use crate::decide::{self, Decision};
use crate::fault::{CallResult, Fault};
use crate::identity_rows::{self, PendingRows};
use crate::lock::Locked;
use crate::note::{self, PendingNotes};
use crate::read;
use annuaire_base::Tx;
use annuaire_base::fact::Fact;
use annuaire_store::backend::Puts;
use annuaire_store::case::CaseListing;
use annuaire_store::identity::{IdentityRow, IdentityWrite};
use annuaire_store::subscription::SubscriptionWrite;
use annuaire_store::{
    AuditEvent, Cause, Change, ChangeCounts, CommitClock, CommitOutcome, Error, Expect, FactMark, NewJob, OwnerRow, Result,
    SealedStage, Stage, Unit,
};
use async_trait::async_trait;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An adopted stage.
pub(crate) struct Adopted {
    pub(crate) stage: SealedStage,
    pub(crate) sealed: StageEnd,
}

/// A unit of work.
pub(crate) struct PostgresUnit {
    pub(crate) core: Arc<Core>,
    pub(crate) puts: Puts,
    pub(crate) owners: BTreeMap<String, String>,
    pub(crate) notes: PendingNotes,
    pub(crate) jobs: Vec<NewJob>,
    pub(crate) events: Vec<AuditEvent>,
    pub(crate) subscriptions: Vec<SubscriptionWrite>,
    pub(crate) identity: PendingRows,
    pub(crate) cases: Vec<CaseListing>,
    /// Kind and key of a row of identity that was not as expected: the unit cannot be saved any more.
    pub(crate) lost: Option<(String, String)>,
    pub(crate) adopted: Option<Adopted>,
    pub(crate) locked: Option<Locked>,
    /// A call failed under the lock: the transaction of the database is gone, and so is the unit.
    failed: bool,
}

/// Reads within the transaction of the unit once it has one, before that on any connection.
macro_rules! look {
    ($unit:expr, $c:ident => $call:expr) => {
        match &mut $unit.locked {
            Some(locked) => {
                let $c = locked.lease.connection();
                let answer = statement($call).await;
                if answer.is_err() {
                    $unit.locked = None;
                    $unit.failed = true;
                }
                answer
            }
            None => ask!(&$unit.core.pool, $c => $call),
        }
    };
}

impl PostgresUnit {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self {
            core,
            puts: Puts::default(),
            owners: BTreeMap::new(),
            notes: PendingNotes::default(),
            jobs: Vec::new(),
            events: Vec::new(),
            subscriptions: Vec::new(),
            identity: PendingRows::default(),
            cases: Vec::new(),
            lost: None,
            adopted: None,
            locked: None,
            failed: false,
        }
    }

    /// Takes the lock of the counter, once.
    pub(crate) async fn lock(&mut self) -> CallResult<&mut Locked> {
        if self.failed {
            return Err(
                Error::Database("this unit was given up after the failure reported before: begin another one".into()).into()
            );
        }
        if self.locked.is_none() {
            self.locked = Some(Locked::take(&self.core).await?);
        }
        self.locked.as_mut().ok_or_else(|| Fault::from(sqlx::Error::PoolClosed))
    }

    /// What the unit would do now.
    async fn decide(&mut self) -> CallResult<Decision> {
        let core = self.core.clone();
        let puts = &self.puts;
        look!(self, c => decide::decide(&core, c, puts))
    }
}

async fn facts(core: &Core, c: &mut PgConnection, entities: &[String]) -> CallResult<(Vec<Fact>, BTreeSet<String>, Tx)> {
    let last = core.learn_all(c).await?;
    let facts = read::facts_at(core, c, last, entities).await?;
    let held = decide::withheld(c, entities.iter().map(String::as_str)).await?;
    Ok((facts, held, last))
}

async fn marks(
    core: &Core,
    c: &mut PgConnection,
    puts: &Puts,
    owner: &str,
    after: &str,
    limit: u32,
) -> CallResult<Vec<FactMark>> {
    let last = core.learn_all(c).await?;
    let held = decide::withheld(c, puts.changes().map(|(change, _)| change.key.entity.as_str())).await?;
    let held = |entity: &str| held.contains(entity);
    let Some(id) = core.owners.id(c, owner).await? else {
        return Ok(decide::cut(puts.over_marks(Vec::new(), owner, after, None, &held), limit));
    };
    let (mut marks, mut after) = (Vec::new(), after.to_owned());
    loop {
        let (page, end) = read::marks(core, c, last, id, &after, limit).await?;
        marks.extend(puts.over_marks(page, owner, &after, end.as_deref(), &held));
        match end {
            Some(end) if marks.len() < limit as usize => after = end,
            _ => return Ok(decide::cut(marks, limit)),
        }
    }
}

#[async_trait]
impl Unit for PostgresUnit {
    async fn facts(&mut self, entities: &[String]) -> Result<Vec<Fact>> {
        let core = self.core.clone();
        let (stored, held, last) = look!(self, c => facts(&core, c, entities))?;
        Ok(self.puts.over_facts(stored, entities, last.next(), &|entity| held.contains(entity)))
    }

    async fn known(&mut self, owner: &str, after: &str, limit: u32) -> Result<Vec<FactMark>> {
        let core = self.core.clone();
        let puts = &self.puts;
        Ok(look!(self, c => marks(&core, c, puts, owner, after, limit))?)
    }

    async fn put(&mut self, change: Change, expect: Expect) -> Result<()> {
        let owner = &change.key.owner;
        if !self.owners.contains_key(owner) && self.core.owners.known(owner).is_none() {
            let core = self.core.clone();
            look!(self, c => read::owner(&core, c, owner))?;
        }
        if expect != Expect::Any {
            // Decided again in the save; here it spares the caller the rest of a unit that cannot be saved.
            let core = self.core.clone();
            look!(self, c => decide::still_expected(&core, c, &change, expect))?;
        }
        self.puts.put(change, expect);
        Ok(())
    }

    async fn adopt(&mut self, stage: Box<dyn Stage>) -> Result<()> {
        let stage = stage.seal().await?;
        let sealed = self.core.sealed().remove(&stage.batch);
        let Some(sealed) = sealed else {
            return Err(Error::Rejected("this stage is of another registry".into()));
        };
        if self.adopted.is_some() {
            return Err(Error::Rejected("a unit adopts one stage at most".into()));
        }
        let core = self.core.clone();
        look!(self, c => decide::overtaken(&core, c, &stage))?;
        self.adopted = Some(Adopted { stage, sealed });
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
        self.owners.insert(owner.code.clone(), owner.description.clone());
        Ok(())
    }

    async fn counts(&mut self) -> Result<ChangeCounts> {
        let mut counts = self.decide().await?.counts;
        if let Some(adopted) = &self.adopted {
            counts.add(adopted.stage.counts);
        }
        Ok(counts)
    }

    async fn next_tx(&mut self) -> Result<Tx> {
        Ok(self.lock().await?.counter.tx.next())
    }

    async fn note(&mut self, kind: &str, key: &str) -> Result<Option<String>> {
        match self.notes.get(kind, key) {
            Some(text) => Ok(text),
            None => Ok(look!(self, c => note::note(c, kind, key))?),
        }
    }

    async fn notes(&mut self, kind: &str, after: &str, limit: u32) -> Result<Vec<(String, String)>> {
        let more = limit.saturating_add(self.notes.more(kind, after));
        let stored = look!(self, c => note::notes(c, kind, after, more))?;
        Ok(self.notes.over(stored, kind, after, limit))
    }

    async fn set_note(&mut self, kind: &str, key: &str, text: Option<&str>) -> Result<()> {
        self.notes.set(kind, key, text);
        Ok(())
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
        self.subscriptions.push(write.clone());
        Ok(())
    }

    async fn identity_row(&mut self, kind: &str, key: &str) -> Result<Option<IdentityRow>> {
        match self.identity.get(kind, key) {
            Some(row) => Ok(row),
            None => Ok(look!(self, c => identity_rows::one(c, kind, key))?),
        }
    }

    async fn write_identity(&mut self, write: &IdentityWrite) -> Result<()> {
        let added = self.identity.add(write);
        if let Err(Error::IdentityChanged { kind, key }) = &added {
            self.lost = Some((kind.clone(), key.clone()));
        }
        added
    }

    async fn list_case(&mut self, listing: &CaseListing) -> Result<()> {
        listing.check()?;
        self.cases.push(listing.clone());
        Ok(())
    }

    async fn save(self: Box<Self>, cause: &Cause, clock: CommitClock<'_>) -> Result<CommitOutcome> {
        Ok(self.commit(cause, clock).await?)
    }
}

//! The stage: many facts in short transactions of the database, beside the state and without the lock of the counter.
//!
//! A stage keeps one connection for all its life. Its session holds an advisory lock that names the stage, so the server
//! itself knows whether its
//! process lives: whoever begins a stage discards those whose lock is free. When the connection is lost the stage is lost;
//! so its
//! short transactions need not wait for the disk, which the commit of the unit that adopts it does for all of them.

use crate::call::{Lease, ask, run, statement};
use crate::chunk;
use crate::core::{Core, Sealed};
use crate::decide::{self, LastVersions};
use crate::fault::{Answer, Fault};
use crate::{discard, limits, merge, read, version};
use annuaire_base::Tx;
use annuaire_base::fact::FactKey;
use annuaire_store::backend::{Verdict, rows};
use annuaire_store::columns::{tx_column, tx_read};
use annuaire_store::proof::Merkle;
use annuaire_store::{Change, ChangeCounts, Error, FactMark, Result, SealedStage, Stage};
use async_trait::async_trait;
use sqlx::PgConnection;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// An owner of facts of a stage.
#[derive(Clone, Copy)]
struct StageOwner {
    id: i32,
    /// It may have facts at the base. A first load spares looking for them.
    has_facts: bool,
}

/// The connection of a stage, and the tree of the rows that it wrote.
pub(crate) type Writer = (Lease, Merkle);

/// A page of marks, and where the next begins.
type MarkPage = (Vec<FactMark>, Option<String>);

/// A page being read.
struct Ahead {
    owner: String,
    after: String,
    limit: u32,
    page: JoinHandle<Answer<MarkPage>>,
}

enum Writing {
    /// Nothing is being written.
    Idle(Writer),
    /// A batch is being written while the next one is filled.
    Under(JoinHandle<Answer<Writer>>),
    /// The connection is gone.
    Lost,
}

/// A stage.
pub(crate) struct PostgresStage {
    core: Arc<Core>,
    base: Tx,
    batch: i64,
    writing: Writing,
    buffer: Vec<Change>,
    owners: BTreeMap<String, StageOwner>,
    withheld: HashSet<String>,
    /// Greatest key written so far.
    last: Option<FactKey>,
    /// Number of the first chunk of each run of ordered rows; one run as long as puts come in order.
    runs: Vec<i32>,
    chunks: i32,
    counts: ChangeCounts,
    /// The next page of what is known, which is read while the caller looks at this one.
    ahead: Option<Ahead>,
    /// Hashes of keys whose puts left no row, which another put may replace.
    quiet: HashMap<u64, Verdict>,
}

/// The error of a stage after a failure.
fn lost() -> Fault {
    Error::Database("what was being prepared was lost with the failure reported before, and left no trace: import again".into())
        .into()
}

fn key_hash(key: &FactKey) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

impl PostgresStage {
    /// Begins a stage, after discarding those whose process died.
    pub(crate) async fn begin(core: Arc<Core>) -> Answer<Self> {
        let mut lease = Lease::alive(&core.pool).await?;
        let c = lease.connection();
        discard::abandoned(&core, c).await?;
        let base = statement(core.learn_all(c)).await?;
        let batch: i64 = statement(sqlx::query_scalar("SELECT nextval('batch_number')").fetch_one(&mut *c)).await?;
        if !statement(discard::lock(&mut *c, core.log_id, batch)).await? {
            return Err(Error::Database(format!("the lock of stage {batch} is taken by something else")).into());
        }
        let query = sqlx::query("INSERT INTO stage(batch, base) VALUES ($1, $2)").bind(batch).bind(tx_column(base));
        statement(query.execute(&mut *c)).await?;
        // From here on the stage stands or falls with its connection.
        statement(run(&mut *c, "SET synchronous_commit = off")).await?;
        let withheld: Vec<String> = statement(sqlx::query_scalar("SELECT entity FROM withheld").fetch_all(&mut *c)).await?;
        Ok(Self {
            core,
            base,
            batch,
            writing: Writing::Idle((lease, Merkle::default())),
            buffer: Vec::new(),
            owners: BTreeMap::new(),
            withheld: withheld.into_iter().collect(),
            last: None,
            runs: vec![0],
            chunks: 0,
            counts: ChangeCounts::default(),
            ahead: None,
            quiet: HashMap::new(),
        })
    }

    /// Waits for what is being written, and takes the connection.
    async fn writer(&mut self) -> Answer<Writer> {
        match std::mem::replace(&mut self.writing, Writing::Lost) {
            Writing::Idle(writer) => Ok(writer),
            Writing::Under(task) => {
                task.await.map_err(|e| Fault::from(Error::Database(format!("a task of the registry stopped: {e}"))))?
            }
            Writing::Lost => Err(lost()),
        }
    }

    /// Decides about the buffer and begins to write its rows.
    async fn flush(&mut self) -> Answer<()> {
        let mut changes = std::mem::take(&mut self.buffer);
        in_order(&mut changes);
        let (Some(first), Some(last)) = (changes.first().map(|c| c.key.clone()), changes.last().map(|c| c.key.clone())) else {
            return match self.writing {
                Writing::Lost => Err(lost()),
                _ => Ok(()),
            };
        };
        let (mut lease, mut tree) = self.writer().await?;
        let c = lease.connection();
        let follows = self.last.as_ref().is_none_or(|before| *before < first);
        if !follows {
            self.runs.push(self.chunks);
        }
        let again = self.runs.len() > 1;
        let found = self.look_up(c, &changes, again).await?;
        let held = |change: &Change| self.withheld.contains(&change.key.entity);
        let borrowed: Vec<&Change> = changes.iter().collect();
        let verdicts = statement(decide::verdicts(c, &borrowed, &found, held)).await?;
        for (change, verdict) in changes.iter().zip(&verdicts) {
            self.counts.count(*verdict);
            if !verdict.writes() {
                self.quiet.insert(key_hash(&change.key), *verdict);
            }
        }
        let written = changes.into_iter().zip(verdicts).filter(|(_, verdict)| verdict.writes()).map(|(change, _)| change);
        let rows = rows(written.collect(), &self.core.entropy);
        let ids: BTreeMap<String, i32> = self.owners.iter().map(|(code, owner)| (code.clone(), owner.id)).collect();
        let new = chunk::encode(rows, self.chunks, move |code| ids.get(code).copied()).await?;
        self.chunks += new.chunks();
        self.last = Some(self.last.take().map_or(last.clone(), |before| before.max(last)));
        let batch = self.batch;
        self.writing = Writing::Under(tokio::spawn(async move {
            statement(chunk::insert(lease.connection(), batch, &new)).await?;
            new.grow(&mut tree);
            Ok((lease, tree))
        }));
        Ok(())
    }

    /// The versions at the base that changes are compared with. `again`: some may be of facts that this stage put before,
    /// and their
    /// rows are taken back.
    async fn look_up(&mut self, c: &mut PgConnection, changes: &[Change], again: bool) -> Answer<LastVersions> {
        let mut ids: BTreeMap<String, i32> = BTreeMap::new();
        for code in changes.iter().map(|change| &change.key.owner) {
            if !ids.contains_key(code)
                && let Some(owner) = self.owners.get(code)
            {
                ids.insert(code.clone(), owner.id);
            }
        }
        let asked = |change: &&Change| again || self.owners.get(&change.key.owner).is_some_and(|owner| owner.has_facts);
        let keys: Vec<_> =
            changes.iter().filter(asked).filter_map(|change| Some((&change.key, *ids.get(&change.key.owner)?))).collect();
        let rows = statement(version::of_facts(c, &keys)).await?;
        let batch = self.batch;
        let own: Vec<_> = rows.iter().filter(|row| row.batch == batch).cloned().collect();
        let borrowed: Vec<&Change> = changes.iter().collect();
        let found = decide::by_place(&borrowed, &ids, self.core.last_seen(rows, self.base));
        if again {
            for change in changes {
                if let Some(verdict) = self.quiet.remove(&key_hash(&change.key)) {
                    self.counts.uncount(verdict);
                }
            }
            let stands: HashSet<(&str, i32, &str)> = (found.values())
                .filter(|(before, _)| before.stands().is_some())
                .map(|(before, _)| (before.entity.as_str(), before.owner, before.facet.as_str()))
                .collect();
            for row in &own {
                let stood = stands.contains(&(row.entity.as_str(), row.owner, row.facet.as_str()));
                let verdict = match (stood, row.stands()) {
                    (_, None) => Verdict::Ended,
                    (true, Some(_)) => Verdict::Changed,
                    (false, Some(_)) => Verdict::Created,
                };
                self.counts.uncount(verdict);
            }
            statement(merge::take_back(c, own)).await?;
        }
        Ok(found)
    }

    async fn owner(&mut self, code: &str) -> Answer<()> {
        if self.owners.contains_key(code) {
            return Ok(());
        }
        let pool = &self.core.pool;
        let query = "SELECT id, last_tx FROM owner WHERE code = $1";
        let found: Option<(i32, i64)> = ask!(pool, c => sqlx::query_as(query).bind(code).fetch_optional(c))?;
        let (id, last_tx) = found.ok_or_else(|| Error::UnknownOwner(code.to_owned()))?;
        self.owners.insert(code.to_owned(), StageOwner { id, has_facts: tx_read(last_tx) > Tx::NONE });
        Ok(())
    }

    async fn finish(mut self) -> Answer<SealedStage> {
        self.flush().await?;
        let (mut lease, mut tree) = self.writer().await?;
        let (mut batch, mut chunks) = (self.batch, self.chunks);
        if self.runs.len() > 1 {
            let ids: BTreeMap<i32, String> = self.owners.iter().map(|(code, owner)| (owner.id, code.clone())).collect();
            (batch, chunks, tree) = merge::in_order(&self.core, lease.connection(), batch, &self.runs, ids).await?;
        }
        let stage = SealedStage {
            batch: batch.cast_unsigned(),
            base: self.base,
            owners: self.owners.into_keys().collect(),
            counts: self.counts,
            root: tree.root(),
        };
        self.core.sealed().insert(stage.batch, Sealed { _lease: lease, tree, chunks });
        Ok(stage)
    }
}

/// Orders changes by owner, entity, facet; of several about one fact the last one stays.
fn in_order(changes: &mut Vec<Change>) {
    if changes.windows(2).any(|w| w[0].key >= w[1].key) {
        changes.sort_by(|a, b| a.key.cmp(&b.key));
        changes.reverse();
        changes.dedup_by(|a, b| a.key == b.key);
        changes.reverse();
    }
}

async fn marks(core: &Core, c: &mut PgConnection, base: Tx, owner: &str, after: &str, limit: u32) -> Answer<MarkPage> {
    let Some(id) = core.owners.id(c, owner).await? else { return Ok((Vec::new(), None)) };
    let (mut marks, mut after) = (Vec::new(), after.to_owned());
    loop {
        let (page, end) = read::marks(core, c, base, id, &after, limit).await?;
        marks.extend(page);
        match end {
            Some(end) if marks.len() < limit as usize => after = end,
            end => {
                let found = marks.len();
                let marks = decide::cut(marks, limit);
                let cut = if marks.len() < found { marks.last().map(|m| m.entity.clone()) } else { None };
                return Ok((marks, cut.or(end)));
            }
        }
    }
}

async fn mark_page(core: Arc<Core>, base: Tx, owner: String, after: String, limit: u32) -> Answer<MarkPage> {
    ask!(&core.pool, c => marks(&core, c, base, &owner, &after, limit))
}

#[async_trait]
impl Stage for PostgresStage {
    fn base(&self) -> Tx {
        self.base
    }

    async fn known(&mut self, owner: &str, after: &str, limit: u32) -> Result<Vec<FactMark>> {
        let read = |after: String| mark_page(self.core.clone(), self.base, owner.to_owned(), after, limit);
        let (page, end) = match self.ahead.take() {
            Some(ahead) if (ahead.owner.as_str(), ahead.after.as_str(), ahead.limit) == (owner, after, limit) => {
                ahead.page.await.map_err(|e| Error::Database(format!("a task of the registry stopped: {e}")))??
            }
            _ => read(after.to_owned()).await?,
        };
        // The caller goes on after the last fact that it sees; entities without a fact may lie between it and the end of the
        // page.
        if let (Some(end), Some(last)) = (end, page.last()) {
            let page = tokio::spawn(read(end));
            self.ahead = Some(Ahead { owner: owner.to_owned(), after: last.entity.clone(), limit, page });
        }
        Ok(page)
    }

    async fn put(&mut self, change: Change) -> Result<()> {
        self.owner(&change.key.owner).await?;
        self.buffer.push(change);
        if self.buffer.len() >= limits::STAGE_BATCH {
            self.flush().await?;
        }
        Ok(())
    }

    async fn counts(&mut self) -> Result<ChangeCounts> {
        self.flush().await?;
        Ok(self.counts)
    }

    async fn seal(self: Box<Self>) -> Result<SealedStage> {
        Ok(self.finish().await?)
    }
}

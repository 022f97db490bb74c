//! The counter: one row that every save locks, so that numbers have no gap and a reader that sees transaction n sees all
//! before it.

use crate::audit::ChainEnd;
use crate::call::{Lease, bounded, run, statement};
use crate::core::Core;
use crate::fault::{Answer, Fault};
use crate::limits;
use crate::read::hash;
use annuaire_base::Tx;
use annuaire_store::Error;
use annuaire_store::columns::{signed, tx_column, tx_read, unsigned};
use annuaire_store::proof::Hash;
use sqlx::{Executor, PgConnection, Row};
use tokio::sync::OwnedMutexGuard;

/// The counter, as a save finds it.
pub(crate) struct Counter {
    /// Last transaction.
    pub(crate) tx: Tx,
    /// Its commit time, negative when there is none.
    pub(crate) commit_ms: i64,
    /// Its digest.
    pub(crate) digest: Hash,
    /// End of the audit trail.
    pub(crate) audit: ChainEnd,
    /// Number of saves, with or without a transaction.
    pub(crate) saves: u64,
    /// A batch for the rows of this save.
    pub(crate) batch: i64,
}

/// An open transaction of the database that holds the lock. Dropped, it is rolled back.
pub(crate) struct Locked {
    pub(crate) lease: Lease,
    pub(crate) counter: Counter,
    /// Held until the connection is closed or given back: fields are dropped in their order.
    _turn: OwnedMutexGuard<()>,
}

const LOCK: &str =
    "BEGIN; SELECT tx, commit_ms, digest, audit, audit_hash, saves, nextval('batch_number') FROM log_counter FOR UPDATE";

async fn counter(c: &mut PgConnection) -> sqlx::Result<Counter> {
    let rows = c.fetch_all(LOCK).await?;
    let r = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    Ok(Counter {
        tx: tx_read(r.try_get(0)?),
        commit_ms: r.try_get(1)?,
        digest: hash(&r.try_get::<Vec<u8>, _>(2)?)?,
        audit: (unsigned(r.try_get(3)?), hash(&r.try_get::<Vec<u8>, _>(4)?)?),
        saves: unsigned(r.try_get(5)?),
        batch: r.try_get(6)?,
    })
}

impl Locked {
    /// Waits for the turn of this unit.
    pub(crate) async fn take(core: &Core) -> Answer<Self> {
        let turn = core.turn.clone().lock_owned();
        let turn = tokio::time::timeout(limits::TURN, turn).await.map_err(|_| Fault::silent(limits::TURN))?;
        let mut lease = Lease::any(&core.pool).await?;
        let counter = match bounded(limits::TURN, counter(lease.connection())).await {
            Err(fault) if fault.is_lost() => {
                // Nothing was done yet: another connection may do better.
                lease = Lease::alive(&core.pool).await?;
                bounded(limits::TURN, self::counter(lease.connection())).await?
            }
            answer => answer?,
        };
        Ok(Self { lease, counter, _turn: turn })
    }

    /// Commits. When the answer is lost, another connection is asked whether it happened.
    pub(crate) async fn commit(mut self, core: &Core, saved: &Saved) -> Answer<()> {
        let answer = bounded(limits::COMMIT, run(self.lease.connection(), "COMMIT")).await;
        match self.lease.give_back(answer) {
            Ok(()) => Ok(()),
            Err(fault) => saved.settle(core, fault).await,
        }
    }
}

/// What a save leaves behind, by which it is recognised.
pub(crate) struct Saved {
    /// Number that its transaction takes, or would take.
    pub(crate) next: Tx,
    /// Digest of its transaction; `None`: it changes no fact.
    pub(crate) digest: Option<Hash>,
    /// Number of the save.
    pub(crate) saves: u64,
    /// Random bytes that name the save.
    pub(crate) token: [u8; 16],
}

impl Saved {
    /// Finds out whether the save stands after its commit failed with `fault`.
    async fn settle(&self, core: &Core, fault: Fault) -> Answer<()> {
        let ask = async {
            loop {
                if let Ok(stands) = self.stands(core).await {
                    return stands;
                }
                tokio::time::sleep(limits::ANSWER_PAUSE).await;
            }
        };
        match tokio::time::timeout(limits::ANSWER, ask).await {
            Ok(Some(true)) => Ok(()),
            Ok(Some(false)) => Err(Fault::from(Error::Database(format!(
                "{}: the commit did not happen and nothing was written, repeat it",
                Error::from(fault)
            )))),
            Ok(None) | Err(_) => Err(Error::Uncertain { tx: self.next }.into()),
        }
    }

    /// Whether the save stands; `None`: it left nothing by which it could be told. Takes the lock of the counter: a commit
    /// that is still
    /// under way on a lost connection holds it.
    async fn stands(&self, core: &Core) -> Answer<Option<bool>> {
        let mut lease = Lease::alive(&core.pool).await?;
        let c = lease.connection();
        let rows = bounded(limits::ANSWER, c.fetch_all("BEGIN; SELECT saves, token FROM log_counter FOR UPDATE")).await?;
        let r = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        let (saves, token): (i64, Vec<u8>) = (r.try_get(0)?, r.try_get(1)?);
        let stands = match &self.digest {
            Some(digest) => {
                let query = sqlx::query_scalar("SELECT digest FROM log_tx WHERE tx = $1").bind(tx_column(self.next));
                let found: Option<Vec<u8>> = statement(query.fetch_optional(&mut *c)).await?;
                Some(found.as_deref() == Some(digest.as_slice()))
            }
            None if saves == signed(self.saves) => Some(token == self.token),
            None if saves < signed(self.saves) => Some(false),
            None => None,
        };
        let done = statement(run(c, "ROLLBACK")).await;
        lease.give_back(done.map(|_| stands))
    }
}

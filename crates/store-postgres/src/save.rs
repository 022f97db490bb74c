//! Saving a unit: everything that it writes, under the lock of the counter.

use crate::call::statement;
use crate::chunk::{self, NewRows};
use crate::core::Core;
use crate::decide::{self, Decision};
use crate::fault::CallResult;
use crate::listen;
use crate::lock::Saved;
use crate::unit::{Adopted, PostgresUnit};
use crate::{audit, cases, job, owner, subscription, withdraw};
use annuaire_base::Tx;
use annuaire_base::fact::VersionContent;
use annuaire_store::backend::{Puts, rows};
use annuaire_store::chunk::{PackedRow, RowProof};
use annuaire_store::columns::{signed, tx_column};
use annuaire_store::proof::{Hash, Merkle, Salt, tx_digest};
use annuaire_store::{Cause, CommitClock, CommitOutcome, Error, commit_time};
use sqlx::PgConnection;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a transaction adds to the log.
struct NewTx<'a> {
    tx: Tx,
    batch: i64,
    commit_ms: i64,
    root: Hash,
    digest: Hash,
    changes: u64,
    withdrawals: usize,
    owners: Vec<i32>,
    cause: &'a Cause,
}

/// The row of the transaction, the last transaction of its owners, and the news for other processes, in one round trip.
async fn insert_tx(c: &mut PgConnection, new: &NewTx<'_>, channel: &str) -> sqlx::Result<()> {
    sqlx::query(
        "WITH t AS (INSERT INTO log_tx(tx, batch, commit_ms, actor, authority, request, channel, basis, reason, changes, withdrawals, root, digest)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)),
         o AS (UPDATE owner SET last_tx = $1 WHERE id = ANY($14)),
         s AS (DELETE FROM stage WHERE batch = $2)
         SELECT pg_notify($15, ($1::bigint)::text)",
    )
    .bind(tx_column(new.tx))
    .bind(new.batch)
    .bind(new.commit_ms)
    .bind(&new.cause.actor)
    .bind(new.cause.authority.as_deref())
    .bind(new.cause.request.as_deref())
    .bind(new.cause.channel.to_string())
    .bind(new.cause.basis.as_deref())
    .bind(&new.cause.reason)
    .bind(signed(new.changes))
    .bind(i64::try_from(new.withdrawals).unwrap_or(i64::MAX))
    .bind(new.root.as_slice())
    .bind(new.digest.as_slice())
    .bind(&new.owners)
    .bind(channel)
    .execute(c)
    .await?;
    Ok(())
}

/// The rows of a unit, by owner, entity, facet.
fn own_rows(core: &Core, puts: &mut Puts, decision: &Decision, ended: Vec<(String, String, String)>) -> Vec<(String, PackedRow)> {
    let changes = puts.take().into_iter().zip(&decision.verdicts);
    let mut all = rows(changes.filter(|(_, verdict)| verdict.writes()).map(|(change, _)| change).collect(), &core.entropy);
    for (owner, entity, facet) in ended {
        let mut salt: Salt = [0; 16];
        (core.entropy)(&mut salt);
        let proof = RowProof::Salt(salt);
        let mut row = PackedRow { entity, facet, content: VersionContent::Withdrawn, fingerprint: 0, proof };
        // Like all rows of a withdrawn entity it keeps its leaf only.
        row.withdraw(&owner);
        all.push((owner, row));
    }
    all.sort_by(|(a, x), (b, y)| (a, &x.entity, &x.facet).cmp(&(b, &y.entity, &y.facet)));
    all
}

/// Checks that an adopted stage may stand beside the puts of its unit.
async fn check_adopted(core: &Core, c: &mut PgConnection, adopted: &Adopted, puts: &Puts) -> CallResult<()> {
    decide::overtaken(core, c, &adopted.stage).await?;
    if let Some((change, _)) = puts.changes().find(|(change, _)| adopted.stage.owners.contains(&change.key.owner)) {
        let (owner, entity) = (&change.key.owner, &change.key.entity);
        return Err(Error::Rejected(format!("{entity}: a fact of {owner} is put beside a stage of {owner}")).into());
    }
    for entity in puts.withdrawn() {
        if let Some(owner) = decide::speaks_of(core, c, &adopted.stage, entity).await? {
            return Err(Error::Rejected(format!("{entity} is withdrawn and said by {owner} in one transaction")).into());
        }
    }
    Ok(())
}

impl PostgresUnit {
    /// Saves the unit. An error leaves nothing: the connection is closed with its transaction open.
    pub(crate) async fn commit(mut self, cause: &Cause, clock: CommitClock<'_>) -> CallResult<CommitOutcome> {
        if let Some((kind, key)) = self.lost.take() {
            return Err(Error::IdentityChanged { kind, key }.into());
        }
        let core: Arc<Core> = self.core.clone();
        self.lock().await?;
        let Some(mut locked) = self.locked.take() else { return Err(sqlx::Error::PoolClosed.into()) };
        let c = locked.lease.connection();

        if !self.owners.is_empty() {
            statement(owner::write(c, &self.owners)).await?;
        }
        let mut decision = statement(decide::decide(&core, c, &self.puts)).await?;
        std::mem::replace(&mut decision.conflict, Ok(()))?;
        let mut counts = decision.counts;
        let (mut batch, mut first, mut tree) = (locked.counter.batch, 0, Merkle::default());
        let mut owners: BTreeSet<i32> = BTreeSet::new();
        if let Some(adopted) = &self.adopted {
            statement(check_adopted(&core, c, adopted, &self.puts)).await?;
            counts.add(adopted.stage.counts);
            (batch, first, tree) = (adopted.stage.batch.cast_signed(), adopted.sealed.chunks, adopted.sealed.tree.clone());
            for code in adopted.stage.owners.iter().filter(|_| adopted.stage.counts.rows() > 0) {
                owners.extend(statement(core.owners.id(c, code)).await?);
            }
        }
        let new = self.encode_rows(&core, c, &decision, first).await?;
        owners.extend(new.owners());
        new.grow(&mut tree);
        let changes = tree.leaves();
        let writes = changes > 0 || !decision.withdrawn.is_empty();

        let tx = locked.counter.tx.next();
        let now_ms = (clock.now_ms)();
        let mut saved = Saved { next: tx, digest: None, saves: locked.counter.saves + 1, token: [0; 16] };
        (core.entropy)(&mut saved.token);
        let (mut at_ms, mut end) = (now_ms, (locked.counter.commit_ms, locked.counter.digest));
        if writes {
            at_ms = commit_time(locked.counter.commit_ms, now_ms, clock.any_clock)?;
            let root = tree.root();
            let digest = tx_digest(&locked.counter.digest, tx, at_ms, &root);
            (saved.digest, end) = (Some(digest), (at_ms, digest));
            statement(withdraw::destroy(&core, c, &decision.withdrawn, tx)).await?;
            statement(chunk::insert(c, batch, &new)).await?;
            let (owners, withdrawals) = (owners.into_iter().collect(), decision.withdrawn.len());
            let new = NewTx { tx, batch, commit_ms: at_ms, root, digest, changes, withdrawals, owners, cause };
            statement(insert_tx(c, &new, &listen::channel(core.log_id))).await?;
        }
        let written = writes.then_some(tx);
        statement(withdraw::lift(c, self.puts.lifted())).await?;
        statement(self.notes.write(c)).await?;
        statement(job::insert(c, &self.jobs, written)).await?;
        subscription::write(c, &self.subscriptions).await?;
        self.identity.write(c).await?;
        for listing in &self.cases {
            statement(cases::write(c, listing)).await?;
        }
        let trail = statement(audit::insert(c, locked.counter.audit, &self.events, at_ms, written)).await?;
        let query = sqlx::query(
            "UPDATE log_counter SET tx = $1, commit_ms = $2, digest = $3, audit = $4, audit_hash = $5, saves = $6, token = $7",
        )
        .bind(tx_column(written.unwrap_or(locked.counter.tx)))
        .bind(end.0)
        .bind(end.1.as_slice())
        .bind(signed(trail.0))
        .bind(trail.1.as_slice())
        .bind(signed(saved.saves))
        .bind(saved.token.as_slice());
        statement(query.execute(&mut *c)).await?;
        locked.commit(&core, &saved).await?;
        if writes {
            listen::tell(&core.commits, tx);
        }
        Ok(CommitOutcome { tx: written, counts })
    }

    async fn encode_rows(
        &mut self,
        core: &Arc<Core>,
        c: &mut PgConnection,
        decision: &Decision,
        first: i32,
    ) -> CallResult<NewRows> {
        let codes = core.owners.codes(c, decision.ended.iter().map(|(row, _)| row.owner)).await?;
        let key = |(row, _): &(crate::version::VersionRow, Tx)| {
            Some((codes.get(&row.owner)?.to_string(), row.entity.clone(), row.facet.clone()))
        };
        let ended = decision.ended.iter().filter_map(key).collect();
        let rows = own_rows(core, &mut self.puts, decision, ended);
        let of = core.clone();
        // The owners of the unit itself were written, and are known since the decision.
        chunk::encode(rows, first, move |code| of.owners.known(code)).await
    }
}

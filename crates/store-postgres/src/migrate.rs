//! The way from version 3: rows of objects become chunks of facts.
//!
//! All of it is one transaction of the database, which the caller commits: a program that dies in between leaves version 3.
//! The log is
//! read once, in its order, a page at a time.

use crate::call::{bounded, run, statement};
use crate::chunk;
use crate::fault::Answer;
use crate::{limits, schema};
use annuaire_base::fact::{FactKey, Publication};
use annuaire_store::backend::rows;

use annuaire_store::proof::Merkle;
use annuaire_store::{Change, Entropy};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a migration cannot know by itself.
pub(crate) struct Origin<'a> {
    /// Random bytes: the identity of the log, salts of its rows.
    pub(crate) entropy: &'a Entropy,
    /// Whether the objects of a source were open data: version 3 decided by source who may see them.
    pub(crate) open: fn(&str) -> bool,
}

impl Origin<'_> {
    /// A new identity.
    pub(crate) fn new_id(&self) -> u128 {
        let mut id = [0; 16];
        (self.entropy)(&mut id);
        u128::from_be_bytes(id)
    }
}

const SET_ASIDE: &str = "ALTER TABLE log_tx RENAME TO log_tx_3; ALTER TABLE log_counter RENAME TO log_counter_3;";

/// Transactions keep number, instant, author and reason; they have no digest. Batches have the numbers of their transactions.
const TRANSACTIONS: &str = "
INSERT INTO log_tx(tx, batch, commit_ms, actor, channel, reason, changes, withdrawals, root, digest)
    SELECT t.tx, t.tx, t.commit_ms, t.author, 'import', t.reason, t.changes, 0, r.root, decode(repeat('00', 32), 'hex')
    FROM log_tx_3 t JOIN unnest($1::bigint[], $2::bytea[]) r(tx, root) ON r.tx = t.tx";

const END: &str = "
UPDATE log_counter SET tx = c.tx, commit_ms = c.commit_ms FROM log_counter_3 c;
SELECT setval('batch_number', (SELECT greatest(max(tx), 1) FROM log_tx_3));
DROP TABLE log_tx_3, log_counter_3, log_entry, object;";

/// A row of the log of version 3: transaction, source, entity, payload, fingerprint.
type OldRow = (i64, String, String, Option<String>, Option<Vec<u8>>);

async fn page(c: &mut PgConnection, after: &(i64, String, String)) -> sqlx::Result<Vec<OldRow>> {
    // Only the last version of an object has a fingerprint.
    let query = "SELECT e.tx, e.source, e.entity, e.payload, o.digest FROM
         (SELECT * FROM log_entry WHERE (tx, source, entity) > ($1, $2, $3) ORDER BY tx, source, entity LIMIT $4) e
         LEFT JOIN object o ON o.source = e.source AND o.entity = e.entity AND o.tx = e.tx ORDER BY e.tx, e.source, e.entity";
    let limit = i64::try_from(limits::STAGE_BATCH).unwrap_or(i64::MAX);
    sqlx::query_as(query).bind(after.0).bind(&after.1).bind(&after.2).bind(limit).fetch_all(c).await
}

/// The low half of a fingerprint of 16 bytes, big-endian.
fn fingerprint(digest: Option<&[u8]>) -> u64 {
    digest.and_then(|d| d.last_chunk::<8>()).map_or(0, |low| u64::from_be_bytes(*low))
}

/// Owners as they are met, with their last transaction.
#[derive(Default)]
struct Sources(BTreeMap<String, (i32, i64)>);

impl Sources {
    async fn meet(&mut self, c: &mut PgConnection, source: &str, tx: i64) -> sqlx::Result<()> {
        if let Some(known) = self.0.get_mut(source) {
            known.1 = tx;
            return Ok(());
        }
        let query = sqlx::query_scalar("INSERT INTO owner(code, description) VALUES ($1, '') RETURNING id").bind(source);
        let id: i32 = query.fetch_one(c).await?;
        self.0.insert(source.to_owned(), (id, tx));
        Ok(())
    }
}

/// The transaction whose rows are being read.
struct Current {
    tx: i64,
    tree: Merkle,
    chunks: i32,
}

/// Brings tables of version 3 forward.
pub(crate) async fn to_4(c: &mut PgConnection, from: &Origin<'_>) -> Answer<()> {
    // Waits for a writer of the older program; the next one finds no table.
    bounded(limits::TURN, run(&mut *c, SET_ASIDE)).await?;
    schema::create(c, from.new_id()).await?;
    let mut sources = Sources::default();
    let mut after = (0, String::new(), String::new());
    let mut current: Option<Current> = None;
    let (mut txs, mut roots) = (Vec::new(), Vec::new());
    loop {
        let old = statement(page(c, &after)).await?;
        let Some(last) = old.last() else { break };
        after = (last.0, last.1.clone(), last.2.clone());
        for of_tx in old.chunk_by(|a, b| a.0 == b.0) {
            let Some(tx) = of_tx.first().map(|row| row.0) else { continue };
            if current.as_ref().is_none_or(|before| before.tx != tx) {
                end(&mut current, &mut txs, &mut roots);
            }
            let now = current.get_or_insert_with(|| Current { tx, tree: Merkle::default(), chunks: 0 });
            for source in of_tx.chunk_by(|a, b| a.1 == b.1).filter_map(|rows| rows.first()) {
                statement(sources.meet(c, &source.1, tx)).await?;
            }
            let changes = of_tx.iter().map(|(_, source, entity, payload, digest)| Change {
                key: FactKey { owner: source.clone(), entity: entity.clone(), facet: String::new() },
                payload: payload.clone(),
                publication: if (from.open)(source) { Publication::Open } else { Publication::Restricted },
                fingerprint: fingerprint(digest.as_deref()),
            });
            let rows = rows(changes.collect(), from.entropy);
            let ids: Arc<BTreeMap<String, i32>> = Arc::new(sources.0.iter().map(|(code, (id, _))| (code.clone(), *id)).collect());
            let new = chunk::encode(rows, now.chunks, move |code| ids.get(code).copied()).await?;
            now.chunks += new.chunks();
            new.grow(&mut now.tree);
            statement(chunk::insert(&mut *c, tx, &new)).await?;
        }
        write(c, &mut txs, &mut roots).await?;
    }
    end(&mut current, &mut txs, &mut roots);
    write(c, &mut txs, &mut roots).await?;
    for (id, tx) in sources.0.values() {
        let query = sqlx::query("UPDATE owner SET last_tx = $2 WHERE id = $1").bind(id).bind(tx);
        statement(query.execute(&mut *c)).await?;
    }
    statement(run(c, END)).await?;
    Ok(())
}

/// Ends the transaction whose rows were all read.
fn end(current: &mut Option<Current>, txs: &mut Vec<i64>, roots: &mut Vec<Vec<u8>>) {
    if let Some(done) = current.take() {
        txs.push(done.tx);
        roots.push(done.tree.root().to_vec());
    }
}

async fn write(c: &mut PgConnection, txs: &mut Vec<i64>, roots: &mut Vec<Vec<u8>>) -> Answer<()> {
    if !txs.is_empty() {
        let (txs, roots) = (std::mem::take(txs), std::mem::take(roots));
        statement(sqlx::query(TRANSACTIONS).bind(txs).bind(roots).execute(c)).await?;
    }
    Ok(())
}

//! What a buffer of a stage adds to the log, before it is written.

use crate::fault::fault;
use crate::limits;
use crate::packed::json_list;
use crate::shared::Shared;
use crate::staged_rows::{PreparedRows, PutPlace};
use crate::versions::{Of, last_versions};
use annuaire_base::Tx;
use annuaire_base::fact::FactKey;
use annuaire_store::backend::{self, Verdict, decide};
use annuaire_store::{Change, ChangeCounts, Error, Result};
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Which of these entities are withdrawn.
pub(crate) async fn withheld(c: &mut SqliteConnection, entities: &BTreeSet<&str>) -> Result<HashSet<String>> {
    let query = sqlx::query_scalar("SELECT w.entity FROM json_each(?) e CROSS JOIN withheld w ON w.entity = e.value");
    let held: Vec<String> = query.bind(json_list(entities)).fetch_all(c).await.map_err(fault)?;
    Ok(held.into_iter().collect())
}

/// Whether an owner has any version that the index or a base chunk names.
async fn has_facts(c: &mut SqliteConnection, shared: &Shared, owner: &str) -> Result<bool> {
    if !shared.log.read().bases_after(owner, "").is_empty() {
        return Ok(true);
    }
    let any: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM version WHERE owner = ? LIMIT 1").bind(owner).fetch_optional(c).await.map_err(fault)?;
    Ok(any.is_some())
}

/// Decides what these puts do, compared with `base`.
pub(crate) async fn prepare(shared: &Shared, base: Tx, changes: Vec<Change>) -> Result<PreparedRows> {
    let changes = backend::in_order(changes);
    let mut prepared = PreparedRows {
        chunks: Vec::new(),
        counts: ChangeCounts::default(),
        stood: Vec::new(),
        idle: Vec::new(),
        spans: Vec::new(),
        marks: BTreeMap::new(),
    };
    let mut written = Vec::with_capacity(changes.len());
    let mut c = shared.reader().await?;
    shared.know(&mut c, base).await?;
    // Asked once: nearly always nobody is withdrawn.
    let some_held: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM withheld LIMIT 1").fetch_optional(&mut *c).await.map_err(fault)?;
    let mut changes = changes.into_iter().peekable();
    while let Some(owner) = changes.peek().map(|change| change.key.owner.clone()) {
        let some_facts = has_facts(&mut c, shared, &owner).await?;
        let mut span: Option<(FactKey, FactKey)> = None;
        loop {
            let mut some: Vec<Change> = Vec::new();
            while some.len() < limits::ENTITIES_TOGETHER {
                match changes.next_if(|change| change.key.owner == owner) {
                    Some(change) => some.push(change),
                    None => break,
                }
            }
            let (Some(first), Some(last)) = (some.first(), some.last()) else { break };
            span = Some((span.map_or_else(|| first.key.clone(), |s| s.0), last.key.clone()));
            let entities: BTreeSet<&str> = some.iter().map(|change| change.key.entity.as_str()).collect();
            let held = match some_held {
                Some(_) => withheld(&mut c, &entities).await?,
                None => HashSet::new(),
            };
            let known = match some_facts {
                true => last_versions(&mut c, shared, base, &entities, Of::Owner(&owner)).await?,
                false => Vec::new(),
            };
            for change in some {
                let of_fact =
                    known.binary_search_by(|v| (&v.key.entity, &v.key.facet).cmp(&(&change.key.entity, &change.key.facet)));
                let version = of_fact.ok().and_then(|at| known.get(at));
                let last = version.map(|v| v.last()).transpose()?;
                let same = |payload: &str| version.map_or(Ok(false), |v| Ok(v.payload()? == payload));
                let verdict = decide(&change, last.as_ref(), held.contains(&change.key.entity), same)?;
                prepared.counts.count(verdict);
                let stood = last.is_some_and(|l| l.stands.is_some());
                let other_input = change.fingerprint != 0 && last.is_some_and(|l| l.fingerprint != change.fingerprint);
                if let Some(version) = version.filter(|_| other_input && stood && verdict == Verdict::Unchanged) {
                    prepared.marks.entry(version.chunk.id).or_default().push((change.key.clone(), change.fingerprint));
                }
                if verdict.writes() {
                    prepared.stood.push(stood);
                    written.push(change);
                } else {
                    prepared.idle.push(PutPlace { key: change.key, stood });
                }
            }
        }
        prepared.spans.extend(span);
    }
    drop(c);
    let entropy = shared.entropy.clone();
    let chunks = tokio::task::spawn_blocking(move || backend::chunks(backend::rows(written, &entropy)));
    prepared.chunks = chunks.await.map_err(|e| Error::Database(e.to_string()))??;
    Ok(prepared)
}

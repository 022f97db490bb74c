//! Facts of some entities, now and before.

use crate::limits;
use crate::shared::Shared;
use crate::versions::{Of, StoredVersion, all_versions, last_versions};
use annuaire_base::Tx;
use annuaire_base::fact::{Fact, FactVersion};
use annuaire_store::Result;
use sqlx::SqliteConnection;
use std::collections::BTreeSet;

/// The fact of a version; `None` when it does not stand.
fn fact(version: StoredVersion) -> Result<Option<Fact>> {
    let Some(publication) = version.row()?.stands else { return Ok(None) };
    let payload = version.payload()?.to_owned();
    Ok(Some(Fact { tx: version.tx, payload, publication, key: version.key }))
}

/// Distinct entities in byte order, a few at a time.
fn together(entities: &[String]) -> Vec<BTreeSet<&str>> {
    let distinct: Vec<&str> = entities.iter().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect();
    distinct.chunks(limits::ENTITIES_TOGETHER).map(|some| some.iter().copied().collect()).collect()
}

pub(crate) async fn facts_at(c: &mut SqliteConnection, shared: &Shared, at: Tx, entities: &[String]) -> Result<Vec<Fact>> {
    let mut facts = Vec::new();
    for some in together(entities) {
        for version in last_versions(c, shared, at, &some, Of::All).await? {
            facts.extend(fact(version)?);
        }
    }
    Ok(facts)
}

pub(crate) async fn history(c: &mut SqliteConnection, shared: &Shared, at: Tx, entities: &[String]) -> Result<Vec<FactVersion>> {
    let mut versions = Vec::new();
    for some in together(entities) {
        for version in all_versions(c, shared, at, &some).await? {
            let content = version.chunk.content(version.row)?;
            versions.push(FactVersion { tx: version.tx, content, key: version.key });
        }
    }
    Ok(versions)
}

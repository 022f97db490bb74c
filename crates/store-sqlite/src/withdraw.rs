//! Withdrawal by law: contents are overwritten where they are, here and in the past.

use crate::cache::place;
use crate::discard;
use crate::fault::fault;
use crate::shared::Shared;
use crate::versions::{Of, all_versions, last_versions};
use annuaire_base::Tx;
use annuaire_base::fact::VersionContent;
use annuaire_store::Result;
use annuaire_store::chunk::{self, PackedRow, RowProof};
use annuaire_store::proof::Salt;
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, BTreeSet};

/// Overwrites all versions of an entity up to `at`, and returns a tombstone, with its owner, for each fact that stood.
pub(crate) async fn withdraw(
    c: &mut SqliteConnection,
    shared: &Shared,
    at: Tx,
    entity: &str,
) -> Result<Vec<(String, PackedRow)>> {
    let one = BTreeSet::from([entity]);
    let mut tombs = Vec::new();
    for version in last_versions(c, shared, at, &one, Of::All).await? {
        if version.row()?.stands.is_some() {
            let mut salt: Salt = [0; 16];
            (shared.entropy)(&mut salt);
            let content = VersionContent::Withdrawn;
            let mut row = PackedRow {
                entity: version.key.entity,
                facet: version.key.facet,
                content,
                fingerprint: 0,
                proof: RowProof::Salt(salt),
            };
            row.withdraw(&version.key.owner);
            tombs.push((version.key.owner, row));
        }
    }
    let mut chunks = BTreeMap::new();
    for version in all_versions(c, shared, at, &one).await? {
        chunks.insert(version.chunk.id, version.key.owner);
    }
    for (id, owner) in chunks {
        // The file, not the cache: an earlier withdrawal of this unit may have rewritten it.
        let (keys, contents) = discard::read(c, id).await?;
        let text = keys.contents(&contents).map_err(|e| e.at(place(id)))?;
        let mut rows = keys.rows(&text);
        rows.iter_mut().filter(|row| row.entity == entity).for_each(|row| row.withdraw(&owner));
        discard::rewrite(c, id, &chunk::encode(&rows)?).await?;
    }
    Ok(tombs)
}

/// Writes which entities are withheld from now on, and which no more.
pub(crate) async fn hold(c: &mut SqliteConnection, withdrawn: &[String], lifted: &[String]) -> Result<()> {
    for entity in withdrawn {
        let query = sqlx::query("INSERT OR IGNORE INTO withheld(entity) VALUES (?)").bind(entity);
        query.execute(&mut *c).await.map_err(fault)?;
    }
    for entity in lifted {
        sqlx::query("DELETE FROM withheld WHERE entity = ?").bind(entity).execute(&mut *c).await.map_err(fault)?;
    }
    Ok(())
}

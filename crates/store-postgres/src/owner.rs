//! OwnerNumbers: a small number for each code, never given to another one.

use crate::fault::CallResult;
use annuaire_store::{Error, OwnerRow};
use sqlx::{PgConnection, Result};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

#[derive(Default)]
struct KnownOwners {
    by_code: HashMap<Arc<str>, i32>,
    by_id: HashMap<i32, Arc<str>>,
    last: i32,
}

/// The owners that this process knows. Numbers ascend in the order of transactions, so what is new is what follows the last.
#[derive(Default)]
pub(crate) struct OwnerNumbers(RwLock<KnownOwners>);

impl OwnerNumbers {
    fn read<T>(&self, read: impl FnOnce(&KnownOwners) -> T) -> T {
        read(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds what is new in the database.
    pub(crate) async fn learn(&self, c: &mut PgConnection) -> Result<()> {
        let last = self.read(|k| k.last);
        let rows: Vec<(i32, String)> =
            sqlx::query_as("SELECT id, code FROM owner WHERE id > $1 ORDER BY id").bind(last).fetch_all(c).await?;
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (id, code) in rows {
            let code: Arc<str> = code.into();
            known.by_code.insert(code.clone(), id);
            known.by_id.insert(id, code);
            known.last = known.last.max(id);
        }
        Ok(())
    }

    /// The number of an owner, if this process knows it.
    pub(crate) fn known(&self, code: &str) -> Option<i32> {
        self.read(|k| k.by_code.get(code).copied())
    }

    /// The number of an owner; `None`: there is no such owner.
    pub(crate) async fn id(&self, c: &mut PgConnection, code: &str) -> Result<Option<i32>> {
        match self.known(code) {
            Some(id) => Ok(Some(id)),
            None => {
                self.learn(c).await?;
                Ok(self.known(code))
            }
        }
    }

    /// Codes of these numbers.
    pub(crate) async fn codes(
        &self,
        c: &mut PgConnection,
        ids: impl Iterator<Item = i32> + Clone,
    ) -> CallResult<BTreeMap<i32, Arc<str>>> {
        let all =
            |k: &KnownOwners| ids.clone().map(|id| Some((id, k.by_id.get(&id)?.clone()))).collect::<Option<BTreeMap<_, _>>>();
        if let Some(found) = self.read(all) {
            return Ok(found);
        }
        self.learn(c).await?;
        self.read(all).ok_or_else(|| Error::Damaged("a fact belongs to nobody in the table of owners".into()).into())
    }
}

/// All owners, by code.
pub(crate) async fn list(c: &mut PgConnection) -> Result<Vec<OwnerRow>> {
    let rows: Vec<(String, String)> = sqlx::query_as("SELECT code, description FROM owner ORDER BY code").fetch_all(c).await?;
    Ok(rows.into_iter().map(|(code, description)| OwnerRow { code, description }).collect())
}

/// Finds the owners that have a description, since version 9, and empties the descriptions that earlier programs wrote for structures
/// and persons, whose codes tell the owner (`annuaire_mos::owner::Owner`). There may be one for each professional, so it is done here,
/// where a country is one statement; any other text stays.
pub(crate) const DESCRIBED: &str = r#"
UPDATE owner SET description = '' WHERE (code LIKE 'ENREG:_%'
        AND description = '{"code":"' || code || '","kind":"structure","number":"' || substr(code, 7) || '"}')
    OR (code LIKE 'PP:_%' AND description = '{"code":"' || code || '","kind":"person","idNatPs":"' || substr(code, 4) || '"}');
CREATE INDEX owner_described ON owner(code) WHERE description <> '';
"#;

/// The owners that have a description, by code.
pub(crate) async fn described(c: &mut PgConnection) -> Result<Vec<OwnerRow>> {
    let query = "SELECT code, description FROM owner WHERE description <> '' ORDER BY code";
    let rows: Vec<(String, String)> = sqlx::query_as(query).fetch_all(c).await?;
    Ok(rows.into_iter().map(|(code, description)| OwnerRow { code, description }).collect())
}

/// Adds owners, or replaces their descriptions.
pub(crate) async fn write(c: &mut PgConnection, owners: &BTreeMap<String, String>) -> Result<()> {
    for (code, description) in owners {
        // Looked for first: an attempt to insert would use a number up.
        let query = sqlx::query("UPDATE owner SET description = $2 WHERE code = $1").bind(code).bind(description);
        if query.execute(&mut *c).await?.rows_affected() == 0 {
            let query = sqlx::query("INSERT INTO owner(code, description) VALUES ($1, $2)").bind(code).bind(description);
            query.execute(&mut *c).await?;
        }
    }
    Ok(())
}

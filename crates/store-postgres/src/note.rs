//! Notes: texts beside the log.

use sqlx::{PgConnection, Result};
use std::collections::BTreeMap;

pub(crate) async fn note(c: &mut PgConnection, kind: &str, key: &str) -> Result<Option<String>> {
    sqlx::query_scalar("SELECT text FROM note WHERE kind = $1 AND key = $2").bind(kind).bind(key).fetch_optional(c).await
}

pub(crate) async fn notes(c: &mut PgConnection, kind: &str, after: &str, limit: u32) -> Result<Vec<(String, String)>> {
    let query = sqlx::query_as("SELECT key, text FROM note WHERE kind = $1 AND key > $2 ORDER BY kind, key LIMIT $3");
    query.bind(kind).bind(after).bind(i64::from(limit)).fetch_all(c).await
}

/// Notes that a unit writes in its save: text by kind and key, `None` for those that it removes.
#[derive(Default)]
pub(crate) struct PendingNotes(BTreeMap<(String, String), Option<String>>);

impl PendingNotes {
    /// Writes a note.
    pub(crate) fn set(&mut self, kind: &str, key: &str, text: Option<&str>) {
        self.0.insert((kind.to_owned(), key.to_owned()), text.map(str::to_owned));
    }

    /// The note as the unit wrote it; `None` when it did not.
    pub(crate) fn get(&self, kind: &str, key: &str) -> Option<Option<String>> {
        self.0.get(&(kind.to_owned(), key.to_owned())).cloned()
    }

    fn of(&self, kind: &str, after: &str) -> impl Iterator<Item = (&String, &Option<String>)> {
        let start = (kind.to_owned(), after.to_owned());
        let range = self.0.range((std::ops::Bound::Excluded(start), std::ops::Bound::Unbounded));
        range.take_while(move |((k, _), _)| k == kind).map(|((_, key), text)| (key, text))
    }

    /// How many more notes of the database are needed for a page: those that the unit removes do not count.
    pub(crate) fn more(&self, kind: &str, after: &str) -> u32 {
        u32::try_from(self.of(kind, after).filter(|(_, text)| text.is_none()).count()).unwrap_or(u32::MAX)
    }

    /// A page of the database, as the unit sees it.
    pub(crate) fn over(&self, stored: Vec<(String, String)>, kind: &str, after: &str, limit: u32) -> Vec<(String, String)> {
        let mut all: BTreeMap<String, String> = stored.into_iter().collect();
        for (key, text) in self.of(kind, after) {
            match text {
                Some(text) => _ = all.insert(key.clone(), text.clone()),
                None => _ = all.remove(key),
            }
        }
        all.into_iter().take(limit as usize).collect()
    }

    /// Writes them.
    pub(crate) async fn write(&self, c: &mut PgConnection) -> Result<()> {
        let (mut kinds, mut keys, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        for ((kind, key), text) in &self.0 {
            match text {
                Some(text) => {
                    kinds.push(kind.as_str());
                    keys.push(key.as_str());
                    texts.push(text.as_str());
                }
                None => {
                    sqlx::query("DELETE FROM note WHERE kind = $1 AND key = $2").bind(kind).bind(key).execute(&mut *c).await?;
                }
            }
        }
        if !kinds.is_empty() {
            sqlx::query(
                "INSERT INTO note(kind, key, text) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
                 ON CONFLICT (kind, key) DO UPDATE SET text = excluded.text",
            )
            .bind(kinds)
            .bind(keys)
            .bind(texts)
            .execute(c)
            .await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::PendingNotes;

    #[test]
    fn a_unit_sees_its_own_notes_over_the_stored_ones() {
        let mut mine = PendingNotes::default();
        mine.set("k", "b", None);
        mine.set("k", "c", Some("new"));
        mine.set("other", "a", Some("x"));
        let stored = ["a", "b", "d"].map(|k| (k.to_owned(), "old".to_owned())).to_vec();
        let page = |limit| mine.over(stored.clone(), "k", "", limit).iter().map(|(k, t)| format!("{k}{t}")).collect::<Vec<_>>();
        assert_eq!((page(9), page(2)), (vec!["aold".into(), "cnew".into(), "dold".into()], vec!["aold".into(), "cnew".into()]));
        assert_eq!((mine.more("k", ""), mine.more("k", "b")), (1, 0));
        assert_eq!((mine.get("k", "b"), mine.get("k", "d")), (Some(None), None));
    }
}

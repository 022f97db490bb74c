//! What the sheets of professionals and structures share.

use annuaire_base::Tx;
use annuaire_base::date::iso_day;
use annuaire_index::Snapshot;
use serde_json::Value;

use crate::french::french_count;
use crate::words::Language;

/// The three dates of a sheet, in words: each is another one's.
#[derive(Debug, Clone, Default)]
pub(crate) struct SheetDates {
    /// Day of the last update at the authority, as its data says; empty when it does not.
    pub authority: String,
    /// Day on which the delivery arrived and was published that brought the last change.
    pub delivery: String,
    /// Transaction of that delivery.
    pub tx: String,
    /// Day of the state of the directory that the page shows.
    pub state: String,
}

impl SheetDates {
    /// `authority` is an ISO day, `changed` instant and transaction of the last change.
    pub(crate) fn new(snapshot: &Snapshot, language: Language, authority: &str, (changed_ms, changed_tx): (i64, Tx)) -> Self {
        Self {
            authority: language.long_day(authority),
            delivery: language.long_day(&iso_day(changed_ms)),
            tx: french_count(changed_tx.get()),
            state: language.long_day(&iso_day(snapshot.commit_ms())),
        }
    }
}

/// Facts of a page for search engines (schema.org, JSON-LD), as a template writes them into a data block. `<`, `>` and `&` are written
/// so that no text of the directory ends the block.
///
/// Such a block is no script: browsers do not run it, and the content security policy of pages, which allows no script within a page,
/// does not concern it (HTML, « prepare the script element », step on the type).
pub(crate) fn data_block(facts: &Value) -> String {
    facts.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::data_block;
    use serde_json::{Value, json};

    #[test]
    fn no_text_ends_a_data_block() {
        let facts = json!({"name": "</script><i>&\"'"});
        let block = data_block(&facts);
        assert!(!block.contains(['<', '>', '&']), "{block}");
        assert_eq!(serde_json::from_str::<Value>(&block).unwrap(), facts);
    }
}

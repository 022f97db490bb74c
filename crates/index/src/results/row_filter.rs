//! Whether one row satisfies a filter, by its keys.

use std::ops::Range;

use annuaire_base::text::fold;
use annuaire_terms::{ParamId, TypeId};
use memchr::memmem;

use crate::error::Error;
use crate::filter::Filter;
use crate::hash::{SystemHash, target_hash};
use crate::key::{self, KeyText, class};
use crate::resource_keys::ResourceKeys;
use crate::row::Row;

/// Answers the leaves of a filter that the keys of a row do not answer.
pub trait RowOracle {
    /// Rows written in a range of instants, those with an instant of their own apart.
    fn rows_written(&self, from_ms: Option<i64>, before_ms: Option<i64>) -> Result<Range<Row>, Error>;

    /// Whether the n-th search through references of the filter finds the row.
    fn is_linked(&self, n: usize, filter: &Filter, row: Row) -> Result<bool, Error>;
}

/// A row and its keys.
pub struct FilteredRow<'k, O> {
    pub ty: TypeId,
    pub row: Row,
    pub keys: &'k ResourceKeys,
    pub oracle: &'k O,
}

impl<O: RowOracle> FilteredRow<'_, O> {
    /// Whether the row satisfies a filter; `None` when its keys, which truncate long texts, do not tell. `links` counts the searches
    /// through references, in the order of [`links_of`].
    pub fn satisfies(&self, filter: &Filter, links: &mut usize) -> Result<Option<bool>, Error> {
        let ty = self.ty;
        Ok(match filter {
            Filter::All => Some(true),
            Filter::And(filters) => {
                let mut all = Some(true);
                for filter in filters {
                    match self.satisfies(filter, links)? {
                        Some(true) => {}
                        Some(false) => all = Some(false),
                        None => all = all.filter(|all| !all),
                    }
                }
                all
            }
            Filter::Or(filters) => {
                let mut any = Some(false);
                for filter in filters {
                    match self.satisfies(filter, links)? {
                        Some(false) => {}
                        Some(true) => any = Some(true),
                        None => any = any.filter(|any| *any),
                    }
                }
                any
            }
            Filter::Not(filter) => self.satisfies(filter, links)?.map(|is| !is),
            Filter::Token { param, system, code } => Some(match (system, code) {
                (Some(system), Some(code)) => self.has(&key::token(ty, *param, SystemHash::new(system), code)),
                (None, Some(code)) => self.has_prefix(&key::token_prefix(ty, *param, code)),
                (Some(system), None) => self.has(&key::system(ty, *param, SystemHash::new(system))),
                (None, None) => self.has(&key::present(ty, *param)),
            }),
            Filter::Prefix { param, value } => {
                let wanted = fold(value);
                self.has_text(*param, |text| text.starts_with(wanted.as_bytes()))
            }
            Filter::Contains { param, value } => {
                let wanted = fold(value);
                self.has_text(*param, |text| memmem::find(text, wanted.as_bytes()).is_some())
            }
            Filter::Exact { param, value } => Some(self.has(&key::text(ty, *param, value).0)),
            Filter::Folded { param, value } => Some(self.has_prefix(&key::folded_text_prefix(ty, *param, &fold(value)))),
            Filter::Word { param, word } => Some(self.has(&key::word(ty, *param, word))),
            Filter::WordStart { param, beginning } => Some(self.has_prefix(&key::word_prefix(ty, *param, beginning))),
            Filter::Sound { param, sound } => Some(self.has(&key::sound(ty, *param, sound))),
            Filter::Reference { param, target } => Some(self.has(&key::reference(ty, *param, target_hash(target)))),
            Filter::Uri { param, value } => Some(self.has(&key::uri(ty, *param, value))),
            Filter::Missing(param) => Some(!self.has(&key::present(ty, *param))),
            Filter::Ids(ids) => Some(ids.iter().any(|id| self.has(&key::id(ty, id)))),
            Filter::Rows { first, last } => Some((*first..=*last).contains(&self.row)),
            Filter::Between { param, from, before } => {
                let first = key::text_prefix(ty, *param, &fold(from.as_deref().unwrap_or_default()));
                let texts_end = || key::texts_end(ty, *param).to_vec();
                let end = before.as_ref().map_or_else(texts_end, |text| key::text_prefix(ty, *param, &fold(text)));
                Some(self.has_between(&first, &end))
            }
            Filter::Updated { from_ms, before_ms } => Some(if self.has(&key::dated(ty)) {
                let end = before_ms.map_or_else(|| key::instants_end(ty).to_vec(), |ms| key::instant(ty, ms));
                self.has_between(&key::instant(ty, from_ms.unwrap_or(i64::MIN)), &end)
            } else {
                self.oracle.rows_written(*from_ms, *before_ms)?.contains(&self.row)
            }),
            Filter::Chain { .. } | Filter::Has { .. } => {
                *links += 1;
                Some(self.oracle.is_linked(*links - 1, filter, self.row)?)
            }
        })
    }

    fn has(&self, key: &[u8]) -> bool {
        self.keys.iter().any(|own| own == key)
    }

    fn has_prefix(&self, prefix: &[u8]) -> bool {
        self.keys.iter().any(|own| own.starts_with(prefix))
    }

    fn has_between(&self, first: &[u8], end: &[u8]) -> bool {
        self.keys.iter().any(|own| own >= first && own < end)
    }

    fn has_text(&self, param: ParamId, matches: impl Fn(&[u8]) -> bool) -> Option<bool> {
        let head = [self.ty.get(), param.get(), class::TEXT];
        let mut any = Some(false);
        for text in self.keys.iter().filter(|key| key.starts_with(&head)).filter_map(KeyText::of_key) {
            match text {
                KeyText::Complete(text) if matches(&key::unescape(text)) => return Some(true),
                KeyText::Complete(_) => {}
                KeyText::Truncated { .. } => any = None,
            }
        }
        any
    }
}

/// The searches through references of a filter, in order; those within them are theirs.
pub fn links_of<'f>(filter: &'f Filter, links: &mut Vec<&'f Filter>) {
    match filter {
        Filter::And(filters) | Filter::Or(filters) => filters.iter().for_each(|filter| links_of(filter, links)),
        Filter::Not(filter) => links_of(filter, links),
        Filter::Chain { .. } | Filter::Has { .. } => links.push(filter),
        _ => {}
    }
}

//! Evaluating a filter.

use std::sync::Arc;

use annuaire_base::text::fold;
use annuaire_terms::TypeId;
use roaring::RoaringBitmap;

use crate::budget;
use crate::error::Error;
use crate::filter::Filter;
use crate::hash::{SystemHash, target_hash, type_name_hash};
use crate::key;
use crate::links::column::LinkColumn;
use crate::links::id_set::IdHashSet;
use crate::links::read::{LinkColumns, scan_min};
use crate::row::Row;
use crate::snapshot::Snapshot;

impl Snapshot {
    /// Live rows of a type that satisfy a filter. A result that cost much is remembered, so that the following pages of the
    /// search do not repeat it, nor do searches in the states that follow.
    ///
    /// # Errors
    /// [`Error::Exhausted`] when the search exceeds the effort of [`Snapshot::within`].
    pub fn search(&self, ty: TypeId, filter: &Filter) -> Result<Arc<RoaringBitmap>, Error> {
        if *filter == Filter::All {
            return Ok(self.live(ty));
        }
        self.remembered(ty, filter, |live| self.evaluate(ty, filter, live))
    }

    /// Rows that satisfy a filter, some of them perhaps not live. Counts the work.
    pub(crate) fn evaluate(&self, ty: TypeId, filter: &Filter, live: &RoaringBitmap) -> Result<RoaringBitmap, Error> {
        let rows = self.evaluate_uncounted(ty, filter, live)?;
        self.meter.spend(budget::FILTER + rows.len() / budget::ROWS_PER_UNIT)?;
        Ok(rows)
    }

    fn evaluate_uncounted(&self, ty: TypeId, filter: &Filter, live: &RoaringBitmap) -> Result<RoaringBitmap, Error> {
        match filter {
            Filter::All => Ok(live.clone()),
            Filter::And(filters) => self.evaluate_and(ty, filters, live),
            Filter::Or(filters) => {
                let mut rows = RoaringBitmap::new();
                for filter in filters {
                    rows |= self.evaluate(ty, filter, live)?;
                }
                Ok(rows)
            }
            Filter::Not(filter) => Ok(live - self.evaluate(ty, filter, live)?),
            Filter::Token { param, system, code } => match (system, code) {
                (Some(system), Some(code)) => self.term(&key::token(ty, *param, SystemHash::new(system), code)),
                (None, Some(code)) => self.scan().prefix(&key::token_prefix(ty, *param, code)),
                (Some(system), None) => self.term(&key::system(ty, *param, SystemHash::new(system))),
                (None, None) => self.term(&key::present(ty, *param)),
            },
            Filter::Prefix { param, value } => self.scan().texts_starting_with(ty, *param, value),
            Filter::Contains { param, value } => self.scan().texts_containing(ty, *param, value),
            Filter::Exact { param, value } => self.term(&key::text(ty, *param, value).0),
            Filter::Folded { param, value } => self.scan().prefix(&key::folded_text_prefix(ty, *param, &fold(value))),
            Filter::Word { param, word } => self.term(&key::word(ty, *param, word)),
            Filter::WordStart { param, beginning } => self.scan().prefix(&key::word_prefix(ty, *param, beginning)),
            Filter::Sound { param, sound } => self.term(&key::sound(ty, *param, sound)),
            Filter::Between { param, from, before } => self.scan().texts_between(ty, *param, from.as_deref(), before.as_deref()),
            Filter::Uri { param, value } => self.term(&key::uri(ty, *param, value)),
            Filter::Missing(param) => Ok(live - self.term(&key::present(ty, *param))?),
            Filter::Reference { param, target } => self.term(&key::reference(ty, *param, target_hash(target))),
            Filter::Chain { param, target_type, target_name, filter } => {
                let targets = self.search(*target_type, filter)?;
                self.rows_referring_to(LinkColumn { ty, param: *param }, *target_type, target_name, &targets)
            }
            Filter::Has { source_type, param, target_name, filter } => {
                let sources = self.search(*source_type, filter)?;
                self.rows_referred_to(ty, target_name, LinkColumn { ty: *source_type, param: *param }, &sources)
            }
            Filter::Ids(ids) => {
                let mut rows = RoaringBitmap::new();
                for id in ids {
                    rows.extend(self.newest_row(ty, id)?.map(Row::get));
                }
                Ok(rows)
            }
            Filter::Rows { first, last } => {
                let mut rows = live.clone();
                rows.remove_range(..first.get());
                if let Some(after) = last.get().checked_add(1) {
                    rows.remove_range(after..);
                }
                Ok(rows)
            }
            Filter::Updated { from_ms, before_ms } => self.evaluate_updated(ty, *from_ms, *before_ms, live),
        }
    }

    fn evaluate_and(&self, ty: TypeId, filters: &[Filter], live: &RoaringBitmap) -> Result<RoaringBitmap, Error> {
        let Some((first, rest)) = filters.split_first() else {
            return Ok(live.clone());
        };
        let mut rows = self.evaluate(ty, first, live)?;
        for filter in rest {
            if rows.is_empty() {
                break;
            }
            rows &= self.evaluate(ty, filter, live)?;
        }
        Ok(rows)
    }

    /// Rows are in the order of commits, so an interval of commits is a range of rows. Rows with a foreign stamp have instants
    /// of their own: they are looked up.
    fn evaluate_updated(
        &self,
        ty: TypeId,
        from_ms: Option<i64>,
        before_ms: Option<i64>,
        live: &RoaringBitmap,
    ) -> Result<RoaringBitmap, Error> {
        let first = from_ms.map_or(Ok(Row::FIRST), |ms| self.first_row_at(ms))?;
        let end = before_ms.map_or(Ok(Row::MAX), |ms| self.first_row_at(ms))?;
        let mut rows = live.clone();
        rows.remove_range(..first.get());
        rows.remove_range(end.get()..);
        let dated = self.term(&key::dated(ty))?;
        if !dated.is_empty() {
            rows -= dated;
            rows |= self.scan().instants_between(ty, from_ms, before_ms)?;
        }
        Ok(rows)
    }

    /// Rows whose references in `column` lead to one of `targets`, live rows of the type `target_type` named `target_name`.
    /// Cost: a look-up for each of a few targets; for many, reading two columns.
    fn rows_referring_to(
        &self,
        column: LinkColumn,
        target_type: TypeId,
        target_name: &str,
        targets: &RoaringBitmap,
    ) -> Result<RoaringBitmap, Error> {
        let (columns, type_name) = (self.link_columns(), type_name_hash(target_name));
        if targets.len() >= scan_min(self.published.end) {
            let ids = columns.hashes_of(LinkColumn::ids(target_type), targets)?;
            return columns.rows_with_hash_in(column, &IdHashSet::new(&ids, 0), type_name);
        }
        let mut rows = RoaringBitmap::new();
        for id in columns.look_up_ids(target_type, targets)? {
            rows |= self.term(&key::reference(column.ty, column.param, type_name ^ id))?;
        }
        Ok(rows)
    }

    /// Rows of a type named `name` to which the references of `sources` in `column` lead. Cost: reading each of a few sources
    /// and a look-up for each reference; for many, reading two columns.
    fn rows_referred_to(
        &self,
        ty: TypeId,
        name: &str,
        column: LinkColumn,
        sources: &RoaringBitmap,
    ) -> Result<RoaringBitmap, Error> {
        if sources.len() >= scan_min(self.published.end) {
            let columns = self.link_columns();
            let targets = columns.hashes_of(column, sources)?;
            let set = IdHashSet::new(&targets, type_name_hash(name));
            return columns.rows_with_hash_in(LinkColumn::ids(ty), &set, 0);
        }
        let mut rows = RoaringBitmap::new();
        for source in sources.iter().map(Row::new) {
            for (param, target) in self.references(source)? {
                if param == column.param
                    && let Some((type_name, id)) = target.split_once('/')
                    && type_name == name
                {
                    rows.extend(self.newest_row(ty, id)?.map(Row::get));
                }
            }
        }
        Ok(rows)
    }

    fn link_columns(&self) -> LinkColumns<'_> {
        LinkColumns { dbs: &self.dbs, txn: &self.txn, end: self.published.end, meter: &self.meter }
    }
}

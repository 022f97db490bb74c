//! Carrying a result over to a later state.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use annuaire_terms::{ParamId, TypeId};
use roaring::RoaringBitmap;

use crate::budget::{self, Effort};
use crate::error::Error;
use crate::filter::Filter;
use crate::hash::{id_hash, type_name_hash};
use crate::key;
use crate::results::row_filter::{FilteredRow, RowOracle, links_of};
use crate::results::{EFFORT_MIN, KeptResult, LinkEnds, SearchResults};
use crate::row::Row;
use crate::snapshot::Snapshot;

/// Most rows added since a result that are looked at; with more, the search is repeated.
const ADDED_MAX: u64 = 512;
/// Number of such rows from which the carried result is remembered in its turn.
const ADDED_MANY: u64 = 32;
/// Most rows by which the other end of a search through references may differ.
const DIFFERENCE_MAX: u64 = 64;
/// Cost of looking at a row.
const ROW: Effort = 20;

impl Snapshot {
    /// What a filter finds among the live rows of a type, from a remembered result or by `evaluate`.
    pub(crate) fn remembered(
        &self,
        ty: TypeId,
        filter: &Filter,
        evaluate: impl FnOnce(&RoaringBitmap) -> Result<RoaringBitmap, Error>,
    ) -> Result<Arc<RoaringBitmap>, Error> {
        let key = SearchResults::key(ty, filter);
        let live = self.live(ty);
        if let Some(key) = &key
            && let Some(kept) = self.results.get(key, self.published.tx)
        {
            if kept.tx == self.published.tx {
                return Ok(kept.rows);
            }
            if let Some(carried) = self.carry(ty, filter, &kept, &live)? {
                let rows = carried.rows.clone();
                if (&*live & span(kept.end, self.published.end)).len() >= ADDED_MANY {
                    self.results.insert(key.clone(), carried);
                }
                return Ok(rows);
            }
        }
        let before = self.meter.spent();
        let rows = Arc::new(evaluate(&live)? & &*live);
        if let Some(key) = key
            && self.meter.spent() - before >= EFFORT_MIN
        {
            // A search that found nothing may have done without them.
            let ends = if rows.is_empty() && has_links(filter) { None } else { self.link_ends(filter).ok() };
            let (tx, end) = (self.published.tx, self.published.end);
            self.results.insert(key, KeptResult { tx, end, rows: rows.clone(), ends });
        }
        Ok(rows)
    }

    /// The result of an earlier state, carried over to this one; `None` when the search must be repeated. Cost: a copy of the result,
    /// and looking at each row added since.
    fn carry(&self, ty: TypeId, filter: &Filter, kept: &KeptResult, live: &RoaringBitmap) -> Result<Option<KeptResult>, Error> {
        let added = live & span(kept.end, self.published.end);
        if added.len() > ADDED_MAX {
            return Ok(None);
        }
        let (Some(keys), Some(ends_then)) = (self.results.keys_of(&added), &kept.ends) else { return Ok(None) };
        let mut links = Vec::new();
        links_of(filter, &mut links);
        let ends = self.link_ends(filter)?;
        for ((link, then), now) in links.into_iter().zip(ends_then.iter()).zip(ends.iter()) {
            if !self.leads_to_same(link, then, now)? {
                return Ok(None);
            }
        }
        let mut rows = &*kept.rows & live;
        self.meter.spend(budget::FILTER + rows.len() / budget::ROWS_PER_UNIT + ROW * added.len())?;
        let oracle = LinkOracle { snapshot: self, ends: &ends };
        for (row, keys) in &keys {
            let row_filter = FilteredRow { ty, row: *row, keys, oracle: &oracle };
            match row_filter.satisfies(filter, &mut 0)? {
                Some(true) => _ = rows.insert(row.get()),
                Some(false) => {}
                None => return Ok(None),
            }
        }
        Ok(Some(KeptResult { tx: self.published.tx, end: self.published.end, rows: Arc::new(rows), ends: Some(ends) }))
    }

    /// What the searches through references of a filter find at their other ends.
    fn link_ends(&self, filter: &Filter) -> Result<LinkEnds, Error> {
        let mut links = Vec::new();
        links_of(filter, &mut links);
        links.into_iter().map(|link| other_end(link).map_or_else(|| Ok(Arc::default()), |(ty, f)| self.search(ty, f))).collect()
    }

    /// Whether the rows at the other end of a search through references lead to the same resources in two states. A new version with
    /// the same id, or the same references, changes nothing.
    fn leads_to_same(&self, link: &Filter, then: &Arc<RoaringBitmap>, now: &Arc<RoaringBitmap>) -> Result<bool, Error> {
        if Arc::ptr_eq(then, now) || then == now {
            return Ok(true);
        }
        let (lost, new) = (&**then - &**now, &**now - &**then);
        if lost.len() + new.len() > DIFFERENCE_MAX {
            return Ok(false);
        }
        let leads_to = |rows: &RoaringBitmap| match link {
            Filter::Chain { target_type, .. } => self.ids_of(*target_type, rows),
            Filter::Has { param, .. } => self.targets_of(*param, rows),
            _ => Ok(None),
        };
        let (lost, new) = (leads_to(&lost)?, leads_to(&new)?);
        Ok(lost.is_some() && lost == new)
    }

    /// Ids of rows; `None` when one of them was removed from the store.
    fn ids_of(&self, ty: TypeId, rows: &RoaringBitmap) -> Result<Option<BTreeSet<String>>, Error> {
        let mut ids = BTreeSet::new();
        for row in rows.iter().map(Row::new) {
            match self.read(row) {
                Ok(version) if version.ty == ty => _ = ids.insert(version.id().to_owned()),
                Ok(_) | Err(Error::UnknownRow(_)) => return Ok(None),
                Err(e) => return Err(e),
            }
        }
        Ok(Some(ids))
    }

    /// Targets of the references of rows; `None` when one of them was removed from the store.
    fn targets_of(&self, wanted: ParamId, rows: &RoaringBitmap) -> Result<Option<BTreeSet<String>>, Error> {
        let mut targets = BTreeSet::new();
        for row in rows.iter().map(Row::new) {
            match self.references(row) {
                Ok(all) => targets.extend(all.into_iter().filter(|(param, _)| *param == wanted).map(|(_, target)| target)),
                Err(Error::UnknownRow(_)) => return Ok(None),
                Err(e) => return Err(e),
            }
        }
        Ok(Some(targets))
    }
}

fn has_links(filter: &Filter) -> bool {
    let mut links = Vec::new();
    links_of(filter, &mut links);
    !links.is_empty()
}

/// Type and filter of the other end of a search through references.
fn other_end(link: &Filter) -> Option<(TypeId, &Filter)> {
    match link {
        Filter::Chain { target_type: ty, filter, .. } | Filter::Has { source_type: ty, filter, .. } => Some((*ty, filter)),
        _ => None,
    }
}

fn span(first: Row, end: Row) -> RoaringBitmap {
    let mut rows = RoaringBitmap::new();
    rows.insert_range(first.get()..end.get().max(first.get()));
    rows
}

/// Answers with what the searches through references find at their other ends.
struct LinkOracle<'s> {
    snapshot: &'s Snapshot,
    ends: &'s [Arc<RoaringBitmap>],
}

impl RowOracle for LinkOracle<'_> {
    fn rows_written(&self, from_ms: Option<i64>, before_ms: Option<i64>) -> Result<Range<Row>, Error> {
        let first = from_ms.map_or(Ok(Row::FIRST), |ms| self.snapshot.first_row_at(ms))?;
        Ok(first..before_ms.map_or(Ok(Row::MAX), |ms| self.snapshot.first_row_at(ms))?)
    }

    fn is_linked(&self, n: usize, link: &Filter, row: Row) -> Result<bool, Error> {
        let (snapshot, end) = (self.snapshot, self.ends.get(n).ok_or(Error::Corrupt("remembered result"))?);
        match link {
            Filter::Chain { param, target_type, target_name, .. } => {
                for (found, target) in snapshot.references(row)? {
                    if found == *param
                        && let Some((type_name, id)) = target.split_once('/')
                        && type_name == target_name
                        && snapshot.newest_row(*target_type, id)?.is_some_and(|row| end.contains(row.get()))
                    {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Filter::Has { source_type, param, target_name, .. } => {
                let id = id_hash(snapshot.read(row)?.id());
                let sources = snapshot.term(&key::reference(*source_type, *param, type_name_hash(target_name) ^ id))?;
                Ok(!sources.is_disjoint(end))
            }
            _ => Ok(false),
        }
    }
}

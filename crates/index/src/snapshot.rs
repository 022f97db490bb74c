//! Reads at one transaction.

use std::borrow::Cow;
use std::ops::Bound;
use std::sync::Arc;

use heed::{RoTxn, WithoutTls};
use roaring::RoaringBitmap;

use crate::posting::{self, class};
use crate::row::{self, Header};
use crate::{Dbs, Error, Filter, ParamId, Published, Resource, Row, State, TypeId};

/// One version of a resource, read in place.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Its row.
    pub row: Row,
    /// Type of the resource.
    pub ty: TypeId,
    /// Logical identifier.
    pub id: &'a str,
    /// Number of the version, from 1.
    pub version: u32,
    /// Transaction that made it.
    pub tx: u64,
    /// Instant of the version: that of its transaction, or that of its own meta when it comes from another directory.
    pub commit_ms: i64,
    /// Body, stamped with the version and the instant.
    pub body: &'a [u8],
}

impl Entry<'_> {
    /// Whether this version is the stamped form of a resource.
    pub fn holds(&self, resource: &Resource) -> bool {
        let rest = self.body.strip_prefix(resource.before.as_slice());
        let stamp = if resource.kept.is_some() { Vec::new() } else { row::stamp(self.version, self.commit_ms) };
        rest.and_then(|r| r.strip_prefix(stamp.as_slice())) == Some(resource.after.as_slice())
    }
}

enum View {
    Latest(Arc<State>),
    Past(RoaringBitmap),
}

/// The state of the index at one transaction. Owns a read transaction: keep it briefly.
pub struct Snapshot {
    txn: RoTxn<'static, WithoutTls>,
    dbs: Dbs,
    at: Published,
    view: View,
}

impl Snapshot {
    pub(crate) fn latest(txn: RoTxn<'static, WithoutTls>, dbs: Dbs, state: Arc<State>) -> Self {
        Self { txn, dbs, at: state.at, view: View::Latest(state) }
    }

    pub(crate) fn past(txn: RoTxn<'static, WithoutTls>, dbs: Dbs, at: Published, closed: RoaringBitmap) -> Self {
        Self { txn, dbs, at, view: View::Past(closed) }
    }

    /// Transaction of the snapshot, 0 for the empty state.
    pub fn tx(&self) -> u64 {
        self.at.tx
    }

    /// Instant of that transaction, in milliseconds.
    pub fn commit_ms(&self) -> i64 {
        self.at.commit_ms
    }

    fn header(&self, row: Row) -> Result<Header<'_>, Error> {
        let bytes = self.dbs.rows.get(&self.txn, &row.to_be_bytes())?.ok_or(Error::UnknownRow(row))?;
        Header::read(bytes)
    }

    fn visible(&self, row: Row) -> Result<Header<'_>, Error> {
        if row < self.at.end { self.header(row) } else { Err(Error::UnknownRow(row)) }
    }

    /// Newest visible row of an id.
    fn newest(&self, ty: TypeId, id: &str) -> Result<Option<Row>, Error> {
        let Some(bytes) = self.dbs.ids.get(&self.txn, &posting::id_key(ty, id))? else {
            return Ok(None);
        };
        let mut row = row::number(bytes)?;
        while row != row::NONE && row >= self.at.end {
            row = self.header(row)?.prev;
        }
        Ok((row != row::NONE).then_some(row))
    }

    /// Newest version of a resource at this transaction.
    pub fn current(&self, ty: TypeId, id: &str) -> Result<Option<Entry<'_>>, Error> {
        self.newest(ty, id)?.map(|row| self.entry(row)).transpose()
    }

    /// Version `n` of a resource, when it exists at this transaction.
    pub fn version(&self, ty: TypeId, id: &str, n: u32) -> Result<Option<Entry<'_>>, Error> {
        let mut next = self.newest(ty, id)?.unwrap_or(row::NONE);
        while next != row::NONE {
            let header = self.header(next)?;
            if header.version <= n {
                return if header.version == n { self.entry(next).map(Some) } else { Ok(None) };
            }
            next = header.prev;
        }
        Ok(None)
    }

    /// Rows of all the versions of a resource, newest first.
    pub fn history(&self, ty: TypeId, id: &str) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        let mut next = self.newest(ty, id)?.unwrap_or(row::NONE);
        while next != row::NONE {
            rows.push(next);
            next = self.header(next)?.prev;
        }
        Ok(rows)
    }

    /// The version in a row.
    pub fn entry(&self, row: Row) -> Result<Entry<'_>, Error> {
        let Header { version, tx, commit_ms, ty, id, body, .. } = self.visible(row)?;
        Ok(Entry { row, ty, id, version, tx, commit_ms, body })
    }

    /// Links of a row to other resources, in the order given.
    pub fn references(&self, row: Row) -> Result<Vec<(ParamId, String)>, Error> {
        self.visible(row)?.references()
    }

    fn live(&self, ty: TypeId) -> Result<Cow<'_, RoaringBitmap>, Error> {
        Ok(match &self.view {
            View::Latest(state) => match state.live.get(&ty) {
                Some(rows) => Cow::Borrowed(&**rows),
                None => Cow::default(),
            },
            View::Past(closed) => Cow::Owned(self.all_versions(ty)? - closed),
        })
    }

    fn all_versions(&self, ty: TypeId) -> Result<RoaringBitmap, Error> {
        let mut rows = self.posting(ty, 0, class::TYPE, &[])?;
        rows.remove_range(self.at.end..);
        Ok(rows)
    }

    fn posting(&self, ty: TypeId, param: ParamId, class: u8, parts: &[&str]) -> Result<RoaringBitmap, Error> {
        posting::read(&self.dbs, &self.txn, &posting::key(ty, param, class, parts))
    }

    /// Live rows of a type, at this transaction, kept by a filter.
    pub fn search(&self, ty: TypeId, f: &Filter) -> Result<RoaringBitmap, Error> {
        let live = self.live(ty)?;
        Ok(self.eval(ty, f, &live)? & &*live)
    }

    /// Rows kept by a filter, possibly with rows that are not live.
    fn eval(&self, ty: TypeId, filter: &Filter, live: &RoaringBitmap) -> Result<RoaringBitmap, Error> {
        match filter {
            Filter::All => Ok(live.clone()),
            Filter::And(filters) => {
                let Some((first, rest)) = filters.split_first() else {
                    return Ok(live.clone());
                };
                let mut rows = self.eval(ty, first, live)?;
                for filter in rest {
                    if rows.is_empty() {
                        break;
                    }
                    rows &= self.eval(ty, filter, live)?;
                }
                Ok(rows)
            }
            Filter::Or(filters) => {
                let mut rows = RoaringBitmap::new();
                for filter in filters {
                    rows |= self.eval(ty, filter, live)?;
                }
                Ok(rows)
            }
            Filter::Not(filter) => Ok(live - self.eval(ty, filter, live)?),
            Filter::Token { param, system, code } => match (system, code) {
                (Some(system), Some(code)) => self.posting(ty, *param, class::SYSTEM_CODE, &[system, code]),
                (None, Some(code)) => self.posting(ty, *param, class::CODE, &[code]),
                (Some(system), None) => self.posting(ty, *param, class::SYSTEM, &[system]),
                (None, None) => self.posting(ty, *param, class::PRESENT, &[]),
            },
            Filter::Prefix { param, value } => posting::read_texts(&self.dbs, &self.txn, (ty, *param), value, false),
            Filter::Contains { param, value } => posting::read_texts(&self.dbs, &self.txn, (ty, *param), value, true),
            Filter::Exact { param, value } => self.posting(ty, *param, class::RAW, &[value]),
            Filter::Reference { param, target } => self.posting(ty, *param, class::REFERENCE, &[target]),
            Filter::Uri { param, value } => self.posting(ty, *param, class::URI, &[value]),
            Filter::Ids(ids) => {
                let mut rows = RoaringBitmap::new();
                for id in ids {
                    rows.extend(self.newest(ty, id)?);
                }
                Ok(rows)
            }
            Filter::Rows { first, last } => {
                let mut rows = live.clone();
                rows.remove_range(..*first);
                if let Some(after) = last.checked_add(1) {
                    rows.remove_range(after..);
                }
                Ok(rows)
            }
            Filter::Updated { from_ms, before_ms } => {
                let first = from_ms.map_or(Ok(0), |ms| self.first_row_at(ms))?;
                let end = before_ms.map_or(Ok(Row::MAX), |ms| self.first_row_at(ms))?;
                let mut rows = live.clone();
                rows.remove_range(..first);
                rows.remove_range(end..);
                // Resources of other directories have instants of their own.
                let dated = self.posting(ty, 0, class::DATED, &[])?;
                if !dated.is_empty() {
                    rows -= dated;
                    rows |= posting::read_dated(&self.dbs, &self.txn, ty, *from_ms, *before_ms)?;
                }
                Ok(rows)
            }
            Filter::Between { param, from, before } => {
                posting::read_between(&self.dbs, &self.txn, (ty, *param), from.as_deref(), before.as_deref())
            }
            Filter::Missing(param) => Ok(live - self.posting(ty, *param, class::PRESENT, &[])?),
        }
    }

    /// The versions of `rows` that were current at some moment between two instants, both included. Reads each row and the
    /// one that replaced it.
    pub fn current_during(&self, rows: &RoaringBitmap, first_ms: i64, last_ms: i64) -> Result<RoaringBitmap, Error> {
        let mut out = RoaringBitmap::new();
        for row in rows {
            let header = self.visible(row)?;
            if header.commit_ms > last_ms {
                continue;
            }
            // Versions of one resource are few: its newest one leads back to the one that replaced this.
            let mut next = self.newest(header.ty, header.id)?.unwrap_or(row);
            let mut replaced = None;
            while next != row && next != row::NONE {
                let later = self.header(next)?;
                replaced = Some(later.commit_ms);
                next = later.prev;
            }
            if replaced.is_none_or(|ms| ms > first_ms) {
                out.insert(row);
            }
        }
        Ok(out)
    }

    /// Rows of `rows`, live rows of a type, in id order (descending when `down`), the first `limit` after the id `after`.
    ///
    /// Few rows are sorted in memory; many are met by walking the ids of the type.
    pub fn by_id(
        &self,
        ty: TypeId,
        rows: &RoaringBitmap,
        after: Option<&str>,
        down: bool,
        limit: usize,
    ) -> Result<Vec<Row>, Error> {
        const SORTED: u64 = 20_000;
        if rows.len() <= SORTED {
            let mut all = rows.iter().map(|row| Ok((self.header(row)?.id, row))).collect::<Result<Vec<_>, Error>>()?;
            all.sort_unstable();
            if down {
                all.reverse();
            }
            let past = |id: &str| after.is_none_or(|after| if down { id < after } else { id > after });
            return Ok(all.into_iter().filter(|(id, _)| past(id)).map(|(_, row)| row).take(limit).collect());
        }
        let edge = after.map(|id| posting::id_key(ty, id));
        let (low, high) = match (&edge, down) {
            (Some(key), false) => (Bound::Excluded(key.clone()), Bound::Excluded(vec![ty + 1])),
            (Some(key), true) => (Bound::Included(vec![ty]), Bound::Excluded(key.clone())),
            (None, _) => (Bound::Included(vec![ty]), Bound::Excluded(vec![ty + 1])),
        };
        let range = (low.as_ref().map(Vec::as_slice), high.as_ref().map(Vec::as_slice));
        let newest = |bytes: &[u8]| -> Result<Option<Row>, Error> {
            let mut row = row::number(bytes)?;
            while row != row::NONE && row >= self.at.end {
                row = self.header(row)?.prev;
            }
            Ok((row != row::NONE && rows.contains(row)).then_some(row))
        };
        let mut out = Vec::with_capacity(limit);
        if down {
            for item in self.dbs.ids.rev_range(&self.txn, &range)? {
                out.extend(newest(item?.1)?);
                if out.len() >= limit {
                    break;
                }
            }
        } else {
            for item in self.dbs.ids.range(&self.txn, &range)? {
                out.extend(newest(item?.1)?);
                if out.len() >= limit {
                    break;
                }
            }
        }
        Ok(out)
    }

    /// Live rows of a type whose instant is not that of their transaction.
    pub fn dated(&self, ty: TypeId) -> Result<RoaringBitmap, Error> {
        Ok(self.posting(ty, 0, class::DATED, &[])? & &*self.live(ty)?)
    }

    /// All the versions, live or closed, made at an instant or after it.
    pub fn versions_since(&self, ty: Option<TypeId>, since_ms: i64) -> Result<RoaringBitmap, Error> {
        let first = self.first_row_at(since_ms)?;
        let mut rows = RoaringBitmap::new();
        if first < self.at.end {
            rows.insert_range(first..self.at.end);
        }
        Ok(match ty {
            Some(ty) => rows & self.all_versions(ty)?,
            None => rows,
        })
    }

    /// First row made at an instant or after it, `u32::MAX` when there is none.
    pub fn first_row_at(&self, ms: i64) -> Result<Row, Error> {
        if self.at.tx == 0 || self.at.commit_ms < ms {
            return Ok(Row::MAX);
        }
        // Smallest tx from which the next transaction applied is late enough.
        let (mut low, mut high) = (0, self.at.tx);
        while low < high {
            let middle = low + (high - low) / 2;
            let found = self.dbs.tx.get_greater_than_or_equal_to(&self.txn, &middle.to_be_bytes())?;
            let (key, value) = found.ok_or(Error::Corrupt("transactions"))?;
            let found = Published::read(key, value)?;
            if found.commit_ms >= ms { high = middle } else { low = found.tx + 1 }
        }
        let before = self.dbs.tx.get_lower_than(&self.txn, &low.to_be_bytes())?;
        let start = match before {
            Some((key, value)) => Published::read(key, value)?.end,
            None => 0,
        };
        Ok(if start < self.at.end { start } else { Row::MAX })
    }
}

//! Reads at one transaction.

use std::ops::Bound;
use std::sync::Arc;

use heed::{RoTxn, WithoutTls};
use roaring::RoaringBitmap;

use crate::budget::{self, Effort, Meter, Results};
use crate::chunk::{self, Records};
use crate::links::{self, Column, Columns, Set};
use crate::record::{Codec, Head, Version};
use crate::{Dbs, Error, Filter, Published, Row, State};
use crate::{key, posting};
use annuaire_base::Tx;
use annuaire_terms::{ParamId, TypeId};

/// Order of logical identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdOrder {
    /// From the first id on.
    Ascending,
    /// From the last id on.
    Descending,
}

enum View {
    Known(Arc<State>),
    Past(RoaringBitmap),
}

/// What every snapshot of an index reads with.
pub(crate) struct Reader {
    pub txn: RoTxn<'static, WithoutTls>,
    pub dbs: Dbs,
    pub codec: Arc<Codec>,
    pub results: Results,
}

impl Reader {
    pub fn at(self, state: Arc<State>) -> Snapshot {
        let Self { txn, dbs, codec, results } = self;
        Snapshot { txn, dbs, codec, results, at: state.at, view: View::Known(state), meter: Meter::default() }
    }

    pub fn past(self, at: Published, closed: RoaringBitmap) -> Snapshot {
        let Self { txn, dbs, codec, results } = self;
        Snapshot { txn, dbs, codec, results, at, view: View::Past(closed), meter: Meter::default() }
    }
}

/// The state of the index at one transaction. Owns a read transaction: keep it briefly.
pub struct Snapshot {
    txn: RoTxn<'static, WithoutTls>,
    dbs: Dbs,
    codec: Arc<Codec>,
    results: Results,
    at: Published,
    view: View,
    meter: Meter,
}

impl Snapshot {
    /// Bounds the work of all the searches of this snapshot together; beyond it they fail with [`Error::Exhausted`].
    #[must_use]
    pub fn within(self, work: Effort) -> Self {
        self.meter.allow(work);
        self
    }

    /// Transaction of the snapshot, 0 for the empty state.
    pub fn tx(&self) -> Tx {
        self.at.tx
    }

    /// Instant of that transaction, in milliseconds.
    pub fn commit_ms(&self) -> i64 {
        self.at.commit_ms
    }

    fn head(&self, row: Row) -> Result<Head<'_>, Error> {
        Head::read(self.reader().find(row)?)
    }

    /// Instant of a transaction.
    fn instant(&self, tx: Tx) -> Result<i64, Error> {
        if tx == self.at.tx {
            return Ok(self.at.commit_ms);
        }
        let key = tx.get().to_be_bytes();
        let value = self.dbs.tx.get(&self.txn, &key)?.ok_or(Error::Corrupt("transaction of a row"))?;
        Ok(Published::read(&key, value)?.commit_ms)
    }

    /// Visible versions of an id, oldest first.
    fn versions(&self, ty: TypeId, id: &str) -> Result<RoaringBitmap, Error> {
        let mut rows = posting::read(&self.dbs, &self.txn, &key::id(ty, id))?;
        rows.remove_range(self.at.end.get()..);
        Ok(rows)
    }

    /// Row of the newest visible version of an id.
    fn newest(&self, ty: TypeId, id: &str) -> Result<Option<Row>, Error> {
        posting::last(&self.dbs, &self.txn, &key::id(ty, id), self.at.end)
    }

    /// Whether a row was not closed at this transaction.
    fn alive(&self, ty: TypeId, row: Row) -> bool {
        match &self.view {
            View::Known(state) => state.live.get(&ty).is_some_and(|live| live.contains(row.get())),
            View::Past(closed) => !closed.contains(row.get()),
        }
    }

    /// Whether no version is visible.
    pub fn is_empty(&self) -> bool {
        self.at.end == Row::FIRST
    }

    /// Newest version of a resource at this transaction; `None` when there never was one, and when it is gone: then
    /// [`Snapshot::history`] is not empty.
    pub fn current(&self, ty: TypeId, id: &str) -> Result<Option<Version>, Error> {
        Ok(self.last_version(ty, id)?.filter(|(_, alive)| *alive).map(|(entry, _)| entry))
    }

    /// Whether a resource is there, in whatever form. Cost: one look-up.
    pub fn exists(&self, ty: TypeId, id: &str) -> Result<bool, Error> {
        Ok(self.newest(ty, id)?.is_some_and(|row| self.alive(ty, row)))
    }

    /// Newest version of a resource, and whether it is not gone.
    pub(crate) fn last_version(&self, ty: TypeId, id: &str) -> Result<Option<(Version, bool)>, Error> {
        self.newest(ty, id)?.map(|row| Ok((self.read(row)?, self.alive(ty, row)))).transpose()
    }

    /// Instant of the transaction that closed a row without a successor, `None` when none did. Reads the closings since the
    /// row: for what is gone.
    fn gone_at(&self, ty: TypeId, row: Row, tx: Tx) -> Result<Option<i64>, Error> {
        if self.alive(ty, row) {
            return Ok(None);
        }
        let (from, to) = (tx.get().to_be_bytes(), self.at.tx.get().to_be_bytes());
        for item in self.dbs.closings.range(&self.txn, &(Bound::Excluded(&from[..]), Bound::Included(&to[..])))? {
            let (key, value) = item?;
            self.meter.spend(budget::CHUNK)?;
            if RoaringBitmap::deserialize_from(value)?.contains(row.get()) {
                let tx = key.try_into().map(|tx| Tx::new(u64::from_be_bytes(tx))).map_err(|_| Error::Corrupt("closing"))?;
                return self.instant(tx).map(Some);
            }
        }
        Err(Error::Corrupt("a closed row that nothing closed"))
    }

    /// Version `n` of a resource, when it exists at this transaction.
    pub fn version(&self, ty: TypeId, id: &str, n: u32) -> Result<Option<Version>, Error> {
        for row in self.versions(ty, id)?.iter().rev().map(Row::new) {
            let version = self.head(row)?.version;
            if version <= n {
                return if version == n { self.read(row).map(Some) } else { Ok(None) };
            }
        }
        Ok(None)
    }

    /// Rows of all the versions of a resource, newest first.
    pub fn history(&self, ty: TypeId, id: &str) -> Result<Vec<Row>, Error> {
        Ok(self.versions(ty, id)?.iter().rev().map(Row::new).collect())
    }

    /// The version in a row. Cost: one look-up and the decompression of a body.
    pub fn read(&self, row: Row) -> Result<Version, Error> {
        let mut entry = Version::default();
        self.reader().read(row, &mut entry)?;
        Ok(entry)
    }

    /// Reads many rows.
    pub fn reader(&self) -> VersionReader<'_> {
        VersionReader { snap: self, chunk: (Row::FIRST, Records::default()) }
    }

    /// Instant of the version in a row, without reading its body.
    pub fn last_updated_ms(&self, row: Row) -> Result<i64, Error> {
        self.meter.spend(budget::HEAD)?;
        let head = self.head(row)?;
        head.own_ms.map_or_else(|| self.instant(head.tx), Ok)
    }

    /// Links of a row to other resources, in the order given.
    pub fn references(&self, row: Row) -> Result<Vec<(ParamId, String)>, Error> {
        self.read(row)?.references()
    }

    fn live(&self, ty: TypeId) -> Result<Arc<RoaringBitmap>, Error> {
        Ok(match &self.view {
            View::Known(state) => state.live.get(&ty).cloned().unwrap_or_default(),
            View::Past(closed) => Arc::new(self.all_versions(ty)? - closed),
        })
    }

    fn all_versions(&self, ty: TypeId) -> Result<RoaringBitmap, Error> {
        let mut rows = self.term(&key::ty(ty))?;
        rows.remove_range(self.at.end.get()..);
        Ok(rows)
    }

    fn term(&self, key: &[u8]) -> Result<RoaringBitmap, Error> {
        posting::read(&self.dbs, &self.txn, key)
    }

    /// Live rows of a type, at this transaction, kept by a filter. What took long to find is remembered for a while: the
    /// pages that follow do not look for it again.
    ///
    /// # Errors
    /// [`Error::Exhausted`] when it needs more work than [`Snapshot::within`] allowed.
    pub fn search(&self, ty: TypeId, f: &Filter) -> Result<Arc<RoaringBitmap>, Error> {
        if *f == Filter::All {
            return self.live(ty);
        }
        let key = budget::key(self.at.tx, ty, f);
        if let Some(rows) = key.as_ref().and_then(|key| budget::remembered(&self.results, key)) {
            return Ok(rows);
        }
        let before = self.meter.spent();
        let live = self.live(ty)?;
        let mut rows = self.eval(ty, f, &live)?;
        rows &= &*live;
        let rows = Arc::new(rows);
        if let Some(key) = key {
            budget::remember(&self.results, key, &rows, self.meter.spent() - before);
        }
        Ok(rows)
    }

    /// Rows kept by a filter, possibly with rows that are not live.
    fn eval(&self, ty: TypeId, filter: &Filter, live: &RoaringBitmap) -> Result<RoaringBitmap, Error> {
        let rows = self.find(ty, filter, live)?;
        self.meter.spend(budget::FILTER + rows.len() / budget::ROWS)?;
        Ok(rows)
    }

    fn find(&self, ty: TypeId, filter: &Filter, live: &RoaringBitmap) -> Result<RoaringBitmap, Error> {
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
                (Some(system), Some(code)) => self.term(&key::token(ty, *param, key::System::of(system), code)),
                (None, Some(code)) => posting::read_prefix(&self.dbs, &self.txn, &self.meter, &key::code_start(ty, *param, code)),
                (Some(system), None) => self.term(&key::system(ty, *param, key::System::of(system))),
                (None, None) => self.term(&key::present(ty, *param)),
            },
            Filter::Prefix { param, value } => posting::read_texts(&self.dbs, &self.txn, &self.meter, (ty, *param), value, false),
            Filter::Contains { param, value } => {
                posting::read_texts(&self.dbs, &self.txn, &self.meter, (ty, *param), value, true)
            }
            Filter::Exact { param, value } => self.term(&key::text(ty, *param, value).0),
            Filter::Reference { param, target } => self.term(&key::reference(ty, *param, key::target(target))),
            Filter::Chain { param, target_type, target_name, filter } => {
                let targets = self.search(*target_type, filter)?;
                self.linking((ty, *param), *target_type, target_name, &targets)
            }
            Filter::Has { source_type, param, target_name, filter } => {
                let sources = self.search(*source_type, filter)?;
                self.linked(ty, target_name, (*source_type, *param), &sources)
            }
            Filter::Uri { param, value } => self.term(&key::uri(ty, *param, value)),
            Filter::Ids(ids) => {
                let mut rows = RoaringBitmap::new();
                for id in ids {
                    rows.extend(self.newest(ty, id)?.map(Row::get));
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
            Filter::Updated { from_ms, before_ms } => {
                let first = from_ms.map_or(Ok(Row::FIRST), |ms| self.first_row_at(ms))?;
                let end = before_ms.map_or(Ok(Row::MAX), |ms| self.first_row_at(ms))?;
                let mut rows = live.clone();
                rows.remove_range(..first.get());
                rows.remove_range(end.get()..);
                // Resources of other directories have instants of their own.
                let dated = self.term(&key::dated(ty))?;
                if !dated.is_empty() {
                    rows -= dated;
                    rows |= posting::read_dated(&self.dbs, &self.txn, &self.meter, ty, *from_ms, *before_ms)?;
                }
                Ok(rows)
            }
            Filter::Between { param, from, before } => {
                posting::read_between(&self.dbs, &self.txn, &self.meter, (ty, *param), from.as_deref(), before.as_deref())
            }
            Filter::Missing(param) => Ok(live - self.term(&key::present(ty, *param))?),
        }
    }

    /// The versions of `rows` that were current at some moment between two instants, both included. Reads each row and the
    /// one that replaced it.
    pub fn current_during(&self, rows: &RoaringBitmap, first_ms: i64, last_ms: i64) -> Result<RoaringBitmap, Error> {
        let mut out = RoaringBitmap::new();
        for row in rows.iter().map(Row::new) {
            if self.last_updated_ms(row)? > last_ms {
                continue;
            }
            // Versions of one resource are few.
            let entry = self.read(row)?;
            let mut later = self.versions(entry.ty, entry.id())?;
            later.remove_range(..=row.get());
            let replaced = match later.min() {
                Some(next) => Some(self.last_updated_ms(Row::new(next))?),
                None => self.gone_at(entry.ty, row, entry.tx)?,
            };
            if replaced.is_none_or(|ms| ms > first_ms) {
                out.insert(row.get());
            }
        }
        Ok(out)
    }

    /// Rows of `rows`, live rows of a type, in id order (as `order` says), the first `limit` after the id `after`.
    ///
    /// Few rows are sorted in memory; many are met by walking the ids of the type.
    pub fn by_id(
        &self,
        ty: TypeId,
        rows: &RoaringBitmap,
        after: Option<&str>,
        order: IdOrder,
        limit: usize,
    ) -> Result<Vec<Row>, Error> {
        const SORTED: u64 = 2_000;
        let down = order == IdOrder::Descending;
        if rows.len() <= SORTED {
            let mut all = rows
                .iter()
                .map(Row::new)
                .map(|row| Ok((self.read(row)?.id().to_owned(), row)))
                .collect::<Result<Vec<_>, Error>>()?;
            all.sort_unstable();
            if down {
                all.reverse();
            }
            let past = |id: &str| after.is_none_or(|after| if down { id < after } else { id > after });
            return Ok(all.into_iter().filter(|(id, _)| past(id)).map(|(_, row)| row).take(limit).collect());
        }
        let mut out = Vec::with_capacity(limit);
        let edge = after.map(|id| key::id(ty, id));
        posting::ids(&self.dbs, &self.txn, &self.meter, ty, edge.as_deref(), down, &mut |versions| {
            // The newest visible version, when it is one of those wanted.
            let seen = versions.rank(self.at.end.get().wrapping_sub(1));
            let newest = seen.checked_sub(1).and_then(|n| versions.select(n as u32));
            out.extend(newest.filter(|row| rows.contains(*row)).map(Row::new));
            out.len() < limit
        })?;
        Ok(out)
    }

    /// Live rows of a type whose instant is not that of their transaction.
    pub fn with_own_instant(&self, ty: TypeId) -> Result<RoaringBitmap, Error> {
        let mut rows = self.term(&key::dated(ty))?;
        rows &= &*self.live(ty)?;
        Ok(rows)
    }

    /// All the versions, live or closed, made at an instant or after it.
    pub fn versions_since(&self, ty: Option<TypeId>, since_ms: i64) -> Result<RoaringBitmap, Error> {
        let first = self.first_row_at(since_ms)?;
        let mut rows = RoaringBitmap::new();
        if first < self.at.end {
            rows.insert_range(first.get()..self.at.end.get());
        }
        Ok(match ty {
            Some(ty) => rows & self.all_versions(ty)?,
            None => rows,
        })
    }

    /// First row made at an instant or after it, `u32::MAX` when there is none.
    pub fn first_row_at(&self, ms: i64) -> Result<Row, Error> {
        if self.at.tx == Tx::NONE || self.at.commit_ms < ms {
            return Ok(Row::MAX);
        }
        // Smallest tx from which the next transaction applied is late enough.
        let (mut low, mut high) = (0, self.at.tx.get());
        while low < high {
            let middle = low + (high - low) / 2;
            let found = self.dbs.tx.get_greater_than_or_equal_to(&self.txn, &middle.to_be_bytes())?;
            let (key, value) = found.ok_or(Error::Corrupt("transactions"))?;
            let found = Published::read(key, value)?;
            if found.commit_ms >= ms { high = middle } else { low = found.tx.get() + 1 }
        }
        let before = self.dbs.tx.get_lower_than(&self.txn, &low.to_be_bytes())?;
        let start = match before {
            Some((key, value)) => Published::read(key, value)?.end,
            None => Row::FIRST,
        };
        Ok(if start < self.at.end { start } else { Row::MAX })
    }

    /// Rows with a link to one of `targets`, live rows of a type with a name. Cost: a look-up for each of a few targets, reading
    /// two columns for many.
    fn linking(&self, column: Column, ty: TypeId, name: &str, targets: &RoaringBitmap) -> Result<RoaringBitmap, Error> {
        let (columns, kind) = (self.columns(), key::kind(name));
        if targets.len() >= links::MANY {
            let names = columns.gather((ty, ParamId::STORE), targets)?;
            return columns.select(column, &Set::new(&names, 0), kind);
        }
        let mut rows = RoaringBitmap::new();
        for target in columns.names(ty, targets)? {
            rows |= self.term(&key::reference(column.0, column.1, kind ^ target))?;
        }
        Ok(rows)
    }

    /// Rows of a type with a name that links of `sources` lead to. Cost: reading each of a few sources and a look-up for each
    /// link, reading two columns for many.
    fn linked(&self, ty: TypeId, name: &str, column: Column, sources: &RoaringBitmap) -> Result<RoaringBitmap, Error> {
        if sources.len() >= links::MANY {
            let columns = self.columns();
            let targets = columns.gather(column, sources)?;
            return columns.select((ty, ParamId::STORE), &Set::new(&targets, key::kind(name)), 0);
        }
        let mut rows = RoaringBitmap::new();
        for source in sources.iter().map(Row::new) {
            for (param, target) in self.references(source)? {
                if param == column.1
                    && let Some((kind, id)) = target.split_once('/')
                    && kind == name
                {
                    rows.extend(self.newest(ty, id)?.map(Row::get));
                }
            }
        }
        Ok(rows)
    }

    fn columns(&self) -> Columns<'_> {
        Columns { dbs: &self.dbs, txn: &self.txn, end: self.at.end, meter: &self.meter }
    }
}

/// Reads rows one after the other. Rows of a page lie near each other: each is looked for in the chunk of the one before it.
pub struct VersionReader<'s> {
    snap: &'s Snapshot,
    /// The chunk of the last row read, and its first row.
    chunk: (Row, Records<'s>),
}

impl<'s> VersionReader<'s> {
    /// The version in a row, into an entry whose memory is used again. Cost: the decompression of a body, and a look-up unless
    /// the row is in the chunk of the last one.
    pub fn read(&mut self, row: Row, entry: &mut Version) -> Result<(), Error> {
        let snap = self.snap;
        snap.meter.spend(budget::RECORD)?;
        let head = Head::read(self.find(row)?)?;
        let ms = if head.own_ms.is_some() { 0 } else { snap.instant(head.tx)? };
        head.read_into(&snap.codec, row, ms, entry)
    }

    fn find(&mut self, row: Row) -> Result<&'s [u8], Error> {
        let snap = self.snap;
        if row >= snap.at.end {
            return Err(Error::UnknownRow(row));
        }
        let there =
            |(first, records): (Row, Records<'s>)| row.get().checked_sub(first.get()).and_then(|n| records.get(n as usize));
        if let Some(record) = there(self.chunk) {
            return record;
        }
        self.chunk = chunk::around(&snap.dbs, &snap.txn, row)?.ok_or(Error::UnknownRow(row))?;
        there(self.chunk).ok_or(Error::UnknownRow(row))?
    }
}

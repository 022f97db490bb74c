//! Verification: reading everything to find what a disk or a hand has damaged.

use std::collections::BTreeMap;

use annuaire_base::Tx;
use annuaire_terms::{ParamId, TypeId};
use heed::RoTxn;
use memchr::memmem;
use roaring::RoaringBitmap;

use crate::chunk::{self, ChunkRecords};
use crate::closings;
use crate::compact;
use crate::databases::Db;
use crate::error::Error;
use crate::former;
use crate::hash::{id_hash, long_value_hash, target_hash};
use crate::index::Index;
use crate::key;
use crate::links::check::{LinkColumnScan, check_chunk};
use crate::posting::block::{BlockReader, TermRows};
use crate::posting::read::{is_in_set, rows_of};
use crate::posting::row_set;
use crate::published::PublishedTx;
use crate::record::{RecordHead, stamp};
use crate::retention;
use crate::row::Row;
use crate::set_aside::SetAsideEntity;
use crate::tombstone::Tombstone;
use crate::version::Version;

/// Most findings reported for each database.
const REPORTED_MAX: usize = 20;

/// Findings in one database.
struct DatabaseFindings<'a> {
    database: &'static str,
    /// Findings in all databases.
    all: &'a mut Vec<String>,
    count: usize,
}

impl<'a> DatabaseFindings<'a> {
    fn new(database: &'static str, all: &'a mut Vec<String>) -> Self {
        Self { database, all, count: 0 }
    }

    fn report(&mut self, place: &str, what: &dyn std::fmt::Display) {
        self.count += 1;
        if self.count <= REPORTED_MAX {
            self.all.push(format!("{} of {}: {what}", place, self.database));
        } else if self.count == REPORTED_MAX + 1 {
            self.all.push(format!("{}: more of the same", self.database));
        }
    }
}

/// The first bytes of a key in hexadecimal: keys hold names of people and must not be readable in a report.
fn key_in_hex(key: &[u8]) -> String {
    let bytes: String = key.iter().take(24).map(|b| format!("{b:02x}")).collect();
    format!("key {bytes}")
}

fn in_words(e: Error) -> String {
    e.to_string()
}

impl Index {
    /// Reads every record, block of terms, set, column and transaction, and reports what is unreadable, out of order or does not
    /// match its checksum; empty when nothing is. Cost: reading and decompressing the whole store.
    ///
    /// Not detected: a term whose key or rows were changed into others that are in order, except those of types and ids. LMDB
    /// trusts the page numbers of its file, so some damage ends the process instead of being reported: a caller that must
    /// survive checks in a process of its own.
    ///
    /// # Errors
    /// When nothing can be read at all.
    pub fn check(&self) -> Result<Vec<String>, Error> {
        let txn = self.env.read_txn()?;
        // Read in the same LMDB transaction as all that follows, since a publisher may be at work.
        let published = PublishedTx::latest(&self.dbs, &txn)?;
        let mut all = Vec::new();
        let instants = self.check_transactions(&txn, &mut all);
        self.check_rows(&txn, published, &instants, &mut all);
        self.check_terms(&txn, &mut all);
        self.check_sets(&txn, published, &mut all);
        let mut before = None;
        visit(self.dbs.links, &txn, &mut DatabaseFindings::new("links", &mut all), |key, chunk| {
            check_chunk(&mut before, key, chunk).map_err(in_words)
        });
        visit(self.dbs.longs, &txn, &mut DatabaseFindings::new("longs", &mut all), |hash, value| {
            if long_value_hash(value).as_bytes() == hash { Ok(()) } else { Err("not what its name says".into()) }
        });
        visit(self.dbs.closings, &txn, &mut DatabaseFindings::new("closings", &mut all), |key, value| {
            let last = closings::check_entry(key, value).map_err(in_words)?;
            if last.is_some_and(|row| row >= published.end.get()) { Err("rows that do not exist".into()) } else { Ok(()) }
        });
        visit(self.dbs.leaving, &txn, &mut DatabaseFindings::new("leaving", &mut all), |key, _| {
            match retention::row_of_key(key) {
                Ok(row) if row < published.end => Ok(()),
                Ok(_) => Err("a row that does not exist".into()),
                Err(e) => Err(e.to_string()),
            }
        });
        visit(self.dbs.former, &txn, &mut DatabaseFindings::new("former", &mut all), |_, value| {
            former::decode(value).map(|_| ()).map_err(in_words)
        });
        visit(self.dbs.aside, &txn, &mut DatabaseFindings::new("aside", &mut all), |_, value| {
            SetAsideEntity::decode(value).map(|_| ()).map_err(in_words)
        });
        Ok(all)
    }

    /// Checks that ends and instants ascend, and returns the instants.
    fn check_transactions(&self, txn: &RoTxn<'_>, all: &mut Vec<String>) -> BTreeMap<Tx, i64> {
        let (mut instants, mut end, mut last_ms) = (BTreeMap::new(), Row::FIRST, i64::MIN);
        visit(self.dbs.tx, txn, &mut DatabaseFindings::new("tx", all), |key, value| {
            let one = PublishedTx::decode(key, value).map_err(in_words)?;
            instants.insert(one.tx, one.commit_ms);
            if one.end < end || one.commit_ms < last_ms {
                return Err("before the transaction that it follows".into());
            }
            (end, last_ms) = (one.end, one.commit_ms);
            Ok(())
        });
        instants
    }

    /// Rows of a type, and its tombstones.
    fn rows_of_type(&self, txn: &RoTxn<'_>, ty: TypeId) -> Result<RoaringBitmap, Error> {
        Ok(rows_of(&self.dbs, txn, &key::all_of_type(ty))? | rows_of(&self.dbs, txn, &key::tombstones(ty))?)
    }

    /// Checks that every visible row exists, is readable and stamped as its head says, and that its type, its id and its
    /// references lead to it.
    fn check_rows(&self, txn: &RoTxn<'_>, published: PublishedTx, instants: &BTreeMap<Tx, i64>, all: &mut Vec<String>) {
        let found = &mut DatabaseFindings::new("rows", all);
        let mut rows_of_types: BTreeMap<TypeId, RoaringBitmap> = BTreeMap::new();
        // Rows that a compaction under way removes are found by some of their terms, or by none.
        let going = compact::gone_rows(&self.dbs, txn).unwrap_or_default();
        let mut missing = RoaringBitmap::new();
        for ty in (0..=u8::MAX).map(TypeId::new) {
            let mut rows = self.rows_of_type(txn, ty).unwrap_or_default();
            rows.remove_range(published.end.get()..);
            missing |= rows - &going;
        }
        // Unreadable columns are reported with the columns.
        let mut columns = LinkColumnScan::new(&self.dbs, txn).unwrap_or_default();
        let mut check = |row: Row, record: &[u8]| {
            if row >= published.end {
                // An interrupted transaction leaves rows; it is later than the last published one.
                return match RecordHead::read(record) {
                    Ok(head) if head.tx <= published.tx => Err("beyond the end of its transaction".into()),
                    _ => Ok(()),
                };
            }
            missing.remove(row.get());
            if let Some(before) = missing.min().filter(|missing| *missing < row.get()) {
                missing.remove_range(..row.get());
                return Err(format!("row {before} should come here"));
            }
            let head = RecordHead::read(record).map_err(in_words)?;
            let Some(ms) = instants.get(&head.tx) else { return Err(format!("of transaction {}, unknown", head.tx)) };
            let version = Version::read(&self.dictionaries, row, record, *ms).map_err(in_words)?;
            let mut links = vec![(ParamId::STORE, id_hash(version.id()))];
            links.extend(version.references().map_err(in_words)?.iter().map(|(param, to)| (*param, target_hash(to))));
            links.sort_by_key(|(param, _)| *param);
            if head.foreign.is_none()
                && head.tombstone.is_none()
                && memmem::find(version.body(), &stamp(version.number, *ms)).is_none()
            {
                return Err("its body is of another version".into());
            }
            if let std::collections::btree_map::Entry::Vacant(vacant) = rows_of_types.entry(version.ty) {
                vacant.insert(self.rows_of_type(txn, version.ty).map_err(in_words)?);
            }
            let versions = rows_of(&self.dbs, txn, &key::id(version.ty, version.id())).map_err(in_words)?;
            // A version that was withdrawn by law is found by its id alone.
            let is_of_type = head.tombstone == Some(Tombstone::WithdrawnByLaw) || rows_of_types[&version.ty].contains(row.get());
            let links_found = columns.entries_of(version.ty, row);
            if going.contains(row.get()) {
                return Ok(());
            }
            if !versions.contains(row.get()) || !is_of_type {
                return Err("not found by its id".into());
            }
            if links_found != links {
                return Err("its links are not those of the columns".into());
            }
            Ok(())
        };
        visit(self.dbs.rows, txn, found, |key, chunk| {
            let first = chunk::first_row(key).map_err(in_words)?;
            let records = ChunkRecords::read(chunk).map_err(in_words)?;
            let mut result = if records.len() == 0 { Err("no record in it".to_owned()) } else { Ok(()) };
            for (row, record) in (first.get()..).map(Row::new).zip(records.iter()) {
                if matches!(record, Ok([])) {
                    continue;
                }
                let checked = record.map_err(in_words).and_then(|record| check(row, record));
                // The first finding of a chunk is reported; the other rows are read too, so that their links are not orphans.
                result = result.and(checked.map_err(|what: String| format!("row {row}: {what}")));
            }
            result
        });
        if let Some(row) = missing.min().filter(|_| found.count == 0) {
            found.report(&format!("row {row}"), &"missing");
        }
        if found.count == 0 && columns.has_orphans(published.end) {
            found.report("rows", &"the columns have links that no row has");
        }
    }

    /// Checks that blocks are readable and in order, and that the sets that they name exist.
    fn check_terms(&self, txn: &RoTxn<'_>, all: &mut Vec<String>) {
        let (mut last, mut list): (Vec<u8>, Vec<Row>) = (Vec::new(), Vec::new());
        visit(self.dbs.terms, txn, &mut DatabaseFindings::new("terms", all), |start, block| {
            let mut entries = BlockReader::new(block);
            while let Some(rows) = entries.next().map_err(in_words)? {
                if !last.is_empty() && (entries.key <= last || entries.key.as_slice() < start) {
                    return Err("terms out of order".into());
                }
                last.clone_from(&entries.key);
                list.clear();
                rows.append_inline_to(&mut list).map_err(in_words)?;
                if !list.is_sorted_by(|a, b| a < b) {
                    return Err("rows out of order".into());
                }
                if matches!(rows, TermRows::InSet) && !row_set::exists(&self.dbs, txn, &entries.key).map_err(in_words)? {
                    return Err("a term without its set".into());
                }
            }
            Ok(())
        });
    }

    /// Checks that slices are readable and in order, and that a term names each set.
    fn check_sets(&self, txn: &RoTxn<'_>, published: PublishedTx, all: &mut Vec<String>) {
        visit(self.dbs.sets, txn, &mut DatabaseFindings::new("sets", all), |key, slice| {
            row_set::check_slice(key, slice).map_err(in_words)?;
            let Some((term, _)) = key.split_last_chunk::<2>() else { return Err("key of another length".into()) };
            match is_in_set(&self.dbs, txn, term) {
                // An interrupted first load leaves sets whose terms were not written yet.
                Ok(named) if named || published.tx == Tx::NONE => Ok(()),
                Ok(_) => Err("a set that no term names".into()),
                Err(e) => Err(e.to_string()),
            }
        });
    }
}

/// Reads a database in order and reports what `check` finds. Stops where the tree cannot be followed: in a damaged tree keys may
/// not ascend, and the walk would not end.
fn visit(
    database: Db,
    txn: &RoTxn<'_>,
    found: &mut DatabaseFindings<'_>,
    mut check: impl FnMut(&[u8], &[u8]) -> Result<(), String>,
) {
    let (mut last, mut count) = (None::<Vec<u8>>, 0);
    let items = match database.iter(txn) {
        Ok(items) => items,
        Err(e) => return found.report("the beginning", &e),
    };
    for item in items {
        count += 1;
        match item {
            Err(e) => return found.report(&format!("item {count}"), &e),
            Ok((key, _)) if last.as_deref().is_some_and(|last| last >= key) => {
                return found.report(&key_in_hex(key), &"keys out of order");
            }
            Ok((key, value)) => {
                if let Err(what) = check(key, value) {
                    found.report(&key_in_hex(key), &what);
                }
                last = Some(key.to_vec());
            }
        }
    }
    match database.len(txn) {
        Ok(len) if len == count => {}
        Ok(len) => found.report(&format!("{count} items"), &format!("{len} were written")),
        Err(e) => found.report("the number of items", &e),
    }
}

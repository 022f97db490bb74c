//! Reading everything, to find what a disk or a hand has damaged.

use std::collections::BTreeMap;

use heed::RoTxn;
use memchr::memmem;
use roaring::RoaringBitmap;
use xxhash_rust::xxh3::xxh3_128;

use crate::block::{Entries, Rows};
use crate::chunk::{self, Records};
use crate::record::{Head, stamp};
use crate::{Db, EMPTY, Error, Index, Published, Row, SetAsideEntity, key, leaving, links, posting};
use annuaire_base::Tx;
use annuaire_terms::{ParamId, TypeId};

/// Findings said of each database; more of them say nothing more.
const SAID: usize = 20;

/// What is found in one database.
struct Findings<'a> {
    database: &'static str,
    all: &'a mut Vec<String>,
    n: usize,
}

impl Findings<'_> {
    fn say(&mut self, place: &str, what: &dyn std::fmt::Display) {
        self.n += 1;
        if self.n <= SAID {
            self.all.push(format!("{} of {}: {what}", place, self.database));
        } else if self.n == SAID + 1 {
            self.all.push(format!("{}: more of the same", self.database));
        }
    }
}

/// Keys are shown in hexadecimal: they hold names of people.
fn shown(key: &[u8]) -> String {
    let bytes: String = key.iter().take(24).map(|b| format!("{b:02x}")).collect();
    format!("key {bytes}")
}

impl Index {
    /// Reads every record, block of terms, set, column and transaction, and names what is unreadable, out of order or not what its
    /// checksum says; empty when all is well.
    ///
    /// A term whose key or rows were changed into others that are in order is not seen, except those of types and ids. The
    /// storage engine trusts the page numbers of its file: some damage ends the process instead, so that a caller who must
    /// survive calls this in a process of its own.
    ///
    /// # Errors
    /// When nothing can be read at all.
    pub fn check(&self) -> Result<Vec<String>, Error> {
        let txn = self.env.read_txn()?;
        // Of the same moment as all that follows: a publisher may be at work.
        let at = match self.dbs.tx.last(&txn)? {
            Some((key, value)) => Published::read(key, value)?,
            None => EMPTY,
        };
        let mut all = Vec::new();
        let instants = self.check_transactions(&txn, &mut all);
        self.check_rows(&txn, at, &instants, &mut all);
        self.check_terms(&txn, &mut all);
        self.check_sets(&txn, at, &mut all);
        let found = &mut Findings { database: "links", all: &mut all, n: 0 };
        let mut before = None;
        visit(self.dbs.links, &txn, found, |key, chunk| links::check_chunk(&mut before, key, chunk).map_err(|e| e.to_string()));
        let found = &mut Findings { database: "longs", all: &mut all, n: 0 };
        visit(self.dbs.longs, &txn, found, |name, whole| {
            let hash = format!("{:032x}", xxh3_128(whole));
            if hash.as_bytes() == name { Ok(()) } else { Err("not what its name says".into()) }
        });
        let found = &mut Findings { database: "closings", all: &mut all, n: 0 };
        visit(self.dbs.closings, &txn, found, |_, value| {
            let rows = RoaringBitmap::deserialize_from(value).map_err(|e| e.to_string())?;
            if rows.max().is_some_and(|row| row >= at.end.get()) { Err("rows that do not exist".into()) } else { Ok(()) }
        });
        let found = &mut Findings { database: "leaving", all: &mut all, n: 0 };
        visit(self.dbs.leaving, &txn, found, |key, _| match leaving::row_of(key) {
            Ok(row) if row < at.end => Ok(()),
            Ok(_) => Err("a row that does not exist".into()),
            Err(e) => Err(e.to_string()),
        });
        let found = &mut Findings { database: "aside", all: &mut all, n: 0 };
        visit(self.dbs.aside, &txn, found, |_, value| SetAsideEntity::read(value).map(|_| ()).map_err(|e| e.to_string()));
        Ok(all)
    }

    /// Instants of the transactions.
    fn check_transactions(&self, txn: &RoTxn<'_>, all: &mut Vec<String>) -> BTreeMap<Tx, i64> {
        let (mut instants, mut end, mut last) = (BTreeMap::new(), Row::FIRST, i64::MIN);
        let found = &mut Findings { database: "tx", all, n: 0 };
        visit(self.dbs.tx, txn, found, |key, value| {
            let one = Published::read(key, value).map_err(|e| e.to_string())?;
            instants.insert(one.tx, one.commit_ms);
            if one.end < end || one.commit_ms < last {
                return Err("before the transaction that it follows".into());
            }
            (end, last) = (one.end, one.commit_ms);
            Ok(())
        });
        instants
    }

    /// Every visible row is there, whole, stamped as its head says, and found by its type and id.
    fn check_rows(&self, txn: &RoTxn<'_>, at: Published, instants: &BTreeMap<Tx, i64>, all: &mut Vec<String>) {
        let found = &mut Findings { database: "rows", all, n: 0 };
        let mut types: BTreeMap<TypeId, RoaringBitmap> = BTreeMap::new();
        let mut next = Row::FIRST;
        // Unreadable columns are said of the columns.
        let mut columns = links::Reader::new(&self.dbs, txn).unwrap_or_default();
        let mut check = |row: Row, record: &[u8]| {
            if row >= at.end {
                // Left by an interrupted transaction, which is a later one.
                return match Head::read(record) {
                    Ok(head) if head.tx <= at.tx => Err("beyond the end of its transaction".into()),
                    _ => Ok(()),
                };
            }
            let expected = next;
            next = Row::new(row.get().saturating_add(1));
            if row != expected {
                return Err(format!("row {expected} should come here"));
            }
            let words = |e: Error| e.to_string();
            let head = Head::read(record).map_err(words)?;
            let Some(ms) = instants.get(&head.tx) else { return Err(format!("of transaction {}, unknown", head.tx)) };
            let entry = head.entry(&self.codec, row, *ms).map_err(words)?;
            let mut said = vec![(ParamId::STORE, key::name(entry.id()))];
            said.extend(entry.references().map_err(words)?.iter().map(|(param, to)| (*param, key::target(to))));
            said.sort_by_key(|(param, _)| *param);
            if head.own_ms.is_none() {
                let stamp = stamp(entry.number, *ms);
                if memmem::find(entry.body(), &stamp).is_none() {
                    return Err("its body is of another version".into());
                }
            }
            if let std::collections::btree_map::Entry::Vacant(new) = types.entry(entry.ty) {
                new.insert(posting::read(&self.dbs, txn, &key::ty(entry.ty)).map_err(words)?);
            }
            let versions = posting::read(&self.dbs, txn, &key::id(entry.ty, entry.id())).map_err(words)?;
            if !versions.contains(row.get()) || !types[&entry.ty].contains(row.get()) {
                return Err("not found by its id".into());
            }
            if columns.of(entry.ty, row) != said {
                return Err("its links are not those of the columns".into());
            }
            Ok(())
        };
        visit(self.dbs.rows, txn, found, |key, chunk| {
            let first = chunk::first_of(key).map_err(|e| e.to_string())?;
            let records = Records::read(chunk).map_err(|e| e.to_string())?;
            let mut bad = if records.len() == 0 { Err("no record in it".to_owned()) } else { Ok(()) };
            for (row, record) in (first.get()..).map(Row::new).zip(records.iter()) {
                let one = record.map_err(|e| e.to_string()).and_then(|record| check(row, record));
                // The first one is said; the others are read too, so that their terms and links are seen.
                bad = bad.and(one.map_err(|what: String| format!("row {row}: {what}")));
            }
            bad
        });
        if next < at.end && found.n == 0 {
            found.say(&format!("row {next}"), &"missing");
        }
        if found.n == 0 && columns.others(at.end) {
            found.say("rows", &"the columns have links that no row has");
        }
    }

    /// Blocks are readable and in order, and what they say is in the sets is there.
    fn check_terms(&self, txn: &RoTxn<'_>, all: &mut Vec<String>) {
        let found = &mut Findings { database: "terms", all, n: 0 };
        let (mut last, mut list): (Vec<u8>, Vec<Row>) = (Vec::new(), Vec::new());
        visit(self.dbs.terms, txn, found, |start, block| {
            let mut entries = Entries::new(block);
            while let Some(rows) = entries.next().map_err(|e| e.to_string())? {
                let first = last.is_empty();
                if !first && (entries.key <= last || entries.key.as_slice() < start) {
                    return Err("terms out of order".into());
                }
                last.clone_from(&entries.key);
                list.clear();
                rows.extend(&mut list).map_err(|e| e.to_string())?;
                if !list.is_sorted_by(|a, b| a < b) {
                    return Err("rows out of order".into());
                }
                if matches!(rows, Rows::Set) {
                    let mut slices = self.dbs.sets.prefix_iter(txn, &entries.key).map_err(|e| e.to_string())?;
                    if slices.next().is_none() {
                        return Err("a term without its set".into());
                    }
                }
            }
            Ok(())
        });
    }

    /// Slices are readable and in order.
    fn check_sets(&self, txn: &RoTxn<'_>, at: Published, all: &mut Vec<String>) {
        let found = &mut Findings { database: "sets", all, n: 0 };
        visit(self.dbs.sets, txn, found, |key, chunk| {
            posting::check_slice(key, chunk).map_err(|e| e.to_string())?;
            let Some((term, _)) = key.split_last_chunk::<2>() else { return Err("key of another length".into()) };
            match posting::is_set(&self.dbs, txn, term) {
                // An interrupted first load leaves sets whose terms were not written yet.
                Ok(named) if named || at.tx == Tx::NONE => Ok(()),
                Ok(_) => Err("a set that no term names".into()),
                Err(e) => Err(e.to_string()),
            }
        });
    }
}

/// Reads a database in order and says what `each` finds. Stops where the tree cannot be followed: keys that do not ascend
/// would lead in circles.
fn visit(database: Db, txn: &RoTxn<'_>, found: &mut Findings<'_>, mut each: impl FnMut(&[u8], &[u8]) -> Result<(), String>) {
    let (mut last, mut n) = (None::<Vec<u8>>, 0);
    let items = match database.iter(txn) {
        Ok(items) => items,
        Err(e) => return found.say("the beginning", &e),
    };
    for item in items {
        n += 1;
        match item {
            Err(e) => return found.say(&format!("item {n}"), &e),
            Ok((key, _)) if last.as_deref().is_some_and(|last| last >= key) => {
                return found.say(&shown(key), &"keys out of order");
            }
            Ok((key, value)) => {
                if let Err(what) = each(key, value) {
                    found.say(&shown(key), &what);
                }
                last = Some(key.to_vec());
            }
        }
    }
    match database.len(txn) {
        Ok(len) if len == n => {}
        Ok(len) => found.say(&format!("{n} items"), &format!("{len} were written")),
        Err(e) => found.say("the number of items", &e),
    }
}

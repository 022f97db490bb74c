//! The sweeps of terms, records and columns over many pages, compared with maps.

use std::collections::{BTreeMap, BTreeSet};

use annuaire_terms::{ParamId, TypeId};
use heed::RoTxn;
use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::common::{DICTIONARIES, MAP, param, ty};
use crate::chunk::{self, ChunkWriter};
use crate::databases::{Databases, PAGE_VALUE};
use crate::links::column::{LinkColumn, LinkColumnWriter, entries};
use crate::links::sweep as link_sweep;
use crate::posting::block::{BlockReader, TermRows};
use crate::posting::sorter::TermSorter;
use crate::posting::write::{CommitSteps, write};
use crate::posting::{row_set, sweep as term_sweep};
use crate::removal::Removal;
use crate::{Index, Row, key};

type TermMap = BTreeMap<Vec<u8>, BTreeSet<u32>>;

/// All the terms of a store with their rows, and the lengths of its blocks.
fn terms_of(dbs: &Databases, txn: &RoTxn<'_>) -> (TermMap, Vec<usize>) {
    let (mut terms, mut lengths) = (TermMap::new(), Vec::new());
    let mut next_start: Option<Vec<u8>> = None;
    for item in dbs.terms.rev_iter(txn).unwrap() {
        let (start, block) = item.unwrap();
        lengths.push(block.len());
        let mut reader = BlockReader::new(block);
        while let Some(rows) = reader.next().unwrap() {
            assert!(reader.key.as_slice() >= start && next_start.as_ref().is_none_or(|next| reader.key < *next), "separated");
            let mut list = Vec::new();
            rows.append_inline_to(&mut list).unwrap();
            let rows: BTreeSet<u32> = match rows {
                TermRows::InSet => row_set::read(dbs, txn, &reader.key).unwrap().iter().collect(),
                TermRows::Inline { .. } => list.into_iter().map(Row::get).collect(),
            };
            assert!(!rows.is_empty());
            assert!(terms.insert(reader.key.clone(), rows).is_none());
        }
        next_start = Some(start.to_vec());
    }
    (terms, lengths)
}

/// Terms of a row: a type, an id with several versions, texts (some of them long), rare and frequent codes.
fn keys_of(row: u32, ids: u32) -> Vec<Vec<u8>> {
    let (ty, system) = (ty(1), crate::hash::SystemHash::new("s"));
    let mut keys = vec![
        key::all_of_type(ty),
        key::id(ty, &format!("{:05}", row % ids)),
        key::text(ty, param(2), &format!("name {} {}", row % 97, row % ids)).0,
        key::token(ty, param(3), system, &format!("{row:07}")),
        key::token(ty, param(4), system, &format!("{}", row % 7)),
    ];
    if row.is_multiple_of(50) {
        keys.push(key::text(ty, param(2), &format!("{}{}", "long ".repeat(120), row % 100)).0);
    }
    keys
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn swept_terms_are_those_of_the_rows_that_are_left(
        rows in 200_u32..3_000, ids in 20_u32..500, gone in 1_u32..100, pages in 1_usize..40, later in 0_u32..300, keeps_ids in any::<bool>()
    ) {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
        let dbs = &index.dbs;
        let mut model = TermMap::new();
        let mut txn = index.env.write_txn().unwrap();
        let first_rows = rows - later.min(rows);
        for range in [0..first_rows, first_rows..rows] {
            let mut sorter = TermSorter::new(dir.path());
            for row in range {
                for key in keys_of(row, ids) {
                    sorter.push(&key, Row::new(row)).unwrap();
                    model.entry(key).or_default().insert(row);
                }
            }
            txn = write(dbs, txn, sorter.finish().unwrap(), CommitSteps::None).unwrap();
        }
        prop_assert_eq!(&terms_of(dbs, &txn).0, &model);
        let gone: RoaringBitmap = (0..rows).filter(|row| row.wrapping_mul(2_654_435_761) % 100 < gone).collect();
        let end = Row::new(rows / 2);
        let removal = Removal { rows: &gone, first_kept_end: (!keeps_ids).then_some(end) };
        let (mut from, mut former) = (Some(Vec::new()), BTreeMap::new());
        while let Some(key) = from {
            let swept = term_sweep::sweep(dbs, &mut txn, removal, &key, pages).unwrap();
            former.extend(swept.ids);
            from = swept.next;
        }
        let is_id = |key: &[u8]| key[1..3] == [0, 9];
        let mut former_wanted = BTreeMap::new();
        for (key, rows) in &mut model {
            let last = rows.iter().rev().find(|row| gone.contains(**row)).copied();
            if !(keeps_ids && is_id(key)) {
                rows.retain(|row| !gone.contains(*row));
                if let Some(last) = last.filter(|_| is_id(key) && rows.first().is_none_or(|first| *first >= end.get())) {
                    former_wanted.insert(key.clone(), Row::new(last));
                }
            }
        }
        model.retain(|_, rows| !rows.is_empty());
        let (terms, lengths) = terms_of(dbs, &txn);
        prop_assert_eq!(&terms, &model);
        prop_assert_eq!(former, former_wanted);
        // Few blocks are small: their number follows what is kept.
        let bytes: usize = lengths.iter().sum();
        if pages >= 12 {
            prop_assert!(lengths.len() <= 3 + bytes * 10 / (PAGE_VALUE * 6), "{:?}", lengths);
        }
        for item in dbs.sets.iter(&txn).unwrap() {
            let (key, slice) = item.unwrap();
            row_set::check_slice(key, slice).unwrap();
            prop_assert!(model.contains_key(&key[..key.len() - 2]), "a set that no term names");
        }
    }

    #[test]
    fn swept_records_and_columns_are_those_of_the_rows_that_are_left(
        rows in 1_u32..1_500, gone in 1_u32..101, pages in 1_usize..9, dense in any::<bool>()
    ) {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
        let dbs = &index.dbs;
        let mut txn = index.env.write_txn().unwrap();
        let record = |row: u32| vec![row as u8 | 1; if row.is_multiple_of(211) { 5_000 } else { 1 + (row as usize * 37) % 300 }];
        let links = |row: u32| (0..row % 3).map(move |n| u64::from(row) << 8 | u64::from(n));
        let is_gone = |row: u32| if dense { row % 200 < 2 * gone } else { row.wrapping_mul(2_654_435_761) % 100 < gone };
        let columns = [LinkColumn::ids(ty(1)), LinkColumn { ty: ty(1), param: param(3) }];
        let append = |txn: &mut heed::RwTxn<'_>, rows: std::ops::Range<u32>| {
            let mut writer = ChunkWriter::open(dbs, txn, Row::new(rows.start)).unwrap();
            let mut column = LinkColumnWriter::default();
            for row in rows {
                writer.push(dbs, txn, Row::new(row), &record(row)).unwrap();
                column.push(dbs, txn, columns[0], Row::new(row), u64::from(row)).unwrap();
                for hash in links(row) {
                    column.push(dbs, txn, columns[1], Row::new(row), hash).unwrap();
                }
            }
            writer.flush(dbs, txn).unwrap();
            column.finish(dbs, txn).unwrap();
        };
        append(&mut txn, 0..rows);
        let removed: RoaringBitmap = (0..rows).filter(|row| is_gone(*row)).collect();
        let (mut from, mut count) = (Some(Row::FIRST), 0);
        while let Some(row) = from {
            let swept = chunk::sweep::sweep(dbs, &mut txn, &removed, row, pages).unwrap();
            (from, count) = (swept.next, count + swept.removed);
        }
        prop_assert_eq!(count, removed.len());
        let removal = Removal { rows: &removed, first_kept_end: Some(Row::FIRST) };
        let mut from = Some(Vec::new());
        while let Some(key) = from {
            from = link_sweep::sweep(dbs, &mut txn, removal, &key, pages).unwrap();
        }
        // What follows is appended as if nothing had been removed.
        append(&mut txn, rows..rows + 40);
        let is_left = |row: &u32| !removed.contains(*row);
        for row in 0..rows + 40 {
            let found = chunk::record_of(dbs, &txn, Row::new(row)).unwrap();
            prop_assert_eq!(found.map(<[u8]>::to_vec), is_left(&row).then(|| record(row)), "row {}", row);
        }
        let mut found: BTreeMap<(TypeId, ParamId), Vec<(u32, u64)>> = BTreeMap::new();
        for item in dbs.links.iter(&txn).unwrap() {
            let (key, chunk) = item.unwrap();
            let (column, first) = LinkColumn::of_key(key).unwrap();
            prop_assert_eq!(entries(first, chunk).next().map(|(row, _)| row), Some(first));
            found.entry((column.ty, column.param)).or_default().extend(entries(first, chunk).map(|(row, hash)| (row.get(), hash)));
        }
        let ids: Vec<_> = (0..rows + 40).filter(is_left).map(|row| (row, u64::from(row))).collect();
        let all_links: Vec<_> = (0..rows + 40).filter(is_left).flat_map(|row| links(row).map(move |hash| (row, hash))).collect();
        prop_assert_eq!(found.get(&(ty(1), ParamId::STORE)), Some(&ids));
        prop_assert_eq!(found.get(&(ty(1), param(3))).cloned().unwrap_or_default(), all_links);
        for first in (0..rows).step_by(37) {
            let wanted = (first..rows.min(first + 20)).any(|row| is_left(&row));
            prop_assert_eq!(chunk::sweep::has_record_in(dbs, &txn, Row::new(first)..Row::new(rows.min(first + 20))).unwrap(), wanted);
        }
    }
}

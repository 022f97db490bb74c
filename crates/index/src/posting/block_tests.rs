//! Blocks compared with a sorted map.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use annuaire_terms::{ParamId, TypeId};
use proptest::prelude::*;

use super::block::{BlockReader, INLINE_MAX, TermRows, may_contain};
use super::block_merge::BlockMerger;
use super::block_writer::{Block, BlockWriter};
use super::bloom;
use crate::databases::PAGE_VALUE;
use crate::key::{self, KeyText};
use crate::row::Row;

proptest! {
    /// Blocks read back as they were written, and the key of each separates it from the block before.
    #[test]
    fn blocks_read_back_as_written(
        all in prop::collection::btree_map(
            prop::collection::vec(0_u8..4, 1..40), prop::collection::btree_set(any::<u32>().prop_map(Row::new), 0..INLINE_MAX), 1..400)
    ) {
        let all: BTreeMap<Vec<u8>, BTreeSet<Row>> = all;
        let mut writer = BlockWriter::new(vec![0]);
        let mut blocks = Vec::new();
        for (key, rows) in &all {
            blocks.extend(writer.push(key, &rows.iter().copied().collect::<Vec<_>>()));
        }
        blocks.extend(writer.finish());
        let mut read = BTreeMap::new();
        let mut before: Vec<u8> = Vec::new();
        for (n, Block { start, bytes }) in blocks.iter().enumerate() {
            prop_assert!(bytes.len() <= PAGE_VALUE);
            prop_assert!(n == 0 || *start > before);
            let mut entries = BlockReader::new(bytes);
            while let Some(rows) = entries.next().unwrap() {
                prop_assert!(entries.key >= *start || n == 0);
                let mut list = Vec::new();
                rows.append_inline_to(&mut list).unwrap();
                prop_assert_eq!(matches!(rows, TermRows::InSet), list.is_empty());
                before = entries.key.clone();
                read.insert(entries.key.clone(), list.into_iter().collect::<BTreeSet<_>>());
            }
        }
        prop_assert_eq!(&read, &all);
        // `seek` finds each key, and for an absent key the next one in its block.
        for key in all.keys().flat_map(|key| [key.clone(), [&key[..], &[0]].concat(), key[..key.len() - 1].to_vec()]) {
            let at = blocks.partition_point(|block| block.start <= key).saturating_sub(1);
            let mut list = Vec::new();
            let mut entries = BlockReader::new(&blocks[at].bytes);
            let found = entries.seek(&key).unwrap();
            let next = all.range(key..).next().filter(|next| blocks.get(at + 1).is_none_or(|block| *next.0 < block.start));
            found.map(|rows| rows.append_inline_to(&mut list)).transpose().unwrap();
            let found: Option<BTreeSet<Row>> = found.map(|_| list.into_iter().collect());
            prop_assert_eq!(found.as_ref().map(|rows| (&entries.key, rows)), next);
            // Reading goes on after the entry found.
            let after = entries.next().unwrap().map(|_| &entries.key);
            let next = next.and_then(|(key, _)| all.range::<Vec<u8>, _>((Bound::Excluded(key), Bound::Unbounded)).next());
            prop_assert_eq!(after, next.map(|n| n.0).filter(|next| blocks.get(at + 1).is_none_or(|block| **next < block.start)));
        }
    }

    /// A block that the Bloom filter excludes has no text with the part.
    #[test]
    fn bloom_filters_exclude_no_match(
        texts in prop::collection::btree_set("[a-d ]{1,12}", 1..300), part in "[a-d ]{1,6}"
    ) {
        let mut writer = BlockWriter::new(vec![0]);
        let mut blocks = Vec::new();
        for text in &texts {
            blocks.extend(writer.push(&key::text(TypeId::new(1), ParamId::new(1), text).0, &[Row::new(7)]));
        }
        blocks.extend(writer.finish());
        let bits: Vec<usize> = bloom::bits(part.as_bytes()).collect();
        for Block { bytes: block, .. } in &blocks {
            let mut entries = BlockReader::new(block);
            while entries.next().unwrap().is_some() {
                let Some(KeyText::Complete(text)) = KeyText::of_key(&entries.key) else { panic!("no text") };
                let matches = text.windows(part.len()).any(|w| w == part.as_bytes());
                prop_assert!(!matches || may_contain(block, &bits));
            }
        }
    }

    /// Damaged bytes give an error or other entries, never a panic.
    #[test]
    fn damaged_blocks_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut entries = BlockReader::new(&bytes);
        let mut list = Vec::new();
        while let Ok(Some(rows)) = entries.next() {
            let _ = rows.append_inline_to(&mut list);
        }
        let _ = BlockReader::new(&bytes).seek(&bytes);
    }
}

proptest! {
    /// Terms merged into a block give the block that is written from all of them at once, to the byte.
    #[test]
    fn merged_blocks_are_those_written_at_once(
        keys in prop::collection::btree_map(
            prop::collection::vec(0_u8..3, 3..12), (prop::collection::btree_set(0_u32..1_000, 0..5), prop::collection::btree_set(1_000_u32..2_000, 0..5)), 1..80),
        with_text in any::<bool>(),
    ) {
        // Keys of a text parameter have a Bloom filter.
        let prefix = if with_text { key::text(TypeId::new(1), ParamId::new(2), "").0 } else { Vec::new() };
        let prefix = prefix.strip_suffix(&[0]).unwrap_or(&prefix).to_vec();
        let rows = |rows: &BTreeSet<u32>| rows.iter().copied().map(Row::new).collect::<Vec<_>>();
        let (mut before, mut at_once) = (BlockWriter::with_limit(vec![0], usize::MAX), BlockWriter::with_limit(vec![0], usize::MAX));
        for (key, (old, new)) in &keys {
            let key = [&prefix[..], key].concat();
            if !old.is_empty() {
                prop_assert!(before.push(&key, &rows(old)).is_none());
            }
            if !old.is_empty() || !new.is_empty() {
                prop_assert!(at_once.push(&key, &[rows(old), rows(new)].concat()).is_none());
            }
        }
        let (before, at_once) = (before.finish().map_or(Vec::new(), |b| b.bytes), at_once.finish().map_or(Vec::new(), |b| b.bytes));
        let mut merger = BlockMerger::new(&before);
        for (key, (old, new)) in keys.iter().filter(|(_, (_, new))| !new.is_empty()) {
            let key = [&prefix[..], key].concat();
            let found = merger.seek(&key).unwrap();
            prop_assert_eq!(found.is_some(), !old.is_empty());
            merger.put(&key, found, &rows(new)).unwrap();
        }
        let merged = merger.finish().unwrap();
        if at_once.is_empty() {
            prop_assert_eq!(merged, vec![0]);
        } else {
            prop_assert_eq!(merged, at_once);
        }
    }
}

//! The examples of `layout.md`, and the bytes of a small store.

use annuaire_base::Tx;
use annuaire_terms::{ForeignStamp, ParamId, Presence, Resource, Term, TypeId};
use roaring::RoaringBitmap;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed, xxh3_128};

use crate::databases::Db;
use crate::index::Index;
use crate::posting::block::TermRows;
use crate::posting::block::{BlockReader, may_contain};
use crate::prepare::Prepared;
use crate::retention::Retention;
use crate::row::Row;
use crate::set_aside::SetAsideEntity;
use crate::{ApplyOptions, Error, key, varint};

const TYPE: TypeId = TypeId::new(2);
const LINK: ParamId = ParamId::new(3);
const NAME: ParamId = ParamId::new(4);
const MS: i64 = 1_700_000_000_000;

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

fn resource(id: &str, terms: Vec<Term>) -> Resource {
    Resource {
        ty: TYPE,
        id: id.into(),
        before: b"{".to_vec(),
        after: b"\"x\":1}".to_vec(),
        terms,
        foreign_stamp: None,
        presence: Presence::Described,
    }
}

fn apply(index: &Index, tx: u64, resources: Vec<Resource>, options: &ApplyOptions<'_>) {
    let mut preparer = index.preparer(Tx::new(tx), MS).unwrap();
    let prepared: Vec<Result<Prepared, Error>> = resources.into_iter().map(|r| preparer.prepare(r)).collect();
    index.apply_with(Tx::new(tx), MS, prepared.into_iter(), options).unwrap();
}

fn contents(index: &Index, db: Db) -> Vec<(Vec<u8>, Vec<u8>)> {
    let txn = index.env.read_txn().unwrap();
    db.iter(&txn).unwrap().map(|item| item.map(|(key, value)| (key.to_vec(), value.to_vec())).unwrap()).collect()
}

/// The examples are in the document as they are checked here.
#[test]
fn the_document_has_these_examples() {
    let document = include_str!("../layout.md");
    let flat = document.split_whitespace().collect::<Vec<_>>().join(" ");
    for example in [
        "`300` is `ac 02`",
        "`0` is `80 00 00 00 00 00 00 00`",
        "`03 00 01 00 04 00 06 00` `61 62 63 64 65 66`",
        "`Été` has the key `02 04 04` `65 74 65 00` `02`",
        "`ETE` the key `02 04 04` `65 74 65 00` `00`",
        "the key `02 00 09` `61 00`",
        "`00` `00 03 02 00 00 03 05 02 a5 02` `02 01 07 01 07`",
        "the key `02 00 00 00 01` and the value `01 00 03 00`",
        "the key `00 00 00 00 00 00 00 00 04` and the value `02 12` `3a 30 00 00 01 00 00 00 00 00 00 00 10 00 00 00 00 00`",
    ] {
        assert!(flat.contains(example), "{example}");
    }
    let mut number = Vec::new();
    varint::put(&mut number, 300);
    assert_eq!(number, hex("ac 02"));
    assert_eq!(key::sortable_ms(0).to_vec(), hex("80 00 00 00 00 00 00 00"));
    let hash = xxh3_64("Été".as_bytes()).to_be_bytes();
    assert_eq!(key::text(TYPE, NAME, "Été").0, [&hex("02 04 04 65 74 65 00 02")[..], &hash].concat());
    assert_eq!(key::text(TYPE, NAME, "ETE").0, hex("02 04 04 65 74 65 00 00"));
    assert_eq!(key::text(TYPE, NAME, "ete").0, hex("02 04 04 65 74 65 00 01"));
    assert_eq!(key::id(TYPE, "a"), hex("02 00 09 61 00"));
}

#[test]
fn chunk_block_and_slice_have_the_bytes_of_the_document() {
    let chunk = hex("03 00 01 00 04 00 06 00 61 62 63 64 65 66");
    let records = crate::chunk::ChunkRecords::read(&chunk).unwrap();
    assert_eq!(records.iter().map(Result::unwrap).collect::<Vec<_>>(), [&b"a"[..], b"bcd", b"ef"]);

    let block = hex("00 00 03 02 00 00 03 05 02 a5 02 02 01 07 01 07");
    let mut reader = BlockReader::new(&block);
    let mut rows = Vec::new();
    reader.next().unwrap().unwrap().append_inline_to(&mut rows).unwrap();
    assert_eq!((reader.key.clone(), &rows), (hex("02 00 00"), &[5, 7, 300].map(Row::new).to_vec()));
    rows.clear();
    reader.next().unwrap().unwrap().append_inline_to(&mut rows).unwrap();
    assert_eq!((reader.key.clone(), &rows), (hex("02 00 07"), &vec![Row::new(7)]));
    assert!(reader.next().unwrap().is_none());
    let mut writer = crate::posting::block_writer::BlockWriter::new(vec![0]);
    assert!(writer.push(&hex("02 00 00"), &[5, 7, 300].map(Row::new)).is_none());
    assert!(writer.push(&hex("02 00 07"), &[Row::new(7)]).is_none());
    let written = writer.finish().unwrap();
    assert_eq!((written.start, written.bytes), (vec![0], block));

    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), 1 << 26, &[]).unwrap();
    let mut txn = index.env.write_txn().unwrap();
    let rows = [65_537, 65_539].map(Row::new);
    crate::posting::row_set::add(&index.dbs, &mut txn, &hex("02 00 00"), &rows, crate::posting::row_set::SetWrite::Extend)
        .unwrap();
    txn.commit().unwrap();
    assert_eq!(contents(&index, index.dbs.sets), [(hex("02 00 00 00 01"), hex("01 00 03 00"))]);
}

/// A Bloom filter, computed from the document alone.
#[test]
fn a_block_of_texts_starts_with_its_bloom_filter() {
    let mut writer = crate::posting::block_writer::BlockWriter::new(vec![0]);
    assert!(writer.push(&key::text(TYPE, NAME, "martin").0, &[Row::FIRST]).is_none());
    let block = writer.finish().unwrap().bytes;
    let mut filter = vec![0_u8; 512];
    for trigram in b"martin".windows(3) {
        let number = u32::from(trigram[0]) | u32::from(trigram[1]) << 8 | u32::from(trigram[2]) << 16;
        let bit = (number.wrapping_mul(0x9e37_79b1) >> 20) as usize;
        filter[bit / 8] |= 1 << (bit % 8);
    }
    assert_eq!((block[0], &block[1..513]), (1, &filter[..]));
    assert!(may_contain(&block, &[]));
}

#[test]
fn records_and_transactions_have_the_bytes_of_the_document() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), 1 << 26, &[]).unwrap();
    let link = Term::Reference { param: LINK, target: "B/b".into() };
    apply(&index, 3, vec![resource("a", vec![link])], &ApplyOptions::default());

    let [(row, chunk)] = &contents(&index, index.dbs.rows)[..] else { panic!("one chunk") };
    assert_eq!(row, &hex("00 00 00 00"));
    let record = &chunk[4..];
    assert_eq!(chunk[..4], [&1_u16.to_le_bytes()[..], &(record.len() as u16).to_le_bytes()].concat());
    // Type, flags, dictionary, version, transaction.
    assert_eq!(record[..5], hex("02 00 00 01 03")[..]);
    let (checked, checksum) = record.split_last_chunk::<4>().unwrap();
    assert_eq!(checksum[..], xxh3_64(checked).to_le_bytes()[..4]);
    let frame = [&hex("28 b5 2f fd")[..], &checked[5..]].concat();
    let plain = zstd::bulk::decompress(&frame, 1 << 20).unwrap();
    let body = br#"{"versionId":"1","lastUpdated":"2023-11-14T22:13:20.000Z","x":1}"#;
    let rest = [&body[..], &[3], &3_u16.to_le_bytes(), b"B/b", b"a", &6_u32.to_le_bytes(), &1_u16.to_le_bytes()].concat();
    assert_eq!(plain, rest);

    let published = [&1_u32.to_le_bytes()[..], &MS.to_le_bytes()].concat();
    assert_eq!(contents(&index, index.dbs.tx), [(3_u64.to_be_bytes().to_vec(), published)]);
    let id_hash = |id: &str| xxh3_64(id.as_bytes());
    let target = xxh3_64_with_seed(b"B", 1) ^ id_hash("b");
    let column = |param: u8, hash: u64| (vec![2, param, 0, 0, 0, 0], [&[0, 0][..], &hash.to_le_bytes()].concat());
    assert_eq!(contents(&index, index.dbs.links), [column(0, id_hash("a")), column(3, target)]);
    let [(start, block)] = &contents(&index, index.dbs.terms)[..] else { panic!("one block") };
    assert_eq!(start, &[0]);
    let mut reader = BlockReader::new(block);
    let mut terms = Vec::new();
    while let Some(rows) = reader.next().unwrap() {
        assert!(matches!(rows, TermRows::Inline { count: 1, .. }));
        terms.push(reader.key.clone());
    }
    let reference = [&hex("02 03 05")[..], &target.to_be_bytes()].concat();
    assert_eq!(terms, [hex("02 00 00"), hex("02 00 09 61 00"), hex("02 03 01"), reference]);

    // A second version closes the first.
    apply(&index, 4, vec![Resource { after: b"}".to_vec(), ..resource("a", vec![]) }], &ApplyOptions::default());
    let [(tx, closed)] = &contents(&index, index.dbs.closings)[..] else { panic!("one transaction closes a row") };
    assert_eq!(tx, &hex("00 00 00 00 00 00 00 00 04"));
    assert_eq!(closed, &hex("02 12 3a 30 00 00 01 00 00 00 00 00 00 00 10 00 00 00 00 00"));
    assert_eq!(RoaringBitmap::deserialize_from(&closed[2..]).unwrap().iter().collect::<Vec<_>>(), [0]);
    // The sum of the transactions 0 to 63 comes with the first beyond them.
    let mut names: Vec<_> = contents(&index, index.dbs.closings).into_iter().map(|(key, _)| key).collect();
    apply(&index, 64, vec![], &ApplyOptions::default());
    names.push(hex("01 00 00 00 00 00 00 00 00"));
    assert_eq!(contents(&index, index.dbs.closings), names.into_iter().map(|key| (key, closed.clone())).collect::<Vec<_>>());
}

#[test]
fn foreign_stamps_long_texts_retention_and_set_aside_have_the_bytes_of_the_document() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), 1 << 26, &[b"", b"", b"a dictionary"]).unwrap();
    let long = "l".repeat(481);
    let foreign = ForeignStamp { version: Some(300), last_updated_ms: 5, stamp: b"stamp".to_vec() };
    let withdrawn = Resource {
        foreign_stamp: Some(foreign),
        presence: Presence::Withdrawn,
        ..resource("a", vec![Term::Text { param: NAME, value: long.clone() }])
    };
    let retention = Retention { after_ms: 1_000, again_ms: 1_000, links: &[] };
    let entry = SetAsideEntity {
        entity: "E:1".into(),
        made_at: Tx::new(1),
        tx: Tx::new(300),
        object: "E:1".into(),
        source: "s".into(),
        reason: "why".into(),
    };
    let changes = || vec![("E:1".to_owned(), Some(entry.clone()))];
    apply(
        &index,
        1,
        vec![withdrawn],
        &ApplyOptions { retention: Some(&retention), set_aside: Some(&changes), digest: [7; 32], ..ApplyOptions::default() },
    );

    let record = &contents(&index, index.dbs.rows)[0].1[4..];
    let head = [&[2, 1 | 2, 1][..], &hex("ac 02 01"), &5_i64.to_le_bytes(), &[5]].concat();
    assert_eq!(record[..head.len()], head);
    let digits = format!("{:032x}", xxh3_128(long.as_bytes()));
    assert_eq!(contents(&index, index.dbs.longs), [(digits.clone().into_bytes(), long.clone().into_bytes())]);
    let term = [&hex("02 04 04")[..], &long.as_bytes()[..400], &[1, 3], digits.as_bytes(), &[0, 1]].concat();
    assert_eq!(key::text(TYPE, NAME, &long).0, term);
    let due = (MS + 1_000).cast_unsigned() ^ (1 << 63);
    let leaving = [&due.to_be_bytes()[..], &0_u32.to_be_bytes()].concat();
    assert_eq!(contents(&index, index.dbs.leaving), [(leaving, vec![])]);
    let aside = [&hex("01 ac 02")[..], b"\x03E:1\x03E:1\x01s\x03why"].concat();
    assert_eq!(contents(&index, index.dbs.aside), [(b"E:1".to_vec(), aside)]);

    let txn = index.env.read_txn().unwrap();
    let db = |name| index.env.open_database::<heed::types::Bytes, heed::types::Bytes>(&txn, Some(name)).unwrap().unwrap();
    let (meta, dictionaries) = (db("meta"), db("dictionaries"));
    assert_eq!(meta.get(&txn, b"digest").unwrap(), Some(&[7; 32][..]));
    assert_eq!(meta.get(&txn, b"format").unwrap(), Some(&b"8"[..]));
    assert_eq!(dictionaries.get(&txn, &[1]).unwrap(), Some(&b"a dictionary"[..]));
    assert_eq!(meta.get(&txn, &[1]).unwrap(), Some(&xxh3_64(b"a dictionary").to_le_bytes()[..]));
}

//! Near words and stored order over many blocks, against naive answers.

use std::collections::BTreeMap;

use annuaire_base::Tx;
use annuaire_base::text::fold;
use annuaire_terms::{Presence, Resource, Term};

use super::common::{MAP, all_ok, apply, param, ty};
use crate::posting::near::naive::distance;
use crate::{Filter, Index, NearWord};

/// A word of three to nine letters out of four, so that many are near each other.
fn word(n: u64) -> String {
    let mut draw = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let letters = 3 + draw % 7;
    (0..letters)
        .map(|_| {
            draw = draw.rotate_left(17).wrapping_mul(0x2545_f491_4f6c_dd1d);
            ['a', 'b', 'k', 'z'][(draw >> 60) as usize % 4]
        })
        .collect()
}

fn named(n: u64) -> Resource {
    Resource {
        ty: ty(0),
        id: format!("id{n}"),
        before: format!("{{{n}").into_bytes(),
        after: b"x}".to_vec(),
        terms: vec![Term::Words { param: param(2), value: word(n) }, Term::Order { value: word(n) }],
        foreign_stamp: None,
        presence: Presence::Described,
    }
}

#[test]
fn near_words_and_listed_rows_are_those_of_naive_answers() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), MAP, &[]).unwrap();
    let all: Vec<Resource> = (0..12_000).map(named).collect();
    apply(&index, Tx::new(1), 100, all_ok(&all)).unwrap();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    (0..12_000).for_each(|n| *counts.entry(word(n)).or_default() += 1);
    let snapshot = index.snapshot().unwrap();
    for (wanted, edits) in [("abkz", 1), ("abkzab", 2), ("zzzzz", 2), ("q", 1), ("kabak", 0), ("bkabkabka", 2)] {
        let mut near: Vec<NearWord> = counts
            .iter()
            .map(|(word, rows)| NearWord { word: word.clone(), edits: distance(wanted.as_bytes(), word.as_bytes()), rows: *rows })
            .filter(|near| near.edits <= edits)
            .collect();
        near.sort_by(|a, b| (a.edits, b.rows, &a.word).cmp(&(b.edits, a.rows, &b.word)));
        assert_eq!(snapshot.near_words(ty(0), param(2), wanted, edits, usize::MAX).unwrap(), near, "{wanted}");
        near.truncate(3);
        assert_eq!(snapshot.near_words(ty(0), param(2), wanted, edits, 3).unwrap(), near, "{wanted}");
    }
    let rows = snapshot.search(ty(0), &Filter::WordStart { param: param(2), beginning: "ab".into() }).unwrap();
    let listed = snapshot.listed(ty(0), &rows, "", 0, usize::MAX).unwrap();
    let texts: Vec<String> =
        listed.iter().map(|row| fold(&word(snapshot.read(*row).unwrap().id()[2..].parse().unwrap()))).collect();
    assert_eq!(listed.len() as u64, rows.len());
    assert!(texts.is_sorted() && texts.iter().all(|text| text.starts_with("ab")));
    assert_eq!(snapshot.listed(ty(0), &rows, "abk", 5, 7).unwrap().len(), 7);
}

#[test]
fn a_search_of_near_words_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), MAP, &[]).unwrap();
    let all: Vec<Resource> = (0..2_000).map(named).collect();
    apply(&index, Tx::new(1), 100, all_ok(&all)).unwrap();
    let snapshot = index.snapshot().unwrap().within(20);
    assert!(matches!(snapshot.near_words(ty(0), param(2), "abkz", 2, 9), Err(crate::Error::Exhausted)));
    let rows = index.snapshot().unwrap().search(ty(0), &Filter::All).unwrap();
    assert!(matches!(snapshot.listed(ty(0), &rows, "", 0, 9), Err(crate::Error::Exhausted)));
    // A word that no state can hold costs nothing.
    assert_eq!(index.snapshot().unwrap().near_words(ty(0), param(2), &"a".repeat(64), 2, 9).unwrap(), []);
}

//! Published resources do not depend on the reading of a transaction.

use super::{TransactionReading, apply};
use crate::log::missing_transactions;
use crate::{open, verify};
use annuaire_fhir::{Guide, Perimeter, View};
use annuaire_index::{Index, Row};
use annuaire_mos::{BoiteLettresMss, Objet, Structure};
use annuaire_store::{Cause, Change, Registry};
use annuaire_store_sqlite::SqliteRegistry;
use annuaire_testkit::Dice;

/// The content of a store, whatever the order of its rows.
fn content(index: &Index) -> Vec<String> {
    let snapshot = index.snapshot().unwrap();
    let line =
        |e: annuaire_index::Version| format!("{} {} {:?} {}", e.ty, e.number, e.presence, String::from_utf8_lossy(e.body()));
    let mut all: Vec<String> = (0..).map_while(|row| snapshot.read(Row::new(row)).ok()).map(line).collect();
    // Which of several faults was met last may differ.
    all.extend(index.set_aside_entities(usize::MAX).unwrap().iter().map(|a| format!("{} {}", a.entity, a.made_at)));
    all.sort();
    all
}

/// A large transaction and a small one are read in two ways and give one result.
#[test]
fn what_is_published_does_not_depend_on_how_the_log_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut registry = SqliteRegistry::open(&dir.path().join("r")).unwrap();
    let view = View { guide: Guide::V120, perimeter: Perimeter::Public };
    let stores = [TransactionReading::SideBySide, TransactionReading::LookUps]
        .map(|reading| (reading, open(&dir.path().join(format!("{reading:?}")), 1 << 27, view).unwrap()));
    let mut dice = Dice::new(7, 0, 0);
    let mut roll = |n: u64| dice.below(n);
    let mut seen_aside = 0;
    for ms in 1..28 {
        // More entities than a page has, now and then.
        let many = if ms % 10 == 5 { 1_500 } else { roll(30) };
        let mut changes = Vec::new();
        for _ in 0..many {
            let n = roll(if many > 100 { 4_000 } else { 8 });
            let s = Structure {
                id_technique: format!("C{n}"),
                id_nat_struct: format!("3{n}"),
                raison_sociale: format!("S{}", roll(4)),
                ..Default::default()
            };
            let address = format!("a{}@mssante.example", roll(4));
            let boxes = vec![BoiteLettresMss { adresse: address, type_bal: "ORG".into(), ..Default::default() }];
            let (entity, object) = match roll(3) {
                0 => (format!("NS:3{n}"), Objet::BoitesLettres { boites: boxes }),
                1 => (
                    format!("FH:Device/{n}"),
                    Objet::Ressource { json: format!("{{\"resourceType\":\"Device\",\"id\":\"{n}\",\"x\":{}}}", roll(4)) },
                ),
                _ => (format!("ST:C{n}"), Objet::Structure(s)),
            };
            let payload = match roll(6) {
                0 => None,
                1 => Some(format!("bad {}", roll(3))),
                _ => Some(serde_json::to_string(&object).unwrap()),
            };
            let source = if entity.starts_with("FH:") { "fhir" } else { ["psla", "monotable"][roll(2) as usize] };
            changes.push(Change { entity, source: source.into(), payload, digest: 0 });
        }
        let cause = Cause { author: "t", reason: "t", now_ms: &|| ms * 86_400_000, any_clock: true };
        let made = registry.commit(cause, &mut |unit| changes.iter().cloned().try_for_each(|c| unit.put(c))).unwrap();
        if made.tx.is_none() {
            continue;
        }
        for (reading, index) in &stores {
            for tx in missing_transactions(&mut registry, index).unwrap() {
                let reading = if index.is_empty() && index.set_aside_count().unwrap() == 0 {
                    TransactionReading::FirstLoad
                } else {
                    *reading
                };
                apply(&mut registry, index, view, &tx, reading).unwrap();
            }
            assert_eq!(verify(&mut registry, index, view, &|_, _, _| {}).unwrap(), Vec::<String>::new());
        }
        let [a, b] = [0, 1].map(|n| content(&stores[n].1));
        let differing = a.iter().zip(&b).find(|(a, b)| a != b);
        assert_eq!((differing, a.len()), (None, b.len()), "{ms}");
        seen_aside += stores[0].1.set_aside_count().unwrap();
    }
    assert!(seen_aside > 100);
}
